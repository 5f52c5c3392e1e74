package index

import (
	"slices"

	"github.com/kycmark/kycmark/internal/hamming"
	"github.com/kycmark/kycmark/phash"
)

// Parts tells how an index holds its entries: how many segments, with how many
// tables in all, and how many entries in the tail.
func (x *Index) Parts() (segments, tables, tail int) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for _, s := range x.segments {
		tables += len(s.tables)
	}
	return len(x.segments), tables, x.tail.len()
}

// Cuts returns the widths of the bands for n hashes.
func Cuts(n, radius int) (widths []int) {
	for _, c := range planCuts(n, radius) {
		widths = append(widths, c.width)
	}
	return widths
}

// Trace says whether the index holds the bytes of a hash, or its number in the
// lists of all bands.
func (x *Index) Trace(h phash.Hash) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for i := range x.tail.len() {
		if hamming.Load(x.tail.hash(i)) == h.Bits {
			return true
		}
	}
	for _, s := range x.segments {
		for i := range s.n {
			if s.bits(i) == h.Bits || len(s.tables) > 0 && s.isDead(i) && s.listed(&h.Bits, uint32(i)) {
				return true
			}
		}
	}
	return false
}

func (s *segment) listed(h *[4]uint64, id uint32) bool {
	for k := range s.tables {
		t := &s.tables[k]
		start, n := spanOf(t.run(t.value(h)))
		found := false
		for i := range n {
			found = found || s.ids.at(t.lists, start+i) == id
		}
		if !found {
			return false
		}
	}
	return true
}

// Compact merges all entries into one segment, so that tests see an index without
// traces of removed entries.
func (x *Index) Compact() {
	x.merging.Lock()
	defer x.merging.Unlock()
	set := x.take(func() []*segment {
		x.seal()
		if len(x.segments) == 1 && !x.segments[0].raw && x.segments[0].gone == 0 {
			return nil
		}
		return slices.Clone(x.segments)
	})
	if set != nil {
		x.merge(set)
	}
}
