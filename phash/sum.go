package phash

import (
	"fmt"
	"image"
)

// maxPixels bounds the pictures that are hashed whole.
const maxPixels = 1 << 28

// Sum hashes a picture by the chain that [Kind.Chain] names.
func Sum(kind Kind, img image.Image) (h Hash, quality int, err error) {
	if err := check(kind, img); err != nil {
		return Hash{}, 0, err
	}
	all, quality := sumPDQ(img, 1)
	return all[0], quality, nil
}

// SumDihedral returns the hashes of the picture in its eight orientations.
func SumDihedral(kind Kind, img image.Image) (all [8]Hash, quality int, err error) {
	if err := check(kind, img); err != nil {
		return all, 0, err
	}
	all, quality = sumPDQ(img, 8)
	return all, quality, nil
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
