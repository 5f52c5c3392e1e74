package photometry

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Errors are sorted and their medians found by their bits: as by their values.
func TestOrderOfErrors(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{1, 2, 999, 1 << 12, 9001} {
		x := make([]float32, n)
		for i := range x {
			x[i] = abs(float32(r.NormFloat64() * 20))
			if i%7 == 0 {
				x[i] = abs(float32(i % 3)) // many are alike
			}
		}
		want := slices.Sorted(slices.Values(x))
		assert.Equal(t, want[n/2], median(slices.Clone(x)), n)
		f := newToneFit(&toneSample{at: make([]int32, n)})
		assert.Equal(t, want, f.sorted(slices.Clone(x)), n)
	}
	assert.Zero(t, median(nil))
}
