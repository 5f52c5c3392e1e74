package verify

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kycmark/kycmark/verify/internal/findings"
	"github.com/kycmark/kycmark/verify/odds"
)

// This file holds the words of a verdict. What they may not say is listed in the
// project's verdict model, and a test holds every output against that list.

// speak writes headline and sentences from the counts.
func (w *weighing) speak() {
	w.Headline = w.headline()
	w.Shows, w.ShowsNot = []string{}, []string{}
	w.showMatches()
	w.showReferences()
	w.showCopies()
	w.showUnmarked()
	w.showClaim()
	w.showRest()
	w.warn()
}

// readable is how many of the files were pictures.
func (w *weighing) readable() int { return w.Leaks - w.Counts[string(FoundDamaged)] }

func (w *weighing) headline() string {
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
		return fmt.Sprintf("Inconclusive: the mark of an issued copy was found and confirmed on %s, which is not enough for a recipient to be named here.", pictures(confirmed))
	case w.Matched > 0:
		return fmt.Sprintf("Inconclusive: %s, and no mark of an issued copy was confirmed on any of them.",
			count(w.Matched, "of the pictures matches a submission of the registry", fmt.Sprintf("of the %s match submissions of the registry", pictures(w.readable()))))
	}
	if n := len(w.cfg.Against); n > 0 {
		return fmt.Sprintf("Inconclusive: none of the %s examined matches %s; nothing else was searched.", pictures(w.readable()), verb(n, "the upload that was named", "any of the uploads that were named"))
	}
	return fmt.Sprintf("No submission of the registry was matched by the %s examined.", pictures(w.readable()))
}

// alsoTransplanted belongs to every headline that names somebody whose marks
// others laid onto pictures of the same dump.
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
	return fmt.Sprintf(" Marks of copies issued to %s were also transplanted, onto %s of this dump.", list(names), count(n, "other picture", "other pictures"))
}

func containCopies(n int) string {
	return count(n, "picture contains a copy", "pictures contain copies")
}

// under names the requests that copies answer.
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

func (w *weighing) showMatches() {
	if w.readable() == 0 {
		return
	}
	s := fmt.Sprintf("Of %s examined, %d %s a submission of the registry.", pictures(w.readable()), w.Matched, verb(w.Matched, "shows", "show"))
	if w.Repeated > 0 {
		s += fmt.Sprintf(" %s byte for byte %s of others and %s nothing.", count(w.Repeated, "is", "are"),
			verb(w.Repeated, "a repetition", "repetitions"), verb(w.Repeated, "adds", "add"))
	}
	w.Shows = append(w.Shows, s)
}

func (w *weighing) showCopies() {
	capped := false
	for _, h := range w.Hypotheses {
		if h.Kind != odds.Copies || h.Clusters == 0 || h.LogLR <= 0 {
			continue
		}
		w.Shows = append(w.Shows, w.copiesSentence(h))
		capped = capped || h.Capped
		if x := h.Sensitivity; x != nil {
			w.Shows = append(w.Shows, fmt.Sprintf("What this hangs on, for %s: without its strongest finding (%s) the log10 likelihood ratio is %.1f; if %s in its favour were wrong, %.1f.",
				h.Name, w.Verdicts[w.Of[x.Leak]].File, x.Without, count(x.Wrong, "independent finding", "independent findings"), x.IfWrong))
		}
	}
	if capped {
		w.Shows = append(w.Shows, w.capSentence())
	}
	if w.Counts[string(FoundCopy)] > 0 {
		w.ShowsNot = append(w.ShowsNot,
			"It does not show who released these copies; the exchange also possessed them, and so did whoever the recipient passed them to or lost them to.")
	}
	if w.sourcesSeen() > 1 {
		w.ShowsNot = append(w.ShowsNot,
			"Copies of several recipients appear. Several sources, or one holder of the copies of several, are not told apart.")
	}
}

// copiesSentence says what the copies of one recipient are worth.
func (w *weighing) copiesSentence(h odds.Hypothesis) string {
	against := ""
	if h.Against != "" {
		against = " (" + h.Against + ")"
	}
	return fmt.Sprintf(
		"%s recorded as issued to %s, of %s. This is at least %s times more probable if pictures of this dump derive from those copies than under the strongest listed alternative that does not contain them%s; log10 likelihood ratio %.1f: %s. Alternatives that contain them are not compared: the issuer, an unlisted holder, and planting by somebody who held such a copy and the original are listed and not excluded.%s",
		containCopies(w.parties[h.Name].pictures), h.Name, count(h.Clusters, "independent submission", "independent submissions"),
		times(h.LogLR), against, h.LogLR, h.Words, w.withheld(h.Name))
}

