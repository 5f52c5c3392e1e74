package weigh

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/conclude"
	"github.com/kycmark/kycmark/verify/internal/tuning"
	"github.com/kycmark/kycmark/verify/internal/words"
	"github.com/kycmark/kycmark/verify/odds"
	"github.com/kycmark/kycmark/watermark"
)

// The conditions of the sentences about a dump: each function returns the figures with which a
// row of dumpSentences is said, and nothing if it is not said. What a sentence may not say is in
// docs/verdict.md, and a test checks every output against that list.

// A stage is what the headline is about: the first of these that holds.
type stage int

const (
	aboutNothing     stage = iota // no leak
	aboutUnopened                 // no leak is a readable picture
	aboutNamed                    // recipients are named
	aboutConfirmed                // confirmed copies, and no recipient is named
	aboutMatched                  // matches, and no confirmed copy
	aboutUnconfirmed              // marks of issued copies, none of them confirmed
	aboutUnmatched                // nothing matches
)

// stage returns what the headline is about. It names a recipient only if package odds does.
func (w *Weighing) stage() stage {
	switch {
	case w.Leaks == 0:
		return aboutNothing
	case w.Readable() == 0:
		return aboutUnopened
	case len(w.Named) > 0:
		return aboutNamed
	case w.Counts[string(findings.FoundCopy)] > 0:
		return aboutConfirmed
	case w.Matched > 0:
		return aboutMatched
	case unsure(w) > 0:
		return aboutUnconfirmed
	}
	return aboutUnmatched
}

// found returns the condition of a sentence on the number of leaks with a finding.
func found(f findings.Kind) func(*Weighing) []words.Figures {
	return many(func(w *Weighing) int { return w.Counts[string(f)] })
}

// many returns the condition of a sentence with the figure n alone, which is said if n is above 0.
func many(number func(*Weighing) int) func(*Weighing) []words.Figures {
	return func(w *Weighing) []words.Figures { return several(number(w), nil) }
}

// several returns x alone, with the figure n, if n is above 0, else nothing.
func several(n int, x words.Figures) []words.Figures {
	if x == nil {
		x = words.Figures{}
	}
	x["n"] = n
	return once(n > 0, x)
}

func once(said bool, x words.Figures) []words.Figures {
	if !said {
		return nil
	}
	return []words.Figures{x}
}

func leaksThat(d *findings.Verdict, is func(*findings.Finding) bool) (n int) {
	for _, l := range d.Findings {
		if is(l) {
			n++
		}
	}
	return n
}

// markedPictures returns the number of pictures on which a mark was found, whatever that mark is worth.
func markedPictures(w *Weighing) int {
	return leaksThat(&w.Verdict, func(l *findings.Finding) bool {
		return l.Kind == findings.FoundCopy || l.Kind == findings.FoundUnconfirmed || l.Kind == findings.FoundTransplanted || len(unissued(l)) > 0
	})
}

func (w *Weighing) namedInOrder() []string {
	return slices.DeleteFunc(slices.Clone(w.names), func(name string) bool { return !slices.Contains(w.Named, name) })
}

// namedFigures are for each named recipient its pictures, and for what and when its copies were issued. Of a single one it
// may be said that no other mark was found.
func namedFigures(w *Weighing) []words.Figures {
	alone := ""
	if isAlone(w) {
		alone = " No mark of another recipient's copy was found."
	}
	return each.Of(w.namedInOrder(), func(name string) words.Figures {
		s := w.parties[name]
		come := words.Verb(s.pictures, "comes from "+words.Verb(len(s.copies), "a copy", "copies"), "come from copies")
		return words.Figures{"n": s.pictures, "of": w.Readable(), "come": come, "name": name, "as": issuedAs(w, name), "alone": alone}
	})
}

