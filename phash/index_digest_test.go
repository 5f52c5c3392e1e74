package phash_test

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/phash"
)

// However an index came to hold what it holds, its digest is that of the entries in order.
func TestIndexDigest(t *testing.T) {
	for _, kind := range []phash.Kind{phash.Area, phash.PDQ} {
		r := newRandom(5)
		held := make(map[int64]phash.Hash)
		var refs []int64
		for n := range int64(3000) {
			ref := 3*n - 1000
			held[ref] = randomHash(r, kind)
			refs = append(refs, ref)
		}
		want := sha256.New()
		want.Write([]byte(kind.Version() + "\x00"))
		for _, ref := range refs {
			b := binary.LittleEndian.AppendUint64(nil, uint64(ref))
			h := held[ref]
			for _, word := range h.Bits[:kind.Len()/64] {
				b = binary.LittleEndian.AppendUint64(b, word)
			}
			want.Write(b)
		}
		straight, mixed := phash.NewIndex(kind), phash.NewIndex(kind)
		for _, ref := range refs {
			require.NoError(t, straight.Add(held[ref], ref))
		}
		require.Equal(t, want.Sum(nil), sum(straight))

		shuffled := slices.Clone(refs)
		rand.New(rand.NewPCG(1, 1)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		for i, ref := range shuffled {
			require.NoError(t, mixed.Add(held[ref], ref))
			require.NoError(t, mixed.Add(held[ref], 1_000_000+ref), "which is removed again")
			if i%700 == 0 {
				mixed.Compact()
			}
		}
		for _, ref := range refs {
			require.True(t, mixed.Remove(1_000_000+ref))
		}
		require.Equal(t, want.Sum(nil), sum(mixed), "other segments, what was removed is gone")
		other := held[refs[7]]
		other.Bits[0] ^= 1
		require.NoError(t, mixed.Add(other, refs[7]))
		require.NotEqual(t, want.Sum(nil), sum(mixed))
	}
}

func sum(x *phash.Index) []byte {
	s := x.Digest()
	return s[:]
}
