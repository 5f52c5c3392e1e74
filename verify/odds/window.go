package odds

import (
	"math"
	"slices"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/each"
)

// A Window is a contiguous range of time in which leaks without marks are denser than chance explains.
type Window struct {
	From          int    `json:"from"` // cells
	To            int    `json:"to"`
	Dates         string `json:"dates"`    // From and To in words; left empty here
	Leaks         int    `json:"leaks"`    // without a mark, in the window
	Of            int    `json:"of"`       // without a mark, matched
	Clusters      int    `json:"clusters"` // whose such leaks all lie in the window
	OfClusters    int    `json:"of_clusters"`
	Submissions   int    `json:"submissions"` // of the registry, in the window
	OfSubmissions int    `json:"of_submissions"`
	// Chance is the log10 of a probability, or more: of a random draw from the whole registry as many lie in one window. It
	// is the max for clusters and for the submissions that leaks show, corrected for the number of windows that were looked at.
	Chance float64 `json:"log10_chance"`
	// Holders are all whose admissible custody covers all these leaks.
	Holders []string `json:"holders"`
}

// window returns the range of cells in which clusters without a mark are densest (scan statistic: Kulldorff,
// Communications in Statistics 26, 1997). It is nil if fewer than two clusters lie there, or if chance explains it with
// a probability above [maxChance]. A window says when the leaks were submitted, and nothing of who had them.
func (m *model) window() *Window {
	first, last := span(m.c.Cells)
	ahead := make([]int, len(m.c.Cells)+1) // submissions before a cell
	for k := range m.c.Cells {
		ahead[k+1] = ahead[k] + m.c.Cells[k].Submissions
	}
	var clusters [][2]int // the first and the last cell of each
	bare := m.bare(m.items)
	for _, leaks := range bare {
		byCell := func(a, b *sighting) int { return a.cell - b.cell }
		clusters = append(clusters, [2]int{slices.MinFunc(leaks, byCell).cell, slices.MaxFunc(leaks, byCell).cell})
	}
	all := ahead[len(ahead)-1]
	size := max(all-m.c.Unsearched, 0)         // what is not found, or not judged, is taken to lie outside of each window
	n := min(len(clusters)+m.c.Unjudged, size) // draws
	// persons with many pictures of other times would count once, and the registry has each of their uploads
	uploads := m.bare(shown(m))
	if max(len(clusters), len(uploads)) > size { // no draw of so many
		return nil
	}
	var best [2]int
	top, inside := 0.0, 0
	from, to := thin(clusters, 0), thin(clusters, 1)
	slices.SortStableFunc(clusters, func(a, b [2]int) int { return a[1] - b[1] })
	for _, a := range from {
		k, at := 0, 0 // clusters in the window, and looked at
		for _, b := range to {
			for ; at < len(clusters) && clusters[at][1] <= b; at++ {
				if clusters[at][0] >= a {
					k++
				}
			}
			if v := scan(float64(k), float64(n), float64(min(ahead[b+1]-ahead[min(a, b+1)], size)), float64(size)); k > 1 && v > top {
				best, top, inside = [2]int{a, b}, v, k
			}
		}
	}
	if inside < 2 {
		return nil
	}
	cells := last - first + 1
	w := &Window{From: best[0], To: best[1], Of: pictures(slices.Concat(bare...)), Clusters: inside, OfClusters: len(clusters), Submissions: ahead[best[1]+1] - ahead[best[0]], OfSubmissions: all, Holders: []string{}}
	within := func(s *sighting) bool { return s.cell >= best[0] && s.cell <= best[1] }
	of := len(slices.DeleteFunc(slices.Clone(uploads), func(leaks []*sighting) bool { return !within(leaks[0]) }))
	chance := math.Max(lnTail(inside, n, min(w.Submissions, size), size), lnTail(of, min(len(uploads)+m.c.Unjudged, size), min(w.Submissions, size), size))
	w.Chance = math.Min(0, log10(chance+dsp.Ln(float64(cells*(cells+1)/2))))
	if w.Chance > log10(dsp.Ln(maxChance)) {
		return nil
	}
	in := slices.DeleteFunc(slices.Concat(bare...), func(s *sighting) bool { return !within(s) })
	w.Leaks = w.Of - pictures(slices.DeleteFunc(slices.Concat(bare...), within)) // all of a picture must lie there
	if m.later() {
		return w
	}
	for k, h := range m.c.Holders {
		if slices.ContainsFunc(in, func(s *sighting) bool { return !s.covered[k] }) {
			continue
		}
		w.Holders = append(w.Holders, h.Name)
	}
	return w
}

func pictures(leaks []*sighting) int {
	of := make(map[int]bool)
	for _, s := range leaks {
		of[s.picture] = true
	}
	return len(of)
}

// later reports whether a leak without a mark shows a submission that came after the leaks were found. Submissions may then have
// been chosen for the leaks, so that no holder follows.
func (m *model) later() bool {
	return slices.ContainsFunc(m.seen, func(s sighting) bool { return s.bare() && s.later })
}

// bare returns the leaks without a mark of each of some clusters or submissions that has any.
func (m *model) bare(items []item) (out [][]*sighting) {
	for _, it := range items {
		var leaks []*sighting
		for _, l := range it.leaks {
			if s := &m.seen[l]; s.bare() {
				leaks = append(leaks, s)
			}
		}
		if leaks != nil {
			out = append(out, leaks)
		}
	}
	return out
}

