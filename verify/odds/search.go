package odds

import (
	"cmp"
	"math"
	"slices"
)

// mostInTriples is how many sources are searched in all threes: all up to that many, and
// beyond it those that fit best alone or beside one other.
const mostInTriples = 24

// A question is a pair of families of explanations: those with a source, and those
// without it and without others that could not be told from it.
type question struct {
	with    int    // a source
	without []bool // by source: not in the alternatives; the source itself is among them
	barred  []bool // by source: not beside it either; nil for none
}

// answers are the greatest logarithms of P(data | A) of both families, at each point
// of the grid, and the sets that have them.
type answers struct {
	with, without       []float64
	withSet, withoutSet []*candidate
}

// A candidate is a set of up to three sources.
type candidate struct {
	sources []int
	most    float64 // no greater is P(data | A) at any point of the grid, logarithm
	value   []float64
	top     combination // the greatest part of it, at the middle of the grid
}

// A combination is one part for each source of a set, with or without marks removed.
type combination struct {
	parts   []int
	columns []int
	removed int // 1: all marks were removed
	weight  []float64
	heavy   float64    // greatest weight, logarithm
	most    float64    // bound of the product, logarithm
	shares  [3]float64 // where it is greatest, about
	value   float64
}

// points are the grid, tau first.
func (m *model) points() int { return len(m.o.Tau) * len(m.o.Rho) }

// search finds the answers to questions over all sets of up to three sources. No set is
// left out that could change one: a set is computed unless its upper bound lies below what
// it would have to exceed.
func (m *model) search(questions []question) []answers {
	out := make([]answers, len(questions))
	for q := range out {
		for range m.points() {
			out[q].with = append(out[q].with, math.Inf(-1))
			out[q].without = append(out[q].without, math.Inf(-1))
		}
		out[q].withSet = make([]*candidate, m.points())
		out[q].withoutSet = make([]*candidate, m.points())
	}
	for _, c := range m.candidates() {
		if !m.needed(c, questions, out) {
			continue
		}
		m.compute(c)
		for q := range questions {
			in, against := questions[q].takes(c)
			for g, v := range c.value {
				if in && v > out[q].with[g] {
					out[q].with[g], out[q].withSet[g] = v, c
				}
				if against && v > out[q].without[g] {
					out[q].without[g], out[q].withoutSet[g] = v, c
				}
			}
		}
	}
	return out
}

// takes says to which families of a question a set belongs.
func (q *question) takes(c *candidate) (with, without bool) {
	without = true
	barred := false
	for _, s := range c.sources {
		with = with || s == q.with
		without = without && !q.without[s]
		barred = barred || q.barred != nil && q.barred[s]
	}
	return with && !barred, without
}

func (m *model) needed(c *candidate, questions []question, found []answers) bool {
	for q := range questions {
		with, without := questions[q].takes(c)
		if with && c.most > slices.Min(found[q].with) || without && c.most > slices.Min(found[q].without) {
			return true
		}
	}
	return false
}

