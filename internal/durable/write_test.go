package durable_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/durable"
	"github.com/kycmark/kycmark/internal/test/skip"
)

// names lists a folder: whatever it shows beyond the file is litter.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	out := []string{}
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(b)
}

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "key")
	require.NoError(t, durable.WriteFile(path, []byte("first"), 0o600, false))
	assert.Equal(t, "first", content(t, path))
	if runtime.GOOS != "windows" {
		st, err := os.Stat(path)
		require.NoError(t, err)
		assert.Equal(t, fs.FileMode(0o600), st.Mode())
	}

	err := durable.WriteFile(path, []byte("second"), 0o600, false)
	require.ErrorIs(t, err, fs.ErrExist)
	assert.Equal(t, "first", content(t, path))

	require.NoError(t, durable.WriteFile(path, []byte("third"), 0o600, true))
	assert.Equal(t, "third", content(t, path))
	require.NoError(t, durable.WriteFile(path, nil, 0o600, true))
	assert.Empty(t, content(t, path))
	assert.Equal(t, []string{"key"}, names(t, dir))
}

func TestWriteFileInCurrentFolder(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, durable.WriteFile("report.html", []byte("x"), 0o644, false))
	assert.Equal(t, []string{"report.html"}, names(t, "."))
}

func TestErrorsNameThePath(t *testing.T) {
	dir := t.TempDir()
	folder := filepath.Join(dir, "folder")
	require.NoError(t, os.Mkdir(folder, 0o700))
	for _, c := range []struct {
		name, path string
		overwrite  bool
		is         error
	}{
		{"no path", "", true, fs.ErrInvalid},
		{"no such folder", filepath.Join(dir, "none", "x"), false, fs.ErrNotExist},
		{"a folder is there", folder, false, fs.ErrExist},
		{"overwrite a folder", folder, true, nil},
		{"a long name", filepath.Join(dir, strings.Repeat("x", 300)), true, nil},
	} {
		err := durable.WriteFile(c.path, []byte("x"), 0o600, c.overwrite)
		require.Error(t, err, c.name)
		if c.is != nil {
			require.ErrorIs(t, err, c.is, c.name)
		}
		var pe *fs.PathError
		require.ErrorAs(t, err, &pe, c.name)
		assert.Equal(t, c.path, pe.Path, c.name)
		assert.NotContains(t, err.Error(), ".tmp", c.name)
	}
	assert.Equal(t, []string{"folder"}, names(t, dir))
}

func TestSymbolicLinkIsReplaced(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	require.NoError(t, os.WriteFile(target, []byte("precious"), 0o600))
	if err := os.Symlink(target, link); err != nil {
		skip.Test(t, "no symbolic links here: %v", err)
	}
	require.ErrorIs(t, durable.WriteFile(link, []byte("x"), 0o600, false), fs.ErrExist)
	require.NoError(t, durable.WriteFile(link, []byte("x"), 0o600, true))
	assert.Equal(t, "precious", content(t, target))
	assert.Equal(t, "x", content(t, link))
}

func TestFailureLeavesNothing(t *testing.T) {
	failure := errors.New("disk on fire")
	for _, c := range []struct {
		step              string
		overwrite, exists bool
	}{
		{"fill", false, false},
		{"fill", true, false},
		{"fill", true, true},
		{"rename", true, false},
		{"rename", true, true},
		{"link and rename", false, false},
		{"sync folder", false, false},
	} {
		t.Run(fmt.Sprintf("%s, overwrite %v, exists %v", c.step, c.overwrite, c.exists), func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "f")
			want := []string{}
			if c.exists {
				require.NoError(t, os.WriteFile(path, []byte("old"), 0o600))
				want = append(want, "f")
			}
			err := durable.WriteFileFailing(c.step, failure, path, []byte("new content"), 0o600, c.overwrite)
			require.ErrorIs(t, err, failure)
			assert.Equal(t, want, names(t, dir))
			if c.exists {
				assert.Equal(t, "old", content(t, path))
			}
			require.NoError(t, durable.WriteFile(path, []byte("again"), 0o600, c.overwrite), "a second try")
			assert.Equal(t, "again", content(t, path))
		})
	}
}

