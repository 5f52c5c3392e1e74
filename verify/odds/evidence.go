package odds

import (
	"maps"
	"math"
	"slices"

	"github.com/kycmark/kycmark/internal/dsp"
)

// A sighting is a leak as the package sees it. Recipients and holders are indices in [Case].Holders.
// Only matched, picture and marked are set for a leak that shows no submission.
type sighting struct {
	matched bool
	picture int             // the picture that it is of; sightings beside each other are of one
	later   bool            // its submission came after the leaks were found
	marked  bool            // a mark was found in it, also a mark that counts for no recipient
	cell    int             // index of the cell of its submission
	mark    map[int]float64 // by recipient that was issued a copy: the e-value of its copies, of several the mean
	ever    map[int]float64 // mark, of copies of any date
	miss    map[int]float64 // by recipient: the probability that the mark of its copy is not found; 1 if some of it is seen
	sure    map[int]bool    // recipients with a confirmed copy that counts as evidence
	near    map[int]bool    // the same, in the whole picture: of other submissions beside this one too
	undated map[int]bool    // of these, recipients with a copy that was not issued after the find
	fresh   map[int]bool    // of these, recipients with a copy that was not public before
	covered map[int]bool    // holders of the submission whose custody is admissible
	held    map[int]bool    // holders of the submission, admissible or not
	by      map[int][]int   // by recipient: the holders that could have laid its marks here
	able    map[int]bool    // recipients with a copy that the leak can derive from, by its date
	back    map[int]bool    // recipients of copies that came back as uploads
	very    map[int][]int   // by recipient: holders that are recorded to have had its very copy
}

// had reports whether holder k is recorded to have had recipient r's very copy of the submission.
func (s *sighting) had(r, k int) bool { return slices.Contains(s.very[r], k) }

// bare reports whether the leak shows a submission, and no mark was found in the picture.
func (s *sighting) bare() bool { return s.matched && !s.marked && len(s.near) == 0 }

// explains reports whether a leak may be the copy of recipient r that was issued of its submission, not surely after
// the find: the e-value of that copy is above [doubtful].
func (s *sighting) explains(r int) bool {
	e, issued := s.ever[r]
	return issued && e > doubtful && s.able[r]
}

// narrow returns a table by recipient, then by holder: whether the holder held less than [wideHolder] of the
// recipient's submissions unmarked. A recipient and itself give false.
func narrow(c *Case) [][]bool {
	out := make([][]bool, len(c.Holders))
	for r := range c.Holders {
		out[r] = make([]bool, len(c.Holders))
		for k := range c.Holders {
			out[r][k] = k != r && overlap(c, r, k) < wideHolder
		}
	}
	return out
}

// overlap returns the share, 0..1, of the submissions that recipient r was issued copies of and that holder k held
// unmarked, whatever the dates: the time of the find must not change who is a rival. The counts by cell do not say
// which submissions overlap: the share is expected by chance. It is 0 if r has no copy. r and k are indices of holders.
func overlap(c *Case, r, k int) float64 {
	var both, all float64
	for i, n := range c.Holders[r].EverIssued() {
		if u := c.Holders[k].EverHeld(); len(u) > 0 && c.Cells[i].Ever() > 0 {
			both += float64(float64(n) * float64(u[i]) / float64(c.Cells[i].Ever()))
		}
		all += float64(n)
	}
	return both / math.Max(all, 1)
}

// An item is a cluster: leaks that count once.
type item struct {
	leaks   []int // indices in [Case].Leaks
	matched bool  // the leaks show submissions; a cluster has only leaks that do, or only leaks that do not
}

// A model is a case made ready.
type model struct {
	c      *Case
	seen   []sighting // by leak of the case
	items  []item     // clusters, by their first leaks
	value  []float64  // by holder: ln of the e-value of its copies over all clusters
	given  []bool     // by holder: it was issued copies of submissions that leaks show
	beyond []bool     // by holder: its copies are found with copies of more recipients than are compared
	groups [][]int    // recipients whose copies are surely in the same leaks
}

// newModel returns the model of a checked case. Matched leaks of one [Leak].Cluster are one cluster, also if it is
// "". Unmatched leaks are each alone if their Cluster is "".
func newModel(c *Case) *model {
	m := &model{c: c, given: make([]bool, len(c.Holders))}
	index := make(map[string]int, len(c.Holders))
	for i, h := range c.Holders {
		index[h.Name] = i
	}
	clusters, few := make(map[string]int), narrow(c)
	for i := range c.Leaks {
		l := &c.Leaks[i]
		s := sighting{matched: l.Submission != "", marked: l.Marked, later: l.Later, picture: i}
		if s.matched {
			s.read(c, l, index, few)
			for r := range s.ever {
				m.given[r] = true
			}
		}
		if s.near = maps.Clone(s.sure); l.Beside {
			s.near, s.picture = m.seen[i-1].near, m.seen[i-1].picture
			maps.Copy(s.near, s.sure)
		}
		m.seen = append(m.seen, s)
		key := "?" + l.Cluster
		if s.matched {
			key = "=" + l.Cluster
		}
		k, known := clusters[key]
		if !known || key == "?" {
			k = len(m.items)
			m.items = append(m.items, item{matched: s.matched})
			clusters[key] = k
		}
		m.items[k].leaks = append(m.items[k].leaks, i)
	}
	m.group()
	m.weigh()
	return m
}