// issuedAs says for what and in which months the copies of a recipient in this dump were issued: " (“checks”, March
// 2018)". Of more than three purposes it gives their number.
func issuedAs(w *Weighing, name string) string {
	var first, last time.Time
	for _, c := range findings.ConfirmedCopies(w.Findings) {
		if at := c.Issued; w.parties[name].copies[c.ID] {
			first = books.Earliest(first, at)
			if at.After(last) {
				last = at
			}
		}
	}
	when := month(first)
	if month(last) != when {
		when += " to " + month(last)
	}
	purposes := w.parties[name].purposes
	switch {
	case len(purposes) == 0:
		return " (" + when + ")"
	case len(purposes) > 3:
		return fmt.Sprintf(" (%d requests, %s)", len(purposes), when)
	}
	return " (" + strings.Join(each.Of(purposes, intake.Quoted), ", ") + ", " + when + ")"
}

// isAlone reports whether one recipient is named, and no other mark was found, whatever it is worth. An unconfirmed mark
// that is not counted for the recipient named is another's, who may not be listed. A file that was not examined may have one.
func isAlone(w *Weighing) bool {
	if len(w.Named) != 1 || unsure(w) > w.Unconfirmed[w.Named[0]] || len(w.rivals(w.Named[0], odds.RivalUnsought)) > 0 {
		return false
	}
	other := func(name string) bool { return name != w.Named[0] }
	n := leaksThat(&w.Verdict, func(l *findings.Finding) bool {
		return partly(l) || slices.ContainsFunc(l.MayNames(), other) || l.Kind == findings.FoundTransplanted && slices.ContainsFunc(l.Private.Marked, other) || l.Damaged() || len(unissued(l)) > 0
	}) + w.Counts[string(findings.FoundUnopened)] + w.Counts[string(findings.FoundUnsupported)] + w.Counts[string(findings.FoundDamaged)] + w.Counts[string(findings.FoundMissing)]
	return n == 0 && !slices.ContainsFunc(slices.Collect(maps.Keys(w.Unconfirmed)), other)
}

// confirmedFigures are the pictures with confirmed copies, if no recipient is named, and the recipients of the copies.
func confirmedFigures(w *Weighing) []words.Figures {
	names := w.recipients()
	who := words.Count(len(names), "recipient", "different recipients")
	if len(names) <= 3 {
		who = words.List(words.InSentence(names))
	}
	n, one, many := w.Counts[string(findings.FoundCopy)], "comes from ", "come from "
	if leaksThat(&w.Verdict, w.forgeable) > 0 {
		one, many = "carries the mark of ", "carry marks of "
	}
	one, many = one+words.Verb(len(findings.ConfirmedCopies(w.Findings)), "a copy", "copies"), many+"copies"
	return once(w.stage() == aboutConfirmed, words.Figures{"n": n, "of": w.Readable(), "come": words.Verb(n, one, many), "who": who, "k": len(names)})
}

func (w *Weighing) rivals(name string, why ...string) []odds.Rival {
	return slices.DeleteFunc(slices.Clone(w.Odds.Rivals), func(r odds.Rival) bool { return r.Name != name || !slices.Contains(why, r.Why) })
}

// held returns the figure "who" for each named recipient: the parties that held the submissions of its copies unmarked.
func held(w *Weighing) (out []words.Figures) {
	for _, name := range w.namedInOrder() {
		who := each.Of(w.rivals(name, odds.RivalHeld, odds.RivalPlanting), func(r odds.Rival) string {
			return fmt.Sprintf("%s (could hold pictures of %d of these %d persons%s)", intake.InSentence(r.Other), r.Clusters, r.Of, heldSince(w, name, r.Other))
		})
		if len(who) > 0 {
			out = append(out, words.Figures{"who": strings.Join(who, " or ")})
		}
	}
	return out
}

