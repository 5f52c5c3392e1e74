package photometry

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
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

// A curve has the same bits where products and sums are fused: GOAMD64=v3, arm64.
func TestToneCurveVectors(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	f := newToneFit(&toneSample{at: make([]int32, 1000), leak: make([]float32, 1000)})
	var all []byte
	for range 100 {
		for i := range f.base {
			f.base[i], f.leak[i], f.weight[i] = 255*r.Float32(), 255*r.Float32(), r.Float64()
		}
		for _, c := range f.solve() {
			all = binary.LittleEndian.AppendUint64(all, math.Float64bits(c))
		}
	}
	require.Equal(t, "f9953114a2265d7628949012009f43035dcf8daa1dc879a85bf1895589a59b0f", fmt.Sprintf("%x", sha256.Sum256(all)))
}
