package weigh

import (
	"slices"
	"time"

	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/words"
	"github.com/kycmark/kycmark/verify/odds"
)

// Claims that companies make after a leak, each answered by the findings. A claim is supported only if the findings of
// all files given support it. No finding supports that pictures are not of the registry, or how they were obtained.

// The claims, as the sentences on them begin.
const (
	noMarkText   = "“None of these pictures carries our watermark”: "
	notOursText  = "“These pictures are not ours”: "
	oneMonthText = "“All these pictures are of one month”: "
	vendorText   = "“These pictures come from a vendor”: "
	noBreachText = "“Our systems were not breached”: "
)

// An answer is what the findings say of a claim.
type answer int

const (
	open answer = iota // neither
	supported
	refuted // or spoken against
)

// answered returns the condition of a sentence on a claim with an answer. Nothing is said if no picture was examined.
func answered(claim func(*Weighing) (answer, words.Figures), is answer) func(*Weighing) []words.Figures {
	return func(w *Weighing) []words.Figures {
		if w.Readable() == 0 {
			return nil
		}
		got, x := claim(w)
		return once(got == is, x)
	}
}

func claimNoMark(w *Weighing) (answer, words.Figures) {
	carry, unmarked := w.marked()+w.damagedMarks(), w.Counts[string(findings.FoundUnmarked)]
	switch {
	case carry > 0:
		return refuted, words.Figures{"n": carry}
	case unmarked == w.Leaks && w.whole():
		return supported, words.Figures{"n": unmarked}
	}
	return open, words.Figures{"n": w.Leaks - unmarked, "of": w.Leaks}
}

func claimNotOurs(w *Weighing) (answer, words.Figures) {
	if w.Matched > 0 { // a mark alone can have been laid onto another's picture
		return refuted, words.Figures{"n": w.Matched}
	}
	return open, words.Figures{}
}

// claimOneMonth goes by the calendar months, UTC, in which the registry has the uploads shown.
func claimOneMonth(w *Weighing) (answer, words.Figures) {
	var months []time.Time // their first days
	n := leaksThat(&w.Verdict, func(l *findings.Finding) bool {
		known := l.Matched()
		for _, x := range l.Views() {
			if known = known && !x.Submitted.IsZero(); known {
				at := x.Submitted.UTC()
				months = append(months, time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC))
			}
		}
		return known
	})
	slices.SortFunc(months, time.Time.Compare)
	months = slices.Compact(months)
	switch {
	case len(months) > 1:
		return refuted, words.Figures{"n": len(months), "first": month(months[0]), "last": month(months[len(months)-1])}
	case n == w.Leaks && w.whole() && !w.Cfg.SearchedNamed():
		return supported, words.Figures{"n": n, "first": month(months[0])}
	}
	return open, words.Figures{"n": n, "of": w.Leaks}
}

// whole reports whether all that was given was examined: each file, and each of its pages.
func (w *Weighing) whole() bool { return w.Readable() == w.Leaks && len(w.pages()) == 0 }

// month writes the month of a time, UTC: "March 2018".
func month(t time.Time) string { return t.UTC().Format("January 2006") }

// claimVendor is refuted by a copy that by the records no vendor had: for a reviewer may work for a vendor, and of a
// recipient that is no longer listed nothing is known. It is supported if all files come from copies of named vendors, and
// no other party explains these as well.
func claimVendor(w *Weighing) (answer, words.Figures) {
	kind := make(map[string]string)
	for _, r := range w.History.Recipients {
		kind[r.Name] = r.Kind
	}
	vendor := func(name string) bool { return kind[name] == books.KindVendor }
	maybe := func(name string) bool { return kind[name] == "" || kind[name] == books.KindReviewer }
	named := func(name string) bool { return vendor(name) && slices.Contains(w.Named, name) }
	of, sure, none := 0, 0, 0
	for _, l := range w.Findings {
		had := slices.ContainsFunc(l.MayNames(), maybe)
		if slices.ContainsFunc(l.MayNames(), vendor) {
			of, had = of+1, true
		}
		if slices.ContainsFunc(l.MayNames(), named) {
			sure++
		}
		for _, c := range l.Issued {
			for _, t := range w.Travel {
				holds := func(h findings.HandOn) bool { return vendor(h.Party) || maybe(h.Party) }
				had = had || t.Copy == c.ID && (slices.ContainsFunc(t.Others, holds) || len(t.Returned) > 0)
			}
		}
		if l.Kind == findings.FoundCopy && !had {
			none++
		}
	}
	rivals := slices.ContainsFunc(w.Odds.Rivals, func(r odds.Rival) bool { return r.Why != odds.RivalTogether })
	switch {
	case none > 0:
		return refuted, words.Figures{"n": none}
	case sure == w.Leaks && w.whole() && !rivals && !slices.ContainsFunc(w.Named, func(name string) bool { return !vendor(name) }):
		return supported, words.Figures{"n": sure, "names": words.InSentence(w.namedInOrder())}
	}
	return open, words.Figures{"n": of, "of": w.Leaks}
}

// claimNoBreach is spoken against by unmarked uploads that by the records no other party held.
func claimNoBreach(w *Weighing) (answer, words.Figures) {
	n := leaksThat(&w.Verdict, func(l *findings.Finding) bool { return l.Kind == findings.FoundUnmarked && len(l.EveryCustody()) == 0 })
	if n > 0 {
		return refuted, words.Figures{"n": n}
	}
	return open, words.Figures{}
}
