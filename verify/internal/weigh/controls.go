package weigh

import (
	"math"

	"github.com/kycmark/kycmark/verify/internal/conclude"
	"github.com/kycmark/kycmark/verify/internal/tuning"
)

// references counts the controls of a dump: leaks is the number of leaks with controls, compared is
// the number of comparisons, and same is how many of these found the same capture. Repeated files
// count once, and leaks that show no submission do not count.
func (w *Weighing) references() (leaks, compared, same int) {
	for i, l := range w.Findings {
		if len(l.References) == 0 || !l.Matched() || w.First[i] != i {
			continue
		}
		leaks++
		for _, m := range l.References {
			if compared++; conclude.ShowsCapture(m.Pixels) {
				same++
			}
		}
	}
	return leaks, compared, same
}

// falseMatch returns the probability, 1e-6..1, that a leak fits an upload that it does not show. It
// is 3/n for n validation trials without a false match, the 95 % upper bound. If controls of this
// dump found the same capture, the rate of the controls (Krichevsky and Trofimov's estimate) is
// taken if it is higher.
func (w *Weighing) falseMatch() float64 {
	rate := 3.0 / tuning.MatchTrials
	if _, compared, same := w.references(); same > 0 {
		rate = math.Max(rate, (float64(same)+0.5)/(float64(compared)+1))
	}
	return math.Max(conclude.Micro(rate), 1e-6)
}
