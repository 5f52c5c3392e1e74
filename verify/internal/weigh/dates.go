package weigh

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/tuning"
	"github.com/kycmark/kycmark/verify/internal/words"
)

// The time of the find is a claim of the person who examines. What exculpates therefore never depends on it: custody and
// copies of any date make a rival. What incriminates depends on it only while nothing contradicts it: see [Basis.Dated].

// A Basis is what a dump is weighed by, apart from its leaks and the registry.
type Basis struct {
	findings.Circumstances
	Named  int       // uploads that were named and searched alone; 0: all were searched
	Before time.Time // the time of the find that counts: see [Basis.Dated]
	first  time.Time // the earliest time of the find that was ever stated: what is later is doubted
	later  bool      // a leak, or what was stated before, shows that the find was later than stated
}

func (c Basis) SearchedNamed() bool { return c.Named > 0 }

// claimedLate reports whether t is after the stated time of the find.
func (c Basis) claimedLate(_ *findings.Finding, t time.Time) bool {
	return !c.Found.IsZero() && t.After(c.Found)
}

// doubted reports whether t is after a time of the find that was ever stated, or after the file of l was first examined.
func (c Basis) doubted(l *findings.Finding, t time.Time) bool {
	known := c.knownBy(l)
	return !known.IsZero() && t.After(known)
}

// knownBy returns from when on the file of l is known, by what was stated or entered; zero: nothing was.
func (c Basis) knownBy(l *findings.Finding) time.Time { return books.Earliest(c.first, l.Known) }

// copyLate reports whether it is not proven that a copy in l was entered before every stated time of the find. It also is late if
// the file was examined before.
func (c Basis) copyLate(l *findings.Finding, x *books.Copy) bool {
	return !c.first.IsZero() && x.LaterThan(c.first) || c.doubted(l, x.Issued)
}

// Dated returns the basis with the time of the find that counts: [findings.Circumstances].Found, or the zero
// time if any of these contradicts it. A leak shows an upload, or contains a copy, of a later time.
// Or an earlier investigation of the same bytes is of an earlier time, or another time was stated then.
func (c Basis) Dated(leaks []*findings.Finding, earlier []findings.Earlier) Basis {
	c.first, c.Before = c.Found, c.Found
	for _, e := range earlier {
		c.first = books.Earliest(c.first, e.Found)
		if c.later = c.later || e.Found.After(c.Found) && e.Started.After(c.Found); c.foundLater(e.Started) || c.restated(e) {
			c.Before = time.Time{}
		}
	}
	if c.later = c.later || slices.ContainsFunc(findings.Views(leaks), func(l *findings.Finding) bool {
		return showsLate(l, submitted, c.claimedLate) || l.Matched() && copied(l, c.claimedLate)
	}); c.later {
		c.Before = time.Time{}
	}
	return c
}

// restated reports whether an earlier investigation stated another time of the find.
func (c Basis) restated(e findings.Earlier) bool { return !e.Found.IsZero() && !e.Found.Equal(c.Found) }

func copied(v *findings.Finding, late func(*findings.Finding, time.Time) bool) bool {
	return slices.ContainsFunc(v.Issued, func(x books.Copy) bool { return late(v, x.Issued) })
}

// foundLater reports whether the stated time of the find is after t. It is false if one of both times is not known.
func (c Basis) foundLater(t time.Time) bool { return !t.IsZero() && c.Found.After(t) }

// after reports whether t is after the leaks were found, as far as nothing contradicts that time. The
// leaks cannot derive from uploads or copies of that time, nor can their source have had them.
func (c Basis) after(t time.Time) bool { return !c.Before.IsZero() && t.After(c.Before) }

// Admissible reports whether a fact of custody was entered before the leaks were found. It is false if that time is not known, or is contradicted.
func (c Basis) Admissible(x books.Custody) bool {
	return !c.Before.IsZero() && x.Before(c.Before)
}

// Exposes reports whether a publication is another one. An investigation of the same publication that is repeated, or grows,
// takes nothing from any finding. What is stated of the find does not count: it would decide what exculpates.
func (c Basis) Exposes(x *books.Investigation) bool {
	return !c.Published || x.Evidence != c.Evidence || x.EvidenceSHA256 != c.EvidenceSHA256
}

// published are the entries of published files that had copies which are confirmed in other files now.
func published(w *Weighing) []words.Figures {
	return each.Of(w.Published, func(e findings.Earlier) words.Figures {
		return words.Figures{"entry": fmt.Sprint(e.Entry), "actor": cmp.Or(e.Actor, "its investigator"), "day": words.UTC(e.Found), "evidence": cmp.Or(e.Evidence, e.EvidenceSHA256)}
	})
}