// together says of each group of recipients in how many pictures their copies are at once: ": 2 pictures contain copies
// issued to vendor-a and vendor-b at once"; "": there is no such group with a recipient that is named.
func together(w *Weighing) string {
	var out []string
	for _, group := range w.Odds.Together {
		among := ""
		if len(group) > 2 {
			among = "two or more of "
		}
		n := leaksThat(&w.Verdict, func(l *findings.Finding) bool {
			outside := func(name string) bool { return !slices.Contains(group, name) }
			return len(slices.DeleteFunc(l.MayNames(), outside)) > 1
		})
		names := slices.DeleteFunc(slices.Clone(group), func(name string) bool { return !slices.Contains(w.Named, name) })
		if len(names) == 0 {
			continue
		}
		others := len(group) - len(names)
		if names = words.InSentence(names); others > 0 {
			names = append(names, words.Count(others, "other recipient", "other recipients"))
		}
		if n > 0 {
			out = append(out, fmt.Sprintf("%d %s issued to %s%s at once", n, words.Verb(n, "picture contains copies", "pictures contain copies"), among, words.List(names)))
		}
	}
	if len(out) == 0 {
		return ""
	}
	return ": " + strings.Join(out, "; ")
}

// alsoHeld returns figures for each recipient whose pictures others could all hold unmarked. It leaves out rivals: see [held].
func alsoHeld(w *Weighing) (out []words.Figures) {
	for _, x := range w.Odds.AlsoHeld {
		rival := func(other string) bool {
			return slices.ContainsFunc(w.Odds.Rivals, func(r odds.Rival) bool { return r.Name == x.Name && r.Other == other })
		}
		if others := slices.DeleteFunc(slices.Clone(x.Others), rival); len(others) > 0 {
			out = append(out, words.Figures{"n": x.Leaks, "name": x.Name, "others": words.InSentence(others)})
		}
	}
	return out
}

// namedRest is about submissions that the copies of the one named recipient do not explain, and who had some of them.
func namedRest(w *Weighing) []words.Figures {
	if len(w.Named) != 1 {
		return nil
	}
	n, had := 0, []string{}
	for _, r := range w.rivals(w.Named[0], odds.RivalRest) {
		if n = r.Of; r.Other != "" {
			had = append(had, fmt.Sprintf("%s (%d)", intake.InSentence(r.Other), r.Clusters))
		}
	}
	who := ""
	if len(had) > 0 {
		who = " By the records, " + words.List(had) + " had uploads of these, marked or unmarked."
	}
	return several(n, words.Figures{"name": w.Named[0], "who": who})
}

// namedOthers is said beside a name if copies of recipients that are not named are confirmed too.
func namedOthers(w *Weighing) []words.Figures {
	n := 0
	for name, s := range w.parties {
		if len(w.Named) > 0 && !slices.Contains(w.Named, name) && s.pictures > 0 {
			n++
		}
	}
	return several(n, nil)
}

// namedUnconfirmed is said beside a name if pictures carry unconfirmed marks of recipients that are not
// named, and none that is confirmed. They count for no recipient, so the sentence names none. It is also said if
// pictures with confirmed copies show other uploads.
func namedUnconfirmed(w *Weighing) (out []words.Figures) {
	unnamed := func(name string) bool {
		s := w.parties[name]
		return !slices.Contains(w.Named, name) && (s == nil || s.pictures == 0)
	}
	if len(w.Named) > 0 && slices.ContainsFunc(slices.Collect(maps.Keys(w.Unconfirmed)), unnamed) {
		out = append(out, words.Figures{"what": "Marks of copies issued to others were also found, and could not be confirmed"})
	}
	if slices.ContainsFunc(w.Odds.Rivals, func(r odds.Rival) bool { return r.Why == odds.RivalUnsought && r.Other != "" }) {
		out = append(out, words.Figures{"what": "Copies issued to others were not looked for on some pictures, since their mark keys were not at hand (kycmark doctor names these keys)"})
	}
	n := leaksThat(&w.Verdict, func(l *findings.Finding) bool {
		return l.Kind == findings.FoundCopy && slices.ContainsFunc(l.Said, func(s findings.Said) bool { return s.Code == conclude.Further })
	})
	if len(w.Named) > 0 && n > 0 {
		out = append(out, words.Figures{"what": words.Count(n, "picture with a confirmed copy also shows", "pictures with confirmed copies also show") + " uploads, or what looks like them, in places where no copy was confirmed"})
	}
	if len(w.Named) > 0 && w.faint(func(name string) bool { return !slices.Contains(w.Named, name) }) > 0 {
		out = append(out, words.Figures{"what": "Marks of copies issued to others are too weak to be found on one picture, but may be there if pictures are taken together"})
	}
	if n := leaksThat(&w.Verdict, mixed); len(w.Named) > 0 && n > 0 {
		out = append(out, words.Figures{"what": words.Count(n, "picture with a confirmed copy carries its mark", "pictures with confirmed copies carry their marks") + " otherwise than whole copies would, so that a part may come from the upload itself or from another copy"})
	}
	return out
}

