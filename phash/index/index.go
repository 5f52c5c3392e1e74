// Package index finds, among millions of hashes of package phash, all that lie near a given one, without comparing it with
// every hash. It is for services that search within about [phash.MatchRadius] bits. [phash.List] needs less memory, and is
// as fast for wider searches.
package index

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"

	"github.com/kycmark/kycmark/internal/hamming"
	"github.com/kycmark/kycmark/phash"
)

// An Index finds, among the hashes of one kind that it holds, all that lie near
// a given one. The search is exact: no entry within the radius is ever missed.
// Hashes of 256 bits are found by multi-index hashing (see table.go) within about
// [phash.MatchRadius] bits. Wider searches compare the query with every hash, as do searches among
// hashes that lie close together, and searches of the 64-bit kinds. This changes the time and nothing else.
//
// The methods may be called at the same time. A search sees every addition and removal that returned before the search
// began. Searches do not wait for new tables: an Add or Remove builds the tables before it returns, once enough has
// changed. This can take a second for each two million entries, while other calls search, add and remove.
type Index struct {
	kind   phash.Kind
	radius int // that the tables are planned for, bits

	mu       sync.RWMutex
	segments []*segment // guarded by mu; the large ones first
	tail     tail       // guarded by mu

	scratches sync.Pool  // of *scratch
	merging   sync.Mutex // held while segments are replaced, longer than mu and before it
}

// ErrFull is wrapped when more is to be stored than an index has numbers for.
var ErrFull = errors.New("index: full")

// New returns an empty index of hashes of that kind.
func New(kind phash.Kind) *Index {
	return &Index{kind: kind, radius: phash.MatchRadius, tail: newTail(kind),
		scratches: sync.Pool{New: func() any { return new(scratch) }}}
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
// hash of another kind is refused with an error that wraps [phash.ErrKind].
func (x *Index) Add(h phash.Hash, ref int64) error {
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

// drop removes ref from the tail or from a segment, and reports whether it was there. The caller holds mu.
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

// Search returns every entry within radius bits of any of the queries, once, at its smallest distance: nearest first,
// equally near entries by Ref. The result is nil if nothing is near, or without queries. A query of another kind is
// refused with an error that wraps [phash.ErrKind]: "nothing is near" must never mean "nothing was compared".
func (x *Index) Search(radius int, queries ...phash.Hash) ([]phash.Hit, error) {
	var hits []phash.Hit
	for _, q := range queries {
		if err := x.check(q); err != nil {
			return nil, err
		}
		x.mu.RLock()
		hits = append(hits, x.within(&q.Bits, radius)...)
		x.mu.RUnlock()
	}
	return hamming.SortOnce(hits, len(queries)), nil
}

// within returns the entries within radius bits of q in no order, none for a negative radius. The
// caller holds mu for reading.
func (x *Index) within(q *[4]uint64, radius int) []phash.Hit {
	w := x.scratches.Get().(*scratch)
	defer x.scratches.Put(w)
	var hits []phash.Hit
	for _, s := range x.segments {
		hits = s.search(q, radius, hits, w)
	}
	return x.tail.search(q, radius, hits)
}

// check returns an error that wraps ErrKind unless h is of the kind of the index.
func (x *Index) check(h phash.Hash) error {
	if h.Kind != x.kind || h.Kind.Len() == 0 {
		return fmt.Errorf("%w: %s in an index of %s", phash.ErrKind, h.Kind, x.kind)
	}
	return nil
}

// All yields the entries in the order of their refs. Add and Remove wait until it ends: the loop must not call them.
func (x *Index) All() iter.Seq2[int64, phash.Hash] {
	return func(yield func(int64, phash.Hash) bool) {
		x.mu.RLock()
		defer x.mu.RUnlock()
		recent := x.tail.segment()
		defer recent.erase()
		m := newMerger(append(slices.Clip(x.segments), recent))
		for range m.n {
			if ref, hash := m.next(); !yield(ref, phash.Hash{Kind: x.kind, Bits: hamming.Load(hash)}) {
				return
			}
		}
	}
}
