package odds

import (
	"math/bits"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Who removed marks is a prior: it sums to one, nobody did with 1 - rho, and all who may are alike.
func TestPriorOfRemoval(t *testing.T) {
	m := &model{}
	for _, kind := range []string{Copies, Copies, Copies, Insider} {
		m.sources = append(m.sources, source{kind: kind, parts: []part{{whole: 1, taken: [families]float64{1, 1, 1}}}})
	}
	for _, set := range [][]int{{3}, {0}, {0, 3}, {0, 1}, {3, 1, 0}, {0, 1, 2}} {
		c := &candidate{sources: set}
		sum, copies := 0.0, bits.OnesCount(uint(m.removable(c)))
		for d := range 1 << maxSources {
			if d&^m.removable(c) != 0 {
				continue
			}
			w := m.weight(c, &combination{removed: d, sources: len(set), times: 1}, point{tau: 0.5, rho: 0.2})
			sum += w
			switch {
			case copies == 0:
				assert.InDelta(t, 1, w, 1e-12)
			case d == 0:
				assert.InDelta(t, 0.8, w, 1e-12, set)
			default:
				assert.InDelta(t, 0.2/float64(int(1)<<copies-1), w, 1e-12, set)
			}
		}
		assert.InDelta(t, 1, sum, 1e-12, set)
	}
}
