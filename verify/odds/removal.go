package odds

import "math"

// removable has a bit for each place of a set whose source has marks to remove.
func (m *model) removable(c *candidate) int {
	out := 0
	for i, s := range c.sources {
		if m.sources[s].kind == Copies {
			out |= 1 << i
		}
	}
	return out
}

// weight is the prior of a combination, and of what it stands for, at a point of the
// grid. That anybody removed marks has the prior rho, and who did is even over the
// nonempty subsets of the sources of copies: each decides for itself.
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

// heaviest is the logarithm of the greatest weight over the grid.
func (m *model) heaviest(c *candidate, k *combination) float64 {
	top := 0.0
	for _, tau := range m.o.Tau {
		for _, rho := range m.o.Rho {
			top = math.Max(top, m.weight(c, k, tau, rho))
		}
	}
	return ln(top)
}
