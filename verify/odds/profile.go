package odds

import (
	"math"
)

// Classes of leaks whose times are looked at for ranges.
const (
	everyLeak = iota
	plainLeaks
	markedLeaks
	bareLeaks // without any mark; no range is made for them
	classes
)

// A profile counts, by cell of time, the clusters that a source could have handed on. A cluster
// of several leaks is divided evenly among the cells of its leaks.
type profile struct {
	kind   string
	holder int
	counts []int
	ahead  []float64 // submissions before each cell
	size   float64
	n      [classes][]float64 // clusters by cell
	total  [classes]float64
}

// newProfile returns the counts by cell of the clusters that a source could have handed on. kind
// and holder are the source's, as in [sighting.has]; holder is -1 for sources without a holder.
// counts are the source's submissions by cell. Marked leaks are counted for issued and planted
// copies and coalitions only.
func newProfile(m *model, kind string, holder int, counts []int) *profile {
	p := &profile{kind: kind, holder: holder, counts: counts, ahead: make([]float64, len(counts)+1)}
	for i, c := range counts {
		p.ahead[i+1] = p.ahead[i] + float64(c)
	}
	p.size = p.ahead[len(counts)]
	for k := range p.n {
		p.n[k] = make([]float64, len(counts))
	}
	for _, it := range m.items {
		for _, l := range it.leaks {
			l := &m.seen[l]
			if !l.has(kind, holder) {
				continue
			}
			share := 1 / float64(len(it.leaks))
			p.count(everyLeak, l.cell, share)
			if l.plain() {
				p.count(plainLeaks, l.cell, share)
			}
			if l.bare() {
				p.count(bareLeaks, l.cell, share)
			}
			if (kind == Copies || kind == Planted) && l.mark[holder] > 1 || kind == Coalition && l.joint[holder] > 1 {
				p.count(markedLeaks, l.cell, share)
			}
		}
	}
	return p
}

// count adds a share, 0..1, of a cluster to a cell.
func (p *profile) count(class, cell int, share float64) {
	p.n[class][cell] += share
	p.total[class] += share
}

// interval is a run of cells, from up to and including to.
type interval struct{ from, to int }

// ranges returns the intervals of cells that are worth a part, without repetitions. For leaks
// with marks of the recipient, and for leaks without any mark, these are two intervals: the
// smallest that holds all such leaks, and the densest by the scan statistic. For the insider
// and the unlisted holder the intervals of all leaks are added. For these two sources the
// intervals of leaks without a mark are also split in two, and the next densest is added.
func (p *profile) ranges() []interval {
	var out []interval
	add := func(r interval, ok bool) {
		for _, o := range out {
			ok = ok && o != r
		}
		if ok {
			out = append(out, r)
		}
	}
	all := interval{0, len(p.counts) - 1}
	for class := range bareLeaks {
		broad := p.kind == Insider || p.kind == Unlisted
		if p.total[class] == 0 || class == everyLeak && !broad && p.total[plainLeaks]+p.total[markedLeaks] > 0 {
			continue
		}
		snug, ok := p.snug(class)
		add(snug, ok)
		best, ok := p.densest(class, all)
		add(best, ok)
		if !broad || class != plainLeaks {
			continue
		}
		for _, r := range []interval{snug, best} {
			left, right, ok := p.split(class, r)
			add(left, ok)
			add(right, ok)
		}
		before, okBefore := p.densest(class, interval{0, best.from - 1})
		after, okAfter := p.densest(class, interval{best.to + 1, len(p.counts) - 1})
		if okBefore && (!okAfter || p.scan(class, before) >= p.scan(class, after)) {
			add(before, true)
		} else {
			add(after, okAfter)
		}
	}
	return out
}

// snug returns the smallest interval that holds all leaks of a class. ok is false, and the interval
// of no use, if the class has no leak.
func (p *profile) snug(class int) (out interval, ok bool) {
	out.from, out.to = span(p.n[class])
	return out, out.from >= 0
}