func outcome(names []string) string {
	return words.List(append(words.InSentence(names), []string{"no recipient"}[min(len(names), 1):]...)) + " " + words.Verb(max(len(names), 1), "was", "were") + " named"
}

// Concluded says whom an earlier investigation named.
func Concluded(e findings.Earlier) string {
	if e.Concluded.IsZero() {
		return "no conclusion was entered"
	}
	return outcome(e.Named)
}

// examinedBefore counts the earlier investigations of files of this dump.
func examinedBefore(w *Weighing) []words.Figures {
	if len(w.Earlier) == 0 {
		return nil
	}
	first := w.Earlier[0]
	return several(len(w.Earlier), words.Figures{"day": words.UTC(first.Started), "entry": fmt.Sprint(first.Entry)})
}

// changed is about earlier investigations of these files that had another time of the find, or named other recipients.
func changed(w *Weighing) (out []words.Figures) {
	if first := each.Find(w.Earlier, func(e *findings.Earlier) bool { return !e.Found.Equal(w.Cfg.Found) }); first != nil {
		out = append(out, words.Figures{"what": "time of the find", "n": first.Shared, "entry": fmt.Sprint(first.Entry),
			"then": "it was " + words.StatedFind(first.Found), "now": "it is " + words.StatedFind(w.Cfg.Found)})
	}
	now := slices.Sorted(slices.Values(w.Named))
	for _, e := range w.Earlier {
		if !e.Concluded.IsZero() && !slices.Equal(e.Named, now) {
			return append(out, words.Figures{"what": "result", "now": outcome(now), "then": outcome(e.Named), "entry": fmt.Sprint(e.Entry), "n": e.Shared})
		}
	}
	return out
}

// foundNotUsed says what contradicts the stated time of the find.
func foundNotUsed(w *Weighing) []words.Figures {
	if w.Cfg.Found.IsZero() || !w.Cfg.Before.IsZero() {
		return nil
	}
	var why []string
	for _, e := range w.Earlier {
		if w.Cfg.foundLater(e.Started) {
			why = append(why, "these files were examined before it")
			break
		}
	}
	if slices.ContainsFunc(w.Earlier, w.Cfg.restated) {
		why = append(why, "another time was entered for these files")
	}
	if leaksThat(&w.Verdict, func(l *findings.Finding) bool { return l.Matched() && copied(l, w.Cfg.claimedLate) }) > 0 {
		why = append(why, "a picture contains a copy that was issued later")
	}
	if w.shownLate(submitted, w.Cfg.claimedLate) > 0 {
		why = append(why, "a picture shows an upload that was submitted later")
	}
	return []words.Figures{{"found": w.foundAt(), "why": why}}
}

