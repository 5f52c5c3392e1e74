package weigh

import (
	"math"
	"slices"
	"time"

	"github.com/kycmark/kycmark/internal/capture"
	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/conclude"
	"github.com/kycmark/kycmark/verify/internal/tuning"
	"github.com/kycmark/kycmark/verify/internal/words"
	"github.com/kycmark/kycmark/verify/odds"
	"github.com/kycmark/kycmark/watermark"
)

// Claims that companies make after a leak, each answered by the findings. A claim is supported only if the findings of
// all files given support it. No finding supports that pictures are not of the registry, or how they were obtained.

// answered returns the condition that answers a claim by its clause. Nothing is said if no picture was examined.
func answered(claim func(*Weighing) (clause string, x words.Figures)) func(*Weighing) []words.Figures {
	return func(w *Weighing) []words.Figures {
		if w.Readable() == 0 {
			return nil
		}
		clause, x := claim(w)
		x["clause"] = clause
		return []words.Figures{x}
	}
}

func claimNoMark(w *Weighing) (string, words.Figures) {
	carry, unmarked := markedPictures(w), leaksThat(&w.Verdict, bare)
	if n := damagedMarks(w); math.Pow(chanceOfParts(w), float64(n)) < tuning.MaxChance { // that chance gives all of them
		carry += n
	}
	if w.Cfg.SearchedNamed() || len(w.Record.KeysAbsent) > 0 { // leaks may be of other uploads of the same pictures, or have other marks
		unmarked = 0
	}
	switch {
	case carry > 0:
		return "mark-refuted", words.Figures{"n": carry}
	case unmarked == w.Leaks:
		return "mark-supported", words.Figures{"n": unmarked}
	}
	return "mark-open", words.Figures{"n": w.Leaks - unmarked, "of": w.Leaks}
}

// bare reports whether a mark would have been found wherever a leak may have one: nothing else than an upload is shown,
// beside it, over it, or in another frame, that could have one of its own.
func bare(l *findings.Finding) bool {
	m := shown(l)
	if l.Kind != findings.FoundUnmarked || m == nil || partly(l) {
		return false
	}
	_, strip := around(l, *m)
	return strip < tuning.MinSeen && patches(l, m) == 0
}

// shown returns the match with the upload that a leak shows, or nil.
func shown(l *findings.Finding) *findings.Match {
	return each.Find(l.Matches, func(m *findings.Match) bool { return m.Submission == l.Submission })
}

// patches counts the places of an upload with something else over it that may carry a mark.
func patches(l *findings.Finding, m *findings.Match) (n int) {
	for _, a := range m.Altered {
		area := a.Share * float64(l.Width*l.Height)
		if m.Region != nil {
			x0, y0, x1, y1 := conclude.Bounds(m.Region)
			area = a.Share * (x1 - x0) * (y1 - y0)
		}
		if a.Kind == capture.Caption { // a line of text has no room; a pale picture is called a caption too
			x0, y0, x1, y1 := conclude.Bounds(&a.Quad)
			area *= min(x1-x0, y1-y0) / max(x1-x0, y1-y0)
		}
		if a.Kind != capture.Bar && area >= tuning.MinSeen*tuning.MinSeen {
			n++
		}
	}
	return n
}

// around returns the shortest side of matches in a leak, and how far at most it goes on beyond them, pixels.
func around(l *findings.Finding, matches ...findings.Match) (side, strip float64) {
	w, h := float64(l.Width), float64(l.Height)
	left, top, right, bottom := w, h, 0.0, 0.0
	side = max(w, h)
	for _, m := range matches {
		x0, y0, x1, y1 := 0.0, 0.0, w, h
		if m.Region != nil {
			x0, y0, x1, y1 = conclude.Bounds(m.Region)
		}
		side, left, top, right, bottom = min(side, x1-x0, y1-y0), min(left, x0), min(top, y0), max(right, x1), max(bottom, y1)
		strip = max(left, top, w-right, h-bottom)
	}
	return side, strip
}

// claimNotOurs is not refuted by uploads that were sent after the find: the files were elsewhere before.
func claimNotOurs(w *Weighing) (string, words.Figures) {
	n := leaksThat(&w.Verdict, func(l *findings.Finding) bool { // a mark alone can have been laid onto another's picture
		return (l.Matched() && !byHash(l) || showsAnother(l)) && !showsLate(l, submitted, w.Cfg.doubted)
	})
	return []string{"ours-open", "ours-refuted"}[min(n, 1)], words.Figures{"n": n}
}

// byHash reports whether the hash of the upload that a leak shows is farther than [tuning.SureWithoutPixels], and the pixels do not
// settle it. In a small picture, text and face are too few pixels to tell documents apart that one fixed camera took.
func byHash(l *findings.Finding) bool {
	m := shown(l)
	if m == nil || l.Kind == findings.FoundCopy || m.Distance <= tuning.SureWithoutPixels {
		return false
	}
	return conclude.Alike(m, max(l.Width, l.Height)) || !conclude.ShowsCapture(m.Pixels) && m.Pixels != findings.PixelsEdges
}

