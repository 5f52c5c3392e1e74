package odds

import (
	"slices"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/each"
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
		case h.Code == TooMany:
			x.Code = TooMany
		case h.Clusters < nameClusters:
			x.Code, x.Clusters, x.Needed = FewClusters, h.Clusters, nameClusters
		case m.count(m.items, func(s *sighting) bool { return s.undated[r] }) < nameClusters:
			x.Code = Dates
		case m.count(m.items, func(s *sighting) bool { return s.fresh[r] }) < nameClusters:
			x.Code = Exposed
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

func (m *model) namesOf(holders []int) []string {
	return each.Of(holders, func(r int) string { return m.c.Holders[r].Name })
}

// A Reviewer is a person whose copies count for an employer, a recipient. In a verdict they suffice to name the person.
type Reviewer struct {
	Ref string `json:"reviewer"` // as [Copy].Reviewer has it
	Of  string `json:"of"`       // the employer, a named recipient
}

// reviewers returns the reviewers of named recipients that are named as well, in the order in which leaks show their
// copies. It weighs the case once more, with each reviewer as a recipient. A reviewer is named on three conditions:
//
//   - The employer is named.
//   - The reviewer's copies alone meet the conditions of [model.names], among all recipients and reviewers.
//   - Each rival explains the employer's leaks for the same reason, or is the employer, which had the same pictures. No
//     copy of a colleague, or of the employer's own, is surely in a leak.
//
// If these would be more than [MaxHolders] holders, no reviewer is named.
func (m *model) reviewers(v *Verdict) (out []Reviewer) {
	c := *m.c
	c.Leaks, c.Holders = slices.Clone(c.Leaks), slices.Clone(c.Holders)
	if len(v.Named) == 0 {
		return nil
	}
	of, index := []Reviewer{}, make(map[Reviewer]int) // the reviewers, which follow the other holders
	for i := range c.Leaks {
		l := &c.Leaks[i]
		l.Copies = slices.Clone(l.Copies)
		for k := range l.Copies {
			x := &l.Copies[k]
			if x.Reviewer == "" {
				continue
			}
			r := Reviewer{x.Reviewer, x.Recipient}
			x.Recipient = r.Of + "\x00" + r.Ref // no name is written so
			at, known := index[r]
			if !known {
				at, index[r] = len(c.Holders), len(c.Holders)
				c.Holders, of = append(c.Holders, Holder{Name: x.Recipient, Copies: make(Counts, len(c.Cells))}), append(of, r)
			}
			if at >= MaxHolders {
				return nil
			}
			c.Holders[at].Copies[CellOf(c.Cells, l.Submitted)]++
		}
	}
	if len(of) == 0 {
		return nil
	}
	single := newModel(&c).verdict()
	for i, r := range of {
		name := c.Holders[len(m.c.Holders)+i].Name
		other := func(x Rival) bool {
			same := func(o Rival) bool { return o.Name == r.Of && o.Other == x.Other && o.Why == x.Why }
			employer := x.Other == r.Of && (x.Why == RivalHeld || x.Why == RivalHad)
			return x.Name == name && !employer && !slices.ContainsFunc(v.Rivals, same)
		}
		another := func(x Copy) bool {
			return x.Recipient == r.Of && x.Reviewer != r.Ref && x.Confirmed && x.LnE >= SureLnE
		}
		mixed := func(l Leak) bool { return slices.ContainsFunc(l.Copies, another) }
		if slices.Contains(v.Named, r.Of) && slices.Contains(single.Named, name) && !slices.ContainsFunc(single.Rivals, other) && !slices.ContainsFunc(m.c.Leaks, mixed) {
			out = append(out, r)
		}
	}
	return out
}
