package odds

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// clumped is a dump of unmarked leaks: some in one or two runs of months, some anywhere.
func clumped(rng *rand.Rand, n int) *Case {
	const cells = 60
	first := time.Date(2016, 1, 1, 0, 0, 0, 0, time.UTC)
	c := &Case{FoundKnown: true, Cells: Months(first, first.AddDate(0, cells-1, 0)), MarkTrials: 1e6, MatchTrials: 1e6}
	for i := range c.Cells {
		c.Cells[i].Submissions = 500 + rng.IntN(1000)
	}
	h := Holder{Name: "X", Unmarked: make([]int, cells), Copies: make([]int, cells)}
	from := rng.IntN(40)
	to := from + rng.IntN(15)
	for k := range cells {
		h.Copies[k] = c.Cells[k].Submissions / 3
		if k >= from && k <= to {
			h.Unmarked[k] = c.Cells[k].Submissions
		}
	}
	c.Holders = []Holder{h}
	runs := [2][2]int{{from, to}, {rng.IntN(50), rng.IntN(10)}}
	runs[1][1] += runs[1][0]
	scattered := rng.IntN(3)
	for i := range n {
		run := runs[min(rng.IntN(4)/3, 1)]
		k := run[0] + rng.IntN(run[1]-run[0]+1)
		if rng.IntN(4) < scattered {
			k = rng.IntN(cells)
		}
		l := Leak{Submission: fmt.Sprint(i), Cluster: fmt.Sprint(i), Submitted: c.Cells[k].From, Recall: 0.95}
		if h.Unmarked[k] > 0 {
			l.Unmarked = []string{"X"}
		}
		c.Leaks = append(c.Leaks, l)
	}
	return c
}

// Of the thousands of ranges that a source of everything may have taken the search keeps
// few. What all of them would add to the best alternative, one source at a time, is little.
func TestRangesLeftOut(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 5))
	var gains []float64
	for range 60 {
		c := clumped(rng, 3+rng.IntN(40))
		m := newModel(c, c.Options.WithDefaults())
		what, questions := m.questions()
		found, _ := m.search(questions)
		for q := range questions {
			if s := m.sources[what[q].source]; s.kind != Custody {
				continue
			}
			g := slices.IndexFunc(m.grid, func(at point) bool { return at.family == ranges && at.tau == 0.5 })
			set := found[q].without.set[g]
			for i, s := range set.sources {
				if k := m.sources[s].kind; k == Insider || k == Unlisted {
					gain := (m.withAllRanges(set, i, g) - set.value[g]) / math.Ln10
					gains = append(gains, gain)
				}
			}
		}
	}
	require.NotEmpty(t, gains)
	slices.Sort(gains)
	assert.Less(t, gains[len(gains)-1], 0.7)
	assert.Less(t, gains[len(gains)*9/10], 0.2)
	t.Logf("log10 of what all ranges would add: median %.3f, 90 %% %.3f, greatest %.3f, of %d", gains[len(gains)/2], gains[len(gains)*9/10], gains[len(gains)-1], len(gains))
}

// withAllRanges is ln P(data | A) with every range of one source and the greatest
// combination of the others' parts.
func (m *model) withAllRanges(set *candidate, i, g int) float64 {
	top := set.all[set.top[g]]
	tau := m.grid[g].tau
	w := 1.0
	for k, s := range set.sources {
		if k != i {
			p := m.sources[s].parts[top.parts[k]]
			w *= m.grid[g].share(&p)
		}
	}
	r := rows{col: make([][]float64, 3), ln: make([][]float64, 3), rule: m.rows.rule}
	for n := range m.items {
		for k := range set.sources {
			r.col[k] = append(r.col[k], m.rows.col[top.columns[k]][m.rowsOf[n][0]])
		}
		r.count = append(r.count, 1)
	}
	all := m.sources[set.sources[i]].parts[0]
	whole := slices.Clone(r.col[i])
	for n := range m.items {
		whole[n] = m.rows.col[all.column[0]][m.rowsOf[n][0]]
	}
	first, last := span(m.all)
	cells, harmonic := last-first+1, 0.0
	for i := range cells {
		harmonic += 1 / float64(i+1)
	}
	cols := []int{0, 1, 2}[:len(set.sources)]
	var s sum
	for from := first; from <= last; from++ {
		for to := from; to <= last; to++ {
			size := float64(total(m.all[from : to+1]))
			for n, it := range m.items {
				r.col[i][n] = 0
				if k := m.seen[it.leaks[0]].cell; k >= from && k <= to {
					r.col[i][n] = whole[n] * all.size / size
				}
			}
			bound, peak := r.lnMax(cols, 6, s.ln()-12)
			if bound < s.ln()-12 {
				continue
			}
			s.add(r.lnMean(cols, peak) + math.Log(w*tau/harmonic/float64((to-from+1)*(cells-to+from))))
		}
	}
	copy(r.col[i], whole)
	_, peak := r.lnMax(cols, 6, math.Inf(-1))
	s.add(r.lnMean(cols, peak) + math.Log(w*(1-tau)*evenDraw))
	return s.ln()
}

// How often leaks from anywhere have a window: seldom, whatever their number.
func TestWindowsByChance(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	for cells, top := range map[int]float64{12: 0.12, 60: 0.04, 120: 0.025} {
		for _, n := range []int{2, 5, 20, 400} {
			hits, dumps := 0.0, 400
			for range dumps {
				p := &profile{counts: make([]int, cells), ahead: make([]float64, cells+1)}
				for k := range p.n {
					p.n[k] = make([]float64, cells)
				}
				for i := range cells {
					p.ahead[i+1] = p.ahead[i] + 1000
				}
				p.size = p.ahead[cells]
				for range n {
					p.count(plainLeaks, rng.IntN(cells), 1)
				}
				p.sumUp()
				best, _ := p.densest(plainLeaks, interval{0, cells - 1})
				if p.scan(plainLeaks, best) >= ln(float64(cells*(cells+1)/2)) {
					hits++
				}
			}
			assert.LessOrEqual(t, hits/float64(dumps), top, "%d leaks in %d cells", n, cells)
		}
	}
}
