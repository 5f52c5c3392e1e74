package odds

import "slices"

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
		transplanted, confirmed, held := m.transplants(h.Name), 0, 0
		copies := make(map[string]int)
		var others []string
		for i := range m.seen {
			s := &m.seen[i]
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
