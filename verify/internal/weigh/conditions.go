package weigh

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
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
	case w.unsure() > 0:
		return aboutUnconfirmed
	}
	return aboutUnmatched
}

// at returns the condition of a sentence that is said at a stage, with figures.
func at(s stage, of func(*Weighing) words.Figures) func(*Weighing) []words.Figures {
	return func(w *Weighing) []words.Figures { return once(w.stage() == s, of(w)) }
}

// nothing returns no figures.
func nothing(*Weighing) words.Figures { return words.Figures{} }

// found returns the condition of a sentence on the leaks with a finding. keys says under which keys marks were looked
// for.
func found(f findings.Kind) func(*Weighing) []words.Figures {
	return func(w *Weighing) []words.Figures {
		return several(w.Counts[string(f)], words.Figures{"keys": w.ofKeys()})
	}
}

// many returns the condition of a sentence with the figure n alone, which is said if n is above 0.
func many(number func(*Weighing) int) func(*Weighing) []words.Figures {
	return func(w *Weighing) []words.Figures { return several(number(w), nil) }
}

// once returns x alone if said is true, else nothing.
func once(said bool, x words.Figures) []words.Figures {
	if !said {
		return nil
	}
	return []words.Figures{x}
}

// several returns x alone, with the figure n, if n is above 0, else nothing.
func several(n int, x words.Figures) []words.Figures {
	if x == nil {
		x = words.Figures{}
	}
	x["n"] = n
	return once(n > 0, x)
}

// unissuedWhen returns the condition of the sentence on unlisted marks: first if no recipient is named, else last.
func unissuedWhen(named bool) func(*Weighing) []words.Figures {
	return func(w *Weighing) []words.Figures {
		if named != (len(w.Named) > 0) {
			return nil
		}
		return w.unissuedFigures()
	}
}

// leaksThat returns the number of leaks for which is is true.
func leaksThat(d *findings.Verdict, is func(*findings.Finding) bool) (n int) {
	for _, l := range d.Findings {
		if is(l) {
			n++
		}
	}
	return n
}

// Marked returns the number of pictures on which a mark was found, whatever that mark is worth.
func Marked(d *findings.Verdict) int {
	return leaksThat(d, func(l *findings.Finding) bool {
		return l.Kind == findings.FoundCopy || l.Kind == findings.FoundUnconfirmed || l.Kind == findings.FoundTransplanted || len(unissued(l)) > 0
	})
}

// namedInOrder returns the named recipients in the registry's order.
func (w *Weighing) namedInOrder() []string {
	return slices.DeleteFunc(slices.Clone(w.names), func(name string) bool { return !slices.Contains(w.Named, name) })
}

// namedFigures are for each named recipient its pictures among all with a mark, and the purposes of its copies.
func (w *Weighing) namedFigures() (out []words.Figures) {
	for _, name := range w.namedInOrder() {
		s := w.parties[name]
		out = append(out, words.Figures{"n": s.pictures, "marked": Marked(&w.Verdict), "name": name, "under": under(s.purposes)})
	}
	return out
}

// Rivals returns the rivals of a named recipient whose reason is in why.
func Rivals(d *findings.Verdict, name string, why ...string) (out []odds.Rival) {
	for _, r := range d.Odds.Rivals {
		if r.Name == name && slices.Contains(why, r.Why) {
			out = append(out, r)
		}
	}
	return out
}

// namedRivals are the parties that held the submissions of a named recipient's copies unmarked.
func (w *Weighing) namedRivals() (out []words.Figures) {
	for _, name := range w.namedInOrder() {
		var who []string
		for _, r := range Rivals(&w.Verdict, name, odds.RivalHeld, odds.RivalPlanting) {
			who = append(who, fmt.Sprintf("%s (held %d of these %d submissions unmarked%s)", intake.InSentence(r.Other), r.Clusters, r.Of, w.heldSince(name, r.Other)))
		}
		if len(who) > 0 {
			out = append(out, words.Figures{"name": name, "who": strings.Join(who, " or ")})
		}
	}
	return out
}

