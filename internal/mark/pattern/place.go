package pattern

import (
	"fmt"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/mark/code"
)

// PixelPlacement returns the map from the pixels of a w x h picture to mark pixels, for a
// mark of the key on submission sub. The picture may have any size.
func (kd *Keys) PixelPlacement(sub [16]byte, w, h int) geometry.Mat {
	cw, ch := CanonicalSize(w, h)
	return kd.Placement(sub, cw, ch).Mul(geometry.PixelScale(float64(cw)/float64(w), float64(ch)/float64(h)))
}

// Placement returns the map from pixels of a canonical w x h picture to mark pixels: any rotation, a scale within
// e^+-0.1 of 1024 mark pixels a long side, any shift. Key and submission decide it, the same at every call. Copies
// never do: so a trace serves all copies in one pass, and averages over pictures do not add up.
func (kd *Keys) Placement(sub [16]byte, w, h int) geometry.Mat {
	s := code.NewStream(kd.Derive(fmt.Sprintf("placement %x", sub), code.KeySize))
	c, sn := dsp.Cis(s.Unit())
	scale := Torus / float64(max(w, h)) * dsp.Exp(PlaceScale*(float64(2*s.Unit())-1))
	tx, ty := float64(Torus*s.Unit()), float64(Torus*s.Unit())
	m := geometry.Affine([4]float64{float64(scale * c), -float64(scale * sn), float64(scale * sn), float64(scale * c)}, geometry.Point{X: tx, Y: ty})
	return m.Mul(geometry.Translation(-float64(w-1)/2, -float64(h-1)/2))
}

// Lay samples the pattern of one torus, repeated over the plane, at each pixel of a w x h picture,
// by cubic convolution. m is the affine map from pixels to mark pixels.
func Lay(pattern dsp.Plane, m geometry.Mat, w, h int) dsp.Plane {
	out, t := dsp.NewPlane(w, h), dsp.NewTorus(pattern)
	dsp.Parallel(h, func(from, to int) {
		for y := from; y < to; y++ {
			v := float64(y)
			t.SampleCubic(out.Row(y), dsp.Line{X: m[0], X0: float64(m[1] * v), X1: m[2], Y: m[3], Y0: float64(m[4] * v), Y1: m[5], W0: 1})
		}
	})
	return out
}
