package index_test

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/simd"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/phash/index"
)

// corpora are ways in which hashes lie: evenly spread, in clusters, all of one
// template, all equal.
var corpora = map[string]func(r *rand.Rand, kind phash.Kind) func() phash.Hash{
	"random": func(r *rand.Rand, kind phash.Kind) func() phash.Hash {
		return func() phash.Hash { return randomHash(r, kind) }
	},
	"clustered": func(r *rand.Rand, kind phash.Kind) func() phash.Hash {
		centres := make([]phash.Hash, 5)
		for i := range centres {
			centres[i] = randomHash(r, kind)
		}
		return func() phash.Hash {
			if r.IntN(5) > 0 {
				return randomHash(r, kind)
			}
			return near(r, centres[r.IntN(len(centres))], 40)
		}
	},
	"one template": func(r *rand.Rand, kind phash.Kind) func() phash.Hash {
		centre := randomHash(r, kind)
		return func() phash.Hash { return near(r, centre, 90) }
	},
	"near": func(r *rand.Rand, kind phash.Kind) func() phash.Hash {
		centre := randomHash(r, kind)
		return func() phash.Hash { return near(r, centre, 12) }
	},
	"equal": func(r *rand.Rand, kind phash.Kind) func() phash.Hash {
		h := randomHash(r, kind)
		return func() phash.Hash { return h }
	},
}

// twin is the index without any thought.
type twin struct {
	refs   []int64
	hashes []phash.Hash
	at     map[int64]int
}

func (n *twin) add(h phash.Hash, ref int64) {
	if i, ok := n.at[ref]; ok {
		n.hashes[i] = h
		return
	}
	n.at[ref] = len(n.refs)
	n.refs, n.hashes = append(n.refs, ref), append(n.hashes, h)
}

func (n *twin) remove(ref int64) bool {
	i, ok := n.at[ref]
	if !ok {
		return false
	}
	last := len(n.refs) - 1
	n.refs[i], n.hashes[i] = n.refs[last], n.hashes[last]
	n.at[n.refs[i]] = i
	n.refs, n.hashes = n.refs[:last], n.hashes[:last]
	delete(n.at, ref)
	return true
}

func (n *twin) search(q phash.Hash, radius int) (hits []phash.Hit) {
	for i, h := range n.hashes {
		if d := h.Distance(q); d <= radius {
			hits = append(hits, phash.Hit{Ref: n.refs[i], Distance: d})
		}
	}
	slices.SortFunc(hits, func(a, b phash.Hit) int {
		return cmp.Or(a.Distance-b.Distance, cmp.Compare(a.Ref, b.Ref))
	})
	return hits
}

// entries are n entries with refs in a mixed order, some of them twice.
func entries(r *rand.Rand, n int, draw func() phash.Hash, into *twin) iter.Seq2[int64, phash.Hash] {
	return func(yield func(int64, phash.Hash) bool) {
		for i := range n {
			ref, h := int64(i), draw()
			if i%50 == 0 {
				ref = r.Int64N(int64(n)) - int64(n)/4
			}
			into.add(h, ref)
			if !yield(ref, h) {
				return
			}
		}
	}
}

// requireSameAnswers asks the index and its twin at all radii.
func requireSameAnswers(t *testing.T, x *index.Index, n *twin, r *rand.Rand, draw func() phash.Hash, what string) {
	t.Helper()
	require.Equal(t, len(n.refs), x.Len(), what)
	for radius := -1; radius <= 257; radius += 1 + radius/12*9 {
		q := near(r, draw(), 40)
		got, err := x.Search(radius, q)
		require.NoError(t, err)
		want := n.search(q, radius)
		if !slices.Equal(want, got) {
			require.Failf(t, "other hits", "%s, radius %d: %d hits, want %d", what, radius, len(got), len(want))
		}
	}
	for _, k := range []int{1, 3, 40, 5000} {
		q := near(r, draw(), 20)
		got, err := x.Nearest(q, k)
		require.NoError(t, err)
		all := n.search(q, 256)
		require.True(t, slices.Equal(all[:min(k, len(all))], got), "%s: nearest %d", what, k)
	}
}

