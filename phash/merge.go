package phash

import (
	"cmp"
	"iter"
	"slices"
)

// New entries go to the tail. A full tail becomes a segment. Segments are merged so that
// each holds at least mergeRatio times as many entries as all smaller segments together:
// so a search has few segments, and an entry is moved only a few times.

func (s *segment) hollow() bool { return !s.fixed && s.gone*hollowShare > s.n }

// tidy merges the segments that are due. If another call is merging, tidy returns at once,
// except when the tail has grown to waitTail times its length: then it waits.
func (x *Index) tidy() {
	if !x.merging.TryLock() {
		x.mu.RLock()
		wait := x.tail.len() >= waitTail*tailLen
		x.mu.RUnlock()
		if !wait {
			return
		}
		x.merging.Lock()
	}
	defer x.merging.Unlock()
	for {
		set := x.take(func() []*segment {
			if x.tail.len() >= tailLen {
				x.seal()
			}
			return due(x.segments, false)
		})
		if set == nil {
			return
		}
		x.merge(set)
	}
}

// stale says whether the segment should be built anew: it has removed entries, or no
// tables were built yet.
func (s *segment) stale() bool { return s.raw || s.gone > 0 }

// due returns the segments to merge next, or nil. Fixed segments are merged only if fixed
// is true.
func due(segments []*segment, fixed bool) []*segment {
	for _, s := range segments {
		if s.hollow() {
			return []*segment{s}
		}
	}
	from, sum := len(segments), 0
	for i := len(segments) - 1; i >= 0; i-- {
		s := segments[i]
		if s.fixed && !fixed || !s.raw && s.live() >= mergeRatio*sum && from < len(segments) {
			break
		}
		if sum += s.live(); sum > segmentLen {
			break
		}
		from = i
	}
	set := slices.Clone(segments[from:])
	if len(set) == 0 || len(set) == 1 && !set[0].raw {
		return nil
	}
	return set
}

// seal makes a segment of the tail, without tables. The caller holds mu.
func (x *Index) seal() {
	t := &x.tail
	if t.len() == 0 {
		return
	}
	order := make([]int, t.len())
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(t.refs[a], t.refs[b]) })
	s := newSegment(x.kind, t.len(), x.memory)
	s.raw = true
	for i, k := range order {
		s.put(i, t.refs[k], t.hash(k))
	}
	x.segments = append(x.segments, s)
	t.erase()
}

// take lets choose pick segments, which are then not written to until they are
// replaced or given back.
func (x *Index) take(choose func() []*segment) []*segment {
	x.mu.Lock()
	defer x.mu.Unlock()
	set := choose()
	for _, s := range set {
		s.busy = true
	}
	return set
}

// merge replaces the segments of set, which were taken, by one. The caller holds
// merging.
func (x *Index) merge(set []*segment) {
	x.mu.RLock()
	merger := newMerger(set)
	x.mu.RUnlock()
	s := merger.merged(x.kind, x.memory)
	s.index(MatchRadius)

	x.mu.Lock()
	merger.late(func(ref int64) {
		if i, ok := s.find(ref); ok {
			s.remove(i)
		}
	})
	x.segments = slices.DeleteFunc(x.segments, func(old *segment) bool { return slices.Contains(set, old) })
	if s.n > 0 {
		x.insert(s)
	}
	x.mu.Unlock()
	// No search began before the exchange and still runs: it would hold mu.
	for _, old := range set {
		old.erase()
	}
}

// insert puts s where it belongs by size. The caller holds mu.
func (x *Index) insert(s *segment) {
	x.segments = append(x.segments, s)
	slices.SortStableFunc(x.segments, func(a, b *segment) int { return cmp.Compare(b.live(), a.live()) })
}

// A merger reads the entries of segments, removed ones aside, in the order of
// their refs.
type merger struct {
	set  []*segment
	dead [][]uint64 // as it was when the merger was made
	next []int      // entry to read in each segment
	n    int
}

func newMerger(set []*segment) *merger {
	m := &merger{set: set, next: make([]int, len(set))}
	for _, s := range set {
		m.dead = append(m.dead, slices.Clone(s.dead))
		m.n += s.live()
	}
	return m
}

func isSet(set []uint64, i int) bool { return set != nil && set[i>>6]>>(i&63)&1 != 0 }

// merged returns a segment of all entries, without tables.
func (m *merger) merged(kind Kind, memory Memory) *segment {
	to := newSegment(kind, m.n, memory)
	size := kind.hashSize()
	for i := range m.n {
		from, lowest := -1, int64(0)
		for k, s := range m.set {
			for m.next[k] < s.n && isSet(m.dead[k], m.next[k]) {
				m.next[k]++
			}
			if m.next[k] == s.n {
				continue
			}
			if ref := s.ref(m.next[k]); from < 0 || ref < lowest {
				from, lowest = k, ref
			}
		}
		at := m.next[from]
		m.next[from]++
		to.put(i, lowest, m.set[from].hashes[size*at:])
	}
	return to
}

// late calls removed for every entry that was removed after the merger was made.
func (m *merger) late(removed func(ref int64)) {
	for k, s := range m.set {
		for w, word := range s.dead {
			if m.dead[k] != nil {
				word &^= m.dead[k][w]
			}
			for b := range 64 {
				if word>>b&1 != 0 {
					removed(s.ref(64*w + b))
				}
			}
		}
	}
}

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

// A batch collects entries whose number is not known before. It grows by chunks: a slice
// that grows by copying would leave hashes behind in old memory.
type batch struct {
	kind   Kind
	refs   []int64
	hashes [][]byte // batchChunk entries each
	mixed  bool     // refs do not ascend
}

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
