package verify

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/kycmark/kycmark/verify/odds"
)

// The words about leaks without a mark: where in time they lie, who held them so, and
// how far the dump speaks for what somebody claims.

// notJudged stands beside custody where Config.Found is not set.
const notJudged = "admissibility not judged: when the leaks were found was not given"

// window is the densest window of leaks in which no mark counts, and the strongest custody
// that covers all of them; nil: none is supported. A custody that does not cover them may
// have the same ratio, at the cap.
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

// notCounted are pictures in which no mark counts for a recipient: none was found, or it
// is transplanted, of a compromised key, or of a copy that was issued too late.
func notCounted(n int) string { return pictures(n) + " in which no mark counts" }

// windowHeadline says where leaks in which no mark counts lie. It names no holder: whoever held
// the same, listed or not, explains them as well.
func (w *weighing) windowHeadline() string {
	x, _ := w.window()
	if x == nil {
		return ""
	}
	return fmt.Sprintf(" Of %s %d were submitted in %s, which recipients could hold unmarked.", notCounted(x.Of), x.Leaks, x.Dates)
}

func (w *weighing) showUnmarked() {
	unmarked, unreadable := w.Counts[string(FoundUnmarked)], w.Counts[string(FoundUnreadable)]
	if unmarked+unreadable == 0 {
		return
	}
	w.showHolders(unmarked + unreadable)
	w.showWindow()
	late, unjudged := 0, 0
	for _, s := range w.parties {
		late += s.late
		unjudged += s.unjudged
	}
	if unjudged > 0 {
		w.ShowsNot = append(w.ShowsNot, "The custody that covers pictures without a mark is listed, its "+notJudged+".")
	}
	if late > 0 {
		w.ShowsNot = append(w.ShowsNot, "Custody that was entered after the leaks were found is listed but not admissible against them.")
	}
	if unmarked > 0 {
		w.ShowsNot = append(w.ShowsNot, fmt.Sprintf(
			"On %s no mark was found, where a mark would have been found with a probability of 99.9 %% or more each. Deliberate removal is not excluded: it would hit a dump as a whole, so that many such pictures say no more than one.", pictures(unmarked)))
	}
	if unreadable > 0 {
		w.ShowsNot = append(w.ShowsNot, fmt.Sprintf(
			"On %s no mark was found. One might have been missed, and deliberate removal is not excluded: nothing follows from its absence%s", pictures(unreadable), w.absence()))
	}
}

// absence is the end of the sentence about pictures on which a mark might have been missed.
func (w *weighing) absence() string {
	var parts []string
	for _, h := range w.Hypotheses {
		if h.Absent > 0 {
			parts = append(parts, fmt.Sprintf(" Copies of %s without their mark were issued to %s: if all these pictures were those copies as they were issued, so many marks would be missed with a probability of 5 %% at most.",
				count(h.Absent, "independent submission", "independent submissions"), h.Name))
		}
	}
	if len(parts) == 0 {
		return "."
	}
	return " on one of them." + strings.Join(parts, "")
}

// showHolders lists who could hold the leaks without a mark.
func (w *weighing) showHolders(bare int) {
	var holders []string
	for _, name := range w.names {
		if s := w.parties[name]; s.custody > 0 {
			holders = append(holders, fmt.Sprintf("%s (%d)", name, s.custody))
		}
	}
	if len(holders) > 0 {
		w.Shows = append(w.Shows, fmt.Sprintf("%s without a mark. The records say who could hold such submissions unmarked, by their time or by a list: %s.",
			count(bare, "picture shows a submission", "pictures show submissions"), list(holders)))
	}
}

