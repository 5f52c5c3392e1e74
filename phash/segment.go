package phash

import (
	"runtime"
	"sort"
	"sync"
	"sync/atomic"
)

// A segment is a part of an index that does not grow: entries in the order of
// their refs, each ref once, and the tables to find the hashes by. Everything
// lies in bytes as it does in a file.
type segment struct {
	kind   Kind
	n      int    // entries; their numbers, positions here, are 0 to n-1
	refs   []byte // 8 a ref, ascending
	hashes []byte // hashSize an entry, and one of zeros that forgotten ones point to
	ids    idList
	tables []table  // none where a scan is faster
	memory Memory   // nil for Go's heap
	lent   [][]byte // what memory lent

	raw   bool     // no tables were built yet
	fixed bool     // the bytes belong to the caller of OpenIndex and may not be written
	busy  bool     // a merge or a snapshot reads the bytes: they may not be written
	dead  []uint64 // one bit an entry, set for removed entries; nil if no entry was removed
	gone  int      // number of removed entries
}

const refSize = 8

// hashSize is how many bytes a hash takes.
func (k Kind) hashSize() int { return k.Len() / 8 }

func (s *segment) live() int { return s.n - s.gone }

func (s *segment) ref(i int) int64 { return int64(le.Uint64(s.refs[refSize*i:])) }

// bits returns the words of entry i.
func (s *segment) bits(i int) (h [4]uint64) {
	return loadHash(s.hashes[i*s.kind.hashSize():], s.kind)
}

func loadHash(b []byte, k Kind) (h [4]uint64) {
	if !k.wide() {
		h[0] = le.Uint64(b)
		return h
	}
	b = b[:32]
	h[0], h[1], h[2], h[3] = le.Uint64(b), le.Uint64(b[8:]), le.Uint64(b[16:]), le.Uint64(b[24:])
	return h
}

// storeHash writes as many words as b has room for.
func storeHash(b []byte, h *[4]uint64) {
	for i := range len(b) / 8 {
		le.PutUint64(b[8*i:], h[i])
	}
}

func (s *segment) isDead(i int) bool { return isSet(s.dead, i) }

// size is how many bytes the segment takes.
func (s *segment) size() int64 {
	n := int64(len(s.refs) + len(s.hashes) + 8*len(s.dead))
	for _, t := range s.tables {
		n += int64(len(t.blocks) + len(t.wide) + len(t.lists))
	}
	return n
}

// find returns the number of ref's entry, removed ones aside.
func (s *segment) find(ref int64) (int, bool) {
	if s.n == 0 || ref < s.ref(0) || ref > s.ref(s.n-1) {
		return 0, false
	}
	i := sort.Search(s.n, func(i int) bool { return s.ref(i) >= ref })
	return i, i < s.n && s.ref(i) == ref && !s.isDead(i)
}

// remove marks entry i as removed and erases its hash. While a merge or a snapshot reads
// the bytes, the hash stays: the segment is then replaced, or wiped later.
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

// wipe erases the hash of the removed entry i and the number i in the tables, except in
// a fixed segment.
func (s *segment) wipe(i int) {
	if s.fixed {
		return
	}
	h := s.bits(i)
	for k := range s.tables {
		t := &s.tables[k]
		t.forget(s.ids, t.value(&h), uint32(i), uint32(s.n))
	}
	clear(s.hashes[i*s.kind.hashSize():][:s.kind.hashSize()])
}

// erase overwrites all that the segment holds and gives the memory back. The segment must
// not be used afterwards.
func (s *segment) erase() {
	if s.fixed {
		return
	}
	clear(s.refs)
	clear(s.hashes)
	for _, t := range s.tables {
		clear(t.blocks)
		clear(t.wide)
		clear(t.lists)
	}
	s.refs, s.hashes, s.tables, s.n = nil, nil, nil, 0
	for _, b := range s.lent {
		s.memory.Free(b)
	}
	s.lent = nil
}

// A Memory gives an [Index] the room for its hashes and tables. A search looks up places
// all over the memory, which is faster in huge pages. The methods may be called at the
// same time.
type Memory interface {
	// Alloc returns size bytes that are zero and begin at a multiple of 64. If it returns
	// nil, the index takes Go's heap.
	Alloc(size int) []byte
	// Free receives a slice that Alloc returned, overwritten with zeros, when the index
	// no longer uses it.
	Free(b []byte)
}