// split divides an interval into two intervals that together hold all its leaks of a class. Of
// all such pairs it returns the pair that fits best if each interval has a density of its
// own. ok is false if fewer than two cells have leaks.
func (p *profile) split(class int, r interval) (left, right interval, ok bool) {
	size := func(a, b int) float64 { return p.ahead[b+1] - p.ahead[a] }
	var cells []int
	n := 0.0
	for i := r.from; i <= r.to; i++ {
		if p.n[class][i] > 0 {
			cells = append(cells, i)
			n += p.n[class][i]
		}
	}
	top, before := math.Inf(-1), 0.0
	for k := 0; k+1 < len(cells); k++ {
		before += p.n[class][cells[k]]
		l, r := interval{cells[0], cells[k]}, interval{cells[k+1], cells[len(cells)-1]}
		fit := float64(before*ln(before/size(l.from, l.to))) + float64((n-before)*ln((n-before)/size(r.from, r.to)))
		if fit > top {
			left, right, top, ok = l, r, fit, true
		}
	}
	return left, right, ok
}

// densest returns the interval within r with the largest scan statistic, the first if several are
// equal. It begins and ends with cells that have leaks of the class. ok is false if r has no such
// leak, or is empty (r.to below r.from).
func (p *profile) densest(class int, r interval) (best interval, ok bool) {
	var cells []int
	for i := r.from; i <= r.to; i++ {
		if p.n[class][i] > 0 {
			cells = append(cells, i)
		}
	}
	top := -1.0
	for a, from := range cells {
		n := 0.0
		for _, to := range cells[a:] {
			n += p.n[class][to]
			if fit := scan(n, p.total[class], p.ahead[to+1]-p.ahead[from], p.size); fit > top {
				best, top, ok = interval{from, to}, fit, true
			}
		}
	}
	return best, ok
}

// within returns how many clusters of a class lie in interval r. Clusters of several leaks count by
// fractions.
func (p *profile) within(class int, r interval) float64 {
	n := 0.0
	for i := r.from; i <= r.to; i++ {
		n += p.n[class][i]
	}
	return n
}

// scan returns the scan statistic (see the function [scan]) of a class of leaks in interval r.
func (p *profile) scan(class int, r interval) float64 {
	return scan(p.within(class, r), p.total[class], p.ahead[r.to+1]-p.ahead[r.from], p.size)
}

// scan returns Kulldorff's scan statistic (Communications in Statistics - Theory and Methods 26,
// 1997), the natural logarithm of a likelihood ratio. n of total leaks lie in a part with size of
// all submissions. The ratio compares a density of leaks of the part's own with one density
// everywhere. It is 0 if the part is not denser than the rest. The statistic only proposes parts:
// their weight comes from the model.
func scan(n, total, size, all float64) float64 {
	if n <= 0 || size <= 0 || float64(n*all) <= float64(total*size) {
		return 0
	}
	fit := float64(n * ln(float64(n*all)/float64(total*size)))
	if rest := total - n; rest > 1e-9 && all > size {
		fit += float64(rest * ln(float64(rest*all)/float64(total*(all-size))))
	}
	return fit
}

// rangePart returns the part for the submissions of an interval. Wider intervals that hold the
// same leaks are counted into the prior of this part. Each counts by how probable it makes
// these leaks, compared with the narrowest interval. This is exact if the source alone
// explains the leaks. choices is the number of ranges and sets that share the prior tau.
func (p *profile) rangePart(r interval, choices float64) part {
	out := part{size: p.ahead[r.to+1] - p.ahead[r.from], from: r.from, to: r.to, set: -1}
	n := p.within(everyLeak, r)
	first, last := span(p.counts)
	lo, hi := r.from, r.to
	for lo > first && p.n[everyLeak][lo-1] == 0 {
		lo--
	}
	for hi < last && p.n[everyLeak][hi+1] == 0 {
		hi++
	}
	for a := lo; a <= r.from; a++ {
		for b := r.to; b <= hi; b++ {
			ratio := out.size / (p.ahead[b+1] - p.ahead[a])
			if ratio > 0 && !math.IsInf(ratio, 0) {
				out.taken += exp(float64(n * ln(ratio)))
			}
		}
	}
	out.taken /= choices
	return out
}
