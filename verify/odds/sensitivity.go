package odds

import (
	"cmp"
	"math"
	"slices"
)

// Sensitivity says how much a ratio hangs on single findings.
type Sensitivity struct {
	// Leak is the first leak of the cluster without which the ratio would be least, by
	// its place in the case, and Without the log10 ratio then.
	Leak    int     `json:"leak"`
	Without float64 `json:"without_log10_lr"`
	// Wrong is how many clusters 5 % of those with evidence are, rounded up, and
	// IfWrong the log10 ratio if the findings of the most favourable ones so many were wrong.
	Wrong   int     `json:"wrong"`
	IfWrong float64 `json:"if_wrong_log10_lr"`
}

// mostSensitive is for how many hypotheses it is computed, the strongest first.
const maxSensitive = 6

// sensitivities searches again without the clusters that matter most.
func (m *model) sensitivities(v *Verdict, what []asked, questions []question, found []answers, computed []*candidate) {
	done := 0
	for i := range v.Hypotheses {
		h := &v.Hypotheses[i]
		if h.Kind != Copies && h.Kind != Custody || h.LogLR < 1 || done == maxSensitive {
			continue
		}
		q := slices.IndexFunc(what, func(a asked) bool {
			s := m.sources[a.source]
			return a.planting < 0 && s.kind == h.Kind && (h.Kind == Custody && slices.Equal(s.holders, h.Holders) || h.Kind == Copies && s.holders[0] == h.Name)
		})
		if q < 0 {
			continue
		}
		done++
		order := m.support(&found[q])
		s := &Sensitivity{Leak: m.items[order[0]].leaks[0], Wrong: (h.Clusters + 19) / 20}
		s.Without = m.without(questions[q], h.Kind, order[:1], computed)
		s.IfWrong = s.Without
		if s.Wrong > 1 {
			s.IfWrong = m.without(questions[q], h.Kind, order[:min(s.Wrong, len(order))], computed)
		}
		h.Sensitivity = s
	}
}

// support orders the clusters by how much each speaks for an answer: the ratio of what the
// best explanations with and without the source say of it, where these are greatest.
func (m *model) support(a *answers) []int {
	_, g, without := a.modest() // of ratios above 1 alone
	with := a.withSet[g]
	at := func(k *combination, row int) float64 {
		f := 0.0
		for h, c := range k.cols() {
			f += float64(k.shares[h] * m.rows.col[c][row])
		}
		return ln(f)
	}
	ratio := make([]float64, len(m.rows.count))
	for row := range ratio {
		ratio[row] = at(&with.all[with.top[g]], row) - at(&without.all[without.top[g]], row)
		if math.IsNaN(ratio[row]) {
			ratio[row] = 0
		}
	}
	order := make([]int, len(m.items))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(ratio[m.kindOf[b]], ratio[m.kindOf[a]]) })
	return order
}

// shortlist is how many of the best explanations on either side are weighed again.
const shortlist = 12

// best are the combinations that are greatest somewhere on the grid, their bounds lifted.
func (c *candidate) best() []combination {
	var out []combination
	for i, k := range c.all {
		if slices.Contains(c.top, i) {
			k.upper = math.Inf(1)
			out = append(out, k)
		}
	}
	return out
}

// without is the capped log10 ratio of a question where some clusters are left out, from
// the explanations on either side that were best with them.
func (m *model) without(q question, kind string, left []int, computed []*candidate) float64 {
	less := *m
	less.rows.count = slices.Clone(m.rows.count)
	for _, i := range left {
		less.rows.count[m.kindOf[i]]--
	}
	if less.rows.n() == 0 {
		return 0
	}
	slices.SortStableFunc(computed, func(a, b *candidate) int { return cmp.Compare(slices.Max(b.value), slices.Max(a.value)) })
	found := []answers{m.unanswered()}
	with, without := 0, 0
	for _, c := range computed {
		in, against := q.takes(c)
		if !(in && with < shortlist) && !(against && without < shortlist) {
			continue
		}
		if in {
			with++
		}
		if against {
			without++
		}
		again := &candidate{sources: c.sources, all: c.best()}
		less.compute(again, math.Inf(-1))
		answer(again, []question{q}, found)
	}
	ratio, _, _ := found[0].modest()
	lr, _ := m.capped(log10(ratio), kind)
	return lr
}