// alloc returns size zero bytes that erase gives back.
func (s *segment) alloc(size int) []byte {
	if s.memory != nil && size >= minAlloc {
		if b := s.memory.Alloc(size); len(b) == size {
			s.lent = append(s.lent, b)
			return b
		}
	}
	return make([]byte, size)
}

// newSegment makes a segment for n entries, whose refs and hashes are still to be
// put in.
func newSegment(kind Kind, n int, m Memory) *segment {
	s := &segment{kind: kind, n: n, ids: idsUpTo(n), memory: m}
	s.refs = s.alloc(refSize * n)
	s.hashes = s.alloc(kind.hashSize() * (n + 1))
	return s
}

// put sets entry i. Entries must have ascending refs.
func (s *segment) put(i int, ref int64, hash []byte) {
	le.PutUint64(s.refs[refSize*i:], uint64(ref))
	copy(s.hashes[s.kind.hashSize()*i:][:s.kind.hashSize()], hash)
}

// index builds the tables by which the hashes are found within radius, on as many
// processors as there are.
func (s *segment) index(radius int) {
	if !s.kind.wide() {
		return
	}
	cuts := planCuts(s.n, radius)
	s.tables = make([]table, len(cuts))
	for k, c := range cuts {
		s.tables[k] = table{
			cut:    c,
			blocks: s.alloc(blockSize << max(c.width-blockBits, 0)),
			lists:  s.alloc(s.ids.size*s.n + idPad),
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

// shareMasks gives each table the flips that a query may need.
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

// build sorts the numbers of the hashes by the value of the band, by counting. starts is
// scratch space with an element for each value.
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

// valueOf is value of hash i.
func (t *table) valueOf(hashes []byte, i int) uint32 {
	h := hashes[32*i:][:32]
	v := le.Uint64(h[t.from>>6<<3&24:]) >> (t.from & 63)
	if t.from&63+t.width > 64 {
		v |= le.Uint64(h[(t.from>>6+1)<<3&24:]) << (64 - t.from&63)
	}
	return uint32(v & (1<<t.width - 1))
}

// describe writes a block of lists. The first list begins at first, and counts has the
// lengths of the lists. describe replaces each length by the start of the list, and
// returns the end of the last list.
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

// A tail holds the entries that were added last, in no order.
type tail struct {
	kind   Kind
	refs   []int64
	hashes []byte
	at     map[int64]int // position of a ref
}

func newTail(k Kind) tail { return tail{kind: k, at: map[int64]int{}} }

func (t *tail) len() int { return len(t.refs) }

// add appends an entry whose ref is not held.
func (t *tail) add(h *[4]uint64, ref int64) {
	size := t.kind.hashSize()
	if len(t.hashes)+size > cap(t.hashes) {
		old := t.hashes
		t.hashes = append(make([]byte, 0, max(64*size, 2*len(old))), old...)
		clear(old)
	}
	t.at[ref] = len(t.refs)
	t.refs = append(t.refs, ref)
	n := len(t.hashes)
	t.hashes = t.hashes[:n+size]
	storeHash(t.hashes[n:], h)
}

// remove moves the last entry to the place of ref's.
func (t *tail) remove(ref int64) bool {
	i, ok := t.at[ref]
	if !ok {
		return false
	}
	size, last := t.kind.hashSize(), len(t.refs)-1
	t.refs[i] = t.refs[last]
	copy(t.hashes[size*i:][:size], t.hashes[size*last:])
	t.at[t.refs[i]] = i
	clear(t.hashes[size*last:])
	t.refs, t.hashes = t.refs[:last], t.hashes[:size*last]
	delete(t.at, ref)
	return true
}

func (t *tail) search(q *[4]uint64, radius int, hits []Hit, w *scratch) []Hit {
	return scanHashes(t.kind, t.hashes, q, radius, w, hits, func(hits []Hit, i, d int) []Hit {
		return append(hits, Hit{t.refs[i], d})
	})
}

func (t *tail) hash(i int) []byte { return t.hashes[t.kind.hashSize()*i:][:t.kind.hashSize()] }

// erase overwrites the hashes and leaves the tail empty.
func (t *tail) erase() {
	clear(t.hashes[:cap(t.hashes)])
	*t = newTail(t.kind)
}
