package register

import (
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
)

// slide takes the leak for a piece cut out of the original, at the original's own scale, turned by right angles,
// mirrored or not. It returns the best guess at which the correlation of the normalised pictures peaks, or nil. A piece
// under minSlide or over maxSlide of the original is not tried. Sliding finds what has no corners: sky, water, skin.
func (o *Original) slide(l *Leak) *guess {
	leak, t := l.luma, l.small()
	k := float64(o.canon.W) / float64(o.width)
	w, h := int(float64(float64(leak.W)*k)+0.5), int(float64(float64(leak.H)*k)+0.5)
	if min(w, h) < minSlide || float64(max(w, h)) > float64(maxSlide*float64(max(o.canon.W, o.canon.H))) {
		return nil
	}
	piece := normalised(resize(t, w, h), slideBlur, slideFloor)
	f := dsp.NewFFT2(dsp.FastEven(o.canon.W), dsp.FastLen(o.canon.H))
	ref := f.Forward(normalised(o.canon, slideBlur, slideFloor))
	var best *guess
	for turns := range 4 {
		for mirror := range 2 {
			p, m := turnedBy(piece, turns, mirror == 1)
			x, y, peak := o.peak(f, ref, p)
			if math.Abs(peak) < minPeak {
				continue
			}
			g := guess{h: geometry.Translation(float64(x), float64(y)).Mul(m).Mul(scaleTo(t, piece)), invert: peak < 0}
			g.q, g.over = o.quality(g.h, t, searchSide)
			if g.invert {
				g.q = -g.q
			}
			g.score = scoreOf(g.q, g.over, 0)
			if g.q > minAgreed && (best == nil || g.score > best.score) {
				best = &g
			}
		}
	}
	return best
}

// turnedBy returns p mirrored, if mirror is set, and then turned counterclockwise by so many right
// angles. It also returns the map from pixels of p to pixels of the result.
func turnedBy(p dsp.Plane, turns int, mirror bool) (dsp.Plane, geometry.Mat) {
	m := orientation(p.W, p.H, turns, mirror)
	w, h := p.W, p.H
	if turns%2 == 1 {
		w, h = h, w
	}
	out := dsp.NewPlane(w, h)
	for y := range p.H {
		for x, v := range p.Row(y) {
			q := m.Apply(geometry.Point{X: float64(x), Y: float64(y)})
			out.Pix[int(q.Y+0.5)*w+int(q.X+0.5)] = v
		}
	}
	return out, m
}

// peak returns the pixel of the canonical original at which the top left corner of p lies best. peak is the correlation
// there, in deviations over all places; it is negative if p shows the negative. ref is the original's spectrum by f.
// All results are 0 if p is larger than the original, or blank.
func (o *Original) peak(f *dsp.FFT2, ref dsp.Spectrum, p dsp.Plane) (x, y int, peak float64) {
	w, h := o.canon.W-p.W+1, o.canon.H-p.H+1
	if w < 1 || h < 1 {
		return 0, 0, 0
	}
	s := f.Forward(p)
	for i, c := range s.C {
		a, b, u, v := real(ref.C[i]), imag(ref.C[i]), real(c), imag(c)
		s.C[i] = complex(float32(a*u)+float32(b*v), float32(b*u)-float32(a*v))
	}
	c := f.Inverse(s, w, h)
	at, top := 0, float32(0)
	for i, v := range c.Pix {
		if a := max(v, -v); a > top {
			at, top = i, a
		}
	}
	rms := c.RMS()
	if rms == 0 {
		return 0, 0, 0
	}
	return at % w, at / w, float64(c.Pix[at]) / rms
}
