package verify

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/kycmark/kycmark/verify/internal/findings"
	"github.com/kycmark/kycmark/verify/odds"
	"github.com/kycmark/kycmark/verify/registry"
)

// The sentences about a dump: the headline, what the findings show, and what they do not
// show. What a sentence may not say is in docs/verdict.md, and a test
// checks every output against that list.

// speak writes Headline, Shows and ShowsNot. The counts, the odds and the hypotheses must be there
// already.
func (w *weighing) speak() {
	w.Headline = w.headline()
	w.Shows, w.ShowsNot = []string{}, []string{}
	w.sayMatches()
	w.sayReferences()
	w.sayCopies()
	w.sayUnissued()
	w.sayUnmarked()
	w.sayClaim()
	w.sayRest()
	w.sayKeys()
	w.sayLate()
	w.sayPlanting()
	w.sayRivals()
	w.sayRepeats()
	w.sayDocuments()
	w.saySubjectsEntered()
}

// shows adds a sentence to Shows, what the findings show. format and args are as in [fmt.Sprintf].
func (w *weighing) shows(format string, args ...any) {
	w.Shows = append(w.Shows, fmt.Sprintf(format, args...))
}

// showsNot adds a sentence to ShowsNot, what the findings do not show. format and args are as in
// [fmt.Sprintf].
func (w *weighing) showsNot(format string, args ...any) {
	w.ShowsNot = append(w.ShowsNot, fmt.Sprintf(format, args...))
}

// showsNotOf adds to ShowsNot a sentence about n things, in the form that [plural] takes, unless n
// is 0. rest is appended to the sentence as it is.
func (w *weighing) showsNotOf(n int, sentence string, rest ...string) {
	if n > 0 {
		w.ShowsNot = append(w.ShowsNot, plural(n, sentence)+strings.Join(rest, ""))
	}
}

// readable returns the number of leaks that could be decoded as pictures.
func (d *DumpVerdict) readable() int {
	n := d.Leaks
	for f := range notExamined {
		n -= d.Counts[string(f)]
	}
	return n
}

// headline returns what a reader sees first: the statement, and a sentence about marks that the
// registry does not list. That sentence stands first unless recipients are named.
func (w *weighing) headline() string {
	n := w.unissuedMarks().pictures
	if n == 0 {
		return w.statement()
	}
	unissued := plural(n, "# {picture carries|pictures carry} a mark under a mark key of the registry with a copy ID that it does not list. The record of issued copies is incomplete, or another party used the key.")
	if len(w.Named) > 0 {
		return w.statement() + " " + unissued
	}
	return unissued + " " + w.statement()
}

// statement returns the conclusion on the dump. The strongest statement that holds is
// made: named recipients, else a window of custody, else "Inconclusive" if pictures match or only
// named uploads were searched, else that nothing matches. It names a recipient only if package odds
// does.
func (w *weighing) statement() string {
	confirmed := w.Counts[string(FoundCopy)]
	switch {
	case w.Leaks == 0:
		return "Inconclusive: no picture was examined."
	case w.readable() == 0:
		return fmt.Sprintf("Inconclusive: no picture was examined; %s not be opened.", count(w.Leaks, "file could", "files could"))
	case len(w.Named) > 0:
		return strings.Join(w.namedParts(), "; ") + "." + w.besideNamed() + w.alsoTransplanted() + " This does not show who released them; the exchange also possessed them." + w.windowHeadline()
	case w.windowHeadline() != "":
		return strings.TrimSpace(w.windowHeadline()) + " No recipient is named by marks."
	case confirmed > 0:
		return fmt.Sprintf("Inconclusive: the mark of an issued copy was found and confirmed on %s. That is not enough to name a recipient here.%s", pictures(confirmed), w.mendSubjects())
	case w.Matched > 0:
		return fmt.Sprintf("Inconclusive: %s, and no mark of an issued copy was confirmed on any of them.",
			count(w.Matched, "of the pictures matches a submission of the registry", fmt.Sprintf("of the %s match submissions of the registry", pictures(w.readable()))))
	}
	if n := len(w.cfg.Against); n > 0 {
		return fmt.Sprintf("Inconclusive: %s examined, and no match with %s. Nothing else was searched.", pictures(w.readable()), verb(n, "the upload that was named", "any of the uploads that were named"))
	}
	return fmt.Sprintf("No submission of the registry was matched by the %s examined.", pictures(w.readable()))
}

