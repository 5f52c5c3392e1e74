package recheck

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/conclude"
	"github.com/kycmark/kycmark/verify/internal/holdings"
	"github.com/kycmark/kycmark/verify/internal/weigh"
	"github.com/kycmark/kycmark/verify/odds"
	"github.com/kycmark/kycmark/watermark"
)

// restore returns copies of the leaks with what their JSON leaves out, and the books of the case, as [weigh.Weigh] takes
// them. Both are rebuilt from the findings alone: subjects are cluster numbers, recipients have only a name, and copies
// only ID and recipient. The error says which values contradict each other, and does not wrap [findings.ErrUnsound].
func restore(f *findings.File) ([]*findings.Finding, *weigh.Facts, error) {
	if err := CheckPlaces(f); err != nil {
		return nil, nil, err
	}
	c, of := f.Verdict.Case, f.Verdict.Of
	leaks := make([]*findings.Finding, len(f.Leaks))
	unconfirmed, alone := 0, make(map[string]bool) // alone: files whose marks are all unconfirmed. Each counts for a recipient
	for i, l := range f.Leaks {
		full := *l
		full.Private.Subject, full.Private.Marked = l.Cluster, nil
		full.Private.Others = each.Map(l.Beside, func(b findings.Beside) (watermark.Submission, string) {
			return b.Submission, b.Cluster
		})
		leaks[i] = &full
		if l.Kind == findings.FoundUnconfirmed || l.Kind == findings.FoundCopy && len(l.Reads) > len(l.Copies) {
			unconfirmed++
		}
		if l.Kind == findings.FoundUnconfirmed {
			alone[l.SHA256] = true
		}
	}
	v := f.Verdict
	b := &weigh.Facts{History: v.History, Same: v.SameDocuments, NotCompared: v.NotCompared, Travel: v.Travel, Unconfirmed: v.Unconfirmed,
		Past:  weigh.Past{Earlier: v.Earlier, Published: v.Published, Public: make(map[weigh.Exposure]time.Time)},
		Cells: c.Cells, Copies: make(map[watermark.Submission][]books.Copy),
		Holdings: &holdings.Holdings{Copies: make(map[string][]int), Unmarked: make(map[string][]int)},
		Ever:     &holdings.Holdings{Copies: make(map[string][]int), Unmarked: make(map[string][]int)}}
	cfg, err := basis(f.Verdict)
	if err != nil {
		return nil, nil, err
	}
	sum := 0
	for _, name := range slices.Sorted(maps.Keys(b.Unconfirmed)) {
		sum += b.Unconfirmed[name]
		known := slices.ContainsFunc(c.Holders, func(h odds.Holder) bool { return h.Name == name })
		if n := b.Unconfirmed[name]; !known || n < 1 || n > unconfirmed {
			return nil, nil, fmt.Errorf("unconfirmed leaks with marks of %.100q: %d, of %d unconfirmed leaks", name, n, unconfirmed)
		}
	}
	if sum < len(alone) {
		return nil, nil, fmt.Errorf("unconfirmed leaks with marks of recipients: %d, of %d files", sum, len(alone))
	}
	for _, x := range f.ConfirmedCopies() {
		if !slices.ContainsFunc(v.Travel, func(t findings.Travel) bool { return t.Copy == x.ID }) {
			return nil, nil, fmt.Errorf("copy %s is confirmed, and travel does not say who had it", x.ID)
		}
	}
	for _, h := range c.Holders {
		b.Recipients = append(b.Recipients, books.Recipient{Name: h.Name})
		b.Holdings.Copies[h.Name], b.Holdings.Unmarked[h.Name] = h.Copies, h.Unmarked
		b.Ever.Copies[h.Name], b.Ever.Unmarked[h.Name] = h.EverIssued(), h.EverHeld()
	}
	whose := make(map[string][2]string) // recipient and reviewer by copy
	for _, l := range f.Leaks {
		for _, x := range l.Issued {
			whose[x.ID.String()] = [2]string{x.Recipient, x.Reviewer}
		}
	}
	d := &findings.Verdict{Findings: leaks, Of: of, Case: c}
	for j, i := range of {
		for _, x := range c.Leaks[j].Copies {
			is := [2]string{x.Recipient, x.Reviewer}
			if had, ok := whose[x.ID]; ok && had != is {
				return nil, nil, fmt.Errorf("copy %s: issued to %.100q in the case, and to %.100q elsewhere", x.ID, is, had)
			}
			whose[x.ID] = is
			if id, err := watermark.ParseCopyID(x.ID); err == nil && !x.Public.IsZero() {
				b.Public[weigh.Exposure{File: leaks[i].SHA256, Copy: id}] = x.Public
			}
		}
		if l := d.ViewOf(j); l.Matched() && b.Copies[l.Submission] == nil {
			for _, x := range c.Leaks[j].Copies {
				id, err := watermark.ParseCopyID(x.ID)
				if err != nil {
					return nil, nil, err
				}
				issued := books.Copy{ID: id, Recipient: x.Recipient, Reviewer: x.Reviewer}
				if issued.Unproven = x.Undated; x.Late && !x.Undated { // when exactly is said of confirmed copies only
					issued.Issued = cfg.Found.Add(time.Microsecond)
				}
				b.Copies[l.Submission] = append(b.Copies[l.Submission], issued)
			}
		}
		if !c.Leaks[j].Beside {
			if leaks[i].Kind == findings.FoundTransplanted && len(c.Leaks[j].Transplanted) == 0 {
				return nil, nil, fmt.Errorf("%s: the mark was laid on, and the case does not say whose it is", leaks[i].File)
			}
			leaks[i].Private.Marked = c.Leaks[j].Transplanted
		}
	}
	for i, k := range weigh.Firsts(leaks) {
		leaks[i].Private.Marked = leaks[k].Private.Marked // of repetitions the case has the first
	}
	return leaks, b, errors.Join(oneSubject(leaks), checkKnown(f), checkSame(f), checkTravel(f))
}