// Beside returns the recipients whose copies are in the same pictures as the copies of a named
// recipient: "vendor B (5)", with the number of persons. Of many the last is "further recipients".
func Beside(d *findings.Verdict, name string) (out []string) {
	for _, r := range Rivals(d, name, odds.RivalTogether) {
		out = append(out, fmt.Sprintf("%s (%d)", cmp.Or(intake.InSentence(r.Other), "further recipients"), r.Clusters))
	}
	return out
}

// together are the named recipients whose copies are in the same pictures as copies of others.
func (w *Weighing) together() (out []words.Figures) {
	for _, name := range w.Named {
		if others := Beside(&w.Verdict, name); len(others) > 0 {
			out = append(out, words.Figures{"name": name, "others": others, "of": Rivals(&w.Verdict, name, odds.RivalTogether)[0].Of})
		}
	}
	return out
}

// namedTogether is about each group of recipients whose copies are in the same pictures.
func (w *Weighing) namedTogether() (out []words.Figures) {
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
		out = append(out, several(n, words.Figures{"among": among, "names": names})...)
	}
	return out
}

// rest returns how many submissions the copies of a named recipient, of several the last, do not explain.
func (w *Weighing) rest() (n int, name string) {
	for _, x := range w.Named {
		if r := Rivals(&w.Verdict, x, odds.RivalRest); len(r) > 0 {
			n, name = r[0].Of, x
		}
	}
	return n, name
}

func (w *Weighing) namedSeveral() []words.Figures {
	n, _ := w.rest()
	return once(n > 0 && len(w.Named) > 1, words.Figures{})
}

func (w *Weighing) namedRest() []words.Figures {
	n, name := w.rest()
	return once(n > 0 && len(w.Named) == 1, words.Figures{"n": n, "name": name})
}

// namedTransplanted is about marks of named recipients that were laid onto other pictures.
func (w *Weighing) namedTransplanted() []words.Figures {
	var names []string
	for _, name := range w.Named {
		if w.parties[name].transplanted > 0 {
			names = append(names, name)
		}
	}
	n := leaksThat(&w.Verdict, func(l *findings.Finding) bool {
		of := func(name string) bool { return slices.Contains(names, name) }
		return l.Kind == findings.FoundTransplanted && slices.ContainsFunc(l.Private.Marked, of)
	})
	return several(n, words.Figures{"names": words.InSentence(names)})
}

// namedOthers is said beside a name if copies of recipients that are not named are confirmed too.
func (w *Weighing) namedOthers() []words.Figures {
	n := 0
	for name, s := range w.parties {
		if len(w.Named) > 0 && !slices.Contains(w.Named, name) && s.pictures > 0 {
			n++
		}
	}
	return several(n, nil)
}

// namedUnconfirmed is said beside a name if pictures carry unconfirmed marks of recipients that are not
// named, and none that is confirmed. They count for no recipient, so the sentence names none.
func (w *Weighing) namedUnconfirmed() []words.Figures {
	for name := range w.Unconfirmed {
		if s := w.parties[name]; len(w.Named) > 0 && !slices.Contains(w.Named, name) && (s == nil || s.pictures == 0) {
			return []words.Figures{{}}
		}
	}
	return nil
}

// missing returns the condition of a sentence on what is missing to name a recipient, by the code of package odds.
// The sentence names no recipient.
func missing(code string) func(*Weighing) []words.Figures {
	return func(w *Weighing) []words.Figures {
		i := slices.IndexFunc(w.Odds.Withheld, func(x odds.Withheld) bool { return x.Code == code })
		if i < 0 || w.stage() != aboutConfirmed {
			return nil
		}
		x := ReasonFigures(w.Odds.Withheld[i])
		x["found"] = w.foundAt()
		return []words.Figures{x}
	}
}

