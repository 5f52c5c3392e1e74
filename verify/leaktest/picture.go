package leaktest

import (
	"image"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/picture/pixel"
)

// own returns img over white as an *image.NRGBA with its corner at 0, 0, as the other packages work
// on. img is not changed, but the result may share its pixels.
func own(img image.Image) *image.NRGBA {
	return pixel.Flatten(dsp.AsNRGBA(img))
}
