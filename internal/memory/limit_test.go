package memory

import (
	"io/fs"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// The smallest limit counts, of the group of this process and of those above it.
func TestLimitsOfGroups(t *testing.T) {
	for _, c := range []struct {
		files map[string]string
		want  uint64
	}{
		{nil, math.MaxUint64},
		{map[string]string{"/proc/self/cgroup": "0::/a/b\n", "/sys/fs/cgroup/a/b/memory.max": "max\n"}, math.MaxUint64},
		{map[string]string{"/proc/self/cgroup": "0::/a/b\n", "/sys/fs/cgroup/a/b/memory.max": "9000\n", "/sys/fs/cgroup/a/memory.max": "8000\n"}, 8000},
		{map[string]string{"/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "7000\n"}, 7000},
		{map[string]string{"/proc/self/cgroup": "0::/../../other\n", "/sys/fs/cgroup/memory.max": "7000\n"}, 7000},
		{map[string]string{"/proc/self/cgroup": "5:cpu:/a\n4:freezer,memory:/docker/x\n0::/\n", "/sys/fs/cgroup/memory/memory.limit_in_bytes": "6000\n", "/sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes": "9223372036854771712\n"}, 6000},
		{map[string]string{"/proc/self/cgroup": "nonsense\n\n::\n", "/sys/fs/cgroup/memory.max": "-1\n"}, math.MaxUint64},
	} {
		got := ofGroups(func(file string) ([]byte, error) {
			if text, ok := c.files[file]; ok {
				return []byte(text), nil
			}
			return nil, fs.ErrNotExist
		})
		require.Equal(t, c.want, got, "%v", c.files)
	}
}
