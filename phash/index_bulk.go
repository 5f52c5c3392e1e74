package phash

import (
	"cmp"
	"iter"
	"slices"
)

// AddAll is Add for many entries: their tables are built at once, on all
// processors. Of entries with one ref the last counts. It is quickest when refs
// ascend. If an entry is of another kind, or if there are more than 2^31-2, none
// is added; errors wrap [ErrKind] or [ErrFull].
func (x *Index) AddAll(entries iter.Seq2[int64, Hash]) error {
	b := batch{kind: x.kind}
	for ref, h := range entries {
		err := x.check(h)
		if len(b.refs) == segmentLen {
			err = ErrFull
		}
		if err != nil {
			b.erase()
			return err
		}
		b.add(ref, &h.Bits)
	}
	if len(b.refs) == 0 {
		return nil
	}
	s := b.segment(x.memory)
	s.index(MatchRadius)
	x.mu.Lock()
	x.dropAll(s)
	x.insert(s)
	x.mu.Unlock()
	x.tidy()
	return nil
}

// dropAll removes the entries whose refs are in s. The caller holds mu.
func (x *Index) dropAll(s *segment) {
	for i := x.tail.len() - 1; i >= 0; i-- { // remove fills gaps from the end
		if _, ok := s.find(x.tail.refs[i]); ok {
			x.tail.remove(x.tail.refs[i])
		}
	}
	for _, old := range x.segments {
		if old.n == 0 || s.n == 0 || old.ref(0) > s.ref(s.n-1) || old.ref(old.n-1) < s.ref(0) {
			continue
		}
		a, b := s, old
		if old.n < s.n {
			a, b = old, s
		}
		for i := range a.n {
			if _, ok := b.find(a.ref(i)); !ok {
				continue
			}
			if k, ok := old.find(a.ref(i)); ok {
				old.remove(k)
			}
		}
	}
}

// A batch collects entries of which nobody knows the number, in chunks, so that
// no hash is left behind in memory that was outgrown.
type batch struct {
	kind   Kind
	refs   []int64
	hashes [][]byte // batchChunk entries each
	mixed  bool     // refs do not ascend
}

const batchChunk = 1 << 15

func (b *batch) add(ref int64, h *[4]uint64) {
	n, size := len(b.refs), b.kind.hashSize()
	if n%batchChunk == 0 {
		b.hashes = append(b.hashes, make([]byte, batchChunk*size))
	}
	b.mixed = b.mixed || n > 0 && ref <= b.refs[n-1]
	b.refs = append(b.refs, ref)
	storeHash(b.hash(n), h)
}

func (b *batch) hash(i int) []byte {
	size := b.kind.hashSize()
	return b.hashes[i/batchChunk][size*(i%batchChunk):][:size]
}

// segment moves the entries to a segment without tables.
func (b *batch) segment(m Memory) *segment {
	defer b.erase()
	if !b.mixed {
		s := newSegment(b.kind, len(b.refs), m)
		for i, ref := range b.refs {
			s.put(i, ref, b.hash(i))
		}
		return s
	}
	order := make([]uint32, len(b.refs))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(i, j uint32) int {
		return cmp.Or(cmp.Compare(b.refs[i], b.refs[j]), cmp.Compare(i, j))
	})
	n := 0
	for i, k := range order { // of equal refs the last
		if i+1 == len(order) || b.refs[order[i+1]] != b.refs[k] {
			order[n] = k
			n++
		}
	}
	s := newSegment(b.kind, n, m)
	for i, k := range order[:n] {
		s.put(i, b.refs[k], b.hash(int(k)))
	}
	return s
}

func (b *batch) erase() {
	for _, chunk := range b.hashes {
		clear(chunk)
	}
	b.hashes, b.refs = nil, nil
}