// showWindow says what the densest window of leaks in which no mark counts is worth.
func (w *weighing) showWindow() {
	x := w.Odds.Window
	if x == nil || x.Of < 2 {
		return
	}
	w.Shows = append(w.Shows, fmt.Sprintf("Of %s %d %s submitted in %s, where %s of all submissions of the registry lie.",
		notCounted(x.Of), x.Leaks, verb(x.Leaks, "was", "were"), x.Dates, percent(x.Share)))
	if _, h := w.window(); h != nil {
		w.Shows = append(w.Shows, w.custodySentence(h))
	}
	w.ShowsNot = append(w.ShowsNot, fmt.Sprintf(
		"How many pictures lie within one window is no measure of its holder. Against a thief who is more likely to take a contiguous range of the registry's %s, or what one holder had, than scattered pictures, it earns a likelihood ratio of at most about %s, however many the pictures; against another holder of the same pictures it earns nothing.",
		count(x.Cells, "month", "months"), about(math.Pow(10, x.Most))))
}

// custodySentence says what a window of custody is worth, and who cannot be told apart.
func (w *weighing) custodySentence(h *odds.Hypothesis) string {
	limit := ""
	if h.Capped {
		limit = fmt.Sprintf(" No more is claimed of pictures in which no mark counts: %s trials of matching without an error allow no more.", thousands(float64(w.Case.MatchTrials)))
	}
	return fmt.Sprintf("These findings are at least %s times more probable if pictures come from what %s could hold unmarked than under the strongest listed alternative (%s); log10 likelihood ratio %.1f: %s.%s%s Nothing here tells %s from a sub-processor of theirs, a backup, or the exchange itself.",
		times(h.LogLR), list(h.Holders), h.Against, h.LogLR, h.Words, limit, w.searched(), list(h.Holders))
}

// searched says how many holders' custody was looked at before one of them stood out.
func (w *weighing) searched() string {
	n := w.Odds.Window.Searched
	if n < 2 {
		return ""
	}
	return fmt.Sprintf(" %d sets of custody were looked at: the ratio before any cap, divided by %[1]d, is above %.0f.", n, math.Pow(10, odds.LeastWindow))
}

// showClaim says how far the dump speaks for the number of pictures that is claimed.
func (w *weighing) showClaim() {
	c := w.Odds.Claim
	switch {
	case c.Claimed == 0:
	case c.Level < 1:
		w.Shows = append(w.Shows, fmt.Sprintf("Of the %s pictures claimed, at least %s show submissions of the registry, at a confidence of %.0f %%: the %s examined were drawn from them at random by us, and %d do. Files that resemble one or cannot be read count as showing none.",
			thousands(float64(c.Claimed)), thousands(float64(c.AtLeast)), 100*c.Level, count(c.Examined, "file", "files"), c.Seen))
	default:
		w.Shows = append(w.Shows, fmt.Sprintf("Of the %s pictures claimed, at least %d %s of the registry: those seen. Of a selection that others made nothing follows about the rest.",
			thousands(float64(c.Claimed)), c.Seen, verb(c.Seen, "shows a submission", "show submissions")))
	}
}

// warnOfPlanting names the patterns that the odds flag.
func (w *weighing) warnOfPlanting() {
	for _, f := range w.Odds.Flags {
		switch f.Kind {
		case odds.FlagOnly:
			w.ShowsNot = append(w.ShowsNot, fmt.Sprintf("The only marks of one recipient's copies in this dump, on %s, belong to other submissions: somebody laid them there. They count for nobody.", pictures(f.Leaks)))
		case odds.FlagAlsoHeld:
			w.ShowsNot = append(w.ShowsNot, fmt.Sprintf("Every picture with a copy issued to %s (%d) is one that %s could hold unmarked: whoever of them had those copies in hand could have laid the marks onto the unmarked pictures.", f.Name, f.Leaks, list(f.Others)))
		case odds.FlagRepeated:
			w.ShowsNot = append(w.ShowsNot, fmt.Sprintf("All %s with a copy issued to %s are of one copy, again and again.", pictures(f.Leaks), f.Name))
		}
	}
}

// trialsCover says what the trials behind the cap are about.
func (w *weighing) trialsCover() string {
	switch {
	case w.cfg.Trials > 0:
		return "trials that whoever ran this investigation states"
	case w.Case.MarkTrials == TraceTrials:
		return "trials of tracing leaks against copies that were not used; kycmark bench trace repeats such trials"
	}
	return "trials of reading pictures without a mark of the key; the comparison of pictures is not covered by them; kycmark bench falsepositives repeats such trials"
}
