package odds

import (
	"slices"
)

// names decides which recipients a headline may name, and fills in Named, Withheld and Rivals of v.
// A recipient with confirmed copies is named on three conditions, else withheld:
//
//   - At least [Options].NameClusters clusters carry its copies. As many carry copies that were
//     neither issued after the stated find nor public before.
//   - Its ratio before the cap, divided by the number of recipients, reaches [Options].NameLogLR.
//   - The capped ratio is at least 10.
//
// The division is the union bound over e-values: any of R recipients reaches a ratio of R t by
// chance with a probability of at most 1/t. The number of leaks needs no such correction, since a
// source of few of many leaks pays through its share.
func (m *model) names(v *Verdict) {
	recipients := 0
	for _, h := range v.Hypotheses {
		if h.Kind == Copies {
			recipients++
		}
	}
	family := log10(ln(float64(max(recipients, 1))))
	for i := range v.Hypotheses {
		h := &v.Hypotheses[i]
		if h.Kind != Copies || h.Clusters == 0 {
			continue
		}
		x := Withheld{Name: h.Name}
		r := m.holder(h.Name)
		switch {
		case h.Clusters < m.o.NameClusters:
			x.Code, x.Clusters, x.Needed = FewClusters, h.Clusters, m.o.NameClusters
		case m.count(m.items, func(s *sighting) bool { return s.undated[r] }) < m.o.NameClusters:
			x.Code = Dates
		case m.count(m.items, func(s *sighting) bool { return s.fresh[r] }) < m.o.NameClusters:
			x.Code = Exposed
		case h.Raw-family < m.o.NameLogLR:
			x.Code = SmallRatio
		case h.LogLR < 1:
			x.Code = FewTrials
		}
		if x.Code != "" {
			v.Withheld = append(v.Withheld, x)
		} else {
			v.Named = append(v.Named, h.Name)
		}
		if x.Code == "" || x.Code == Dates || x.Code == Exposed {
			v.Rivals = append(v.Rivals, m.rivals(h)...)
		}
	}
	slices.Sort(v.Named)
}

// Codes of why a recipient with evidence is not named.
const (
	FewClusters = "few-clusters" // too few independent clusters carry its copies
	Dates       = "dates"        // too few of these clusters carry copies that were issued before the stated time of the find
	Exposed     = "exposed"      // too few of these clusters carry copies that were not public before
	SmallRatio  = "small-ratio"  // the ratio, divided by the number of recipients, is too small
	FewTrials   = "few-trials"   // validation does not allow a ratio of 10 to be claimed
)

// holder returns the index of the holder of a name, -1 if the case does not list that name.
func (m *model) holder(name string) int {
	return slices.IndexFunc(m.c.Holders, func(h Holder) bool { return h.Name == name })
}

// Kinds of patterns that planted evidence would leave.
const (
	FlagTransplanted = "transplanted"     // leaks carry a recipient's marks on other submissions
	FlagOnly         = "transplants only" // and there is no confirmed copy of it
	FlagAlsoHeld     = "also held"        // all leaks with a recipient's copies are of submissions that others held unmarked, or had these copies of
	FlagRepeated     = "repeated"         // a recipient's evidence is one copy, or one cluster, again and again
)

// A flag is a pattern that planted evidence would leave.
type flag struct {
	Kind   string   `json:"kind"`
	Name   string   `json:"name"`             // the recipient whose marks they are
	Others []string `json:"others,omitempty"` // who could have done it
	Leaks  int      `json:"leaks"`            // how many show the pattern
}

