package archive_test

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/archive"
	"github.com/kycmark/kycmark/phash"
)

func entry(r *rand.Rand, name string, quality int) archive.Entry {
	e := archive.Entry{Name: name, Hash: phash.Hash{Kind: phash.PDQ}, Quality: quality}
	for i := range e.Hash.Bits {
		e.Hash.Bits[i] = r.Uint64()
	}
	return e
}

// found is the name under which the archive has a hash, or "".
func found(t *testing.T, a *archive.Archive, h phash.Hash) string {
	t.Helper()
	hits, err := a.Index.Search(h, 0)
	require.NoError(t, err)
	if len(hits) == 0 {
		return ""
	}
	require.Len(t, hits, 1)
	return a.Name(hits[0].Ref)
}

func reopen(t *testing.T, a *archive.Archive, dir string) *archive.Archive {
	t.Helper()
	require.NoError(t, a.Save())
	require.NoError(t, a.Close())
	a, err := archive.Open(dir)
	require.NoError(t, err)
	return a
}

func TestArchive(t *testing.T) {
	r, dir := rand.New(rand.NewPCG(1, 1)), filepath.Join(t.TempDir(), "x")
	_, err := archive.Open(dir)
	require.ErrorIs(t, err, archive.ErrNone)
	a, err := archive.Create(dir, phash.PDQ, false, false)
	require.NoError(t, err)
	odd := []string{"a.jpg", "two\nlines", `"quoted"`, "ü\x00\xff", "-"}
	var entries []archive.Entry
	for _, name := range odd {
		entries = append(entries, entry(r, name, 100))
	}
	stored, err := a.Add(append(entries, entry(r, "blank", 0), entry(r, "a.jpg", 0), entries[0]))
	require.NoError(t, err)
	require.Equal(t, len(odd), stored)
	for range 3 {
		for i, name := range odd {
			require.Equal(t, name, found(t, a, entries[i].Hash))
		}
		assert.EqualValues(t, 2, a.Index.Skipped())
		a = reopen(t, a, dir)
	}

	// The same name again is the same picture.
	again := entry(r, "two\nlines", 90)
	_, err = a.Add([]archive.Entry{again, entry(r, "b.jpg", 90)})
	require.NoError(t, err)
	a = reopen(t, a, dir)
	require.Equal(t, len(odd)+1, a.Index.Len())
	require.Equal(t, "two\nlines", found(t, a, again.Hash))
	require.Empty(t, found(t, a, entries[1].Hash))

	// What is removed is on the disk no more.
	require.Equal(t, 1, a.Remove(map[string]bool{"b.jpg": true, "none": true}))
	require.Zero(t, a.Remove(map[string]bool{"": true}), "no name, but the line of what was removed")
	a = reopen(t, a, dir)
	require.Equal(t, len(odd), a.Index.Len())
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, files, 3, "old files are left")
	for _, f := range files {
		data, err := os.ReadFile(filepath.Join(dir, f.Name()))
		require.NoError(t, err)
		require.NotContains(t, string(data), "b.jpg")
	}
	_, err = archive.Create(dir, phash.PDQ, false, false)
	require.ErrorIs(t, err, fs.ErrExist)
	_, err = a.Add([]archive.Entry{{}})
	require.ErrorIs(t, err, archive.ErrName)
	_, err = a.Add([]archive.Entry{{Name: "x", Hash: phash.Hash{Kind: phash.Average}, Quality: 100}})
	require.ErrorIs(t, err, phash.ErrKind)
	require.NoError(t, a.Close())
}

// Two writers: the second does not undo the first.
func TestArchiveChanged(t *testing.T) {
	r, dir := rand.New(rand.NewPCG(2, 1)), t.TempDir()
	a, err := archive.Create(dir, phash.PDQ, false, false)
	require.NoError(t, err)
	b, err := archive.Create(dir, phash.PDQ, false, false)
	require.NoError(t, err)
	require.NoError(t, a.Save())
	require.ErrorIs(t, b.Save(), archive.ErrChanged)
	c, err := archive.Open(dir)
	require.NoError(t, err)
	_, err = a.Add([]archive.Entry{entry(r, "a", 100)})
	require.NoError(t, err)
	require.NoError(t, a.Save())
	require.ErrorIs(t, c.Save(), archive.ErrChanged)
	require.NoError(t, c.Close())
	a = reopen(t, a, dir)
	require.Equal(t, 1, a.Index.Len())
	require.NoError(t, a.Close())
}

func TestArchiveDamaged(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	for _, what := range []string{"index.json", "hashes-*", "names-*"} {
		for name, damage := range map[string]func([]byte) []byte{
			"cut":   func(b []byte) []byte { return b[:len(b)/2] },
			"empty": func([]byte) []byte { return nil },
			"bit":   func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
			"more":  func(b []byte) []byte { return append(b, 'x') },
		} {
			dir := t.TempDir()
			a, err := archive.Create(dir, phash.PDQ, false, false)
			require.NoError(t, err)
			var entries []archive.Entry
			for i := range 20 {
				entries = append(entries, entry(r, fmt.Sprint(i), 100))
			}
			_, err = a.Add(entries)
			require.NoError(t, err)
			require.NoError(t, a.Save())
			files, err := filepath.Glob(filepath.Join(dir, what))
			require.NoError(t, err)
			data, err := os.ReadFile(files[0])
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(files[0], damage(data), 0o600))
			_, err = archive.Open(dir)
			require.Error(t, err, "%s %s", what, name)
			require.True(t, strings.Contains(err.Error(), dir), err)
		}
	}
	dir := t.TempDir()
	for _, text := range []string{`{}`, `{"version":2}`, `{"version":1,"parts":{}}`,
		`{"version":1,"parts":{"hashes":{"file":"../hashes-1"},"names":{"file":"names-1"}}}`,
		`{"version":1,"parts":{"hashes":{"file":"hashes-1"},"names":{"file":"names-1"},"x":{"file":"/etc/passwd"}}}`} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "index.json"), []byte(text), 0o600))
		_, err := archive.Open(dir)
		require.Error(t, err, text)
	}
}