// late are the copies in leaks that were issued after the file was known, by the registry, or may have been. It is also
// about the uploads that leaks show and that were submitted, or taken by the registry, after that time.
func late(w *Weighing) (out []words.Figures) {
	n, first, unproven := make(map[string]int), make(map[string]time.Time), make(map[string]string)
	for _, l := range w.Findings {
		once := make(map[string]bool)
		for _, c := range l.Issued {
			if !w.Cfg.copyLate(l, &c) || !l.Matched() {
				continue
			}
			if !w.Cfg.doubted(l, c.Issued) {
				unproven[c.Recipient] = "; that this was entered before the find is not shown"
			}
			first[c.Recipient] = books.Earliest(first[c.Recipient], c.Issued)
			if !once[c.Recipient] {
				once[c.Recipient] = true
				n[c.Recipient]++
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(n)) {
		what := fmt.Sprintf("%s recorded as issued to %s on %s or later%s", words.Verb(n[name], "contains a copy", "contain copies"), intake.InSentence(name), words.UTC(first[name]), unproven[name])
		out = append(out, words.Figures{"n": n[name], "what": what, "found": words.UTC(w.known()), "so": "One of these dates is wrong, or the pictures were made after the find."})
	}
	k, how, so := w.shownLate(submitted, w.Cfg.doubted), "recorded as submitted", "One of these dates is wrong, or the file was elsewhere before."
	if k == 0 {
		k, how = w.shownLate(received, w.Cfg.doubted), "entered"
		so = "They may have been chosen for these pictures. So no holder follows from their times, and that they are of one time shows little."
	}
	what := words.Verb(k, "shows an upload ", "show uploads ") + how + " after that"
	return append(out, several(k, words.Figures{"what": what, "found": words.UTC(w.known()), "so": so})...)
}

// known returns when the first of the leaks was known; zero: nothing says.
func (w *Weighing) known() (first time.Time) {
	for _, l := range w.Findings {
		first = books.Earliest(first, w.Cfg.knownBy(l))
	}
	return first
}

// shownLate counts the leaks that show an upload with a time that is late.
func (w *Weighing) shownLate(at func(*findings.Finding) time.Time, late func(*findings.Finding, time.Time) bool) int {
	return leaksThat(&w.Verdict, func(l *findings.Finding) bool { return showsLate(l, at, late) })
}

func showsLate(l *findings.Finding, at func(*findings.Finding) time.Time, late func(*findings.Finding, time.Time) bool) bool {
	m := another(l)
	return m != nil && late(l, m.Submitted) || slices.ContainsFunc(l.Views(), func(x *findings.Finding) bool { return x.Matched() && late(x, at(x)) })
}

func submitted(l *findings.Finding) time.Time { return l.Submitted }

// received returns when the registry took the upload that a leak shows; zero: not known.
func received(l *findings.Finding) (at time.Time) {
	if m := shown(l); m != nil {
		at = m.Received
	}
	return at
}

func (w *Weighing) foundAt() string { return words.UTC(w.Cfg.Found) }

// custodyEntered are the holders whose custody of pictures of this dump was entered late: after these files were first
// examined, after the stated find, or within [verify#ext.lateEntry] before it. Without a stated find the beginning of this
// investigation takes its place. Of several facts of one holder that cover a picture the first that was entered counts.
func custodyEntered(w *Weighing) (out []words.Figures) {
	for _, name := range w.names {
		n, first := make(map[string]int), make(map[string]time.Time)
		for _, l := range w.Findings {
			at := entered(l, name)
			if !l.Matched() || at.IsZero() {
				continue
			}
			why := lateEntry(w, at)
			if why == "" && !slices.ContainsFunc(l.EveryCustody(), func(c books.Custody) bool { return c.Recipient == name && !c.Unproven }) {
				why = "no trusted witness or authority has dated that entry"
			}
			if n[why]++; n[why] == 1 || at.Before(first[why]) {
				first[why] = at
			}
		}
		for _, why := range slices.Sorted(maps.Keys(n)) {
			if why != "" {
				out = append(out, words.Figures{"n": n[why], "name": name, "entered": words.UTC(first[why]), "why": why})
			}
		}
	}
	return out
}

// custodySigned are the holders of pictures of this dump that said so themselves, in events that the ledger commits to.
func custodySigned(w *Weighing) (out []words.Figures) {
	for _, name := range w.names {
		n := leaksThat(&w.Verdict, func(l *findings.Finding) bool {
			signed := func(c books.Custody) bool { return c.Recipient == name && c.Event != books.Digest{} }
			return l.Matched() && slices.ContainsFunc(l.EveryCustody(), signed)
		})
		out = append(out, several(n, words.Figures{"name": name})...)
	}
	return out
}

// entered returns when the first fact of a holder's custody that covers a leak was entered; zero: no such fact.
func entered(l *findings.Finding, name string) (at time.Time) {
	for _, c := range l.EveryCustody() {
		if c.Recipient == name {
			at = books.Earliest(at, c.EnteredAt())
		}
	}
	return at
}

// lateEntry says why custody that was entered at a time is marked; "": it is not.
func lateEntry(w *Weighing, at time.Time) string {
	switch found := w.Cfg.Found; {
	case len(w.Earlier) > 0 && !at.Before(w.Earlier[0].Started):
		return "after these files were first examined"
	case !w.Cfg.first.IsZero() && at.After(w.Cfg.first):
		return "after the stated time of the find"
	case !found.IsZero() && at.After(found.Add(-tuning.LateEntry)):
		return "less than 30 days before the stated time of the find (" + words.UTC(found) + ")"
	case found.IsZero() && !w.Record.Began.IsZero() && at.After(w.Record.Began.Add(-tuning.LateEntry)):
		return "less than 30 days before this examination (" + words.UTC(w.Record.Began) + ")"
	}
	return ""
}

// heldSince says, for a sentence on a rival, when custody of its was entered that covers leaks with copies of a
// recipient: ", as entered on 2026-01-31"; "": none.
func heldSince(w *Weighing, name, other string) string {
	var times []time.Time
	for _, l := range findings.Views(w.Findings) {
		if at := entered(l, other); !at.IsZero() && slices.Contains(l.MayNames(), name) && !w.forged(l, name) {
			times = append(times, at)
		}
	}
	if len(times) == 0 {
		return ""
	}
	return ", " + enteredOn(times)
}

// enteredOn says when facts were entered: "as entered on 2026-01-31", or from the first day to the last.
func enteredOn(times []time.Time) string {
	slices.SortFunc(times, time.Time.Compare)
	first, last := words.Day(times[0]), words.Day(times[len(times)-1])
	if first == last {
		return "as entered on " + first
	}
	return "as entered from " + first + " to " + last
}