func TestWithoutHardLinks(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	none := errors.New("operation not supported")
	require.NoError(t, durable.WriteFileFailing("link", none, path, []byte("x"), 0o600, false))
	assert.Equal(t, "x", content(t, path))
	require.ErrorIs(t, durable.WriteFileFailing("link", none, path, []byte("y"), 0o600, false), fs.ErrExist)
	assert.Equal(t, "x", content(t, path))
	assert.Equal(t, []string{"f"}, names(t, dir))
}

// Of many writers at once exactly one gets the name, with or without hard
// links.
func TestOneWriterWins(t *testing.T) {
	for _, step := range []string{"none", "link"} {
		dir := t.TempDir()
		path := filepath.Join(dir, "f")
		var won atomic.Int32
		var writers sync.WaitGroup
		start := make(chan struct{})
		for i := range 16 {
			writers.Go(func() {
				<-start
				data := bytes.Repeat([]byte{byte('a' + i)}, 5000)
				err := durable.WriteFileFailing(step, errors.ErrUnsupported, path, data, 0o600, false)
				if err == nil {
					won.Add(1)
				} else if !errors.Is(err, fs.ErrExist) {
					t.Error(err)
				}
			})
		}
		close(start)
		writers.Wait()
		assert.Equal(t, int32(1), won.Load())
		got := content(t, path)
		require.Len(t, got, 5000)
		assert.Equal(t, strings.Repeat(got[:1], 5000), got)
		assert.Equal(t, []string{"f"}, names(t, dir))
	}
}

// A reader sees the old content or the new, never a mixture or nothing.
func TestReadersSeeWholeFiles(t *testing.T) {
	if runtime.GOOS == "windows" {
		skip.Test(t, "on Windows an open file cannot be replaced")
	}
	path := filepath.Join(t.TempDir(), "f")
	const size = 200_000
	require.NoError(t, durable.WriteFile(path, bytes.Repeat([]byte("0"), size), 0o600, false))
	done := make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			b, err := os.ReadFile(path)
			if err != nil || len(b) != size || bytes.Count(b, b[:1]) != size {
				t.Errorf("read %d bytes: %v", len(b), err)
				return
			}
		}
	})
	for i := range 40 {
		require.NoError(t, durable.WriteFile(path, bytes.Repeat([]byte{byte('0' + i%10)}, size), 0o600, true))
	}
	close(done)
	reader.Wait()
}

// What a killed process leaves is a file, or a folder of a bundle. A link is neither, and what is young may be in use.
func TestClean(t *testing.T) {
	dir, old := t.TempDir(), time.Now().Add(-2*durable.Settled)
	for _, name := range []string{"old", "young"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, ".kycmark-"+name+"-file.tmp"), nil, 0o600))
		require.NoError(t, os.MkdirAll(filepath.Join(dir, ".kycmark-"+name+"-folder.tmp", "bundle"), 0o700))
	}
	if runtime.GOOS != "windows" {
		require.NoError(t, os.Symlink(dir, filepath.Join(dir, ".kycmark-link.tmp")))
	}
	for _, name := range []string{"file", "folder"} {
		require.NoError(t, os.Chtimes(filepath.Join(dir, ".kycmark-old-"+name+".tmp"), old, old))
	}
	for _, remove := range []bool{false, true} {
		n, err := durable.Clean(dir, "", time.Now().Add(-durable.Settled), remove)
		require.NoError(t, err)
		require.Equal(t, 2, n)
	}
	left := slices.DeleteFunc(names(t, dir), func(name string) bool { return name == ".kycmark-link.tmp" })
	require.Equal(t, []string{".kycmark-young-file.tmp", ".kycmark-young-folder.tmp"}, left)
}
