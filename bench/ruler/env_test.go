package ruler

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/attack"
)

func TestFind(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b.JPG", "a.png", "readme.md", "sub/c.tiff", "sub/deep/d.webp", "odd"} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, nil, 0o600))
	}
	files, err := Find(filepath.Join(dir, "odd"), dir)
	require.NoError(t, err)
	var names []string
	for _, f := range files {
		rel, err := filepath.Rel(dir, f)
		require.NoError(t, err)
		names = append(names, filepath.ToSlash(rel))
	}
	assert.Equal(t, []string{"odd", "a.png", "b.JPG", "sub/c.tiff", "sub/deep/d.webp"}, names)

	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(filepath.Join(dir, "sub"), link); err == nil { // not on every system
		files, err = Find(link)
		require.NoError(t, err)
		assert.Equal(t, []string{filepath.Join(link, "c.tiff"), filepath.Join(link, "deep", "d.webp")}, files)
	}

	_, err = Find(t.TempDir())
	require.ErrorIs(t, err, ErrNoPictures)
	_, err = Find(filepath.Join(dir, "missing"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestTestKeys(t *testing.T) {
	seen := map[string]bool{}
	for _, seed := range []uint64{0, 1, math.MaxUint64} {
		for n := -1; n < 3; n++ {
			key := (&Env{Seed: seed}).TestKey(n)
			again := (&Env{Seed: seed}).TestKey(n)
			assert.Equal(t, key.Secret(), again.Secret())
			assert.False(t, seen[key.ID()])
			seen[key.ID()] = true
		}
	}
}

func TestAttacks(t *testing.T) {
	all, err := (&Env{}).Attacks()
	require.NoError(t, err)
	assert.Len(t, all, 63)
	some, err := (&Env{AttackNames: []string{"x_jpeg5", "tone", "gray"}}).Attacks()
	require.NoError(t, err)
	require.Len(t, some, 7)
	assert.Equal(t, "x_jpeg5", some[6].Name, "in the order of the list, each once")
	_, err = (&Env{AttackNames: []string{"jpeg91"}}).Attacks()
	require.ErrorIs(t, err, attack.ErrUnknown)
}
