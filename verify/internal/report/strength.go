package report

import (
	"slices"
	"strings"

	"github.com/kycmark/kycmark/verify/internal/weigh"
	"github.com/kycmark/kycmark/verify/internal/words"
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

// Strengths returns, for the first page, how strongly the findings speak for the copies of each named recipient.
func (r ReportView) Strengths() (out []strength) {
	for _, x := range r.Odds.Recipients {
		if !slices.Contains(r.Named, x.Name) {
			continue
		}
		s := strength{Says: words.Write(words.FirstPage["copies"], words.Figures{"times": words.Times(x.LogE), "words": x.Words, "name": x.Name})}
		if len(weigh.Rivals(r.Verdict, x.Name, odds.RivalHeld, odds.RivalPlanting)) > 0 {
			s.Note = words.FirstPage["rivals"]
		}
		if others := weigh.Beside(r.Verdict, x.Name); len(others) > 0 {
			s.Note = strings.TrimSpace(s.Note + " " + words.Write(words.FirstPage["together"], words.Figures{"name": x.Name, "others": others}))
		}
		reached := slices.IndexFunc(steps, func(from float64) bool { return words.InWords(from) == x.Words })
		for i, from := range steps {
			s.Scale = append(s.Scale, step{words.InWords(from), i <= reached, i == reached})
		}
		out = append(out, s)
	}
	return out
}
