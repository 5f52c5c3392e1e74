package index

import (
	"cmp"
	"iter"
	"runtime"
	"slices"
	"sort"
	"sync"
	"sync/atomic"

	"github.com/kycmark/kycmark/internal/hamming"
	"github.com/kycmark/kycmark/phash"
)

// A segment is a part of an index that does not grow: entries in the order of their refs, each ref once, and the tables
// to find the hashes by. Everything lies in bytes, in which the garbage collector finds no pointers.
type segment struct {
	kind   phash.Kind
	n      int    // entries; their numbers, positions here, are 0 to n-1
	refs   []byte // 8 a ref, ascending
	hashes []byte // hashSize an entry, and one of zeros that forgotten ones point to
	ids    idList
	tables []table // none where a scan is faster

	raw  bool     // no tables were built yet
	busy bool     // a merge reads the bytes: they may not be written
	dead []uint64 // one bit an entry, set for removed entries; nil if no entry was removed
	gone int      // number of removed entries
}

const refSize = 8

func hashSize(k phash.Kind) int { return k.Len() / 8 }

func (s *segment) live() int { return s.n - s.gone }

func (s *segment) ref(i int) int64 { return int64(le.Uint64(s.refs[refSize*i:])) }

func (s *segment) hash(i int) []byte {
	size := hashSize(s.kind)
	return s.hashes[size*i:][:size]
}

func (s *segment) bits(i int) [4]uint64 { return hamming.Load(s.hash(i)) }

func (s *segment) isDead(i int) bool { return isSet(s.dead, i) }

// find returns the number of ref's entry, removed ones aside.
func (s *segment) find(ref int64) (int, bool) {
	if s.n == 0 || ref < s.ref(0) || ref > s.ref(s.n-1) {
		return 0, false
	}
	i := sort.Search(s.n, func(i int) bool { return s.ref(i) >= ref })
	return i, i < s.n && s.ref(i) == ref && !s.isDead(i)
}

// remove marks entry i as removed and erases its hash. While a merge reads
// the bytes, the hash stays: the segment is then replaced.
func (s *segment) remove(i int) {
	if s.dead == nil {
		s.dead = make([]uint64, s.n/64+1)
	}
	s.dead[i>>6] |= 1 << (i & 63)
	s.gone++
	if !s.busy {
		s.wipe(i)
	}
}

// wipe erases the hash of the removed entry i, and the number i in the tables except in lists of
// over maxForget numbers.
func (s *segment) wipe(i int) {
	h := s.bits(i)
	for k := range s.tables {
		t := &s.tables[k]
		t.forget(s.ids, t.value(&h), uint32(i), uint32(s.n))
	}
	clear(s.hash(i))
}

// erase overwrites all that the segment holds. The segment must not be used afterwards.
func (s *segment) erase() {
	clear(s.refs)
	clear(s.hashes)
	for _, t := range s.tables {
		clear(t.blocks)
		clear(t.wide)
		clear(t.lists)
	}
	s.refs, s.hashes, s.tables, s.n = nil, nil, nil, 0
}

// newSegment makes a segment for n entries, whose refs and hashes are still to be put in.
func newSegment(kind phash.Kind, n int) *segment {
	return &segment{kind: kind, n: n, ids: idsUpTo(n), refs: make([]byte, refSize*n), hashes: make([]byte, hashSize(kind)*(n+1))}
}

// put sets entry i. Entries must have ascending refs.
func (s *segment) put(i int, ref int64, hash []byte) {
	le.PutUint64(s.refs[refSize*i:], uint64(ref))
	copy(s.hash(i), hash)
}

// index builds the tables by which the hashes are found fastest within radius bits, on as many processors as there are.
// 64-bit kinds and small segments get no tables. A search within another radius finds all as well.
func (s *segment) index(radius int) {
	if s.kind.Len() != 256 {
		return
	}
	cuts := planCuts(s.n, radius)
	s.tables = make([]table, len(cuts))
	for k, c := range cuts {
		s.tables[k] = table{
			cut:    c,
			blocks: make([]byte, blockSize<<max(c.width-blockBits, 0)),
			lists:  make([]byte, s.ids.size*s.n+idPad),
		}
	}
	shareMasks(s.tables)
	var next atomic.Int32
	var group sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(cuts)) {
		group.Go(func() {
			var starts []uint32
			for k := int(next.Add(1)) - 1; k < len(cuts); k = int(next.Add(1)) - 1 {
				if starts == nil {
					starts = make([]uint32, 1<<cuts[len(cuts)-1].width) // the widest
				}
				s.tables[k].build(s, starts[:1<<cuts[k].width])
			}
		})
	}
	group.Wait()
}

// shareMasks sets the masks of each table: the flips of up to maxFlips bits that a query may need.
// Tables of equal width share them.
func shareMasks(tables []table) {
	byWidth := map[int][]uint32{}
	for k := range tables {
		w := tables[k].width
		if byWidth[w] == nil {
			byWidth[w] = flips(w, min(maxFlips, w))
		}
		tables[k].masks = byWidth[w]
	}
}

