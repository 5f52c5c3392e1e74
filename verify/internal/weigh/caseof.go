package weigh

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/conclude"
	"github.com/kycmark/kycmark/verify/internal/holdings"
	"github.com/kycmark/kycmark/verify/internal/tuning"
	"github.com/kycmark/kycmark/verify/odds"
	"github.com/kycmark/kycmark/watermark"
)

// Facts are what the registry says of the recipients and of the submissions that leaks show.
type Facts struct {
	Recipients []books.Recipient
	Cells      []odds.Cell                           // the days with submissions
	Holdings   *holdings.Holdings                    // counts by recipient and cell, up to the find and of admissible custody
	Ever       *holdings.Holdings                    // the same whatever the dates; cells have the submissions in All
	Copies     map[watermark.Submission][]books.Copy // copies of the submissions that leaks show, but void ones
	History    findings.History
	Travel     []findings.Travel
	Past

	Same        []findings.SameDocument // of submissions that leaks show
	NotCompared int                     // see [findings.Verdict]

	Unconfirmed map[string]int // by recipient, leaks with unconfirmed marks that the leaks themselves do not name; nil unless read from findings
}

// Past is what the ledger says of earlier investigations.
type Past struct {
	Earlier   []findings.Earlier     // of the same files
	Published []findings.Earlier     // of other files, which were published, with the same copies
	Public    map[Exposure]time.Time // since when copies in files were public
}

// Held is all that is recorded of a submission: when it was submitted, and who had it.
type Held struct {
	Submitted time.Time
	Copies    []books.Copy
	Custody   []books.Custody
}

// Add counts a submission in a cell, given by its index: in b.ever whatever the dates, and in
// b.holdings if it was submitted up to the find. There a recipient counts as issued if it had a copy
// up to the find, and as a holder by an admissible fact.
func (b *Facts) Add(cfg Basis, cell int, x Held) {
	count := func(of *holdings.Holdings, issued func(books.Copy) bool, counts func(books.Custody) bool) {
		had, held := make(map[string]bool), make(map[string]bool)
		for _, c := range x.Copies {
			had[c.Recipient] = had[c.Recipient] || issued(c)
		}
		for _, c := range x.Custody {
			held[c.Recipient] = held[c.Recipient] || counts(c)
		}
		b.addTo(of.Copies, had, cell)
		b.addTo(of.Unmarked, held, cell)
	}
	b.Cells[cell].All++
	count(b.Ever, func(books.Copy) bool { return true }, func(books.Custody) bool { return true })
	if !cfg.after(x.Submitted) {
		b.Cells[cell].Submissions++
		count(b.Holdings, func(c books.Copy) bool { return !cfg.after(c.Issued) }, cfg.Admissible)
	}
}

// addTo adds 1 to the count of a cell for each name that is true in names. counts is by name, then by cell.
func (b *Facts) addTo(counts map[string][]int, names map[string]bool, cell int) {
	for name, yes := range names {
		if yes && counts[name] == nil {
			counts[name] = make([]int, len(b.Cells))
		}
		if yes {
			counts[name][cell]++
		}
	}
}

