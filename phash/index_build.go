package phash

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// A Memory gives an [Index] the room for its hashes and tables, for example in
// huge pages, which a search's look-ups all over the memory are faster in. Its
// methods may be called at the same time.
type Memory interface {
	// Alloc returns size bytes that are zero, beginning at a multiple of 64, or nil
	// if it has none: Go's heap serves then.
	Alloc(size int) []byte
	// Free is handed what Alloc returned, overwritten with zeros, when it is no
	// longer used.
	Free(b []byte)
}

// leastAlloc is the least size for which a Memory is asked.
const leastAlloc = 1 << 20

// alloc returns size zero bytes that erase gives back.
func (s *segment) alloc(size int) []byte {
	if s.memory != nil && size >= leastAlloc {
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

// build sorts the numbers of the hashes by the band's value, by counting. In
// starts there is room for as many numbers as there are values.
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

// describe writes a block of lists of which the first begins at first: it takes
// their lengths from counts, puts where each begins in their place, and returns
// where the last ends.
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
