package phash

import (
	"fmt"
	"image"
)

// Sum hashes a picture, given upright, by the chain that [Kind.Version] names. Transparent pixels
// count as lying on white paper.
//
// Quality, 0 to 100, tells how much there is to see in the picture. It is the metric of PDQ, also for goimagehash,
// which has none; Area applies it to its own blocks. Below [MinQuality] the hash says little and must not be matched
// on. A picture with a side under 5 pixels, an empty one as well, has the hash 0 and quality 0.
//
// Errors wrap [ErrKind], or [ErrPicture] for nil and, with all kinds but PDQ, for more than
// [MaxPixels]; PDQ has no bound.
func Sum(kind Kind, img image.Image) (h Hash, quality int, err error) {
	if err := check(kind, img); err != nil {
		return Hash{}, 0, err
	}
	h.Kind = kind
	if tooSmall(img) {
		return h, 0, nil
	}
	h.Bits, quality = sum(kind, img, orientations[0])
	return h, quality, nil
}

// SumTurned returns the hashes that the picture has in each of its eight orientations, in this order: as it is; turned
// counterclockwise by 90°, 180°, 270°; top and bottom exchanged; left and right exchanged; mirrored at the diagonal
// from the top left, and at the one from the top right. Each is exactly what [Sum] gives for the turned pixels. Quality
// is that of the picture as it is. Errors are the errors of Sum.
//
// Store the one hash of a picture and ask with the eight of the leak. A rule that picks one of the eight to store ("the
// smallest") would pick another as soon as a bit differs.
func SumTurned(kind Kind, img image.Image) (all [8]Hash, quality int, err error) {
	if err := check(kind, img); err != nil {
		return all, 0, err
	}
	for i := range all {
		all[i].Kind = kind
	}
	switch {
	case tooSmall(img):
	case kind == Area:
		g := areaGrid(img)
		return g.turns(), g.quality(), nil
	default:
		all[0].Bits, quality = sum(kind, img, orientations[0])
		for i := 1; i < len(all); i++ {
			all[i].Bits, _ = sum(kind, img, orientations[i])
		}
	}
	return all, quality, nil
}

// sum returns the bits and the quality of a picture that lies as o says. The picture passed check and is not too small.
func sum(kind Kind, img image.Image, o orientation) (bits [4]uint64, quality int) {
	if kind == Area {
		g := areaGrid(img).turned(o)
		return g.transform().bits(), g.quality()
	}
	g := shrink(reduced(img, o))
	if kind == PDQ {
		return g.transform().bits(), g.quality()
	}
	return [4]uint64{library(kind, whole(img, o))}, g.quality()
}

// check returns an error if img cannot be hashed by that kind. It wraps ErrKind or ErrPicture.
func check(kind Kind, img image.Image) error {
	switch {
	case !kind.valid():
		return fmt.Errorf("%w: %s", ErrKind, kind)
	case img == nil:
		return fmt.Errorf("%w: none given", ErrPicture)
	case kind == PDQ:
		return nil
	}
	b := img.Bounds()
	if n := int64(b.Dx()) * int64(b.Dy()); n > MaxPixels {
		return fmt.Errorf("%w: %d × %d pixels, max %d", ErrPicture, b.Dx(), b.Dy(), MaxPixels)
	}
	return nil
}

// tooSmall reports whether a side of img is so short that its hash is 0 by definition.
func tooSmall(img image.Image) bool {
	b := img.Bounds()
	return min(b.Dx(), b.Dy()) < minSide
}
