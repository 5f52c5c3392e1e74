package odds

import (
	"math"
	"slices"

	"github.com/kycmark/kycmark/internal/dsp"
)

// A Holding is what one holder could hold unmarked, if leaks without a mark are denser there than chance explains, given
// the days of their submissions. It says which pile they came from, and not who took it: the issuer had all of it.
type Holding struct {
	Leaks      int `json:"leaks"`    // without a mark, of Clusters
	Of         int `json:"of"`       // without a mark, matched
	Clusters   int `json:"clusters"` // all of whose such leaks are of the holding
	OfClusters int `json:"of_clusters"`
	// Chance is the log10 of an upper bound of the probability of a random draw from all submissions of the same cells: as
	// many of the clusters are of the holding. It is corrected for the number of holders.
	Chance float64 `json:"log10_chance"`
	// Holders are all whose admissible custody covers all these leaks. Shares are, for each, the share of all submissions of
	// these cells that it could hold, 0..1. It is the mean over the clusters.
	Holders []string  `json:"holders"`
	Shares  []float64 `json:"shares"`
	// Others are holders that had nearly all these clusters too: by custody of any date, or as copies, whose marks can have
	// been removed.
	Others []string `json:"others,omitempty"`
}

// holding returns the holding in which clusters without a mark are densest. It is nil if chance explains each with a
// probability above [maxLuck]. Each cluster is compared with all submissions of its own cells: a holder of all uploads of
// some time has no holding there, since any leak of that time is of it.
func (m *model) holding() *Holding {
	bare := m.clustersOf((*sighting).bare)
	of := func(it item) (leaks []*sighting) {
		for _, l := range it.leaks {
			if s := &m.seen[l]; s.bare() {
				leaks = append(leaks, s)
			}
		}
		return leaks
	}
	within := func(had func(*sighting) bool, items []item) []item {
		return slices.DeleteFunc(slices.Clone(items), func(it item) bool {
			return slices.ContainsFunc(of(it), func(s *sighting) bool { return !had(s) })
		})
	}
	var in []item
	out, tried := &Holding{OfClusters: len(bare)}, 0
	for k, h := range m.c.Holders {
		if total(h.Unmarked) == 0 {
			continue
		}
		tried++
		its := within(func(s *sighting) bool { return s.covered[k] }, bare)
		// Hoeffding, JASA 58, 1963, theorem 1: of independent draws with a mean p, and of draws without replacement
		if chance := -scan(float64(len(its)), float64(len(bare)), m.expected(k, bare), float64(len(bare))); chance < out.Chance {
			out.Chance, in = chance, its
		}
	}
	if out.Chance += dsp.Ln(float64(max(tried, 1))); out.Chance > dsp.Ln(maxLuck) {
		return nil
	}
	out.Chance, out.Clusters = log10(out.Chance), len(in)
	for _, it := range bare {
		out.Of += len(of(it))
	}
	for _, it := range in {
		out.Leaks += len(of(it))
	}
	for k, h := range m.c.Holders {
		had := len(within(func(s *sighting) bool { return s.ever[k] > 0 || s.held[k] }, in))
		switch {
		case len(within(func(s *sighting) bool { return s.covered[k] }, in)) == len(in):
			out.Holders = append(out.Holders, h.Name)
			out.Shares = append(out.Shares, micro(m.expected(k, bare)/float64(len(bare))))
		case float64(had) >= float64(nearlyAll*float64(len(in))):
			out.Others = append(out.Others, h.Name)
		}
	}
	return out
}

// expected returns how many of the clusters would be of submissions that holder k could hold unmarked, if each leak
// without a mark were drawn from all submissions of its cell: of several leaks of a cluster, by the rarest.
func (m *model) expected(k int, bare []item) (sum float64) {
	for _, it := range bare {
		p := 1.0
		for _, l := range it.leaks {
			if s := &m.seen[l]; s.bare() {
				n := 0
				if counts := m.c.Holders[k].Unmarked; len(counts) > 0 {
					n = counts[s.cell]
				}
				p = math.Min(p, float64(n)/float64(m.c.Cells[s.cell].Submissions))
			}
		}
		sum += p
	}
	return sum
}