// read fills in what the copies and the custody of a matched leak l say. index gives the index of each holder by name,
// and few is the result of [narrow]. Custody of any date says who could have laid a mark or be another source.
func (s *sighting) read(c *Case, l *Leak, index map[string]int, few [][]bool) {
	s.cell = CellOf(c.Cells, l.Submitted)
	s.mark, s.ever, s.miss = make(map[int]float64), make(map[int]float64), make(map[int]float64)
	s.sure, s.undated, s.fresh = make(map[int]bool), make(map[int]bool), make(map[int]bool)
	s.back, s.able = make(map[int]bool), make(map[int]bool)
	s.covered, s.held, s.by, s.very = make(map[int]bool), make(map[int]bool), make(map[int][]int), make(map[int][]int)
	if c.FoundKnown {
		for _, name := range l.Unmarked {
			s.covered[index[name]] = true
		}
	}
	of, all := make(map[int]float64), make(map[int]float64)
	for _, copied := range l.Copies {
		r := index[copied.Recipient]
		e, miss := 0.0, 1.0
		if copied.Confirmed {
			e, miss = math.Min(copied.LnE, maxLnE), math.Max(copied.Miss, minMiss)
		}
		value := float64((1-miss)*dsp.Exp(e)) + miss
		s.ever[r], all[r] = s.ever[r]+value, all[r]+1
		s.able[r] = s.able[r] || !copied.Late || copied.Undated
		if sure := copied.Confirmed && e >= SureLnE; sure || !copied.Late { // else the leak cannot derive from it
			s.mark[r], of[r] = s.mark[r]+value, of[r]+1
			if sure {
				s.sure[r] = true
				s.undated[r] = s.undated[r] || !copied.Late
				s.fresh[r] = s.fresh[r] || !copied.Late && copied.Public.IsZero()
			}
		}
		if e > 0 {
			miss = 1
		}
		s.miss[r] = math.Max(s.miss[r], miss)
		if copied.Returned {
			s.back[r] = true
		}
		for _, other := range copied.Others {
			if k, ok := index[other]; ok && k != r {
				s.other(r, k)
				s.very[r] = append(s.very[r], k)
			}
		}
	}
	for r := range s.ever {
		s.ever[r] /= all[r]
	}
	for r := range s.mark {
		s.mark[r] /= of[r]
	}
	for _, name := range l.HeldBy() {
		k := index[name]
		s.held[k] = true
		for r := range s.ever {
			if few[r][k] {
				s.other(r, k)
			}
		}
	}
}

// other records that holder k could have laid recipient r's mark in this leak.
func (s *sighting) other(r, k int) {
	if !slices.Contains(s.by[r], k) {
		s.by[r] = append(s.by[r], k)
	}
}

// weigh fills in m.value: the e-value of each recipient's copies, as the package comment
// has it. Copies that are found only beside copies of other recipients are not told from a party that mixed them: the
// e-value of a recipient in a group is divided by [coalition].
func (m *model) weigh() {
	m.value = make([]float64, len(m.c.Holders))
	clusters := make([][]float64, len(m.c.Holders)) // by holder: the e-values of its clusters
	for _, it := range m.items {
		sum, of := make(map[int]float64), make(map[int]float64)
		for _, l := range it.leaks {
			for r, e := range m.seen[l].mark {
				sum[r], of[r] = sum[r]+e, of[r]+1
			}
		}
		for r := range sum {
			clusters[r] = append(clusters[r], sum[r]/of[r])
		}
	}
	for r := range clusters {
		m.value[r] = lnShares(clusters[r])
	}
	for _, g := range m.groups {
		for _, r := range g {
			m.value[r] -= dsp.Ln(coalition)
		}
	}
}

// lnShares returns the natural logarithm of the mean over w = 1, 1/2, 1/4, … of the product of
// 1 - w + w e over e-values e. It is 0 without e-values.
func lnShares(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sums := make([]float64, shares)
	highest := math.Inf(-1)
	for k, w := 0, 1.0; k < shares; k, w = k+1, w/2 {
		for _, e := range values {
			sums[k] += dsp.Ln(1 - w + float64(w*e))
		}
		highest = math.Max(highest, sums[k])
	}
	mean := 0.0
	for _, s := range sums {
		mean += dsp.Exp(s-highest) / shares
	}
	return highest + dsp.Ln(mean)
}

func (m *model) clustersOf(has func(*sighting) bool) []item {
	return slices.DeleteFunc(slices.Clone(m.items), func(it item) bool { return m.count([]item{it}, has) == 0 })
}

func (m *model) count(items []item, has func(*sighting) bool) (n int) {
	for _, it := range items {
		if slices.ContainsFunc(it.leaks, func(l int) bool { return has(&m.seen[l]) }) {
			n++
		}
	}
	return n
}
