package index_test

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/quick"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/phash/index"
)

var kinds = []phash.Kind{
	phash.PDQ, phash.Perception, phash.Difference, phash.Average, phash.Area,
}

func newRandom(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

func randomHash(r *rand.Rand, kind phash.Kind) phash.Hash {
	h := phash.Hash{Kind: kind}
	for i := range kind.Len() / 64 {
		h.Bits[i] = r.Uint64()
	}
	return h
}

// naive is the index as a map: the twin of Index.
type naive map[int64]phash.Hash

func (n naive) search(q phash.Hash, radius int) []phash.Hit {
	var hits []phash.Hit
	for ref, h := range n {
		if d := h.Distance(q); d <= radius {
			hits = append(hits, phash.Hit{Ref: ref, Distance: d})
		}
	}
	slices.SortFunc(hits, func(a, b phash.Hit) int {
		return cmp.Or(a.Distance-b.Distance, cmp.Compare(a.Ref, b.Ref))
	})
	return hits
}

// near returns h with up to n bits flipped: hashes of real pictures cluster.
func near(r *rand.Rand, h phash.Hash, n int) phash.Hash {
	for range r.IntN(n + 1) {
		k := r.IntN(h.Kind.Len())
		h.Bits[k/64] ^= 1 << (k % 64)
	}
	return h
}

// Any history of additions, replacements and removals leaves an index that
// answers as the naive search does.
func TestIndexHistories(t *testing.T) {
	history := func(seed uint64) bool {
		r := newRandom(seed)
		kind := kinds[r.IntN(len(kinds))]
		x, twin := index.New(kind), naive{}
		centre := randomHash(r, kind)
		for range 300 {
			ref, h := int64(r.IntN(100))-50, near(r, centre, 40)
			switch r.IntN(4) {
			case 0:
				_, held := twin[ref]
				if x.Remove(ref) != held {
					return false
				}
				delete(twin, ref)
			default:
				if x.Add(h, ref) != nil {
					return false
				}
				twin[ref] = h
			}
		}
		q, radius, k := near(r, centre, 20), r.IntN(60)-2, r.IntN(120)
		hits, err := x.Search(radius, q)
		if err != nil || x.Len() != len(twin) || !slices.Equal(hits, twin.search(q, radius)) {
			return false
		}
		nearest, err := x.Nearest(q, k)
		all := twin.search(q, 256)
		return err == nil && slices.Equal(nearest, all[:min(k, len(all))])
	}
	require.NoError(t, quick.Check(history, &quick.Config{MaxCount: 300}))
}

func TestIndexEdges(t *testing.T) {
	x := index.New(phash.PDQ)
	zero, ones := phash.Hash{Kind: phash.PDQ}, phash.Hash{Kind: phash.PDQ}
	for i := range ones.Bits {
		ones.Bits[i] = ^uint64(0)
	}
	hits, err := x.Search(256, zero)
	require.NoError(t, err)
	assert.Empty(t, hits)
	assert.False(t, x.Remove(7))
	require.NoError(t, x.Add(zero, 7))
	require.NoError(t, x.Add(ones, -7))

	for radius, want := range map[int][]phash.Hit{
		-1:  nil,
		0:   {{Ref: 7}},
		255: {{Ref: 7}},
		256: {{Ref: 7}, {Ref: -7, Distance: 256}},
	} {
		hits, err := x.Search(radius, zero)
		require.NoError(t, err)
		assert.Equal(t, want, hits, radius)
	}
	for k, want := range map[int]int{-1: 0, 0: 0, 1: 1, 2: 2, 3: 2} {
		hits, err := x.Nearest(ones, k)
		require.NoError(t, err)
		assert.Len(t, hits, want, k)
	}
	assert.True(t, x.Remove(7))
	assert.False(t, x.Remove(7))
	assert.Equal(t, 1, x.Len())
}

// To ask for more than there is, however much, is to ask for all.
func TestNearestOfAll(t *testing.T) {
	const n = 3 << 13 // more than a scan takes at a time
	r := newRandom(5)
	x := index.New(phash.PDQ)
	for ref := range int64(n) {
		require.NoError(t, x.Add(randomHash(r, phash.PDQ), ref))
	}
	for _, k := range []int{n + 1, math.MaxInt / 2, math.MaxInt} {
		hits, err := x.Nearest(randomHash(r, phash.PDQ), k)
		require.NoError(t, err)
		assert.Len(t, hits, n, k)
	}
}

// The same ref twice is one entry, so that adding again after a crash is safe.
func TestIndexReplaces(t *testing.T) {
	r := newRandom(4)
	x, a, b := index.New(phash.PDQ), randomHash(r, phash.PDQ), randomHash(r, phash.PDQ)
	require.NoError(t, x.Add(a, 1))
	require.NoError(t, x.Add(b, 1))
	hits, err := x.Search(0, a)
	require.NoError(t, err)
	assert.Empty(t, hits)
	hits, err = x.Search(0, b)
	require.NoError(t, err)
	assert.Equal(t, []phash.Hit{{Ref: 1}}, hits)
}

func TestIndexRefusesOtherKinds(t *testing.T) {
	x := index.New(phash.PDQ)
	other := phash.Hash{Kind: phash.Average}
	require.ErrorIs(t, x.Add(other, 1), phash.ErrKind)
	require.ErrorIs(t, x.Add(phash.Hash{}, 1), phash.ErrKind)
	_, err := x.Search(256, other)
	require.ErrorIs(t, err, phash.ErrKind)
	_, err = x.Nearest(other, 1)
	require.ErrorIs(t, err, phash.ErrKind)
	assert.Zero(t, x.Len())
	require.ErrorIs(t, index.New(0).Add(phash.Hash{}, 1), phash.ErrKind, "an index of no kind holds nothing")
}

// Searches run beside changes, and always see the entries that stay. Run with
// -race to see that they may.
func TestIndexConcurrent(t *testing.T) {
	x, r := index.New(phash.PDQ), newRandom(5)
	q := randomHash(r, phash.PDQ)
	var want []phash.Hit
	for ref := range int64(50) {
		require.NoError(t, x.Add(q, ref))
		want = append(want, phash.Hit{Ref: ref})
	}
	var group sync.WaitGroup
	for worker := range int64(4) {
		group.Go(func() {
			r := newRandom(uint64(worker))
			for i := range int64(300) {
				ref := 1000*(worker+1) + i%20
				if i%3 == 2 {
					x.Remove(ref)
				} else {
					assert.NoError(t, x.Add(randomHash(r, phash.PDQ), ref))
				}
			}
		})
		group.Go(func() {
			for range 100 {
				hits, err := x.Search(0, q)
				assert.NoError(t, err)
				assert.Equal(t, want, hits)
				nearest, err := x.Nearest(q, 3)
				assert.NoError(t, err)
				assert.Equal(t, want[:3], nearest)
			}
		})
	}
	group.Wait()
}
