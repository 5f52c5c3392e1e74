package mapfile_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/mapfile"
)

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x")
	for _, size := range []int{0, 1, 4096, 3<<20 + 7} {
		want := bytes.Repeat([]byte{byte(size + 1)}, size)
		require.NoError(t, os.WriteFile(path, want, 0o600))
		f, err := mapfile.Open(path, int64(size))
		require.NoError(t, err)
		assert.True(t, bytes.Equal(want, f.Bytes()))
		require.NoError(t, f.Close())
		require.NoError(t, f.Close(), "twice")
		if size > 0 {
			_, err = mapfile.Open(path, int64(size-1))
			require.Error(t, err)
		}
	}
	_, err := mapfile.Open(filepath.Join(dir, "none"), 1)
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = mapfile.Open(dir, 1<<40)
	require.Error(t, err)
}
