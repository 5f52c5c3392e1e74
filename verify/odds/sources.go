package odds

import (
	"cmp"
	"math"
	"slices"
)

// Kinds of explanations, as [Hypothesis].Kind has them.
const (
	Copies    = "copies"    // marked copies issued to a recipient
	Custody   = "custody"   // submissions that a holder held unmarked
	Unlisted  = "unlisted"  // a holder that is not listed
	Insider   = "insider"   // a person with all or part of the registry, and all parties that the findings do not tell from such a person
	Forged    = "forged"    // the accuser made the marks
	Coalition = "coalition" // copies of several recipients, which their recipients mixed or one party had: never a hypothesis
	Planted   = "planted"   // another holder of a recipient's copies laid them into the dump
	Elsewhere = "elsewhere" // a collection from elsewhere: strangers' pictures, and files that owners also sent there
	Foreign   = "foreign"   // pictures that are not of this registry: what leaks say for Elsewhere
	Unissued  = "unissued"  // copies that the registry does not list: never computed here
	Collector = "collector" // another party with other captures of the same documents: never computed here
)

// A source is one explanation of leaks, with the parts of its holdings that it may have taken. The
// first part is the whole holdings, except for files sent elsewhere.
type source struct {
	kind    string
	holder  int      // index of the holder, of copies, custody and planted; of a coalition its index in the model; else -1
	holders []string // names: of copies the recipient, of a coalition its members, of custody all who held the same; else nil
	members []int    // of copies and coalitions: the recipients, as indices of holders
	parts   []part
}

// A set is what a holder is recorded to have had. Sets are the partitions of a registry
// that a thief may find laid out.
type set struct {
	kind    string
	holder  int
	holders []string
	counts  []int
}

// model is a case made ready.
type model struct {
	c       *Case
	o       Options
	grid    []point
	seen    []sighting
	items   []item
	sets    []set
	all     []int        // submissions by cell
	size    float64      // submissions, at least 1
	units   [units][]int // by length of calendar units, then by cell: the number of the unit that the cell lies in
	sources []source
	rows    rows
	// coalitions are of recipients whose copies are in the same leaks. beside has, for each member of
	// a coalition, the other members of its group, else nil.
	coalitions []coalition
	beside     [][]int
	rowsOf     [][]int // rows of each item
}

// newModel returns the model of a checked case: its clusters, its sources with their parts, and the
// table of how probable each makes each cluster. o must have its defaults filled in. The source of
// files sent elsewhere is the last.
func newModel(c *Case, o Options) *model {
	m := &model{c: c, o: o}
	m.seen, m.items = gather(c, o)
	for _, cell := range c.Cells {
		m.all = append(m.all, cell.Submissions)
	}
	m.size = math.Max(1, float64(total(m.all)))
	m.units = calendarUnits(c.Cells)
	m.collectCoalitions()
	m.grid = newGrid(o, len(m.coalitions) > 0)
	m.collectSets()
	kept := m.fittest()
	for i, s := range m.sets {
		if kept[i] {
			x := source{kind: s.kind, holder: s.holder, holders: s.holders, parts: m.parts(s.kind, s.holder, s.counts, i)}
			if s.kind == Copies {
				x.members = []int{s.holder}
			}
			m.sources = append(m.sources, x)
		}
	}
	for i, s := range m.coalitions {
		m.sources = append(m.sources, source{kind: Coalition, holder: i, holders: m.namesOf(s.members), members: s.members, parts: m.parts(Coalition, i, s.counts, -1)})
	}
	for i, s := range m.sets {
		if kept[i] && s.kind == Copies && m.plantable(s.holder) {
			m.sources = append(m.sources, source{kind: Planted, holder: s.holder, parts: m.parts(Planted, s.holder, s.counts, i)})
		}
	}
	for _, kind := range []string{Insider, Unlisted} {
		m.sources = append(m.sources, source{kind: kind, holder: -1, parts: m.parts(kind, -1, m.all, -1)})
	}
	m.sources = append(m.sources, m.elsewhere())
	m.fill()
	return m
}

// fittest returns, by index in m.sets, which sets become sources: sets that hold a leaked
// submission, at most [maxSets]. If there are more, sets whose marks are seen come first, then sets
// in which leaks are densest by their scan statistic.
func (m *model) fittest() []bool {
	matched := 0.0
	for _, s := range m.seen {
		if s.matched {
			matched++
		}
	}
	marked, fit := make([]bool, len(m.sets)), make([]float64, len(m.sets))
	kept := make([]bool, len(m.sets))
	var order []int
	for i, s := range m.sets {
		n := 0.0
		for k := range m.seen {
			if m.seen[k].has(s.kind, s.holder) {
				n++
				marked[i] = marked[i] || s.kind == Copies && m.seen[k].mark[s.holder] > 1
			}
		}
		if n > 0 {
			fit[i] = scan(n, matched, float64(total(s.counts)), float64(total(m.all)))
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		if marked[a] != marked[b] {
			if marked[a] {
				return -1
			}
			return 1
		}
		return cmp.Compare(fit[b], fit[a])
	})
	for _, i := range order[:min(len(order), maxSets)] {
		kept[i] = true
	}
	return kept
}