func withheld(w *Weighing) []words.Figures { return each.Of(w.Odds.Withheld, ReasonFigures) }

// unproved is the headline if uploads or marks were found, and no copy is confirmed.
func unproved(w *Weighing) []words.Figures {
	switch n := unsure(w); w.stage() {
	case aboutMatched:
		n = w.Matched
		what := words.Verb(n, "shows an upload", "show uploads")
		if leaksThat(&w.Verdict, byHash) > 0 {
			what = words.Verb(n, "looks like an upload", "look like uploads")
		}
		return []words.Figures{{"n": n, "of": w.Readable(), "what": what + " of the registry",
			"why": "no mark of an issued copy was confirmed on " + words.Verb(n, "it", "them")}}
	case aboutUnconfirmed:
		return []words.Figures{{"n": n, "of": w.Readable(), "what": words.Verb(n, "carries", "carry") + " the mark of an issued copy",
			"why": words.Verb(n, "it is", "they are") + " not confirmed to show that copy's upload" + words.Verb(1+leaksThat(&w.Verdict, showsAnother), ", and no other upload was matched", "")}}
	}
	return nil
}

// noMatch is the headline if nothing matches. It begins with the reason if it is inconclusive.
func noMatch(w *Weighing) []words.Figures {
	open, closed := "", w.Counts[string(findings.FoundIncomplete)]
	switch {
	case w.Cfg.SearchedNamed():
		open = "Inconclusive: only " + words.Verb(w.Cfg.Named, "the upload that was named was", "the uploads that were named were") + " searched. "
	case closed > 0:
		open = words.Write("Inconclusive: {n} of the {of} leaked {of|picture|pictures} may show uploads that could not be read. ", words.Figures{"n": closed, "of": w.Readable()})
	}
	return once(w.stage() == aboutUnmatched, words.Figures{"n": w.Readable(), "open": open})
}

// restorable returns what the operator can restore for more to be found: uploads that could not be opened, and mark keys not at hand.
func restorable(w *Weighing) (out []words.Figures) {
	if n := leaksThat(&w.Verdict, func(l *findings.Finding) bool {
		return l.Closed > 0 && l.Kind != findings.FoundLookalike && l.Kind != findings.FoundUnknown
	}); n > 0 {
		out = append(out, words.Figures{"what": words.Count(n, "picture", "pictures") + " may show uploads that could not be read",
			"these": "the originals or records of these uploads", "by": "kycmark audit --originals"})
	}
	if n := leaksThat(&w.Verdict, func(l *findings.Finding) bool {
		r, t := l.Exact(), findings.TraceOf(l.Traces, l.Submission)
		return l.MarkUnsought() || r != nil && r.LogP == nil && l.Closed == 0 && (t == nil || t.Unsought > 0) // or an issued file in which no mark was read
	}); n > 0 {
		out = append(out, words.Figures{"what": "For " + words.Count(n, "picture", "pictures") + " the mark keys of some copies were not at hand",
			"these": "these keys", "by": "kycmark doctor"})
	}
	return out
}

// repeatedFigures are the pictures that repeat others. [findings.Tally].Repeated counts other files as well.
func repeatedFigures(w *Weighing) []words.Figures {
	seen, n := make(map[string]bool), 0
	for _, l := range w.given.Findings {
		if l.Examined() && l.SHA256 != "" {
			if seen[l.SHA256] {
				n++
			}
			seen[l.SHA256] = true
		}
	}
	return several(n, nil)
}

