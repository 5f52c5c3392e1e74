package pattern

import (
	"image"
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
)

// A mask is how much of a mark each pixel hides. Luma is in just-noticeable differences of a mid-grey flat: flat
// everywhere, plus texture times a slope chosen per picture. chroma is the gain of the blue difference.
type mask struct {
	flat, texture, chroma dsp.Plane
}

// smoothness returns the share of a mark, maskSmooth to 1, that hides at each place of a picture
// that was shrunk to w x h. Grain of the picture's own pixels hides a mark that is coarser: the share is 1
// in grain, and less without. It is 1 everywhere in pictures that are shrunk by less than 1.5.
func smoothness(shrunk float32, w, h int, grain func() dsp.Plane) dsp.Plane {
	out := dsp.NewPlane(w, h)
	much := Clip((shrunk-1.5)/1.5, 0, 1)
	if much > 0 {
		out = dsp.Box(grain(), maskActivity)
	}
	for i, g := range out.Pix {
		out.Pix[i] = 1 - float32(much*float32((1-maskSmooth)*(1-min(g/maskGrain, 1))))
	}
	return out
}

// grainOf returns how much neighbours along a row differ at each place of a picture shrunk to w x h.
func grainOf(src *image.NRGBA, w, h int) dsp.Plane {
	out := dsp.NewPlane(w, h)
	for y := range h {
		grainRow(out.Row(y), src, y*src.Rect.Dy()/h, (y+1)*src.Rect.Dy()/h)
	}
	return out
}

// grainRow writes to dst the mean difference of neighbours along a row in green, in grey levels. It looks at every
// second of the source rows [top, bottom). Each sample of dst has an equal share of the columns of src.
func grainRow(dst []float32, src *image.NRGBA, top, bottom int) {
	n := src.Rect.Dx()
	for x := range dst {
		left, right := x*n/len(dst), min((x+1)*n/len(dst), n-1)
		sum, count := 0, 0
		for y := top; y < bottom; y += 2 {
			row := src.Pix[y*src.Stride+4*left+1 : y*src.Stride+4*right+2]
			for i := 4; i < len(row); i += 4 {
				d := int(row[i]) - int(row[i-4])
				sum += max(d, -d)
			}
			count += right - left
		}
		dst[x] = float32(sum) / float32(max(count, 1))
	}
}

// newMask returns the mask of a canonical picture: a just-noticeable-difference model of box filters and one erosion.
// Activity is the 1/2-norm of the high-passed luma, so that lone edges count little; what it hides grows with the root of
// 1 + activity, as Butteraugli's distance on noise of any strength falls. smooth is from [smoothness], of the same size.
// The gain of the blue difference has the square of smooth, since it is seen sooner without grain. No plane is changed.
func newMask(canon dsp.RGB, smooth dsp.Plane) mask {
	luma := canon.Luma()
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
	m := mask{flat: dsp.NewPlane(luma.W, luma.H), texture: dsp.NewPlane(luma.W, luma.H), chroma: dsp.NewPlane(luma.W, luma.H)}
	for i, a := range act.Pix {
		b := ground.Pix[i]
		white := Clip((b-maskWhiteFrom)/maskWhiteOver, 0, 1)
		quiet := smooth.Pix[i] + float32((1-smooth.Pix[i])*white)
		m.flat.Pix[i] = float32(float32(luminanceGain(b)*(1+float32(maskWhite*white))) * quiet)
		texture := float32(math.Sqrt(float64(1+min(a, maskTexture))) - 1)
		m.texture.Pix[i] = float32(m.flat.Pix[i] * texture)
		m.chroma.Pix[i] = texture
	}
	blue, red := canon.Cb(luma), canon.R.Less(luma.Clone())
	blue, red = dsp.Box(blue, maskActivity), dsp.Box(red, maskActivity)
	for i, texture := range m.chroma.Pix {
		dark := float32(chromaDark * Clip((chromaDarkFrom-ground.Pix[i])/(chromaDarkFrom-chromaDarkEnd), 0, 1))
		yellow := float32(chromaYellow * Clip(-blue.Pix[i], 0, yellowMax))
		other := float32(chromaRed * min(max(red.Pix[i], -red.Pix[i]), redMax))
		m.chroma.Pix[i] = float32((1+dark)*(1+float32(chromaTexture*texture))) / (1 + yellow + other)
		m.chroma.Pix[i] *= float32(smooth.Pix[i] * smooth.Pix[i])
	}
	return m
}

// luminanceGain returns how much more of a mark a ground of the given level, 0..255, hides
// than mid-grey does, interpolated from maskLuminance.
func luminanceGain(level float32) float32 {
	x := Clip(level, 0, 255) / 16
	i := int(x)
	return maskLuminance[i] + float32((x-float32(i))*(maskLuminance[i+1]-maskLuminance[i]))
}

// Clip returns v, or the nearer end of [lo, hi] if v lies outside.
func Clip(v, lo, hi float32) float32 { return min(max(v, lo), hi) }
