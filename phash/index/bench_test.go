package index_test

import (
	"fmt"
	"testing"

	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/phash/index"
)

func BenchmarkIndex(b *testing.B) {
	for _, n := range []int{100_000, 1_000_000} {
		x := index.New(phash.PDQ)
		r := newRandom(1)
		for ref := range n {
			_ = x.Add(randomHash(r, phash.PDQ), int64(ref))
		}
		q := randomHash(r, phash.PDQ)
		b.Run(fmt.Sprintf("Search/%d", n), func(b *testing.B) {
			for b.Loop() {
				_, _ = x.Search(phash.MatchRadius, q)
			}
		})
		b.Run(fmt.Sprintf("Nearest10/%d", n), func(b *testing.B) {
			for b.Loop() {
				_, _ = x.Nearest(q, 10)
			}
		})
	}
}
