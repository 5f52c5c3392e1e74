package odds

import (
	"cmp"
	"math"
	"slices"
)

// parts returns the parts of a source's holdings that the source may have taken. The first
// part is everything, with the prior 1 - tau. With the prior tau the source took one of its
// ranges of cells, or what it has in common with one of the other sets; each is as likely.
// Only the ranges and sets that fit the leaks best are returned. counts are the source's
// submissions by cell, and own is the index in m.sets of that very set (-1: not in m.sets).
func (m *model) parts(kind string, holder int, counts []int, own int) []part {
	out := []part{{whole: 1, size: math.Max(1, float64(total(counts))), from: -1, to: -1, set: -1}}
	first, last := span(counts)
	if first < 0 || !m.covers(kind, holder) {
		out[0].taken = 1 // whatever was taken, none of it is here
		return out
	}
	n := float64(last - first + 1)
	choices := float64(n * (n + 1) / 2)
	for i, s := range m.sets {
		if i != own && common(s.counts, counts) > 0 {
			choices++
		}
	}
	p := newProfile(m, kind, holder, counts)
	for _, r := range p.ranges() {
		out = append(out, p.rangePart(r, choices))
	}
	out = append(out, m.setParts(p, kind, own, choices)...)
	return m.useful(m.merged(out, kind, holder), kind, holder)
}

// useful returns the parts without the parts that cannot improve any explanation. The first
// part, the whole holdings, is always kept. A smaller part gains at best the ratio of the
// sizes for each cluster that it holds. It costs the ratio of the priors at the largest tau.
// A part is kept if the gain exceeds the cost.
func (m *model) useful(parts []part, kind string, holder int) []part {
	whole, tau := parts[0], slices.Max(m.o.Tau)
	out := parts[:1]
	for _, p := range parts[1:] {
		n := 0.0
		for _, it := range m.items {
			if slices.ContainsFunc(it.leaks, func(l int) bool { return m.seen[l].has(kind, holder) && m.in(p, &m.seen[l]) }) {
				n++
			}
		}
		gain := float64(n * ln(whole.size/p.size))
		cost := ln(float64(tau*p.taken)+float64((1-tau)*p.whole)) - ln(float64((1-tau)*whole.whole)+float64(tau*whole.taken))
		if gain+cost > 0 {
			out = append(out, p)
		}
	}
	return out
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

// setParts returns the parts that a source has in common with other sets, the best fit to the leaks
// first. There are at most [maxParts], or one for issued or planted copies. p is the profile of the
// source, and own the index in m.sets of the source's own set (-1: it has no set). choices is the
// number of ranges and sets that share the prior tau.
func (m *model) setParts(p *profile, kind string, own int, choices float64) []part {
	type candidate struct {
		part
		fit float64
	}
	var all []candidate
	for i, s := range m.sets {
		if i == own {
			continue
		}
		size, n, plain := common(s.counts, p.counts), 0.0, 0.0
		for _, it := range m.items {
			for _, l := range it.leaks {
				if l := &m.seen[l]; l.has(kind, p.holder) && l.has(s.kind, s.holder) {
					n += 1 / float64(len(it.leaks))
					if l.plain() {
						plain += 1 / float64(len(it.leaks))
					}
				}
			}
		}
		if n > 0 && size > 0 {
			fit := math.Max(scan(n, p.total[everyLeak], size, p.size), scan(plain, p.total[plainLeaks], size, p.size))
			all = append(all, candidate{part{taken: 1 / choices, size: size, from: -1, to: -1, set: i}, fit})
		}
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return cmp.Or(cmp.Compare(b.fit, a.fit), cmp.Compare(a.size, b.size)) })
	top := maxParts
	if kind == Copies || kind == Planted {
		top = 1
	}
	var out []part
	for _, c := range all[:min(len(all), top)] {
		out = append(out, c.part)
	}
	return out
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
		same := slices.IndexFunc(out, func(q part) bool { return q.size == p.size })
		for ; same >= 0 && same < len(out); same++ {
			if out[same].size == p.size && slices.Equal(held[same], covers) {
				break
			}
		}
		if same < 0 || same == len(out) {
			out, held = append(out, p), append(held, covers)
			continue
		}
		out[same].whole += p.whole
		out[same].taken += p.taken
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
