package geometry_test

import (
	"math"
	"testing"
	"testing/quick"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/geometry"
)

var tilted = geometry.Mat{0.9, -0.2, 40, 0.3, 1.1, -25, 2e-4, -1e-4, 1}

func grid(m geometry.Mat) []geometry.Pair {
	var out []geometry.Pair
	for y := 0; y <= 600; y += 100 {
		for x := 0; x <= 800; x += 100 {
			p := geometry.Point{X: float64(x), Y: float64(y)}
			out = append(out, geometry.Pair{From: p, To: m.Apply(p)})
		}
	}
	return out
}

func near(t *testing.T, want, got geometry.Mat, tol float64) {
	t.Helper()
	for _, p := range grid(want) {
		q := got.Apply(p.From)
		require.InDelta(t, p.To.X, q.X, tol)
		require.InDelta(t, p.To.Y, q.Y, tol)
	}
}

func TestInverse(t *testing.T) {
	f := func(a, b, c, d, e, g int8) bool {
		m := geometry.Mat{1 + float64(a)/300, float64(b) / 300, float64(c), float64(d) / 300, 1 + float64(e)/300, float64(g), 1e-4, -2e-4, 1}
		inv, ok := m.Inverse()
		if !ok {
			return false
		}
		p := geometry.Point{X: 123, Y: -45}
		q := inv.Apply(m.Apply(p))
		return math.Abs(q.X-p.X) < 1e-6 && math.Abs(q.Y-p.Y) < 1e-6
	}
	require.NoError(t, quick.Check(f, nil))
	_, ok := geometry.Mat{}.Inverse()
	assert.False(t, ok)
}

func TestFitsRecoverTheMap(t *testing.T) {
	h, ok := geometry.FitHomography(grid(tilted))
	require.True(t, ok)
	near(t, tilted, h, 1e-6)

	sim := geometry.Mat{0.8, -0.6, 7, 0.6, 0.8, -3, 0, 0, 1}
	s, ok := geometry.FitSimilarity(grid(sim))
	require.True(t, ok)
	near(t, sim, s, 1e-9)

	_, ok = geometry.FitHomography(grid(tilted)[:3])
	assert.False(t, ok)
	_, ok = geometry.FitSimilarity(grid(sim)[:1])
	assert.False(t, ok)
}

func TestFitAffineRecoversTheMap(t *testing.T) {
	want := geometry.Mat{0.9, -0.2, 40, 0.3, 1.1, -25, 0, 0, 1}
	m, ok := geometry.FitAffine(grid(want))
	require.True(t, ok)
	near(t, want, m, 1e-8)

	_, ok = geometry.FitAffine(grid(want)[:2])
	assert.False(t, ok)
	line := []geometry.Pair{{}, {From: geometry.Point{X: 1, Y: 1}}, {From: geometry.Point{X: 2, Y: 2}}, {From: geometry.Point{X: 7, Y: 7}}}
	_, ok = geometry.FitAffine(line)
	assert.False(t, ok, "points on a line")
}

// Noise makes four corners look tilted; the ridge takes that for noise.
func TestRidgeKeepsFewPairsAffine(t *testing.T) {
	pairs := []geometry.Pair{
		{From: geometry.Point{X: 0, Y: 0}, To: geometry.Point{X: 0, Y: 0}}, {From: geometry.Point{X: 100, Y: 0}, To: geometry.Point{X: 101, Y: 0}},
		{From: geometry.Point{X: 0, Y: 100}, To: geometry.Point{X: 0, Y: 100}}, {From: geometry.Point{X: 100, Y: 100}, To: geometry.Point{X: 100, Y: 99}},
	}
	tilt := func(ridge float64) float64 {
		m, ok := geometry.FitHomographyRidge(pairs, ridge)
		require.True(t, ok)
		return math.Abs(m[6]) + math.Abs(m[7])
	}
	assert.Greater(t, tilt(0), 5*tilt(10))

	m, ok := geometry.FitHomographyRidge(grid(tilted), 1e-9)
	require.True(t, ok)
	near(t, tilted, m, 1e-3)
}

func TestRobustIgnoresAThirdOfWrongPairs(t *testing.T) {
	pairs := grid(tilted)
	wrong := 0
	for i := range pairs {
		if i%3 == 0 {
			pairs[i].To.X += 50 + float64(i*37%90)
			wrong++
		}
	}
	m, n := geometry.Robust(pairs, 4, 400, 1, geometry.FitHomography)
	assert.Equal(t, len(pairs)-wrong, n)
	near(t, tilted, m, 1e-6)
	again, _ := geometry.Robust(pairs, 4, 400, 1, geometry.FitHomography)
	assert.Equal(t, m, again)
	_, n = geometry.Robust(pairs[:2], 4, 400, 1, geometry.FitHomography)
	assert.Zero(t, n)
}