// sayUnissued is about marks that the registry does not list: how many pictures, IDs and keys, and
// how often chance gives such a mark. It says nothing if there are no such marks.
func (w *weighing) sayUnissued() {
	m := w.unissuedMarks()
	if m.pictures == 0 {
		return
	}
	w.shows("%s a mark with a copy ID that the registry does not list: %s under %s (%s). Chance reads such a mark in a picture without it with a probability of at most 9.3e-10 for each picture and key. For the %s and %s of this investigation that is at most %.1g in all.",
		count(m.pictures, "picture carries", "pictures carry"), count(len(m.ids), "ID", "IDs"), count(len(m.keys), "key", "keys"), list(slices.Sorted(maps.Keys(m.keys))),
		pictures(w.readable()), count(w.keys, "key", "keys"), falseRead*float64(w.readable()*w.keys))
	w.showsNotOf(m.pictures, "The marks with IDs that are not listed do not show who received or released {that picture|those pictures}: they count for no recipient. Compare the IDs with all systems that hold the key.")
}

// namedParts returns the parts of the headline about each recipient that it names, in the
// registry's order: pictures, purposes and who else could have laid the marks.
func (w *weighing) namedParts() []string {
	var parts []string
	for _, name := range w.names {
		if s := w.parties[name]; slices.Contains(w.Named, name) {
			parts = append(parts, fmt.Sprintf("%s recorded as issued to %s%s%s", containCopies(s.pictures), s.Name, under(s.purposes), w.notToldFrom(name)))
		}
	}
	return parts
}

// rivals returns the rivals of a named recipient whose reason is in why, in the order of
// d.Odds.Rivals.
func (d *DumpVerdict) rivals(name string, why ...string) (out []odds.Rival) {
	for _, r := range d.Odds.Rivals {
		if r.Name == name && slices.Contains(why, r.Why) {
			out = append(out, r)
		}
	}
	return out
}

// notToldFrom returns the end of the headline's part about recipient name: the parties that held
// the same submissions unmarked. They could have laid the marks if they had the recipient's copies.
// It is "" if there are no such parties.
func (w *weighing) notToldFrom(name string) string {
	var who []string
	for _, r := range w.rivals(name, odds.RivalHeld, odds.RivalPlanting) {
		who = append(who, fmt.Sprintf("%s (held %d of these %d submissions unmarked)", r.Other, r.Clusters, r.Of))
	}
	if len(who) == 0 {
		return ""
	}
	return fmt.Sprintf(", but the findings do not rule out %s, which could have laid marks there if it had obtained those copies", strings.Join(who, " or "))
}

// besideNamed returns the sentence, with a space before it, about submissions in the dump that the
// copies of a named recipient do not explain. It is "" if there are no such submissions.
func (w *weighing) besideNamed() string {
	rest, of := 0, ""
	for _, name := range w.Named {
		if r := w.rivals(name, odds.RivalRest); len(r) > 0 {
			rest, of = r[0].Of, name
		}
	}
	switch {
	case rest == 0:
		return ""
	case len(w.Named) > 1:
		return " The findings do not tell several sources from one that had the copies of several recipients."
	}
	return fmt.Sprintf(" The %s not explained by the copies issued to %s as they were issued, nor by anything else that it is recorded to have had. The source of %s may also have had those copies.",
		count(rest, "other submission in this dump is", "other submissions in this dump are"), of, verb(rest, "that submission", "those submissions"))
}

