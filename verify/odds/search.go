package odds

import (
	"cmp"
	"container/heap"
	"math"
	"slices"
)

// A question compares two families of sets of sources: sets with a source, and sets without it. The
// second family also excludes sources that the findings cannot tell from the source in question.
// Sources are given by their index in [model].sources.
type question struct {
	with    []bool // by source: true if it is in question: what a recipient's copies can be in
	without []bool // by source: true if excluded from the second family, as the source itself is
	barred  []bool // by source: true if excluded from the first family; nil: no source is
}

// answers hold the maxima of one question over its two families. The field fewer is as
// without, over sets of fewer than [maxSources] sources. Evidence against a source is
// compared with fewer: a third source that is needed for other leaks then does not count
// against it.
type answers struct{ with, without, fewer maxima }

// maxima are the maxima of P(data | A) over one family, a natural logarithm for each point of
// the grid (-Inf: no set of the family was computed), and the sets that reach them.
type maxima struct {
	value []float64
	set   []*candidate
}

// raise raises each maximum that c exceeds at the same point of the grid. [model.compute] must have
// filled c.value.
func (m *maxima) raise(c *candidate) {
	for g, v := range c.value {
		if v > m.value[g] {
			m.value[g], m.set[g] = v, c
		}
	}
}

// A candidate is a set of up to three sources.
type candidate struct {
	sources []int         // indices in the model's sources, ascending
	all     []combination // largest bound first
	upper   float64       // upper bound of ln P(data | A) over all points of the grid
	value   []float64     // ln P(data | A) at each point of the grid; nil until computed
	top     []int         // by point of the grid: the index in all of the largest combination; nil until computed
	tight   bool          // upper was lowered from the first bound: see [model.tighten]
	place   int           // in the order in which sets were made
}

