package watermark

import (
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
)

// A mask is how much of a mark each pixel hides, in grey levels: flat everywhere,
// plus texture times a slope chosen per picture.
type mask struct {
	flat, texture dsp.Plane
}

// Parameters of the mask, in pixels of the canonical picture and grey levels.
const (
	maskHighPass  = 2.0
	maskActivity  = 7 // window of the activity
	maskErode     = 5 // texture must not lend strength to the flats beside it
	maskTexture   = 6.0
	maskWhite     = 0.6   // bare paper hides more,
	maskWhiteFrom = 243.0 // but tinted paper does not
	maskWhiteOver = 9.0
	maskQuietFlat = 0.7
)

// newMask is a just-noticeable-difference model of box filters and one erosion.
// Activity is the 1/2-norm of the high-passed luma, so that lone edges count
// little; luminance follows Weber's law in the bright and loses strength in the
// dark, where displays lift it.
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
		off := max(127-b, b-127) / 127.5
		lum := (1 + float32(0.25*off)) * clip((b+20)/50, 0.6, 1)
		white := 1 + float32(maskWhite*clip((b-maskWhiteFrom)/maskWhiteOver, 0, 1))
		m.flat.Pix[i] = float32(lum * (maskQuietFlat + float32((1-maskQuietFlat)*min(a/0.6, 1))) * white)
		m.texture.Pix[i] = float32(m.flat.Pix[i] * min(a, maskTexture))
	}
	return m
}

func clip(v, lo, hi float32) float32 { return min(max(v, lo), hi) }
