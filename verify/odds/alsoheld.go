package odds

import "slices"

// An AlsoHeld is a recipient whose copies are in leaks. Others held all submissions of these leaks unmarked, or had the
// copies: each of them could have laid the marks if it had the copies.
type AlsoHeld struct {
	Name   string   `json:"name"`
	Others []string `json:"others"` // sorted
	Leaks  int      `json:"leaks"`  // with copies of the recipient
}

// alsoHeld returns these recipients in the order of the case's holders. Each of the others held all of the leaks' submissions.
func (m *model) alsoHeld() (out []AlsoHeld) {
	for r, h := range m.c.Holders {
		confirmed, by := 0, make(map[string]int)
		for i := range m.seen {
			s := &m.seen[i]
			if !s.sure[r] {
				continue
			}
			confirmed++
			names := slices.Clone(m.c.Leaks[i].HeldBy())
			for _, k := range s.by[r] {
				names = append(names, m.c.Holders[k].Name)
			}
			slices.Sort(names)
			for _, name := range slices.Compact(names) {
				by[name]++
			}
		}
		x := AlsoHeld{Name: h.Name, Leaks: confirmed}
		for _, other := range m.c.Holders {
			if confirmed > 0 && other.Name != h.Name && by[other.Name] == confirmed {
				x.Others = append(x.Others, other.Name)
			}
		}
		if slices.Sort(x.Others); len(x.Others) > 0 {
			out = append(out, x)
		}
	}
	return out
}
