package memory_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/memory"
)

// What is allocated after LargePages lies where the kernel gives large pages (flag hg of proc_pid_smaps(5)).
func TestLargePages(t *testing.T) {
	memory.LargePages()
	picture := make([]byte, 48<<20)
	at := uintptr(unsafe.Pointer(&picture[0]))
	maps, err := os.ReadFile("/proc/self/smaps")
	require.NoError(t, err)
	var from, to uintptr
	for line := range strings.Lines(string(maps)) {
		_, _ = fmt.Sscanf(line, "%x-%x ", &from, &to) // other lines have no two numbers
		if flags, is := strings.CutPrefix(line, "VmFlags:"); is && from <= at && at < to {
			require.Contains(t, strings.Fields(flags), "hg")
			require.LessOrEqual(t, at+uintptr(len(picture)), to)
			require.Equal(t, bytes.Repeat([]byte{0}, 1<<20), picture[:1<<20])
			return
		}
	}
	t.Fatal("the heap has no flags")
}