// Whatever lies how, whichever way a search takes, and whatever was added, changed
// and removed in between: an index answers as comparing with every hash does.
func TestIndexPaths(t *testing.T) {
	for seed, name := range slices.Sorted(maps.Keys(corpora)) {
		simd.WithKernels(func(kernels string) {
			t.Run(name+"/"+kernels, func(t *testing.T) {
				r := newRandom(uint64(seed))
				draw := corpora[name](r, phash.PDQ)
				x, n := index.New(phash.PDQ), &twin{at: map[int64]int{}}
				require.NoError(t, x.AddAll(entries(r, 6000, draw, n)))
				_, tables, _ := x.Parts()
				require.Positive(t, tables, "too few to be indexed")
				requireSameAnswers(t, x, n, r, draw, "built")
				for range 3 {
					change(t, r, x, n, draw)
					requireSameAnswers(t, x, n, r, draw, "changed")
				}
				require.NoError(t, x.AddAll(entries(r, 3000, draw, n)))
				requireSameAnswers(t, x, n, r, draw, "added to")
				x.Compact()
				segments, _, tail := x.Parts()
				require.Equal(t, []int{1, 0}, []int{segments, tail})
				requireSameAnswers(t, x, n, r, draw, "compacted")
			})
		})
	}
}

// change adds, replaces and removes a few hundred entries.
func change(t *testing.T, r *rand.Rand, x *index.Index, n *twin, draw func() phash.Hash) {
	t.Helper()
	for range 600 {
		ref := r.Int64N(12000) - 3000
		if r.IntN(2) == 0 {
			require.Equal(t, n.remove(ref), x.Remove(ref))
			continue
		}
		h := draw()
		n.add(h, ref)
		require.NoError(t, x.Add(h, ref))
	}
}

// The 64-bit kinds are scanned, in segments as well.
func TestIndexPathsOf64Bits(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(corpora)) {
		r := newRandom(9)
		draw := corpora[name](r, phash.Average)
		x, n := index.New(phash.Average), &twin{at: map[int64]int{}}
		require.NoError(t, x.AddAll(entries(r, 6000, draw, n)))
		change(t, r, x, n, draw)
		requireSameAnswers(t, x, n, r, draw, name)
		x.Compact()
		requireSameAnswers(t, x, n, r, draw, name)
	}
}

// Single additions become segments and are merged; removals empty segments.
func TestIndexGrowsAndShrinks(t *testing.T) {
	r := newRandom(11)
	draw := corpora["clustered"](r, phash.PDQ)
	x, n := index.New(phash.PDQ), &twin{at: map[int64]int{}}
	for ref := range int64(70_000) {
		h := draw()
		n.add(h, ref)
		require.NoError(t, x.Add(h, ref))
	}
	segments, tables, tail := x.Parts()
	assert.LessOrEqual(t, segments, 4)
	assert.Positive(t, tables)
	assert.Less(t, tail, 1<<15)
	requireSameAnswers(t, x, n, r, draw, "grown")
	for ref := range int64(69_000) {
		require.Equal(t, n.remove(ref), x.Remove(ref))
	}
	requireSameAnswers(t, x, n, r, draw, "shrunk")
}

// A removed hash is nowhere: not in the tail, not in a segment, not by its
// numbers in the tables.
func TestIndexErases(t *testing.T) {
	r := newRandom(12)
	x, n := index.New(phash.PDQ), &twin{at: map[int64]int{}}
	draw := corpora["random"](r, phash.PDQ)
	require.NoError(t, x.AddAll(entries(r, 6000, draw, n)))
	require.NoError(t, x.Add(draw(), 20_000))
	hits, err := x.Nearest(draw(), 200)
	require.NoError(t, err)
	for _, hit := range append(hits, phash.Hit{Ref: 20_000}) {
		i, held := n.at[hit.Ref]
		if !held {
			continue
		}
		require.True(t, x.Trace(n.hashes[i]))
		require.True(t, x.Remove(hit.Ref))
		require.False(t, x.Trace(n.hashes[i]))
	}
}

