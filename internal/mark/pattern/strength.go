package pattern

import (
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
)

// flatGain returns the strength of a mark in mid-grey flats, before its peaks are cut: grey levels RMS. side is the long
// side of the picture in pixels. The strength is flatTypical (1800/side)^(7/16), within [flatLow, flatHigh].
// Large pictures are looked at closer, so that a mark, which grows with them, shows more.
func (e *manner) flatGain(side int) float32 {
	half := math.Sqrt(1800 / float64(side))
	eighth := math.Sqrt(math.Sqrt(half))
	g := float64(e.flatTypical*half) / math.Sqrt(eighth)
	return float32(math.Min(math.Max(g, e.flatLow), e.flatHigh))
}

// blueGain returns the strength of the blue difference where its mask is 1: grey levels RMS. side is the long side of the
// picture in pixels. The strength is chromaLevel, times (blueSide/side)^(3/8) in larger pictures.
func (e *manner) blueGain(side int) float32 {
	if side <= blueSide || !e.chromaMask {
		return e.chromaLevel
	}
	quarter := math.Sqrt(math.Sqrt(blueSide / float64(side)))
	return float32(float64(e.chromaLevel) * float64(quarter*math.Sqrt(quarter)))
}

// maxSlope returns the max slope over texture, for a picture with the given long side in
// pixels. Texture of the canonical picture looks smooth in the pixels of a large one.
func maxSlope(side int) float64 { return math.Min(1, math.Sqrt(textureSide/float64(side))) }

// A Shaped is what is added to the canonical picture: to luma, and negated to the blue difference. What is added to
// luma is the pattern times the mask's flat part and slope times its texture, and times gain.
type Shaped struct {
	luma, chroma dsp.Plane
	slope, gain  float32
}

// Scale multiplies what is added to a picture by g.
func (s *Shaped) Scale(g float32) {
	s.luma.Scale(g)
	s.chroma.Scale(g)
	s.gain *= g
}

// Shape returns the mark made of the given blind patterns, one a carrier, and the tracer (own). All have unit power and
// the canonical size. blindChroma does not count in a grey picture. strength 1 is the visibility budget; the mark never
// goes past the PSNR floor. The slope of strength over texture solves the quadratic equation that puts the squared
// error at the floor. What clipping would take costs nothing and is not counted.
func (c *Canvas) Shape(blindLuma, blindChroma, own dsp.Plane, strength float64) Shaped {
	luma, texture, chroma := c.parts(blindLuma, blindChroma, own, strength)
	slope, gain := c.solve(luma, texture, chroma)
	for i := range luma.Pix {
		luma.Pix[i] = float32(gain * (luma.Pix[i] + float32(slope*texture.Pix[i])))
		chroma.Pix[i] = float32(gain * chroma.Pix[i])
	}
	return Shaped{luma, chroma, slope, gain}
}

// Amplitude returns the local strength of a mark of strength 1 that was shaped as s: the grey
// levels that a luma pattern of unit power is multiplied with at each canonical pixel.
func (c *Canvas) Amplitude(s Shaped) dsp.Plane {
	flats := c.as.flatGain(max(c.w, c.h))
	out := dsp.NewPlane(c.canon.R.W, c.canon.R.H)
	for i := range out.Pix {
		out.Pix[i] = float32(float32(s.gain*flats) * (c.mask.flat.Pix[i] + float32(s.slope*c.mask.texture.Pix[i])))
	}
	return out
}

// parts returns what a mark is made of, in grey levels: its luma in flats, what texture adds to that luma at a slope of
// 1, and its blue difference, 0 in a grey picture. The patterns have unit power and are cut at patternLimit and
// chromaLimit; strength is a share of the visibility budget. solve chooses the slope.
func (c *Canvas) parts(blindLuma, blindChroma, own dsp.Plane, strength float64) (flat, texture, chroma dsp.Plane) {
	level := c.as.blueGain(max(c.w, c.h))
	if c.grey {
		level = 0
	}
	flat, texture, chroma = dsp.NewPlane(own.W, own.H), dsp.NewPlane(own.W, own.H), dsp.NewPlane(own.W, own.H)
	level *= float32(strength)
	limit := c.as.patternLimit
	flats := float32(strength) * c.as.flatGain(max(c.w, c.h))
	for i := range flat.Pix {
		p := float32(flats * Clip(float32(blindWeight*blindLuma.Pix[i])+float32(tracerWeight*own.Pix[i]), -limit, limit))
		flat.Pix[i] = float32(p * c.mask.flat.Pix[i])
		texture.Pix[i] = float32(p * c.mask.texture.Pix[i])
		chroma.Pix[i] = float32(float32(level*Clip(blindChroma.Pix[i], -chromaLimit, chromaLimit)) * c.mask.chroma.Pix[i])
	}
	return flat, texture, chroma
}

var (
	blindWeight  = float32(math.Sqrt(1 - tracerShare))
	tracerWeight = float32(math.Sqrt(tracerShare))
)

// Floor returns the PSNR in dB that a mark keeps at least.
func (c *Canvas) Floor() float64 {
	if c.w*c.h < 1e6 {
		return psnrSmall
	}
	return psnrFloor
}

// solve returns the slope over texture, slopeLow to maxSlope, at which the mark made of the parts
// reaches the PSNR floor. gain is 1, or below if even the lowest slope breaks the floor. L = flat +
// s texture is added in R, G and B. The blue difference C adds -1.772 C in B and 0.344 C in G. The
// mean squared error is <L^2> + (1.772^2 + 0.344^2)/3 <C^2> - 2 (1.772 - 0.344)/3 <L C>.
func (c *Canvas) solve(flat, texture, chroma dsp.Plane) (slope, gain float32) {
	const cross, square = (cbToB - cbToG) / 3, (cbToB*cbToB + cbToG*cbToG) / 3
	var ff, ft, tt, fc, tc, cc float64
	for i, y := range c.canon.Luma().Pix {
		f, t, d := float64(flat.Pix[i]), float64(texture.Pix[i]), float64(chroma.Pix[i])
		if f > 0 && y > 252 || f < 0 && y < 3 {
			continue
		}
		ff += float64(f * f)
		ft += float64(f * t)
		tt += float64(t * t)
		fc += float64(f * d)
		tc += float64(t * d)
		cc += float64(d * d)
	}
	n := float64(len(flat.Pix))
	target := float64(float64(255*255) * dsp.Exp(-c.Floor()/10*math.Ln10))
	a, b := tt/n, (ft-float64(cross*tc))/n
	e := (ff+float64(square*cc)-float64(2*cross*fc))/n - target
	s := slopeLow
	switch disc := float64(b*b) - float64(a*e); {
	case disc > 0 && a > 1e-9:
		s = (math.Sqrt(disc) - b) / a
	case e < 0:
		s = 1
	}
	side := max(c.w, c.h)
	s = math.Min(math.Max(s, slopeLow), maxSlope(side))
	g := 1.0
	if all := float64(a*float64(s*s)) + float64(2*b*s) + e + target; all > target {
		g = math.Sqrt(target / all)
	}
	return float32(s), float32(g)
}