// caseOf returns the case that the odds are computed from, and for each leak of the case its index in w.Findings. Leaks
// that say nothing of sources are left out ([findings.Finding.Weighed]), and so are matched repetitions of an earlier file.
// Unmatched repetitions form one cluster. A leak with copies of several submissions is a leak of the case for each.
func (w *Weighing) caseOf(b *Facts) (*odds.Case, []int) {
	c := &odds.Case{FoundKnown: !w.Cfg.Before.IsZero(), Cells: slices.Clone(b.Cells), Holders: []odds.Holder{}, Leaks: []odds.Leak{},
		Claimed: w.Cfg.Claimed, MarkTrials: tuning.MarkTrials}
	for i := range c.Cells {
		if x := &c.Cells[i]; x.All == x.Submissions {
			x.All = 0
		}
	}
	for _, r := range b.Recipients {
		h := odds.Holder{Name: r.Name, Unconfirmed: w.Unconfirmed[r.Name]}
		if b.Holdings != nil {
			h.Copies, h.Unmarked = b.Holdings.Copies[r.Name], b.Holdings.Unmarked[r.Name]
		}
		if b.Ever != nil {
			h.Issued, h.Held = unless(h.Copies, b.Ever.Copies[r.Name]), unless(h.Unmarked, b.Ever.Unmarked[r.Name])
		}
		c.Holders = append(c.Holders, h)
	}
	pooled, unsought := w.Pooled(), make(map[string]int)
	again := repeated(w.First)
	var at []int
	of := func(i int, l *findings.Finding, beside, hurt, unsure bool) {
		leak := odds.Leak{Marked: l.KeyID != "" || hurt || unsure || l.MarkUnsought(), Beside: beside}
		if !l.Matched() && again[w.First[i]] {
			leak.Cluster = l.SHA256 // it counts once, and as examined each time
		}
		if l.Matched() {
			leak.Submission, leak.Submitted, leak.Cluster = l.Submission.String(), l.Submitted, w.Unit[l.Submission]
			leak.Later = w.Cfg.doubted(l, received(l))
			if !hurt {
				leak.Unmarked = w.holdersOf(l, w.Cfg.Admissible)
			}
			leak.Held = unless(leak.Unmarked, w.holdersOf(l, func(books.Custody) bool { return true }))
			for _, x := range b.Copies[l.Submission] {
				if w.parties[x.Recipient] != nil {
					leak.Copies = append(leak.Copies, w.copyIn(l, x, pooled, b.Public))
				}
			}
			for _, name := range unsoughtIn(l, b.Copies[l.Submission]) {
				unsought[name]++
			}
		}
		leak.Void = l.Void
		if l.Kind == findings.FoundTransplanted {
			leak.Transplanted = l.Private.Marked
		}
		c.Leaks, at = append(c.Leaks, leak), append(at, i)
	}
	for i, l := range w.Findings {
		if l.Searched != nil && l.Searched.Missing != nil {
			c.Unsearched = max(c.Unsearched, l.Searched.Missing.Whole+l.Searched.Missing.Flat+l.Searched.Missing.Damaged)
		}
		unsure := vague(l)
		if w.First[i] == i && (l.Kind == findings.FoundLookalike || l.Kind == findings.FoundIncomplete || l.Matched() && (l.MarkUnsought() || unsure)) {
			c.Unjudged++
		}
		if !l.Weighed() || l.Matched() && w.First[i] != i {
			continue
		}
		views := l.Views()
		hurt := slices.ContainsFunc(views, (*findings.Finding).Damaged)
		for k, x := range views { // the whole picture is vague, or this place of it
			of(i, x, k > 0, hurt, unsure || k > 0 && !l.Beside[k-1].Same && vague(x))
		}
	}
	for i := range c.Holders {
		c.Holders[i].Unsought = unsought[c.Holders[i].Name]
	}
	return c, at
}

// unsoughtIn returns the recipients of copies, of the upload that a leak shows, that were not looked for: their keys were missing.
func unsoughtIn(l *findings.Finding, copies []books.Copy) (names []string) {
	t := findings.TraceOf(l.Traces, l.Submission)
	if t == nil || t.Unsought == 0 {
		return nil
	}
	for _, x := range copies {
		if findings.CopyIn(t, x.ID) == nil && !slices.Contains(l.Copies, x.ID) && !slices.Contains(names, x.Recipient) {
			names = append(names, x.Recipient)
		}
	}
	return names
}

// unless returns ever if it differs from counted, else nil. Missing lists are lists of zeros.
func unless[T comparable](counted, ever []T) []T {
	zeros := func(x []T) bool { return !slices.ContainsFunc(x, func(v T) bool { return v != *new(T) }) }
	if slices.Equal(counted, ever) || zeros(counted) && zeros(ever) {
		return nil
	}
	return ever
}