// build fills the lists and blocks of t: the numbers of the hashes of s, sorted by the value of the
// band, by counting. starts is scratch space with an element for each value.
func (t *table) build(s *segment, starts []uint32) {
	clear(starts)
	for i := range s.n {
		starts[t.valueOf(s.hashes, i)]++
	}
	sum := uint32(0)
	for from := 0; from < len(starts); from += blockLen {
		sum = t.describe(from>>blockBits, starts[from:][:blockLen], sum)
	}
	for i := range s.n {
		v := t.valueOf(s.hashes, i)
		s.ids.put(t.lists, starts[v], uint32(i))
		starts[v]++
	}
}

// valueOf returns the value of t's band in hash i. hashes has 32 bytes a hash.
func (t *table) valueOf(hashes []byte, i int) uint32 {
	h := hashes[32*i:][:32]
	v := le.Uint64(h[t.from>>6<<3&24:]) >> (t.from & 63)
	if t.from&63+t.width > 64 {
		v |= le.Uint64(h[(t.from>>6+1)<<3&24:]) << (64 - t.from&63)
	}
	return uint32(v & (1<<t.width - 1))
}

// describe writes the block with that number. counts has the lengths of its 16 lists, and first is where the first list
// begins. describe replaces each length by the start of the list, and returns the end of the last list.
func (t *table) describe(block int, counts []uint32, first uint32) (end uint32) {
	lengths, wide := uint64(0), false
	end = first
	for k, n := range counts {
		wide = wide || n > maxShort
		lengths |= uint64(n&maxShort) << (4 * k)
		counts[k] = end
		end += n
	}
	b := t.blocks[blockSize*block:][:blockSize]
	le.PutUint32(b, first)
	le.PutUint64(b[4:], lengths)
	if wide {
		le.PutUint32(b, wideFlag|uint32(len(t.wide)/wideSize))
		le.PutUint64(b[4:], 0)
		for _, start := range counts {
			t.wide = le.AppendUint32(t.wide, start)
		}
		t.wide = le.AppendUint32(t.wide, end)
	}
	return end
}

// entries are hashes with their refs, in the order in which they were added. They grow by
// chunks: a slice that grows by copying would leave hashes behind in old memory.
type entries struct {
	kind   phash.Kind
	refs   []int64
	hashes [][]byte // entryChunk hashes each
}

func (e *entries) len() int { return len(e.refs) }

// hash returns the bytes of hash i. They may be written to.
func (e *entries) hash(i int) []byte {
	size := hashSize(e.kind)
	return e.hashes[i/entryChunk][size*(i%entryChunk):][:size]
}

func (e *entries) add(h *[4]uint64, ref int64) {
	n := len(e.refs)
	if n/entryChunk == len(e.hashes) {
		e.hashes = append(e.hashes, make([]byte, entryChunk*hashSize(e.kind)))
	}
	e.refs = append(e.refs, ref)
	hamming.Store(e.hash(n), h)
}

// chunks yields, for each chunk in order, the number of its first entry and the bytes of its hashes.
func (e *entries) chunks() iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		for first := 0; first < e.len(); first += entryChunk {
			n := min(entryChunk, e.len()-first)
			if !yield(first, e.hashes[first/entryChunk][:n*hashSize(e.kind)]) {
				return
			}
		}
	}
}

// segment returns a segment of the entries, without tables. Of entries with one ref the last counts.
func (e *entries) segment() *segment {
	order := make([]uint32, e.len())
	for i := range order {
		order[i] = uint32(i)
	}
	compare := func(i, k uint32) int { return cmp.Or(cmp.Compare(e.refs[i], e.refs[k]), cmp.Compare(i, k)) }
	if !slices.IsSortedFunc(order, compare) {
		slices.SortFunc(order, compare)
	}
	n := 0
	for i, k := range order {
		if i+1 == len(order) || e.refs[order[i+1]] != e.refs[k] {
			order[n] = k
			n++
		}
	}
	s := newSegment(e.kind, n)
	for i, k := range order[:n] {
		s.put(i, e.refs[k], e.hash(int(k)))
	}
	return s
}

// erase overwrites the hashes and leaves no entries.
func (e *entries) erase() {
	for _, chunk := range e.hashes {
		clear(chunk)
	}
	e.refs, e.hashes = nil, nil
}

// A tail holds the entries of an index that were added last, each ref once.
type tail struct {
	entries
	at map[int64]int // position of a ref
}

func newTail(k phash.Kind) tail { return tail{entries{kind: k}, map[int64]int{}} }

func (t *tail) add(h *[4]uint64, ref int64) {
	t.at[ref] = t.len()
	t.entries.add(h, ref)
}

// remove overwrites the entry of ref and moves the last entry to its place. It reports whether ref was held.
func (t *tail) remove(ref int64) bool {
	i, ok := t.at[ref]
	if !ok {
		return false
	}
	last := t.len() - 1
	t.refs[i] = t.refs[last]
	copy(t.hash(i), t.hash(last))
	t.at[t.refs[i]] = i
	clear(t.hash(last))
	t.refs = t.refs[:last]
	delete(t.at, ref)
	return true
}

// search appends to hits the entries within radius bits of q, in no order of refs, and returns hits.
func (t *tail) search(q *[4]uint64, radius int, hits []phash.Hit) []phash.Hit {
	for first, hashes := range t.chunks() {
		for i, d := range hamming.Near(hashes, hashSize(t.kind), q, radius) {
			hits = append(hits, phash.Hit{Ref: t.refs[first+i], Distance: d})
		}
	}
	return hits
}

// erase overwrites the hashes and leaves the tail empty.
func (t *tail) erase() {
	t.entries.erase()
	clear(t.at)
}