// untold reports whether a leak may be of another upload than the one it is counted for.
func untold(l *findings.Finding) bool {
	return byHash(l) || slices.ContainsFunc(l.Said, func(s findings.Said) bool { return s.Figures["clause"] == "shared" || s.Figures["clause"] == "alike" })
}

// vague reports whether a leak may have a mark that was not found, or be of another upload than it counts for. It points to no
// time and no holder.
func vague(l *findings.Finding) bool {
	counted := slices.ContainsFunc(l.Said, func(s findings.Said) bool {
		return slices.ContainsFunc(l.Beside, func(b findings.Beside) bool { return s.Figures["upload"] == b.Submission.String() })
	})
	return l.Sync < 0 || l.Closed > 0 || byHash(l) || untold(l) && !counted
}

func unproven(l *findings.Finding) bool { return l.Kind == findings.FoundUnconfirmed && !l.Matched() }

// another returns the match with an upload that a leak with such a mark shows, and that is not its copy's; nil: it shows none.
func another(l *findings.Finding) *findings.Match {
	if !unproven(l) {
		return nil
	}
	return each.Find(l.Matches, func(m *findings.Match) bool { return m.Submission != l.Submission && conclude.ShowsCapture(m.Pixels) })
}

func showsAnother(l *findings.Finding) bool { return another(l) != nil }

// claimOneMonth goes by the calendar months, UTC, in which the registry has the uploads shown. Of a leak that may be of uploads of
// several months none is known, nor of an upload that was entered after the find: it may have been chosen for the leak.
func claimOneMonth(w *Weighing) (string, words.Figures) {
	var months []time.Time // their first days
	n := leaksThat(&w.Verdict, func(l *findings.Finding) bool {
		known, of, first := l.Matched() && l.Closed == 0 && !untold(l) && !w.Cfg.SearchedNamed(), []time.Time{}, monthOf(l.Submitted)
		for k, x := range l.Views() {
			of = append(of, monthOf(x.Submitted))
			known = known && !x.Submitted.IsZero() && !(k > 0 && l.Beside[k-1].Same && of[k] != first)
		}
		for _, r := range l.Reads {
			known = known && !slices.ContainsFunc(r.Returned, func(id watermark.Submission) bool {
				m := each.Find(l.Matches, func(m *findings.Match) bool { return m.Submission == id })
				return m == nil || !slices.Contains(of, monthOf(m.Submitted))
			})
		}
		if l.Kind == findings.FoundTransplanted || l.Kind == findings.FoundUnissued { // in the same place it may show another upload
			known = known && !slices.ContainsFunc(l.Matches, func(m findings.Match) bool {
				return m.Submission != l.Submission && (m.Sibling || conclude.ShowsCapture(m.Pixels)) && !slices.Contains(of, monthOf(m.Submitted))
			})
		}
		if known = known && !showsLate(l, submitted, w.Cfg.doubted) && !showsLate(l, received, w.Cfg.doubted); known {
			months = append(months, of...)
		}
		return known && !partly(l)
	})
	slices.SortFunc(months, time.Time.Compare)
	months = slices.Compact(months)
	switch {
	case len(months) > 1:
		return "month-refuted", words.Figures{"n": len(months), "first": month(months[0]), "last": month(months[len(months)-1])}
	case n == w.Leaks:
		return "month-supported", words.Figures{"n": n, "first": month(months[0])}
	}
	return "month-open", words.Figures{"n": n, "of": w.Leaks}
}

// partly reports whether a leak may show more than was judged: other pages, an encrypted part, another mark, or what looks
// like an upload beside what is shown. Beside uploads under [tuning.MinBeside] others may be missed. So may what lies over an upload.
func partly(l *findings.Finding) bool {
	over := 0
	for i := range l.Matches {
		m := &l.Matches[i]
		if over += patches(l, m); m.Inset && conclude.MayShow(m.Pixels) {
			over--
		}
		if l.Kind == findings.FoundCopy && m.Submission == l.Submission && !conclude.ShowsCapture(m.Pixels) {
			return true // its mark alone says what it shows
		}
	}
	side, strip := around(l, slices.DeleteFunc(slices.Clone(l.Matches), func(m findings.Match) bool {
		return !conclude.ShowsCapture(m.Pixels) && !(l.Kind == findings.FoundCopy && m.Submission == l.Submission)
	})...)
	return over > 0 || side < tuning.MinBeside && strip >= tuning.MinSeen || l.Pages > 1 || l.Closed > 0 || l.Unlooked() || marksBeside(l) || slices.ContainsFunc(l.Said, func(s findings.Said) bool {
		return s.Code == conclude.Further && s.Figures["looks"] == true
	})
}

func monthOf(t time.Time) time.Time {
	return time.Date(t.UTC().Year(), t.UTC().Month(), 1, 0, 0, 0, 0, time.UTC)
}

func month(t time.Time) string { return t.UTC().Format("January 2006") }

