package verify

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/registry"
)

// The time of the find is a claim of the person who examines. What exculpates therefore never
// depends on it: custody and copies of any date make a rival. What incriminates depends on it only
// while nothing contradicts it: see [Config.dated].

// A Basis is what a dump is weighed by, apart from its leaks and the registry.
type Basis struct {
	Circumstances
	named  int       // uploads that were named and searched alone; 0: all were searched
	before time.Time // the time of the find that counts: see [Basis.dated]
	later  bool      // a leak shows that the find was later than stated
}

// searchedNamed reports whether only named uploads were searched.
func (c Basis) searchedNamed() bool { return c.named > 0 }

// claimedLate reports whether t is after the stated time of the find.
func (c Basis) claimedLate(t time.Time) bool { return !c.Found.IsZero() && t.After(c.Found) }

// copyLate reports whether it is not proven that a copy was entered before the stated time of the find.
func (c Basis) copyLate(x *registry.Copy) bool { return !c.Found.IsZero() && x.LaterThan(c.Found) }

// dated returns the configuration with the time of the find that counts: [Config].Found, or the zero
// time if any of these contradicts it. A leak shows an upload, or contains a copy, of a later time.
// Or an earlier investigation of the same bytes, or what was stated then, is of an earlier time.
func (c Basis) dated(leaks []*Finding, earlier []findings.Earlier) Basis {
	c.later = slices.ContainsFunc(views(leaks), func(l *Finding) bool {
		return l.matched() && (c.claimedLate(l.Submitted) || l.copied(c.claimedLate))
	})
	if c.before = c.Found; c.later || slices.ContainsFunc(earlier, func(e findings.Earlier) bool {
		return c.foundLater(e.Started) || c.foundLater(e.Found)
	}) {
		c.before = time.Time{}
	}
	return c
}

// copied reports whether a leak contains a copy whose time of issue is late.
func (v *Finding) copied(late func(time.Time) bool) bool {
	return slices.ContainsFunc(v.Issued, func(x registry.Copy) bool { return late(x.Issued) })
}

// foundLater reports whether the stated time of the find is after t. It is false if one of both times
// is not known.
func (c Basis) foundLater(t time.Time) bool { return !t.IsZero() && c.Found.After(t) }

// after reports whether t is after the leaks were found, as far as nothing contradicts that time. The
// leaks cannot derive from uploads or copies of that time, nor can their source have had them.
func (c Basis) after(t time.Time) bool { return !c.before.IsZero() && t.After(c.before) }

// admissible reports whether a fact of custody was entered before the leaks were found. It is false if that time is not known, or is contradicted.
func (c Basis) admissible(x registry.Custody) bool {
	return !c.before.IsZero() && x.Before(c.before)
}

// exposes reports whether a publication was before the find, as stated, and another one. An investigation of the same
// publication that is repeated, or grows, takes nothing from any finding.
func (c Basis) exposes(x *registry.Investigation) bool {
	same := c.Published && x.Evidence == c.Evidence && x.EvidenceSHA256 == c.EvidenceSHA256
	return !same && (c.Found.IsZero() || x.Found.Before(c.Found))
}

// published are the entries of published files that had copies which are confirmed in other files now.
func (w *weighing) published() (out []figures) {
	for _, e := range w.Published {
		out = append(out, figures{"entry": fmt.Sprint(e.Entry), "actor": cmp.Or(e.Actor, "its investigator"), "day": utc(e.Found), "evidence": cmp.Or(e.Evidence, e.EvidenceSHA256)})
	}
	return out
}

// outcome says whom an examination named.
func outcome(names []string) string {
	return list(append(slices.Clone(names), []string{"no recipient"}[min(len(names), 1):]...)) + " " + verb(max(len(names), 1), "was", "were") + " named"
}

// concluded says whom an earlier investigation named.
func concluded(e findings.Earlier) string {
	if e.Concluded.IsZero() {
		return "no conclusion was entered"
	}
	return outcome(e.Named)
}

// examinedBefore are the earlier investigations of files of this dump: the first ones and the last
// ones, [shownEarlier] of each.
func (w *weighing) examinedBefore() (out []figures) {
	for i, e := range w.Earlier {
		if i >= shownEarlier && i < len(w.Earlier)-shownEarlier {
			continue
		}
		x := figures{"day": utc(e.Started), "n": e.Shared, "entry": fmt.Sprint(e.Entry), "found": statedFind(e.Found), "outcome": concluded(e), "command": "another command"}
		if e.Command == intake.ShellLine(w.Record.Command...) {
			x["command"] = "the same command"
		}
		out = append(out, x)
	}
	return out
}

// examinedMore counts the earlier investigations that examinedBefore leaves out.
func (w *weighing) examinedMore() int { return len(w.Earlier) - len(w.examinedBefore()) }

// foundChanged is said if an earlier investigation of these files had another time of the find.
func (w *weighing) foundChanged() []figures {
	if !slices.ContainsFunc(w.Earlier, func(e findings.Earlier) bool { return !e.Found.Equal(w.cfg.Found) }) {
		return nil
	}
	first := w.Earlier[0]
	return []figures{{"now": statedFind(w.cfg.Found), "first": statedFind(first.Found), "entered": utc(first.Started)}}
}

// outcomeChanged is said if an earlier investigation of these files named other recipients.
func (w *weighing) outcomeChanged() []figures {
	for _, e := range w.Earlier {
		now := slices.Sorted(slices.Values(w.Named))
		if !e.Concluded.IsZero() && !slices.Equal(e.Named, now) {
			return []figures{{"now": outcome(now), "then": outcome(e.Named), "entry": fmt.Sprint(e.Entry), "n": e.Shared}}
		}
	}
	return nil
}

