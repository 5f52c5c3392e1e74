package odds

import (
	"cmp"
	"math"
	"slices"
)

// Families of parts that a thief may take. At each point of the grid one of them has all of the
// prior tau. Ratios are the minimum over the families.
const (
	named    = iota // what another listed holder had
	calendar        // a day, week, month, quarter or year
	ranges          // days in a row, of log-uniform length
	families
)

// units are the lengths of calendar units. Each length is equally probable, and so is each unit of
// one length that has submissions of the source.
const units = 5

// A part is what of its holdings a source took: everything, a range of cells, or the
// same as another holder had.
type part struct {
	whole  float64           // share of the prior that goes with 1 - tau
	taken  [families]float64 // by family: share of the prior that goes with tau
	size   float64           // number of submissions, at least 1 for the whole
	from   int               // cells, from up to and including to; -1: not a range
	to     int
	set    int       // index of the set in common with the source; -1: no set
	tilt   []float64 // by cell: density of the draw, compared with an even draw; nil: the draw is even
	reuse  float64   // of files sent elsewhere: the share of files, 0..1
	column [2]int    // columns of the table, without and with marks removed
}

// parts returns the parts of a source's holdings that the source may have taken. The first part is
// everything, with the prior 1 - tau. It also has the prior tau of a family without any part of
// this source. Only the parts that fit the leaks best are returned. counts are the source's
// submissions by cell, and own is the index in m.sets of that very set (-1: not in m.sets).
func (m *model) parts(kind string, holder int, counts []int, own int) []part {
	whole := part{whole: 1, size: math.Max(1, float64(total(counts))), from: -1, to: -1, set: -1}
	first, _ := span(counts)
	if first < 0 || !m.covers(kind, holder) {
		whole.taken = [families]float64{1, 1, 1} // whatever was taken, none of it is here
		return []part{whole}
	}
	p := newProfile(m, kind, holder, counts)
	out := append([]part{whole}, m.timeParts(p)...)
	sets, choices := m.setParts(p, kind, own)
	if choices == 0 {
		out[0].taken[named] = 1
	}
	out = m.useful(m.merged(append(out, sets...), kind, holder), kind, holder)
	return m.useful(m.tilted(out, p), kind, holder)
}

// timeParts returns the calendar units and the ranges of cells that fit the leaks of a profile. If
// several hold the same leaks, the smallest has the priors of all, each times how probable it makes
// these leaks compared with the smallest. This is exact if the source alone explains the leaks.
func (m *model) timeParts(p *profile) (out []part) {
	var all []part
	for _, r := range p.ranges() {
		all = append(all, p.rangePart(r))
	}
	for _, unit := range m.units {
		prior := 1 / float64(units*p.distinct(unit))
		for _, r := range p.calendar(unit) {
			x := p.intervalPart(r)
			x.taken[calendar] = prior
			all = append(all, x)
		}
	}
	slices.SortStableFunc(all, func(a, b part) int { return cmp.Compare(a.size, b.size) })
	var held []interval
	for _, x := range all {
		r := p.shrunk(x)
		k := slices.Index(held, r)
		if k < 0 {
			held, out = append(held, r), append(out, x)
			continue
		}
		scale := exp(float64(p.within(everyLeak, r) * ln(out[k].size/x.size)))
		for f := range families {
			out[k].taken[f] += float64(scale * x.taken[f])
		}
	}
	return out
}

// useful returns the parts without the parts that cannot improve any explanation. The first part,
// the whole holdings, is always kept. Another part gains at best the ratio of the densities for
// each cluster that it holds. It costs the ratio of the priors at the point of the grid where that
// is cheapest. A part is kept if the gain exceeds the cost. Of parts of time and of uneven draws only
// the best [maxKept] or [maxBroad] are kept: they would crowd out a small folder.
func (m *model) useful(parts []part, kind string, holder int) []part {
	whole := parts[0]
	worth := make([]float64, len(parts))
	var others []float64 // worths of parts that are no sets
	folder := func(p *part) bool { return p.set >= 0 && p.tilt == nil }
	for i, p := range parts[1:] {
		gain := 0.0
		for _, it := range m.items {
			best := 0.0
			for _, l := range it.leaks {
				if l := &m.seen[l]; l.has(kind, holder) && m.in(p, l) {
					best = math.Max(best, ln(p.density(l)/whole.density(l)))
				}
			}
			gain += best
		}
		cost := math.Inf(-1)
		for _, at := range m.grid {
			cost = math.Max(cost, ln(at.share(&p))-ln(at.share(&whole)))
		}
		if worth[i+1] = gain + cost; !folder(&p) {
			others = append(others, worth[i+1])
		}
	}
	low, kept := 0.0, maxKept
	if kind == Insider || kind == Unlisted {
		kept = maxBroad
	}
	if slices.Sort(others); len(others) > kept {
		low = math.Max(0, others[len(others)-kept-1])
	}
	out := parts[:1]
	for i, p := range parts[1:] {
		if worth[i+1] > low || folder(&p) && worth[i+1] > 0 {
			out = append(out, p)
		}
	}
	return out
}

