package verify

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/kycmark/kycmark/verify/odds"
)

// The words about recipients that a headline names, and about those whom the findings do
// not tell from them.

// namedParts are what a headline says of each recipient that it names.
func (w *weighing) namedParts() []string {
	var parts []string
	for _, name := range w.names {
		if s := w.parties[name]; slices.Contains(w.Named, name) {
			parts = append(parts, fmt.Sprintf("%s recorded as issued to %s%s%s", containCopies(s.pictures), s.Name, under(s.purposes), w.notToldFrom(name)))
		}
	}
	return parts
}

// rivals are those of one recipient for a reason.
func (d *DumpVerdict) rivals(name string, why ...string) (out []odds.Rival) {
	for _, r := range d.Odds.Rivals {
		if r.Name == name && slices.Contains(why, r.Why) {
			out = append(out, r)
		}
	}
	return out
}

// notToldFrom says in the sentence that names a recipient who else, with its copies, could
// have laid the marks.
func (w *weighing) notToldFrom(name string) string {
	var who []string
	for _, r := range w.rivals(name, odds.RivalHeld, odds.RivalPlanting) {
		who = append(who, fmt.Sprintf("%s (held %d of these %d submissions unmarked)", r.Other, r.Clusters, r.Of))
	}
	if len(who) == 0 {
		return ""
	}
	return fmt.Sprintf(", and the findings do not tell this from marks laid by %s, had it obtained those copies", strings.Join(who, " or "))
}

// besideNamed says that a dump has more in it than the copies of the recipients named.
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
		return " Several sources, or one that had the copies of several, are not told apart."
	}
	return fmt.Sprintf(" The %s not explained by the copies issued to %s as they were issued, or by what else it is recorded to have had: whoever had them may have had those copies, too.",
		count(rest, "other submission in this dump is", "other submissions in this dump are"), of)
}

// showRivals lists the rivals of recipients named, and why they are.
func (w *weighing) showRivals() {
	for _, name := range w.Named {
		for _, r := range w.rivals(name, odds.RivalHeld, odds.RivalPlanting) {
			w.ShowsNot = append(w.ShowsNot, fmt.Sprintf("The findings do not tell %s from %s: %d of the %s with copies issued to %[1]s are of what %[2]s held unmarked. To lay these marks there it would have needed those very copies, which nothing records that it had; with them, it could also have released them as they are.%[5]s",
				name, r.Other, r.Clusters, count(r.Of, "independent submission", "independent submissions"), w.plantingSentence(name)))
		}
		for _, r := range w.rivals(name, odds.RivalRest) {
			if r.Other != "" {
				w.ShowsNot = append(w.ShowsNot, fmt.Sprintf("Had %s obtained the copies issued to %s, it would explain the dump alone: it is recorded to have had, marked or unmarked, %d of the %s in it that %[2]s does not explain.",
					r.Other, name, r.Clusters, count(r.Of, "submission", "submissions")))
			}
		}
	}
}

// plantingSentence is the ratio with planting among the alternatives.
func (d *DumpVerdict) plantingSentence(name string) string {
	for _, h := range d.Hypotheses {
		if h.Kind == odds.Copies && h.Name == name && h.Planting != nil {
			return fmt.Sprintf(" With planting by those who held these pictures among the alternatives the log10 likelihood ratio is %.1f: %s.", math.Round(*h.Planting*10)/10+0, inWords(*h.Planting))
		}
	}
	return ""
}