// withheld returns the condition of a sentence on the recipients that are not named for the reason code.
func withheld(code string) func(*Weighing) []words.Figures {
	return func(w *Weighing) (out []words.Figures) {
		for _, x := range w.Odds.Withheld {
			if x.Code == code {
				out = append(out, ReasonFigures(x))
			}
		}
		return out
	}
}

// missingMarks is said if pictures match and none is confirmed. Of named uploads custody says nothing.
func (w *Weighing) missingMarks() []words.Figures {
	return once(w.stage() == aboutMatched && !w.Cfg.SearchedNamed(), words.Figures{})
}

func (w *Weighing) noMatchNamed() []words.Figures {
	n := w.Cfg.Named
	return once(w.stage() == aboutUnmatched && n > 0, words.Figures{"n": w.Readable(), "against": n})
}

func (w *Weighing) noMatch() []words.Figures {
	return once(w.stage() == aboutUnmatched && !w.Cfg.SearchedNamed() && w.lookalikes()+w.incomplete() == 0, words.Figures{"n": w.Readable()})
}

// noMatchClosed is said if nothing matches, and uploads that pictures may show could not be opened.
func (w *Weighing) noMatchClosed() []words.Figures {
	return once(w.stage() == aboutUnmatched && !w.Cfg.SearchedNamed() && w.incomplete() > 0, words.Figures{"n": w.incomplete(), "of": w.Readable()})
}

// restorable is said if no recipient is named, and uploads that pictures may show could not be opened.
func (w *Weighing) restorable() []words.Figures {
	return w.openLeaks(func(l *findings.Finding) bool {
		return l.Closed > 0 && (l.Kind == findings.FoundUnconfirmed || l.Kind == findings.FoundIncomplete || l.Kind == findings.FoundUnreadable)
	})
}

// keysMissing is the same for mark keys of copies of the uploads that pictures show.
func (w *Weighing) keysMissing() []words.Figures {
	return w.openLeaks(func(l *findings.Finding) bool {
		t := findings.TraceOf(l.Traces, l.Submission)
		return l.Kind == findings.FoundUnreadable && t != nil && t.Unsought > 0
	})
}

// openLeaks counts the leaks for which is is true, beside matches or marks that name no recipient.
func (w *Weighing) openLeaks(is func(*findings.Finding) bool) []words.Figures {
	if s := w.stage(); s != aboutConfirmed && s != aboutMatched && s != aboutUnconfirmed {
		return nil
	}
	return several(leaksThat(&w.Verdict, is), nil)
}

func (w *Weighing) incomplete() int { return w.Counts[string(findings.FoundIncomplete)] }

// resembling returns the condition of a sentence that is said if nothing matches but pictures resemble uploads: of all
// uploads, or of the named uploads.
func resembling(named bool) func(*Weighing) []words.Figures {
	return func(w *Weighing) []words.Figures {
		return once(w.stage() == aboutUnmatched && w.Cfg.SearchedNamed() == named && w.lookalikes() > 0 && (named || w.incomplete() == 0), words.Figures{"n": w.Readable(), "like": w.lookalikes()})
	}
}

func (w *Weighing) lookalikes() int { return w.Counts[string(findings.FoundLookalike)] }

// under returns, for the headline, the purposes for which copies were issued: up to three, else their number.
func under(purposes []string) string {
	switch {
	case len(purposes) == 0:
		return ""
	case len(purposes) > 3:
		return fmt.Sprintf(" under %d requests", len(purposes))
	}
	quoted := make([]string, len(purposes))
	for i, p := range purposes {
		quoted[i] = intake.Quoted(p)
	}
	return " under " + words.List(quoted)
}

func (w *Weighing) matchedFigures() []words.Figures {
	return several(w.Readable(), words.Figures{"matched": w.Matched})
}

