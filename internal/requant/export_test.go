package requant

import (
	"image"

	"github.com/kycmark/kycmark/internal/dsp"
)

// Forward and Inverse are the transform of a block.
func Forward(x [64]float32) [64]float32 {
	c, b := newCosines(), block(x)
	c.forward(&b)
	return b
}

func Inverse(x [64]float32) [64]float32 {
	c, b := newCosines(), block(x)
	c.inverse(&b)
	return b
}

var noise = newLogistic()

// Score and Information are those of logistic noise of unit scale.
func Score(a, b float32) float32 { return noise.score(a, b) }

func Information(x, step float32) float32 { return noise.information(x, step) }

// DecodedLuma is the luma of a decoded picture.
func DecodedLuma(p *image.NRGBA) (dsp.Plane, []bool) { return decodedLuma(p) }

// Scaled is the standard table at a quality.
func Scaled(quality int) Table { return scaled(quality) }
