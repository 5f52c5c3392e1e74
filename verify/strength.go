package verify

import (
	"slices"
	"strings"

	"github.com/kycmark/kycmark/verify/odds"
)

// A strength is how much the findings speak for one explanation, for the first page.
type strength struct {
	Says  string
	Note  string // what it does not tell apart; may be empty
	Scale []step
}

// A step is a step of the verbal scale of strength. The scale begins with the weakest step.
type step struct {
	Words string
	On    bool // this step, or a stronger step, was reached
	At    bool // exactly this step was reached
}

// steps of the scale that inWords has.
var steps = []float64{0.5, 1, 2, 3, 4, 6}

// Strengths returns, for the first page, the explanations on which the headline rests: named
// recipients. Other hypotheses are left out, because a reader of one
// page would take the number for a name.
func (r reportView) Strengths() []strength {
	var out []strength
	for i := range r.Hypotheses {
		h := &r.Hypotheses[i]
		var s strength
		x := figures{"times": times(h.LogLR), "words": h.Words, "name": h.Name, "names": h.Holders}
		switch {
		case h.Kind == odds.Copies && slices.Contains(r.Named, h.Name):
			s.Says = write(firstPage["copies"], x)
			if len(r.rivals(h.Name, odds.RivalHeld, odds.RivalPlanting)) > 0 {
				s.Note = firstPage["rivals"]
				if h.Planting != nil {
					s.Note += " " + write(textOf("rival-planting"), plantingFigures(h))
				}
			}
			if others := r.beside(h.Name); len(others) > 0 {
				s.Note = strings.TrimSpace(s.Note + " " + write(firstPage["together"], figures{"name": h.Name, "others": others}))
			}
		default:
			continue
		}
		reached := slices.IndexFunc(steps, func(from float64) bool { return inWords(from) == h.Words })
		for i, from := range steps {
			s.Scale = append(s.Scale, step{inWords(from), i <= reached, i == reached})
		}
		out = append(out, s)
	}
	return out
}