// repeatedFigures are the pictures that repeat others. [findings.Tally].Repeated counts other files as well.
func (w *Weighing) repeatedFigures() []words.Figures {
	seen, n := make(map[string]bool), 0
	for _, l := range w.Findings {
		if l.Examined() && l.SHA256 != "" {
			if seen[l.SHA256] {
				n++
			}
			seen[l.SHA256] = true
		}
	}
	return several(n, nil)
}

// controls is about leaks that were compared with uploads of other subjects.
func (w *Weighing) controls() []words.Figures {
	leaks, compared, _ := w.references()
	return several(compared, words.Figures{"leaks": leaks})
}

func (w *Weighing) controlsOther() []words.Figures {
	_, compared, same := w.references()
	return once(compared > 0 && same == 0, words.Figures{})
}

// controlsSame returns the condition of a sentence on controls of the same capture: if copies came back, or if not.
func controlsSame(back bool) func(*Weighing) []words.Figures {
	return func(w *Weighing) []words.Figures {
		_, _, same := w.references()
		if w.cameBack() != back {
			return nil
		}
		return several(same, nil)
	}
}

// spoken are the recipients with confirmed copies and a likelihood ratio above 1.
func (w *Weighing) spoken() []odds.Recipient {
	return slices.DeleteFunc(slices.Clone(w.Odds.Recipients), func(r odds.Recipient) bool { return r.LogE == 0 })
}

// copiesFigures are what the copies of each recipient are worth.
func (w *Weighing) copiesFigures() (out []words.Figures) {
	for _, h := range w.spoken() {
		out = append(out, words.Figures{"n": w.parties[h.Name].pictures, "name": h.Name, "clusters": len(w.parties[h.Name].clusters), "times": words.Times(h.LogE), "words": h.Words})
	}
	return out
}

// cap is the most that is claimed, if it is below what was computed.
func (w *Weighing) cap() []words.Figures {
	capped := slices.ContainsFunc(w.spoken(), func(r odds.Recipient) bool { return r.Capped })
	return once(capped, words.Figures{"times": words.Times(odds.Cap(w.Case.MarkTrials)), "trials": words.Thousands(float64(w.Case.MarkTrials)), "things": tuning.TrialsOfThings, "cameras": tuning.TrialsOfCameras, "people": tuning.TrialsOfPeople, "receipts": tuning.TrialsOfReceipts})
}

// unissuedFigures are marks that the registry does not list, and how often chance gives such a mark.
func (w *Weighing) unissuedFigures() []words.Figures {
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
		"pictures": w.Readable(), "tried": w.keys, "chance": words.RoundedUp(tuning.FalseRead * float64(w.Readable()*w.keys))})
}

// several is said if confirmed copies of two recipients or more are there.
func (w *Weighing) several() []words.Figures { return once(w.sources() > 1, words.Figures{}) }

