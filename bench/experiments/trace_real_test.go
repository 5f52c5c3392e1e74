package experiments_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	bench "github.com/kycmark/kycmark/bench/experiments"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/specimen"
)

// TestRealTrace traces real marks on one drawn passport: a messenger's copy, two
// copies mixed, and two thumbnails together.
func TestRealTrace(t *testing.T) {
	file := filepath.Join(t.TempDir(), "passport.png")
	f, err := os.Create(file)
	require.NoError(t, err)
	page := specimen.Render(specimen.Passport, specimen.NewPerson(5), 640)
	require.NoError(t, picture.Encode(f, page, "png", 0))
	require.NoError(t, f.Close())
	rep, err := bench.Trace(t.Context(), bench.TraceConfig{
		Config: bench.Config{Pictures: []string{file}, Attacks: []string{"telegram_low"}},
		Issued: 10, Colluders: []int{2}, Mixes: []string{"mean"}, Then: []string{"jpeg75"},
		Pool: []string{"thumb320"}, PoolLeaks: 2,
	})
	require.NoError(t, err)
	require.Empty(t, rep.Broken)
	require.Empty(t, rep.Errors)
	assert.Equal(t, 1, rep.Total.Named)
	assert.Equal(t, 1, rep.Total.Decoded)
	assert.Zero(t, rep.Alarms())
	assert.Equal(t, 2, rep.Collusion[0].Named)
	assert.Equal(t, 1, rep.Pool[1].Named)
	assert.Greater(t, float64(rep.Pool[1].Score.Min), float64(rep.Pool[0].Score.Min), "together they say more")
}