// claimVendor is refuted by a copy that by the records no vendor had: for a reviewer may work for a vendor, and of a
// recipient that is no longer listed nothing is known. It is supported if all files come from copies of named vendors, and
// no other party explains these as well.
func claimVendor(w *Weighing) (string, words.Figures) {
	kind := make(map[string]string)
	for _, r := range w.History.Recipients {
		kind[r.Name] = r.Kind
	}
	vendor := func(name string) bool { return kind[name] == books.KindVendor }
	maybe := func(name string) bool { return kind[name] == "" || kind[name] == books.KindReviewer }
	named := func(name string) bool { return vendor(name) && slices.Contains(w.Named, name) }
	of, sure, none, public := 0, 0, 0, make(map[string]bool)
	for _, l := range w.Case.Leaks {
		for _, c := range l.Copies {
			public[c.ID] = public[c.ID] || !c.Public.IsZero()
		}
	}
	for _, l := range w.Findings {
		had := slices.ContainsFunc(l.MayNames(), maybe)
		if slices.ContainsFunc(l.MayNames(), vendor) {
			of, had = of+1, true
		}
		if !slices.ContainsFunc(l.MayNames(), func(name string) bool { return !vendor(name) }) && !slices.ContainsFunc(l.Views(), func(x *findings.Finding) bool { return !slices.ContainsFunc(x.MayNames(), named) }) {
			sure++
		}
		had = had || slices.ContainsFunc(l.EveryCustody(), func(c books.Custody) bool { return vendor(c.Recipient) || maybe(c.Recipient) })
		for _, c := range l.Issued {
			t := findings.TraceOf(l.Traces, c.Submission)
			had = had || public[c.ID.String()] || w.Cfg.copyLate(l, &c) || t != nil && t.Unsought > 0
			for _, t := range w.Travel {
				holds := func(h findings.HandOn) bool { return vendor(h.Party) || maybe(h.Party) }
				had = had || t.Copy == c.ID && (slices.ContainsFunc(t.Others, holds) || len(t.Returned) > 0)
			}
		}
		if l.Kind == findings.FoundCopy && !had && !w.Cfg.SearchedNamed() && !mixed(l) && !partly(l) && !w.forgeable(l) {
			none++
		}
	}
	reserved := slices.ContainsFunc(findings.ConfirmedCopies(w.Findings), func(c books.Copy) bool { return c.State == books.CopyReserved })
	rival := slices.ContainsFunc(w.Odds.Rivals, func(r odds.Rival) bool { return r.Why != odds.RivalTogether })
	others := reserved || rival || slices.ContainsFunc(w.Travel, func(t findings.Travel) bool {
		return len(t.Returned) > 0 || slices.ContainsFunc(t.Others, func(h findings.HandOn) bool { return !vendor(h.Party) })
	})
	perhaps := slices.ContainsFunc(w.Odds.Rivals, func(r odds.Rival) bool {
		return (r.Why == odds.RivalHeld || r.Why == odds.RivalPlanting) && (vendor(r.Other) || maybe(r.Other))
	})
	only := !slices.ContainsFunc(w.Named, func(name string) bool { return !vendor(name) })
	switch {
	case none > 0 && !perhaps:
		return "vendor-refuted", words.Figures{"n": none}
	case sure == w.Leaks && leaksThat(&w.Verdict, partly)+leaksThat(&w.Verdict, w.forgeable) == 0 && !others && only:
		return "vendor-supported", words.Figures{"n": sure, "names": words.InSentence(w.namedInOrder())}
	}
	return "vendor-open", words.Figures{"n": of, "of": w.Leaks}
}

// claimNoBreach is spoken against by unmarked uploads that by the records no other party held, or had a copy of, before the find.
func claimNoBreach(w *Weighing) (string, words.Figures) {
	n := leaksThat(&w.Verdict, func(l *findings.Finding) bool {
		return l.Kind == findings.FoundUnmarked && !byHash(l) && !showsLate(l, submitted, w.Cfg.doubted) && len(l.EveryCustody()) == 0 &&
			!slices.ContainsFunc(l.Views(), func(x *findings.Finding) bool { return w.handedOut(l, x.Submission) })
	})
	if n > 0 && !w.Cfg.SearchedNamed() && len(w.Record.KeysAbsent) == 0 {
		return "breach-against", words.Figures{"n": n}
	}
	return "breach-open", words.Figures{}
}

// handedOut reports whether others may have had copies, before the find, of an upload that a leak shows.
func (w *Weighing) handedOut(l *findings.Finding, of watermark.Submission) bool {
	switch t := findings.TraceOf(l.Traces, of); {
	case t == nil:
		return of != l.Submission // its copies were not looked for
	case t.Issued == 0:
		return false
	}
	for j, i := range w.Of {
		if c := w.Case.Leaks[j]; w.Findings[i] == l && c.Submission == of.String() {
			return len(c.Copies) == 0 || slices.ContainsFunc(c.Copies, func(c odds.Copy) bool { return !c.Late || c.Undated })
		}
	}
	return true
}
