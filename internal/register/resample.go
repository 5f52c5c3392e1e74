package register

import (
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
)

// resize returns p at w x h: area means to shrink, cubic convolution to enlarge.
func resize(p dsp.Plane, w, h int) dsp.Plane {
	if w <= p.W && h <= p.H {
		return dsp.Shrink(p, w, h)
	}
	return dsp.Enlarged(p, w, h)
}

// shrink returns p at w x h, low-passed by a Gaussian and sampled by cubic
// convolution: unlike area means it has the same response at every phase.
func shrink(p dsp.Plane, w, h int) dsp.Plane {
	return dsp.Soft(p, float64(lowPass*float64(p.W)/float64(w)), w, h)
}

// warp returns p sampled at w x h positions by bilinear interpolation. m maps pixels of the result
// to pixels of p. A position that is not more than a pixel inside of p gives 0.
func warp(p dsp.Plane, m geometry.Mat, w, h int) dsp.Plane {
	out := dsp.NewPlane(w, h)
	warpTo(out, p, m)
	return out
}

func warpTo(out, p dsp.Plane, m geometry.Mat) {
	dsp.Shared(out.H, 4*len(out.Pix), func(from, to int) {
		for y := from; y < to; y++ {
			dsp.SampleLinear(out.Row(y), p, row(m, y))
		}
	})
}

// row returns the positions to which m maps the pixels of row y.
func row(m geometry.Mat, y int) dsp.Line {
	v := float64(y)
	return dsp.Line{X: m[0], X0: float64(m[1]*v) + m[2], Y: m[3], Y0: float64(m[4]*v) + m[5], W: m[6], W0: float64(m[7]*v) + m[8]}
}

// ones returns a plane of ones: warped, it tells what share of each pixel is seen.
func ones(w, h int) dsp.Plane {
	p := dsp.NewPlane(w, h)
	for i := range p.Pix {
		p.Pix[i] = 1
	}
	return p
}

// flatten returns p with local contrast brought to a fixed level around 128, for dark or washed-out leaks.
func flatten(p dsp.Plane) dsp.Plane {
	z := dsp.HighPass(p, 12)
	power := dsp.Gauss(dsp.Product(z, z), 12)
	for i, v := range z.Pix {
		z.Pix[i] = float32(v/sqrt32(power.Pix[i]+1)*25) + 128
	}
	return z
}

func negative(p dsp.Plane) dsp.Plane {
	out := dsp.NewPlane(p.W, p.H)
	for i, v := range p.Pix {
		out.Pix[i] = 255 - v
	}
	return out
}

func sqrt32(v float32) float32 { return float32(math.Sqrt(float64(v))) }

// scaleOf returns pixels of a w x h picture per pixel that m maps it to: the root of the areas'
// ratio. An area under one pixel counts as one.
func scaleOf(m geometry.Mat, w, h int) float64 {
	c := m.Corners(float64(w), float64(h))
	area := 0.0
	for i := range c {
		n := c[(i+1)&3]
		area += float64(c[i].X*n.Y) - float64(c[i].Y*n.X)
	}
	return math.Sqrt(float64(w) * float64(h) / math.Max(math.Abs(area)/2, 1))
}

// scaleTo maps pixels of a picture of size a to pixels of the same picture at size b.
func scaleTo(a, b dsp.Plane) geometry.Mat {
	return geometry.PixelScale(float64(b.W)/float64(a.W), float64(b.H)/float64(a.H))
}
