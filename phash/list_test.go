package phash_test

import (
	"cmp"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/phash"
)

// naive is the list as a map: the twin of List.
type naive map[int64]phash.Hash

func (n naive) search(radius int, queries ...phash.Hash) (hits []phash.Hit) {
	for ref, h := range n {
		least := math.MaxInt
		for _, q := range queries {
			least = min(least, h.Distance(q))
		}
		if least <= radius {
			hits = append(hits, phash.Hit{Ref: ref, Distance: least})
		}
	}
	slices.SortFunc(hits, func(a, b phash.Hit) int {
		return cmp.Or(a.Distance-b.Distance, cmp.Compare(a.Ref, b.Ref))
	})
	return hits
}

// near returns h with up to n bits flipped.
func near(r *rand.Rand, h phash.Hash, n int) phash.Hash {
	for range r.IntN(n + 1) {
		k := r.IntN(h.Kind.Len())
		h.Bits[k/64] ^= 1 << (k % 64)
	}
	return h
}

// requireSameAnswers asks the list and its twin.
func requireSameAnswers(t *testing.T, l *phash.List, n naive, r *rand.Rand, centre phash.Hash) {
	t.Helper()
	require.Equal(t, len(n), l.Len())
	for _, radius := range []int{-1, 0, 10, 31, 64, 130, 256} {
		for _, queries := range [][]phash.Hash{nil, {near(r, centre, 20)}, {centre, near(r, centre, 9), centre}} {
			got, err := l.Search(radius, queries...)
			require.NoError(t, err)
			require.Equal(t, n.search(radius, queries...), got, "radius %d, %d queries", radius, len(queries))
		}
	}
	all := n.search(256, centre)
	for _, k := range []int{-1, 0, 1, 24, 5000, math.MaxInt} {
		got, err := l.Nearest(centre, k)
		require.NoError(t, err)
		require.True(t, slices.Equal(all[:min(max(k, 0), len(all))], got), "nearest %d", k)
	}
	refs := slices.Sorted(maps.Keys(n))
	i := 0
	for ref, h := range l.All() {
		require.Equal(t, refs[i], ref)
		require.Equal(t, n[ref], h)
		i++
	}
	require.Len(t, refs, i)
}

// Any history of additions, replacements and removals leaves a list that answers as the naive search does, and that
// holds no removed hash: in whatever order refs come, and with more of them than a piece of the list takes.
func TestListHistories(t *testing.T) {
	orders := map[string]func(r *rand.Rand, i, n int) int{
		"ascending":  func(_ *rand.Rand, i, _ int) int { return i },
		"descending": func(_ *rand.Rand, i, _ int) int { return -i },
		"mixed":      func(r *rand.Rand, _, n int) int { return r.IntN(n) - n/2 },
		"gaps later": func(_ *rand.Rand, i, n int) int { return 7 * i % n },
	}
	for name, order := range orders {
		for seed, kind := range kinds {
			for _, size := range []int{0, 1, 100, long.Number(5_001, 20_001)} {
				if kind != phash.Area && size > 100 {
					continue
				}
				r := newRandom(uint64(seed))
				l, twin, centre := phash.NewList(kind), naive{}, randomHash(r, kind)
				for i := range size {
					ref, h := int64(order(r, i, size)), near(r, centre, 3*kind.Len()/4)
					require.NoError(t, l.Add(h, ref))
					twin[ref] = h
				}
				requireSameAnswers(t, l, twin, r, centre)
				before := maps.Clone(twin)
				for range size / 3 {
					ref := int64(order(r, r.IntN(size), size))
					_, held := twin[ref]
					require.Equal(t, held, l.Remove(ref), name)
					delete(twin, ref)
				}
				requireSameAnswers(t, l, twin, r, centre)
				holds := map[phash.Hash]bool{}
				for _, h := range twin {
					holds[h] = true
				}
				looked := 0
				for _, h := range before {
					if looked++; looked > 100 {
						break
					}
					require.Equal(t, holds[h], l.Holds(h), "%s: a removed hash is overwritten", name)
				}
				for ref := range maps.Clone(twin) {
					require.True(t, l.Remove(ref))
				}
				requireSameAnswers(t, l, naive{}, r, centre)
				require.NoError(t, l.Add(centre, 5))
				requireSameAnswers(t, l, naive{5: centre}, r, centre)
			}
		}
	}
}

func TestListRefusesOtherKinds(t *testing.T) {
	l := phash.NewList(phash.PDQ)
	other := phash.Hash{Kind: phash.Average}
	require.ErrorIs(t, l.Add(other, 1), phash.ErrKind)
	require.ErrorIs(t, l.Add(phash.Hash{}, 1), phash.ErrKind)
	_, err := l.Search(256, phash.Hash{Kind: phash.PDQ}, other)
	require.ErrorIs(t, err, phash.ErrKind)
	_, err = l.Nearest(other, 1)
	require.ErrorIs(t, err, phash.ErrKind)
	assert.Zero(t, l.Len())
	require.ErrorIs(t, phash.NewList(0).Add(phash.Hash{}, 1), phash.ErrKind, "a list of no kind holds nothing")
}

// Searches run beside changes, and always see the entries that stay. Run with -race to see that they may.
func TestListConcurrent(t *testing.T) {
	l, r := phash.NewList(phash.PDQ), newRandom(5)
	q := randomHash(r, phash.PDQ)
	var want []phash.Hit
	for i := range int64(50) {
		require.NoError(t, l.Add(q, 500*i))
		want = append(want, phash.Hit{Ref: 500 * i})
	}
	var group sync.WaitGroup
	for worker := range int64(4) {
		group.Go(func() {
			r := newRandom(uint64(worker))
			for i := range int64(4000) {
				ref := 500*(i%50) + 100*worker + 1 + r.Int64N(99)
				if i%3 == 2 {
					l.Remove(ref)
				} else {
					assert.NoError(t, l.Add(randomHash(r, phash.PDQ), ref))
				}
			}
		})
		group.Go(func() {
			for range 100 {
				hits, err := l.Search(0, q)
				assert.NoError(t, err)
				assert.Equal(t, want, hits)
				nearest, err := l.Nearest(q, 3)
				assert.NoError(t, err)
				assert.Equal(t, want[:3], nearest)
			}
		})
	}
	group.Wait()
}