// copyIn returns the evidence of a leak for one issued copy, by the registry's row x. A copy that was
// issued after the stated find is late: if it is in the leak, or if nothing contradicts that time. public
// says since when copies in files were public.
func (w *Weighing) copyIn(l *findings.Finding, x books.Copy, pooled map[watermark.CopyID]float64, public map[Exposure]time.Time) odds.Copy {
	out := EvidenceFor(l, x, pooled)
	if w.Cfg.later && lost(l, x.ID) { // see forgeable
		out.Confirmed, out.LnE, out.Miss = false, 0, 1
	}
	if i := slices.IndexFunc(l.Issued, func(c books.Copy) bool { return c.ID == x.ID }); i >= 0 && l.Matched() {
		out.Late, out.Public = w.Cfg.copyLate(l, &l.Issued[i]), public[Exposure{l.SHA256, x.ID}]
		others := slices.Clone(othersOf(&w.Verdict, x.ID))
		for _, r := range returnedIn(&w.Verdict, l, x.ID) {
			out.Returned, others = true, append(others, r.Holders...)
		}
		for _, h := range others {
			if w.parties[h.Party] != nil && h.Party != x.Recipient && !slices.Contains(out.Others, h.Party) {
				out.Others = append(out.Others, h.Party)
			}
		}
	} else {
		out.Late = !w.Cfg.Before.IsZero() && (x.LaterThan(w.Cfg.Before) || x.Issued.After(w.Cfg.Before)) // holdings count by Issued
	}
	out.Undated = out.Late && !x.Issued.After(w.Cfg.Before)
	return out
}

// lost reports whether the key of a copy that was read is recorded as compromised.
func lost(v *findings.Finding, id watermark.CopyID) bool {
	return slices.ContainsFunc(v.Reads, func(r findings.Reading) bool {
		return r.Copy == id && slices.ContainsFunc(v.Keys, func(k books.KeyState) bool { return k.KeyID == r.KeyID && k.State == books.KeyCompromised })
	})
}

// forgeable reports whether holders of a lost key could have made marks of a leak: a find before the loss is contradicted.
func (w *Weighing) forgeable(l *findings.Finding) bool {
	return w.Cfg.later && slices.ContainsFunc(l.Copies, func(id watermark.CopyID) bool { return lost(l, id) })
}

// forged reports whether holders of a lost key could have made all marks of a recipient's copies in a leak.
func (w *Weighing) forged(l *findings.Finding, name string) bool {
	return w.forgeable(l) && !slices.ContainsFunc(l.Issued, func(c books.Copy) bool { return c.Recipient == name && !lost(l, c.ID) })
}

// holdersOf returns the recipients in the books whose custody covers a leak by a fact that counts, each once.
func (w *Weighing) holdersOf(l *findings.Finding, counts func(books.Custody) bool) []string {
	var out []string
	once := make(map[string]bool)
	for _, c := range l.Custody {
		if counts(c) && !once[c.Recipient] && w.parties[c.Recipient] != nil {
			once[c.Recipient] = true
			out = append(out, c.Recipient)
		}
	}
	return out
}

