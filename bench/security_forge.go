package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"image"
	"math"

	"github.com/disintegration/imaging"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/watermark"
)

// canvasSide is the long side at which marks are made, and of the square on which
// estimates are averaged, their middles on each other.
const canvasSide = 1024

// An estimate is what an attacker takes for the mark of a picture: luma and blue
// difference, in grey levels.
type estimate struct{ luma, blue dsp.Plane }

// estimateOf is what a denoiser takes away: the same edge-preserving filter as a
// reader's, which is public, cut to what a mark may be.
func estimateOf(img *image.NRGBA) estimate {
	c := dsp.ShrinkNRGBA(img, img.Rect.Dx(), img.Rect.Dy())
	y := c.Luma()
	return estimate{takenAway(y, 6), takenAway(c.Cb(y), 4)}
}

// takenAway returns p less p smoothed, cut to what a mark may be, in grey levels. sigma is the
// filter's tolerance in grey levels.
func takenAway(p dsp.Plane, sigma float64) dsp.Plane {
	const radius, space, maxMark = 5, 4, 6
	out := dsp.Bilateral(p, radius, sigma, space)
	for i, v := range out.Pix {
		out.Pix[i] = min(max(p.Pix[i]-v, -maxMark), maxMark)
	}
	return out
}

// addTo adds the estimate, times gain, to a picture, their middles on each other.
func (e *estimate) addTo(img *image.NRGBA, gain float32) *image.NRGBA {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	dx, dy := (e.luma.W-w)/2, (e.luma.H-h)/2
	out := image.NewNRGBA(img.Rect)
	copy(out.Pix, img.Pix)
	for y := max(0, -dy); y < min(h, e.luma.H-dy); y++ {
		for x := max(0, -dx); x < min(w, e.luma.W-dx); x++ {
			l, b := gain*e.luma.Row(y + dy)[x+dx], gain*e.blue.Row(y + dy)[x+dx]
			p := out.Pix[y*out.Stride+4*x:][:3]
			p[0], p[1], p[2] = level(p[0], l), level(p[1], l-0.344*b), level(p[2], l+1.772*b)
		}
	}
	return out
}

// level adds to a grey level of a pixel, rounds, and cuts to 0 to 255.
func level(v uint8, add float32) uint8 { return uint8(min(max(float32(v)+add, 0), 255) + .5) }

// A sum adds up estimates in 1/64 of a grey level, so that their order is nothing.
type sum struct {
	luma, blue, n []int32 // n: estimates at each place
}

func newSum() *sum {
	n := canvasSide * canvasSide
	return &sum{make([]int32, n), make([]int32, n), make([]int32, n)}
}

// add adds an estimate, in the middle of the square.
func (s *sum) add(e estimate) {
	dx, dy := (canvasSide-e.luma.W)/2, (canvasSide-e.luma.H)/2
	for y := range e.luma.H {
		at := (y+dy)*canvasSide + dx
		for x, v := range e.luma.Row(y) {
			s.luma[at+x] += int32(math.Round(float64(64 * v)))
			s.blue[at+x] += int32(math.Round(float64(64 * e.blue.Row(y)[x])))
			s.n[at+x]++
		}
	}
}

// middle returns the middle of a plane, half as wide and high.
func middle(p dsp.Plane) dsp.Plane {
	out := dsp.NewPlane(p.W/2, p.H/2)
	for y := range out.H {
		copy(out.Row(y), p.Row(p.H/4 + y)[p.W/4:])
	}
	return out
}

// mean returns the sum divided by the number of estimates at each place, and nothing where there are fewer than few.
func (s *sum) mean(few int) estimate {
	e := estimate{dsp.NewPlane(canvasSide, canvasSide), dsp.NewPlane(canvasSide, canvasSide)}
	for i := range s.luma {
		if int(s.n[i]) < few {
			continue
		}
		e.luma.Pix[i] = float32(s.luma[i]) / float32(64*max(s.n[i], 1))
		e.blue.Pix[i] = float32(s.blue[i]) / float32(64*max(s.n[i], 1))
	}
	return e
}

// average estimates the marks of r.copies uploads and averages them. It sets r.estimate, and in
// r.averaged what a forger gets by that: RMS in grey levels, and correlations of luma at the best of
// all shifts, the largest over several marks.
func (r *securityRun) average(ctx context.Context) {
	s, unequal := newSum(), newSum()
	results := make([][3]float64, r.copies)
	parallel(ctx, r.env, r.copies, func(_ context.Context, m int) { results[m] = r.averageOne(s, unequal, m) })
	var mark, one, own float64 // RMS of a mark and of its estimate, correlation of both: sums
	for _, of := range results {
		mark, one, own = mark+of[0], one+of[1], own+of[2]
	}
	e, n := s.mean(r.copies/2), float64(max(r.copies, 1))
	r.averaged = map[string]float64{
		"uploads": n, "mark_rms": mark / n, "estimate_rms": one / n, "one_estimate": own / n, "average_rms": e.luma.RMS(),
	}
	gain := float32(mark / n / math.Max(e.luma.RMS(), 1e-9))
	e.luma.Scale(gain)
	e.blue.Scale(gain)
	r.estimate, r.larger = e, unequal.mean(1)
	r.averaged["with_fresh"] = r.likeness(ctx, r.env.Key)
	r.averaged["with_otherkey"] = r.likeness(ctx, r.other) // what chance gives
}

