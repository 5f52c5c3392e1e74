package odds

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Marks that were missed by chance alone are seldom held against a recipient's copies, however
// many there are: in 1 dump of 20 at most.
func TestAbsenceByChance(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 9))
	for _, n := range []int{2, 5, 20, 100} {
		for _, top := range []float64{0.2, 0.5, 0.9} {
			hits, dumps := 0.0, 1000
			for range dumps {
				m := &model{}
				var silent []item
				for i := range n {
					miss := top * rng.Float64()
					missed, it := rng.Float64() < miss, item{leaks: []int{i}, matched: true}
					m.seen = append(m.seen, sighting{matched: true, miss: map[int]float64{0: miss}, sure: map[int]bool{0: !missed}})
					if m.items = append(m.items, it); missed {
						silent = append(silent, it)
					}
				}
				if m.improbable(0, silent) {
					hits++
				}
			}
			assert.LessOrEqual(t, hits/float64(dumps), 0.05, "%d copies, each missed with %v at most", n, top)
		}
	}
}
