package code

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
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