// withheld says why a recipient with evidence does not stand in the headline.
func (w *weighing) withheld(name string) string {
	for _, x := range w.Odds.Withheld {
		if x.Name == name {
			return " It is not named in the headline: " + x.Reason + "."
		}
	}
	return ""
}

// capSentence says why no more is claimed.
func (w *weighing) capSentence() string {
	return fmt.Sprintf("%s times is the most that is claimed: %s trials without a false identification bound the rate of errors by 3 in %[2]s at 95 %%. They are %s.",
		times(odds.Cap(w.Case.MarkTrials)), thousands(float64(w.Case.MarkTrials)), w.trialsCover())
}

func (w *weighing) sourcesSeen() (n int) {
	for _, s := range w.parties {
		if s.pictures > 0 {
			n++
		}
	}
	return n
}

// showRest is about the leaks that name nobody.
func (w *weighing) showRest() {
	forgeable := 0
	for _, l := range w.Verdicts {
		if l.Forgeable {
			forgeable++
		}
	}
	if forgeable > 0 {
		w.ShowsNot = append(w.ShowsNot, fmt.Sprintf("%s the mark of a copy that was issued when somebody else may have held its mark key: whoever held it could have made that mark, so %s for nobody.",
			count(forgeable, "picture carries", "pictures carry"), verb(forgeable, "it counts", "they count")))
	}
	if n := w.Counts[string(FoundCopy)+" (unconfirmed)"] - forgeable; n > 0 {
		w.ShowsNot = append(w.ShowsNot, fmt.Sprintf("%s the mark of an issued copy, but could not be confirmed to show that copy's submission: a mark can be laid onto another picture, so %s for nobody.",
			count(n, "picture carries", "pictures carry"), verb(n, "it counts", "they count")))
	}
	if n := w.Counts[string(FoundTransplanted)]; n > 0 {
		w.ShowsNot = append(w.ShowsNot, fmt.Sprintf("%s a mark that belongs to another picture: somebody transplanted it. That says nothing about the recipient of the copy whose mark was used, and somebody who can do that may have prepared other pictures of this dump.",
			count(n, "picture carries", "pictures carry")))
	}
	if n := w.Counts[string(FoundLookalike)]; n > 0 {
		w.ShowsNot = append(w.ShowsNot, fmt.Sprintf("%s submissions of the registry without showing the same capture; %s not counted as matched.",
			count(n, "picture resembles", "pictures resemble"), verb(n, "it is", "they are")))
	}
	if n := w.Counts[string(FoundUnknown)]; n > 0 {
		w.ShowsNot = append(w.ShowsNot, w.unknownSentence(n))
	}
	if w.cfg.named() {
		w.ShowsNot = append(w.ShowsNot, onlyNamed)
	}
	if n := w.Counts[string(FoundDamaged)]; n > 0 {
		w.ShowsNot = append(w.ShowsNot, fmt.Sprintf("%s not be decoded and %s nothing.",
			count(n, "file could", "files could"), verb(n, "says", "say")))
	}
}

// unknownSentence is about leaks of which nothing was found.
func (w *weighing) unknownSentence(n int) string {
	matches := count(n, "picture matches", "pictures match")
	if w.cfg.named() {
		return fmt.Sprintf("%s none of the uploads that were named, and %s not looked for among the others.", matches, verb(n, "was", "were"))
	}
	return fmt.Sprintf("%s no submission that the search could find.%s", matches, w.recallSentence())
}

// recallSentence says what the search would have found of what it found nothing of.
func (w *weighing) recallSentence() string {
	n, unsaid, kinds := make(map[string]int), 0, make(map[string]*findings.Recall)
	for _, l := range w.Verdicts {
		switch {
		case l.Finding != FoundUnknown:
		case l.Recall == nil:
			unsaid++
		default:
			n[l.Recall.Kind]++
			kinds[l.Recall.Kind] = l.Recall
		}
	}
	order := slices.SortedFunc(maps.Keys(kinds), func(a, b string) int {
		return cmp.Or(cmp.Compare(kinds[b].AtLeast, kinds[a].AtLeast), cmp.Compare(a, b))
	})
	var parts []string
	for _, k := range order {
		parts = append(parts, fmt.Sprintf("%d %s: %s", n[k], k, share(kinds[k].AtLeast)))
	}
	out := ""
	if len(parts) > 0 {
		out = fmt.Sprintf(" Had they been among the uploads that the registry has now, of which those that were erased are none, the search would have found at least (lower 95 %% bounds of trials of such leaks, each altered in one way of many): %s.", strings.Join(parts, "; "))
	}
	if unsaid > 0 {
		out += " Of pictures that were altered much, or of which little is left, some are missed; how many, is not measured for pictures of this kind."
	}
	return out
}
