package index

import (
	"cmp"
	"iter"
	"slices"

	"github.com/kycmark/kycmark/phash"
)

// New entries go to the tail. A full tail becomes a segment. Segments are merged so that
// each holds at least mergeRatio times as many entries as all smaller segments together:
// so a search has few segments, and an entry is moved only a few times.

// hollow reports whether so many entries were removed that the segment is built anew.
func (s *segment) hollow() bool { return s.gone*hollowShare > s.n }

// tidy makes a segment of a full tail and merges the segments that are due, until none is due. If
// another call is merging, tidy returns at once, except when the tail has grown to waitTail times
// its length: then it waits. The caller holds no lock.
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
			return due(x.segments)
		})
		if set == nil {
			return
		}
		x.merge(set)
	}
}

// due returns the segments to merge next, or nil: a hollow segment, or the smallest segments, up to
// one with mergeRatio times the entries of all that are smaller. segments are sorted by falling
// size. A merge never has over segmentLen entries.
func due(segments []*segment) []*segment {
	for _, s := range segments {
		if s.hollow() {
			return []*segment{s}
		}
	}
	from, sum := len(segments), 0
	for i := len(segments) - 1; i >= 0; i-- {
		s := segments[i]
		if !s.raw && s.live() >= mergeRatio*sum && from < len(segments) {
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

// seal makes a segment of the tail, without tables, and empties the tail. An empty tail makes none. Hold mu.
func (x *Index) seal() {
	if x.tail.len() == 0 {
		return
	}
	s := x.tail.segment()
	s.raw = true
	x.segments = append(x.segments, s)
	x.tail.erase()
}

// take returns the segments that choose picks, marked busy: they are not written to until merge
// replaces them. choose runs while mu is held.
func (x *Index) take(choose func() []*segment) []*segment {
	x.mu.Lock()
	defer x.mu.Unlock()
	set := choose()
	for _, s := range set {
		s.busy = true
	}
	return set
}

// merge replaces the segments of set, which were taken, by one segment of their entries, with
// tables. Entries that are removed meanwhile are removed from the new segment as well. The old
// segments are overwritten. The caller holds merging and not mu.
func (x *Index) merge(set []*segment) {
	x.mu.RLock()
	merger := newMerger(set)
	x.mu.RUnlock()
	s := merger.merged(x.kind)
	s.index(x.radius)

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

// A merger reads the entries of segments, removed ones aside, in the order of their refs.
type merger struct {
	set  []*segment
	dead [][]uint64 // as it was when the merger was made
	at   []int      // number of the next entry of each segment
	n    int        // entries of all segments
}

// newMerger returns a merger of the segments of set. Entries that are removed later are still read: late tells of them.
func newMerger(set []*segment) *merger {
	m := &merger{set: set, at: make([]int, len(set))}
	for _, s := range set {
		m.dead = append(m.dead, slices.Clone(s.dead))
		m.n += s.live()
	}
	return m
}

func isSet(set []uint64, i int) bool { return set != nil && set[i>>6]>>(i&63)&1 != 0 }

// next returns the entry with the smallest ref that was not read yet. hash lies in a segment and is
// no copy; it is nil after the last entry.
func (m *merger) next() (ref int64, hash []byte) {
	from := -1
	for k, s := range m.set {
		for m.at[k] < s.n && isSet(m.dead[k], m.at[k]) {
			m.at[k]++
		}
		if m.at[k] == s.n {
			continue
		}
		if r := s.ref(m.at[k]); from < 0 || r < ref {
			from, ref = k, r
		}
	}
	if from < 0 {
		return 0, nil
	}
	hash = m.set[from].hash(m.at[from])
	m.at[from]++
	return ref, hash
}

// merged returns a segment of all entries, without tables. kind is the kind of all segments. No
// entry may have been read before.
func (m *merger) merged(kind phash.Kind) *segment {
	to := newSegment(kind, m.n)
	for i := range m.n {
		ref, hash := m.next()
		to.put(i, ref, hash)
	}
	return to
}

// late calls removed with the ref of every entry that was removed after the merger was made. The caller holds mu.
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

// AddAll is Add for many entries: their tables are built at once, on all processors. Of entries with one ref the last
// counts. It is quickest when refs ascend. If an entry is of another kind, or if there are more than 2^31-2, none is
// added; errors wrap [phash.ErrKind] or [ErrFull].
func (x *Index) AddAll(added iter.Seq2[int64, phash.Hash]) error {
	batch := entries{kind: x.kind}
	defer batch.erase()
	for ref, h := range added {
		if err := x.check(h); err != nil {
			return err
		}
		if batch.len() == segmentLen {
			return ErrFull
		}
		batch.add(&h.Bits, ref)
	}
	if batch.len() == 0 {
		return nil
	}
	s := batch.segment()
	batch.erase()
	s.index(x.radius)
	x.mu.Lock()
	x.dropAll(s)
	x.insert(s)
	x.mu.Unlock()
	x.tidy()
	return nil
}

// dropAll removes the entries of the index whose refs are in s, which is not in the index yet. The caller holds mu.
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
