package odds

import "slices"

// A Reviewer is a person whose copies count for an employer, a recipient. In a verdict the reviewer's copies are enough
// to name the reviewer.
type Reviewer struct {
	Ref string `json:"reviewer"` // as [Copy].Reviewer has it
	Of  string `json:"of"`       // the employer, a named recipient
}

// reviewers returns the reviewers of named recipients that are named as well, in the order in which leaks show their
// copies. It weighs the case once more, with each reviewer as a recipient. A reviewer is named on three conditions:
//
//   - The employer is named.
//   - The reviewer's copies alone meet the conditions of [model.names], among all recipients and reviewers.
//   - Each rival explains the employer's leaks for the same reason, or is the employer, which had the same pictures. So
//     no colleague is a rival, and the employer's own copies are not among the leaks.
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
		if slices.Contains(v.Named, r.Of) && slices.Contains(single.Named, name) && !slices.ContainsFunc(single.Rivals, other) {
			out = append(out, r)
		}
	}
	return out
}