// alsoTransplanted returns the sentence, with a space before it, about marks of named recipients
// that were laid onto other pictures of the dump. It is "" if there are no such marks.
func (w *weighing) alsoTransplanted() string {
	var names []string
	n := 0
	for _, name := range w.Named {
		if s := w.parties[name]; s.transplanted > 0 {
			names = append(names, name)
			n += s.transplanted
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" Marks of copies issued to %s were also transplanted onto %s of this dump.", list(names), count(n, "other picture", "other pictures"))
}

// window returns the densest window of leaks in which no mark counts, and the strongest custody
// that covers all of them. Both are nil if that custody is not strong enough for a headline
// ([odds.Window.Heads]). A custody that does not cover them may have the same ratio, at the cap,
// and is passed over.
func (d *DumpVerdict) window() (*odds.Window, *odds.Hypothesis) {
	x := d.Odds.Window
	if !x.Heads() {
		return nil, nil
	}
	for i := range d.Hypotheses {
		h := &d.Hypotheses[i]
		covers := slices.ContainsFunc(h.Holders, func(name string) bool { return slices.Contains(x.Holders, name) })
		if h.Kind == odds.Custody && h.LogLR == x.Supported && covers {
			return x, h
		}
	}
	return nil, nil
}

// windowHeadline returns the sentence, with a space before it, on when the leaks in which no mark
// counts were submitted. It is "" if [DumpVerdict.window] is nil. It names no holder, since all who
// held the same, listed or not, explain the leaks equally.
func (w *weighing) windowHeadline() string {
	x, _ := w.window()
	if x == nil {
		return ""
	}
	return fmt.Sprintf(" Of %s, %d were submitted in %s. Recipients could hold the uploads of that time unmarked.", notCounted(x.Of), x.Leaks, x.Dates)
}

// notCounted names n pictures in which no mark counts for a recipient. No mark was found, or it is
// transplanted, of a compromised key, or of a copy that was issued too late.
func notCounted(n int) string { return pictures(n) + " in which no mark counts" }

// containCopies begins a sentence about n pictures: "1 picture contains a copy", "3 pictures
// contain copies".
func containCopies(n int) string {
	return count(n, "picture contains a copy", "pictures contain copies")
}

// under returns, for the headline, the purposes for which copies were issued: " under" with up to
// three in quotes, else their number. It is "" without purposes.
func under(purposes []string) string {
	switch {
	case len(purposes) == 0:
		return ""
	case len(purposes) > 3:
		return fmt.Sprintf(" under %d requests", len(purposes))
	}
	quoted := make([]string, len(purposes))
	for i, p := range purposes {
		quoted[i] = "“" + p + "”"
	}
	return " under " + list(quoted)
}

// sayMatches says how many of the readable pictures show a submission, and how many files repeat
// another byte for byte. It says nothing if no picture is readable.
func (w *weighing) sayMatches() {
	if w.readable() == 0 {
		return
	}
	again := ""
	if w.Repeated > 0 {
		again = fmt.Sprintf(" %s byte for byte and %s nothing.", count(w.Repeated, "picture repeats another", "pictures repeat others"), verb(w.Repeated, "adds", "add"))
	}
	w.shows("Of %s examined, %d %s a submission of the registry.%s", pictures(w.readable()), w.Matched, verb(w.Matched, "shows", "show"), again)
}

// sayReferences says how many leaks were compared with uploads of other subjects (the controls),
// and how often that found the same capture. It says nothing without controls.
func (w *weighing) sayReferences() {
	leaks, compared, same := w.references()
	if compared == 0 {
		return
	}
	result := "In no comparison was the other upload found to be the same capture."
	if same > 0 {
		result = fmt.Sprintf("In %s the other upload was also found to be the same capture. The same picture may have been submitted twice. Only a mark tells from which of the two a leak derives.", count(same, "comparison", "comparisons"))
	}
	w.shows("%s also compared with other uploads, in %s. These are the uploads that look most like the upload shown; none is known to be of the same person. %s",
		count(leaks, "of these pictures was", "of these pictures were"), count(compared, "comparison", "comparisons"), result)
}

// sayCopies says what the copies of each recipient with confirmed copies and a ratio above 1 are
// worth. It also says how much that depends on single findings, what caps the ratios, and what
// copies do not show.
func (w *weighing) sayCopies() {
	capped, spoken := false, false
	for _, h := range w.Hypotheses {
		if h.Kind != odds.Copies || h.Clusters == 0 || h.LogLR <= 0 {
			continue
		}
		w.Shows = append(w.Shows, w.copiesSentence(h))
		capped, spoken = capped || h.Capped, true
		if x := h.Sensitivity; x != nil {
			w.shows("For %s: without the strongest finding (%s), the log10 likelihood ratio is %.1f. If %s in its favour were wrong, it would be %.1f.",
				h.Name, w.Verdicts[w.Of[x.Leak]].File, x.Without, count(x.Wrong, "independent finding", "independent findings"), x.IfWrong)
		}
	}
	if spoken {
		w.shows("Alternatives that contain the copies are not compared: the issuer, an unlisted holder, and planting by a holder of such a copy and of the original. They are listed and not excluded.")
	}
	if capped {
		w.shows("%s times is the most that is claimed: %s trials without a false identification bound the error rate by 3 in %[2]s (95 %% confidence). They are %s.",
			times(odds.Cap(w.Case.MarkTrials)), thousands(float64(w.Case.MarkTrials)), w.trialsCover())
	}
	w.showsNotOf(w.Counts[string(FoundCopy)], "It does not show who released these copies. The exchange also possessed them, and so did all to whom the recipient passed them or lost them.")
	sources := 0
	for _, s := range w.parties {
		if s.pictures > 0 {
			sources++
		}
	}
	if sources > 1 {
		w.showsNot("Copies of several recipients appear. The findings do not tell several sources from one that had the copies of several recipients.")
	}
}

// copiesSentence returns what the copies of one recipient are worth: pictures, independent
// submissions, the likelihood ratio, and why the recipient is not named, if it is not. h must be of
// kind [odds.Copies] with a LogLR above 0.
func (w *weighing) copiesSentence(h odds.Hypothesis) string {
	against := ""
	if h.Against != "" {
		against = " (" + h.Against + ")"
	}
	withheld := ""
	for _, x := range w.Odds.Withheld {
		if x.Name == h.Name {
			withheld = " It is not named in the headline: " + x.Reason + "."
		}
	}
	return fmt.Sprintf(
		"%s recorded as issued to %s, of %s. This is at least %s times more probable if pictures of this dump derive from those copies than under the strongest listed alternative that does not contain them%s. The log10 likelihood ratio is %.1f: %s.%s",
		containCopies(w.parties[h.Name].pictures), h.Name, count(h.Clusters, "independent submission", "independent submissions"),
		times(h.LogLR), against, h.LogLR, h.Words, withheld)
}

// trialsCover says what was tried in the trials that cap the ratios of copies: trials that the
// investigator stated, of tracing, or of reading.
func (w *weighing) trialsCover() string {
	switch {
	case w.cfg.Trials > 0:
		return "trials that the investigator stated"
	case w.Case.MarkTrials == TraceTrials:
		return "trials of tracing leaks against copies that were not used; kycmark-bench trace repeats such trials"
	}
	return "trials of reading pictures without a mark of the key; the comparison of pictures is not covered by them; kycmark-bench falsepositives repeats such trials"
}

// notJudged is said of custody if Config.Found is not set.
const notJudged = "admissibility not judged: when the leaks were found was not given"

// sayUnmarked is about pictures that show a submission without a mark. It says who could hold these
// unmarked by admissible custody, and what the absence of a mark means. It says nothing if there
// are no such pictures.
func (w *weighing) sayUnmarked() {
	unmarked, unreadable := w.Counts[string(FoundUnmarked)], w.Counts[string(FoundUnreadable)]
	if unmarked+unreadable == 0 {
		return
	}
	var holders []string
	late, unjudged := 0, 0
	for _, name := range w.names {
		s := w.parties[name]
		if late, unjudged = late+s.late, unjudged+s.unjudged; s.custody > 0 {
			holders = append(holders, fmt.Sprintf("%s (%d)", name, s.custody))
		}
	}
	if len(holders) > 0 {
		w.shows("%s without a mark. The records say who could hold such submissions unmarked, by their time or by a list: %s.",
			count(unmarked+unreadable, "picture shows a submission", "pictures show submissions"), list(holders))
	}
	w.sayWindow()
	w.showsNotOf(unjudged, "The custody that covers pictures without a mark is listed, its "+notJudged+".")
	w.showsNotOf(late, "Custody that was entered after the leaks were found is listed but not admissible.")
	w.showsNotOf(unmarked, "On # {picture|pictures} no mark was found"+w.ofKeys()+". On each, a mark would have been found with a probability of at least 99.9 %. Deliberate removal is not excluded. It would affect a dump as a whole, so that many such pictures say no more than one.")
	w.showsNotOf(unreadable, "On # {picture|pictures} no mark was found"+w.ofKeys()+". A mark may have been missed, and deliberate removal is not excluded: nothing follows from its absence", w.absence())
}

// ofKeys ends a sentence on pictures without a mark: under how many keys marks were looked for.
func (w *weighing) ofKeys() string {
	if w.keys == 0 {
		return " (no mark key was given)"
	}
	return fmt.Sprintf(" under the %s that %s tried (marks under other keys, such as another service's, cannot be seen)", count(w.keys, "mark key", "mark keys"), verb(w.keys, "was", "were"))
}

// absence returns the end of the sentence about pictures on which a mark may have been missed. For
// each recipient with too many absent marks ([odds.Hypothesis].Absent) it has a sentence; without
// such a recipient it is a full stop.
func (w *weighing) absence() string {
	var parts []string
	for _, h := range w.Hypotheses {
		if h.Absent > 0 {
			parts = append(parts, fmt.Sprintf(" Copies of %s without their mark were issued to %s. If all these pictures were those copies as they were issued, so many marks would be missed with a probability of at most 5 %%.",
				count(h.Absent, "independent submission", "independent submissions"), h.Name))
		}
	}
	if len(parts) == 0 {
		return "."
	}
	return " on a single picture." + strings.Join(parts, "")
}

// sayWindow says when leaks in which no mark counts are densest. It also says what the custody of
// that time is worth, and which holders the findings do not distinguish. It says nothing if there
// are fewer than 2 such leaks, or no window.
func (w *weighing) sayWindow() {
	x := w.Odds.Window
	if x == nil || x.Of < 2 {
		return
	}
	w.shows("Of %s, %d %s submitted in %s. That time holds %s of all submissions of the registry.",
		notCounted(x.Of), x.Leaks, verb(x.Leaks, "was", "were"), x.Dates, percent(x.Share))
	if _, h := w.window(); h != nil {
		limit, searched := "", ""
		if h.Capped {
			limit = fmt.Sprintf(" No more is claimed of pictures in which no mark counts: %s trials of matching without an error allow no more.", thousands(float64(w.Case.MatchTrials)))
		}
		if x.Searched > 1 {
			searched = fmt.Sprintf(" %d sets of custody were looked at: the ratio before any cap, divided by %[1]d, is above %.0f.", x.Searched, math.Pow(10, odds.MinWindow))
		}
		w.shows("These findings are at least %s times more probable if pictures come from what %s could hold unmarked than under the strongest listed alternative (%s). The log10 likelihood ratio is %.1f: %s.%s%s Nothing here tells %s from a sub-processor of theirs, a backup, or the exchange itself.",
			times(h.LogLR), list(h.Holders), h.Against, h.LogLR, h.Words, limit, searched, list(h.Holders))
	}
	w.showsNot("The number of pictures within one window is no measure of its holder. A thief may be more likely to take a contiguous range of the registry's %s, or what one holder had, than scattered pictures. Against such a thief, the window earns a likelihood ratio of at most about %s, however many the pictures. Against another holder of the same pictures it earns nothing.",
		count(x.Cells, "month", "months"), about(math.Pow(10, x.MaxLR)))
}

// sayClaim says how many of the claimed pictures show submissions of the registry: with a bound if
// we drew the sample, else the number seen. It says nothing if no number is claimed.
func (w *weighing) sayClaim() {
	c := w.Odds.Claim
	switch {
	case c.Claimed == 0:
	case c.Level < 1:
		w.shows("Of the %s pictures claimed, at least %s show submissions of the registry, at a confidence of %.0f %%: the %s examined were drawn from them at random by us, and %d %s a submission. Files that only resemble a submission, or cannot be read as pictures, count as showing no submission.",
			thousands(float64(c.Claimed)), thousands(float64(c.Min)), 100*c.Level, count(c.Examined, "file", "files"), c.Seen, verb(c.Seen, "shows", "show"))
	default:
		w.shows("Of the %s pictures claimed, at least %d %s of the registry: those seen. From a selection that others made, nothing follows about the rest.",
			thousands(float64(c.Claimed)), c.Seen, verb(c.Seen, "shows a submission", "show submissions"))
	}
}

// sayRest says how many leaks name no recipient, by the reason: forgeable, unconfirmed or
// transplanted marks, lookalikes, unknown leaks and files that were not examined. Reasons without leaks are left out.
func (w *weighing) sayRest() {
	forgeable := 0
	for _, l := range w.Verdicts {
		if l.Forgeable {
			forgeable++
		}
	}
	unknown, recalled := "# {picture matches|pictures match} no submission that the search could find.", w.recallSentence()
	if w.cfg.named() {
		unknown, recalled = "# {picture matches|pictures match} none of the uploads that were named, and {was|were} not looked for among the others.", ""
	}
	w.showsNotOf(forgeable, "# {picture carries|pictures carry} the mark of a copy whose mark key is recorded as compromised since before the copy was issued. Each holder of the key could have made that mark, so {it counts|they count} for no recipient.")
	w.showsNotOf(w.Counts[string(FoundCopy)+" (unconfirmed)"]-forgeable, "# {picture carries|pictures carry} the mark of an issued copy, but could not be confirmed to show that copy's submission. A mark can be laid onto another picture, so {it counts|they count} for no recipient.")
	w.showsNotOf(w.Counts[string(FoundTransplanted)], "# {picture carries|pictures carry} a transplanted mark: one that belongs to another picture. That says nothing about the recipient of the copy whose mark was used. Who can transplant a mark may have prepared other pictures of this dump.")
	w.showsNotOf(w.Counts[string(FoundLookalike)], "# {picture resembles|pictures resemble} submissions of the registry without showing the same capture; {it is|they are} not counted as matched.")
	w.showsNotOf(w.Counts[string(FoundUnknown)], unknown, recalled)
	w.ShowsNot = append(w.ShowsNot, w.NotSearched()...)
	if w.cfg.named() {
		w.showsNot(onlyNamed)
	}
	w.sayUnexamined()
}

// sayUnexamined says how many files could not be examined, by the reason. Reasons without files are
// left out.
func (w *weighing) sayUnexamined() {
	archives := 0
	for _, l := range w.Verdicts {
		if l.Finding == FoundUnopened && strings.HasPrefix(l.Error, archiveError) {
			archives++
		}
	}
	w.showsNotOf(w.Counts[string(FoundDamaged)], "# {picture is|pictures are} damaged: {it|they} could not be decoded, and {says|say} nothing.")
	w.showsNotOf(w.Counts[string(FoundUnsupported)], "# {picture is|pictures are} of a format or size that is not supported. {It was|They were} not examined. Convert {it|them}, and investigate again.")
	w.showsNotOf(archives, "# {archive|archives} could not be read, in whole or in part. What {it holds|they hold} is not known. The reason is beside each.")
	w.showsNotOf(w.Counts[string(FoundUnopened)]-archives, "# {file|files} could not be opened or read. What {it holds|they hold} is not known.")
	w.showsNotOf(w.Counts[string(FoundMissing)], "# {file that was named does|files that were named do} not exist.")
	w.showsNotOf(w.Counts[string(FoundNoPicture)], "# {file is no picture, and counts|files are no pictures, and count} for nothing.")
}

// archiveError begins the Error of a verdict on an archive that could not be read.
const archiveError = "archive: "

// recallSentence returns, for unknown leaks by kind, the lower bound of the share that the search
// would have found. Leaks of a kind that was not tried have a sentence of their own. It is "" if
// there are no unknown leaks.
func (w *weighing) recallSentence() string {
	n, unsaid, kinds := make(map[string]int), 0, make(map[string]*findings.Recall)
	for _, l := range w.Verdicts {
		switch {
		case l.Finding != FoundUnknown:
		case l.Recall == nil:
			unsaid++
		default:
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
		parts = append(parts, fmt.Sprintf("%d %s: %s", n[k], k, share(kinds[k].Bound)))
	}
	out := ""
	if len(parts) > 0 {
		out = fmt.Sprintf(" If they were among the uploads that the registry has now, the search would have found at least this share of them (lower 95 %% bounds of trials of such leaks, each altered in one way of many): %s. Erased uploads cannot be found.", strings.Join(parts, "; "))
		if len(w.NotSearched()) > 0 {
			out += " Uploads that were not searched are counted as not found."
		}
	}
	if unsaid > 0 {
		out += " Of pictures that were altered much, or of which little is left, some are missed. How many is not measured for pictures of this kind."
	}
	return out
}

// sayKeys says which keys of confirmed copies are recorded as compromised, unless that was after
// the leaks were found ([Config].Found). Copies issued after their key was compromised are not
// confirmed, and do not occur here.
func (w *weighing) sayKeys() {
	at := make(map[string]registry.KeyState)
	n := make(map[string]int)
	for _, l := range w.Verdicts {
		for _, k := range l.Keys {
			before := !w.cfg.Found.IsZero() && w.cfg.Found.Before(k.Since)
			if l.MayName() != "" && k.KeyID == l.KeyID && k.State == registry.KeyCompromised && !before {
				at[k.KeyID] = k
				n[k.KeyID]++
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(n)) {
		w.showsNot("The mark key %s of %s with a confirmed copy is recorded as compromised since %s, after these copies were issued. Who has held it since then, and had such a copy in hand, could have laid its mark onto an unmarked picture of the same upload.",
			id, pictures(n[id]), day(at[id].Since))
	}
}

// sayLate says which copies and uploads in leaks are later than [Config].Found, by the registry.
// They count for no recipient and no source. It says nothing if Found is not known.
func (w *weighing) sayLate() {
	n, uploads := make(map[string]int), 0
	for _, l := range w.Verdicts {
		once := make(map[string]bool)
		for _, c := range l.Issued {
			if w.cfg.tooLate(l, c.ID) && !once[c.Recipient] {
				once[c.Recipient] = true
				n[c.Recipient]++
			}
		}
		if l.matched() && w.cfg.after(l.Submitted) {
			uploads++
		}
	}
	at := w.cfg.Found.UTC().Format(time.RFC3339)
	for _, name := range slices.Sorted(maps.Keys(n)) {
		w.showsNot("%s recorded as issued to %s after the leaks were found (%s): that time is wrong, or the copies were made afterwards. They count for no recipient.", containCopies(n[name]), name, at)
	}
	w.showsNotOf(uploads, "# {picture shows|pictures show} an upload that is recorded as submitted after the leaks were found ("+at+"): that time is wrong, or the file was elsewhere before. It speaks for no source.")
}

// sayPlanting says which patterns that planted evidence would leave the dump has: marks on other
// submissions only, all pictures held unmarked by others, one copy again and again.
// [odds.FlagTransplanted] has no sentence here: the headline and [party.note] say it.
func (w *weighing) sayPlanting() {
	for _, f := range w.Odds.Flags {
		switch f.Kind {
		case odds.FlagOnly:
			w.showsNot("The only marks of one recipient's copies in this dump, on %s, belong to other submissions: they were laid there. They count for no recipient.", pictures(f.Leaks))
		case odds.FlagAlsoHeld:
			w.showsNot("Every picture with a copy issued to %s (%d) is one that %s could hold unmarked. With those copies in hand, each of them could have laid the marks onto the unmarked pictures.", f.Name, f.Leaks, list(f.Others))
		case odds.FlagRepeated:
			w.showsNot("All %s with a copy issued to %s are of one copy, again and again.", pictures(f.Leaks), f.Name)
		}
	}
}

// sayRivals says which parties the findings do not tell from each named recipient, and who is
// recorded to have had the rest of the dump. Rivals that are no listed holder are left out.
func (w *weighing) sayRivals() {
	for _, name := range w.Named {
		for _, r := range w.rivals(name, odds.RivalHeld, odds.RivalPlanting) {
			w.showsNot("The findings do not tell %[1]s from %[2]s: of the %[4]s with copies issued to %[1]s, %[2]s held %[3]d unmarked. To lay these marks there it would have needed those very copies, and no record says that it had them. With them, it could also have released them as they are.%[5]s",
				name, r.Other, r.Clusters, count(r.Of, "independent submission", "independent submissions"), w.plantingSentence(name))
		}
		for _, r := range w.rivals(name, odds.RivalRest) {
			if r.Other != "" {
				w.showsNot("If %s had obtained the copies issued to %s, it would explain the dump alone: it is recorded to have had, marked or unmarked, %d of the %s in it that %[2]s does not explain.",
					r.Other, name, r.Clusters, count(r.Of, "submission", "submissions"))
			}
		}
	}
}

// plantingSentence returns the sentence, with a space before it, on a recipient's ratio with
// planting among the alternatives. It is "" if no listed holder could have planted the marks.
func (d *DumpVerdict) plantingSentence(name string) string {
	for _, h := range d.Hypotheses {
		if h.Kind == odds.Copies && h.Name == name && h.Planting != nil {
			return fmt.Sprintf(" With planting by those who held these pictures among the alternatives, the log10 likelihood ratio is %.1f: %s.", math.Round(*h.Planting*10)/10+0, inWords(*h.Planting))
		}
	}
	return ""
}

// sayRepeats is about the pictures of each recipient with confirmed copies. It says how many
// independent submissions they are, how many have no subject, and who else could hold them
// unmarked. What gives no sentence (no repetition, no nameless upload, no other holder) is left
// out.
func (w *weighing) sayRepeats() {
	for _, name := range w.names {
		s := w.parties[name]
		if s.pictures == 0 {
			continue
		}
		if n := len(s.clusters); s.pictures > n {
			w.showsNot("The %s with copies issued to %s are of %s: repetitions and pictures of one subject count once.",
				pictures(s.pictures), s.Name, count(n, "independent submission", "independent submissions"))
		}
		if s.nameless > 0 {
			w.showsNot("Of the %s with copies issued to %s, %d %s of uploads without a subject reference. %s",
				pictures(s.pictures), s.Name, s.nameless, verb(s.nameless, "is", "are"), w.namelessCount(s))
		}
		if others := w.alsoHeld(s.Name); len(others) > 0 {
			w.showsNot("Of the %s with a copy issued to %s, these could also be held unmarked by others: %s. With that copy in hand, each of them could have laid its mark onto the unmarked picture.",
				pictures(s.pictures), s.Name, list(others))
		}
	}
}

// alsoHeld returns, for each other recipient whose admissible custody covers leaks with confirmed
// copies of recipient name, the number of these leaks: "3 by B". The list is sorted by name.
func (w *weighing) alsoHeld(name string) []string {
	held := make(map[string]int)
	for _, l := range w.Verdicts {
		if !slices.Contains(l.MayNames(), name) {
			continue
		}
		once := make(map[string]bool)
		for _, c := range l.Custody {
			if c.Recipient != name && w.cfg.admissible(c) && !once[c.Recipient] {
				once[c.Recipient] = true
				held[c.Recipient]++
			}
		}
	}
	var out []string
	for _, other := range slices.Sorted(maps.Keys(held)) {
		out = append(out, fmt.Sprintf("%d by %s", held[other], other))
	}
	return out
}

// note returns, as one sentence, the leaks that concern a recipient and that the odds of its copies
// leave out: custody, unconfirmed and transplanted marks. It is "" if there are no such leaks.
func (s *party) note() string {
	var parts []string
	for _, x := range []struct {
		n    int
		says string
	}{
		{s.custody, "# {picture without a mark lies|pictures without a mark lie} within this recipient's recorded custody of unmarked uploads"},
		{s.late, "# {picture lies|pictures lie} within custody that was entered after the leaks were found, which is not admissible"},
		{s.unjudged, "# {picture lies|pictures lie} within this recipient's recorded custody of unmarked uploads; " + notJudged},
		{s.unconfirmed, "# {picture carries a mark of this recipient's copies but is not confirmed|pictures carry marks of this recipient's copies but are not confirmed} and not counted"},
		{s.transplanted, "# {picture carries a transplanted mark|pictures carry transplanted marks} of this recipient's copies, which count for no recipient"},
	} {
		if x.n > 0 {
			parts = append(parts, plural(x.n, x.says))
		}
	}
	return sentence(parts)
}
