package experiments_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	bench "github.com/kycmark/kycmark/bench/experiments"
)

func TestFind(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b.JPG", "a.png", "readme.md", "sub/c.tiff", "sub/deep/d.webp", "odd"} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, nil, 0o600))
	}
	files, err := bench.Find(filepath.Join(dir, "odd"), dir)
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
		files, err = bench.Find(link)
		require.NoError(t, err)
		assert.Equal(t, []string{filepath.Join(link, "c.tiff"), filepath.Join(link, "deep", "d.webp")}, files)
	}

	_, err = bench.Find(t.TempDir())
	require.ErrorIs(t, err, bench.ErrNoPictures)
	_, err = bench.Find(filepath.Join(dir, "missing"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestTestKeys(t *testing.T) {
	seen := map[string]bool{}
	for _, seed := range []uint64{0, 1, math.MaxUint64} {
		for n := -1; n < 3; n++ {
			key, err := bench.TestKey(seed, n)
			require.NoError(t, err)
			again, err := bench.TestKey(seed, n)
			require.NoError(t, err)
			assert.Equal(t, key.Secret(), again.Secret())
			assert.False(t, seen[key.ID()])
			seen[key.ID()] = true
		}
	}
}

func TestNumberInJSON(t *testing.T) {
	out, err := json.Marshal([]bench.Number{1.5, bench.Number(math.Inf(1)), bench.Number(math.NaN())})
	require.NoError(t, err)
	assert.JSONEq(t, `[1.5,null,null]`, string(out))
	var back []bench.Number
	require.NoError(t, json.Unmarshal(out, &back))
	assert.Equal(t, bench.Number(1.5), back[0])
	assert.True(t, math.IsNaN(float64(back[2])))
}

// The limits are those of scipy.stats.beta.ppf(.95, events+1, trials-events).
func TestUpperBound(t *testing.T) {
	for _, c := range []struct {
		events, trials int
		want           float64
	}{
		{0, 1, 0.95}, {0, 30, 0.09503385285530411}, {0, 2520, 0.0011880763260589114},
		{1, 10, 0.39416330243650466}, {5, 100, 0.1022533776432745},
		{2, 5040, 0.0012486331509578986}, {99, 100, 0.9994871985837377}, {7, 7, 1},
	} {
		assert.InEpsilon(t, c.want, bench.UpperBound(c.events, c.trials, .95), 1e-9, "%d of %d", c.events, c.trials)
	}
}
