package index_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/simd"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/phash/index"
)

// Every kernel of the search finds what comparing the hashes one by one finds: in the
// tail, in segments without tables, with tables, and with the long lists of clusters.
func FuzzIndexKernels(f *testing.F) {
	for _, n := range []uint16{0, 1, 7, 8, 9, 17, 300, 4095, 4096, 6000} {
		for _, radius := range []uint8{0, 3, 31, 60, 255} {
			f.Add(n, radius, uint64(n)+uint64(radius), uint8(n%3))
		}
	}
	f.Fuzz(func(t *testing.T, n uint16, radius uint8, seed uint64, spread uint8) {
		r, x := newRandom(seed), index.New(phash.Area)
		centre := randomHash(r, phash.Area)
		hashes := map[int64]phash.Hash{}
		for ref := range int64(n % 7000) {
			h := randomHash(r, phash.Area)
			if uint64(ref)%4 < uint64(spread%5) { // of a cluster
				h = centre
				for range r.IntN(70) {
					h.Bits[r.IntN(4)] ^= 1 << r.IntN(64)
				}
			}
			hashes[ref] = h
		}
		require.NoError(t, x.AddAll(func(yield func(int64, phash.Hash) bool) {
			for ref, h := range hashes {
				if ref%50 != 0 && !yield(ref, h) {
					return
				}
			}
		}))
		for ref, h := range hashes {
			if ref%50 == 0 {
				require.NoError(t, x.Add(h, ref)) // these stay in the tail
			}
		}
		for ref := range int64(len(hashes)) {
			if ref%11 == 3 {
				x.Remove(ref)
				delete(hashes, ref)
			}
		}
		want := 0
		for _, h := range hashes {
			if h.Distance(centre) <= int(radius) {
				want++
			}
		}
		simd.WithKernels(func(kernels string) {
			hits, err := x.Search(int(radius), centre)
			require.NoError(t, err)
			require.Len(t, hits, want, kernels)
			for _, hit := range hits {
				require.Equal(t, hit.Distance, hashes[hit.Ref].Distance(centre), kernels)
			}
		})
	})
}
