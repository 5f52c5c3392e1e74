package capture_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/capture"
)

// A ratio never exceeds what its units support, however well all figures fit.
func TestRatiosAreLimited(t *testing.T) {
	table, err := capture.Recorded()
	require.NoError(t, err)
	best, err := table.Of(capture.Figures{Detail: 1, Text: 0.001, Light: 0.3, Place: 0.03, Noise: 1})
	require.NoError(t, err)
	none, err := table.Of(capture.NoFigures())
	require.NoError(t, err)
	for i, x := range [][2]float64{{best.Capture, none.Capture}, {best.Document, none.Document}, {best.Stranger, none.Stranger}} {
		limit := math.Log10(float64(table.Ratios[i].Units))
		assert.Greater(t, x[0], 1.0, i)
		assert.LessOrEqual(t, x[0], limit)
		assert.Less(t, x[1], -0.5, i)
		assert.GreaterOrEqual(t, x[1], -limit)
	}
	_, err = table.Of(capture.Figures{Detail: 1.1, Text: 0.001, Light: 0.3, Place: 0.03})
	assert.EqualError(t, err, "detail is 1.1, want 0 to 1")
}

// By hand: with 9 units L becomes (9 L + 1) / (9 + L).
func TestLimited(t *testing.T) {
	for _, c := range []struct{ lr, want float64 }{
		{0, 0}, {1, math.Log10(91. / 19)}, {-1, -math.Log10(91. / 19)}, {2, math.Log10(901. / 109)}, {300, math.Log10(9)}, {-300, -math.Log10(9)},
	} {
		assert.InDelta(t, c.want, capture.Limited(c.lr, 9), 1e-6, c.lr)
	}
	assert.Zero(t, capture.Limited(50, 1), "one unit supports nothing")
}

// Each figure that comes nearer to the same capture raises the ratio against another capture, and a
// little more of any figure is seen in it.
func TestRatiosRise(t *testing.T) {
	table, err := capture.Recorded()
	require.NoError(t, err)
	from := capture.Figures{Detail: 0.9, Text: 0.01, Light: 2, Place: 0.4, Noise: 0.3}
	of := func(f capture.Figures) capture.Ratios {
		r, err := table.Of(f)
		require.NoError(t, err)
		return r
	}
	base := of(from)
	for _, nearer := range []func(*capture.Figures){
		func(f *capture.Figures) { f.Light = 0.5 }, func(f *capture.Figures) { f.Place = 0.1 }, func(f *capture.Figures) { f.Noise = 0.9 },
	} {
		f := from
		nearer(&f)
		assert.Greater(t, of(f).Capture, base.Capture)
	}
	text := from
	text.Text = 0.05
	assert.Less(t, of(text).Document, base.Document)
}
