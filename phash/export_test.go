package phash

import (
	"image"

	"github.com/kycmark/kycmark/internal/hamming"
)

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

// Holds says whether the memory of the list has the bytes of a hash, also where no entry is.
func (l *List) Holds(h Hash) bool {
	for _, c := range l.chunks {
		all := c.hashes[:cap(c.hashes)]
		for i := 0; i < len(all); i += l.size {
			if hamming.Load(all[i:][:l.size]) == h.Bits {
				return true
			}
		}
	}
	return false
}
