package trace

import (
	"math"
	"slices"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/mark/code"
	"github.com/kycmark/kycmark/internal/mark/pattern"
)

// gaps sets Unmarked: of the places where the marks of the accused copies should show, the share in which they are
// missing. There the leak may show the original itself, or another copy of it. Places are windows that overlap,
// which are larger if scores are low. Unmarked is 0 if scores are too low for windows, and without accused
// copies. gaps frees the planes of the evidence.
func (out *Result) gaps() {
	f := &out.tracer.frame
	var seen, noise, due dsp.Plane // what accused copies score at each sample, its square, and what they should score, of sum 1
	accused, score, whole, squares := 0.0, 0.0, 0.0, 0.0
	for i, s := range out.tracer.under {
		e := out.evidence[i]
		for _, k := range s.at {
			c := out.Copies[k]
			if c.Score < windowScore || !slices.Contains(out.Accused, c.ID) {
				continue
			}
			if accused == 0 {
				whole = float64(out.tracer.copies[k].Strength * e.expected)
				seen, noise, due = dsp.NewPlane(f.fw, f.fh), dsp.NewPlane(f.fw, f.fh), f.scored(e.due, s.probe.own(), 1)
			}
			at := f.scored(e.seen, s.kd.TracerStream(s.sub, c.ID), c.Score)
			accused, score, squares = accused+1, score+c.Score, squares+at.SumSquares()
			for j, v := range at.Pix {
				seen.Pix[j], noise.Pix[j] = seen.Pix[j]+v, noise.Pix[j]+float32(v*v)
			}
		}
		e.seen, e.due = dsp.Plane{}, dsp.Plane{}
	}
	n := min(int(score/windowScore), maxWindows)
	if n < 2 || whole <= 0 {
		return
	}
	side := max(f.fw, f.fh)/n | 1
	seen, noise, due = dsp.Box(seen, side), dsp.Box(noise, side), dsp.Box(due, side)
	area, places, missing := float64(side*side), 0, 0
	for y := side / 2; y < f.fh-side/2; y += side / windowSteps {
		for j := y*f.fw + side/2; j < (y+1)*f.fw-side/2; j += side / windowSteps {
			deviation := math.Sqrt(float64(noise.Pix[j]) * area * accused / squares)
			if float64(score*float64(due.Pix[j]))*area < float64(windowDue*deviation) {
				continue
			}
			if places++; float64(seen.Pix[j])*area < float64(windowSeen*deviation) {
				missing++
			}
		}
	}
	out.Unmarked = float64(missing) / float64(max(places, 1))
}

// scored returns what each sample of masked (see adjoint) adds to score, the score of the tracer with these signs.
func (f *frame) scored(masked dsp.Plane, signs *code.Stream, score float64) dsp.Plane {
	out, sum := dsp.Product(masked, intoFrame(pattern.TracerOf(signs, f.w, f.h))), 0.0
	for _, v := range out.Pix {
		sum += float64(v)
	}
	out.Scale(float32(score / sum))
	return out
}