// thin returns the first (end 0) or last (end 1) cells of clusters, each once, ascending. If there are more
// than [maxEnds], evenly chosen ones serve.
func thin(clusters [][2]int, end int) (out []int) {
	all := each.Of(clusters, func(c [2]int) int { return c[end] })
	slices.Sort(all)
	all = slices.Compact(all)
	for i := range min(len(all), maxEnds) {
		out = append(out, all[(i*len(all)+end*(len(all)-1))/min(len(all), maxEnds)])
	}
	return out
}

// scan returns the logarithm of the likelihood ratio of n of total clusters in a window with size of
// all submissions; 0 if they are not denser there.
func scan(n, total, size, all float64) float64 {
	if n == 0 || size == 0 || n*all <= total*size {
		return 0
	}
	out := float64(n * dsp.Ln(n*all/(total*size)))
	if n < total {
		out += float64((total - n) * dsp.Ln((total-n)*all/(total*(all-size))))
	}
	return out
}

// lnTail returns ln P(X >= k), where X counts good things among n that are drawn from all without
// replacement (hypergeometric). It is -Inf if that cannot be.
func lnTail(k, n, good, all int) float64 {
	lnChoose := func(n, k int) float64 {
		return lnGamma(float64(n+1)) - lnGamma(float64(k+1)) - lnGamma(float64(n-k+1))
	}
	sum := math.Inf(-1)
	for x := max(k, n-(all-good)); x <= min(n, good); x++ {
		term := lnChoose(good, x) + lnChoose(all-good, n-x) - lnChoose(all, n)
		hi, lo := math.Max(sum, term), math.Min(sum, term)
		sum = hi + dsp.Ln(1+dsp.Exp(lo-hi))
		if term < sum-40 {
			break
		}
	}
	return math.Min(sum, 0)
}

// span returns the first and the last cell with submissions; 0 and -1 without any.
func span(cells []Cell) (first, last int) {
	first, last = 0, -1
	for k := range cells {
		if cells[k].Submissions > 0 {
			if last < 0 {
				first = k
			}
			last = k
		}
	}
	return first, last
}

// A Holding is what one holder could hold unmarked, if leaks without a mark are denser there than chance explains, given
// their days. It says which uploads they came from, and not who took these: the issuer had all.
type Holding struct {
	Leaks      int `json:"leaks"`    // without a mark, of Clusters
	Of         int `json:"of"`       // without a mark, matched
	Clusters   int `json:"clusters"` // with no such leak outside of the holding
	OfClusters int `json:"of_clusters"`
	// Chance is the log10 of a probability, or more: as many are of the holding if each is drawn from all submissions of its
	// cells. It is the max for clusters and for the submissions that leaks show, corrected for the number of holders.
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
	bare, uploads := m.bare(m.items), m.bare(shown(m))
	within := func(of [][]*sighting, had func(*sighting) bool) [][]*sighting {
		return slices.DeleteFunc(slices.Clone(of), func(leaks []*sighting) bool {
			return slices.ContainsFunc(leaks, func(s *sighting) bool { return !had(s) })
		})
	}
	out, in, tried := &Holding{OfClusters: len(bare)}, bare, 0
	for k, h := range m.c.Holders {
		if Total(h.Unmarked) == 0 {
			continue
		}
		tried++
		covered := func(s *sighting) bool { return s.covered[k] }
		highest := 0.0 // as if what is not judged came from the cell with the highest share of k
		for cell := range m.c.Cells {
			highest = max(highest, m.shareOf(k, cell, m.c.Unsearched))
		}
		// Hoeffding, JASA 58, 1963, theorems 1 and 4: draws that differ in p by their mean, and draws without replacement
		chance := func(of, its [][]*sighting) float64 {
			n, mean := float64(len(of)+m.c.Unjudged), m.expected(k, of, m.c.Unsearched)+float64(float64(m.c.Unjudged)*highest)
			if n-float64(len(its)) > float64(maxOutside*(n-mean)) {
				return 0
			}
			return -scan(float64(len(its)), n, mean, n)
		}
		its := within(bare, covered)
		if x := math.Max(chance(bare, its), chance(uploads, within(uploads, covered))); x < out.Chance {
			out.Chance, in = x, its
		}
	}
	if out.Chance += dsp.Ln(float64(max(tried, 1))); out.Chance > dsp.Ln(maxLuck) || m.later() {
		return nil
	}
	out.Chance, out.Clusters, out.Leaks, out.Of = log10(out.Chance), len(in), pictures(slices.Concat(in...)), pictures(slices.Concat(bare...))
	for k, h := range m.c.Holders {
		had := within(in, func(s *sighting) bool { return s.ever[k] > 0 || s.held[k] })
		if len(within(in, func(s *sighting) bool { return s.covered[k] })) == len(in) {
			out.Holders, out.Shares = append(out.Holders, h.Name), append(out.Shares, micro(m.expected(k, bare, 0)/float64(len(bare))))
		} else if float64(len(had)) >= float64(nearlyAll*float64(len(in))) {
			out.Others = append(out.Others, h.Name)
		}
	}
	return out
}

// expected returns how many clusters are of the holding of holder k, if each leak is drawn from the submissions of its
// cell. As many as unsearched are left out, none of them of the holding. Of several leaks of a cluster the rarest counts.
// k must have admissible custody.
func (m *model) expected(k int, bare [][]*sighting, unsearched int) (sum float64) {
	for _, leaks := range bare {
		p := 1.0
		for _, s := range leaks {
			p = min(p, m.shareOf(k, s.cell, unsearched))
		}
		sum += p
	}
	return sum
}

// shareOf returns how much of the submissions of a cell holder k could hold, without as many as unsearched.
func (m *model) shareOf(k, cell, unsearched int) float64 {
	held := m.c.Holders[k].Unmarked[cell]
	return float64(held) / float64(max(held, m.c.Cells[cell].Submissions-unsearched, 1))
}
