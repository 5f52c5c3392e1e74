package odds

import (
	"cmp"
	"slices"
)

// Pictures with the marks of several recipients at once, of one submission or side by side: two parties mixed their
// copies, or one party had the copies of both.

// group fills in m.groups and m.beyond. Recipients are in one group if their copies are surely in the
// same pictures, directly or over others: A and C if A is found with B, and B with C. The recipients with most
// such leaks come first in a group, and the group with most leaks comes first. Elements are indices of
// holders. Of a group of more than [maxMembers] the others are beyond comparison.
func (m *model) group() {
	with, of := make([]int, len(m.c.Holders)), make([]int, len(m.c.Holders)) // leaks with others; the first member of the group
	for i := range of {
		of[i] = i
	}
	for i := range m.seen {
		if len(m.seen[i].near) < 2 || m.c.Leaks[i].Beside {
			continue
		}
		low := len(of)
		for r := range m.seen[i].near {
			with[r]++
			low = min(low, of[r])
		}
		for r := range m.seen[i].near {
			if old := of[r]; old != low {
				for k := range of {
					if of[k] == old {
						of[k] = low
					}
				}
			}
		}
	}
	members := make(map[int][]int)
	for r, n := range with {
		if n > 0 {
			members[of[r]] = append(members[of[r]], r)
		}
	}
	m.beyond = make([]bool, len(m.c.Holders))
	for r := range of {
		if g := members[r]; g != nil {
			slices.SortStableFunc(g, func(a, b int) int { return cmp.Compare(with[b], with[a]) })
			for _, r := range g[min(len(g), maxMembers):] {
				m.beyond[r] = true
			}
			m.groups = append(m.groups, g)
		}
	}
	slices.SortStableFunc(m.groups, func(a, b []int) int { return cmp.Compare(with[b[0]], with[a[0]]) })
}

// togetherWith returns the rivals of recipient r whose copies are in the same
// pictures. The rivals with most clusters come first, and at most [maxMembers] are listed. If there are
// more, a rival without a name takes the place of the others.
func (m *model) togetherWith(r int, marked []item) (out []Rival) {
	for k, other := range m.c.Holders {
		if n := m.count(marked, func(s *sighting) bool { return k != r && s.sure[r] && s.near[k] }); n > 0 {
			out = append(out, Rival{m.c.Holders[r].Name, other.Name, RivalTogether, n, len(marked)})
		}
	}
	slices.SortStableFunc(out, func(a, b Rival) int { return cmp.Compare(b.Clusters, a.Clusters) })
	if len(out) > maxMembers {
		out = append(out[:maxMembers], Rival{m.c.Holders[r].Name, "", RivalTogether, out[maxMembers].Clusters, len(marked)})
	}
	return out
}

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
