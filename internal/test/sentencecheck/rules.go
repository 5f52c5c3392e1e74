package sentencecheck

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A row is the figures with which a sentence must be said once.
type row = map[string]any

// Evidence that may count towards a name has an e-value of 1,000 at least.
const strong = 6.907755278982137

// What can be recounted from a leak alone.

func (l *leak) examined() bool {
	return !slices.Contains([]string{"damaged", "unsupported", "unopened", "missing", "no picture"}, l.Finding)
}
func (l *leak) confirmed() bool { return l.Finding == "copy" }

// unconfirmed reports whether the leak carries the mark of a copy that is not confirmed.
func (l *leak) unconfirmed() bool { return l.Finding == "copy-unconfirmed" }
func (l *leak) bare() bool {
	return l.Finding == "unmarked" || l.Finding == "unreadable" && !l.damaged()
}

// damaged reports whether a part of a mark is there, and no copy was found.
func (l *leak) damaged() bool {
	t := l.trace(l.Submission)
	return l.Finding == "unreadable" && len(l.Reads) == 0 && t.Registered && t.LogAny <= -6
}
func (l *leak) shows() bool {
	return l.bare() || l.damaged() || l.confirmed() || l.Finding == "transplanted" || l.Forgeable || l.Void || l.Finding == "unissued" && l.Submission != ""
}

// unissued reports whether a mark was read that the registry does not list.
func (l *leak) unissued() bool {
	return l.stray().Copy != ""
}

// marked reports whether a mark was found, whatever it is worth.
func (l *leak) marked() bool {
	return l.confirmed() || l.unconfirmed() || l.Finding == "transplanted" || l.unissued()
}

// recipients returns the recipients of the confirmed copies, each once.
func (l *leak) recipients() (out []string) {
	for _, c := range l.Issued {
		if l.confirmed() && !slices.Contains(out, c.Recipient) {
			out = append(out, c.Recipient)
		}
	}
	if l.confirmed() && len(out) == 0 {
		return l.Recipients
	}
	return out
}

// parts returns the leak once for each upload that it shows: with the copies of that upload alone, and with what the
// registry says of it.
func (l *leak) parts() (out []*leak) {
	if len(l.Beside) == 0 {
		return []*leak{l}
	}
	part := func(of string) *leak {
		x := *l
		x.Submission, x.Beside, x.Recipients, x.Issued = of, nil, nil, nil
		for _, c := range l.Issued {
			if c.Of == of {
				x.Issued = append(x.Issued, c)
			}
		}
		if l.confirmed() && len(x.Issued) == 0 { // shown without a copy
			x.Finding, x.KeyID, x.Copies = "unreadable", "", nil
			x.Reads = slices.DeleteFunc(slices.Clone(l.Reads), func(o readOf) bool { return o.Submission != of })
		}
		if of != l.Submission && (l.unconfirmed() || l.Finding == "transplanted" || l.Finding == "unissued") {
			x.Finding, x.Copies, x.Forgeable, x.Void = "unreadable", nil, false, false
		}
		out = append(out, &x)
		return &x
	}
	part(l.Submission)
	for _, b := range l.Beside {
		x := part(b.Submission)
		x.Submitted, x.Cluster, x.Entered, x.Custody = b.Submitted, b.Cluster, b.Entered, b.Custody
	}
	return out
}

// partsOf returns the parts of leaks. If a name is given, they are the parts with copies of that recipient.
func partsOf(leaks []*leak, name string) (out []*leak) {
	for _, l := range leaks {
		for _, x := range l.parts() {
			if name == "" || slices.Contains(x.recipients(), name) {
				out = append(out, x)
			}
		}
	}
	return out
}

// all returns the parts of all leaks.
func (r *report) all() (out []*leak) {
	for i := range r.Leaks {
		out = append(out, r.Leaks[i].parts()...)
	}
	return out
}

