package watermark

import (
	"cmp"
	"math"
	"slices"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
)

// The stages of the search, from what most leaks need to what few do.

// A stage looks for marks in one way, side by side for all readers of a leak that are
// not done.
type stage func([]*reader) error

// stages are all there are, from what most leaks need to what few do.
var stages = []stage{each((*reader).likely), each((*reader).obvious), each((*reader).faint), each((*reader).coarser), each((*reader).wholeFrame), stretched, each((*reader).affine), windows}

// each is the stage of readers that share nothing beyond what the leak keeps.
func each(try func(*reader) error) stage {
	return func(readers []*reader) error {
		for _, r := range readers {
			if r.done() {
				continue
			}
			if err := try(r); err != nil {
				return err
			}
		}
		return nil
	}
}

// likely and obvious try the few best similarities, under which the leak shows all of
// the picture, and then of any scale: they find most marks.
func (r *reader) likely() error { return r.similar(r.wholePicture(), 0, 4) }

func (r *reader) obvious() error { return r.similar(obviousSums, 0, 8) }

// obviousSums are of any scale, on the map as it is.
var obviousSums = ranking{by: anyScale, n: 40}

// faint tries many similarities under which the leak shows all of the picture: few
// enough that even the faint can be told apart.
func (r *reader) faint() error { return r.similar(r.wholePicture(), 4, 100) }

// coarser takes the leak for a part of the picture, on a smaller rendition.
func (r *reader) coarser() error {
	l := r.leak.coarse()
	whole := float64(l.side()) / torus
	by := scales{partLeast * whole, partMost * whole}
	return r.in(l, geometry.PixelScale(l.scale[0]/r.scale[0], l.scale[1]/r.scale[1]), func(c *reader) error {
		err := c.similar(ranking{by: by, n: 8}, 0, 8)
		if err == nil && !c.done() {
			err = c.similar(ranking{cut: true, by: by, n: 150}, 0, 150)
		}
		return err
	})
}

// in searches another rendition of the leak, to whose pixels the given map leads.
func (r *reader) in(l *leak, to geometry.Mat, try func(*reader) error) error {
	c := &reader{leak: l, ctx: r.ctx, kd: r.kd, f: r.f, checks: r.checks, want: 1}
	err := try(c)
	r.checks, r.bestZ = c.checks, math.Max(r.bestZ, c.bestZ)
	for _, f := range c.found {
		f.m = f.m.Mul(to)
		r.found = append(r.found, f)
	}
	return err
}

// alongside looks for other keys' marks where one key's mark was found: whoever marks a
// copy again marks what then goes through the same, so that the two marks differ by a
// similarity, whatever happened to the leak.
func alongside(readers []*reader) error {
	at := slices.IndexFunc(readers, func(r *reader) bool { return len(r.found) > 0 })
	if at < 0 || len(readers) == 1 {
		return nil
	}
	l, to, ok := readers[at].straightened(readers[at].found[0].tracked)
	if !ok {
		return nil
	}
	const most = 2*placeScale + 0.04 // of |ln| of the scale between two placements
	by := ranking{cut: true, by: scales{dsp.Exp(-most), dsp.Exp(most)}, n: 100}
	return each(func(r *reader) error {
		return r.in(l, to, func(c *reader) error { return c.similar(by, 0, by.n) })
	})(readers)
}

// straightened returns the leak on the mark pixels of a mark that was read, and the map
// that leads there.
func (l *leak) straightened(t tracked) (*leak, geometry.Mat, bool) {
	win := markWindow(t.m, l.carriers[0].W, l.carriers[0].H, t.centre)
	s := *l
	s.carriers, s.step = slices.Clone(l.carriers), fineStep
	for i, z := range l.carriers {
		flat, ok := rectify(z, t.m, win)
		if !ok {
			return nil, t.m, false
		}
		s.carriers[i] = flat
	}
	s.fields = combined(s.carriers)
	s.forget()
	return &s, geometry.Translation(float64(-win.u), float64(-win.v)).Mul(t.m), true
}

// Scales of a part against that of the whole picture: from four fifths of its area to
// 3 %, at either end of the placement's own.
const partLeast, partMost = 1.1, 6.5

// wholePicture ranks similarities under which the leak shows all of the picture, of
// whatever size and turned.
func (r *reader) wholePicture() ranking {
	mid := float64(r.side()) / torus
	return ranking{cut: true, by: scales{mid * dsp.Exp(-wholeSlack), mid * dsp.Exp(wholeSlack)}, n: 100}
}