// checkKnown checks that as many files are known since an earlier investigation, or show no upload, as it examined of these.
func checkKnown(f *findings.File) error {
	for _, e := range f.Verdict.Earlier {
		may := make(map[string]bool)
		for _, l := range f.Leaks {
			if !l.Matched() || !l.Known.IsZero() && !l.Known.After(e.Started) {
				may[l.SHA256] = true
			}
		}
		if len(may) < e.Shared {
			return fmt.Errorf("entry %d: it examined %d of these files, but %d can be known since then", e.Entry, e.Shared, len(may))
		}
	}
	return nil
}

// checkTravel checks that the copies whose travel is stated are the confirmed copies, in the order of the leaks.
func checkTravel(f *findings.File) error {
	confirmed := each.Of(f.ConfirmedCopies(), func(c books.Copy) watermark.CopyID { return c.ID })
	stated := each.Of(f.Verdict.Travel, func(t findings.Travel) watermark.CopyID { return t.Copy })
	if len(stated) > 0 && !slices.Equal(stated, confirmed) {
		return fmt.Errorf("travel: of copies %v, want the confirmed copies %v", stated, confirmed)
	}
	return nil
}

// checkSame checks that every pair of the same document is of two submissions that leaks show.
func checkSame(f *findings.File) error {
	shows := make(map[watermark.Submission]bool)
	for _, l := range findings.Views(f.Leaks) {
		shows[l.Submission] = shows[l.Submission] || l.Matched()
	}
	for i, d := range f.Verdict.SameDocuments {
		if a, b := d.Submissions[0], d.Submissions[1]; a == b || !shows[a] || !shows[b] || !conclude.SameDocument(d.Pixels, d.Score) || len(d.Pages) != 0 && (len(d.Pages) != 2 || min(d.Pages[0], d.Pages[1]) < 1) {
			return fmt.Errorf("same documents: pair %d is not of two submissions of the dump that show one document", i+1)
		}
	}
	return nil
}

