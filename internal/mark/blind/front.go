package blind

import (
	"iter"
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
)

// Carriers returns the planes in which a reader looks for a mark, whitened and of unit RMS: luma, and minus the blue
// difference unless the picture is grey. c is a picture of 0..255 at its canonical size; it is not changed. Each plane
// is made when its turn comes: two at once take 12 MB more. They can be had once.
func Carriers(c dsp.RGB) iter.Seq[dsp.Plane] {
	channels, carrier := []dsp.Plane{c.Luma()}, []func(dsp.Plane) dsp.Plane{lumaCarrier, blueCarrier}
	if !c.Gray() {
		channels = append(channels, c.Cb(channels[0]))
	}
	return func(yield func(dsp.Plane) bool) {
		for i, p := range channels {
			channels[i] = dsp.Plane{} // frees p
			if !yield(carrier[i](p)) {
				return
			}
		}
	}
}

// lumaCarrier makes luma a carrier. It destroys luma.
func lumaCarrier(luma dsp.Plane) dsp.Plane { return whiten(residual(luma, 6, 0.5)) }

// blueCarrier makes the blue difference a carrier. It destroys cb.
func blueCarrier(cb dsp.Plane) dsp.Plane {
	z := whiten(residual(cb, 4, 0.3))
	z.Scale(-1)
	return z
}

// residual returns the detail of p that an edge-preserving filter takes away, divided by its local
// RMS and cut to -3..3. So text edges do not leak over the paper beside them. sigma is the filter's
// tolerance, and quiet is added to the RMS so that flat parts are not lifted, both in grey levels. It destroys p.
func residual(p dsp.Plane, sigma, quiet float64) dsp.Plane {
	const radius, space = 5, 4
	d := dsp.Detail(p, radius, sigma, space)
	level(d, p, quiet)
	return d
}

// level divides p by its local RMS plus quiet, in place, and cuts the quotients at 3: strong
// edges then count no more than faint texture. quiet, in the units of p, keeps flat parts from
// being lifted. room has the size of p, and is destroyed.
func level(p, room dsp.Plane, quiet float64) {
	const local, limit = 4, 3
	dsp.Level(p, room, local, quiet, limit)
}

// whiten divides the spectrum of p by the root of the local mean power, in place, and scales p to unit
// RMS. No frequency of the picture stands out then. It returns p.
func whiten(p dsp.Plane) dsp.Plane {
	f := dsp.NewFFT2(dsp.FastEven(p.W), dsp.FastLen(p.H))
	s := f.Forward(p)
	m := dsp.LocalPower(s.Powers(p.Pix, s.Stride()), max(9, min(s.W, s.H)/40|1), 1e-4)
	for i, v := range m.Pix {
		m.Pix[i] = float32(1 / math.Sqrt(float64(v)))
	}
	s.Weigh(m)
	f.InverseTo(p, s)
	p.Scale(float32(1 / (p.RMS() + 1e-20)))
	return p
}
