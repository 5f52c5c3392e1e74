package code_test

import (
	"math"
	"slices"
	"testing"
	"testing/quick"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/mark/code"
)

func message(v uint64, n int) []uint8 {
	m := make([]uint8, n)
	for i := range m {
		v = v*6364136223846793005 + 1442695040888963407
		m[i] = uint8(v >> 63)
	}
	return m
}

func TestRoundTripAndErrors(t *testing.T) {
	f := func(seed uint64, size uint8) bool {
		m := message(seed, 1+int(size)%96)
		c := code.Encode(m)
		for _, i := range []int{3, len(c) / 2, len(c) - 2} { // three flipped values, far apart
			c[i] = -c[i]
		}
		got := code.Decode(c, len(m), 1)
		return slices.Equal(got[0], m)
	}
	require.NoError(t, quick.Check(f, &quick.Config{MaxCount: 200}))
}

// The free distance of this code is 18 (Larsen 1973): the lightest codeword
// differs from zero in 18 places.
func TestFreeDistance(t *testing.T) {
	least := math.MaxInt
	for v := 1; v < 1<<12; v++ {
		m := make([]uint8, 12)
		for i := range m {
			m[i] = uint8(v >> i & 1)
		}
		d := 0
		for _, c := range code.Encode(m) {
			if c < 0 {
				d++
			}
		}
		least = min(least, d)
	}
	assert.Equal(t, 18, least)
}

// On short messages the list is that of an exhaustive search.
func TestListAgainstExhaustiveSearch(t *testing.T) {
	const n, list = 9, 6
	for seed := range uint64(20) {
		soft := make([]float32, code.CodedLen(n))
		v := seed
		for i := range soft {
			v = v*6364136223846793005 + 1442695040888963407
			soft[i] = float32(int32(v>>32)) / (1 << 31)
		}
		type scored struct {
			m []uint8
			s float64
		}
		var all []scored
		for v := range 1 << n {
			m := make([]uint8, n)
			for i := range m {
				m[i] = uint8(v >> i & 1)
			}
			s := 0.0
			for i, c := range code.Encode(m) {
				s += float64(c) * float64(soft[i])
			}
			all = append(all, scored{m, s})
		}
		slices.SortFunc(all, func(a, b scored) int {
			if a.s > b.s {
				return -1
			}
			return 1
		})
		got := code.Decode(soft, n, list)
		require.Len(t, got, list)
		for k := range got {
			require.Equal(t, all[k].m, got[k], "seed %d rank %d", seed, k)
		}
	}
}

func BenchmarkDecode96List4(b *testing.B) {
	c := code.Encode(message(1, 96))
	for b.Loop() {
		code.Decode(c, 96, 4)
	}
}

func TestLnMeanAgainstAllMessages(t *testing.T) {
	const n = 8
	soft := make([]float64, code.CodedLen(n))
	for i := range soft {
		soft[i] = math.Sin(float64(3 * i))
	}
	for _, scale := range []float64{0, 0.3, 2} {
		sum := 0.0
		for m := range 1 << n {
			bits := make([]uint8, n)
			for i := range bits {
				bits[i] = uint8(m >> i & 1)
			}
			x := 0.0
			for j, c := range code.Encode(bits) {
				x += float64(c) * soft[j]
			}
			sum += math.Exp(scale * x)
		}
		assert.InDelta(t, math.Log(sum/(1<<n)), code.LnMean(soft, scale), 1e-9)
	}
}
