package spectrum

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/dsp"
)

// Bands leave out no peak that lies within reach.
func TestBandsLeaveOutNoPeak(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	pk := make([]peak, maxObserved)
	for i := range pk {
		pk[i] = peak{rng.Float64() - 0.5, 0}
	}
	pk[0].x, pk[1].x, pk[2].x = -0.5, 0.5, 0
	b := newBands(pk, func(p peak) float64 { return p.x })
	for range 1000 {
		f, reach := 0.8*rng.Float64()-0.4, 0.1*rng.Float64()
		near := b.within(f, reach)
		in := map[int]bool{}
		for i := range dsp.SetBits(near[:]) {
			in[i] = true
		}
		for i, p := range pk {
			if p.x >= f-reach && p.x <= f+reach {
				require.True(t, in[i], "%v of %v +- %v", p.x, f, reach)
			}
			if p.x < f-reach-2.0/axisBands || p.x > f+reach+2.0/axisBands {
				require.False(t, in[i], "%v of %v +- %v", p.x, f, reach)
			}
		}
	}
}
