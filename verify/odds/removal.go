package odds

import "math"

// removable returns a bit mask of the sources of a set that may remove marks. Bit i is set if
// source i of the set, by its place in c.sources, is a source of copies.
func (m *model) removable(c *candidate) int {
	out := 0
	for i, s := range c.sources {
		if m.sources[s].kind == Copies {
			out |= 1 << i
		}
	}
	return out
}

// weight returns the prior of a combination at a point of the grid, times the number of mirrored
// combinations that it represents. c is the set of k. tau is the probability that a source took a
// part. rho is the probability that at least one source of copies removed its marks. Which sources
// did is even over the nonempty subsets of the sources of copies.
func (m *model) weight(c *candidate, k *combination, tau, rho float64) float64 {
	w, subsets := k.times, 1
	for i, s := range c.sources {
		p := &m.sources[s].parts[k.parts[i]]
		w = float64(w * (float64((1-tau)*p.whole) + float64(tau*p.taken)))
		if m.sources[s].kind == Copies {
			subsets *= 2
		}
	}
	switch {
	case k.removed != 0:
		w = float64(w * rho / float64(subsets-1))
	case subsets > 1:
		w = float64(w * (1 - rho))
	}
	return w
}

// heaviest returns the natural logarithm of the maximum of [model.weight] of a combination over the
// grid; -Inf if all weights are 0.
func (m *model) heaviest(c *candidate, k *combination) float64 {
	top := 0.0
	for _, tau := range m.o.Tau {
		for _, rho := range m.o.Rho {
			top = math.Max(top, m.weight(c, k, tau, rho))
		}
	}
	return ln(top)
}
