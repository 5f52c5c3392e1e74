package verify

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/verify/internal/tuning"
)

// However a list came to hold what it holds, its digest is that of the entries in order.
func TestIndexDigest(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	held := make([]phash.Hash, 3000)
	want := sha256.New()
	want.Write([]byte("kycmark/area/1\x00"))
	for n := range held {
		held[n] = phash.Hash{Kind: tuning.Searched, Bits: [4]uint64{r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64()}}
		b := binary.LittleEndian.AppendUint64(nil, uint64(3*n-1000))
		for _, word := range held[n].Bits {
			b = binary.LittleEndian.AppendUint64(b, word)
		}
		want.Write(b)
	}
	straight, mixed := phash.NewList(tuning.Searched), phash.NewList(tuning.Searched)
	for n, h := range held {
		require.NoError(t, straight.Add(h, int64(3*n-1000)))
	}
	for _, n := range r.Perm(len(held)) {
		require.NoError(t, mixed.Add(held[n], int64(3*n-1000)))
		require.NoError(t, mixed.Add(held[n], int64(1_000_000+n)), "which is removed again")
	}
	for n := range held {
		require.True(t, mixed.Remove(int64(1_000_000+n)))
	}
	for _, x := range []*phash.List{straight, mixed} {
		require.Equal(t, [32]byte(want.Sum(nil)), indexDigest(x))
	}
	other := held[7]
	other.Bits[0] ^= 1
	require.NoError(t, mixed.Add(other, 3*7-1000))
	require.NotEqual(t, [32]byte(want.Sum(nil)), indexDigest(mixed))
}
