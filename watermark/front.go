package watermark

import (
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
)

// carriers returns the planes in which a reader looks for a mark, whitened: luma,
// and minus the blue difference unless the picture is grey.
func carriers(c dsp.RGB) []dsp.Plane {
	y := c.Luma()
	if c.Gray() {
		return []dsp.Plane{whiten(residual(y, 6, 0.5))}
	}
	out := make([]dsp.Plane, 2)
	dsp.Parallel(2, func(from, to int) {
		for i := from; i < to; i++ {
			if i == 0 {
				out[0] = whiten(residual(y, 6, 0.5))
				continue
			}
			out[1] = whiten(residual(c.Cb(y), 4, 0.3))
			out[1].Scale(-1)
		}
	})
	return out
}

// residual is what an edge-preserving filter takes away, divided by its local RMS:
// text edges do not leak over the paper beside them. sigma is the filter's
// tolerance in grey levels, quiet the RMS below which nothing is lifted.
func residual(p dsp.Plane, sigma, quiet float64) dsp.Plane {
	const radius, space, local, limit = 5, 4, 4, 3
	r := dsp.Bilateral(p, radius, sigma, space)
	square := dsp.NewPlane(p.W, p.H)
	for i, v := range r.Pix {
		d := p.Pix[i] - v
		r.Pix[i] = d
		square.Pix[i] = float32(d * d)
	}
	for i, v := range dsp.Gauss(square, local).Pix {
		r.Pix[i] = clip(float32(float64(r.Pix[i])/(math.Sqrt(float64(v))+quiet)), -limit, limit)
	}
	return r
}

// whiten divides the spectrum by its local mean and scales to unit RMS.
func whiten(p dsp.Plane) dsp.Plane {
	f := dsp.NewFFT2(dsp.FastEven(p.W), dsp.FastLen(p.H))
	s := f.Forward(p)
	m := localPower(powers(s), max(9, min(s.W, s.H)/40|1), 1e-4)
	for i, c := range s.C {
		g := float32(1 / math.Sqrt(float64(m.Pix[i])))
		s.C[i] = complex(float32(g*real(c)), float32(g*imag(c)))
	}
	out := f.Inverse(s, p.W, p.H)
	out.Scale(float32(1 / (out.RMS() + 1e-20)))
	return out
}

// powers returns |F|^2, the half spectrum as a plane.
func powers(s dsp.Spectrum) dsp.Plane {
	p := dsp.NewPlane(s.Stride(), s.H)
	for i, c := range s.C {
		p.Pix[i] = float32(real(c)*real(c)) + float32(imag(c)*imag(c))
	}
	return p
}

// localPower is the mean over n x n bins of a half spectrum's powers, a second
// time with peaks cut at three times the first mean; floor is a share of the
// greatest mean that is added throughout.
func localPower(p dsp.Plane, n int, floor float32) dsp.Plane {
	m := spectralBox(p, n)
	cut := p.Clone()
	for i, v := range m.Pix {
		cut.Pix[i] = min(cut.Pix[i], 3*v)
	}
	m = spectralBox(cut, n)
	most := float32(0)
	for _, v := range m.Pix {
		most = max(most, v)
	}
	add := float32(floor*most) + 1e-20
	for i := range m.Pix {
		m.Pix[i] += add
	}
	return m
}

// spectralBox is a box mean that goes on over the edges of a half spectrum:
// rows wrap, columns continue as F(-u,-v) = conj F(u,v).
func spectralBox(p dsp.Plane, n int) dsp.Plane {
	r := min(n/2, p.W-1)
	ext := dsp.NewPlane(p.W+2*r, p.H+2*r)
	for y := range ext.H {
		v := ((y-r)%p.H + p.H) % p.H
		row, opposite, dst := p.Row(v), p.Row((p.H-v)%p.H), ext.Row(y)
		copy(dst[r:], row)
		for k := 1; k <= r; k++ {
			dst[r-k] = opposite[k]
			dst[r+p.W-1+k] = opposite[p.W-1-k]
		}
	}
	return dsp.Box(ext, 2*r+1).Window(r, r, p.W, p.H)
}
