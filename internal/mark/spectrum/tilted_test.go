package spectrum

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/mark/code"
	"github.com/kycmark/kycmark/internal/mark/pattern"
)

// In each part a tilt moves frequencies by the transpose of the derivative of its map there.
func TestTiltIsTheDerivativeOfItsMap(t *testing.T) {
	const w, h, e = 800, 600, 1e-3
	tilt := Tilt{B: [4]float64{0.9, -0.3, 0.4, 1.1}, G: [2]float64{0.11, -0.07}}
	m := tilt.Map(w, h)
	for _, at := range []geometry.Point{{}, {X: 0.3, Y: -0.2}, {X: -0.4, Y: 0.35}} {
		x, y := float64(w)/2+at.X*w, float64(h)/2+at.Y*w
		left, right := m.Apply(geometry.Point{X: x - e, Y: y}), m.Apply(geometry.Point{X: x + e, Y: y})
		up, down := m.Apply(geometry.Point{X: x, Y: y - e}), m.Apply(geometry.Point{X: x, Y: y + e})
		want := Transpose([4]float64{(right.X - left.X) / (2 * e), (down.X - up.X) / (2 * e), (right.Y - left.Y) / (2 * e), (down.Y - up.Y) / (2 * e)})
		got := compose(inPart(tilt.G, at), tilt.B)
		assert.InDeltaSlice(t, want[:], got[:], 1e-6)
	}
}

// Peaks too faint for any part are found in all parts together, under perspective and stretched, in an even and an odd number
// of parts. Texture that repeats is stronger than the peaks, and does not win.
func TestPartsFindATilt(t *testing.T) {
	f := pattern.NewKeys(&[code.SecretSize]byte{1, 1, 2, 3}).MarkFrequencies()[:]
	for seed, want := range []Tilt{
		{B: [4]float64{0.8, -0.55, 0.6, 0.78}, G: [2]float64{0.09, -0.1}},
		{B: [4]float64{0.05, 1.03, -0.98, 0}, G: [2]float64{-0.13, 0.02}},
		{B: [4]float64{-1.0, 0.04, 0.02, 1.05}, G: [2]float64{0.03, 0.12}}, // mirrored
	} {
		rng, texture := rand.New(rand.NewPCG(7, uint64(seed))), pattern.NewKeys(&[code.SecretSize]byte{byte(seed)}).MarkFrequencies()[:6]
		var parts Parts
		best := math.Inf(-1)
		for i := range 20 + seed%2 {
			at := geometry.Point{X: float64(i%5)*0.16 - 0.32, Y: float64(i/5)*0.14 - 0.21}
			b := compose(inPart(want.G, at), want.B)
			m := noisyPeaks(rng, f, b, 0.8)
			for j, v := range noisyPeaks(rng, texture, Plain, 3*CapLow).g.Pix {
				if v == CapLow {
					m.g.Pix[j] = v
				}
			}
			parts.Add(m, at)
			_, score := m.Climb(f, b, .004, .002)
			best = max(best, score)
		}
		got := parts.Best(new(PolarSums), f, Scales{0.5, 1.5}, 8)[0]
		require.Greater(t, got.Score, best)
		b := upright(got.B, want.B)
		assert.InDeltaSlice(t, want.B[:], b[:], 0.02)
		assert.InDeltaSlice(t, want.G[:], got.G[:], 0.03)
	}
	assert.Empty(t, new(Parts).Best(new(PolarSums), f, Scales{0.5, 1.5}, 4))
}
