package odds

import (
	"cmp"
	"math"
	"slices"
)

// Leaks with the marks of several recipients at once: two parties mixed their copies, or one party
// had the copies of both.

// A coalition is a set of recipients whose copies one source had: the members together, or a party
// that had the copies of all. For each leak the source used some of the copies that the members
// were issued of the submission: one, several or all of them.
type coalition struct {
	members []int // indices of holders, ascending
	group   int   // coalitions of one group share most members, so that a set has at most one of them
	counts  []int // by cell: the maximum number of submissions that any member was issued a copy of
}

// groups returns the recipients whose copies are surely in the same leaks, directly or over others:
// A and C are in one group if A is found with B, and B with C. The recipients with most such leaks
// come first in a group, and the group with most leaks comes first. Elements are indices of holders.
func (m *model) groups() [][]int {
	with, of := make([]int, len(m.c.Holders)), make([]int, len(m.c.Holders)) // leaks with others; the first member of the group
	for i := range of {
		of[i] = i
	}
	for i := range m.seen {
		if len(m.seen[i].sure) < 2 {
			continue
		}
		low := len(of)
		for r := range m.seen[i].sure {
			with[r]++
			low = min(low, of[r])
		}
		for r := range m.seen[i].sure {
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
	var out [][]int
	for r := range of {
		if g := members[r]; g != nil {
			slices.SortStableFunc(g, func(a, b int) int { return cmp.Compare(with[b], with[a]) })
			out = append(out, g)
		}
	}
	slices.SortStableFunc(out, func(a, b []int) int { return cmp.Compare(with[b[0]], with[a[0]]) })
	return out
}

// namesOf returns the names of holders, given by their indices.
func (m *model) namesOf(holders []int) (out []string) {
	for _, r := range holders {
		out = append(out, m.c.Holders[r].Name)
	}
	return out
}

// collectCoalitions fills m.coalitions: for each group all its members, and for each member the
// others without that member if there are two others. At most [maxGroups] groups and [maxMembers]
// members of a group enter. It also fills m.beside and the g of each coalition in each leak.
func (m *model) collectCoalitions() {
	m.beside = make([][]int, len(m.c.Holders))
	for g, all := range m.groups() {
		if g == maxGroups {
			break
		}
		all = slices.Sorted(slices.Values(all[:min(len(all), maxMembers)]))
		m.add(all, g)
		for i, r := range all {
			others := slices.Delete(slices.Clone(all), i, i+1)
			m.beside[r] = others
			if len(others) > 1 {
				m.add(others, g)
			}
		}
	}
	for i := range m.seen {
		s := &m.seen[i]
		for _, x := range m.coalitions {
			s.joint = append(s.joint, s.together(x.members))
		}
	}
}

// add appends a coalition of a group, an index in [model.groups].
func (m *model) add(members []int, group int) {
	x := coalition{members, group, make([]int, len(m.all))}
	for _, r := range members {
		for k, n := range m.c.Holders[r].Copies {
			x.counts[k] = min(x.counts[k]+n, m.all[k])
		}
	}
	m.coalitions = append(m.coalitions, x)
}

// together returns g of a leak that a coalition made of copies of its submission: the mean, over
// all nonempty subsets of the members that were issued a copy, of the product of their g. It is 0 if
// no member was issued a copy. Given the leak, the seeds of two copies are independent. The mean of
// a product of their e-values is therefore at most 1.
func (s *sighting) together(members []int) float64 {
	product, subsets := 1.0, 1.0
	for _, r := range members {
		if g, ok := s.mark[r]; ok {
			product = math.Min(float64(product*(1+g)), maxJoint)
			subsets *= 2
		}
	}
	if subsets == 1 {
		return 0
	}
	return (product - 1) / (subsets - 1)
}

// unheard reports whether copies of recipient r are in leaks with copies of others, and r is a member
// of no coalition: more recipients are found together than are compared. Its ratio would say that
// its marks are explained by the coalition without it.
func (m *model) unheard(r int) bool {
	return m.beside[r] == nil && slices.ContainsFunc(m.seen, func(s sighting) bool { return s.sure[r] && len(s.sure) > 1 })
}

// planting returns g of recipient r's marks in a leak if another holder of r's copies laid them
// there: onto an unmarked picture, or onto a picture with copies of the recipients that are found
// with r. Each of them is as likely to be in that picture as not.
func (m *model) planting(s *sighting, r int) float64 {
	g := s.mark[r]
	for _, o := range m.beside[r] {
		if other, ok := s.mark[o]; ok {
			g = math.Min(float64(g*(1+other))/2, maxJoint)
		}
	}
	return g
}

// togetherWith returns the rivals of the recipient of h, index r, whose copies are in the same
// leaks. The rivals with most clusters come first, and at most [maxMembers] are listed. If there are
// more, a rival without a name takes the place of the others.
func (m *model) togetherWith(h *Hypothesis, r int, marked []item) (out []Rival) {
	for k, other := range m.c.Holders {
		if n := m.count(marked, func(s *sighting) bool { return k != r && s.sure[r] && s.sure[k] }); n > 0 {
			out = append(out, Rival{h.Name, other.Name, RivalTogether, n, len(marked)})
		}
	}
	slices.SortStableFunc(out, func(a, b Rival) int { return cmp.Compare(b.Clusters, a.Clusters) })
	if len(out) > maxMembers {
		out = append(out[:maxMembers], Rival{h.Name, "", RivalTogether, out[maxMembers].Clusters, len(marked)})
	}
	return out
}
