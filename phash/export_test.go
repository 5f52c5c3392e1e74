package phash

import (
	"image"
	"slices"
)

// Kind returns the kind of the hashes.
func (x *Index) Kind() Kind { return x.kind }

// SumFull is PDQ over every pixel, without the step to 512 × 512 pixels: the hash of those tools of the
// reference that are handed pixels and not files.
func SumFull(img image.Image) (h Hash, quality int, err error) {
	if err := check(Area, img); err != nil {
		return Hash{}, 0, err
	}
	if h.Kind = PDQ; tooSmall(img) {
		return h, 0, nil
	}
	g := shrink(whole(img, orientations[0]))
	h.Bits = g.transform().bits()
	return h, g.quality(), nil
}

// SumDihedral is the reference's cheap form of SumTurned: its last seven hashes come from one cosine
// transform by signs and transposition.
func SumDihedral(kind Kind, img image.Image) (all [8]Hash, quality int, err error) {
	if kind != PDQ {
		return SumTurned(kind, img)
	}
	if err := check(kind, img); err != nil {
		return all, 0, err
	}
	for i := range all {
		all[i].Kind = kind
	}
	if tooSmall(img) {
		return all, 0, nil
	}
	g := shrink(reduced(img, orientations[0]))
	s := g.transform()
	for i, o := range orientations {
		all[i].Bits = o.spectrum(s).bits()
	}
	return all, g.quality(), nil
}

// spectrum returns the transform of a grid that lies as o says, from the transform s of the grid.
// Mirroring an axis changes the sign of its odd frequencies. These are at even places, because
// frequency 0 is left out.
func (o orientation) spectrum(s *spectrum) *spectrum {
	t := new(spectrum)
	for i := range s {
		for j, v := range s[i] {
			if (o.mirrorX && j%2 == 0) != (o.mirrorY && i%2 == 0) {
				v = -v
			}
			if o.swap {
				t[j][i] = v
			} else {
				t[i][j] = v
			}
		}
	}
	return t
}

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
func (x *Index) Trace(h Hash) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for i := range x.tail.len() {
		if loadHash(x.tail.hash(i), x.kind) == h.Bits {
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
