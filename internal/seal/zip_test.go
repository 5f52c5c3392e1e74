package seal

import (
	"archive/zip"
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A small archive of many files in deep folders is refused before a list of folders is made of it.
func TestArchiveOfTooManyFiles(t *testing.T) {
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for i := range maxFiles + 1 {
		_, err := z.CreateRaw(&zip.FileHeader{Name: fmt.Sprintf("%06d/", i) + strings.Repeat("a/", 96) + "f", Method: zip.Store})
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := parseArchive(buf.Bytes())
	runtime.ReadMemStats(&after)
	require.ErrorIs(t, err, ErrBundle)
	assert.ErrorContains(t, err, "files")
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(8*buf.Len()))
}
