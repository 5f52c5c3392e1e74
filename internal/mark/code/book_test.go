package code

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/long"
)

// bookPayload returns a payload and a book of n IDs.
func bookPayload(n int) (Payload, []uint64, *Book) {
	p := NewPayload(func(label string, n int) []byte { return Derive(&[SecretSize]byte{5}, label, n) })
	r := rand.New(rand.NewPCG(1, 2))
	ids := make([]uint64, n)
	for i := range ids {
		ids[i] = r.Uint64()
	}
	return p, ids, p.NewBook(ids)
}

// TestBookSums compares the sums of a book with those of encoded messages, at the ends of blocks also.
func TestBookSums(t *testing.T) {
	p, ids, b := bookPayload(bookBlock + 3)
	require.Equal(t, len(ids), b.Len())
	assert.Equal(t, 1, p.NewBook([]uint64{ids[0], ids[0]}).Len(), "an ID that is given twice")
	r := rand.New(rand.NewPCG(3, 4))
	soft := make([]float64, CodedN)
	for j := range soft {
		soft[j] = r.NormFloat64()
	}
	want := map[uint64]float64{}
	for _, id := range ids {
		sum := 0.0
		for j, c := range p.Encode(id) {
			sum += float64(c) * soft[j]
		}
		want[id] = sum
	}
	all := b.Above(soft, -1e6)
	require.Len(t, all, len(ids))
	last := all[0].Sum
	for _, s := range all {
		id, ok := p.Parse(s.Message)
		require.True(t, ok)
		assert.InDelta(t, want[id], s.Sum, 1e-9)
		assert.LessOrEqual(t, s.Sum, last)
		last = s.Sum
	}
	some := b.Above(soft, all[10].Sum)
	assert.Equal(t, all[:11], some)
	assert.Empty(t, (&Book{}).Above(soft, -1e6))
}

// TestShownByChance counts how often messages that are not there show at a level of 1 in 20 and of 1 in 100: no more often
// than the level, in lists of one message and of many, on even and on heavy-tailed soft bits. A message that is there shows at ListedPFA.
func TestShownByChance(t *testing.T) {
	trials := long.Number(100, 300)
	r := rand.New(rand.NewPCG(5, 6))
	some := 0
	for _, size := range []int{1, 30} {
		_, _, book := bookPayload(trials * size)
		for _, tails := range []float64{0, 3} {
			var over [2]int
			for k := range trials {
				own := Book{book.messages[k*size : (k+1)*size]}
				soft := unitSoft(r, tails)
				if shown := own.shown(soft, 1, .05); len(shown) > 0 {
					over[0]++
					if shown[0].LogPFA <= -2 {
						over[1]++
					}
				}
			}
			assert.LessOrEqual(t, over[0], trials/20, "%d messages, tails %g", size, tails)
			assert.LessOrEqual(t, over[1], trials/100, "%d messages, tails %g", size, tails)
			some += over[0]
		}
	}
	assert.Positive(t, some, "the test can fail")
	p, ids, book := bookPayload(1000)
	soft := unitSoft(r, 0)
	for j, c := range p.Encode(ids[5]) {
		soft[j] += float64(c) / math.Sqrt(CodedN) * .7 // correlates by 0.57
	}
	normalise(soft)
	got := book.Shown(soft, 2)
	require.Len(t, got, 1)
	id, ok := p.Parse(got[0].Message)
	assert.True(t, ok)
	assert.Equal(t, ids[5], id)
	assert.Less(t, got[0].LogPFA, -9.)
	assert.Empty(t, book.Shown(soft, 1e30), "the look counts too little")
}

// unitSoft draws soft bits of unit norm; tails makes large ones larger.
func unitSoft(r *rand.Rand, tails float64) []float64 {
	soft := make([]float64, CodedN)
	for j := range soft {
		soft[j] = r.NormFloat64()
		soft[j] *= math.Pow(math.Abs(soft[j]), tails)
	}
	normalise(soft)
	return soft
}

func normalise(x []float64) {
	sum := 0.0
	for _, v := range x {
		sum += v * v
	}
	for j := range x {
		x[j] /= math.Sqrt(sum)
	}
}

// BenchmarkBook measures a book of 10^6 IDs: to make it, and to look for a message that is not there.
//
//	go test -run '^$' -bench Book -cpu 1 ./internal/mark/code
func BenchmarkBook(b *testing.B) {
	_, ids, book := bookPayload(1_000_000)
	p, _, _ := bookPayload(0)
	soft := make([]float64, CodedN)
	r := rand.New(rand.NewPCG(3, 4))
	for j := range soft {
		soft[j] = r.NormFloat64()
	}
	b.Run("make", func(b *testing.B) {
		for b.Loop() {
			p.NewBook(ids)
		}
	})
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			book.Above(soft, 1e6)
		}
	})
}
