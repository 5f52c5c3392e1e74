package phash

import (
	"cmp"
	"crypto/sha256"
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
	memory Memory

	mu       sync.RWMutex
	segments []*segment // guarded by mu; the large ones first
	tail     tail       // guarded by mu
	skipped  int64      // guarded by mu

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
func NewIndex(kind Kind) *Index { return NewIndexIn(kind, nil) }

// NewIndexIn is [NewIndex] with a source of memory for the large parts of the index. If
// memory is nil, the index takes Go's heap.
func NewIndexIn(kind Kind, memory Memory) *Index {
	return &Index{kind: kind, memory: memory, tail: newTail(kind)}
}

// Kind returns the kind of the hashes.
func (x *Index) Kind() Kind { return x.kind }

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

// Size returns how many bytes the hashes, refs and tables take, removed entries included. A
// snapshot that the index was opened from counts as well.
func (x *Index) Size() int64 {
	x.mu.RLock()
	defer x.mu.RUnlock()
	size := int64(len(x.tail.hashes)*entryChunk*x.kind.hashSize() + refSize*cap(x.tail.refs))
	for _, s := range x.segments {
		size += s.size()
	}
	return size
}

// Clear removes all entries, overwrites them and gives the memory back. It also sets the count of
// [Index.Skipped] to 0. A snapshot that the index was opened from stays as it is.
func (x *Index) Clear() {
	x.merging.Lock()
	defer x.merging.Unlock()
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, s := range x.segments {
		s.erase()
	}
	x.segments = nil
	x.tail.erase()
	x.skipped = 0
}

// Skipped returns how many hashes Offer refused for their quality.
func (x *Index) Skipped() int64 {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.skipped
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

// Offer is Add for a hash and its quality, as [Sum] returns both. A hash below [MinQuality] is not
// stored, but counted: its picture shows so little that it would match every other plain picture.
// What was stored under ref before is then removed. stored says whether the quality suffices;
// nothing is stored if err is not nil. The error wraps [ErrKind].
func (x *Index) Offer(h Hash, quality int, ref int64) (stored bool, err error) {
	if quality >= MinQuality {
		return true, x.Add(h, ref)
	}
	if err := x.check(h); err != nil {
		return false, err
	}
	x.Remove(ref)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.skipped++
	return false, nil
}

// Remove forgets the entry of ref and reports whether there was an entry. The hash is
// personal data: Remove overwrites it in the index and in the tables, except in lists of
// more than 256 hashes. A segment is built anew once an eighth of its entries was removed.
// A snapshot that the index was opened from stays as it is: write the index anew with
// [Index.WriteTo] and delete the old snapshot.
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

// Search returns every entry within radius bits of q, nearest first, equally near entries by Ref.
// The result is nil if nothing is near. A query of another kind is refused with an error that wraps
// [ErrKind]: "nothing is near" must never mean "nothing was compared".
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

// Has reports whether an entry is stored under ref.
func (x *Index) Has(ref int64) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	_, ok := x.tail.at[ref]
	return ok || slices.ContainsFunc(x.segments, func(s *segment) bool { _, ok := s.find(ref); return ok })
}

// All yields the entries in the order of their refs. Add and Remove wait until it ends: the loop must
// not call them.
func (x *Index) All() iter.Seq2[int64, Hash] {
	return func(yield func(int64, Hash) bool) {
		x.mu.RLock()
		defer x.mu.RUnlock()
		recent := x.tail.segment(nil)
		defer recent.erase()
		m := newMerger(append(slices.Clip(x.segments), recent))
		for range m.n {
			if ref, hash := m.next(); !yield(ref, Hash{x.kind, loadHash(hash, x.kind)}) {
				return
			}
		}
	}
}

// Digest returns the SHA-256 of what the index holds: the version of the kind as text, a
// zero byte, and each entry in the order of the refs. An entry is the ref in 8 bytes and
// the words of the hash, little-endian. The digest depends on nothing else, so an index
// that is built anew from the same entries has the same digest. Ten million entries take
// about two seconds, in which Add and Remove wait.
func (x *Index) Digest() [sha256.Size]byte {
	sum := sha256.New()
	sum.Write(append([]byte(x.kind.Version()), 0))
	entry := make([]byte, refSize+x.kind.hashSize())
	for ref, h := range x.All() {
		le.PutUint64(entry, uint64(ref))
		storeHash(entry[refSize:], &h.Bits)
		sum.Write(entry)
	}
	return [sha256.Size]byte(sum.Sum(nil))
}