// controls is about leaks that were compared with uploads of other subjects, and how many of these were found to be the same
// capture. Leaks that show no submission do not count.
func controls(w *Weighing) []words.Figures {
	leaks, compared, same, so := 0, 0, 0, ""
	for _, l := range w.Findings {
		if len(l.References) == 0 || !l.Matched() {
			continue
		}
		leaks++
		for _, m := range l.References {
			if compared++; conclude.ShowsCapture(m.Pixels) {
				same++
			}
		}
	}
	if same > 0 {
		so = " The same picture may have been submitted twice."
	}
	if same > 0 && slices.ContainsFunc(w.Travel, func(t findings.Travel) bool { return len(t.Returned) > 0 }) {
		so = " Uploads came in with marks of copies that were found here."
	}
	return several(compared, words.Figures{"leaks": leaks, "same": same, "so": so})
}

// copiesFigures are what the copies of each recipient are worth, if anything, and once why no higher number is stated.
func copiesFigures(w *Weighing) (out []words.Figures) {
	said := false
	for _, h := range w.Odds.Recipients {
		if h.LogE == 0 {
			continue
		}
		bound := ""
		if trials := words.Thousands(float64(w.Case.MarkTrials)); h.Capped && !said {
			said = true
			bound = fmt.Sprintf(" No higher number than %s is stated: in %s trials no mark was read as another copy's, which bounds the error rate by 3 in %s (95 %% confidence).",
				words.Times(odds.Cap(w.Case.MarkTrials)), trials, trials)
		}
		out = append(out, words.Figures{"n": w.parties[h.Name].pictures, "name": h.Name, "clusters": len(w.parties[h.Name].clusters), "times": words.Times(h.LogE), "words": h.Words, "cap": bound})
	}
	return out
}

// unissuedFigures are marks that the registry does not list, and how often chance gives such a mark. Parts of leaks are also read.
func unissuedFigures(w *Weighing) []words.Figures {
	n, ids, keys := 0, make(map[watermark.CopyID]bool), make(map[string]bool)
	for _, l := range w.Findings {
		marks := unissued(l)
		if len(marks) > 0 {
			n++
		}
		for _, r := range marks {
			ids[r.Copy], keys[r.KeyID] = true, true
		}
	}
	return several(n, words.Figures{"ids": len(ids), "keys": len(keys), "names": slices.Sorted(maps.Keys(keys)),
		"chance": words.RoundedUp(tuning.FalseRead * float64(w.Readable()*w.keys*(1+tuning.MaxApart)))})
}

// issuerAll is said if the copies in a dump are the copies that the issuer had in one place: for two uploads or more,
// copies of all their several recipients were found. of counts the uploads of several recipients with a found copy.
func issuerAll(w *Weighing) []words.Figures {
	had, found := make(map[string][]string), make(map[string][]string)
	add := func(to map[string][]string, of, name string) {
		if !slices.Contains(to[of], name) {
			to[of] = append(to[of], name)
		}
	}
	for _, l := range w.Case.Leaks {
		for _, c := range l.Copies {
			if !c.Late || c.Undated || c.Confirmed { // the issuer may issue more after the find
				add(had, l.Submission, c.Recipient)
			}
		}
	}
	for _, l := range findings.Views(w.Findings) {
		for _, name := range l.MayNames() {
			add(found, l.Submission.String(), name)
		}
	}
	n, of, names := 0, 0, make(map[string]bool)
	for id, who := range found {
		if len(had[id]) < 2 {
			continue
		}
		if of++; len(who) == len(had[id]) {
			n++
			for _, name := range who {
				names[name] = true
			}
		}
	}
	return once(n > 1, words.Figures{"n": n, "of": of, "names": words.InSentence(slices.Sorted(maps.Keys(names)))})
}

