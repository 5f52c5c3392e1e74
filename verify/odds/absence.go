package odds

import "github.com/kycmark/kycmark/internal/dsp"

// One degraded leak without a mark says little; many such leaks say more. Here they are summed, to decide
// whether a recipient's copies explain a dump.

// silent reports, for each cluster of m.items, whether the mark of recipient r is absent. Three
// conditions make it absent: r was issued a copy of the submission; no leak of the cluster surely
// shows it; the mark could have been found ([model.unseen] is below 1). If each is true, a leak of the cluster
// must also be such that r's copy may explain it ([sighting.explains]). Copies of any date count.
func (m *model) silent(r int, each bool) []bool {
	out := make([]bool, len(m.items))
	for i, it := range m.items {
		issued, seen, likely := false, false, false
		for _, l := range it.leaks {
			s := &m.seen[l]
			_, ok := s.ever[r]
			issued, seen, likely = issued || ok, seen || s.sure[r], likely || s.explains(r)
		}
		out[i] = issued && !seen && m.unseen(r, it) < 1 && (!each || likely)
	}
	return out
}

// unseen returns the probability that no mark of recipient r's copy would be found in a cluster: the maximum over the
// cluster's leaks, since these depend on each other. It is 1 if in some leak the mark is seen or the copy is not
// confirmed.
func (m *model) unseen(r int, it item) float64 {
	out := 0.0
	for _, l := range it.leaks {
		if miss, ok := m.seen[l].miss[r]; ok {
			out = max(out, miss)
		}
	}
	return out
}

// improbable reports whether the clusters without a mark are too many to be copies of recipient r as issued. silent
// marks these clusters (see [model.silent]). The function computes an e-value against the claim that these clusters,
// and all clusters with r's mark, are such copies.
//
// The alternative is that a share w of the clusters has another origin. A cluster without a mark is then more probable
// by the factor (w + (1-w) miss)/miss. A cluster with a mark is less probable by the factor 1-w. Clusters with a mark
// must enter, since a few misses among many finds are normal. The result is true if the e-value reaches the inverse of
// the prior of removal, [removal].
func (m *model) improbable(r int, silent []bool) bool {
	found := float64(len(m.clustersOf(func(s *sighting) bool { return s.sure[r] })))
	e := 0.0
	for _, w := range foreign {
		sum := float64(found * dsp.Ln(1-w))
		for i, it := range m.items {
			if silent[i] {
				sum += dsp.Ln(float64(w/m.unseen(r, it)) + 1 - w)
			}
		}
		e += dsp.Exp(sum) / float64(len(foreign))
	}
	return float64(e*removal) >= 1
}

// absent returns how many clusters show no mark of the copies that were issued to recipient r; 0 if all these marks
// may have been missed (see [model.improbable]).
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