// wholeSlack is how far |ln| of the scale may lie from that of the whole picture:
// the placement's own and a little for cut edges.
const wholeSlack = placeScale + 0.04

// wholeFrame tries similarities of any scale: on the map as it is, with strong
// peaks cut, and with the lower half of the pilots only (thumbnails, blur); and
// the best of each field in parts of the frame, too.
func (r *reader) wholeFrame() error {
	for i := range r.fields {
		best := r.ranked(i, obviousSums)
		for _, c := range best[:min(1, len(best))] {
			b, _ := r.peaks(i, false).climb(r.f, c.b, .001, .0005, .00025)
			if r.attemptParts(i, b, settle); r.done() {
				return nil
			}
		}
	}
	if err := r.similar(obviousSums, 8, 40); err != nil || r.done() {
		return err
	}
	for _, low := range [...]bool{false, true} {
		if err := r.similar(ranking{low, true, anyScale, 40}, 0, 40); err != nil || r.done() {
			return err
		}
	}
	return nil
}

// A ranking is a list of the best n similarities by the sum of a map, strong peaks cut
// or not, over all pilots or over the lower half.
type ranking struct {
	low, cut bool
	by       scales
	n        int
}

// ranked returns the similarities of field i, which it keeps.
func (r *reader) ranked(i int, k ranking) []candidate {
	at := fieldRanking{i, k}
	c, ok := r.rankings[at]
	if ok {
		return c
	}
	c = r.polar(i, k.cut, k.by).similarities(r.sums, r.pilots(k.low), k.n, k.by)
	if r.rankings == nil {
		r.rankings = map[fieldRanking][]candidate{}
	}
	r.rankings[at] = c
	return c
}

type fieldRanking struct {
	field int
	ranking
}

// pilots returns the frequencies of all pilots or of the lower half.
func (r *reader) pilots(low bool) []frequency {
	if !low {
		return r.f
	}
	f := slices.Clone(r.f)
	slices.SortStableFunc(f, func(a, b frequency) int {
		return cmp.Compare(float64(a.x*a.x)+float64(a.y*a.y), float64(b.x*b.x)+float64(b.y*b.y))
	})
	return f[:pilotN/2]
}

// similar tries the similarities of each field that rank from the given place up to
// another; the lesser ones of earlier places that were not read compete with them.
func (r *reader) similar(k ranking, from, to int) error {
	all := r.left[k]
	for i := range r.fields {
		m, c := r.peaks(i, k.cut), r.ranked(i, k)
		for _, c := range c[min(from, len(c)):min(to, len(c))] {
			if err := r.ctx.Err(); err != nil {
				return err
			}
			if r.offer(&all, i, m, c.b, settle); r.done() {
				return nil
			}
		}
	}
	all = r.attemptBest(all, settle)
	if r.left == nil {
		r.left = map[ranking][]hit{}
	}
	r.left[k] = all
	return nil
}

// A hit is a map under which the pilots agree on a shift in one field.
type hit struct {
	field int
	m     *peakMap
	b     [4]float64
	z     float64
}

// Agreement at which a map is read at once; and the number of lesser ones that are
// read when a stage is over.
const (
	sureAgreement = 6.0
	lesserHits    = 2
)

// offer reads under b at once if the pilots agree strongly, and keeps it for later
// if they may.
func (r *reader) offer(all *[]hit, i int, m *peakMap, b [4]float64, rounds []round) {
	s := r.roughShift(i, b)
	switch {
	case s.z >= sureAgreement:
		r.climbAndAttempt(hit{i, m, b, s.z}, rounds)
	case s.z >= leastAgreement:
		*all = append(*all, hit{i, m, b, s.z})
	}
}

// attemptBest reads under the best hits and returns the others.
func (r *reader) attemptBest(all []hit, rounds []round) []hit {
	slices.SortStableFunc(all, func(a, b hit) int { return cmp.Compare(b.z, a.z) })
	n := min(lesserHits, len(all))
	for _, h := range all[:n] {
		if r.climbAndAttempt(h, rounds); r.done() {
			break
		}
	}
	return all[n:]
}

