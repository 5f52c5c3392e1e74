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

// TestRealMark measures the real mark on one drawn passport. The other tests put
// their own mark in its place, which costs nothing.
func TestRealMark(t *testing.T) {
	file := filepath.Join(t.TempDir(), "passport.png")
	f, err := os.Create(file)
	require.NoError(t, err)
	page := specimen.Render(specimen.Passport, specimen.NewPerson(5), 640)
	require.NoError(t, picture.Encode(f, page, "png", 0))
	require.NoError(t, f.Close())
	cfg := bench.Config{Pictures: []string{file}, Attacks: []string{"telegram_low"}}

	rep, err := bench.Robustness(t.Context(), cfg)
	require.NoError(t, err)
	require.Empty(t, rep.Broken)
	assert.Equal(t, bench.Rate{Read: 1, Tried: 1}, rep.Total)
	assert.Empty(t, rep.Wrong)
}
