package odds

// removable returns a bit mask of the sources of a set that may remove marks. Bit i is set if
// source i of the set, by its place in c.sources, is a source of copies.
func (m *model) removable(c *candidate) int {
	out := 0
	for i, s := range c.sources {
		if m.sources[s].marked() {
			out |= 1 << i
		}
	}
	return out
}

// A point is a point of the grid of unknowns, at which all sources of a dump are compared.
type point struct {
	tau float64 // probability that a source took a part of its holdings
	rho float64 // probability that at least one source of copies removed its marks
	// kappa is the prior of a coalition of two, and of each further member, against sources that
	// have the copies of one recipient each.
	kappa  float64
	family int // of the parts that sources take: [named], ...
}

// newGrid returns the points of the grid of a case's options, which must have their defaults.
// Without coalitions kappa changes nothing, and one value of it is enough.
func newGrid(o Options, coalitions bool) (out []point) {
	kappas := o.Kappa
	if !coalitions {
		kappas = kappas[:1]
	}
	for _, tau := range o.Tau {
		for _, rho := range o.Rho {
			for _, kappa := range kappas {
				for f := range families {
					out = append(out, point{tau, rho, kappa, f})
				}
			}
		}
	}
	return out
}

// weight returns the prior of a combination at a point of the grid, times the number of mirrored
// combinations that it represents. c is the set of k. Which sources removed their marks is even
// over the nonempty subsets of the sources of copies.
func (m *model) weight(c *candidate, k *combination, at point) float64 {
	w, subsets := k.times, 1
	for i, s := range c.sources {
		p := &m.sources[s].parts[k.parts[i]]
		w = float64(w * at.share(p))
		if m.sources[s].marked() {
			subsets *= 2
		}
		for range len(m.sources[s].members) - 1 {
			w = float64(w * at.kappa)
		}
	}
	switch {
	case k.removed != 0:
		w = float64(w * at.rho / float64(subsets-1))
	case subsets > 1:
		w = float64(w * (1 - at.rho))
	}
	return w
}

// heaviest returns the natural logarithm of the maximum of [model.weight] of a combination over the
// grid; -Inf if all weights are 0.
func (m *model) heaviest(c *candidate, k *combination) float64 {
	top := 0.0
	for _, at := range m.grid {
		top = max(top, m.weight(c, k, at))
	}
	return ln(top)
}