// flags returns the patterns that planted evidence would leave, by recipient in the order of the
// case's holders. The result is never nil. A leak counts as also held if another holder is recorded
// to have had it unmarked, or the very copy.
func (m *model) flags() []flag {
	out := []flag{}
	for r, h := range m.c.Holders {
		transplanted, confirmed, held := 0, 0, 0
		copies := make(map[string]int)
		var others []string
		for i := range m.seen {
			s := &m.seen[i]
			if slices.Contains(m.c.Leaks[i].Transplanted, h.Name) {
				transplanted++
			}
			if !s.sure[r] {
				continue
			}
			confirmed++
			before := len(others)
			for _, k := range s.by[r] {
				others = append(others, m.c.Holders[k].Name)
			}
			for _, name := range m.c.Leaks[i].HeldBy() {
				if name != h.Name {
					others = append(others, name)
				}
			}
			if len(others) > before {
				held++
			}
			for _, c := range m.c.Leaks[i].Copies {
				if c.Recipient == h.Name && c.Confirmed && c.LnE >= SureLnE {
					copies[c.ID+" "+m.c.Leaks[i].Submission]++
				}
			}
		}
		slices.Sort(others)
		others = slices.Compact(others)
		switch {
		case transplanted > 0 && confirmed == 0:
			out = append(out, flag{FlagOnly, h.Name, nil, transplanted})
		case transplanted > 0:
			out = append(out, flag{FlagTransplanted, h.Name, nil, transplanted})
		}
		if held > 0 && held == confirmed {
			out = append(out, flag{FlagAlsoHeld, h.Name, others, held})
		}
		if confirmed > 1 && len(copies) == 1 {
			out = append(out, flag{FlagRepeated, h.Name, nil, confirmed})
		}
	}
	return out
}

// A Window is a contiguous range of time in which leaks without marks lie.
type Window struct {
	From     int     `json:"from"` // cells
	To       int     `json:"to"`
	Dates    string  `json:"dates"` // From and To in words; left empty here
	Leaks    int     `json:"leaks"` // without a mark, in the window
	Of       int     `json:"of"`    // without a mark, matched
	Clusters int     `json:"clusters"`
	Cells    int     `json:"cells"`  // of the registry
	Ranges   int     `json:"ranges"` // contiguous ranges that a thief may take
	Share    float64 `json:"share"`  // of the registry's submissions
	// Holders are all whose admissible custody covers all these leaks.
	Holders []string `json:"holders"`
}

// window returns the range of cells in which the leaks without a mark are densest. It is nil
// without such leaks, or if their scan statistic is below the logarithm of the number of ranges. It
// is also nil if the range holds more than [wholeWindow] of all submissions. A window says when the
// leaks were submitted, and nothing of who had them. TestWindowsByChance counts windows that chance makes in
// 100 dumps: 1 for a registry of 120 months, 2 for 60 months, and 5 to 9 for 12 months.
func (m *model) window() *Window {
	p := newProfile(m, Insider, -1, m.all)
	if p.total[bareLeaks] == 0 {
		return nil
	}
	best, ok := p.densest(bareLeaks, interval{0, len(m.all) - 1})
	first, last := span(m.all)
	n := last - first + 1
	if !ok || p.scan(bareLeaks, best) < ln(float64(n*(n+1)/2)) {
		return nil
	}
	w := &Window{From: best.from, To: best.to, Cells: n, Ranges: n * (n + 1) / 2, Holders: []string{},
		Share: micro((p.ahead[best.to+1] - p.ahead[best.from]) / p.size)}
	if w.Share > wholeWindow {
		return nil
	}
	var inside []*sighting
	for _, it := range m.items {
		in := false
		for _, l := range it.leaks {
			l := &m.seen[l]
			if !l.bare() {
				continue
			}
			w.Of++
			if l.cell >= best.from && l.cell <= best.to {
				in = true
				inside = append(inside, l)
			}
		}
		if in {
			w.Clusters++
		}
	}
	w.Leaks = len(inside)
	for k, h := range m.c.Holders {
		if !slices.ContainsFunc(inside, func(s *sighting) bool { return !s.unmarked[k] }) {
			w.Holders = append(w.Holders, h.Name)
		}
	}
	return w
}
