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

// windows tries parts of the frame, for perspective and small remains: squares of two sizes, and
// the four best candidates of each size and field. It leaves out readers that are done; all readers
// must have the same leak. The error is ctx's.
func windows(readers []*reader) error {
	l := readers[0].leak
	side := float64(l.side())
	for _, size := range []struct{ side, top float64 }{{math.Max(192, 0.36*side), 3.0}, {math.Max(160, 0.25*side), 2.2}} {
		for i := len(l.fields) - 1; i >= 0; i-- {
			left := slices.DeleteFunc(slices.Clone(readers), (*reader).done)
			best, err := windowCandidates(left, l.fields[i], int(size.side), size.top)
			if err != nil {
				return err
			}
			for k, r := range left {
				if err := r.attemptWindows(i, best[k]); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// attemptWindows reads in field i under the four candidates of the highest score, until a mark is
// read. Candidates below minScore are left out. It sorts all in place. The error is ctx's.
func (r *reader) attemptWindows(i int, all []windowCandidate) error {
	slices.SortStableFunc(all, func(a, b windowCandidate) int { return cmp.Compare(b.Score, a.Score) })
	for _, c := range all[:min(4, len(all))] {
		if c.Score < minScore {
			break
		}
		if err := r.ctx.Err(); err != nil {
			return err
		}
		if r.attempt(i, c.B, &c.part, spreadOut); r.done() {
			break
		}
	}
	return nil
}

type windowCandidate struct {
	spectrum.Candidate
	part rect
}

// windowCandidates returns for each reader the candidates in all parts of field z: squares of the
// given side in pixels that overlap by half. top is the largest scale that is looked for, in work
// pixels a mark pixel. Without readers it returns nothing. The error is ctx's.
func windowCandidates(readers []*reader, z dsp.Plane, side int, top float64) ([][]windowCandidate, error) {
	if len(readers) == 0 {
		return nil, nil
	}
	searches := make([]*spectrum.Pairs, len(readers))
	for k, r := range readers {
		searches[k] = spectrum.NewPairs(r.f, 80, spectrum.Scales{Min: partLow, Max: top})
	}
	parts, ctx := halfOverlapping(z.W, z.H, side), readers[0].ctx
	found := make([][][]windowCandidate, len(parts))
	dsp.Parallel(len(parts), func(from, to int) {
		on := new(spectrum.PolarSums)
		for i := from; i < to && ctx.Err() == nil; i++ {
			found[i] = partCandidates(on, z, parts[i], top, searches)
		}
	})
	all := make([][]windowCandidate, len(readers))
	for _, f := range found {
		for k := range f {
			all[k] = append(all[k], f[k]...)
		}
	}
	return all, ctx.Err()
}

// partCandidates returns for each search the best map by pairs and the best similarity of a part of
// field z, improved on its peak map. The results are in the order of searches. It returns nil if
// the part is blank or covered. top is the largest scale that is looked for. on is scratch memory,
// for one goroutine.
func partCandidates(on *spectrum.PolarSums, z dsp.Plane, part rect, top float64, searches []*spectrum.Pairs) [][]windowCandidate {
	m := partPeaks(z, part)
	if m == nil {
		return nil
	}
	by := spectrum.Scales{Min: partLow, Max: top}
	lp, seen := spectrum.NewLogPolar(m, by, spectrum.CoarseStep, spectrum.Plain), m.Observe(64, 6*float64(mapSize(max(part.w, part.h)))/float64(max(part.w, part.h)))
	out := make([][]windowCandidate, len(searches))
	for k, s := range searches {
		found := s.Propose(seen)
		found = append(found[:min(1, len(found))], lp.Similarities(on, s.F, 1, by)...)
		for _, c := range found {
			c.B, c.Score = m.Climb(s.F, c.B, .004, .002, .001, .0005)
			out[k] = append(out[k], windowCandidate{c, part})
		}
	}
	return out
}

// partPeaks returns the peak map of a part of field z, with strong peaks cut. It returns nil if the part is blank or covered.
func partPeaks(z dsp.Plane, part rect) *spectrum.PeakMap {
	p := cut(z, part)
	if p.SumSquares() < 0.15*float64(len(p.Pix)) {
		return nil
	}
	return spectrum.NewPeakMap(p, mapSize(max(p.W, p.H))).Capped(spectrum.CapLow)
}

// tilted looks for perspective over the whole frame, in the last field: pictures of screens, and of cards that lie on a
// table. It sums what all parts show. The error is ctx's.
func (r *reader) tilted() error {
	i, side := len(r.fields)-1, float64(r.side())
	z := r.fields[i]
	all := halfOverlapping(z.W, z.H, int(math.Max(tiltedSide, tiltedPart*side)))
	peaks := make([]*spectrum.PeakMap, len(all))
	dsp.Parallel(len(all), func(from, to int) {
		for i := from; i < to; i++ {
			peaks[i] = partPeaks(z, all[i])
		}
	})
	var parts spectrum.Parts
	for i, m := range peaks {
		if m != nil {
			x, y := float64(all[i].x)+float64(all[i].w)/2-float64(z.W)/2, float64(all[i].y)+float64(all[i].h)/2-float64(z.H)/2
			parts.Add(m, geometry.Point{X: x / side, Y: y / side})
		}
	}
	mid := side / pattern.Torus
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

// cut returns a copy of the part r of field z, which must lie inside.
func cut(z dsp.Plane, r rect) dsp.Plane { return z.Window(r.x, r.y, r.w, r.h) }

type rect struct{ x, y, w, h int }