func TestIndexAddAllRefusesOtherKinds(t *testing.T) {
	x, r := index.New(phash.PDQ), newRandom(14)
	err := x.AddAll(func(yield func(int64, phash.Hash) bool) {
		_ = yield(1, randomHash(r, phash.PDQ)) && yield(2, randomHash(r, phash.Average))
	})
	require.ErrorIs(t, err, phash.ErrKind)
	assert.Zero(t, x.Len())
	require.NoError(t, x.AddAll(func(func(int64, phash.Hash) bool) {}))
}

// The bands are those of the design: their widths add up to the hash and follow
// from the number of hashes.
func TestIndexBands(t *testing.T) {
	for n, want := range map[int]int{100: 0, 1_000_000: 12, 10_000_000: 11} {
		widths := index.Cuts(n, phash.MatchRadius)
		assert.Len(t, widths, want, n)
		sum := 0
		for _, w := range widths {
			sum += w
		}
		if want > 0 {
			assert.Equal(t, 256, sum)
		}
	}
	assert.Empty(t, index.Cuts(1_000_000, 128), "a scan is as fast")
}

// Searches, additions, removals and merges go on beside each other. Run with
// -race to see that they may.
func TestIndexConcurrentMerges(t *testing.T) {
	x, r := index.New(phash.PDQ), newRandom(15)
	q := randomHash(r, phash.PDQ)
	var want []phash.Hit
	for ref := range int64(5) {
		require.NoError(t, x.Add(q, ref))
		want = append(want, phash.Hit{Ref: ref})
	}
	var group sync.WaitGroup
	for worker := range int64(2) {
		group.Go(func() {
			r := newRandom(uint64(worker))
			base := 1_000_000 * (worker + 1)
			for round := range int64(2) {
				assert.NoError(t, x.AddAll(func(yield func(int64, phash.Hash) bool) {
					for i := range int64(5000) {
						if !yield(base+3000*round+i, randomHash(r, phash.PDQ)) {
							return
						}
					}
				}))
				for i := range int64(2000) {
					assert.True(t, x.Remove(base+3000*round+i), fmt.Sprint(i))
					assert.NoError(t, x.Add(randomHash(r, phash.PDQ), base+100_000+i))
				}
			}
		})
		group.Go(func() {
			for range 30 {
				hits, err := x.Search(10, q)
				assert.NoError(t, err)
				assert.Equal(t, want, hits)
			}
		})
	}
	group.Go(func() {
		for range 3 {
			x.Compact()
		}
	})
	group.Wait()
	assert.Equal(t, 5+2*(4000+2000), x.Len())
}

// Several queries find what each of them finds, each entry at its least distance.
func TestSearchEach(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	x := index.New(phash.PDQ)
	var hashes []phash.Hash
	for ref := range 400 {
		h := randomHash(r, phash.PDQ)
		if ref%2 == 1 {
			h = hashes[ref-1]
			h.Bits[r.IntN(4)] ^= 1 << r.IntN(64)
		}
		hashes = append(hashes, h)
		require.NoError(t, x.Add(h, int64(ref)))
	}
	queries := []phash.Hash{hashes[8], hashes[9], hashes[30], hashes[8]}
	for _, radius := range []int{0, 1, 31, 110} {
		got, err := x.Search(radius, queries...)
		require.NoError(t, err)
		var want []phash.Hit
		for ref, h := range hashes {
			d := min(queries[0].Distance(h), queries[1].Distance(h), queries[2].Distance(h))
			if d <= radius {
				want = append(want, phash.Hit{Ref: int64(ref), Distance: d})
			}
		}
		slices.SortFunc(want, func(a, b phash.Hit) int {
			return cmp.Or(cmp.Compare(a.Distance, b.Distance), cmp.Compare(a.Ref, b.Ref))
		})
		require.Equal(t, want, got, "radius %d", radius)
	}
	_, err := x.Search(3, queries[0], phash.Hash{Kind: phash.Area})
	require.ErrorIs(t, err, phash.ErrKind)
}