// CheckPlaces checks that every leak of the case has a place, an index of a leak.
func CheckPlaces(f *findings.File) error {
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
func oneSubject(leaks []*findings.Finding) error {
	first := make(map[watermark.Submission]*findings.Finding)
	for _, l := range findings.Views(leaks) {
		if !l.Matched() {
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

// A reader of a redacted report need not learn who else receives pictures: an authority's request is confidential, and
// that a vendor is a recipient says nothing about these leaks. So recipients that no finding concerns are numbered in
// the registry's order. The verdict is weighed again with the numbers as names, so that it still follows from itself.

// Redact replaces the names of recipients that no finding concerns by numbers, and weighs again so that the verdict
// follows from what is written. f gets a new verdict and new leaks. f.Hidden becomes the number of names replaced.
func Redact(f *findings.File) error {
	labels := labels(f)
	if f.Hidden = len(labels); f.Hidden == 0 {
		return nil
	}
	cfg, err := basis(f.Verdict)
	if err != nil {
		return fmt.Errorf("redact: %w", err)
	}
	leaks, b, err := restore(f)
	if err != nil {
		return fmt.Errorf("redact: %w", err)
	}
	for _, l := range leaks {
		l.Private.Marked = slices.Clone(l.Private.Marked)
		for i, name := range l.Private.Marked {
			l.Private.Marked[i] = labelled(labels, name)
		}
	}
	relabel(b, labels)
	w, err := weigh.Weigh(leaks, b, cfg, len(f.Verdict.Record.Keys))
	if err != nil {
		return fmt.Errorf("redact: %w", err)
	}
	w.Record = f.Verdict.Record
	w.Speak()
	f.Verdict, f.Leaks = &w.Verdict, leaks
	return nil
}

// ConclusionOf returns what came of the investigation of findings, without a time; nil: its ledger has no entry of it. Its Evidence is the
// SHA-256 of the redacted findings as [Encode] writes them, without words, pictures, odds and most of the record: of all that
// the verdict follows from.
func ConclusionOf(f *findings.File) (*books.Conclusion, error) {
	if len(f.Verdict.Record.Logged) == 0 {
		return nil, nil
	}
	copies := each.Of(f.ConfirmedCopies(), func(c books.Copy) watermark.CopyID { return c.ID })
	slices.Sort(copies)
	out := &books.Conclusion{Investigation: slices.Max(f.Verdict.Record.Logged), Named: slices.Sorted(slices.Values(f.Verdict.Named)), Copies: copies}
	evidence := &findings.File{Verdict: f.Verdict, Leaks: f.Leaks}
	if f.Revealed {
		if err := Redact(evidence); err != nil {
			return nil, err
		}
	}
	d, leaks := *evidence.Verdict, each.Of(evidence.Leaks, func(l *findings.Finding) *findings.Finding {
		bare := *l
		bare.Strength, bare.Note, bare.Said = findings.Strength{}, "", nil
		return &bare
	})
	d.Text, d.Odds = findings.Text{}, nil
	d.Record = findings.Record{Altered: d.Record.Altered, Keys: d.Record.Keys, KeysAbsent: d.Record.KeysAbsent, Parameters: d.Record.Parameters}
	text, err := Encode(&findings.File{Verdict: &d, Leaks: leaks})
	out.Evidence = sha256.Sum256(text)
	return out, err
}

// labels returns, by name, what recipients that no finding concerns are called: "recipient 1" and so on in the
// registry's order. A label that is the name of a recipient is left out.
func labels(f *findings.File) map[string]string {
	holders := f.Verdict.Case.Holders
	known := each.Map(holders, func(h odds.Holder) (string, bool) { return h.Name, true })
	keep, labels, n := concerned(f), make(map[string]string), 0
	for _, h := range holders {
		if keep[h.Name] {
			continue
		}
		label := ""
		for label == "" || known[label] {
			n++
			label = fmt.Sprintf("recipient %d", n)
		}
		labels[h.Name] = label
	}
	return labels
}

// concerned returns the names of the recipients that a finding concerns: named or withheld recipients, and recipients of
// confirmed copies, and of copies of erased uploads. So are holders of an upload that a leak shows. A mark that was
// transplanted, or is not confirmed, concerns no recipient.
func concerned(f *findings.File) map[string]bool {
	names := slices.Clone(f.Verdict.Named)
	for _, x := range f.Verdict.Odds.Withheld {
		names = append(names, x.Name)
	}
	for _, t := range f.Verdict.Travel {
		for _, h := range t.Others {
			names = append(names, h.Party)
		}
		for _, r := range t.Returned {
			for _, h := range r.Holders {
				names = append(names, h.Party)
			}
		}
	}
	for _, l := range f.Leaks {
		names = append(names, l.MayNames()...)
		for _, c := range l.EveryCustody() {
			names = append(names, c.Recipient)
		}
		for _, r := range l.Reads {
			names = append(names, r.Recipient) // of a copy of an erased upload
		}
	}
	return each.Map(names, func(name string) (string, bool) { return name, true })
}

// labelled returns the label of a name, or the name itself if it has none.
func labelled(labels map[string]string, name string) string {
	if label := labels[name]; label != "" {
		return label
	}
	return name
}

// relabel replaces the names of recipients in all of b that are in labels. Recipients with a label lose their kind.
func relabel(b *weigh.Facts, labels map[string]string) {
	for i := range b.Recipients {
		b.Recipients[i].Name = labelled(labels, b.Recipients[i].Name)
	}
	for _, copies := range b.Copies {
		for i := range copies {
			copies[i].Recipient = labelled(labels, copies[i].Recipient)
		}
	}
	b.Holdings.Copies = relabelled(labels, b.Holdings.Copies)
	b.Holdings.Unmarked = relabelled(labels, b.Holdings.Unmarked)
	b.Ever.Copies = relabelled(labels, b.Ever.Copies)
	b.Ever.Unmarked = relabelled(labels, b.Ever.Unmarked)
	b.Unconfirmed = relabelled(labels, b.Unconfirmed)
	for _, list := range []*[]findings.Earlier{&b.Earlier, &b.Published} {
		*list = slices.Clone(*list)
		for i := range *list {
			e := &(*list)[i]
			e.Named = slices.Clone(e.Named)
			for k, name := range e.Named {
				e.Named[k] = labelled(labels, name)
			}
			slices.Sort(e.Named)
		}
	}
	b.History.Recipients = slices.Clone(b.History.Recipients)
	for i := range b.History.Recipients {
		if r := &b.History.Recipients[i]; labels[r.Name] != "" {
			r.Name, r.Kind = labels[r.Name], ""
		}
	}
}

// relabelled returns a copy of a map by names in which each name is replaced by its label.
func relabelled[T any](labels map[string]string, of map[string]T) map[string]T {
	out := make(map[string]T, len(of))
	for name, x := range of {
		out[labelled(labels, name)] = x
	}
	return out
}
