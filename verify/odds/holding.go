package odds

import (
	"slices"

	"github.com/kycmark/kycmark/internal/dsp"
)

// A Holding is what one holder could hold unmarked, if leaks without a mark are denser there than chance explains, given
// their days. It says which uploads they came from, and not who took these: the issuer had all.
type Holding struct {
	Leaks      int `json:"leaks"`    // without a mark, of Clusters
	Of         int `json:"of"`       // without a mark, matched
	Clusters   int `json:"clusters"` // with no such leak outside of the holding
	OfClusters int `json:"of_clusters"`
	// Chance is the log10 of a probability, or more: as many are of the holding if each cluster is drawn from all submissions
	// of its cells. It is corrected for the number of holders.
	Chance float64 `json:"log10_chance"`
	// Holders are all whose admissible custody covers all these leaks. Shares are how much of all submissions of the cells
	// of leaks without a mark each could hold: the mean over the clusters, 0..1.
	Holders []string  `json:"holders"`
	Shares  []float64 `json:"shares"`
	// Others had nearly all these clusters too: by custody of any date, or as copies, whose marks can have been removed.
	Others []string `json:"others,omitempty"`
}

// holding returns the holding in which clusters without a mark are densest. It is nil if chance explains each with more
// than [maxLuck], or too many lie outside. A holder of all uploads of some time has none: any leak of then is of it.
func (m *model) holding() *Holding {
	bare := m.bare()
	within := func(of [][]*sighting, had func(*sighting) bool) [][]*sighting {
		return slices.DeleteFunc(slices.Clone(of), func(leaks []*sighting) bool {
			return slices.ContainsFunc(leaks, func(s *sighting) bool { return !had(s) })
		})
	}
	out, in, tried := &Holding{OfClusters: len(bare)}, bare, 0
	for k, h := range m.c.Holders {
		if total(h.Unmarked) == 0 {
			continue
		}
		tried++
		its, n := within(bare, func(s *sighting) bool { return s.covered[k] }), float64(len(bare))
		mean := m.expected(k, bare)
		// Hoeffding, JASA 58, 1963, theorems 1 and 4: draws that differ in p by their mean, and draws without replacement
		if x := -scan(float64(len(its)), n, mean, n); x < out.Chance && n-float64(len(its)) <= float64(maxOutside*(n-mean)) {
			out.Chance, in = x, its
		}
	}
	if out.Chance += dsp.Ln(float64(max(tried, 1))); out.Chance > dsp.Ln(maxLuck) {
		return nil
	}
	out.Chance, out.Clusters, out.Leaks, out.Of = log10(out.Chance), len(in), len(slices.Concat(in...)), len(slices.Concat(bare...))
	for k, h := range m.c.Holders {
		had := within(in, func(s *sighting) bool { return s.ever[k] > 0 || s.held[k] })
		if len(within(in, func(s *sighting) bool { return s.covered[k] })) == len(in) {
			out.Holders, out.Shares = append(out.Holders, h.Name), append(out.Shares, micro(m.expected(k, bare)/float64(len(bare))))
		} else if float64(len(had)) >= float64(nearlyAll*float64(len(in))) {
			out.Others = append(out.Others, h.Name)
		}
	}
	return out
}

// expected returns how many clusters are of the holding of holder k, if each leak is drawn from all submissions of its
// cell. Of several leaks of a cluster the rarest counts. k must have admissible custody.
func (m *model) expected(k int, bare [][]*sighting) (sum float64) {
	for _, leaks := range bare {
		p := 1.0
		for _, s := range leaks {
			p = min(p, float64(m.c.Holders[k].Unmarked[s.cell])/float64(m.c.Cells[s.cell].Submissions))
		}
		sum += p
	}
	return sum
}