// foundNotUsed says what contradicts the stated time of the find.
func (w *weighing) foundNotUsed() []figures {
	if w.cfg.Found.IsZero() || !w.cfg.before.IsZero() {
		return nil
	}
	var why []string
	for _, e := range w.Earlier {
		if w.cfg.foundLater(e.Started) {
			why = append(why, "these files were examined before it")
			break
		}
	}
	if slices.ContainsFunc(w.Earlier, func(e findings.Earlier) bool { return w.cfg.foundLater(e.Found) }) {
		why = append(why, "an earlier time was entered for these files")
	}
	if w.leaksThat(func(l *Finding) bool { return l.matched() && l.copied(w.cfg.claimedLate) }) > 0 {
		why = append(why, "a picture contains a copy that was issued later")
	}
	if len(w.lateUploads()) > 0 {
		why = append(why, "a picture shows an upload that was submitted later")
	}
	return []figures{{"found": w.foundAt(), "why": why}}
}

// lateCopies are the copies in leaks that were issued after [Config].Found, by the registry, or may have been.
func (w *weighing) lateCopies() (out []figures) {
	n, first, unproven := make(map[string]int), make(map[string]time.Time), make(map[string]string)
	for _, l := range w.Findings {
		once := make(map[string]bool)
		for _, c := range l.Issued {
			if !w.cfg.copyLate(&c) || !l.matched() {
				continue
			}
			if !w.cfg.claimedLate(c.Issued) {
				unproven[c.Recipient] = "; that this was entered before the find is not shown"
			}
			if at := first[c.Recipient]; at.IsZero() || c.Issued.Before(at) {
				first[c.Recipient] = c.Issued
			}
			if !once[c.Recipient] {
				once[c.Recipient] = true
				n[c.Recipient]++
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(n)) {
		out = append(out, figures{"n": n[name], "name": name, "issued": utc(first[name]), "unproven": unproven[name], "found": w.foundAt()})
	}
	return out
}

// lateUploads are the uploads that leaks show and that were submitted after [Config].Found.
func (w *weighing) lateUploads() []figures {
	n := w.leaksThat(func(l *Finding) bool {
		return slices.ContainsFunc(l.views(), func(x *Finding) bool { return x.matched() && w.cfg.claimedLate(x.Submitted) })
	})
	return several(n, figures{"found": w.foundAt()})
}

// foundAt writes the time at which the leaks were found, as stated.
func (w *weighing) foundAt() string { return utc(w.cfg.Found) }

// custodyEntered are the holders whose custody of pictures of this dump was entered late: after these
// files were first examined, after the stated find, or within [lateEntry] before it. Without a stated
// find the beginning of this investigation takes its place. Of several facts of one holder that cover
// a picture the first that was entered counts.
func (w *weighing) custodyEntered() (out []figures) {
	for _, name := range w.names {
		n, unproven, first := 0, 0, time.Time{}
		for _, l := range w.Findings {
			at := entered(l, name)
			if !l.matched() || at.IsZero() {
				continue
			}
			open := !slices.ContainsFunc(l.EveryCustody(), func(c registry.Custody) bool { return c.Recipient == name && !c.Unproven })
			if !open && w.lateEntry(at) == "" {
				continue
			}
			if open {
				unproven++
			}
			if n++; first.IsZero() || at.Before(first) {
				first = at
			}
		}
		why := w.lateEntry(first)
		if unproven > 0 && why == "" {
			why = "no trusted witness or authority has dated that entry"
		}
		if n > 0 {
			out = append(out, figures{"n": n, "name": name, "entered": utc(first), "why": why})
		}
	}
	return out
}

// entered returns when the first fact of a holder's custody that covers a leak was entered; zero: no
// such fact.
func entered(l *Finding, name string) (at time.Time) {
	for _, c := range l.EveryCustody() {
		if c.Recipient == name && (at.IsZero() || c.EnteredAt().Before(at)) {
			at = c.EnteredAt()
		}
	}
	return at
}

// lateEntry says why custody that was entered at a time is marked; "": it is not.
func (w *weighing) lateEntry(at time.Time) string {
	switch found := w.cfg.Found; {
	case len(w.Earlier) > 0 && !at.Before(w.Earlier[0].Started):
		return "after these files were first examined"
	case w.cfg.claimedLate(at):
		return "after the stated time of the find"
	case !found.IsZero() && at.After(found.Add(-lateEntry)):
		return "less than 30 days before the stated time of the find (" + utc(found) + ")"
	case found.IsZero() && !w.Record.Began.IsZero() && at.After(w.Record.Began.Add(-lateEntry)):
		return "less than 30 days before this examination (" + utc(w.Record.Began) + ")"
	}
	return ""
}

// heldSince says, for a sentence on a rival, when custody of its was entered that covers leaks with copies of a
// recipient: ", as entered on 2026-01-31"; "": none.
func (w *weighing) heldSince(name, other string) string {
	var first, last time.Time
	for _, l := range views(w.Findings) {
		at := entered(l, other)
		if at.IsZero() || !slices.Contains(l.MayNames(), name) {
			continue
		}
		if first.IsZero() || at.Before(first) {
			first = at
		}
		if at.After(last) {
			last = at
		}
	}
	switch {
	case first.IsZero():
		return ""
	case day(first) == day(last):
		return ", as entered on " + day(first)
	}
	return ", as entered from " + day(first) + " to " + day(last)
}
