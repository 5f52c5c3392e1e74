package watermark

import (
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
)

// A mask is how much of a mark each pixel hides, in just-noticeable differences
// of a mid-grey flat: flat everywhere, plus texture times a slope chosen per
// picture.
type mask struct {
	flat, texture dsp.Plane
}

// Parameters of the mask, in pixels of the canonical picture and grey levels.
const (
	maskHighPass  = 2.0
	maskActivity  = 7 // window of the activity
	maskErode     = 5 // texture must not lend strength to the flats beside it
	maskTexture   = 10.0
	maskWhite     = 0.45  // bare paper hides more, half of the mark being clipped,
	maskWhiteFrom = 250.0 // but tinted paper does not
	maskWhiteOver = 4.0
)

// maskLuminance is how much more of a mark hides on flats of 0, 16, 32 ... 256
// grey levels than on mid-grey: the inverse of the Butteraugli distance of one and
// the same mark there, cut at 1.6, since displays and editors lift the dark, and
// nearer to 1 in the bright, where the coarse mark of a large picture is seen.
var maskLuminance = [...]float32{1.6, 1.6, 1.44, 1.23, 1.11, 1.05, 1.02, 1.00, 1.00, 1.00, 1.01, 1.02, 1.03, 1.04, 1.04, 1.05, 1.05}

// newMask is a just-noticeable-difference model of box filters and one erosion.
// Activity is the 1/2-norm of the high-passed luma, so that lone edges count
// little; what it hides grows with the root of 1 + activity, as Butteraugli's
// distance on noise of any strength falls.
func newMask(luma dsp.Plane) mask {
	act := luma.Clone()
	for i, v := range dsp.Gauss(luma, maskHighPass).Pix {
		act.Pix[i] = float32(math.Sqrt(math.Abs(float64(act.Pix[i] - v))))
	}
	act = dsp.Box(act, maskActivity)
	for i, v := range act.Pix {
		act.Pix[i] = float32(v * v)
	}
	act = dsp.Box(dsp.Erode(act, maskErode), maskErode)
	ground := dsp.Box(luma, maskActivity)
	m := mask{flat: dsp.NewPlane(luma.W, luma.H), texture: dsp.NewPlane(luma.W, luma.H)}
	for i, a := range act.Pix {
		b := ground.Pix[i]
		white := 1 + float32(maskWhite*clip((b-maskWhiteFrom)/maskWhiteOver, 0, 1))
		m.flat.Pix[i] = float32(luminanceGain(b) * white)
		m.texture.Pix[i] = float32(m.flat.Pix[i] * float32(math.Sqrt(float64(1+min(a, maskTexture)))-1))
	}
	return m
}

func luminanceGain(level float32) float32 {
	x := clip(level, 0, 255) / 16
	i := int(x)
	return maskLuminance[i] + float32((x-float32(i))*(maskLuminance[i+1]-maskLuminance[i]))
}

func clip(v, lo, hi float32) float32 { return min(max(v, lo), hi) }
