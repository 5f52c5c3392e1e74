package trace

import (
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
)

// predict sets Expected, the score that a mark of the weakest strength issued would have in the
// mean. It also sets Power, the probability that such a mark would have been accused by its own
// part alone. Of several keys, the key that expects less counts. Without evidence both stay 0.
func (out *Result) predict() {
	if len(out.evidence) == 0 {
		return
	}
	weakest := out.tracer.weakest()
	out.Expected = math.Inf(1)
	told := 1.0
	for _, e := range out.evidence {
		out.Expected = math.Min(out.Expected, float64(weakest*e.expected))
		told = math.Min(told, e.told)
	}
	bias, spread := predictionBias+float64(untoldBias*(1-told)), predictionSpread+float64(untoldSpread*(1-told))
	need := needed(out.tracer.level, len(out.Copies))
	const steps = 40
	sum, weights := 0.0, 0.0
	for i := -steps; i <= steps; i++ {
		x := 4 * float64(i) / steps
		w := dsp.Exp(-float64(x*x) / 2)
		z := float64(out.Expected * dsp.Exp(bias+float64(spread*x)))
		sum += float64(w * normalCDF(z-need))
		weights += w
	}
	out.Power = sum / weights
}

// needed returns the score, 60 at most, from which on a copy's own part alone accuses it. level is
// the p of an accusation, corrected for the number of copies. Two p are tried, which counts also.
func needed(level float64, copies int) float64 {
	want := (dsp.Ln(level) - dsp.Ln(2*float64(max(copies, 1)))) / math.Ln10
	lo, hi := 0.0, 60.0
	for range 60 {
		if mid := (lo + hi) / 2; logFisher(mid, 0) > want {
			lo = mid
		} else {
			hi = mid
		}
	}
	return hi
}

// normalCDF returns the probability that a standard normal variable is at most x, within
// 7.5e-8 (Abramowitz and Stegun, "Handbook of Mathematical Functions", 1964, 26.2.17).
func normalCDF(x float64) float64 {
	if x < 0 {
		return 1 - normalCDF(-x)
	}
	t := 1 / (1 + float64(0.2316419*x))
	p := 0.0
	for _, c := range [...]float64{1.330274429, -1.821255978, 1.781477937, -0.356563782, 0.319381530} {
		p = float64(t * (c + p))
	}
	return 1 - float64(p*dsp.Exp(-float64(x*x)/2))/math.Sqrt(2*math.Pi)
}
