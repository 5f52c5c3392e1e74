package phash

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"
	"sync"
)

// An Index finds, among the hashes of one kind that it holds, all that lie near
// a given one. The search is exact: it compares the query with every hash, so
// no entry within the radius is ever missed. Its methods may be called at the
// same time; a search sees every addition and removal that returned before it
// began.
type Index struct {
	kind Kind

	mu     sync.RWMutex
	hashes [][4]uint64   // guarded by mu
	refs   []int64       // guarded by mu; refs[i] names hashes[i]
	at     map[int64]int // guarded by mu; position of a ref in the two slices
}

// A Hit is an entry near the query.
type Hit struct {
	Ref      int64 // as given to Add
	Distance int   // bits
}

// NewIndex returns an empty index of hashes of that kind.
func NewIndex(kind Kind) *Index {
	return &Index{kind: kind, at: make(map[int64]int)}
}

// Len returns the number of entries.
func (x *Index) Len() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return len(x.refs)
}

// Add stores h under ref, in the place of what was stored under ref before. A
// hash of another kind is refused with an error that wraps [ErrKind].
func (x *Index) Add(h Hash, ref int64) error {
	if err := x.check(h); err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if i, ok := x.at[ref]; ok {
		x.hashes[i] = h.Bits
		return nil
	}
	x.at[ref] = len(x.refs)
	x.hashes = append(x.hashes, h.Bits)
	x.refs = append(x.refs, ref)
	return nil
}

// Remove forgets the entry of ref and reports whether there was one. The hash,
// which is personal data, is overwritten in the index; where an older and
// smaller copy of the index lay, it waits for the garbage collector.
func (x *Index) Remove(ref int64) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	i, ok := x.at[ref]
	if !ok {
		return false
	}
	last := len(x.refs) - 1
	x.hashes[i], x.refs[i] = x.hashes[last], x.refs[last]
	x.at[x.refs[i]] = i
	x.hashes[last], x.refs[last] = [4]uint64{}, 0
	x.hashes, x.refs = x.hashes[:last], x.refs[:last]
	delete(x.at, ref)
	return true
}

// Search returns every entry within radius bits of q, nearest first, equally
// near ones by Ref. A query of another kind is refused with an error that wraps
// [ErrKind]: "nothing is near" must never stand for "nothing was compared".
func (x *Index) Search(q Hash, radius int) ([]Hit, error) {
	if err := x.check(q); err != nil {
		return nil, err
	}
	x.mu.RLock()
	hits := x.within(&q.Bits, radius)
	x.mu.RUnlock()
	sortHits(hits)
	return hits, nil
}

// Nearest returns the k entries nearest to q, or all if there are fewer, in the
// order of [Index.Search] and with its errors.
func (x *Index) Nearest(q Hash, k int) ([]Hit, error) {
	if err := x.check(q); err != nil || k <= 0 {
		return nil, err
	}
	x.mu.RLock()
	hits := x.within(&q.Bits, x.reach(&q.Bits, k))
	x.mu.RUnlock()
	sortHits(hits)
	return hits[:min(k, len(hits))], nil
}

// within collects the entries within radius in no order. The first half of the
// bits decides for nearly all of them. The caller holds mu.
func (x *Index) within(q *[4]uint64, radius int) []Hit {
	var hits []Hit
	for i := range x.hashes {
		h := &x.hashes[i]
		d := bits.OnesCount64(h[0]^q[0]) + bits.OnesCount64(h[1]^q[1])
		if d > radius {
			continue
		}
		d += bits.OnesCount64(h[2]^q[2]) + bits.OnesCount64(h[3]^q[3])
		if d <= radius {
			hits = append(hits, Hit{Ref: x.refs[i], Distance: d})
		}
	}
	return hits
}

// reach returns the least radius within which k entries lie, or the greatest
// radius there is. The caller holds mu.
func (x *Index) reach(q *[4]uint64, k int) int {
	var at [257]int // number of entries at each distance
	for i := range x.hashes {
		h := &x.hashes[i]
		at[bits.OnesCount64(h[0]^q[0])+bits.OnesCount64(h[1]^q[1])+
			bits.OnesCount64(h[2]^q[2])+bits.OnesCount64(h[3]^q[3])]++
	}
	for radius, n := range at {
		if k -= n; k <= 0 {
			return radius
		}
	}
	return len(at) - 1
}

func sortHits(hits []Hit) {
	slices.SortFunc(hits, func(a, b Hit) int {
		return cmp.Or(cmp.Compare(a.Distance, b.Distance), cmp.Compare(a.Ref, b.Ref))
	})
}

func (x *Index) check(h Hash) error {
	if h.Kind != x.kind || !h.Kind.valid() {
		return fmt.Errorf("%w: %s in an index of %s", ErrKind, h.Kind, x.kind)
	}
	return nil
}
