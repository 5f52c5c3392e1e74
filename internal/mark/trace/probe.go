package trace

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/mark/code"
	"github.com/kycmark/kycmark/internal/mark/pattern"
	"github.com/kycmark/kycmark/internal/photometry"
	"github.com/kycmark/kycmark/internal/requant"
)

// A probe is a mark of strength 1 that was never issued. It goes through the channel of a
// leak to show what an issued mark would score. Both planes are in the trace's frame.
type probe struct {
	own       func() *code.Stream // its tracer's signs
	coded     []float32           // its payload
	mark      dsp.Plane           // what it changes in the luma of the original, grey levels
	amplitude dsp.Plane           // what a pattern of unit power is marked with
}

// newProbe returns the probe of a key and a submission, the same at every call. Its planes are set by embed.
func newProbe(kd *pattern.Keys, sub [16]byte) *probe {
	s := func() *code.Stream {
		return code.NewStream(kd.Derive(fmt.Sprintf("trace probe %x", sub), code.KeySize))
	}
	return &probe{own: s, coded: kd.Payload.Encode(uint64(s().Uint32()))}
}

// embed marks the canvas with the probe as a copy of s, rounding and clipping included, and sets
// the planes of p: what that changes, and how strong a mark is. The canvas is not changed. as says how copies are
// written: a JPEG's steps take a part of a mark that the original's own detail, which lies on them, does not lose.
// Nothing in a leak says so. The error wraps jpegcoef.ErrRefused for a damaged JPEG.
func (p *probe) embed(c *pattern.Canvas, as Files, s *suspects) error {
	w, h := pattern.CanonicalSize(c.Size())
	blind, own := pattern.Lay(s.kd.Pattern(p.coded, nil, nil), s.place, w, h), pattern.TracerOf(p.own(), w, h)
	m := c.Shape(blind, blind, own, 1)
	p.amplitude = intoFrame(c.Amplitude(m))
	if as.Coded != nil {
		written, err := as.Coded.Write(as.Coded.Shape(blind, blind, own, 1), own, image.Point{})
		if err != nil {
			return err
		}
		if written.Carried >= mayCarry*pattern.MinCarried {
			p.mark = intoFrame(written.Canonical.Luma().Less(as.Coded.Canonical().Luma()))
			return nil
		}
	}
	size := c.Source.Rect.Size()
	rows, marked, shrinker := c.Rows(m), make([]uint8, 4*size.X), dsp.NewShrinker(size.X, size.Y, w, h)
	if as.Quality == 0 {
		for y := range size.Y {
			rows.Mark(marked, y)
			shrinker.Add(marked)
		}
	} else {
		grey := image.NewGray(image.Rectangle{Max: size})
		for y := range size.Y {
			rows.Mark(marked, y)
			for x, line := 0, grey.Pix[y*grey.Stride:]; x < size.X; x++ {
				line[x], _, _ = color.RGBToYCbCr(marked[4*x], marked[4*x+1], marked[4*x+2])
			}
		}
		saved, err := pattern.Saved(grey, as.Quality)
		if err != nil {
			return err
		}
		draw.Draw(grey, grey.Rect, saved, image.Point{}, draw.Src)
		for y := range size.Y {
			for x, v := range grey.Pix[y*grey.Stride : y*grey.Stride+size.X] {
				marked[4*x], marked[4*x+1], marked[4*x+2] = v, v, v
			}
			shrinker.Add(marked)
		}
	}
	p.mark = intoFrame(shrinker.Shrunk().Luma().Less(c.Canonical().Luma()))
	return nil
}

// intoFrame resamples a plane of the canonical picture to the raster of the trace's frame.
func intoFrame(p dsp.Plane) dsp.Plane {
	w, h, scale := frameSize(p.W, p.H)
	if scale == 1 {
		return p
	}
	return dsp.Scaled(p, w, h, scale, scale)
}

// expect returns what a mark of strength 1 would score in the mean in evidence e of the leak v, by tracer and by payload:
// the probe is sent through the channel, weighed like the leak's residual, and correlated with itself. It sets v.told.
func (p *probe) expect(s *suspects, v *frameView, e *evidence) (tracer, payload float64) {
	m := v.onLeakRaster(v.through(p, v.channel))
	v.temper(m)
	v.hideEnds(m)
	return p.answer(s, v.frame, v.weighed(v.standardised(v.fit.Unexplained(m))), e)
}

// unhurt returns the payload's score in evidence e, as answer does, of a mark of strength 1 that fared
// like strong detail of the original: blurred, shrunk and toned like the leak, cut off where the leak is
// black or white, and not smoothed away. steps are of the leak's JPEG, nil: not known.
func (p *probe) unhurt(s *suspects, v *frameView, e *evidence, steps *requant.Leak) float64 {
	if e.weight <= 0 {
		return 0
	}
	m := v.onLeakRaster(v.through(p, v.strong))
	for i := range m.Pix {
		if v.fit.Clipped(i) {
			m.Pix[i] = 0
		}
	}
	if steps != nil && steps.Shows(v.fit.Predicted) {
		m = steps.Left(v.fit.Predicted, m)
	}
	soft, _ := s.despread(v.frame, dsp.Product(v.weighed(v.standardised(v.fit.Unexplained(m))), p.amplitude))
	return p.correlation(&soft) / e.weight
}

