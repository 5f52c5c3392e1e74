package watermark

import (
	"cmp"
	"math"
	"slices"

	"github.com/kycmark/kycmark/internal/dsp"
)

// The stages of the search, from what most leaks need to what few do.

// wholeFrame tries similarities: on the map as it is, with strong peaks cut, and
// with the lower half of the pilots only (thumbnails, blur).
func (r *reader) wholeFrame() error {
	low := slices.Clone(r.f)
	slices.SortStableFunc(low, func(a, b frequency) int {
		return cmp.Compare(float64(a.x*a.x)+float64(a.y*a.y), float64(b.x*b.x)+float64(b.y*b.y))
	})
	for pass := range 3 {
		f := r.f
		if pass == 2 {
			f = low[:pilotN/2]
		}
		for i := range r.fields {
			m := r.peaks(i)
			if pass > 0 {
				m = m.capped(peakCapLow)
			}
			for j, c := range m.similarities(f, 8, fineStep, scaleHigh, 1) {
				if err := r.ctx.Err(); err != nil {
					return err
				}
				b, _ := m.climb(f, c.b, .001, .0005, .00025)
				r.attempt(i, b, nil, pass > 0 || j > 0, settle)
				if r.done() {
					return nil
				}
			}
		}
	}
	return nil
}

// stretched tries similarities after a stretch along the picture's axes.
func (r *reader) stretched() error {
	for i := len(r.fields) - 1; i >= 0; i-- {
		m := r.peaks(i).capped(peakCapLow)
		wide := m.dilated()
		for _, by := range stretches {
			if err := r.ctx.Err(); err != nil {
				return err
			}
			r.attempt(i, m.stretched(wide, r.f, by).b, nil, true, spreadOut)
			if r.done() {
				return nil
			}
		}
	}
	return nil
}

// affine tries affine maps from pairs of peaks over the whole frame.
func (r *reader) affine() error {
	s := newPairSearch(r.f, 120, scaleHigh)
	for i := len(r.fields) - 1; i >= 0; i-- {
		if err := r.ctx.Err(); err != nil {
			return err
		}
		m := r.peaks(i).capped(peakCapLow)
		found := s.search(m, 80, 10)
		for _, c := range found[:min(1, len(found))] {
			b, score := m.climb(r.f, c.b, .004, .002, .001, .0005)
			if score >= leastScore {
				r.attempt(i, b, nil, false, spreadOut)
			}
		}
		if r.done() {
			return nil
		}
	}
	return nil
}

// leastScore is the peak map's score below which a map is not tried.
const leastScore = 6

// windows tries parts of the frame, for perspective and small remains: the four
// best of each size and field.
func (r *reader) windows() error {
	side := float64(max(r.fields[0].W, r.fields[0].H))
	for _, size := range []struct{ side, top float64 }{{math.Max(192, 0.36*side), 3.0}, {math.Max(160, 0.25*side), 2.2}} {
		s := newPairSearch(r.f, 80, size.top)
		for i := len(r.fields) - 1; i >= 0; i-- {
			best, err := r.windowCandidates(r.fields[i], int(size.side), size.top, s)
			if err != nil {
				return err
			}
			for _, c := range best[:min(4, len(best))] {
				if c.score < leastScore {
					break
				}
				if err := r.ctx.Err(); err != nil {
					return err
				}
				r.attempt(i, c.b, &c.part, true, spreadOut)
				if r.done() {
					return nil
				}
			}
		}
	}
	return nil
}

type windowCandidate struct {
	candidate
	part rect
}

func (r *reader) windowCandidates(z dsp.Plane, side int, top float64, s *pairSearch) ([]windowCandidate, error) {
	parts := halfOverlapping(z.W, z.H, side)
	found := make([][]windowCandidate, len(parts))
	dsp.Parallel(len(parts), func(from, to int) {
		for i := from; i < to && r.ctx.Err() == nil; i++ {
			found[i] = r.partCandidates(z, parts[i], top, s)
		}
	})
	all := slices.Concat(found...)
	slices.SortStableFunc(all, func(a, b windowCandidate) int { return cmp.Compare(b.score, a.score) })
	return all, r.ctx.Err()
}

