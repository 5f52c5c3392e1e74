package phash

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// An Index finds, among the hashes of one kind that it holds, all that lie near
// a given one. The search is exact: no entry within the radius is ever missed.
// Hashes of 256 bits are found by multi-index hashing (see index_plan.go) within about
// MatchRadius bits; wider searches, searches among hashes that lie so close
// together that tables do not part them, and the 64-bit kinds compare the query
// with every hash. Which way is taken changes the time and nothing else.
//
// Its methods may be called at the same time; a search sees every addition and
// removal that returned before it began. Searches do not wait for the tables
// that additions make necessary: the Add or Remove that finds enough to do builds
// them before it returns, which can take a second for each two million entries,
// while others search, add and remove.
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

// NewIndexIn is NewIndex with memory for all but small parts of the index. nil
// stands for Go's heap.
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

// Size returns how many bytes the hashes, refs and tables take.
func (x *Index) Size() int64 {
	x.mu.RLock()
	defer x.mu.RUnlock()
	size := int64(cap(x.tail.hashes) + refSize*cap(x.tail.refs))
	for _, s := range x.segments {
		size += s.size()
	}
	return size
}

// Clear removes all entries, overwrites them and gives the memory back.
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

// Offer is Add for a hash of that quality, as [Sum] returns both. One below
// [MinQuality] is not stored, but counted: its picture shows so little that it
// would match every other plain one. What was stored under ref before is removed
// in any case.
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

// Remove forgets the entry of ref and reports whether there was one. The hash,
// which is personal data, is overwritten in the index, and so are its places in
// the tables, save in lists of more than 256 hashes. What the empty places tell
// goes with [Index.Compact], which also runs by itself when enough has been
// removed. Of an index that was opened from a snapshot the snapshot stays as it
// is: write it anew, by [Index.WriteTo], and delete the old one.
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

// drop removes ref wherever it is. The caller holds mu.
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

// within collects the entries within radius in no order. The caller holds mu.
func (x *Index) within(q *[4]uint64, radius int) []Hit {
	w := x.scratch()
	defer x.scratches.Put(w)
	var hits []Hit
	for _, s := range x.segments {
		hits = s.search(q, radius, hits, w)
	}
	return x.tail.search(q, radius, hits, w)
}

func (x *Index) scratch() *scratch {
	if w, ok := x.scratches.Get().(*scratch); ok {
		return w
	}
	return new(scratch)
}

// sortHits sorts by distance, then by ref. Hits are many where hashes cluster:
// they are dealt out by distance first, and what a scan found is in order then.
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

func (x *Index) check(h Hash) error {
	if h.Kind != x.kind || !h.Kind.valid() {
		return fmt.Errorf("%w: %s in an index of %s", ErrKind, h.Kind, x.kind)
	}
	return nil
}

// Digest is SHA-256 over what the index holds: the kind's chain as text, a zero byte, and
// then each entry in the order of the refs, the ref in 8 bytes and the hash in as many as it
// has, little-endian. It depends on nothing else, so that whoever builds the index anew
// can see that it is the same. Ten million entries take about two seconds, in which
// nothing can be added or removed.
func (x *Index) Digest() [sha256.Size]byte {
	x.mu.RLock()
	defer x.mu.RUnlock()
	sum := sha256.New()
	sum.Write(append([]byte(x.kind.Version()), 0))
	size := x.kind.hashSize()
	entry := make([]byte, refSize+size)
	write := func(ref int64, hash []byte) {
		le.PutUint64(entry, uint64(ref))
		copy(entry[refSize:], hash)
		sum.Write(entry)
	}
	order := make([]int, x.tail.len())
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(x.tail.refs[a], x.tail.refs[b]) })
	at := make([]int, len(x.segments)) // of each segment the next entry
	for {
		from, least := -1, int64(0)
		for k, s := range x.segments {
			for at[k] < s.n && s.isDead(at[k]) {
				at[k]++
			}
			if at[k] < s.n && (from < 0 || s.ref(at[k]) < least) {
				from, least = k, s.ref(at[k])
			}
		}
		if len(order) > 0 && (from < 0 || x.tail.refs[order[0]] < least) {
			i := order[0]
			order = order[1:]
			write(x.tail.refs[i], x.tail.hashes[i*size:][:size])
			continue
		}
		if from < 0 {
			return [sha256.Size]byte(sum.Sum(nil))
		}
		s := x.segments[from]
		write(least, s.hashes[at[from]*size:][:size])
		at[from]++
	}
}
