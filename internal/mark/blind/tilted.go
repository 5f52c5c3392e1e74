package blind

import (
	"cmp"
	"math"
	"slices"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/mark/pattern"
	"github.com/kycmark/kycmark/internal/mark/spectrum"
)

// tilted looks for perspective over the whole frame, as in photographs of screens and of cards on a table. It looks in the
// last field, for the readers that are not done. All must have the same leak. The error is ctx's.
func tilted(readers []*reader) error {
	l := readers[0].leak
	i, mid := len(l.fields)-1, float64(l.side())/pattern.Torus
	z, parts := l.fields[i], partsOf(l.fields[i])
	return each(func(r *reader) error {
		found := parts.Propose(r.sums, r.f, spectrum.Scales{Min: tiltedMin * mid, Max: tiltedMax * mid}, tiltedClimbs)
		for k := range found {
			if err := r.ctx.Err(); err != nil {
				return err
			}
			found[k] = parts.Climb(r.f, found[k])
		}
		slices.SortStableFunc(found, func(a, b spectrum.Tilt) int { return cmp.Compare(b.Score, a.Score) })
		for _, t := range found[:min(tiltedTries, len(found))] {
			if r.attemptTilted(i, t.Map(z.W, z.H), spreadOut); r.done() {
				break
			}
		}
		return r.ctx.Err()
	})(readers)
}

// partsOf returns the peak maps, with strong peaks cut, of parts of z that overlap by half. Blank and covered parts are left
// out.
func partsOf(z dsp.Plane) *spectrum.Parts {
	side := float64(max(z.W, z.H))
	all := halfOverlapping(z.W, z.H, int(math.Max(tiltedSide, tiltedPart*side)))
	peaks := make([]*spectrum.PeakMap, len(all))
	dsp.Parallel(len(all), func(from, to int) {
		for i := from; i < to; i++ {
			p := z.Window(all[i].x, all[i].y, all[i].w, all[i].h)
			if p.SumSquares() >= 0.15*float64(len(p.Pix)) {
				peaks[i] = spectrum.NewPeakMap(p, mapSize(max(p.W, p.H))).Capped(spectrum.CapLow)
			}
		}
	})
	parts := new(spectrum.Parts)
	for i, m := range peaks {
		if m != nil {
			x, y := float64(all[i].x)+float64(all[i].w-z.W)/2, float64(all[i].y)+float64(all[i].h-z.H)/2
			parts.Add(m, geometry.Point{X: x / side, Y: y / side})
		}
	}
	return parts
}

// halfOverlapping returns squares of the given side that cover a w x h frame and overlap by about
// half. A side longer than the frame gives rectangles cut to the frame.
func halfOverlapping(w, h, side int) []rect {
	starts := func(n int) []int {
		if side >= n {
			return []int{0}
		}
		k := max(2, int(math.Ceil(float64(n-side)/(float64(side)/2)))+1)
		out := make([]int, k)
		for i := range out {
			out[i] = (n - side) * i / (k - 1)
		}
		return out
	}
	var out []rect
	for _, y := range starts(h) {
		for _, x := range starts(w) {
			out = append(out, rect{x, y, min(side, w), min(side, h)})
		}
	}
	return out
}

type rect struct{ x, y, w, h int }
