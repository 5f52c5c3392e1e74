package phash

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
)

// An Index finds, among the hashes of one kind that it holds, all that lie near
// a given one. The search is exact: no entry within the radius is ever missed.
// Hashes of 256 bits are found by multi-index hashing (see table.go) within about
// MatchRadius bits. Wider searches compare the query with every hash, as do searches among
// hashes that lie close together, and searches of the 64-bit kinds. This changes the time
// and nothing else.
//
// The methods may be called at the same time. A search sees every addition and removal
// that returned before the search began. Searches do not wait for new tables: an Add or
// Remove builds the tables before it returns, once enough has changed. This can take a
// second for each two million entries, while other calls search, add and remove.
type Index struct {
	kind   Kind
	radius int // that the tables are planned for, bits

	mu       sync.RWMutex
	segments []*segment // guarded by mu; the large ones first
	tail     tail       // guarded by mu

	scratches sync.Pool
	merging   sync.Mutex // held while segments are replaced, longer than mu and before it
}

// ErrFull is wrapped when more is to be stored than an index has numbers for.
var ErrFull = errors.New("phash: index full")

// A Hit is an entry near the query.
type Hit struct {
	Ref      int64 // as given to Add
	Distance int   // bits
}

// NewIndex returns an empty index of hashes of that kind.
func NewIndex(kind Kind) *Index { return &Index{kind: kind, radius: MatchRadius, tail: newTail(kind)} }

// NewScanIndex returns an empty index without tables, for searches beyond about 50 bits, which compare the query with
// every hash anyway. It takes entries quicker and has 40 bytes an entry.
func NewScanIndex(kind Kind) *Index {
	return &Index{kind: kind, radius: kind.Len(), tail: newTail(kind)}
}

// Len returns the number of entries.
func (x *Index) Len() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	n := x.tail.len()
	for _, s := range x.segments {
		n += s.live()
	}
	return n
}

// Add stores h under ref, in the place of what was stored under ref before. A
// hash of another kind is refused with an error that wraps [ErrKind].
func (x *Index) Add(h Hash, ref int64) error {
	if err := x.check(h); err != nil {
		return err
	}
	x.mu.Lock()
	x.drop(ref)
	x.tail.add(&h.Bits, ref)
	full := x.tail.len() >= tailLen
	x.mu.Unlock()
	if full {
		x.tidy()
	}
	return nil
}

// Remove forgets the entry of ref and reports whether there was an entry. The hash is
// personal data: Remove overwrites it in the index and in the tables, except in lists of
// more than 256 hashes. A segment is built anew once an eighth of its entries was removed.
func (x *Index) Remove(ref int64) bool {
	x.mu.Lock()
	was := x.drop(ref)
	full := was && slices.ContainsFunc(x.segments, (*segment).hollow)
	x.mu.Unlock()
	if full {
		x.tidy()
	}
	return was
}

// drop removes ref from the tail or from a segment, and reports whether it was there. The caller
// holds mu.
func (x *Index) drop(ref int64) bool {
	if x.tail.remove(ref) {
		return true
	}
	for _, s := range x.segments {
		if i, ok := s.find(ref); ok {
			s.remove(i)
			return true
		}
	}
	return false
}

// Search returns every entry within radius bits of any of the queries, once, at its smallest distance:
// nearest first, equally near entries by Ref. The result is nil if nothing is near, or without queries.
// A query of another kind is refused with an error that wraps [ErrKind]: "nothing is near" must never
// mean "nothing was compared".
func (x *Index) Search(radius int, queries ...Hash) ([]Hit, error) {
	var hits []Hit
	for _, q := range queries {
		if err := x.check(q); err != nil {
			return nil, err
		}
		x.mu.RLock()
		hits = append(hits, x.within(&q.Bits, radius)...)
		x.mu.RUnlock()
	}
	sortHits(hits)
	if len(queries) > 1 {
		seen := make(map[int64]bool, len(hits))
		hits = slices.DeleteFunc(hits, func(h Hit) bool {
			again := seen[h.Ref]
			seen[h.Ref] = true
			return again
		})
	}
	return hits, nil
}

// within returns the entries within radius bits of q in no order, none for a negative radius. The
// caller holds mu for reading.
func (x *Index) within(q *[4]uint64, radius int) []Hit {
	w := x.scratch()
	defer x.scratches.Put(w)
	var hits []Hit
	for _, s := range x.segments {
		hits = s.search(q, radius, hits, w)
	}
	return x.tail.search(q, radius, hits, w)
}

// scratch returns memory for one search. The caller puts it back into x.scratches.
func (x *Index) scratch() *scratch {
	if w, ok := x.scratches.Get().(*scratch); ok {
		return w
	}
	return new(scratch)
}

// sortHits sorts hits in place by distance, then by ref. If hits are many they are dealt out by
// distance first, and then the hits of a scan are in order already.
func sortHits(hits []Hit) {
	byRef := func(a, b Hit) int { return cmp.Compare(a.Ref, b.Ref) }
	if len(hits) < 64 {
		slices.SortFunc(hits, func(a, b Hit) int {
			return cmp.Or(cmp.Compare(a.Distance, b.Distance), byRef(a, b))
		})
		return
	}
	var at [258]int // where the hits of each distance begin
	for _, h := range hits {
		at[h.Distance+1]++
	}
	for d := range 257 {
		at[d+1] += at[d]
	}
	ends, dealt := at, make([]Hit, len(hits))
	for _, h := range hits {
		dealt[ends[h.Distance]] = h
		ends[h.Distance]++
	}
	copy(hits, dealt)
	for d := range 257 {
		if same := hits[at[d]:at[d+1]]; !slices.IsSortedFunc(same, byRef) {
			slices.SortFunc(same, byRef)
		}
	}
}

// check returns an error that wraps ErrKind unless h is of the kind of the index.
func (x *Index) check(h Hash) error {
	if h.Kind != x.kind || !h.Kind.valid() {
		return fmt.Errorf("%w: %s in an index of %s", ErrKind, h.Kind, x.kind)
	}
	return nil
}

// All yields the entries in the order of their refs. Add and Remove wait until it ends: the loop must
// not call them.
func (x *Index) All() iter.Seq2[int64, Hash] {
	return func(yield func(int64, Hash) bool) {
		x.mu.RLock()
		defer x.mu.RUnlock()
		recent := x.tail.segment()
		defer recent.erase()
		m := newMerger(append(slices.Clip(x.segments), recent))
		for range m.n {
			if ref, hash := m.next(); !yield(ref, Hash{x.kind, loadHash(hash, x.kind)}) {
				return
			}
		}
	}
}
