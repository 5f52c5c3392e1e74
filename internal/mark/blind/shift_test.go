package blind

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/kycmark/kycmark/internal/mark/pattern"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The strongest shifts are those of all places of the grid, whether few are looked at or
// all, and an agreement that few places reach leaves no other.
func TestStrongestShiftsAgainstDefinition(t *testing.T) {
	kd, on, rng := testKeys(2), newShiftFinder(), rand.New(rand.NewPCG(1, 1))
	for seed := range 3 {
		var c [pattern.PilotN]complex64
		for k := range c {
			c[k] = complex(float32(rng.NormFloat64()), float32(rng.NormFloat64()))
		}
		if seed == 2 { // all but one are not held by the leak: a wave
			clear(c[1:])
		}
		v, u := kd.Aligned(&c), kd.Aligned(conjugate(&c))
		type place struct {
			x, y    int
			flipped bool
			sum     float64
		}
		var all []place
		for y := range shiftGrid {
			for x := range shiftGrid {
				for _, p := range []place{{x, y, false, 2 * kd.pilotSum(on, &v, 2*shiftStep*x, 2*shiftStep*y)}, {x, y, true, 2 * kd.pilotSum(on, &u, 2*shiftStep*x, 2*shiftStep*y)}} {
					if p.sum < 0 {
						p.sum = -p.sum
					}
					all = append(all, p)
				}
			}
		}
		slices.SortFunc(all, func(a, b place) int { return cmp.Compare(b.sum, a.sum) })
		best := kd.findShift(on, &c)
		for _, bar := range []float32{0, float32(all[shiftsKept].sum)} {
			strongest := on.strongest(kd.shifts(), bar)
			kept := strongest.kept[:]
			slices.SortFunc(kept, func(a, b gridShift) int { return cmp.Compare(abs(b.sum), abs(a.sum)) })
			for i, s := range kept {
				require.InDelta(t, all[i].sum, float64(abs(s.sum)), 1e-2)
			}
		}
		assert.Positive(t, best.z)
		assert.LessOrEqual(t, best.z, 8.0001)
	}
}
