package odds

import (
	"cmp"
	"math"
	"slices"
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
	before [classes][]float64 // clusters before each cell
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
	p.sumUp()
	return p
}

// sumUp fills in p.before from p.n.
func (p *profile) sumUp() {
	for k := range p.n {
		p.before[k] = make([]float64, len(p.counts)+1)
		for i, n := range p.n[k] {
			p.before[k][i+1] = p.before[k][i] + n
		}
	}
}

// count adds a share, 0..1, of a cluster to a cell.
func (p *profile) count(class, cell int, share float64) {
	p.n[class][cell] += share
	p.total[class] += share
}

// interval is a run of cells, from up to and including to.
type interval struct{ from, to int }

// ranges returns the intervals of cells that are worth a part, without repetitions. If at most
// [fewCells] cells have leaks, these are all intervals from one such cell to another: of few leaks a
// source may explain any, and other sources the rest. Else, for leaks
// with marks of the recipient, and for leaks without any mark, these are two intervals: the
// smallest that holds all such leaks, and the densest by the scan statistic. For the insider
// and the unlisted holder the intervals of all leaks are added. For these two sources the
// intervals of leaks without a mark are also split in two, and the next densest is added.
func (p *profile) ranges() []interval {
	var out []interval
	add := func(r interval, ok bool) {
		if ok && !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	if p.few() {
		for from, n := range p.n[everyLeak] {
			for to := from; n > 0 && to < len(p.counts); to++ {
				add(interval{from, to}, p.n[everyLeak][to] > 0)
			}
		}
		return out
	}
	all := interval{0, len(p.counts) - 1}
	broad := p.broad()
	for _, class := range p.classes() {
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

// few reports whether at most [fewCells] cells have leaks.
func (p *profile) few() bool {
	cells := 0
	for _, n := range p.n[everyLeak] {
		if n > 0 {
			cells++
		}
	}
	return cells <= fewCells
}

// broad reports whether the source is a rival of custody. More parts of such a source are tried.
func (p *profile) broad() bool { return p.kind == Insider || p.kind == Unlisted }

// classes returns the classes of leaks that parts are made for.
func (p *profile) classes() (out []int) {
	for class := range bareLeaks {
		if p.total[class] > 0 && (class != everyLeak || p.broad() || p.total[plainLeaks]+p.total[markedLeaks] == 0) {
			out = append(out, class)
		}
	}
	return out
}

// calendar returns the calendar units of one length that are worth a part, as intervals of cells:
// for each class of leaks the unit with the largest scan statistic. For the insider and the unlisted
// holder the second is added. If at most [fewCells] cells have leaks, all units with leaks are
// returned. unit has the number of each cell's unit.
func (p *profile) calendar(unit []int) (out []interval) {
	kept := 1
	if p.broad() {
		kept = 2
	}
	if p.few() {
		kept = fewCells
	}
	for _, class := range p.classes() {
		var all []interval
		for a := 0; a < len(unit); {
			b := a
			for b+1 < len(unit) && unit[b+1] == unit[a] {
				b++
			}
			if r := (interval{a, b}); p.within(class, r) > 0 {
				all = append(all, r)
			}
			a = b + 1
		}
		slices.SortStableFunc(all, func(a, b interval) int { return cmp.Compare(p.scan(class, b), p.scan(class, a)) })
		for _, r := range all[:min(len(all), kept)] {
			if !slices.Contains(out, r) {
				out = append(out, r)
			}
		}
	}
	return out
}

// distinct returns the number of calendar units of one length in which the source has submissions.
func (p *profile) distinct(unit []int) int {
	n, last := 0, -1
	for i, c := range p.counts {
		if c > 0 && unit[i] != last {
			n, last = n+1, unit[i]
		}
	}
	return n
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
// equal. It begins and ends with cells that have leaks of the class, of more than [maxEnds] with
// some of these cells. ok is false if r has no such leak, or is empty (r.to below r.from).
func (p *profile) densest(class int, r interval) (best interval, ok bool) {
	var cells []int
	for i := r.from; i <= r.to; i++ {
		if p.n[class][i] > 0 {
			cells = append(cells, i)
		}
	}
	if n := len(cells); n > maxEnds {
		for i := range maxEnds {
			cells[i] = cells[i*(n-1)/(maxEnds-1)]
		}
		cells = cells[:maxEnds]
	}
	top, all := -1.0, p.size/p.total[class]
	for a, from := range cells {
		for _, to := range cells[a:] {
			n, size := p.before[class][to+1]-p.before[class][from], p.ahead[to+1]-p.ahead[from]
			if m, e := math.Frexp(float64(n*all) / size); float64(n*(float64(float64(e)*math.Ln2)+m-1)) <= top {
				continue // ln m <= m - 1: it cannot be larger
			}
			if fit := scan(n, p.total[class], size, p.size); fit > top {
				best, top, ok = interval{from, to}, fit, true
			}
		}
	}
	return best, ok
}

// within returns how many clusters of a class lie in interval r. Clusters of several leaks count by
// fractions.
func (p *profile) within(class int, r interval) float64 {
	return p.before[class][r.to+1] - p.before[class][r.from]
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

// intervalPart returns the part for the submissions of an interval, without a prior.
func (p *profile) intervalPart(r interval) part {
	return part{size: p.ahead[r.to+1] - p.ahead[r.from], from: r.from, to: r.to, set: -1}
}

// shrunk returns the smallest interval of cells that holds all leaks of part x, an interval; {0, -1}
// if x holds none.
func (p *profile) shrunk(x part) interval {
	first, last := span(p.n[everyLeak][x.from : x.to+1])
	if first < 0 {
		return interval{0, -1}
	}
	return interval{x.from + first, x.from + last}
}

// rangePart returns the part for the submissions of an interval, with the prior of all ranges that
// hold the same leaks. Each counts by how probable it makes these leaks, compared with the
// narrowest. The prior of a range of k of n cells is proportional to 1/k, and uniform in place. The
// sum is over bins of ranges, which grow with the distance from r.
func (p *profile) rangePart(r interval) part {
	out := p.intervalPart(r)
	k := p.within(everyLeak, r)
	first, last := span(p.counts)
	lo, hi := r.from, r.to
	for lo > first && p.n[everyLeak][lo-1] == 0 {
		lo--
	}
	for hi < last && p.n[everyLeak][hi+1] == 0 {
		hi++
	}
	n, sum := last-first+1, 0.0
	for i := range n {
		sum += 1 / float64(i+1)
	}
	for a := 0; a <= r.from-lo; {
		wa, highest := bin(a, r.from-lo), 0.0
		for b := 0; b <= hi-r.to; {
			wb := bin(b, hi-r.to)
			from, to := r.from-a-wa/2, r.to+b+wb/2
			length := to - from + 1
			term := exp(float64(k*ln(out.size/(p.ahead[to+1]-p.ahead[from])))) / float64(length*(n-length+1))
			out.taken[ranges] += float64(float64(wa*wb) * term)
			if highest = math.Max(highest, term); term < float64(highest*restOfRanges) {
				break
			}
			b += wb
		}
		if a > 0 && highest < float64(out.taken[ranges]*restOfRanges) {
			break
		}
		a += wa
	}
	out.taken[ranges] /= sum
	return out
}

// bin returns how many offsets, from offset at on, are taken as one: the offsets up to the maximum
// are divided into bins that are about a quarter of their offsets wide.
func bin(at, maximum int) int { return min(1+at/4, maximum-at+1) }

// calendarUnits returns, by length of the unit and by cell, the number of the calendar unit (UTC) in
// which a cell begins: its day, its week from Monday on, month, quarter, and year.
func calendarUnits(cells []Cell) (out [units][]int) {
	for _, c := range cells {
		t := c.From.UTC()
		day := int(math.Floor(float64(t.Unix()) / 86400))
		month := 12*t.Year() + int(t.Month()) - 1
		for u, k := range [units]int{day, (day + 3 + 7*1_000_000) / 7, month, (month + 12*100_000) / 3, t.Year()} {
			out[u] = append(out[u], k)
		}
	}
	return out
}
