package phash

import (
	"cmp"
	"slices"
)

// Entries start in the tail. A full tail becomes a segment, and segments are
// merged so that each holds at least mergeRatio times as many entries as all
// smaller ones: there are few to search, and an entry is moved a few times only.
const (
	mergeRatio  = 4
	hollowShare = 8         // a segment of which an eighth has been removed is built anew
	segmentLen  = 1<<31 - 2 // most entries of a segment
	waitTail    = 8         // tails that may pile up before an Add waits for a merge
)

func (s *segment) hollow() bool { return !s.fixed && s.gone*hollowShare > s.n }

// tidy merges what is due, unless somebody else is at it.
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

// stale says whether the segment should be built anew, removed entries apart or
// because it never was built.
func (s *segment) stale() bool { return s.raw || s.gone > 0 }

// due chooses the segments to merge next, nil if all is well. Fixed ones are left
// alone unless they are to be merged as well.
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
		from, least := -1, int64(0)
		for k, s := range m.set {
			for m.next[k] < s.n && isSet(m.dead[k], m.next[k]) {
				m.next[k]++
			}
			if m.next[k] == s.n {
				continue
			}
			if ref := s.ref(m.next[k]); from < 0 || ref < least {
				from, least = k, ref
			}
		}
		at := m.next[from]
		m.next[from]++
		to.put(i, least, m.set[from].hashes[size*at:])
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