// candidates are all sets with their bounds, the greatest first.
func (m *model) candidates() []*candidate {
	n := len(m.sources)
	var out []*candidate
	fit := make([]float64, n) // greatest bound of a set of one or two with it
	for i := range n {
		fit[i] = math.Inf(-1)
	}
	add := func(sources ...int) {
		c := &candidate{sources: sources}
		if c.most = m.bound(c); math.IsInf(c.most, -1) {
			return
		}
		if len(sources) < 3 {
			for _, s := range sources {
				fit[s] = math.Max(fit[s], c.most)
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
	best = best[:min(n, mostInTriples)]
	slices.Sort(best)
	for i, a := range best {
		for k, b := range best[i+1:] {
			for _, c := range best[i+k+2:] {
				add(a, b, c)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b *candidate) int { return cmp.Compare(b.most, a.most) })
	return out
}

// combinations lists what the sources of a set may have taken.
func (m *model) combinations(c *candidate) []combination {
	removed := 1
	for _, s := range c.sources {
		if m.sources[s].kind == Copies {
			removed = 2
		}
	}
	var out []combination
	at := make([]int, len(c.sources))
	for {
		for d := range removed {
			if k, ok := m.combination(c, at, d, removed == 2); ok {
				out = append(out, k)
			}
		}
		i := 0
		for ; i < len(at); i++ {
			if at[i]++; at[i] < len(m.sources[c.sources[i]].parts) {
				break
			}
			at[i] = 0
		}
		if i == len(at) {
			break
		}
	}
	return out
}

// combination is one of them with its weights and a first bound; not ok where it
// cannot have produced the dump.
func (m *model) combination(c *candidate, at []int, d int, hasCopies bool) (combination, bool) {
	k := combination{removed: d, heavy: math.Inf(-1)}
	for i, s := range c.sources {
		k.parts = append(k.parts, at[i])
		k.columns = append(k.columns, m.sources[s].parts[at[i]].column[d])
	}
	if k.most = m.rows.ceiling(k.columns); math.IsInf(k.most, -1) {
		return k, false
	}
	for _, tau := range m.o.Tau {
		w := 1.0
		for i, s := range c.sources {
			p := m.sources[s].parts[at[i]]
			w = float64(w * (float64((1-tau)*p.whole) + float64(tau*p.taken)))
		}
		for _, rho := range m.o.Rho {
			v := w
			switch {
			case hasCopies && d == 1:
				v = float64(w * rho)
			case hasCopies:
				v = float64(w * (1 - rho))
			}
			k.weight = append(k.weight, ln(v))
		}
	}
	k.heavy = slices.Max(k.weight)
	return k, !math.IsInf(k.heavy, -1)
}

// ceiling bounds the product of a mixture from above: each cluster came from the
// source that makes it most probable.
func (r *rows) ceiling(columns []int) float64 {
	sum := 0.0
	a := r.ln[columns[0]]
	b, c := a, a
	if len(columns) > 1 {
		b = r.ln[columns[1]]
	}
	if len(columns) > 2 {
		c = r.ln[columns[2]]
	}
	for t, n := range r.count {
		if n > 0 {
			sum += float64(n * max(a[t], b[t], c[t]))
		}
	}
	return sum
}

// bound is an upper bound of P(data | A) at all points of the grid.
func (m *model) bound(c *candidate) float64 {
	all := m.combinations(c)
	slices.SortStableFunc(all, func(a, b combination) int { return cmp.Compare(b.most+b.heavy, a.most+a.heavy) })
	most := math.Inf(-1)
	for i := range all {
		if all[i].most+all[i].heavy <= most {
			break
		}
		tight, _ := m.rows.lnMost(all[i].columns, 6, 0.5)
		most = math.Max(most, math.Min(tight, all[i].most)+all[i].heavy)
	}
	return most + ln(float64(len(all)))
}

// compute sums P(data | A) over what the sources may have taken, at each point of
// the grid. Combinations whose bound is e^-32 of the sum at all points are left out.
func (m *model) compute(c *candidate) {
	all := m.combinations(c)
	slices.SortStableFunc(all, func(a, b combination) int { return cmp.Compare(b.most+b.heavy, a.most+a.heavy) })
	sums := make([]sum, m.points())
	least := math.Inf(-1)
	top := math.Inf(-1)
	for i := range all {
		k := &all[i]
		if k.most+k.heavy < least-far {
			break
		}
		var tight float64
		tight, k.shares = m.rows.lnMost(k.columns, 40, 0.05)
		if math.Min(tight, k.most)+k.heavy < least-far {
			continue
		}
		k.value = m.rows.lnMean(k.columns, k.shares)
		least = math.Inf(1)
		for g := range sums {
			sums[g].add(k.value + k.weight[g])
			least = math.Min(least, sums[g].ln())
		}
		if v := k.value + k.weight[len(sums)/2]; v > top {
			top, c.top = v, *k
		}
	}
	for g := range sums {
		c.value = append(c.value, sums[g].ln())
	}
}
