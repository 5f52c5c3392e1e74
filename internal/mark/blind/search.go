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

// A stage looks for marks in one way, side by side for all readers of a leak that are not done.
type stage struct {
	name string
	try  func([]*reader) error
}

// stages are all stages of the search, in their order: from what most leaks need to what
// few need. The first figure is the share of 150 leaks that the stage decided, of the 15 shipped pictures under 10 attacks.
// The second is its share of the processor time of a reading of a picture without a mark (TestStagesStudy
// -attacks jpeg20,thumb320,crop25,crop05,aspect10,persp8,screen_photo,print_scan,redact50,chain_rotcrop).
var stages = [...]stage{
	{"likely", each((*reader).likely)},         // 46.7 %, 11.5 %
	{"obvious", each((*reader).obvious)},       // 33.3 %,  2.7 %
	{"faint", each((*reader).faint)},           //  1.3 %,  6.7 %
	{"coarser", each((*reader).coarser)},       //  0.7 %, 12.8 %: crops
	{"wholeFrame", each((*reader).wholeFrame)}, //  4.7 %, 12.6 %
	{"stretched", stretched},                   // 12.7 %, 10.0 %: other aspect ratios
	{"tilted", tilted},                         //  0.7 %, 43.7 %: perspective; 11 of 14 drawn photographs of screens that no other stage reads
}

