package verify

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/engine"
	"github.com/kycmark/kycmark/verify/odds"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// restore returns copies of the leaks with what their JSON leaves out, and the books of the case,
// as [weigh] takes them. Both are rebuilt from the findings alone: subjects are cluster numbers,
// recipients have only a name, and copies only ID and recipient. The error says which values
// contradict each other, and does not wrap [ErrFindings].
func (f *Findings) restore() ([]*Finding, *books, error) {
	if err := f.checkPlaces(); err != nil {
		return nil, nil, err
	}
	c, of := f.Verdict.Case, f.Verdict.Of
	leaks := make([]*Finding, len(f.Leaks))
	unconfirmed := 0
	for i, l := range f.Leaks {
		full := *l
		full.Private.subject, full.Private.marked, full.Private.others = l.Cluster, nil, make(map[watermark.Submission]string)
		for _, b := range l.Beside {
			full.Private.others[b.Submission] = b.Cluster
		}
		leaks[i] = &full
		if l.Kind == findings.FoundCopy && l.Unconfirmed {
			unconfirmed++
		}
	}
	b := &books{history: f.Verdict.History, same: f.Verdict.SameDocuments, notCompared: f.Verdict.NotCompared, past: past{f.Verdict.Earlier, f.Verdict.Published, make(map[exposure]time.Time)}, travel: f.Verdict.Travel, cells: c.Cells, copies: make(map[watermark.Submission][]registry.Copy), unconfirmed: f.Verdict.Unconfirmed,
		holdings: &engine.Holdings{Copies: make(map[string][]int), Unmarked: make(map[string][]int)},
		ever:     &engine.Holdings{Copies: make(map[string][]int), Unmarked: make(map[string][]int)}}
	cfg, err := f.Verdict.basis()
	if err != nil {
		return nil, nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(b.unconfirmed)) {
		known := slices.ContainsFunc(c.Holders, func(h odds.Holder) bool { return h.Name == name })
		if n := b.unconfirmed[name]; !known || n < 1 || n > unconfirmed {
			return nil, nil, fmt.Errorf("unconfirmed leaks with marks of %.100q: %d, of %d unconfirmed leaks", name, n, unconfirmed)
		}
	}
	for _, h := range c.Holders {
		b.recipients = append(b.recipients, registry.Recipient{Name: h.Name})
		b.holdings.Copies[h.Name], b.holdings.Unmarked[h.Name] = h.Copies, h.Unmarked
		b.ever.Copies[h.Name], b.ever.Unmarked[h.Name] = h.EverIssued(), h.EverHeld()
	}
	d := &Verdict{Findings: leaks, Of: of, Case: c}
	for j, i := range of {
		for _, x := range c.Leaks[j].Copies {
			if id, err := watermark.ParseCopyID(x.ID); err == nil && !x.Public.IsZero() {
				b.public[exposure{leaks[i].SHA256, id}] = x.Public
			}
		}
		if l := d.viewOf(j); l.matched() && b.copies[l.Submission] == nil {
			for _, x := range c.Leaks[j].Copies {
				id, err := watermark.ParseCopyID(x.ID)
				if err != nil {
					return nil, nil, err
				}
				issued := registry.Copy{ID: id, Recipient: x.Recipient}
				if x.Late { // when exactly is said of confirmed copies only
					issued.Issued = cfg.Found.Add(time.Microsecond)
				}
				b.copies[l.Submission] = append(b.copies[l.Submission], issued)
			}
		}
		leaks[i].Private.marked = c.Leaks[j].Transplanted
	}
	for i, k := range firsts(leaks) {
		leaks[i].Private.marked = leaks[k].Private.marked // of repetitions the case has the first
	}
	return leaks, b, errors.Join(oneSubject(leaks), f.checkSame(), f.checkTravel())
}

// checkTravel checks that the copies whose travel is stated are the confirmed copies, in the order of the leaks.
func (f *Findings) checkTravel() error {
	var confirmed, stated []watermark.CopyID
	for _, c := range f.ConfirmedCopies() {
		confirmed = append(confirmed, c.ID)
	}
	for _, t := range f.Verdict.Travel {
		stated = append(stated, t.Copy)
	}
	if len(stated) > 0 && !slices.Equal(stated, confirmed) {
		return fmt.Errorf("travel: of copies %v, want the confirmed copies %v", stated, confirmed)
	}
	return nil
}

// checkSame checks that every pair of the same document is of two submissions that leaks show.
func (f *Findings) checkSame() error {
	shows := make(map[watermark.Submission]bool)
	for _, l := range views(f.Leaks) {
		shows[l.Submission] = shows[l.Submission] || l.matched()
	}
	for i, d := range f.Verdict.SameDocuments {
		if a, b := d.Submissions[0], d.Submissions[1]; a == b || !shows[a] || !shows[b] || !sameDocument(d.Pixels, d.Score) || len(d.Pages) != 0 && (len(d.Pages) != 2 || min(d.Pages[0], d.Pages[1]) < 1) {
			return fmt.Errorf("same documents: pair %d is not of two submissions of the dump that show one document", i+1)
		}
	}
	return nil
}

// checkPlaces checks that every leak of the case has a place, an index of a leak.
func (f *Findings) checkPlaces() error {
	if n, of := len(f.Verdict.Case.Leaks), len(f.Verdict.Of); of != n {
		return fmt.Errorf("case: %d leaks, and %d places", n, of)
	}
	for _, i := range f.Verdict.Of {
		if i < 0 || i >= len(f.Leaks) {
			return fmt.Errorf("case: place %d, but there are %d leaks", i, len(f.Leaks))
		}
	}
	return nil
}

// oneSubject checks that all matched leaks of one submission have the same time and the same cluster.
func oneSubject(leaks []*Finding) error {
	first := make(map[watermark.Submission]*Finding)
	for _, l := range views(leaks) {
		if !l.matched() {
			continue
		}
		if o := first[l.Submission]; o == nil {
			first[l.Submission] = l
		} else if o.Cluster != l.Cluster || !o.Submitted.Equal(l.Submitted) || !o.SubjectEntered.Equal(l.SubjectEntered) {
			return fmt.Errorf("leak %.200q: another leak gives its submission another time or subject", l.File)
		}
	}
	return nil
}