// through returns the mark of a probe after a channel with a gain by band. v keeps the spectrum of the last probe.
func (v *frameView) through(p *probe, gain []float32) dsp.Plane {
	if v.probe != p {
		v.probe, v.probed = p, dsp.DCT2(p.mark, pattern.TracerSize)
	}
	c := dsp.NewPlane(pattern.TracerSize, pattern.TracerSize)
	for y := range pattern.TracerSize {
		src, dst, band := v.probed.Row(y), c.Row(y), v.band[y*pattern.TracerSize:(y+1)*pattern.TracerSize]
		for u := range dst {
			dst[u] = float32(src[u] * gain[band[u]])
		}
	}
	return dsp.InverseDCT2(c, c.W, c.H)
}

// answer returns what the probe scores in evidence e, by tracer and by payload, if it alone had
// made w. w is a weighed plane of the frame f. Scores are in the units of e's own; payload is cut
// at sqrt(code.CodedN), and set as e.promised before that. tracer is 0 if e has no coefficients. It sets e.due.
func (p *probe) answer(s *suspects, f *frame, w dsp.Plane, e *evidence) (tracer, payload float64) {
	e.due = dsp.Product(w, p.amplitude)
	own, soft, _ := s.adjoint(f, e.due)
	z := float64(own.scores([]*code.Stream{p.own()})[0] * own.norm())
	if n := e.tracer.norm(); n > 0 {
		tracer = z / n
	}
	if payload = p.correlation(&soft); e.weight > 0 {
		e.promised = payload / e.weight
		payload = math.Min(e.promised, math.Sqrt(code.CodedN))
	}
	return tracer, payload
}

// correlation returns the sum of soft bits under the signs of the probe's code.
func (p *probe) correlation(soft *[code.CodedN]float64) (sum float64) {
	for j, b := range p.coded {
		sum += float64(float64(b) * soft[j])
	}
	return sum
}

// atLeak returns the plane p of the frame at each pixel of the leak.
func (v *frameView) atLeak(p dsp.Plane) dsp.Plane {
	out := dsp.NewPlane(v.leakX.W, v.leakX.H)
	dsp.Parallel(out.H, func(from, to int) {
		x, y := make([]float64, out.W), make([]float64, out.W)
		for row := from; row < to; row++ {
			for i, lx := range v.leakX.Row(row) {
				x[i], y[i] = float64(lx), float64(v.leakY.Row(row)[i])
			}
			photometry.Samples(out.Row(row), p, x, y, v.pitch)
		}
	})
	return out
}

// onLeakRaster returns a mark p of the frame on the leak's raster and through its tone curve, in grey levels.
func (v *frameView) onLeakRaster(p dsp.Plane) dsp.Plane {
	out := v.atLeak(p)
	for i, w := range v.fit.Weight.Pix {
		if out.Pix[i] *= v.fit.Gain.Pix[i]; w == 0 {
			out.Pix[i] = 0
		}
	}
	return out
}

// temper lowers a mark on the leak's raster to what the leak shows of detail around, and sets told. Some places of the
// original have no detail of their own that says how a mark fared. There the mark counts as no stronger than what is left
// over: an encoder may have smoothed it away.
func (v *frameView) temper(out dsp.Plane) {
	own, left := squares(out), squares(v.fit.Residual)
	all, known := 1e-9, 0.0
	for i, m := range own.Pix {
		told := v.power.Pix[i] / (v.power.Pix[i] + m + 1e-3)
		limit := float32(math.Sqrt(float64(min(1, left.Pix[i]/(m+1e-3)))))
		shown := float32(told * bilinear0(v.shown, float64(v.leakX.Pix[i]), float64(v.leakY.Pix[i])))
		gain := shown + float32((1-told)*limit)
		w := float64(gain * m * v.fit.Weight.Pix[i] / v.fit.Variance.Pix[i])
		all += float64(float64(gain) * w)
		known += float64(float64(shown) * w)
		out.Pix[i] *= gain
	}
	v.told = known / all
}

// hideEnds lowers a mark on the leak's raster by the share of pixels that are black or white: in the leak, or in an original
// whose black or white the leak keeps. After a threshold these are as they were before they were marked.
func (v *frameView) hideEnds(out dsp.Plane) {
	open := v.own
	if v.fit.Ends && v.open.Pix != nil {
		open = v.atLeak(v.open)
	}
	for i, share := range v.own.Pix {
		out.Pix[i] *= max(min(share, open.Pix[i]), 0)
	}
}

// squares returns the mean square around each sample of p, in a window of deviation untoldReach.
func squares(p dsp.Plane) dsp.Plane { return dsp.Gauss(dsp.Product(p, p), untoldReach) }
