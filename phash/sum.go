package phash

import (
	"fmt"
	"image"
)

const (
	// leastSide is the side in pixels below which a picture has no hash.
	leastSide = 5
	// maxPixels bounds the pictures of which every pixel is looked at.
	maxPixels = 1 << 28
)

// Sum hashes a picture, given upright, by the chain that [Kind.Chain] names.
// Transparent pixels count as over white paper.
//
// Quality, 0 to 100, tells how much there is to see in the picture. It is the
// metric of PDQ for every kind, as goimagehash has none: below [MinQuality] the
// hash says little and must not be matched on. A picture with a side under 5
// pixels, an empty one as well, has the hash 0 and quality 0.
//
// Errors wrap [ErrKind], or [ErrPicture] for nil and, of the 64-bit kinds, for
// more than 2^28 pixels; PDQ has no bound.
func Sum(kind Kind, img image.Image) (h Hash, quality int, err error) {
	all, quality, err := sum(kind, img, 1)
	return all[0], quality, err
}

// SumDihedral returns the hashes of the picture in its eight orientations, in
// this order: as it is; turned counterclockwise by 90°, 180°, 270°; top and
// bottom exchanged; left and right exchanged; mirrored at the diagonal from the
// top left; mirrored at the diagonal from the top right. The first one is that
// of [Sum], and so are quality and errors.
//
// Store one hash of a picture and ask with the eight of the leak: which of the
// eight comes first by any rule may change with a single bit, so there is no
// canonical one to store.
//
// PDQ has all eight from one cosine transform. They are those of the turned
// pixels to within a few bits: sampling does not lie symmetrically in most
// sizes. The 64-bit kinds are hashed eight times, from turned pixels.
func SumDihedral(kind Kind, img image.Image) (all [8]Hash, quality int, err error) {
	return sum(kind, img, len(all))
}

// SumFull is PDQ over every pixel, without the step to 512 × 512 pixels that
// [Sum] takes with larger pictures. For pictures of at most 512 pixels a side it
// is the same; for others it is the hash of those tools of the reference that
// are handed pixels and not files. Kind.Chain does not name it: do not mix the
// two in one registry. Errors wrap [ErrPicture], for nil and for more than 2^28
// pixels.
func SumFull(img image.Image) (h Hash, quality int, err error) {
	h = Hash{Kind: PDQ}
	if err := check(PDQ, img); err != nil {
		return Hash{}, 0, err
	}
	if tooSmall(img) {
		return h, 0, nil
	}
	if err := checkSize(img); err != nil {
		return Hash{}, 0, err
	}
	g := whole(img).shrink()
	h.Bits = g.transform().bits()
	return h, g.quality(), nil
}

// sum hashes the picture in the first n orientations.
func sum(kind Kind, img image.Image, n int) (all [8]Hash, quality int, err error) {
	if err := check(kind, img); err != nil {
		return all, 0, err
	}
	for i := range all[:n] {
		all[i].Kind = kind
	}
	if tooSmall(img) {
		return all, 0, nil
	}
	g := reduced(img).shrink()
	if kind == PDQ {
		s := g.transform()
		for i := range all[:n] {
			all[i].Bits = orientations[i].spectrum(s).bits()
		}
		return all, g.quality(), nil
	}
	if err := checkSize(img); err != nil {
		return [8]Hash{}, 0, err
	}
	m := flat(img)
	for i := range all[:n] {
		all[i].Bits[0] = sum64(kind, orientations[i].of(m))
	}
	return all, g.quality(), nil
}

func check(kind Kind, img image.Image) error {
	if !kind.valid() {
		return fmt.Errorf("%w: %s", ErrKind, kind)
	}
	if img == nil {
		return fmt.Errorf("%w: no picture", ErrPicture)
	}
	return nil
}

func checkSize(img image.Image) error {
	b := img.Bounds()
	if n := int64(b.Dx()) * int64(b.Dy()); n > maxPixels {
		return fmt.Errorf("%w: %d × %d pixels, most %d", ErrPicture, b.Dx(), b.Dy(), maxPixels)
	}
	return nil
}

func tooSmall(img image.Image) bool {
	b := img.Bounds()
	return min(b.Dx(), b.Dy()) < leastSide
}
