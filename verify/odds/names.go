package odds

import (
	"slices"

	"github.com/kycmark/kycmark/internal/dsp"
)

// Withheld says why a recipient with evidence is not named.
type Withheld struct {
	Name   string `json:"name"`
	Reason string `json:"reason"` // Code in words; left empty here

	Code     string `json:"-"` // [FewClusters], ...
	Clusters int    `json:"-"` // of FewClusters: how many there are, and how many it takes
	Needed   int    `json:"-"`
}

// Codes of why a recipient with evidence is not named, beside [TooMany].
const (
	FewClusters = "few-clusters" // too few independent clusters carry its copies
	Dates       = "dates"        // too few of these clusters carry copies that were issued before the stated time of the find
	Exposed     = "exposed"      // too few of these clusters carry copies that were not public before
	SmallRatio  = "small-ratio"  // the likelihood ratio, divided by the number of recipients, is too small
	FewTrials   = "few-trials"   // validation does not allow a likelihood ratio of 10 to be claimed
)

// names decides which recipients a headline may name, and fills in Named, Withheld and Rivals of v.
// A recipient with confirmed copies is named on three conditions, else withheld:
//
//   - At least [nameClusters] clusters carry its copies. As many carry copies that were
//     neither issued after the stated find nor public before.
//   - Its likelihood ratio before the cap, divided by the number of recipients, reaches 10^[nameLogE].
//   - The capped ratio is at least 10.
//
// The division is the union bound over e-values: any of R recipients reaches a ratio of R t by
// chance with a probability of at most 1/t. The number of leaks needs no such correction, since a
// source of few of many leaks pays through its share.
func (m *model) names(v *Verdict) {
	family := log10(dsp.Ln(float64(max(len(v.Recipients), 1))))
	for i := range v.Recipients {
		h := &v.Recipients[i]
		if h.Clusters == 0 {
			continue
		}
		x := Withheld{Name: h.Name}
		r := m.holder(h.Name)
		switch {
		case h.Clusters < nameClusters:
			x.Code, x.Clusters, x.Needed = FewClusters, h.Clusters, nameClusters
		case m.count(m.items, func(s *sighting) bool { return s.undated[r] }) < nameClusters:
			x.Code = Dates
		case m.count(m.items, func(s *sighting) bool { return s.fresh[r] }) < nameClusters:
			x.Code = Exposed
		case h.Code == TooMany:
			x.Code = TooMany
		case h.Raw-family < nameLogE:
			x.Code = SmallRatio
		case h.LogE < 1:
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

// holder returns the index of the holder of a name, -1 if the case does not list that name.
func (m *model) holder(name string) int {
	return slices.IndexFunc(m.c.Holders, func(h Holder) bool { return h.Name == name })
}

func (m *model) namesOf(holders []int) (out []string) {
	for _, r := range holders {
		out = append(out, m.c.Holders[r].Name)
	}
	return out
}