// climbAndAttempt reads under the hit's map as improved on the peak map, unless the
// pilots agree less there.
func (r *reader) climbAndAttempt(h hit, rounds []round) {
	b, _ := h.m.climb(r.f, h.b, .001, .0005, .00025)
	if r.roughShift(h.field, b).z < h.z {
		b = h.b
	}
	r.attempt(h.field, b, nil, rounds)
}

// stretched tries similarities after a stretch along the picture's axes.
func stretched(readers []*reader) error {
	l := readers[0].leak
	s := scales{partLow, anyScale.most}
	for i := len(l.fields) - 1; i >= 0; i-- {
		m := l.peaks(i, true)
		wide := m.dilated()
		for _, by := range stretches {
			lp := newLogPolar(wide, s, fineStep, by)
			err := each(func(r *reader) error {
				for _, c := range lp.similarities(r.sums, r.f, 1, s) {
					if b := m.unstretched(c, r.f, by); r.roughShift(i, b).z >= nearAgreement {
						r.attempt(i, b, nil, spreadOut)
					}
				}
				return r.ctx.Err()
			})(readers)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// affine tries affine maps from pairs of peaks over the whole frame.
func (r *reader) affine() error {
	s := newPairSearch(r.f, 120, anyScale.most)
	for i := len(r.fields) - 1; i >= 0; i-- {
		if err := r.ctx.Err(); err != nil {
			return err
		}
		m := r.peaks(i, true)
		found := s.search(r.seenIn(i))
		for _, c := range found[:min(1, len(found))] {
			b, score := m.climb(r.f, c.b, .004, .002, .001, .0005)
			if score >= leastScore {
				r.attemptParts(i, b, spreadOut)
			}
		}
		if r.done() {
			return nil
		}
	}
	return nil
}

// partLow is the least scale looked for in parts of the frame.
const partLow = 0.27

// leastScore is the peak map's score below which a map is not tried.
const leastScore = 6

// windows tries parts of the frame, for perspective and small remains: the four
// best of each size and field.
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

// attemptWindows tries the best four of the candidates in field i.
func (r *reader) attemptWindows(i int, all []windowCandidate) error {
	slices.SortStableFunc(all, func(a, b windowCandidate) int { return cmp.Compare(b.score, a.score) })
	for _, c := range all[:min(4, len(all))] {
		if c.score < leastScore {
			break
		}
		if err := r.ctx.Err(); err != nil {
			return err
		}
		if r.attempt(i, c.b, &c.part, spreadOut); r.done() {
			break
		}
	}
	return nil
}

type windowCandidate struct {
	candidate
	part rect
}

// windowCandidates returns the candidates of each reader in all parts of z.
func windowCandidates(readers []*reader, z dsp.Plane, side int, top float64) ([][]windowCandidate, error) {
	if len(readers) == 0 {
		return nil, nil
	}
	searches := make([]*pairSearch, len(readers))
	for k, r := range readers {
		searches[k] = newPairSearch(r.f, 80, top)
	}
	parts, ctx := halfOverlapping(z.W, z.H, side), readers[0].ctx
	found := make([][][]windowCandidate, len(parts))
	dsp.Parallel(len(parts), func(from, to int) {
		on := new(polarSums)
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

// partCandidates returns the best map by pairs and the best similarity of a part, for
// each search.
func partCandidates(on *polarSums, z dsp.Plane, part rect, top float64, searches []*pairSearch) [][]windowCandidate {
	p := cut(z, part)
	if p.SumSquares() < 0.15*float64(len(p.Pix)) { // covered or blank
		return nil
	}
	n := mapSize(max(p.W, p.H))
	m := newPeakMap(p, n).capped(peakCapLow)
	by := scales{partLow, top}
	lp, seen := newLogPolar(m, by, coarseStep, 1), m.observe(64, 6*float64(n)/float64(max(p.W, p.H)))
	out := make([][]windowCandidate, len(searches))
	for k, s := range searches {
		found := s.search(seen)
		found = append(found[:min(1, len(found))], lp.similarities(on, s.f, 1, by)...)
		for _, c := range found {
			c.b, c.score = m.climb(s.f, c.b, .004, .002, .001, .0005)
			out[k] = append(out[k], windowCandidate{c, part})
		}
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
const leastAgreement, leastAgreementParts = 5.3, 5.4

// nearAgreement is that on interpolated amplitudes from which on the exact ones, on which
// pilots that agree do so to within 0.04 as well, are worth their cost.
const nearAgreement = leastAgreement - 0.5

// attempt looks in field i, or in a part of it, for the shift under the linear map
// b, and if the pilots agree on one, refines the map and reads.
func (r *reader) attempt(i int, b [4]float64, part *rect, rounds []round) {
	r.settle(i, b, r.shiftIn(i, b, part), leastAgreement, rounds)
}

// attemptParts is attempt in the whole field and, where the pilots do not agree
// there, in half windows of it.
func (r *reader) attemptParts(i int, b [4]float64, rounds []round) {
	const parts = 8
	z := r.fields[i]
	f, held := r.observed(b)
	a := cellAmplitudes(z, 0, 0, &f, max(8, z.W/parts), max(8, z.H/parts))
	best := r.kd.findShift(r.shifts, only(held, a.sum(0, 0, parts, parts)))
	for y := 0; y <= parts/2 && best.z <= sureAgreement; y += parts / 4 {
		for x := 0; x <= parts/2; x += parts / 4 {
			if s := r.kd.findShift(r.shifts, only(held, a.sum(x, y, parts/2, parts/2))); s.z > best.z {
				best = s
			}
		}
	}
	r.settle(i, b, best, leastAgreementParts, rounds)
}

// plainAgreement is what noise hardly reaches: where the pilots agree as well, every
// map that was weighed is read under, not the best alone.
const plainAgreement = 5.7

// settle refines the map that b and a shift make, and reads.
func (r *reader) settle(i int, b [4]float64, s shift, least float64, rounds []round) {
	r.bestZ = math.Max(r.bestZ, s.z)
	if s.z < least {
		return
	}
	maps := r.refined(i, s.toMatrix(b), s.sign, rounds)
	if s.z < plainAgreement {
		maps = maps[:1]
	}
	for _, t := range maps {
		if r.decode(t, s.sign); r.done() {
			return
		}
	}
}

// refined returns refinements of m, work to mark, likeliest first, and m itself: on
// small leaks the windows' votes are few, and what follows them may lead astray.
func (r *reader) refined(i int, m geometry.Mat, sign float32, rounds []round) []tracked {
	const enough = 40 // votes
	z := r.fields[i]
	t := r.kd.track(z, m, sign, rounds)
	if t.votes >= enough {
		return []tracked{t, {m: m}}
	}
	followed, plain := t, tracked{m: m}
	var sumFollowed, sumPlain float64
	plain.m, sumPlain = r.kd.coherent(z, m, sign, nil)
	if t.centre == nil { // nothing was followed
		followed.m, sumFollowed = plain.m, sumPlain
	} else {
		followed.m, sumFollowed = r.kd.coherent(z, t.m, sign, t.centre)
	}
	if sumPlain > sumFollowed {
		plain.votes, plain.box = t.votes, t.box
		return []tracked{plain, {m: m}, t}
	}
	return []tracked{followed, {m: m}, plain, t}
}

// observed returns where the pilots stand under b, cycles a work pixel, and whether
// the leak's pixels can hold each.
func (r *reader) observed(b [4]float64) (f [pilotN]frequency, held [pilotN]bool) {
	const most = 0.48
	for k, q := range r.f {
		f[k] = frequency{float64(b[0]*q.x) + float64(b[1]*q.y), float64(b[2]*q.x) + float64(b[3]*q.y)}
		held[k] = math.Abs(f[k].x) < most && math.Abs(f[k].y) < most
	}
	return f, held
}

// shiftIn finds the shift in the given part of field i, or in the whole.
func (r *reader) shiftIn(i int, b [4]float64, part *rect) shift {
	f, held := r.observed(b)
	z, x0, y0 := r.fields[i], 0, 0
	if part != nil {
		z, x0, y0 = cut(z, *part), part.x, part.y
	}
	a := cellAmplitudes(z, x0, y0, &f, z.W, z.H)
	return r.kd.findShift(r.shifts, only(held, &a.c[0]))
}

// roughShift is shiftIn the whole field on interpolated amplitudes.
func (r *reader) roughShift(i int, b [4]float64) shift {
	t := r.tone(i)
	f, held := r.observed(b)
	var c [pilotN]complex64
	for k, q := range f {
		if held[k] {
			c[k] = t.at(q)
		}
	}
	return r.kd.findShift(r.shifts, &c)
}

func only(held [pilotN]bool, c *[pilotN]complex64) *[pilotN]complex64 {
	for k, is := range held {
		if !is {
			c[k] = 0
		}
	}
	return c
}