// issuerAll is said if the copies in a dump are the copies that the issuer had in one place: for two uploads or more the
// copies of all recipients that had one were found, and these are several. of counts the uploads of several recipients
// with a copy that was found.
func (w *Weighing) issuerAll() []words.Figures {
	had, found := make(map[string][]string), make(map[string][]string)
	add := func(to map[string][]string, of, name string) {
		if !slices.Contains(to[of], name) {
			to[of] = append(to[of], name)
		}
	}
	for _, l := range w.Case.Leaks {
		for _, c := range l.Copies {
			add(had, l.Submission, c.Recipient)
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
	return once(n > 1, words.Figures{"n": n, "of": of, "names": slices.Sorted(maps.Keys(names))})
}

// sources returns the number of recipients with confirmed copies, whether or not the registry still lists them.
func (w *Weighing) sources() int {
	names := make(map[string]bool)
	for _, l := range w.Findings {
		for _, name := range l.MayNames() {
			names[name] = true
		}
	}
	return len(names)
}

// noMark returns the number of leaks that show a submission without a mark that was found.
func (w *Weighing) noMark() int {
	return w.Counts[string(findings.FoundUnmarked)] + w.Counts[string(findings.FoundUnreadable)] - w.damagedMarks()
}

// holders are the recipients whose admissible custody covers leaks without a mark.
func (w *Weighing) holders() []words.Figures {
	var names []string
	for k, name := range w.names {
		if s := w.parties[name]; s.custody > 0 && !w.Cfg.SearchedNamed() {
			names = append(names, fmt.Sprintf("%s (%d of these; %s of all %s uploads)", intake.InSentence(name), s.custody, words.Thousands(float64(total(w.Case.Holders[k].Unmarked))), words.Thousands(float64(w.uploads()))))
		}
	}
	return once(len(names) > 0 && w.noMark() > 0, words.Figures{"n": w.noMark(), "names": names})
}

// total returns the sum of counts.
func total(counts []int) (n int) {
	for _, k := range counts {
		n += k
	}
	return n
}

// uploads returns the number of uploads of the registry, up to the find if it is known.
func (w *Weighing) uploads() (n int) {
	for _, c := range w.Case.Cells {
		n += c.Submissions
	}
	return n
}

// custodyOf returns the condition of a sentence on leaks without a mark within custody; of counts a recipient's.
func custodyOf(of func(*party) int) func(*Weighing) []words.Figures {
	return func(w *Weighing) []words.Figures {
		n := 0
		for _, s := range w.parties {
			n += of(s)
		}
		if w.noMark() == 0 {
			return nil
		}
		return several(n, nil)
	}
}

// ofKeys ends a sentence on pictures without a mark: under how many keys marks were looked for.
func (w *Weighing) ofKeys() string {
	if w.keys == 0 {
		return " (no mark key was given)"
	}
	return fmt.Sprintf(" under the %s that %s tried (marks under other keys, such as another service's, cannot be seen)", words.Count(w.keys, "mark key", "mark keys"), words.Verb(w.keys, "was", "were"))
}

// absent are the recipients with more absent marks than chance explains ([odds.Recipient].Absent).
func (w *Weighing) absent() (out []words.Figures) {
	for _, h := range w.Odds.Recipients {
		if h.Absent > 0 && w.Counts[string(findings.FoundUnreadable)] > 0 {
			out = append(out, words.Figures{"n": h.Absent, "name": h.Name})
		}
	}
	return out
}

// windowWhen is when leaks without a mark are densest, and how seldom a random draw is as dense.
func (w *Weighing) windowWhen() []words.Figures {
	x := w.Odds.Window
	if x == nil {
		return nil
	}
	return []words.Figures{{"of": x.Of, "n": x.Leaks, "dates": x.Dates, "share": words.Percent(float64(x.Submissions) / float64(x.OfSubmissions)), "persons": x.OfClusters, "inside": x.Clusters, "once": words.OnceIn(x.Chance)}}
}

// windowHolders are the recipients that could hold all uploads of the window that leaks show.
func (w *Weighing) windowHolders() []words.Figures {
	x := w.Odds.Window
	if x == nil || len(x.Holders) == 0 {
		return nil
	}
	return []words.Figures{{"names": words.InSentence(x.Holders), "n": x.Leaks}}
}

// windowOnly are the recipients among them that could hold nothing beside the uploads of the window.
func (w *Weighing) windowOnly() []words.Figures {
	x := w.Odds.Window
	if x == nil || len(x.Only) == 0 {
		return nil
	}
	return []words.Figures{{"names": words.InSentence(x.Only)}}
}

// A claim is which sentence is said of the pictures that are claimed.
type claim int

const (
	claimDrawn claim = iota // a draw of ours, with pictures of the registry
	claimNone               // we drew, and nothing shows a submission
	claimSeen               // others chose what was examined
	claimAll                // all that is claimed was examined
)

// claimed returns the condition of a sentence on the pictures that are claimed.
func claimed(of claim) func(*Weighing) []words.Figures {
	return func(w *Weighing) []words.Figures {
		c, is := w.Odds.Claim, claimSeen
		switch {
		case c.Examined >= c.Claimed:
			is = claimAll
		case w.Case.Drawn && c.Seen == 0:
			is = claimNone
		case w.Case.Drawn:
			is = claimDrawn
		}
		return once(c.Claimed > 0 && is == of, w.claimFigures())
	}
}

// bounded returns the condition of a sentence on a bound of the claimed pictures from a draw of ours.
func bounded(is func(*Weighing) bool) func(*Weighing) []words.Figures {
	return func(w *Weighing) []words.Figures {
		c := w.Odds.Claim
		return once(w.Case.Drawn && c.Examined < c.Claimed && is(w), w.claimFigures())
	}
}

// The bounds that say something: more than nothing, less than all.
func hasMin(w *Weighing) bool { return w.Odds.Claim.Min > 0 }
func hasMax(w *Weighing) bool { return w.Odds.Claim.Max < w.Odds.Claim.Claimed }
func noMax(w *Weighing) bool  { return !hasMax(w) }

// claimFigures are the figures of all sentences on the pictures that are claimed.
func (w *Weighing) claimFigures() words.Figures {
	c := w.Odds.Claim
	return words.Figures{"claimed": words.Thousands(float64(c.Claimed)), "seen": c.Seen, "examined": c.Examined, "min": words.Thousands(float64(c.Min)), "max": words.Thousands(float64(c.Max)),
		"level": fmt.Sprintf("%.0f", 100*c.Level), "recall": words.Share(c.Recall), "false": fmt.Sprintf("%.2g", 100*c.FalseMatch), "open": c.Open}
}

// unsure returns the number of leaks with marks of issued copies that are not confirmed.
func (w *Weighing) unsure() int { return w.Counts[string(findings.FoundUnconfirmed)] }

// forgeables returns the number of leaks that are unconfirmed for their key alone.
func (w *Weighing) forgeables() int {
	return leaksThat(&w.Verdict, func(l *findings.Finding) bool { return l.Forgeable })
}

// voids returns the number of leaks that are unconfirmed since their copy is void alone.
func (w *Weighing) voids() int {
	return leaksThat(&w.Verdict, func(l *findings.Finding) bool { return l.Void })
}

// severals returns the number of leaks with marks of several issued copies that do not fit together.
func (w *Weighing) severals() int {
	return leaksThat(&w.Verdict, func(l *findings.Finding) bool {
		return l.Kind == findings.FoundUnconfirmed && !l.Forgeable && len(l.Copies) > 1
	})
}

// collages are the pictures with confirmed copies of several uploads: how many copies and uploads they have.
func (w *Weighing) collages() []words.Figures {
	copies, uploads := 0, 0
	n := leaksThat(&w.Verdict, func(l *findings.Finding) bool {
		if len(l.Beside) > 0 {
			copies, uploads = copies+len(l.Issued), uploads+1+len(l.Beside)
		}
		return len(l.Beside) > 0
	})
	return several(n, words.Figures{"copies": copies, "uploads": uploads, "max": tuning.MaxApart})
}

// unconfirmed returns the number of leaks with the mark of one issued copy that is not confirmed by its pixels.
func (w *Weighing) unconfirmed() int {
	return w.unsure() - w.forgeables() - w.voids() - w.severals()
}

// unmatched returns the condition of the sentence on leaks that match nothing.
func unmatched(named bool) func(*Weighing) []words.Figures {
	return func(w *Weighing) []words.Figures {
		if named != w.Cfg.SearchedNamed() {
			return nil
		}
		return several(w.Counts[string(findings.FoundUnknown)], nil)
	}
}

// unknownRecall are, for unknown leaks by kind, the lower bounds of the share that the search finds.
func (w *Weighing) unknownRecall() []words.Figures {
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
	var parts []string
	for _, k := range order {
		parts = append(parts, fmt.Sprintf("%s for %s (%s)", words.Share(kinds[k].Bound), words.Count(n[k], "picture", "pictures"), k))
	}
	return once(len(parts) > 0 && !w.Cfg.SearchedNamed(), words.Figures{"kinds": strings.Join(parts, "; ")})
}

func (w *Weighing) unknownCounted() []words.Figures {
	return once(len(w.unknownRecall()) > 0 && w.missingUploads() != nil, words.Figures{})
}

// unknownUntried counts the unknown leaks of a kind that was not tried.
func (w *Weighing) unknownUntried() int {
	return leaksThat(&w.Verdict, func(l *findings.Finding) bool {
		return l.Kind == findings.FoundUnknown && l.Recall == nil && !w.Cfg.SearchedNamed()
	})
}

// unknownTemplate counts the unknown leaks that share the template of an upload.
func (w *Weighing) unknownTemplate() int {
	return leaksThat(&w.Verdict, func(l *findings.Finding) bool {
		return l.Kind == findings.FoundUnknown && slices.ContainsFunc(l.Matches, func(m findings.Match) bool { return m.Pixels == findings.PixelsTemplate })
	})
}

func (w *Weighing) namedOnly() []words.Figures { return once(w.Cfg.SearchedNamed(), words.Figures{}) }

// pages are the leaks with several pages or frames: only the first was examined.
func (w *Weighing) pages() []words.Figures {
	n, others := 0, 0
	for _, l := range w.Findings {
		if l.Pages > 1 {
			n, others = n+1, others+l.Pages-1
		}
	}
	return several(n, words.Figures{"others": others})
}

// lacks counts the damaged files that were examined in part.
func (w *Weighing) lacks() []words.Figures {
	n := 0
	for _, l := range w.Findings {
		if l.Lacks != "" {
			n++
		}
	}
	return several(n, nil)
}

// leftOut are the files that were not examined, beside pictures that were, and why.
func (w *Weighing) leftOut() []words.Figures {
	if w.Readable() == 0 {
		return nil
	}
	var why []string
	for _, m := range findings.Meanings() {
		if n := w.Counts[string(m.Kind)]; n > 0 && !m.Kind.Examined() {
			why = append(why, fmt.Sprintf("%d %s", n, m.Kind.Label()))
		}
	}
	return several(w.Leaks-w.Readable(), words.Figures{"of": w.Leaks, "why": why})
}

// archiveError begins the Error of a finding on an archive that could not be read.
const archiveError = "archive: "

// archives returns the number of archives that could not be read.
func (w *Weighing) archives() int {
	return leaksThat(&w.Verdict, func(l *findings.Finding) bool {
		return l.Kind == findings.FoundUnopened && strings.HasPrefix(l.Error, archiveError)
	})
}

func (w *Weighing) unopenedFiles() int {
	return w.Counts[string(findings.FoundUnopened)] - w.archives()
}

// keyCompromised are the keys of confirmed copies that are recorded as compromised after the stated time of the
// find. What follows depends on whether that time is contradicted.
func (w *Weighing) keyCompromised() (out []words.Figures) {
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

// flagged returns the recipients with a flag of one kind. [odds.FlagTransplanted] has no sentence: the headline and
// [party.note] say it.
func (w *Weighing) flagged(kind string) (out []*party) {
	for _, f := range w.Odds.Flags {
		if f.Kind == kind {
			out = append(out, w.parties[f.Name])
		}
	}
	return out
}

// plantingOnly are recipients whose marks are on other submissions only.
func (w *Weighing) plantingOnly() (out []words.Figures) {
	for _, s := range w.flagged(odds.FlagOnly) {
		if s.pictures+s.unconfirmed == 0 {
			out = append(out, words.Figures{"n": s.transplanted})
		}
	}
	return out
}

// plantingHeld are recipients with pictures that others held unmarked, each of them all.
func (w *Weighing) plantingHeld() (out []words.Figures) {
	for _, s := range w.flagged(odds.FlagAlsoHeld) {
		held := w.alsoHeld(s.Name)
		maps.DeleteFunc(held, func(_ string, n int) bool { return n < s.pictures })
		if len(held) > 0 {
			out = append(out, words.Figures{"n": s.pictures, "name": s.Name, "others": words.InSentence(slices.Sorted(maps.Keys(held)))})
		}
	}
	return out
}

// plantingRepeated are recipients with several pictures, all of one copy.
func (w *Weighing) plantingRepeated() []words.Figures {
	return w.each(func(s *party) words.Figures {
		if s.pictures < 2 || len(s.copies) != 1 {
			return nil
		}
		return words.Figures{"n": s.pictures}
	})
}

// rivalFigures returns the condition of a sentence on the listed holders that are rivals of a named recipient.
func rivalFigures(why ...string) func(*Weighing) []words.Figures {
	return func(w *Weighing) (out []words.Figures) {
		for _, name := range w.Named {
			for _, r := range Rivals(&w.Verdict, name, why...) {
				if r.Other != "" {
					out = append(out, words.Figures{"name": name, "other": r.Other, "n": r.Clusters, "of": r.Of})
				}
			}
		}
		return out
	}
}

// each calls figures for every recipient with confirmed copies, and returns what is not nil.
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

// repeats are recipients with more pictures than independent submissions.
func (w *Weighing) repeats() []words.Figures {
	return w.each(func(s *party) words.Figures {
		if s.pictures <= len(s.clusters) {
			return nil
		}
		return words.Figures{"n": s.pictures, "clusters": len(s.clusters)}
	})
}

// alsoHeldFigures are recipients whose pictures others could hold unmarked.
func (w *Weighing) alsoHeldFigures() []words.Figures {
	return w.each(func(s *party) words.Figures {
		held := w.alsoHeld(s.Name)
		var others []string
		for _, name := range slices.Sorted(maps.Keys(held)) {
			others = append(others, fmt.Sprintf("%d by %s", held[name], intake.InSentence(name)))
		}
		if len(others) == 0 {
			return nil
		}
		return words.Figures{"n": s.pictures, "others": others}
	})
}

// alsoHeld returns, by each other recipient, the number of leaks with confirmed copies of recipient name whose uploads its
// custody of any date covers: of a leak with copies of several uploads, all of them.
func (w *Weighing) alsoHeld(name string) map[string]int {
	held := make(map[string]int)
	for _, l := range w.Findings {
		n, covers := 0, make(map[string]int) // submissions of its copies in the picture
		for _, x := range l.Views() {
			if !slices.Contains(x.MayNames(), name) {
				continue
			}
			n++
			once := make(map[string]bool)
			for _, c := range x.Custody {
				if c.Recipient != name && !once[c.Recipient] {
					once[c.Recipient] = true
					covers[c.Recipient]++
				}
			}
		}
		for other, k := range covers {
			if k == n {
				held[other]++
			}
		}
	}
	return held
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

// alteredRecords are the records of the registry that could not be read.
func (w *Weighing) alteredRecords() []words.Figures {
	return several(len(w.Record.Altered), words.Figures{"names": w.Record.Altered})
}

// closed counts the pictures that may show uploads whose originals or records could not be read.
func (w *Weighing) closed() int {
	return leaksThat(&w.Verdict, func(l *findings.Finding) bool { return l.Kind == findings.FoundIncomplete && l.Closed > 0 })
}

// damagedMarks counts the pictures with a part of a mark, if no copy was found.
func (w *Weighing) damagedMarks() int { return leaksThat(&w.Verdict, (*findings.Finding).Damaged) }

// withoutMark returns the figures of unreadable pictures without a part of a mark.
func (w *Weighing) withoutMark() []words.Figures {
	return several(w.Counts[string(findings.FoundUnreadable)]-w.damagedMarks(), words.Figures{"keys": w.ofKeys()})
}