// recipients returns the recipients with confirmed copies, sorted, whether or not the registry still lists them.
func (w *Weighing) recipients() []string {
	names := slices.Concat(each.Of(w.Findings, (*findings.Finding).MayNames)...)
	slices.Sort(names)
	return slices.Compact(names)
}

func noMark(w *Weighing) int {
	return w.Counts[string(findings.FoundUnmarked)] + w.Counts[string(findings.FoundUnreadable)] - damagedMarks(w)
}

// holders are the recipients whose admissible custody covers leaks without a mark. How much each held counts records of any
// date: the more it held, the less these leaks say of it.
func holders(w *Weighing) []words.Figures {
	var names []string
	all := 0
	for _, c := range w.Case.Cells {
		all += c.Ever()
	}
	for k, name := range w.names {
		if s := w.parties[name]; s.custody > 0 && !w.Cfg.SearchedNamed() {
			names = append(names, fmt.Sprintf("%s (%d of these; %s of all %s uploads)", intake.InSentence(name), s.custody, words.Thousands(float64(odds.Total(w.Case.Holders[k].EverHeld()))), words.Thousands(float64(all))))
		}
	}
	return once(len(names) > 0 && noMark(w) > 0, words.Figures{"n": noMark(w), "names": names})
}

// custodyLate is about leaks without a mark within custody that is not admissible.
func custodyLate(w *Weighing) []words.Figures {
	n, x := 0, words.Figures{"what": "Custody that was entered after the leaks were found", "why": ""}
	for _, s := range w.parties {
		if n += s.late + s.unjudged; s.unjudged > 0 {
			x = words.Figures{"what": "Custody", "why": ": when the leaks were found is not known"}
		}
	}
	return once(n > 0 && noMark(w) > 0, x)
}

// ofKeys ends a sentence on pictures without a mark: under how many keys marks were looked for.
func (w *Weighing) ofKeys() string {
	if w.keys == 0 {
		return " (no mark key was given)"
	}
	others := "another service's"
	if n := len(w.Record.KeysAbsent); n > 0 {
		others = fmt.Sprintf("%d of the registry that %s not at hand", n, words.Verb(n, "was", "were"))
	}
	return fmt.Sprintf(" under the %s that %s tried (marks under other keys, such as %s, cannot be seen)", words.Count(w.keys, "mark key", "mark keys"), words.Verb(w.keys, "was", "were"), others)
}

// window is when leaks without a mark are densest, and how seldom a random draw is as dense. It also says which recipients
// could hold all uploads of the window that leaks show.
func window(w *Weighing) []words.Figures {
	x := w.Odds.Window
	if x == nil {
		return nil
	}
	var shares []string
	for _, name := range x.Holders {
		held := w.Case.Holders[slices.Index(w.names, name)].Unmarked[x.From : x.To+1]
		shares = append(shares, couldHold(name, float64(odds.Total(held))/float64(x.Submissions)))
	}
	holders := ""
	if len(shares) > 0 {
		holders = fmt.Sprintf(" By the records, %s could hold the uploads of all these %d pictures unmarked. Of all uploads of that time %s. The exchange held them also. A thief who took just this time, from any of them, fits as well.",
			words.List(words.InSentence(x.Holders)), x.Leaks, words.List(shares))
	}
	return []words.Figures{{"of": x.Of, "n": x.Leaks, "dates": x.Dates, "share": words.Percent(float64(x.Submissions) / float64(x.OfSubmissions)), "persons": x.OfClusters, "inside": x.Clusters, "once": words.OnceIn(x.Chance), "holders": holders}}
}

func couldHold(name string, share float64) string {
	return intake.InSentence(name) + " could hold " + words.Percent(share)
}