// collectSets fills m.sets: a set of copies for each recipient, then the sets of custody. Holders
// with the same counts and the same leaked submissions unmarked share a set. Without
// Case.FoundKnown there are no sets of custody.
func (m *model) collectSets() {
	for i, h := range m.c.Holders {
		if total(h.Copies) > 0 {
			m.sets = append(m.sets, set{Copies, i, []string{h.Name}, h.Copies})
		}
	}
	for i, h := range m.c.Holders {
		if total(h.Unmarked) == 0 || !m.c.FoundKnown {
			continue
		}
		same := slices.IndexFunc(m.sets, func(s set) bool {
			return s.kind == Custody && slices.Equal(s.counts, h.Unmarked) && m.alike(s.holder, i)
		})
		if same >= 0 {
			m.sets[same].holders = append(m.sets[same].holders, h.Name)
			continue
		}
		m.sets = append(m.sets, set{Custody, i, []string{h.Name}, h.Unmarked})
	}
}

// alike reports whether holders a and b, given by index, held the same leaked submissions unmarked.
// Submissions that did not leak are not compared.
func (m *model) alike(a, b int) bool {
	for i := range m.seen {
		if m.seen[i].unmarked[a] != m.seen[i].unmarked[b] {
			return false
		}
	}
	return true
}

// total returns the sum of counts; 0 for nil.
func total(counts []int) int {
	n := 0
	for _, c := range counts {
		n += c
	}
	return n
}

// has reports whether a leak's submission is among what a source could hand on. kind is the kind of
// the source, and holder the index of its holder, or of its coalition. Kinds without a holder (insider, unlisted,
// elsewhere) had every matched submission.
func (s *sighting) has(kind string, holder int) bool {
	switch kind {
	case Copies:
		_, ok := s.mark[holder]
		return ok
	case Planted:
		return s.planted[holder]
	case Custody:
		return s.unmarked[holder]
	case Coalition:
		return s.matched && s.joint[holder] > 0
	}
	return s.matched
}

// marked reports whether a source has marked copies, which it may hand on without their marks.
func (s *source) marked() bool { return s.kind == Copies || s.kind == Coalition }

// covers reports whether any leak's submission is among what a source could hand on; kind and
// holder are as in [sighting.has].
func (m *model) covers(kind string, holder int) bool {
	return slices.ContainsFunc(m.seen, func(s sighting) bool { return s.has(kind, holder) })
}

// plantable reports whether, in any leak, a listed holder could have laid marks that speak for
// recipient r, an index of a holder.
func (m *model) plantable(r int) bool {
	return slices.ContainsFunc(m.seen, func(s sighting) bool { return s.planted[r] && s.mark[r] > 1 })
}

// elsewhere returns the source of files that their owners also sent to others. Its whole has a part
// for each share in [Options].Reuse, all equally probable. The other services may have had the same
// customers in the same time: each calendar unit or range of cells that fits the leaks is one part
// more. All other units and ranges are one part without any of our leaks. The share of such a part
// is the share seen. Its prior is such that the product over the leaks is the mean over all
// shares, if this source alone explains the leaks. The shares have Jeffreys' prior.
func (m *model) elsewhere() source {
	s := source{kind: Elsewhere, holder: -1}
	even := 1 / float64(len(m.o.Reuse))
	for _, u := range m.o.Reuse {
		s.parts = append(s.parts, part{whole: even, size: m.size, from: -1, to: -1, set: -1, reuse: u})
	}
	left := 1.0 // of the prior of times
	p := newProfile(m, Elsewhere, -1, m.all)
	unmatched := float64(len(m.items)) - p.total[everyLeak] // clusters
	if p.total[everyLeak] > 0 {
		for _, x := range m.timeParts(p) {
			both := (x.taken[calendar] + x.taken[ranges]) / 2 // at each point of the grid: a service is no thief of a family
			x.taken = [families]float64{both, both, both}
			left -= both
			s.parts = append(s.parts, x.reused(p.within(everyLeak, interval{x.from, x.to}), unmatched))
		}
	}
	other := part{taken: [families]float64{left, left, left}, size: 1, from: 0, to: -1, set: -1}
	s.parts = append(s.parts, other.reused(0, unmatched))
	return s
}

// reused returns a part of files sent elsewhere with its share of reuse, and the prior that belongs to
// it. in and unmatched are numbers of clusters: in the part, and of no submission.
func (x part) reused(in, unmatched float64) part {
	x.reuse = (in + 0.5) / (in + unmatched + 1)
	mean := lnGamma(in+0.5) + lnGamma(unmatched+0.5) - lnGamma(in+unmatched+1) - lnPi
	x.scale(1, exp(mean-float64(in*ln(x.reuse))-float64(unmatched*ln(1-x.reuse))))
	return x
}

// foreign returns the likelihood of a leak if it is one of the files sent elsewhere, and part x was
// taken. A false match is a random draw from all submissions.
func (m *model) foreign(x *part, l *sighting) float64 {
	switch {
	case !l.matched:
		return math.Max(1-x.reuse-l.chance, 1e-6)
	case !m.in(*x, l):
		return l.chance / m.size
	}
	return float64(x.reuse/x.size) + l.chance/m.size
}
