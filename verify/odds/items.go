package odds

import (
	"math"
	"slices"
)

// A sighting is a leak as the model sees it. Recipients and holders are indices in [Case].Holders.
// Only matched, marked, recall and chance are set for a leak that shows no submission.
type sighting struct {
	matched  bool
	marked   bool            // a mark was found in it, also a mark that counts for no recipient
	cell     int             // index of the cell of its submission
	recall   float64         // probability, 0..1, that the search finds such a leak
	chance   float64         // probability, 0..1, of a false match
	mark     map[int]float64 // by recipient that was issued a copy: g, the likelihood ratio of its marks if it did not remove them
	miss     map[int]float64 // by recipient: the probability that the mark of its copy is not found; 1 where some of it is seen
	sure     map[int]bool    // recipients with a confirmed copy that counts as evidence
	unmarked map[int]bool    // holders of the submission whose custody is admissible
	held     map[int]bool    // holders of the submission, admissible or not
	ever     map[int]float64 // mark, of copies of any date
	undated  map[int]bool    // recipients with a confirmed copy that counts, and that was not issued after the find
	fresh    map[int]bool    // of these, recipients with a copy that was not public before
	planted  map[int]bool    // recipients whose copy another listed holder could have planted here
	by       map[int][]int   // by such recipients: the holders that could have planted the copy
	joint    []float64       // by coalition: g if the coalition handed the leak on; 0 if no member was issued a copy
	very     map[int][]int   // by recipient: holders that are recorded to have had its very copy
}

// had reports whether holder k is recorded to have had recipient r's very copy of the submission. r
// and k are indices of holders.
func (s *sighting) had(r, k int) bool { return slices.Contains(s.very[r], k) }

// narrow returns a table by recipient, then by holder, both as indices. An element is true if the
// holder held less than [wideHolder] of the recipient's submissions unmarked. A recipient and
// itself give false.
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

// overlap returns the share, 0..1, of the submissions that recipient r was issued copies of and
// that holder k held unmarked, whatever the dates: the time of the find must not change who is a
// rival. The counts by cell do not say which submissions overlap, so that the
// share is the share expected by chance. It is 0 if r was issued no copy. r and k are indices of
// holders.
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

// gather returns the sightings, one for each leak of a checked case in the same order. It also
// returns the clusters of these leaks, by their first leaks. Matched leaks of one [Leak].Cluster
// are one cluster, also if it is "". Unmatched leaks form clusters of their own, and each is alone
// if its Cluster is "". o must have its defaults filled in.
func gather(c *Case, o Options) (seen []sighting, items []item) {
	index := make(map[string]int, len(c.Holders))
	for i, h := range c.Holders {
		index[h.Name] = i
	}
	clusters, few := make(map[string]int), narrow(c)
	for i := range c.Leaks {
		l := &c.Leaks[i]
		s := sighting{matched: l.Submission != "", marked: l.Marked, recall: l.Recall, chance: l.FalseMatch}
		if s.recall == 0 {
			s.recall = o.Recall
		}
		if s.chance == 0 {
			s.chance = o.FalseMatch
		}
		if s.matched {
			s.read(c, l, index, few, o)
		}
		seen = append(seen, s)
		key := "?" + l.Cluster
		if s.matched {
			key = "=" + l.Cluster
		}
		k, known := clusters[key]
		if !known || key == "?" {
			k = len(items)
			items = append(items, item{matched: s.matched})
			clusters[key] = k
		}
		items[k].leaks = append(items[k].leaks, i)
	}
	return seen, items
}

// read fills in what the copies and the custody of a matched leak l say. index gives the index of
// each holder by name, and few is the result of [narrow]. Several copies of one recipient count by
// the mean of their ratios. Admissible custody is ignored unless c.FoundKnown. Custody of any date
// says who could have planted a copy, and who could be another source.
func (s *sighting) read(c *Case, l *Leak, index map[string]int, few [][]bool, o Options) {
	s.cell = CellOf(c.Cells, l.Submitted)
	s.mark, s.miss, s.sure, s.unmarked = make(map[int]float64), make(map[int]float64), make(map[int]bool), make(map[int]bool)
	s.held, s.undated, s.fresh, s.ever = make(map[int]bool), make(map[int]bool), make(map[int]bool), make(map[int]float64)
	s.planted, s.by, s.very = make(map[int]bool), make(map[int][]int), make(map[int][]int)
	if c.FoundKnown {
		for _, name := range l.Unmarked {
			s.unmarked[index[name]] = true
		}
	}
	for _, name := range l.HeldBy() {
		s.held[index[name]] = true
	}
	sum, of := make(map[int]float64), make(map[int]float64)
	ever, all := make(map[int]float64), make(map[int]float64)
	for _, copied := range l.Copies {
		r := index[copied.Recipient]
		e, miss := 0.0, 1.0
		if copied.Confirmed {
			e, miss = math.Min(copied.LnE, o.MaxLnE), math.Max(copied.Miss, o.MinMiss)
		}
		ratio := float64((1-miss)*exp(e)) + miss
		ever[r], all[r] = ever[r]+ratio, all[r]+1
		late := copied.Late && !(copied.Confirmed && e >= SureLnE)
		if !late { // else the leak cannot derive from it
			sum[r] += ratio
			of[r]++
		}
		if e > 0 {
			miss = 1
		}
		s.miss[r] = math.Max(s.miss[r], miss)
		if copied.Confirmed && e >= SureLnE {
			s.sure[r] = true
			s.undated[r] = s.undated[r] || !copied.Late
			s.fresh[r] = s.fresh[r] || !copied.Late && copied.Public.IsZero()
		}
		for _, other := range copied.Others {
			if k, ok := index[other]; ok && k != r {
				s.other(r, k)
				s.very[r] = append(s.very[r], k)
			}
		}
	}
	for r := range sum {
		s.mark[r] = rounded(sum[r] / of[r])
	}
	for r := range ever {
		s.ever[r] = rounded(ever[r] / all[r])
	}
	for _, name := range l.HeldBy() {
		for r := range ever {
			if k := index[name]; few[r][k] {
				s.other(r, k)
			}
		}
	}
}

// other records that holder k could have planted recipient r's copy in this leak. r and k are
// indices of holders; a repetition changes nothing.
func (s *sighting) other(r, k int) {
	s.planted[r] = true
	if !slices.Contains(s.by[r], k) {
		s.by[r] = append(s.by[r], k)
	}
}

// rounded rounds a likelihood ratio towards 1. Ratios from 1 on are rounded down to multiples of
// [forStep] in their natural logarithm; ratios below 1 are rounded up to multiples of
// [againstStep].
func rounded(g float64) float64 {
	ln := ln(g)
	if ln >= 0 {
		return exp(float64(math.Floor(ln/forStep+1e-9) * forStep))
	}
	return exp(float64(math.Ceil(ln/againstStep-1e-9) * againstStep))
}

// bare reports whether the leak shows a submission and no mark was found in it.
func (s *sighting) bare() bool { return s.matched && !s.marked && s.plain() }

// plain reports whether no recipient's marks in the leak have a ratio above 1. It is also true for
// an unmatched leak.
func (s *sighting) plain() bool {
	for _, g := range s.mark {
		if g > 1 {
			return false
		}
	}
	return true
}
