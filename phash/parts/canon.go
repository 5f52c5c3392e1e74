package parts

import (
	"fmt"
	"image"
	"image/draw"

	"github.com/kycmark/kycmark/internal/dsp"
)

const (
	uploadSide = 768  // pixels of the long side at which an upload is looked at
	leakSide   = 1280 // the same of a leak, which may show the upload in a part
	maxPixels  = 1 << 28
	maxSide    = 1<<16 - 1
)

// canonical returns the luma of a picture over white, 0..255, with a long side of
// at most most pixels.
func canonical(img image.Image, most int) (dsp.Plane, error) {
	if img == nil {
		return dsp.Plane{}, fmt.Errorf("%w: there is none", ErrPicture)
	}
	size := img.Bounds().Size()
	if size.X < 1 || size.Y < 1 || size.X > maxSide || size.Y > maxSide || int64(size.X)*int64(size.Y) > maxPixels {
		return dsp.Plane{}, fmt.Errorf("%w: %d x %d pixels", ErrPicture, size.X, size.Y)
	}
	w, h := canonicalSize(size.X, size.Y, most)
	return dsp.ShrinkNRGBA(toNRGBA(img), w, h).Luma(), nil
}

func canonicalSize(w, h, most int) (int, int) {
	long := max(w, h)
	if long <= most {
		return w, h
	}
	side := func(n int) int { return max(1, (n*most+long/2)/long) }
	return side(w), side(h)
}

// toNRGBA returns img itself where it is an NRGBA picture from (0, 0) on.
func toNRGBA(img image.Image) *image.NRGBA {
	if p, ok := img.(*image.NRGBA); ok && p.Rect.Min == (image.Point{}) {
		return p
	}
	b := img.Bounds()
	p := image.NewNRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	draw.Draw(p, p.Rect, img, b.Min, draw.Src)
	return p
}