// sources returns the recipients with confirmed copies, sorted, whether or not the case lists them as holders.
func (r *report) sources() []string {
	names := make(map[string]bool)
	for i := range r.Leaks {
		for _, name := range r.Leaks[i].recipients() {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

func (r *report) after(t time.Time) bool { return !r.found.IsZero() && t.After(r.found) }

// count counts the leaks for which is holds.
func (r *report) count(is func(*leak) bool) (n int) {
	for i := range r.Leaks {
		if is(&r.Leaks[i]) {
			n++
		}
	}
	return n
}

func finding(name string) func(*leak) bool { return func(l *leak) bool { return l.Finding == name } }

func (r *report) examined() int { return r.count((*leak).examined) }

// first reports whether no leak before i is the same file with the same finding.
func (r *report) first(i int) bool {
	x := &r.Leaks[i]
	return x.SHA256 == "" || !slices.ContainsFunc(r.Leaks[:i], func(l leak) bool {
		return l.SHA256 == x.SHA256 && l.Finding == x.Finding && l.Submission == x.Submission && slices.Equal(l.Copies, x.Copies)
	})
}

// holders are the recipients of the registry, in its order.
func (r *report) holders() (out []string) {
	for _, h := range r.Verdict.Case.Holders {
		out = append(out, h.Name)
	}
	return out
}

// with returns the leaks with a confirmed copy of a recipient that not every holder of a lost key could have made.
func (r *report) with(name string) (out []*leak) {
	for i := range r.Leaks {
		if slices.Contains(r.Leaks[i].recipients(), name) && !r.forged(&r.Leaks[i], name) {
			out = append(out, &r.Leaks[i])
		}
	}
	return out
}

// units returns the bounds of the number of units (persons, as far as known) that leaks show. A unit is
// named in the case; an upload that the case leaves out may be of any unit. If no number of uploads a person is stated,
// nameless uploads add a unit only in two cases: no upload has a subject, or they show the document of another.
func (r *report) units(leaks []*leak) (low, high int) {
	of := make(map[string]string)
	for _, l := range r.Verdict.Case.Leaks {
		of[l.Submission] = l.Cluster
	}
	document := make(map[string]bool) // uploads that show the document of another
	for _, d := range r.Verdict.SameDocuments {
		for _, id := range d.Submissions {
			document[id] = true
		}
	}
	for _, l := range r.Leaks {
		for _, b := range l.Beside {
			if b.Same {
				document[l.Submission], document[b.Submission] = true, true
			}
		}
	}
	seen, subjects, open := make(map[string]bool), make(map[string]bool), 0
	for _, l := range leaks {
		if l.Cluster != "" {
			subjects[l.Cluster] = true
		} else if document[l.Submission] {
			subjects[of[l.Submission]] = true
		}
		if unit, known := of[l.Submission]; known {
			seen[unit] = true
		} else {
			open++
		}
	}
	low, high = max(len(seen), 1), max(len(seen)+open, 1)
	if r.each == 0 {
		high = min(high, max(len(subjects), 1))
	}
	return low, high
}

// between accepts a whole number within bounds.
func between(low, high int) func(any) bool {
	return func(x any) bool {
		n, ok := x.(float64)
		return ok && n >= float64(low) && n <= float64(high)
	}
}

// admissible returns the holders, by the registry's list, whose custody of a leak's upload was
// entered before the leaks were found; and those with custody that was not.
func (r *report) admissible(l *leak) (in, out []string) {
	for _, h := range r.holders() {
		any, good := false, false
		for _, x := range l.parts() {
			for _, c := range x.Custody {
				if c.Recipient == h && !r.after(x.Submitted) {
					any, good = true, good || !r.found.IsZero() && c.Entered.Before(r.found)
				}
			}
		}
		if good {
			in = append(in, h)
		} else if any {
			out = append(out, h)
		}
	}
	return in, out
}

// said, once.
func once(yes bool, x row) []row {
	if !yes {
		return nil
	}
	if x == nil {
		x = row{}
	}
	return []row{x}
}

// some is said with n if n is above 0.
func some(n int, x row) []row {
	if x == nil {
		x = row{}
	}
	x["n"] = n
	return once(n > 0, x)
}

// What the headline must be about.
const (
	nothing = iota
	unopened
	named
	confirmed
	matched
	unconfirmed
	unmatched
)

func (r *report) stage() int {
	switch {
	case len(r.Leaks) == 0:
		return nothing
	case r.examined() == 0:
		return unopened
	case len(r.Verdict.Named) > 0:
		return named
	case r.count((*leak).confirmed) > 0:
		return confirmed
	case r.count((*leak).shows) > 0:
		return matched
	case r.count((*leak).unconfirmed) > 0:
		return unconfirmed
	}
	return unmatched
}

// plain returns the number of pictures that show an upload and on which no mark was found: all, and
// the pictures of the time of the window.
func (r *report) plain() (all, in int) {
	w := r.Verdict.Odds.Window
	var bare []*caseLeak
	outside := make(map[*caseLeak]bool)
	for i := range r.Verdict.Case.Leaks {
		if l := &r.Verdict.Case.Leaks[i]; l.bare() {
			bare = append(bare, l)
			outside[l.near[0]] = outside[l.near[0]] || !r.within(l, w.From, w.To)
		}
	}
	for _, out := range outside {
		in += yes(!out)
	}
	return pictures(bare), in
}

// timeOf returns the days of the window in words, and its share of the registry.
func (r *report) timeOf() (dates, share string) {
	w, cells := r.Verdict.Odds.Window, r.Verdict.Case.Cells
	dates = cells[w.From].From.UTC().Format(time.DateOnly)
	if w.To > w.From {
		dates += " to " + cells[w.To].From.UTC().Format(time.DateOnly)
	}
	in, all := 0, 0
	for i, c := range cells {
		if all += c.Submissions; i >= w.From && i <= w.To {
			in += c.Submissions
		}
	}
	x := 100 * float64(in) / float64(max(all, 1))
	if share = fmt.Sprintf("%.1f %%", x); x > 0 && x < 0.1 {
		share = "less than 0.1 %"
	}
	return dates, share
}

// uploads counts the uploads of the registry in some cells, the end excluded.
func (r *report) uploads(from, end int) (n int) {
	for _, c := range r.Verdict.Case.Cells[from:end] {
		n += c.Submissions
	}
	return n
}

// everHeld is couldHold of all cells by records of any date, and uploads of any time.
func (r *report) everHeld(name string) (n, all int) {
	for _, c := range r.Verdict.Case.Cells {
		all += max(c.All, c.Submissions)
	}
	for _, h := range r.Verdict.Case.Holders {
		if h.Name != name {
			continue
		}
		counts := cellCounts(h.Held)
		if len(h.Held) == 0 {
			counts = cellCounts(h.Unmarked)
		}
		for _, k := range counts {
			n += k
		}
	}
	return n, all
}

// couldHold counts the uploads of some cells, the end excluded, that a recipient could hold unmarked.
func (r *report) couldHold(name string, from, end int) (n int) {
	for _, h := range r.Verdict.Case.Holders {
		if counts := cellCounts(h.Unmarked); h.Name == name && len(counts) > 0 {
			for _, k := range counts[from:end] {
				n += k
			}
		}
	}
	return n
}

// cellCounts reads counts by cell: a list, or a string of runs such as "0*300 12".
func cellCounts(text json.RawMessage) (counts []int) {
	var runs string
	if json.Unmarshal(text, &runs) != nil {
		_ = json.Unmarshal(text, &counts)
		return counts
	}
	for _, run := range strings.Fields(runs) {
		number, times, several := strings.Cut(run, "*")
		n, _ := strconv.Atoi(number)
		k := 1
		if several {
			k, _ = strconv.Atoi(times)
		}
		counts = append(counts, slices.Repeat([]int{n}, k)...)
	}
	return counts
}

// bare reports whether a leak shows an upload, and no mark was found in its picture.
func (l *caseLeak) bare() bool {
	return l.Submission != "" && !l.Marked && !slices.ContainsFunc(l.near, func(o *caseLeak) bool {
		return slices.ContainsFunc(o.Copies, func(c copyOf) bool { return c.Confirmed && c.LnE >= strong })
	})
}

// later reports whether a picture without a mark shows an upload that the registry took after the find.
func (r *report) later() bool {
	for i := range r.Leaks {
		l := &r.Leaks[i]
		for _, x := range l.parts() {
			if at := x.received(); l.bare() && r.after(at) {
				return true
			}
		}
	}
	return false
}

// pictures counts the pictures of leaks of the case.
func pictures(leaks []*caseLeak) int {
	all := make(map[*caseLeak]bool)
	for _, l := range leaks {
		all[l.near[0]] = true
	}
	return len(all)
}

// within reports whether a leak's upload is of the cells from and to, or between them. The first cell has
// all earlier times also, and the last cell all later ones.
func (r *report) within(l *caseLeak, from, to int) bool {
	cells := r.Verdict.Case.Cells
	return (from == 0 || !l.Submitted.Before(cells[from].From)) && (to+1 == len(cells) || l.Submitted.Before(cells[to+1].From))
}

// personsIn counts the persons with leaks without a mark. inside counts the persons whose such leaks all lie within cells.
func (r *report) personsIn(from, to int, of func(*caseLeak) string) (all, inside int) {
	out := make(map[string]bool)
	for i := range r.Verdict.Case.Leaks {
		if l := &r.Verdict.Case.Leaks[i]; l.bare() {
			out[of(l)] = out[of(l)] || !r.within(l, from, to)
		}
	}
	for _, x := range out {
		inside += yes(!x)
	}
	return len(out), inside
}

// chance returns the log10 probability of a draw of all persons from all uploads: as many as inside lie within cells
// from to to. It is corrected for the number of ranges of cells between the first and the last with uploads.
func (r *report) chance(inside, all, from, to int) float64 {
	cells := r.Verdict.Case.Cells
	size := max(r.uploads(0, len(cells))-r.Verdict.Case.Unsearched, 0)
	all = min(all+r.Verdict.Case.Unjudged, size)
	good := min(r.uploads(from, to+1), size)
	choose := func(n, k int) float64 {
		a, _ := math.Lgamma(float64(n + 1))
		b, _ := math.Lgamma(float64(k + 1))
		c, _ := math.Lgamma(float64(n - k + 1))
		return a - b - c
	}
	sum := 0.0
	for k := inside; k <= min(all, good); k++ {
		if all-k <= size-good {
			sum += math.Exp(choose(good, k) + choose(size-good, all-k) - choose(size, all))
		}
	}
	first, last := len(cells), -1
	for k, c := range cells {
		if c.Submissions > 0 {
			first, last = min(first, k), k
		}
	}
	days := float64(last - first + 1)
	return math.Min(0, math.Log10(sum*days*(days+1)/2))
}

// seldom reports whether x is the inverse of a probability, rounded down, from 10^9 on as a power of ten alone.
func seldom(x any, log10 float64) bool {
	text, _ := x.(string)
	if power, is := strings.CutPrefix(text, "10^"); is {
		n, err := strconv.Atoi(power)
		return err == nil && -log10 >= 9 && float64(n) <= -log10+1e-4 && float64(n) > -log10-1-1e-4
	}
	return log10 > -9-1e-4 && times(-log10+1e-4)(x)
}

// windowHeld are the recipients that could hold all uploads of the window that leaks show, and how many pictures these are.
func (r *report) windowHeld() (names []string, pictures int) {
	w := r.Verdict.Odds.Window
	if r.later() {
		return nil, 0
	}
	n, had := 0, make(map[string]int)
	for i := range r.Verdict.Case.Leaks {
		l := &r.Verdict.Case.Leaks[i]
		if !l.bare() || !r.within(l, w.From, w.To) {
			continue
		}
		n++
		for _, name := range l.Unmarked {
			had[name] += yes(r.Verdict.Case.FoundKnown)
		}
	}
	for _, h := range r.Verdict.Case.Holders {
		if had[h.Name] == n {
			names = append(names, h.Name)
		}
	}
	_, pictures = r.plain()
	return names, pictures
}

// holdersOfTime are the sentences on holders of the window, each with its share of the uploads of that time; "": there are
// no holders.
func (r *report) holdersOfTime() string {
	w := r.Verdict.Odds.Window
	listed := func(names []string) string {
		if k := len(names); k > 1 {
			return strings.Join(names[:k-1], ", ") + " and " + names[k-1]
		}
		return names[0]
	}
	names, n := r.windowHeld()
	if len(names) == 0 {
		return ""
	}
	var shares []string
	for _, name := range names {
		shares = append(shares, fmt.Sprintf("%s could hold %.1f %%", name, 100*float64(r.couldHold(name, w.From, w.To+1))/float64(r.uploads(w.From, w.To+1))))
	}
	return fmt.Sprintf(" By the records, %s could hold the uploads of all these %d pictures unmarked. Of all uploads of that time %s. The exchange held them also. A thief who took just this time, from any of them, fits as well.",
		listed(names), n, listed(shares))
}

// maxRatio returns the log10 of the maximum likelihood ratio that the e-values of a recipient's copies allow: each cluster by its best
// leak, and the best share.
func (r *report) maxRatio(name string) float64 {
	best := make(map[string]float64)
	for _, l := range r.Verdict.Case.Leaks {
		for _, c := range l.Copies {
			if c.Recipient == name && c.Confirmed {
				best[l.Cluster] = math.Max(best[l.Cluster], math.Max(0, math.Min(c.LnE, math.Log(1e9))))
			}
		}
	}
	sum := 0.0
	for _, x := range best {
		sum += x
	}
	return sum / math.Ln10
}

// withCopies returns the recipients with confirmed copies that count.
func (r *report) withCopies(is func(*hypothesis) bool) (out []*hypothesis) {
	for i := range r.Verdict.Odds.Recipients {
		if h := &r.Verdict.Odds.Recipients[i]; h.Clusters > 0 && is(h) {
			out = append(out, h)
		}
	}
	return out
}

func (r *report) spoken() []*hypothesis {
	return r.withCopies(func(h *hypothesis) bool { return h.LR > 0 })
}

// withheld returns why a recipient with copies that count is not named: "few", "dates", "exposed",
// "many", "ratio" or "trials"; "" if it is named.
func (r *report) withheld(h *hypothesis) string {
	recipients := len(r.Verdict.Odds.Recipients)
	switch {
	case slices.Contains(r.Verdict.Named, h.Name):
		return ""
	case h.Clusters < 2:
		return "few"
	case r.undated(h.Name) < 2:
		return "dates"
	case r.fresh(h.Name) < 2:
		return "exposed"
	case h.LR == 0 && r.group(h.Name) > 8:
		return "many"
	case h.Raw-math.Log10(float64(recipients)) < 4:
		return "ratio"
	}
	return "trials"
}

// clusters returns the number of clusters with a copy of a recipient that counts. having is the
// number of these clusters with a leak for which has is true.
func (r *report) clusters(name string, has func(*caseLeak) bool) (all, having int) {
	seen := make(map[string]bool)
	for i := range r.Verdict.Case.Leaks {
		l := &r.Verdict.Case.Leaks[i]
		if !l.carries(name) {
			continue
		}
		seen[l.Cluster] = seen[l.Cluster] || has(l)
	}
	for _, yes := range seen {
		if yes {
			having++
		}
	}
	return len(seen), having
}

// holding returns the holders whose custody covers the upload, whatever its date.
func (l *caseLeak) holding() []string {
	if l.Held != nil {
		return l.Held
	}
	return l.Unmarked
}

// shared reports whether a leak carries a recipient's copies, or another leak of its picture does.
func (l *caseLeak) shared(name string) bool {
	return slices.ContainsFunc(l.near, func(o *caseLeak) bool { return o.carries(name) })
}

// dated reports whether a leak has a confirmed copy of a recipient that counts and is not of after the
// stated find.
func (l *caseLeak) dated(name string) bool {
	for _, c := range l.Copies {
		if c.Recipient == name && c.Confirmed && c.LnE >= strong && !c.Late {
			return true
		}
	}
	return false
}

// carries reports whether a leak has a confirmed copy of a recipient that counts.
func (l *caseLeak) carries(name string) bool {
	for _, c := range l.Copies {
		if c.Recipient == name && c.Confirmed && c.LnE >= strong {
			return l.Submission != ""
		}
	}
	return false
}

// groups returns the holders whose copies are surely in the same leaks, directly or over others, in
// the order of holders. The group with a holder of most such leaks comes first.
func (r *report) groups() (out [][]string) {
	next, with := make(map[string][]string), make(map[string]int) // by holder: those it is found with, and in how many leaks
	for i := range r.Verdict.Case.Leaks {
		l := &r.Verdict.Case.Leaks[i]
		var in []string
		for _, h := range r.holders() {
			if l.shared(h) && !l.Beside {
				in = append(in, h)
			}
		}
		for _, h := range in {
			if next[h] = append(next[h], in...); len(in) > 1 {
				with[h]++
			}
		}
	}
	seen := make(map[string]bool)
	top := func(group []string) (n int) {
		for _, h := range group {
			n = max(n, with[h])
		}
		return n
	}
	for _, h := range r.holders() {
		var group []string
		for open := []string{h}; len(open) > 0; open = open[1:] {
			if x := open[0]; !seen[x] && with[x] > 0 {
				seen[x] = true
				group, open = append(group, x), append(open, next[x]...)
			}
		}
		slices.SortFunc(group, func(a, b string) int { return slices.Index(r.holders(), a) - slices.Index(r.holders(), b) })
		if len(group) > 1 {
			out = append(out, group)
		}
	}
	slices.SortStableFunc(out, func(a, b []string) int { return top(b) - top(a) })
	return out
}

// had reports whether another holder is recorded to have had a recipient's very copy.
func (l *caseLeak) had(name, other string) bool {
	for _, c := range l.Copies {
		if c.Recipient == name && slices.Contains(c.Others, other) {
			return true
		}
	}
	return false
}

// undated returns the number of clusters with a copy of a recipient that counts and is not of after
// the stated find.
func (r *report) undated(name string) int {
	_, n := r.clusters(name, func(l *caseLeak) bool { return l.dated(name) })
	return n
}

// fresh is undated without copies that were public before.
func (r *report) fresh(name string) int {
	_, n := r.clusters(name, func(l *caseLeak) bool { return l.fresh(name) })
	return n
}

func (l *caseLeak) fresh(name string) bool {
	return slices.ContainsFunc(l.Copies, func(c copyOf) bool {
		return c.Recipient == name && c.Confirmed && c.LnE >= strong && !c.Late && c.Public.IsZero()
	})
}

// rivals checks the rivals of a recipient by reason, and returns them.
func (r *report) rivals(name string, why ...string) (out []row) {
	for _, x := range r.Verdict.Odds.Rivals {
		if x.Name != name || !slices.Contains(why, x.Why) {
			continue
		}
		names := make(map[string]bool) // the clusters that may name the recipient; all if these are too few
		for _, l := range r.Verdict.Case.Leaks {
			names[l.Cluster] = names[l.Cluster] || r.fresh(name) < 2 || l.fresh(name)
		}
		_, no := r.clusters(name, func(l *caseLeak) bool { return !names[l.Cluster] })
		all, held := r.clusters(name, func(l *caseLeak) bool {
			return names[l.Cluster] && (slices.Contains(l.holding(), x.Other) || l.had(name, x.Other))
		})
		out = append(out, row{"name": name, "other": x.Other, "n": held, "of": all - no})
	}
	return out
}

// rest returns the number of submissions that are not explained by a recipient's copies by its rivals;
// and the bounds within which the leaks allow that number.
func (r *report) rest(name string) (n, low, high int) {
	for _, x := range r.Verdict.Odds.Rivals {
		if x.Name == name && x.Why == "rest" {
			n = x.Of
		}
	}
	type state struct{ own, plain, others, had bool }
	seen := make(map[string]*state)
	for i := range r.Verdict.Case.Leaks {
		l := &r.Verdict.Case.Leaks[i]
		if l.Submission == "" {
			continue
		}
		if seen[l.Submission] == nil {
			seen[l.Submission] = new(state)
		}
		s := seen[l.Submission]
		s.own, s.plain = s.own || l.carries(name), s.plain || !l.carries(name)
		for _, c := range l.Copies {
			s.had = s.had || c.Recipient == name
			s.others = s.others || !l.carries(name) && l.carries(c.Recipient)
		}
	}
	for _, s := range seen {
		if s.others || s.plain || !s.own {
			high++
		}
		if s.others || !s.own && !s.had {
			low++
		}
	}
	return n, low, high
}

// transplanted returns the leaks with a transplanted mark of any of the recipients. A repeated file
// has the marks of the first.
func (r *report) transplanted(names ...string) (n int, of []string) {
	marks := make(map[string][]string)
	for i, k := range r.Verdict.Of {
		if l := r.Verdict.Case.Leaks[i]; !l.Beside {
			marks[r.Leaks[k].SHA256+r.Leaks[k].Finding] = l.Transplanted
		}
	}
	for _, l := range r.Leaks {
		any := false
		for _, name := range names {
			if l.Finding == "transplanted" && slices.Contains(marks[l.SHA256+l.Finding], name) {
				any = true
				if !slices.Contains(of, name) {
					of = append(of, name)
				}
			}
		}
		if any {
			n++
		}
	}
	slices.SortFunc(of, func(a, b string) int { return slices.Index(names, a) - slices.Index(names, b) })
	return n, of
}

// strong reports whether a leak of the case carries a copy of a recipient that counts.
func (r *report) strong(name string) bool {
	n, _ := r.clusters(name, func(*caseLeak) bool { return true })
	return n > 0
}

// Figures in words.

func whole(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// times accepts a number in words that is 10^lr, rounded down to one digit.
func times(lr float64) func(any) bool {
	return func(x any) bool {
		n, ok := number(x)
		return ok && n <= math.Pow(10, lr)*(1+1e-6) && n*2 > math.Pow(10, lr)*(1-1e-6) && len(strings.Trim(strings.ReplaceAll(x.(string), ",", ""), "0")) <= 1
	}
}

func number(x any) (float64, bool) {
	s, _ := x.(string)
	n, err := strconv.ParseFloat(strings.ReplaceAll(s, ",", ""), 64)
	return n, err == nil
}

// support is the verbal scale of the ENFSI guideline of 2015.
func support(lr float64) string {
	x, words := math.Abs(lr), "no support"
	for i, from := range []float64{math.Log10(2), 1, 2, 3, 4, 6} {
		if x >= from-1e-12 {
			words = []string{"weak support", "moderate support", "moderately strong support", "strong support", "very strong support", "extremely strong support"}[i]
		}
	}
	if lr < 0 && words != "no support" {
		words += " for the alternative"
	}
	return words
}

// powered writes a power, which trials limit: none of 629 marks was missed.
func powered(p float64) string { return percent(math.Min(p, 1-3./629)) }

// percent writes a probability rounded down.
func percent(p float64) string {
	switch {
	case p >= 0.9999:
		return "more than 99.99 %"
	case p >= 0.99:
		return fmt.Sprintf("%.2f %%", math.Floor(p*10000)/100)
	}
	return fmt.Sprintf("%d %%", int(p*100))
}

// bound returns the log10 of the largest ratio that trials without an error allow.
func bound(trials int) float64 { return math.Max(0, math.Log10(float64(trials)/3)) }
