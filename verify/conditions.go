package verify

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/odds"
	"github.com/kycmark/kycmark/verify/registry"
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
func (w *weighing) stage() stage {
	switch {
	case w.Leaks == 0:
		return aboutNothing
	case w.readable() == 0:
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
func at(s stage, of func(*weighing) figures) func(*weighing) []figures {
	return func(w *weighing) []figures { return once(w.stage() == s, of(w)) }
}

// nothing returns no figures.
func nothing(*weighing) figures { return figures{} }

// found returns the condition of a sentence on the leaks with a finding. keys says under which keys marks were looked
// for.
func found(f findings.Kind) func(*weighing) []figures {
	return func(w *weighing) []figures { return several(w.Counts[string(f)], figures{"keys": w.ofKeys()}) }
}

// many returns the condition of a sentence with the figure n alone, which is said if n is above 0.
func many(number func(*weighing) int) func(*weighing) []figures {
	return func(w *weighing) []figures { return several(number(w), nil) }
}

// once returns x alone if said is true, else nothing.
func once(said bool, x figures) []figures {
	if !said {
		return nil
	}
	return []figures{x}
}

// several returns x alone, with the figure n, if n is above 0, else nothing.
func several(n int, x figures) []figures {
	if x == nil {
		x = figures{}
	}
	x["n"] = n
	return once(n > 0, x)
}

// unissuedWhen returns the condition of the sentence on unlisted marks: first if no recipient is named, else last.
func unissuedWhen(named bool) func(*weighing) []figures {
	return func(w *weighing) []figures {
		if named != (len(w.Named) > 0) {
			return nil
		}
		return w.unissuedFigures()
	}
}

// leaksThat returns the number of leaks for which is is true.
func (d *Verdict) leaksThat(is func(*Finding) bool) (n int) {
	for _, l := range d.Findings {
		if is(l) {
			n++
		}
	}
	return n
}

// marked returns the number of pictures on which a mark was found, whatever that mark is worth.
func (d *Verdict) marked() int {
	return d.leaksThat(func(l *Finding) bool {
		return l.Kind == findings.FoundCopy || l.Kind == findings.FoundTransplanted || len(l.unissued()) > 0
	})
}

// namedInOrder returns the named recipients in the registry's order.
func (w *weighing) namedInOrder() []string {
	return slices.DeleteFunc(slices.Clone(w.names), func(name string) bool { return !slices.Contains(w.Named, name) })
}

// namedFigures are for each named recipient its pictures among all with a mark, and the purposes of its copies.
func (w *weighing) namedFigures() (out []figures) {
	for _, name := range w.namedInOrder() {
		s := w.parties[name]
		out = append(out, figures{"n": s.pictures, "marked": w.marked(), "name": name, "under": under(s.purposes)})
	}
	return out
}

// rivals returns the rivals of a named recipient whose reason is in why.
func (d *Verdict) rivals(name string, why ...string) (out []odds.Rival) {
	for _, r := range d.Odds.Rivals {
		if r.Name == name && slices.Contains(why, r.Why) {
			out = append(out, r)
		}
	}
	return out
}

// namedRivals are the parties that held the submissions of a named recipient's copies unmarked.
func (w *weighing) namedRivals() (out []figures) {
	for _, name := range w.namedInOrder() {
		var who []string
		for _, r := range w.rivals(name, odds.RivalHeld, odds.RivalPlanting) {
			who = append(who, fmt.Sprintf("%s (held %d of these %d submissions unmarked%s)", intake.InSentence(r.Other), r.Clusters, r.Of, w.heldSince(name, r.Other)))
		}
		if len(who) > 0 {
			out = append(out, figures{"name": name, "who": strings.Join(who, " or ")})
		}
	}
	return out
}

// beside returns the recipients whose copies are in the same pictures as the copies of a named
// recipient: "vendor B (5)", with the number of persons. Of many the last is "further recipients".
func (d *Verdict) beside(name string) (out []string) {
	for _, r := range d.rivals(name, odds.RivalTogether) {
		out = append(out, fmt.Sprintf("%s (%d)", cmp.Or(intake.InSentence(r.Other), "further recipients"), r.Clusters))
	}
	return out
}

// together are the named recipients whose copies are in the same pictures as copies of others.
func (w *weighing) together() (out []figures) {
	for _, name := range w.Named {
		if others := w.beside(name); len(others) > 0 {
			out = append(out, figures{"name": name, "others": others, "of": w.rivals(name, odds.RivalTogether)[0].Of})
		}
	}
	return out
}

// namedTogether is about each group of recipients whose copies are in the same pictures.
func (w *weighing) namedTogether() (out []figures) {
	for _, group := range w.Odds.Together {
		among := ""
		if len(group) > 2 {
			among = "two or more of "
		}
		n := w.leaksThat(func(l *Finding) bool {
			outside := func(name string) bool { return !slices.Contains(group, name) }
			return len(slices.DeleteFunc(l.MayNames(), outside)) > 1
		})
		names := slices.DeleteFunc(slices.Clone(group), func(name string) bool { return !slices.Contains(w.Named, name) })
		if len(names) == 0 {
			continue
		}
		others := len(group) - len(names)
		if names = inSentence(names); others > 0 {
			names = append(names, count(others, "other recipient", "other recipients"))
		}
		out = append(out, several(n, figures{"among": among, "names": names})...)
	}
	return out
}

// rest returns how many submissions the copies of a named recipient, of several the last, do not explain.
func (w *weighing) rest() (n int, name string) {
	for _, x := range w.Named {
		if r := w.rivals(x, odds.RivalRest); len(r) > 0 {
			n, name = r[0].Of, x
		}
	}
	return n, name
}

func (w *weighing) namedSeveral() []figures {
	n, _ := w.rest()
	return once(n > 0 && len(w.Named) > 1, figures{})
}

func (w *weighing) namedRest() []figures {
	n, name := w.rest()
	return once(n > 0 && len(w.Named) == 1, figures{"n": n, "name": name})
}

// namedTransplanted is about marks of named recipients that were laid onto other pictures.
func (w *weighing) namedTransplanted() []figures {
	var names []string
	for _, name := range w.Named {
		if w.parties[name].transplanted > 0 {
			names = append(names, name)
		}
	}
	n := w.leaksThat(func(l *Finding) bool {
		of := func(name string) bool { return slices.Contains(names, name) }
		return l.Kind == findings.FoundTransplanted && slices.ContainsFunc(l.Private.marked, of)
	})
	return several(n, figures{"names": inSentence(names)})
}

// namedOthers is said beside a name if copies of recipients that are not named are confirmed too.
func (w *weighing) namedOthers() []figures {
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
func (w *weighing) namedUnconfirmed() []figures {
	for name := range w.Unconfirmed {
		if s := w.parties[name]; len(w.Named) > 0 && !slices.Contains(w.Named, name) && (s == nil || s.pictures == 0) {
			return []figures{{}}
		}
	}
	return nil
}

// missing returns the condition of a sentence on what is missing to name a recipient, by the code of package odds.
// The sentence names no recipient.
func missing(code string) func(*weighing) []figures {
	return func(w *weighing) []figures {
		i := slices.IndexFunc(w.Odds.Withheld, func(x odds.Withheld) bool { return x.Code == code })
		if i < 0 || w.stage() != aboutConfirmed {
			return nil
		}
		x := reasonFigures(w.Odds.Withheld[i])
		x["found"] = w.foundAt()
		return []figures{x}
	}
}

// withheld returns the condition of a sentence on the recipients that are not named for the reason code.
func withheld(code string) func(*weighing) []figures {
	return func(w *weighing) (out []figures) {
		for _, x := range w.Odds.Withheld {
			if x.Code == code {
				out = append(out, reasonFigures(x))
			}
		}
		return out
	}
}

// missingMarks is said if pictures match and none is confirmed. Of named uploads custody says nothing.
func (w *weighing) missingMarks() []figures {
	return once(w.stage() == aboutMatched && !w.cfg.searchedNamed(), figures{})
}

func (w *weighing) noMatchNamed() []figures {
	n := w.cfg.named
	return once(w.stage() == aboutUnmatched && n > 0, figures{"n": w.readable(), "against": n})
}

func (w *weighing) noMatch() []figures {
	return once(w.stage() == aboutUnmatched && !w.cfg.searchedNamed() && w.lookalikes()+w.incomplete() == 0, figures{"n": w.readable()})
}

// noMatchClosed is said if nothing matches, and uploads that pictures may show could not be opened.
func (w *weighing) noMatchClosed() []figures {
	return once(w.stage() == aboutUnmatched && !w.cfg.searchedNamed() && w.incomplete() > 0, figures{"n": w.incomplete(), "of": w.readable()})
}

// restorable is said if no recipient is named, and uploads that pictures may show could not be opened.
func (w *weighing) restorable() []figures {
	return w.openLeaks(func(l *Finding) bool {
		return l.Closed > 0 && (l.Unconfirmed || l.Kind == findings.FoundIncomplete || l.Kind == findings.FoundUnreadable)
	})
}

// keysMissing is the same for mark keys of copies of the uploads that pictures show.
func (w *weighing) keysMissing() []figures {
	return w.openLeaks(func(l *Finding) bool {
		t := traceOf(l.Traces, l.Submission)
		return l.Kind == findings.FoundUnreadable && t != nil && t.Unsought > 0
	})
}

// openLeaks counts the leaks for which is is true, beside matches or marks that name no recipient.
func (w *weighing) openLeaks(is func(*Finding) bool) []figures {
	if s := w.stage(); s != aboutConfirmed && s != aboutMatched && s != aboutUnconfirmed {
		return nil
	}
	return several(w.leaksThat(is), nil)
}

func (w *weighing) incomplete() int { return w.Counts[string(findings.FoundIncomplete)] }

// resembling returns the condition of a sentence that is said if nothing matches but pictures resemble uploads: of all
// uploads, or of the named uploads.
func resembling(named bool) func(*weighing) []figures {
	return func(w *weighing) []figures {
		return once(w.stage() == aboutUnmatched && w.cfg.searchedNamed() == named && w.lookalikes() > 0 && (named || w.incomplete() == 0), figures{"n": w.readable(), "like": w.lookalikes()})
	}
}

func (w *weighing) lookalikes() int { return w.Counts[string(findings.FoundLookalike)] }

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
	return " under " + list(quoted)
}

func (w *weighing) matchedFigures() []figures {
	return several(w.readable(), figures{"matched": w.Matched})
}

// repeatedFigures are the pictures that repeat others. [findings.Tally].Repeated counts other files as well.
func (w *weighing) repeatedFigures() []figures {
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
func (w *weighing) controls() []figures {
	leaks, compared, _ := w.references()
	return several(compared, figures{"leaks": leaks})
}

func (w *weighing) controlsOther() []figures {
	_, compared, same := w.references()
	return once(compared > 0 && same == 0, figures{})
}

// controlsSame returns the condition of a sentence on controls of the same capture: if copies came back, or if not.
func controlsSame(back bool) func(*weighing) []figures {
	return func(w *weighing) []figures {
		_, _, same := w.references()
		if w.cameBack() != back {
			return nil
		}
		return several(same, nil)
	}
}

// spoken are the recipients with confirmed copies and a likelihood ratio above 1.
func (w *weighing) spoken() []odds.Recipient {
	return slices.DeleteFunc(slices.Clone(w.Odds.Recipients), func(r odds.Recipient) bool { return r.LogE == 0 })
}

// copiesFigures are what the copies of each recipient are worth.
func (w *weighing) copiesFigures() (out []figures) {
	for _, h := range w.spoken() {
		out = append(out, figures{"n": w.parties[h.Name].pictures, "name": h.Name, "clusters": len(w.parties[h.Name].clusters), "times": times(h.LogE), "words": h.Words})
	}
	return out
}

// cap is the most that is claimed, if it is below what was computed.
func (w *weighing) cap() []figures {
	capped := slices.ContainsFunc(w.spoken(), func(r odds.Recipient) bool { return r.Capped })
	return once(capped, figures{"times": times(odds.Cap(w.Case.MarkTrials)), "trials": thousands(float64(w.Case.MarkTrials)), "things": trialsOfThings, "cameras": trialsOfCameras, "people": trialsOfPeople, "receipts": trialsOfReceipts})
}

// unissuedFigures are marks that the registry does not list, and how often chance gives such a mark.
func (w *weighing) unissuedFigures() []figures {
	n, ids, keys := 0, make(map[watermark.CopyID]bool), make(map[string]bool)
	for _, l := range w.Findings {
		marks := l.unissued()
		if len(marks) > 0 {
			n++
		}
		for _, r := range marks {
			ids[r.Copy], keys[r.KeyID] = true, true
		}
	}
	return several(n, figures{"ids": len(ids), "keys": len(keys), "names": slices.Sorted(maps.Keys(keys)),
		"pictures": w.readable(), "tried": w.keys, "chance": roundedUp(falseRead * float64(w.readable()*w.keys))})
}

// several is said if confirmed copies of two recipients or more are there.
func (w *weighing) several() []figures { return once(w.sources() > 1, figures{}) }

// issuerAll is said if the copies in a dump are the copies that the issuer had in one place: for two uploads or more the
// copies of all recipients that had one were found, and these are several. of counts the uploads of several recipients
// with a copy that was found.
func (w *weighing) issuerAll() []figures {
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
	for _, l := range views(w.Findings) {
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
	return once(n > 1, figures{"n": n, "of": of, "names": slices.Sorted(maps.Keys(names))})
}

// sources returns the number of recipients with confirmed copies, whether or not the registry still lists them.
func (w *weighing) sources() int {
	names := make(map[string]bool)
	for _, l := range w.Findings {
		for _, name := range l.MayNames() {
			names[name] = true
		}
	}
	return len(names)
}

// noMark returns the number of leaks that show a submission without a mark that was found.
func (w *weighing) noMark() int {
	return w.Counts[string(findings.FoundUnmarked)] + w.Counts[string(findings.FoundUnreadable)] - w.damagedMarks()
}

// holders are the recipients whose admissible custody covers leaks without a mark.
func (w *weighing) holders() []figures {
	var names []string
	for k, name := range w.names {
		if s := w.parties[name]; s.custody > 0 && !w.cfg.searchedNamed() {
			names = append(names, fmt.Sprintf("%s (%d of these; %s of all %s uploads)", intake.InSentence(name), s.custody, thousands(float64(total(w.Case.Holders[k].Unmarked))), thousands(float64(w.uploads()))))
		}
	}
	return once(len(names) > 0 && w.noMark() > 0, figures{"n": w.noMark(), "names": names})
}

// total returns the sum of counts.
func total(counts []int) (n int) {
	for _, k := range counts {
		n += k
	}
	return n
}

// uploads returns the number of uploads of the registry, up to the find if it is known.
func (w *weighing) uploads() (n int) {
	for _, c := range w.Case.Cells {
		n += c.Submissions
	}
	return n
}

// custodyOf returns the condition of a sentence on leaks without a mark within custody; of counts a recipient's.
func custodyOf(of func(*party) int) func(*weighing) []figures {
	return func(w *weighing) []figures {
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
func (w *weighing) ofKeys() string {
	if w.keys == 0 {
		return " (no mark key was given)"
	}
	return fmt.Sprintf(" under the %s that %s tried (marks under other keys, such as another service's, cannot be seen)", count(w.keys, "mark key", "mark keys"), verb(w.keys, "was", "were"))
}

// absent are the recipients with more absent marks than chance explains ([odds.Recipient].Absent).
func (w *weighing) absent() (out []figures) {
	for _, h := range w.Odds.Recipients {
		if h.Absent > 0 && w.Counts[string(findings.FoundUnreadable)] > 0 {
			out = append(out, figures{"n": h.Absent, "name": h.Name})
		}
	}
	return out
}

// windowWhen is when leaks without a mark are densest, and how seldom a random draw is as dense.
func (w *weighing) windowWhen() []figures {
	x := w.Odds.Window
	if x == nil {
		return nil
	}
	return []figures{{"of": x.Of, "n": x.Leaks, "dates": x.Dates, "share": percent(float64(x.Submissions) / float64(x.OfSubmissions)), "persons": x.OfClusters, "inside": x.Clusters, "once": onceIn(x.Chance)}}
}

// windowHolders are the recipients that could hold all uploads of the window that leaks show.
func (w *weighing) windowHolders() []figures {
	x := w.Odds.Window
	if x == nil || len(x.Holders) == 0 {
		return nil
	}
	return []figures{{"names": inSentence(x.Holders), "n": x.Leaks}}
}

// windowOnly are the recipients among them that could hold nothing beside the uploads of the window.
func (w *weighing) windowOnly() []figures {
	x := w.Odds.Window
	if x == nil || len(x.Only) == 0 {
		return nil
	}
	return []figures{{"names": inSentence(x.Only)}}
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
func claimed(of claim) func(*weighing) []figures {
	return func(w *weighing) []figures {
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
func bounded(is func(*weighing) bool) func(*weighing) []figures {
	return func(w *weighing) []figures {
		c := w.Odds.Claim
		return once(w.Case.Drawn && c.Examined < c.Claimed && is(w), w.claimFigures())
	}
}

// The bounds that say something: more than nothing, less than all.
func hasMin(w *weighing) bool { return w.Odds.Claim.Min > 0 }
func hasMax(w *weighing) bool { return w.Odds.Claim.Max < w.Odds.Claim.Claimed }
func noMax(w *weighing) bool  { return !hasMax(w) }

// claimFigures are the figures of all sentences on the pictures that are claimed.
func (w *weighing) claimFigures() figures {
	c := w.Odds.Claim
	return figures{"claimed": thousands(float64(c.Claimed)), "seen": c.Seen, "examined": c.Examined, "min": thousands(float64(c.Min)), "max": thousands(float64(c.Max)),
		"level": fmt.Sprintf("%.0f", 100*c.Level), "recall": share(c.Recall), "false": fmt.Sprintf("%.2g", 100*c.FalseMatch), "open": c.Open}
}

// unsure returns the number of leaks with marks of issued copies that are not confirmed.
func (w *weighing) unsure() int { return w.Counts[string(findings.FoundCopy)+" (unconfirmed)"] }

// forgeables returns the number of leaks that are unconfirmed for their key alone.
func (w *weighing) forgeables() int {
	return w.leaksThat(func(l *Finding) bool { return l.Forgeable })
}

// voids returns the number of leaks that are unconfirmed since their copy is void alone.
func (w *weighing) voids() int { return w.leaksThat(func(l *Finding) bool { return l.Void }) }

// severals returns the number of leaks with marks of several issued copies that do not fit together.
func (w *weighing) severals() int {
	return w.leaksThat(func(l *Finding) bool { return l.Unconfirmed && !l.Forgeable && len(l.Accused) > 1 })
}

// collages are the pictures with confirmed copies of several uploads: how many copies and uploads they have.
func (w *weighing) collages() []figures {
	copies, uploads := 0, 0
	n := w.leaksThat(func(l *Finding) bool {
		if len(l.Beside) > 0 {
			copies, uploads = copies+len(l.Issued), uploads+1+len(l.Beside)
		}
		return len(l.Beside) > 0
	})
	return several(n, figures{"copies": copies, "uploads": uploads, "max": maxApart})
}

// unconfirmed returns the number of leaks with the mark of one issued copy that is not confirmed by its pixels.
func (w *weighing) unconfirmed() int {
	return w.unsure() - w.forgeables() - w.voids() - w.severals()
}

// unmatched returns the condition of the sentence on leaks that match nothing.
func unmatched(named bool) func(*weighing) []figures {
	return func(w *weighing) []figures {
		if named != w.cfg.searchedNamed() {
			return nil
		}
		return several(w.Counts[string(findings.FoundUnknown)], nil)
	}
}

// unknownRecall are, for unknown leaks by kind, the lower bounds of the share that the search finds.
func (w *weighing) unknownRecall() []figures {
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
		parts = append(parts, fmt.Sprintf("%s for %s (%s)", share(kinds[k].Bound), count(n[k], "picture", "pictures"), k))
	}
	return once(len(parts) > 0 && !w.cfg.searchedNamed(), figures{"kinds": strings.Join(parts, "; ")})
}

func (w *weighing) unknownCounted() []figures {
	return once(len(w.unknownRecall()) > 0 && w.missingUploads() != nil, figures{})
}

// unknownUntried counts the unknown leaks of a kind that was not tried.
func (w *weighing) unknownUntried() int {
	return w.leaksThat(func(l *Finding) bool {
		return l.Kind == findings.FoundUnknown && l.Recall == nil && !w.cfg.searchedNamed()
	})
}

// unknownTemplate counts the unknown leaks that share the template of an upload.
func (w *weighing) unknownTemplate() int {
	return w.leaksThat(func(l *Finding) bool {
		return l.Kind == findings.FoundUnknown && slices.ContainsFunc(l.Matches, func(m findings.Match) bool { return m.Pixels == findings.PixelsTemplate })
	})
}

func (w *weighing) namedOnly() []figures { return once(w.cfg.searchedNamed(), figures{}) }

// pages are the leaks with several pages or frames: only the first was examined.
func (w *weighing) pages() []figures {
	n, others := 0, 0
	for _, l := range w.Findings {
		if l.Pages > 1 {
			n, others = n+1, others+l.Pages-1
		}
	}
	return several(n, figures{"others": others})
}

// lacks counts the damaged files that were examined in part.
func (w *weighing) lacks() []figures {
	n := 0
	for _, l := range w.Findings {
		if l.Lacks != "" {
			n++
		}
	}
	return several(n, nil)
}

// leftOut are the files that were not examined, beside pictures that were, and why.
func (w *weighing) leftOut() []figures {
	if w.readable() == 0 {
		return nil
	}
	var why []string
	for _, m := range Meanings() {
		if n := w.Counts[m.Label]; n > 0 && slices.Contains(notExamined, findings.Kind(m.Label)) {
			why = append(why, fmt.Sprintf("%d %s", n, m.Label))
		}
	}
	return several(w.Leaks-w.readable(), figures{"of": w.Leaks, "why": why})
}

// archiveError begins the Error of a finding on an archive that could not be read.
const archiveError = "archive: "

// archives returns the number of archives that could not be read.
func (w *weighing) archives() int {
	return w.leaksThat(func(l *Finding) bool {
		return l.Kind == findings.FoundUnopened && strings.HasPrefix(l.Error, archiveError)
	})
}

func (w *weighing) unopenedFiles() int {
	return w.Counts[string(findings.FoundUnopened)] - w.archives()
}

// keyCompromised are the keys of confirmed copies that are recorded as compromised after the stated time of the
// find. What follows depends on whether that time is contradicted.
func (w *weighing) keyCompromised() (out []figures) {
	at, n := make(map[string]registry.KeyState), make(map[string]int)
	for _, l := range w.Findings {
		for _, k := range l.Keys {
			of := k.KeyID == l.KeyID || slices.ContainsFunc(l.Issued, func(c registry.Copy) bool { return c.KeyID == k.KeyID })
			if l.MayName() != "" && of && k.State == registry.KeyCompromised {
				at[k.KeyID] = k
				n[k.KeyID]++
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(n)) {
		x := figures{"key": id, "n": n[id], "since": utc(at[id].Since), "found": w.foundAt(), "so": "If they were found later, each holder of the key could have made these marks."}
		if w.cfg.later {
			x["so"] = "That time is contradicted: each holder of the key could have made these marks, which count for no recipient."
		}
		out = append(out, x)
	}
	return out
}

// flagged returns the recipients with a flag of one kind. [odds.FlagTransplanted] has no sentence: the headline and
// [party.note] say it.
func (w *weighing) flagged(kind string) (out []*party) {
	for _, f := range w.Odds.Flags {
		if f.Kind == kind {
			out = append(out, w.parties[f.Name])
		}
	}
	return out
}

// plantingOnly are recipients whose marks are on other submissions only.
func (w *weighing) plantingOnly() (out []figures) {
	for _, s := range w.flagged(odds.FlagOnly) {
		if s.pictures+s.unconfirmed == 0 {
			out = append(out, figures{"n": s.transplanted})
		}
	}
	return out
}

// plantingHeld are recipients with pictures that others held unmarked, each of them all.
func (w *weighing) plantingHeld() (out []figures) {
	for _, s := range w.flagged(odds.FlagAlsoHeld) {
		held := w.alsoHeld(s.Name)
		maps.DeleteFunc(held, func(_ string, n int) bool { return n < s.pictures })
		if len(held) > 0 {
			out = append(out, figures{"n": s.pictures, "name": s.Name, "others": inSentence(slices.Sorted(maps.Keys(held)))})
		}
	}
	return out
}

// plantingRepeated are recipients with several pictures, all of one copy.
func (w *weighing) plantingRepeated() []figures {
	return w.each(func(s *party) figures {
		if s.pictures < 2 || len(s.copies) != 1 {
			return nil
		}
		return figures{"n": s.pictures}
	})
}

// rivalFigures returns the condition of a sentence on the listed holders that are rivals of a named recipient.
func rivalFigures(why ...string) func(*weighing) []figures {
	return func(w *weighing) (out []figures) {
		for _, name := range w.Named {
			for _, r := range w.rivals(name, why...) {
				if r.Other != "" {
					out = append(out, figures{"name": name, "other": r.Other, "n": r.Clusters, "of": r.Of})
				}
			}
		}
		return out
	}
}

// each calls figures for every recipient with confirmed copies, and returns what is not nil.
func (w *weighing) each(of func(*party) figures) (out []figures) {
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
func (w *weighing) repeats() []figures {
	return w.each(func(s *party) figures {
		if s.pictures <= len(s.clusters) {
			return nil
		}
		return figures{"n": s.pictures, "clusters": len(s.clusters)}
	})
}

// alsoHeldFigures are recipients whose pictures others could hold unmarked.
func (w *weighing) alsoHeldFigures() []figures {
	return w.each(func(s *party) figures {
		held := w.alsoHeld(s.Name)
		var others []string
		for _, name := range slices.Sorted(maps.Keys(held)) {
			others = append(others, fmt.Sprintf("%d by %s", held[name], intake.InSentence(name)))
		}
		if len(others) == 0 {
			return nil
		}
		return figures{"n": s.pictures, "others": others}
	})
}

// alsoHeld returns, by each other recipient, the number of leaks with confirmed copies of recipient name whose uploads its
// custody of any date covers: of a leak with copies of several uploads, all of them.
func (w *weighing) alsoHeld(name string) map[string]int {
	held := make(map[string]int)
	for _, l := range w.Findings {
		n, covers := 0, make(map[string]int) // submissions of its copies in the picture
		for _, x := range l.views() {
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
			out = append(out, findings.Said{Code: codes[i], Figures: figures{"n": n}})
		}
	}
	return out
}

// alteredRecords are the records of the registry that could not be read.
func (w *weighing) alteredRecords() []figures {
	return several(len(w.Record.Altered), figures{"names": w.Record.Altered})
}

// closed counts the pictures that may show uploads whose originals or records could not be read.
func (w *weighing) closed() int {
	return w.leaksThat(func(l *Finding) bool { return l.Kind == findings.FoundIncomplete && l.Closed > 0 })
}

// damagedMarks counts the pictures with a part of a mark, if no copy was found.
func (w *weighing) damagedMarks() int { return w.leaksThat((*Finding).damaged) }

// withoutMark returns the figures of unreadable pictures without a part of a mark.
func (w *weighing) withoutMark() []figures {
	return several(w.Counts[string(findings.FoundUnreadable)]-w.damagedMarks(), figures{"keys": w.ofKeys()})
}