// each returns a stage that runs try for one reader after the other, except readers that are done. They share only what the leak keeps.
func each(try func(*reader) error) func([]*reader) error {
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

// likely tries the four best similarities in each field under which the leak shows all of the
// picture. Together with obvious it finds most marks. The error is ctx's, as in all stages.
func (r *reader) likely() error { return r.similar(r.wholePicture(), 0, 4) }

// obvious tries the eight best similarities of any scale in each field.
func (r *reader) obvious() error { return r.similar(obviousSums, 0, 8) }

// obviousSums are of any scale, on the map as it is.
var obviousSums = ranking{by: anyScale, n: 40}

// faint tries many similarities under which the leak shows all of the picture: few enough
// that even faint agreement exceeds chance.
func (r *reader) faint() error { return r.similar(r.wholePicture(), 4, 100) }

// coarser takes the leak for a part of the picture, on a smaller rendition of the leak: the scales
// are partMin to partMax times the scale of a whole picture. It tries the eight best similarities
// and then, with strong peaks cut, the 150 best. What is found is in the leak's own work pixels.
func (r *reader) coarser() error {
	l := r.leak.coarse()
	whole := float64(l.side()) / pattern.Torus
	by := spectrum.Scales{Min: partMin * whole, Max: partMax * whole}
	return r.in(l, geometry.PixelScale(l.scale[0]/r.scale[0], l.scale[1]/r.scale[1]), func(c *reader) error {
		err := c.similar(ranking{by: by, n: 8}, 0, 8)
		if err == nil && !c.done() {
			err = c.similar(ranking{cut: true, by: by, n: 150}, 0, 150)
		}
		return err
	})
}

// in runs try on another rendition l of the leak, with a reader of its own that looks for one mark.
// to maps the work pixels of r to the pixels of l. Marks found, checks made and the best agreement
// are carried over to r. It returns the error of try.
func (r *reader) in(l *leak, to geometry.Mat, try func(*reader) error) error {
	c := newReader(r.ctx, l, r.kd)
	c.checks, c.maps = r.checks, r.maps
	err := try(c)
	r.checks, r.maps = c.checks, c.maps
	r.note(c.bestZ, c.chance)
	for _, f := range c.found {
		f.m = f.m.Mul(to)
		r.found = append(r.found, f)
	}
	for _, l := range c.looks {
		l.m = l.m.Mul(to)
		r.looks = append(r.looks, l)
	}
	return err
}

// alongside looks for other keys' marks once a reader has found a mark. A person who marks a copy
// again marks what later goes through the same changes. So the two marks differ by a similarity,
// whatever happened to the leak. It does nothing if no reader has found a mark or there is only one
// reader. Finds are added to the readers that are not done. The error is ctx's.
func alongside(readers []*reader) error {
	at := slices.IndexFunc(readers, func(r *reader) bool { return len(r.found) > 0 })
	if at < 0 || len(readers) == 1 {
		return nil
	}
	l, to, ok := readers[at].straightened(readers[at].found[0].tracked)
	if !ok {
		return nil
	}
	const apart = 2*pattern.PlaceScale + 0.04 // of |ln| of the scale between two placements
	by := ranking{cut: true, by: spectrum.Scales{Min: dsp.Exp(-apart), Max: dsp.Exp(apart)}, n: 100}
	return each(func(r *reader) error {
		return r.in(l, to, func(c *reader) error { return c.similar(by, 0, by.n) })
	})(readers)
}

// straightened returns the leak as it lies on the mark pixels of a mark that was read as t. It also returns the map
// from the work pixels of l to the pixels of the new leak. It returns false if t has no inverse. l is not changed.
func (l *leak) straightened(t tracked) (*leak, geometry.Mat, bool) {
	win := markWindow(t.m, l.carriers[0].W, l.carriers[0].H, t.centre)
	s := *l
	s.carriers, s.step = slices.Clone(l.carriers), spectrum.FineStep
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

// wholePicture ranks similarities under which the leak shows all of the picture, of whatever size and turned.
func (l *leak) wholePicture() ranking {
	mid := float64(l.side()) / pattern.Torus
	return ranking{cut: true, by: spectrum.Scales{Min: mid * dsp.Exp(-wholeSlack), Max: mid * dsp.Exp(wholeSlack)}, n: 100}
}

// wholeFrame first reads in parts of the frame, under the best similarity of each field. It then tries similarities of
// any scale: on the map as it is those beyond obvious, then with strong peaks cut. Last it uses the lower half of the
// pilots only (thumbnails, blur). It stops when the search is done.
func (r *reader) wholeFrame() error {
	for i := range r.fields {
		best := r.ranked(i, obviousSums)
		for _, c := range best[:min(1, len(best))] {
			b, _ := r.peaks(i, false).Climb(r.f, c.B, .001, .0005, .00025)
			if r.attemptParts(i, b); r.done() {
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

// A ranking is a list of the best n similarities by the sum of a peak map over the scales by. cut:
// strong peaks of the map are cut; low: only the lower half of the pilots counts.
type ranking struct {
	low, cut bool
	by       spectrum.Scales
	n        int
}

// ranked returns the best similarities of field i as k says, best first, k.n or fewer. It keeps
// them, since several stages ask for the same ranking. They must not be changed.
func (r *reader) ranked(i int, k ranking) []spectrum.Candidate {
	at := fieldRanking{i, k}
	if c, ok := r.rankings[at]; ok {
		return c
	}
	f := r.f
	if k.low {
		f = slices.SortedStableFunc(slices.Values(f), func(a, b pattern.Frequency) int {
			return cmp.Compare(float64(a.X*a.X)+float64(a.Y*a.Y), float64(b.X*b.X)+float64(b.Y*b.Y))
		})[:pattern.PilotN/2] // survives blur and shrinking
	}
	r.rankings[at] = r.polar(i, k.cut, k.by).Similarities(r.sums, f, k.n, k.by)
	return r.rankings[at]
}

type fieldRanking struct {
	field int
	ranking
}

// similar tries the similarities of each field with ranks from..to-1 in the ranking k. It reads at once under those on
// which the pilots agree strongly. The best of the others compete with what earlier calls with the same k left unread;
// what is not read now is left for later calls. Marks are added to r.found. The error is ctx's.
func (r *reader) similar(k ranking, from, to int) error {
	all := r.left[k]
	for i := range r.fields {
		m, c := r.peaks(i, k.cut), r.ranked(i, k)
		for _, c := range c[min(from, len(c)):min(to, len(c))] {
			if err := r.ctx.Err(); err != nil {
				return err
			}
			switch h := (hit{i, m, c.B, r.roughShift(i, c.B).z}); {
			case h.z >= sureAgreement:
				if r.climbAndAttempt(h); r.done() {
					return nil
				}
			case h.z >= minAgreement:
				all = append(all, h)
			}
		}
	}
	r.left[k] = r.attemptBest(all)
	return nil
}

// A hit is a map under which the pilots agree on a shift in one field.
type hit struct {
	field int
	m     *spectrum.PeakMap
	b     [4]float64
	z     float64
}

// attemptBest reads under the lesserHits hits with the strongest agreement, or until the search is
// done. It sorts all in place and returns the other hits, which may be tried again later.
func (r *reader) attemptBest(all []hit) []hit {
	slices.SortStableFunc(all, func(a, b hit) int { return cmp.Compare(b.z, a.z) })
	n := min(lesserHits, len(all))
	for _, h := range all[:n] {
		if r.climbAndAttempt(h); r.done() {
			break
		}
	}
	return all[n:]
}

// climbAndAttempt improves the hit's linear map on its peak map and reads under the improved map. It reads under the
// hit's own map if the pilots agree less on the improved map.
func (r *reader) climbAndAttempt(h hit) {
	b, _ := h.m.Climb(r.f, h.b, .001, .0005, .00025)
	if r.roughShift(h.field, b).z < h.z {
		b = h.b
	}
	r.attempt(h.field, b, settle)
}

// stretched tries similarities after a stretch of the leak's vertical axis by each of the factors stretches: for leaks
// whose aspect ratio was changed. It runs the readers side by side, because they share the log-polar map of each
// factor. All readers must have the same leak. The error is ctx's.
func stretched(readers []*reader) error {
	l := readers[0].leak
	s := spectrum.Scales{Min: stretchedMin, Max: anyScale.Max}
	for i := len(l.fields) - 1; i >= 0; i-- {
		m := l.peaks(i, true)
		wide := m.Dilated()
		for _, by := range stretches {
			lp := spectrum.NewLogPolar(wide, s, spectrum.FineStep, [4]float64{1, 0, 0, 1 / by})
			err := each(func(r *reader) error {
				for _, c := range lp.Similarities(r.sums, r.f, 1, s) {
					b, _ := m.Climb(r.f, c.B, .004, .002, .001, .0005) // the stretch is known only roughly
					if r.roughShift(i, b).z >= nearAgreement {
						r.attempt(i, b, spreadOut)
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

// tilted looks for perspective over the whole frame, as in photographs of screens and of cards on a table. It looks in the
// last field, for the readers that are not done. All must have the same leak. The error is ctx's.
func tilted(readers []*reader) error {
	l := readers[0].leak
	i, mid := len(l.fields)-1, float64(l.side())/pattern.Torus
	z, parts := l.fields[i], partsOf(l.fields[i])
	return each(func(r *reader) error {
		tilts := parts.Best(r.sums, r.f, spectrum.Scales{Min: tiltedMin * mid, Max: tiltedMax * mid}, tiltedClimbs)
		tilts = slices.DeleteFunc(tilts, func(t spectrum.Tilt) bool { return t.Score < minTilted })
		for _, t := range tilts[:min(tiltedTries, len(tilts))] {
			if r.attemptTilted(i, t.Map(z.W, z.H)); r.done() || r.ctx.Err() != nil {
				break
			}
		}
		return r.ctx.Err()
	})(readers)
}

// partsOf returns the peak maps, with strong peaks cut, of parts of z that overlap by half. It skips blank and covered parts.
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