// holding is about leaks without a mark that lie in what the same parties could hold, and how seldom a random draw does.
func holding(w *Weighing) []words.Figures {
	x := w.Odds.Holding
	if x == nil {
		return nil
	}
	others := ""
	if len(x.Others) > 0 {
		others = " " + words.List(words.InSentence(x.Others)) + " had nine tenths of these or more in another way: by other records of custody, or as marked copies."
	}
	var shares []string
	for i, name := range x.Holders {
		shares = append(shares, couldHold(name, x.Shares[i]))
	}
	return []words.Figures{{"of": x.Of, "n": x.Leaks, "names": words.InSentence(x.Holders), "k": len(x.Holders), "shares": shares, "persons": x.OfClusters, "inside": x.Clusters, "once": words.OnceIn(x.Chance), "others": others}}
}

// claimed is about the pictures that are claimed: all of them were examined, or others chose what was.
func claimed(w *Weighing) []words.Figures {
	of, so := w.Case.Claimed, ""
	if w.Leaks < of || w.Readable() < w.Leaks || leaksThat(&w.Verdict, partly) > 0 {
		so = " From a selection that others made, nothing follows about the rest."
	}
	return once(of > 0, words.Figures{"claims": words.Thousands(float64(of)) + words.Verb(of, " picture is", " pictures are"), "seen": w.Odds.Matched, "examined": w.Leaks, "so": so})
}

// unsure returns the number of leaks with marks of issued copies that are not confirmed.
func unsure(w *Weighing) int { return w.Counts[string(findings.FoundUnconfirmed)] }

// disowned are the leaks with marks that count for no recipient, since others may have the key, or the copy is void.
func disowned(w *Weighing) (out []words.Figures) {
	if n := leaksThat(&w.Verdict, func(l *findings.Finding) bool { return l.Forgeable }); n > 0 {
		out = several(n, words.Figures{"that": "whose mark key is recorded as compromised, and " + words.Verb(n, "it is", "they are") + " not stated to have been found before that",
			"so": "Each holder of the key who had the upload could have made that mark, without any copy."})
	}
	return append(out, several(leaksThat(&w.Verdict, func(l *findings.Finding) bool { return l.Void }), words.Figures{"that": "that is void in the ledger: no byte of it was handed out, says the issuer's record",
		"so": "The record is wrong, or the copy left the issuer in another way."})...)
}

// unknownRecall are, for unknown leaks by kind, the lower bounds of the share that the search finds, and the number of others.
func unknownRecall(w *Weighing) (out []words.Figures) {
	n, kinds := make(map[string]int), make(map[string]*findings.Recall)
	for _, l := range w.Findings {
		if l.Kind == findings.FoundUnknown && l.Recall != nil {
			n[l.Recall.Kind]++
			if k := kinds[l.Recall.Kind]; k == nil || l.Recall.Bound < k.Bound {
				kinds[l.Recall.Kind] = l.Recall
			}
		}
	}
	order := slices.SortedFunc(maps.Keys(kinds), func(a, b string) int {
		return cmp.Or(cmp.Compare(kinds[b].Bound, kinds[a].Bound), cmp.Compare(a, b))
	})
	parts := each.Of(order, func(k string) string {
		return fmt.Sprintf("%s for %s (%s)", words.Share(kinds[k].Bound), words.Count(n[k], "picture", "pictures"), k)
	})
	if w.Cfg.SearchedNamed() {
		return nil
	}
	if len(parts) > 0 {
		out = append(out, words.Figures{"found": "the search would have found them with at least this probability: " + strings.Join(parts, "; "),
			"so": "These are lower 95 % bounds of trials of such leaks, of one upload alone, each altered in one way of many. All pages of uploads were searched; the uploads of the trials had one page."})
	}
	untried := leaksThat(&w.Verdict, func(l *findings.Finding) bool { return l.Kind == findings.FoundUnknown && l.Recall == nil })
	return append(out, once(untried > 0, words.Figures{"found": "some are missed that were altered much, or too little of them is left",
		"so": fmt.Sprintf("How many is not measured for %d of these pictures.", untried)})...)
}