// EvidenceFor returns how much a leak speaks for one issued copy of the submission that it shows. x is the registry's
// row of that copy. pooled holds, by copy, the natural logarithm of the e-value over all leaks (see [Weighing.Pooled]).
// The issued file itself has [tuning.SameFile]. A traced copy has its own e-value, at most the pooled value if it is
// confirmed (0 if pooled lacks it), else at most [tuning.MaxUnconfirmed]. A copy that was read blind alone has the
// inverse of its p. All copies beside a damaged mark, a copy of a forgeable mark, and a copy that was neither traced
// nor read, are neutral: LnE is 0 and Miss is 1.
func EvidenceFor(v *findings.Finding, x books.Copy, pooled map[watermark.CopyID]float64) odds.Copy {
	out := odds.Copy{ID: x.ID.String(), Recipient: x.Recipient, Reviewer: x.Reviewer, Miss: 1}
	confirmed := v.Kind == findings.FoundCopy && slices.ContainsFunc(v.Issued, func(c books.Copy) bool { return c.ID == x.ID })
	t := findings.TraceOf(v.Traces, v.Submission)
	traced := findings.CopyIn(t, x.ID)
	switch {
	case v.Forgeable && x.ID == v.Copy(), v.Damaged():
	case confirmed && v.Exact() != nil && v.Exact().Copy == x.ID:
		out.Confirmed, out.LnE, out.Miss = true, conclude.Micro(tuning.SameFile), 0.5 // Miss as below
	case traced != nil && t.Registered:
		highest := tuning.MaxUnconfirmed
		if confirmed {
			highest = pooled[x.ID]
		}
		out.Confirmed, out.LnE, out.Miss = true, conclude.Micro(math.Min(traced.LogE*math.Ln10, highest)), conclude.Micro(1-math.Min(t.Power, tuning.MaxPower))
	case confirmed && v.BlindLogP != nil:
		// A read with a list is an e-value: its mean is at most 1. The inverses of the p of the first to fourth check, earned
		// by a read alone, have means of 1, 1/2, 1/3 and 1/4 at most. All of them together, over 4, are an e-value. Without
		// the original the probability of a read is not measured; 0.5 is chosen, and costs next to nothing.
		out.Confirmed, out.LnE, out.Miss = true, conclude.Micro(-*v.BlindLogP*math.Ln10-2*math.Ln2), 0.5
	}
	return out
}

// Pooled returns, by copy, the natural logarithm of the mean of the copy's e-values over all leaks that were traced for
// it; repeated files count once. The mean of e-values is an e-value, however the leaks depend on each other (Vovk and
// Wang, Annals of Statistics 49, 2021, proposition 3.1). [EvidenceFor] uses it as an upper bound, so that the best of
// many leaks does not count for more than all.
func (w *Weighing) Pooled() map[watermark.CopyID]float64 {
	all := make(map[watermark.CopyID][]float64)
	for i, l := range w.Findings {
		for _, x := range l.Views() {
			t := findings.TraceOf(x.Traces, x.Submission)
			if t == nil || !t.Registered || !x.Matched() || w.First[i] != i {
				continue
			}
			for _, c := range t.Copies {
				all[c.Copy] = append(all[c.Copy], c.LogE*math.Ln10)
			}
		}
	}
	out := make(map[watermark.CopyID]float64, len(all))
	for id, lnE := range all {
		out[id] = conclude.Micro(lnMean(lnE))
	}
	return out
}

// lnMean returns the natural logarithm of the mean of numbers, given their natural logarithms. One must be above -Inf.
func lnMean(ln []float64) float64 {
	highest := math.Inf(-1)
	for _, x := range ln {
		highest = math.Max(highest, x)
	}
	sum := 0.0
	for _, x := range ln {
		sum += math.Exp(x - highest)
	}
	return highest + math.Log(sum/float64(len(ln)))
}

// Clusters writes "subject 1", "subject 2" and so on into the findings, by the first leak of each subject. Findings
// then say which leaks belong together, and not to whom. A leak whose subject is not known keeps its Cluster.
func (w *Weighing) Clusters() {
	number, n := make(map[string]string), 0
	enter := func(cluster *string, subject string) {
		if subject = intake.Folded(subject); subject == "" {
			return
		}
		if number[subject] == "" {
			n++
			number[subject] = fmt.Sprintf("subject %d", n)
		}
		*cluster = number[subject]
	}
	for _, l := range w.Findings {
		enter(&l.Cluster, l.Private.Subject)
		l.Beside = slices.Clone(l.Beside) // others have the old one
		for i := range l.Beside {
			enter(&l.Beside[i].Cluster, l.Private.Others[l.Beside[i].Submission])
		}
	}
}

// CountOne adds one submission to the only cell of b, which begins with the month of the earliest submission.
func (b *Facts) CountOne(cfg Basis, x Held) {
	at := x.Submitted.UTC()
	month := time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC)
	if len(b.Cells) == 0 {
		b.Cells = []odds.Cell{{From: month}}
	}
	if month.Before(b.Cells[0].From) {
		b.Cells[0].From = month
	}
	b.Add(cfg, 0, x)
}
