package odds

import (
	"cmp"
	"math"
	"slices"
)

// A sensitivity says how much the ratio of a hypothesis depends on single clusters.
type sensitivity struct {
	// Leak is the index in [Case].Leaks of the first leak of the strongest cluster. Without
	// is the capped log10 ratio without that cluster.
	Leak    int     `json:"leak"`
	Without float64 `json:"without_log10_lr"`
	// Wrong is 5 % of the clusters with evidence, rounded up. IfWrong is the capped log10
	// ratio without the strongest Wrong clusters.
	Wrong   int     `json:"wrong"`
	IfWrong float64 `json:"if_wrong_log10_lr"`
}

// sensitivities fills in [Hypothesis].Sensitivity of copies and custody with a ratio of at least
// 10, the first [maxSensitive] in the order of v. For each it weighs the best explanations again
// without the strongest clusters; of copies, these are clusters with copies of the recipient. what,
// questions and found have one element for each question, and computed are the sets that the search
// computed.
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
		if h.Kind == Copies { // a finding in favour of a recipient has a copy of it
			r := m.holder(h.Name)
			order = slices.DeleteFunc(order, func(i int) bool {
				return !slices.ContainsFunc(m.items[i].leaks, func(l int) bool { return m.seen[l].sure[r] })
			})
		}
		if len(order) == 0 {
			continue
		}
		s := &sensitivity{Leak: m.items[order[0]].leaks[0], Wrong: (h.Clusters + 19) / 20}
		s.Without = m.without(questions[q], h.Kind, order[:1], computed)
		s.IfWrong = s.Without
		if s.Wrong > 1 {
			s.IfWrong = m.without(questions[q], h.Kind, order[:min(s.Wrong, len(order))], computed)
		}
		h.Sensitivity = s
	}
}

// support returns the indices of all clusters in m.items, the strongest support for the source of a
// question first. a has the question's answers. The support of a cluster is the ratio of its
// likelihoods under two explanations: the best with the source and the best without it, each at its
// best shares. Both must have been computed.
func (m *model) support(a *answers) []int {
	_, g, without := a.modest() // of ratios above 1 alone
	with := a.with.set[g]
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
	order, of := make([]int, len(m.items)), make([]float64, len(m.items))
	for i := range order {
		order[i] = i
		for _, row := range m.rowsOf[i] {
			of[i] += ratio[row]
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(of[b], of[a]) })
	return order
}

// best returns copies of the combinations of a computed set that are largest at some point of the
// grid. Their bounds are set to +Inf, so that they are computed again whatever the bounds were.
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

// without returns the capped log10 ratio of question q for the clusters that remain when left
// (indices in m.items) are removed. kind is the kind of q's hypothesis. It weighs only the
// explanations that were best with all clusters, up to [shortlist] on either side, and sorts
// computed by their values. The result is 0 if no cluster remains.
func (m *model) without(q question, kind string, left []int, computed []*candidate) float64 {
	less := *m
	less.rows.count = slices.Clone(m.rows.count)
	for _, i := range left {
		for _, row := range m.rowsOf[i] {
			less.rows.count[row]--
		}
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
		less.compute(again, nil)
		answer(again, []question{q}, found)
	}
	ratio, _, _ := found[0].modest()
	lr, _ := m.capped(log10(ratio), kind)
	return lr
}