// leftOut returns the figures for files that were not examined, and for files examined in part: the first of several pages or frames.
func leftOut(w *Weighing) []words.Figures {
	n, others, why := 0, 0, []string(nil)
	for _, l := range w.given.Findings {
		if l.Pages > 1 {
			n, others = n+1, others+l.Pages-1
		}
	}
	for _, m := range findings.Meanings() {
		if n := w.given.Counts[string(m.Kind)]; n > 0 && !m.Kind.Examined() {
			why = append(why, fmt.Sprintf("%d %s", n, m.Kind.Label()))
		}
	}
	return append(several(w.given.Leaks-w.given.Readable(), words.Figures{"of": w.given.Leaks, "how": "not examined", "why": why}),
		several(n, words.Figures{"of": w.given.Leaks, "how": "examined in part", "why": []string{"the first page or frame, without " + words.Count(others, "other", "others")}})...)
}

// keyCompromised returns figures for each key of confirmed copies that is recorded as compromised, after the stated time
// of the find. What follows depends on whether that time is contradicted.
func keyCompromised(w *Weighing) (out []words.Figures) {
	at, n := make(map[string]books.KeyState), make(map[string]int)
	for _, l := range w.Findings {
		for _, k := range l.Keys {
			of := k.KeyID == l.KeyID || slices.ContainsFunc(l.Issued, func(c books.Copy) bool { return c.KeyID == k.KeyID })
			if l.MayName() != "" && of && k.State == books.KeyCompromised {
				at[k.KeyID] = k
				n[k.KeyID]++
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(n)) {
		x := words.Figures{"key": id, "n": n[id], "since": words.UTC(at[id].Since), "found": w.foundAt(), "so": "If they were found later, each holder of the key could have made these marks."}
		if w.Cfg.later {
			x["so"] = "That time is contradicted: each holder of the key could have made these marks, which count for no recipient."
		}
		out = append(out, x)
	}
	return out
}

// each calls of for every recipient with confirmed copies, and returns the figures that are not nil, with the recipient's name.
func (w *Weighing) each(of func(*party) words.Figures) (out []words.Figures) {
	for _, name := range w.names {
		if s := w.parties[name]; s.pictures > 0 {
			if x := of(s); x != nil {
				x["name"] = name
				out = append(out, x)
			}
		}
	}
	return out
}

// note returns the sentences on the leaks that concern a recipient and that the odds of its copies leave out.
func (s *party) note() (out []findings.Said) {
	codes := []string{"beside-custody", "beside-late", "beside-unjudged", "beside-unconfirmed", "beside-transplanted"}
	for i, n := range []int{s.custody, s.late, s.unjudged, s.unconfirmed, s.transplanted} {
		if n > 0 {
			out = append(out, findings.Said{Code: codes[i], Figures: words.Figures{"n": n}})
		}
	}
	return out
}

// damagedMarks counts the pictures with a part of a mark, if no copy was found.
func damagedMarks(w *Weighing) int { return leaksThat(&w.Verdict, (*findings.Finding).Damaged) }

// damagedFigures returns the number of [damagedMarks], and how often chance gives one among all pictures that were examined.
func damagedFigures(w *Weighing) []words.Figures {
	return several(damagedMarks(w), words.Figures{"chance": words.RoundedUp(chanceOfParts(w))})
}

// chanceOfParts bounds the probability that chance gives such a part in a whole dump.
func chanceOfParts(w *Weighing) float64 {
	return math.Pow(10, watermark.PresentLevel) * float64(w.Readable())
}

// unmarked is about the pictures on which no mark was found, by whether a mark would very probably have been.
func unmarked(w *Weighing) []words.Figures {
	n := leaksThat(&w.Verdict, func(l *findings.Finding) bool { return bare(l) && !w.Cfg.SearchedNamed() })
	return append(several(n, words.Figures{"keys": w.ofKeys(), "so": "A mark that was not removed would have been found " + words.Verb(n, "there", "on each") +
		" with a probability of at least 99.5 %. Deliberate removal, which hits a whole dump, is not excluded."}),
		several(noMark(w)-n, words.Figures{"keys": w.ofKeys(),
			"so": "A mark may have been missed or removed there, so nothing follows from its absence on a single picture."})...)
}