// A queue hands out sets by their bounds, the greatest first. Of equal bounds, the set that was
// made first comes first. Package container/heap calls its methods.
type queue []*candidate

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, k int) bool {
	return q[i].upper > q[k].upper || q[i].upper == q[k].upper && q[i].place < q[k].place
}
func (q queue) Swap(i, k int) { q[i], q[k] = q[k], q[i] }
func (q *queue) Push(c any)   { *q = append(*q, c.(*candidate)) }
func (q *queue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

// A combination is one part for each source of a set. Each source of copies is with or without its
// marks removed. Arrays are by place in the set; the places of missing sources are 0.
type combination struct {
	parts   [3]int     // index of the part among its source's parts
	columns [3]int     // column of the table for that part, with or without marks
	sources int        // number of sources, 1..3
	removed int        // a bit for each place in the set: this source removed the marks of its copies
	times   float64    // 2 if it also represents its mirrored combination, else 1: see [model.mirrored]
	heavy   float64    // natural logarithm of the maximum weight over the grid
	upper   float64    // natural logarithm of an upper bound of the product times that weight
	shares  [3]float64 // shares of the sources at which the product is about largest; set by [model.compute]
}

// search returns the answers to questions, one for each, over all sets of up to three sources. It
// also returns the sets that were computed. A set is left out only if its upper bound shows that it
// cannot raise any answer at any point of the grid.
func (m *model) search(questions []question) ([]answers, []*candidate) {
	out := make([]answers, len(questions))
	for q := range out {
		out[q] = m.unanswered()
	}
	var computed []*candidate
	queue := m.candidates()
	for queue.Len() > 0 {
		c := heap.Pop(&queue).(*candidate)
		needs := m.needed(c, questions, out)
		need := slices.Min(needs)
		if !(c.upper > need) {
			continue
		}
		if !c.tight {
			if c.upper = m.tighten(c, need); c.upper > need {
				heap.Push(&queue, c)
			}
			continue
		}
		m.compute(c, needs)
		computed = append(computed, c)
		answer(c, questions, out)
	}
	return out, computed
}

// unanswered returns answers of -Inf at each point of the grid, to be raised by [answer].
func (m *model) unanswered() answers {
	low := func() maxima {
		return maxima{slices.Repeat([]float64{math.Inf(-1)}, len(m.grid)), make([]*candidate, len(m.grid))}
	}
	return answers{low(), low(), low()}
}

// answer raises the maxima in out that a computed set exceeds. out has one element for each
// question.
func answer(c *candidate, questions []question, out []answers) {
	for q := range questions {
		for _, family := range out[q].families(c, questions[q]) {
			family.raise(c)
		}
	}
}

// families returns pointers to the maxima of a that set c belongs to under question q. It returns
// nil if c belongs to neither family of q.
func (a *answers) families(c *candidate, q question) (out []*maxima) {
	with, without := q.takes(c)
	if with {
		out = append(out, &a.with)
	}
	if without {
		out = append(out, &a.without)
	}
	if without && len(c.sources) < maxSources {
		out = append(out, &a.fewer)
	}
	return out
}

// takes reports whether set c belongs to q's family with the source, and whether it belongs to the
// family without. A set may belong to neither family, and never belongs to both.
func (q *question) takes(c *candidate) (with, without bool) {
	without = true
	barred := false
	for _, s := range c.sources {
		with = with || q.with[s]
		without = without && !q.without[s]
		barred = barred || q.barred != nil && q.barred[s]
	}
	return with && !barred, without
}

// needed returns, by point of the grid, the natural logarithm that a set's value must exceed there
// to change any answer. It is +Inf if the set belongs to no family. found has one element for each
// question.
func (m *model) needed(c *candidate, questions []question, found []answers) []float64 {
	low := slices.Repeat([]float64{math.Inf(1)}, len(m.grid))
	for q := range questions {
		for _, family := range found[q].families(c, questions[q]) {
			for g, v := range family.value {
				low[g] = min(low[g], v)
			}
		}
	}
	return low
}

// candidates returns all sets of one to three sources that can have produced the dump, as a heap by
// their first bounds. Their combinations are filled in, and their values not computed. Sets of
// three are limited to the [maxInTriples] sources with the best sets of one or two.
func (m *model) candidates() queue {
	n := len(m.sources)
	var out queue
	fit := make([]float64, n) // by source: the largest bound of a set of one or two with it
	for i := range n {
		fit[i] = math.Inf(-1)
	}
	add := func(sources ...int) {
		if !m.sensible(sources) {
			return
		}
		c := &candidate{sources: sources, place: len(out)}
		if c.upper = m.combine(c); math.IsInf(c.upper, -1) {
			return
		}
		if len(sources) < 3 {
			for _, s := range sources {
				fit[s] = max(fit[s], c.upper)
			}
		}
		out = append(out, c)
	}
	for a := range n {
		add(a)
		for b := a + 1; b < n; b++ {
			add(a, b)
		}
	}
	best := make([]int, n)
	for i := range best {
		best[i] = i
	}
	slices.SortStableFunc(best, func(a, b int) int { return cmp.Compare(fit[b], fit[a]) })
	best = best[:min(n, maxInTriples)]
	slices.Sort(best)
	for i, a := range best {
		for k, b := range best[i+1:] {
			for _, c := range best[i+k+2:] {
				add(a, b, c)
			}
		}
	}
	heap.Init(&out)
	return out
}

// sensible reports whether a set of sources must be searched. An unlisted holder and the
// insider both hold the whole registry. A set with the unlisted holder but without the insider
// therefore repeats the same set with the insider, and is not searched. A set has one coalition of a
// group at most.
func (m *model) sensible(sources []int) bool {
	groups := 0
	for _, s := range sources {
		if m.sources[s].kind == Unlisted && !slices.ContainsFunc(sources, func(o int) bool {
			return m.sources[o].kind == Insider && m.sources[o].holder == m.sources[s].holder
		}) {
			return false
		}
		if m.sources[s].kind == Coalition {
			group := 1 << m.coalitions[m.sources[s].holder].group
			if groups&group != 0 {
				return false
			}
			groups |= group
		}
	}
	return true
}

// mirrored compares the parts, by index, that an unlisted holder and the insider of set c took.
// Both hold the same, so that exchanged parts give the same product. later is true if the exchanged
// combination represents this one, which is then skipped. same is true if there is nothing to
// exchange: the parts are equal, or the set has no unlisted holder.
func (m *model) mirrored(c *candidate, parts [3]int) (later, same bool) {
	unlisted, insider, of := -1, -1, 0
	for i, s := range c.sources {
		if m.sources[s].kind == Unlisted {
			unlisted, of = parts[i], m.sources[s].holder
		}
	}
	for i, s := range c.sources {
		if m.sources[s].kind == Insider && m.sources[s].holder == of {
			insider = parts[i]
		}
	}
	return unlisted >= 0 && unlisted < insider, unlisted < 0 || unlisted == insider
}

// combine fills in c.all, the combinations of parts that the sources of a set may have taken and of
// sources that removed marks. They are sorted by their bounds, largest first. It returns an upper
// bound of ln P(data | A) over all points of the grid, and does not store it; -Inf means that the
// set cannot have produced the dump.
func (m *model) combine(c *candidate) float64 {
	removable := m.removable(c)
	var at [3]int
	for {
		if later, same := m.mirrored(c, at); !later {
			var heavy [2]float64
			for d := range 1 << maxSources {
				if d&^removable == 0 {
					m.propose(c, at, d, same, &heavy)
				}
			}
		}
		i := 0
		for ; i < len(c.sources); i++ {
			if at[i]++; at[i] < len(m.sources[c.sources[i]].parts) {
				break
			}
			at[i] = 0
		}
		if i == len(c.sources) {
			break
		}
	}
	slices.SortStableFunc(c.all, func(a, b combination) int { return cmp.Compare(b.upper, a.upper) })
	return c.bound()
}

// propose adds a combination to set c, unless it cannot have produced the dump. parts are the
// indices of the parts by source, and removed has a bit for each place in the set whose source
// removed its marks. same is as [model.mirrored] returns it: false counts the combination twice. heavy has
// [model.heaviest] of the parts, without and with removed marks; 0 if it is not known yet.
func (m *model) propose(c *candidate, parts [3]int, removed int, same bool, heavy *[2]float64) {
	k := combination{parts: parts, removed: removed, sources: len(c.sources), times: 2}
	if same {
		k.times = 1
	}
	for i, s := range c.sources {
		k.columns[i] = m.sources[s].parts[parts[i]].column[removed>>i&1]
	}
	ceiling := m.rows.ceiling(k.cols())
	if math.IsInf(ceiling, -1) {
		return
	}
	of := &heavy[min(removed, 1)]
	if *of == 0 {
		*of = m.heaviest(c, &k)
	}
	k.heavy = *of
	k.upper = ceiling + k.heavy
	if !math.IsInf(k.upper, -1) {
		c.all = append(c.all, k)
	}
}

// bound returns the natural logarithm of the sum of the bounds of a set's combinations; -Inf if the
// set has no combination.
func (c *candidate) bound() float64 {
	var s sum
	for i := range c.all {
		s.add(c.all[i].upper)
	}
	return s.ln()
}

// tighten lowers the bounds of a set's combinations until it is clear whether their sum can exceed
// need, and marks c as tight. It returns the new bound of the set, and does not store it. need and
// the result are natural logarithms.
func (m *model) tighten(c *candidate, need float64) float64 {
	c.tight = true
	high := math.Inf(-1)
	need -= ln(float64(max(len(c.all), 1)))
	for i := range c.all {
		k := &c.all[i]
		if k.upper <= max(high-little, need) {
			break
		}
		tight, _ := m.rows.lnMax(k.cols(), 6, max(high-little, need)-k.heavy)
		k.upper = min(k.upper, tight+k.heavy)
		high = max(high, k.upper)
	}
	return c.bound()
}

// cols are the columns of a combination.
func (k *combination) cols() []int { return k.columns[:k.sources] }

// ceiling returns an upper bound, a natural logarithm, of the product over all clusters of the
// mixture of one to three columns. The bound assumes that each cluster came from the source that
// makes it most probable.
func (r *rows) ceiling(columns []int) float64 {
	sum := 0.0
	a, b, c := three(r.ln, columns)
	for t, n := range r.count {
		if n > 0 {
			sum += float64(n * max(a[t], b[t], c[t]))
		}
	}
	return sum
}

// three returns the columns of table with the one to three indices in columns. For a missing second
// or third it returns the first again.
func three(table [][]float64, columns []int) (a, b, c []float64) {
	a = table[columns[0]]
	b, c = a, a
	if len(columns) > 1 {
		b = table[columns[1]]
	}
	if len(columns) > 2 {
		c = table[columns[2]]
	}
	return a, b, c
}

// compute fills in c.value, the sum of a set's combinations at each point of the grid, and c.top,
// the index of the largest combination. needs, by point, and the values are natural logarithms.
// Combinations that at every point would add less than exp(-[little]) of the sum, or cannot lift it
// above what is needed, are left out: a value below its need may be too small. needs may be nil:
// every value is needed.
func (m *model) compute(c *candidate, needs []float64) {
	c.top, c.value = make([]int, len(m.grid)), make([]float64, len(m.grid))
	sums, largest := make([]sum, len(m.grid)), make([]float64, len(m.grid))
	for g := range largest {
		c.value[g], largest[g] = math.Inf(-1), math.Inf(-1)
	}
	share, weights := ln(float64(max(len(c.all), 1))), make([]float64, len(m.grid))
	for i := range c.all {
		k := &c.all[i]
		room := math.Inf(-1) // of the weight, above what is needed without it
		for g, at := range m.grid {
			floor := c.value[g]
			if needs != nil {
				floor = max(floor, needs[g]-share)
			}
			if weights[g] = ln(m.weight(c, k, at)); math.IsInf(weights[g], -1) {
				continue
			}
			room = max(room, weights[g]-floor+little)
		}
		floor := k.heavy - room // for the bound, which has the largest weight
		if k.upper <= floor {
			continue
		}
		rows, cols, shift := m.rows.joined(k.cols())
		var tight float64
		tight, k.shares = rows.lnMax(cols, 40, floor-k.heavy-shift)
		if k.upper = min(k.upper, tight+shift+k.heavy); k.upper <= floor {
			continue
		}
		value := rows.lnMean(cols, k.shares) + shift
		for g, weight := range weights {
			v := value + weight
			sums[g].add(v)
			c.value[g] = sums[g].ln()
			if v > largest[g] {
				largest[g], c.top[g] = v, i
			}
		}
	}
}
