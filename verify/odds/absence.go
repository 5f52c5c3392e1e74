package odds

import "slices"

// One degraded leak without a mark says little; many such leaks say more. In the table of
// the model each of them is rounded to saying nothing, so that sums of small doubts blame
// no recipient. Here they are summed without rounding, to decide whether a recipient's
// copies explain a dump.

// foreign are the shares of the leaks that are not of a recipient's copies under the
// alternatives that absence is held against, each as likely.
var foreign = [...]float64{0.25, 0.5, 0.75}

// silent says of each cluster whether recipient r had a copy of its submission and the
// cluster shows no mark of that copy. With each, only clusters count whose single marks may
// well have been missed, and which r did not hold otherwise.
func (m *model) silent(r int, each bool) []bool {
	out := make([]bool, len(m.items))
	for i, it := range m.items {
		issued, seen, held, likely := false, false, false, false
		for _, l := range it.leaks {
			s := &m.seen[l]
			g, ok := s.mark[r]
			issued, seen, held, likely = issued || ok, seen || s.sure[r], held || s.unmarked[r], likely || ok && g >= 1
		}
		out[i] = issued && !seen && m.unseen(r, it) < 1 && (!each || likely && !held)
	}
	return out
}

// unseen is the probability that no mark of a recipient's copy would be found in a
// cluster: the greatest of its leaks, which depend on each other.
func (m *model) unseen(r int, it item) float64 {
	out := 0.0
	for _, l := range it.leaks {
		if miss, ok := m.seen[l].miss[r]; ok {
			out = max(out, miss)
		}
	}
	return out
}

// improbable reports whether it is improbable that so many clusters show no mark if all of
// them, and all clusters with a mark, are copies of recipient r as issued. It computes an
// e-value against that. If a share w has another origin, a cluster without a mark is more
// probable by (w + (1-w) miss)/miss, and a cluster with a mark less probable by 1-w. The
// clusters with a mark must be counted: of many copies that are missed one in seven, some
// are missed. The e-value has to reach the inverse of the smallest prior of removal.
func (m *model) improbable(r int, silent []bool) bool {
	found := float64(len(m.clustersOf(func(s *sighting) bool { return s.sure[r] })))
	e := 0.0
	for _, w := range foreign {
		sum := float64(found * ln(1-w))
		for i, it := range m.items {
			if silent[i] {
				sum += ln(float64(w/m.unseen(r, it)) + 1 - w)
			}
		}
		e += exp(sum) / float64(len(foreign))
	}
	return float64(e*slices.Min(m.o.Rho)) >= 1
}

// absent is how many clusters show no mark of a recipient's copies that would not all
// have been missed; 0: they may have been.
func (m *model) absent(r int) (n int) {
	silent := m.silent(r, false)
	if !m.improbable(r, silent) {
		return 0
	}
	for _, s := range silent {
		if s {
			n++
		}
	}
	return n
}
