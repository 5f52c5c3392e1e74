package verify

import (
	"fmt"
	"math"
	"slices"

	"github.com/kycmark/kycmark/verify/odds"
)

// A strength is how much the findings speak for one explanation, for the first page.
type strength struct {
	Times string // "400,000"
	If    string // what the findings are so many times more probable under
	Than  string
	Words string
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
// recipients and the custody of the window. Other hypotheses are left out, because a reader of one
// page would take the number for a name.
func (r reportView) Strengths() []strength {
	var out []strength
	_, window := r.window()
	for i := range r.Hypotheses {
		h := &r.Hypotheses[i]
		s := strength{Times: times(h.LogLR), Words: h.Words}
		switch {
		case h.Kind == odds.Copies && slices.Contains(r.Named, h.Name):
			s.If = "pictures of this dump derive from the copies recorded as issued to " + h.Name
			s.Than = "the strongest listed alternative that does not contain those copies"
			if planters := r.rivals(h.Name, odds.RivalHeld, odds.RivalPlanting); len(planters) > 0 {
				with := ""
				if h.Planting != nil {
					with = fmt.Sprintf(" With planting by those who held these pictures among the alternatives, the log10 likelihood ratio is %.1f: %s.", math.Round(*h.Planting*10)/10+0, inWords(*h.Planting))
				}
				s.Note = fmt.Sprintf("This ratio is for the copies, not for who laid or put them there. The other parties in the conclusion explain them as well.%s", with)
			}
		case h == window:
			s.If = "pictures of this dump come from what " + list(h.Holders) + " could hold unmarked"
			s.Than = "the strongest listed alternative"
			s.Note = fmt.Sprintf("Nothing here tells %s from a sub-processor of theirs, a backup, or the exchange itself.", list(h.Holders))
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
