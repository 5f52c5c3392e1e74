package odds

import (
	"math"
	"slices"
)

// Thieves with which [Verdict].Against compares custody, beside [Elsewhere].
const (
	Scattered = "scattered" // took submissions of all times
	OfRange   = "range"     // took all submissions of some days in a row
	OfUnit    = "calendar"  // took the submissions of one day, week, month, quarter or year
	OfFolder  = "folder"    // took what one of the listed holders had, each as likely
)

// An Against compares the strongest custody with one kind of thief at a time. A thief who took the
// very folder of the custody leaves the same pictures: between these two the ratio is 1.
type Against struct {
	Holders []string `json:"holders"` // of the custody: all who held the same
	Folders int      `json:"folders"` // what listed holders had, as sets: each as likely to be taken
	Rows    []Row    `json:"rows"`
}

// A Row is the capped log10 likelihood ratio of the custody against one kind of thief: the minimum
// over the grid, with all other sources of the best explanation that has the custody.
type Row struct {
	Thief  string  `json:"thief"` // [Scattered], [OfRange], [OfUnit], [OfFolder], or [Elsewhere]
	LogLR  float64 `json:"log10_lr"`
	Capped bool    `json:"capped"`
}

// against returns the comparison of the strongest custody that explains clusters without a mark with
// each kind of thief; nil without such a custody. Of custody with equal ratios the strongest is the custody
// whose set of sources explains the data best: the sets of others may owe that to another custody in them.
// v must have its hypotheses in order. what and found have one element for each question.
func (m *model) against(v *Verdict, what []asked, found []answers) *Against {
	k, q, fit := -1, -1, math.Inf(-1)
	for i, h := range v.Hypotheses {
		if h.Kind != Custody || h.Clusters == 0 || k >= 0 && (h.LogLR != v.Hypotheses[k].LogLR || h.Raw != v.Hypotheses[k].Raw) {
			continue
		}
		at := slices.IndexFunc(what, func(a asked) bool {
			return m.sources[a.source].kind == Custody && slices.Equal(m.sources[a.source].holders, h.Holders)
		})
		if at < 0 {
			continue
		}
		sum := 0.0
		for _, value := range found[at].with.value {
			sum += value
		}
		if k < 0 || sum > fit {
			k, q, fit = i, at, sum
		}
	}
	if k < 0 {
		return nil
	}
	_, g, _ := found[q].modest()
	best := found[q].with.set[g]
	if best == nil {
		return nil
	}
	custody := what[q].source
	out := &Against{Holders: v.Hypotheses[k].Holders, Folders: len(m.sets)}
	whole := func(p *part) float64 { return p.whole }
	with := m.replaced(best, custody, m.sources[custody], whole)
	for _, t := range []struct {
		name, kind string
		prior      func(*part) float64
	}{
		{Scattered, Unlisted, whole},
		{OfRange, Unlisted, func(p *part) float64 { return p.taken[ranges] }},
		{OfUnit, Unlisted, func(p *part) float64 { return p.taken[calendar] }},
		{OfFolder, Unlisted, func(p *part) float64 { return p.taken[named] }},
		{Elsewhere, Elsewhere, func(p *part) float64 {
			if p.from < 0 {
				return 0
			}
			return p.taken[ranges]
		}},
	} {
		low := math.Inf(1)
		for _, thief := range m.sources {
			if thief.kind != t.kind {
				continue
			}
			without := m.replaced(best, custody, thief, t.prior)
			for g := range m.grid {
				low = math.Min(low, with[g]-without[g])
			}
		}
		x := Row{Thief: t.name}
		x.LogLR, x.Capped = m.capped(math.Min(log10(low), 300), Custody)
		out.Rows = append(out.Rows, x)
	}
	return out
}

// replaced returns, by point of the grid, the natural logarithm of the probability of the data. The
// data come from the sources of the set, with source s in the place of source old. The part of s has the prior that prior returns. A
// source of files sent elsewhere also replaces the set's own source of such files.
func (m *model) replaced(set *candidate, old int, s source, prior func(*part) float64) []float64 {
	other := *m
	elsewhere := s.kind == Elsewhere
	s.kind, s.parts = "", slices.Clone(s.parts)
	for i := range s.parts {
		p := &s.parts[i]
		p.whole = prior(p)
		for f := range families {
			p.taken[f] = p.whole
		}
	}
	s.parts = slices.DeleteFunc(s.parts, func(p part) bool { return p.whole == 0 })
	other.sources = append(slices.Clone(m.sources), s)
	c := &candidate{sources: []int{len(m.sources)}}
	for _, k := range set.sources {
		if k != old && !(elsewhere && m.sources[k].kind == Elsewhere) {
			c.sources = append(c.sources, k)
		}
	}
	if len(s.parts) == 0 {
		return slices.Repeat([]float64{math.Inf(-1)}, len(m.grid))
	}
	other.combine(c)
	other.compute(c, nil)
	return c.value
}