// averageOne marks upload m, adds its estimate to s, and returns the RMS of mark and estimate and their correlation.
// It returns zeros if the upload cannot be read or marked. unequal gets the whole estimate of upload 0 alone: of
// others it gets half the sides.
func (r *securityRun) averageOne(s, unequal *sum, m int) (got [3]float64) {
	_ = ruler.Catch(func() {
		host, content := r.host(m), sha256.Sum256(fmt.Append(nil, "averaged upload ", r.env.Seed, m))
		id := watermark.CopyID(r.env.Draw("averaged copy", content))
		marked := ruler.Must(r.embed(r.env.Key, id, host, &watermark.Options{Submission: watermark.Submission(content[:16])}))
		e, mark := estimateOf(marked), lumaAdded(marked, host)
		r.adding.Lock()
		defer r.adding.Unlock()
		s.add(e)
		if m == 0 {
			unequal.add(e)
		} else {
			unequal.add(estimate{middle(e.luma), middle(e.blue)})
		}
		got = [3]float64{mark.RMS(), e.luma.RMS(), alike(e.luma, mark)}
	})
	return got
}

// host is upload m: the pictures, each once, and then specimens.
func (r *securityRun) host(m int) *image.NRGBA {
	if m < len(r.env.Pictures) {
		return ruler.Must(r.env.Load(r.env.Pictures[m])).Image
	}
	seed := r.env.Seed<<20 + uint64(m)
	all, side := specimen.Templates(), max(400, r.env.MaxSide*5/8)
	if k := m % (len(all) + 2); k < len(all) {
		return r.fit(specimen.Render(all[k], specimen.NewPerson(seed), side))
	} else if k == len(all) {
		return specimen.Portrait(specimen.NewPerson(seed), side*3/4, side)
	}
	return specimen.Landscape(seed, side, side*3/4)
}

// fit shrinks a picture that is higher than it may be.
func (r *securityRun) fit(img *image.NRGBA) *image.NRGBA {
	return imaging.Fit(img, r.env.MaxSide, r.env.MaxSide, imaging.Box)
}

// lumaAdded is the luma of a less that of b.
func lumaAdded(a, b *image.NRGBA) dsp.Plane {
	w, h := a.Rect.Dx(), a.Rect.Dy()
	p, q := dsp.ShrinkNRGBA(a, w, h), dsp.ShrinkNRGBA(b, w, h)
	out, less := p.Luma(), q.Luma()
	for i, v := range less.Pix {
		out.Pix[i] -= v
	}
	return out
}

// alike is the correlation of two planes of one size in place.
func alike(a, b dsp.Plane) float64 {
	dot := 0.0
	for i, v := range a.Pix {
		dot += float64(v) * float64(b.Pix[i])
	}
	return dot / (math.Sqrt(a.SumSquares()*b.SumSquares()) + 1e-12)
}

// likeness returns the largest correlation of the average copy with marks of a key on
// grey, at the best of all shifts. The marks are of submissions that are not in the average.
func (r *securityRun) likeness(ctx context.Context, key *watermark.Key) float64 {
	const marks = 4
	grey := image.NewNRGBA(image.Rect(0, 0, r.env.MaxSide, r.env.MaxSide))
	for i := range grey.Pix {
		grey.Pix[i] = 127 | uint8(i&3/3)<<7
	}
	f := dsp.NewFFT2(canvasSide, canvasSide)
	average, energy := f.Forward(r.estimate.luma), r.estimate.luma.SumSquares()
	best := 0.0
	for m := range min(marks, r.copies) {
		content := sha256.Sum256(fmt.Append(nil, "fresh mark ", r.env.Seed, m))
		ruler.Check(context.Cause(ctx))
		marked := ruler.Must(r.embed(key, watermark.CopyID(m), grey, &watermark.Options{Submission: watermark.Submission(content[:16])}))
		mark := lumaAdded(marked, grey)
		c := f.Forward(mark)
		for i, v := range c.C {
			c.C[i] = average.C[i] * complex(real(v), -imag(v))
		}
		norm := math.Sqrt(energy*mark.SumSquares()) + 1e-12
		for _, v := range f.Inverse(c, canvasSide, canvasSide).Pix {
			best = math.Max(best, math.Abs(float64(v))/norm)
		}
	}
	return best
}
