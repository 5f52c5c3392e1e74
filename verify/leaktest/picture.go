package leaktest

import (
	"image"
	"image/draw"

	"github.com/kycmark/kycmark/internal/picture"
)

// own returns img over white as an *image.NRGBA with its corner at 0, 0, as the other packages work
// on. img is not changed, but the result may share its pixels.
func own(img image.Image) *image.NRGBA {
	p, ok := img.(*image.NRGBA)
	if !ok || p.Rect.Min != (image.Point{}) {
		b := img.Bounds()
		p = image.NewNRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
		draw.Draw(p, p.Rect, img, b.Min, draw.Src)
	}
	return picture.Flatten(p)
}
