package sentencecheck

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// holding is the rule of the sentence on leaks without a mark that lie in what a holder could hold. Of each person the
// leak counts that is the rarest in the holding. The bound of the chance is compared with the exact sum, and with the
// bound that is written in the text of the method.
func holdingRule(r *report) []row {
	persons, uploads, bare := make(map[string][]*caseLeak), make(map[string][]*caseLeak), []*caseLeak(nil)
	for i := range r.Verdict.Case.Leaks {
		if l := &r.Verdict.Case.Leaks[i]; l.bare() {
			persons[l.Cluster] = append(persons[l.Cluster], l)
			uploads[l.Submission] = append(uploads[l.Submission], l)
			bare = append(bare, l)
		}
	}
	best, bound, exact, tried := "", 0.0, 0.0, 0
	for _, h := range r.Verdict.Case.Holders {
		if r.couldHold(h.Name, 0, len(r.Verdict.Case.Cells)) == 0 {
			continue
		}
		tried++
		bits := math.Min(r.unlikely(persons, h.Name), r.unlikely(uploads, h.Name)) // the less unlikely one
		if -bits < bound {
			best, bound, exact = h.Name, -bits, math.Max(r.tailOf(persons, h.Name, len(r.personsOf(persons, h.Name))), r.tailOf(uploads, h.Name, len(r.personsOf(uploads, h.Name))))
		}
	}
	bound = (bound + math.Log(float64(max(tried, 1)))) / math.Ln10
	if best == "" || bound > -4 || r.later() {
		return nil
	}
	in := r.personsOf(persons, best)
	var its []*caseLeak
	for _, p := range in {
		its = append(its, persons[p]...)
	}
	var names, shares, others []string
	for _, h := range r.holders() {
		all, some := true, 0
		for _, p := range in {
			had := true
			for _, l := range persons[p] {
				all = all && slices.Contains(l.Unmarked, h)
				had = had && (slices.Contains(l.holding(), h) || slices.ContainsFunc(l.Copies, func(c copyOf) bool { return c.Recipient == h }))
			}
			some += yes(had)
		}
		if all {
			names, shares = append(names, h), append(shares, fmt.Sprintf("%s could hold %.1f %%", h, 100*r.shareOf(persons, h, 0)))
		} else if 10*some >= 9*len(in) {
			others = append(others, h)
		}
	}
	also := ""
	if k := len(others); k > 0 {
		who := others[k-1]
		if k > 1 {
			who = strings.Join(others[:k-1], ", ") + " and " + who
		}
		also = " " + who + " had nine tenths of these or more in another way: by other records of custody, or as marked copies."
	}
	return []row{{"of": pictures(bare), "n": pictures(its), "names": names, "shares": shares, "k": len(names), "persons": len(persons), "inside": len(in), "others": also,
		"once": func(x any) bool { return exact/math.Ln10 <= bound+1e-9 && seldom(x, bound) }}}
}

// unlikely returns a bound of Hoeffding, minus the natural logarithm: as many groups of leaks are of the holding of a
// recipient. It is 0 if that is likely, or too many are not.
func (r *report) unlikely(groups map[string][]*caseLeak, name string) float64 {
	unjudged := float64(r.Verdict.Case.Unjudged)
	n := float64(len(groups)) + unjudged
	mean := (r.shareOf(groups, name, r.Verdict.Case.Unsearched)*float64(len(groups)) + unjudged*r.highestShare(name)) / n
	a := float64(len(r.personsOf(groups, name))) / n
	if a <= mean || 3*(1-a) > 1-mean {
		return 0
	}
	kl := n * a * math.Log(a/mean)
	if a < 1 {
		kl += n * (1 - a) * math.Log((1-a)/(1-mean))
	}
	return kl
}

// personsOf returns the persons with no leak but of uploads that a holder could hold.
func (r *report) personsOf(persons map[string][]*caseLeak, holder string) (in []string) {
	for p, leaks := range persons {
		if r.Verdict.Case.FoundKnown && !slices.ContainsFunc(leaks, func(l *caseLeak) bool { return !slices.Contains(l.Unmarked, holder) }) {
			in = append(in, p)
		}
	}
	return in
}

// rarest returns the share of the uploads of a leak's day that a holder could hold: of several leaks the lowest. Uploads that are
// not searched are left out, as if the holder had none of these.
func (r *report) rarest(leaks []*caseLeak, holder string, unsearched int) float64 {
	low := 1.0
	for _, l := range leaks {
		cell := r.cellOf(l.Submitted)
		held := r.couldHold(holder, cell, cell+1)
		low = math.Min(low, float64(held)/math.Max(float64(held), float64(r.uploads(cell, cell+1)-unsearched)))
	}
	return low
}

// highestShare returns the highest share of the uploads of a day that a holder could hold.
func (r *report) highestShare(holder string) (highest float64) {
	if r.Verdict.Case.Unjudged == 0 {
		return 0 // it counts for no leak
	}
	for _, h := range r.Verdict.Case.Holders {
		if h.Name != holder {
			continue
		}
		for i, held := range cellCounts(h.Unmarked) {
			highest = max(highest, float64(held)/math.Max(float64(held), math.Max(1, float64(r.Verdict.Case.Cells[i].Submissions-r.Verdict.Case.Unsearched))))
		}
	}
	return highest
}

// cellOf returns the cell of a time.
func (r *report) cellOf(at time.Time) (cell int) {
	for i, c := range r.Verdict.Case.Cells {
		if !c.From.After(at) {
			cell = i
		}
	}
	return cell
}

// shareOf returns the mean of rarest over persons.
func (r *report) shareOf(persons map[string][]*caseLeak, holder string, unsearched int) (mean float64) {
	for _, leaks := range persons {
		mean += r.rarest(leaks, holder, unsearched) / float64(len(persons))
	}
	return mean
}

// tailOf returns the natural logarithm of a probability: as many persons as inside, or more, are of what a holder could
// hold. Each is so with a probability of its own.
func (r *report) tailOf(persons map[string][]*caseLeak, holder string, inside int) float64 {
	p := []float64{1} // by number of persons
	each := slices.Repeat([]float64{r.highestShare(holder)}, r.Verdict.Case.Unjudged)
	for _, leaks := range persons {
		each = append(each, r.rarest(leaks, holder, r.Verdict.Case.Unsearched))
	}
	for _, x := range each {
		next := make([]float64, len(p)+1)
		for k, q := range p {
			next[k], next[k+1] = next[k]+q*(1-x), next[k+1]+q*x
		}
		p = next
	}
	sum := 0.0
	for _, q := range p[inside:] {
		sum += q
	}
	return math.Log(sum)
}