// partCandidates returns the best map by pairs and the best similarity of a part.
func (r *reader) partCandidates(z dsp.Plane, part rect, top float64, s *pairSearch) []windowCandidate {
	p := cut(z, part)
	if p.SumSquares() < 0.15*float64(len(p.Pix)) { // covered or blank
		return nil
	}
	n := mapSize(max(p.W, p.H))
	m := newPeakMap(p, n).capped(peakCapLow)
	found := s.search(m, 64, 6*float64(n)/float64(max(p.W, p.H)))
	found = append(found[:min(1, len(found))], m.similarities(r.f, 1, coarseStep, top, 1)...)
	out := make([]windowCandidate, len(found))
	for i, c := range found {
		c.b, c.score = m.climb(r.f, c.b, .004, .002, .001, .0005)
		out[i] = windowCandidate{c, part}
	}
	return out
}

// halfOverlapping covers a w x h frame with squares that overlap by about half.
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

// Agreement of the pilots on a shift from which a map is refined and read: over
// the whole frame, and where half windows were tried too.
const leastAgreement, leastAgreementParts = 5.2, 5.4

// attempt looks in field i for the shift under the linear map b, and if the pilots
// agree on one, refines the map and reads.
func (r *reader) attempt(i int, b [4]float64, part *rect, quick bool, rounds []round) {
	s, least := r.shiftIn(i, b, part, quick), leastAgreement
	if !quick {
		least = leastAgreementParts
	}
	r.bestZ = math.Max(r.bestZ, s.z)
	if s.z < least {
		return
	}
	z, m := r.fields[i], s.toMatrix(b)
	t := r.kd.track(z, m, s.sign, rounds)
	if t.votes < 40 {
		plain, sumPlain := r.kd.coherent(z, m, s.sign, nil)
		refined, sumRefined := r.kd.coherent(z, t.m, s.sign, t.centre)
		if t.m = refined; sumPlain > sumRefined {
			t.m, t.centre = plain, nil
		}
	}
	r.decode(t, s.sign)
}

// shiftIn finds the shift in the given part of field i, or in the whole and, unless
// quick, in half windows too.
func (r *reader) shiftIn(i int, b [4]float64, part *rect, quick bool) shift {
	z := r.fields[i]
	var f [pilotN]frequency
	for k, q := range r.f {
		f[k] = frequency{float64(b[0]*q.x) + float64(b[1]*q.y), float64(b[2]*q.x) + float64(b[3]*q.y)}
	}
	if part != nil {
		a := cellAmplitudes(cut(z, *part), part.x, part.y, &f, part.w, part.h)
		return r.kd.findShift(r.fft, a.sum(0, 0, a.nx, a.ny))
	}
	if quick {
		if s := r.roughShift(i, &f); s.z < leastAgreement-0.3 {
			return s
		}
		a := cellAmplitudes(z, 0, 0, &f, z.W, z.H)
		return r.kd.findShift(r.fft, &a.c[0])
	}
	const parts = 8
	a := cellAmplitudes(z, 0, 0, &f, max(8, z.W/parts), max(8, z.H/parts))
	best := r.kd.findShift(r.fft, a.sum(0, 0, parts, parts))
	for y := 0; y <= parts/2 && best.z <= 6.5; y += parts / 4 {
		for x := 0; x <= parts/2; x += parts / 4 {
			if s := r.kd.findShift(r.fft, a.sum(x, y, parts/2, parts/2)); s.z > best.z {
				best = s
			}
		}
	}
	return best
}

// roughShift is findShift on interpolated amplitudes.
func (r *reader) roughShift(i int, f *[pilotN]frequency) shift {
	if r.tones[i] == nil {
		r.tones[i] = newToneReader(r.fields[i])
	}
	var c [pilotN]complex64
	for k, q := range f {
		c[k] = r.tones[i].at(q)
	}
	return r.kd.findShift(r.fft, &c)
}
