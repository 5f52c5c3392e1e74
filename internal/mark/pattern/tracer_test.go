package pattern

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/mark/code"
)

func TestTracerIsTheCopysOwn(t *testing.T) {
	k := NewKeys(&[code.SecretSize]byte{5, 1, 2, 3})
	sub := [16]byte{9}
	a := k.Tracer(sub, 1, 640, 480)
	assert.InDelta(t, 1, a.RMS(), 1e-4)
	dot := func(b dsp.Plane) float64 {
		s := 0.0
		for i, v := range a.Pix {
			s += float64(v * b.Pix[i])
		}
		return s / float64(len(a.Pix))
	}
	assert.InDelta(t, 1, dot(k.Tracer(sub, 1, 640, 480)), 1e-4)
	for name, b := range map[string]dsp.Plane{
		"copy": k.Tracer(sub, 2, 640, 480), "submission": k.Tracer([16]byte{8}, 1, 640, 480), "key": NewKeys(&[code.SecretSize]byte{6, 1, 2, 3}).Tracer(sub, 1, 640, 480),
	} {
		assert.Less(t, math.Abs(dot(b)), 0.35, name) // few coefficients carry most of a 1/f spectrum
	}
}

func TestTracerBandIsTheHalfOpenRing(t *testing.T) {
	for v := range TracerSize {
		first, n := TracerSpan(v)
		for u := range TracerSize {
			f := math.Hypot(float64(u), float64(v)) / 2
			require.Equal(t, f >= tracerLow && f < TracerHigh, u >= first && u < first+n, "u=%d v=%d", u, v)
		}
	}
}
