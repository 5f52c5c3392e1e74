package parts

import (
	"fmt"
	"image"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
)

// canonical returns the luma of img over white paper, 0..255, shrunk to a long side of maxLong
// pixels. A picture that is not longer keeps its size. The error wraps ErrPicture if img is nil or
// empty. It also does if a side exceeds maxSide pixels, or the picture maxPixels.
func canonical(img image.Image, maxLong int) (dsp.Plane, error) {
	if img == nil {
		return dsp.Plane{}, fmt.Errorf("%w: nil", ErrPicture)
	}
	size := img.Bounds().Size()
	if size.X < 1 || size.Y < 1 || size.X > maxSide || size.Y > maxSide || int64(size.X)*int64(size.Y) > maxPixels {
		return dsp.Plane{}, fmt.Errorf("%w: %d x %d pixels", ErrPicture, size.X, size.Y)
	}
	w, h := geometry.Fit(size.X, size.Y, maxLong)
	return dsp.ShrinkNRGBA(dsp.AsNRGBA(img), w, h).Luma(), nil
}
