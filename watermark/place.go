package watermark

import (
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/keystream"
)

// Torus is the side of the pattern, in mark pixels, before it repeats: a position
// that [Detect] reports is known up to multiples of it.
const Torus = torus

// Placement returns the homography, row by row, from the pixels of a w x h picture
// to mark pixels under which a mark of the key lies on it. Beside
// [Detection.Transform] it says how a leak lies on the submission that it shows.
func Placement(key *Key, sub Submission, w, h int) [9]float64 {
	cw, ch := canonicalSize(w, h)
	return [9]float64(placement(key, sub, cw, ch).Mul(geometry.PixelScale(float64(cw)/float64(w), float64(ch)/float64(h))))
}

// placement returns the map from pixels of a w x h picture to mark pixels: any
// rotation, a scale within e^+-0.1 of 1024 mark pixels a long side, any shift. It
// is keyed by submission, never by copy, so that a trace serves all copies in one
// pass and averages over pictures do not add up.
func placement(k *Key, sub Submission, w, h int) geometry.Mat {
	s := keystream.New(k.derive("placement "+sub.String(), keystream.KeySize))
	c, sn := dsp.Cis(s.Unit())
	scale := torus / float64(max(w, h)) * dsp.Exp(placeScale*(float64(2*s.Unit())-1))
	tx, ty := float64(torus*s.Unit()), float64(torus*s.Unit())
	m := geometry.Affine([4]float64{float64(scale * c), -float64(scale * sn), float64(scale * sn), float64(scale * c)}, geometry.Point{X: tx, Y: ty})
	return m.Mul(geometry.Translation(-float64(w-1)/2, -float64(h-1)/2))
}

// lay samples the pattern, repeated over the plane, at each pixel of a w x h
// picture under the affine map m, by cubic convolution.
func lay(pattern dsp.Plane, m geometry.Mat, w, h int) dsp.Plane {
	out := dsp.NewPlane(w, h)
	dsp.Parallel(h, func(from, to int) {
		for y := from; y < to; y++ {
			dst := out.Row(y)
			for x := range dst {
				p := m.Apply(geometry.Point{X: float64(x), Y: float64(y)})
				dst[x] = sampleTorus(pattern, p.X, p.Y)
			}
		}
	})
	return out
}

func sampleTorus(p dsp.Plane, x, y float64) float32 {
	fx, fy := math.Floor(x), math.Floor(y)
	wx, wy := dsp.Bicubic(float32(x-fx)), dsp.Bicubic(float32(y-fy))
	ix, iy := int(fx)-1, int(fy)-1
	var ks [4]int
	for k := range ks {
		ks[k] = (ix + k) & (torus - 1)
	}
	var sum float32
	for j := range 4 {
		row := p.Row((iy + j) & (torus - 1))
		v := float32(wx[0]*row[ks[0]]) + float32(wx[1]*row[ks[1]]) + float32(wx[2]*row[ks[2]]) + float32(wx[3]*row[ks[3]])
		sum += float32(wy[j] * v)
	}
	return sum
}