// share returns the prior of a part at a point of the grid.
func (at point) share(p *part) float64 {
	return float64((1-at.tau)*p.whole) + float64(at.tau*p.taken[at.family])
}

// density returns the probability that a random draw from a part is the submission of leak s, which
// must lie in the part.
func (p *part) density(s *sighting) float64 {
	if p.tilt != nil {
		return p.tilt[s.cell] / p.size
	}
	return 1 / p.size
}

// common returns the maximum number of submissions that two sets can have in common, from
// their counts by cell. The number is exact if one set contains the other in each cell.
func common(a, b []int) float64 {
	n := 0
	for k, c := range a {
		n += min(c, b[k])
	}
	return float64(n)
}

// setParts returns parts that a source has in common with other sets: at most [maxParts], or one for
// issued or planted copies. The first
// fits all leaks best. Each further one fits best the leaks outside of those before: a small folder
// would otherwise be missed beside several holders of about the same large one. p is the profile of the
// source, and own the index in m.sets of the source's own set (-1: it has no set). choices is the
// number of other sets with which the source has anything in common. Each is equally probable.
func (m *model) setParts(p *profile, kind string, own int) (out []part, choices int) {
	type candidate struct {
		part
		fit, rest float64 // scan statistic of all leaks, and of the leaks outside of out
	}
	var all []candidate
	outside := func(l *sighting) bool {
		return !slices.ContainsFunc(out, func(x part) bool { return m.in(x, l) })
	}
	weigh := func(x *candidate) float64 {
		var n, total [2]float64 // of all leaks, and of leaks without a mark
		for _, it := range m.items {
			share := 1 / float64(len(it.leaks))
			for _, l := range it.leaks {
				l := &m.seen[l]
				if !l.has(kind, p.holder) || !outside(l) {
					continue
				}
				in := m.in(x.part, l)
				for class := range n {
					if class == 0 || l.plain() {
						total[class] += share
						if in {
							n[class] += share
						}
					}
				}
			}
		}
		if n[0] == 0 {
			return -1
		}
		return math.Max(scan(n[0], total[0], x.size, p.size), scan(n[1], total[1], x.size, p.size))
	}
	for i, s := range m.sets {
		size := common(s.counts, p.counts)
		if i == own || size == 0 {
			continue
		}
		choices++
		x := candidate{part: part{size: size, from: -1, to: -1, set: i}}
		if x.fit = weigh(&x); x.fit >= 0 {
			all = append(all, x)
		}
	}
	top := maxParts
	if kind == Copies || kind == Planted {
		top = 1
	}
	for len(out) < top && len(all) > 0 {
		best := 0
		for i := range all {
			x, y := &all[i], &all[best]
			if x.rest = math.Max(weigh(x), 0); cmp.Or(cmp.Compare(x.rest, y.rest), cmp.Compare(x.fit, y.fit), cmp.Compare(y.size, x.size)) > 0 {
				best = i
			}
		}
		x := all[best]
		x.taken[named] = 1 / float64(choices)
		out, all = append(out, x.part), slices.Delete(all, best, best+1)
	}
	return out, choices
}

// in reports whether a leak lies in part p: within its cells, and among what its set had. It does
// not check that the source held the submission at all: [sighting.has] does.
func (m *model) in(p part, s *sighting) bool {
	if p.from >= 0 && (s.cell < p.from || s.cell > p.to) {
		return false
	}
	return p.set < 0 || s.has(m.sets[p.set].kind, m.sets[p.set].holder)
}

// merged combines parts that have the same size and hold the same leaks into one part, whose priors
// are the sums. Such parts give the same likelihoods. kind and holder are the source's, as in
// [sighting.has].
func (m *model) merged(parts []part, kind string, holder int) []part {
	var out []part
	var held [][]bool
	for _, p := range parts {
		covers := make([]bool, len(m.seen))
		for i := range m.seen {
			covers[i] = m.seen[i].has(kind, holder) && m.in(p, &m.seen[i])
		}
		same := 0
		for same < len(out) && (out[same].size != p.size || !slices.Equal(held[same], covers)) {
			same++
		}
		if same == len(out) {
			out, held = append(out, p), append(held, covers)
			continue
		}
		out[same].whole += p.whole
		for f := range families {
			out[same].taken[f] += p.taken[f]
		}
	}
	return out
}

// span returns the indices of the first and the last count above 0, or -1 and -1 if all counts
// are 0.
func span[T int | float64](counts []T) (first, last int) {
	first, last = -1, -1
	for i, c := range counts {
		if c > 0 && first < 0 {
			first = i
		}
		if c > 0 {
			last = i
		}
	}
	return first, last
}
