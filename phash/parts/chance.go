package parts

import (
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
)

// chance[d] is the share of features of other pictures that lie within d bits of a feature.
var chance = func() (c [64*words + 1]float64) {
	for d := range c {
		c[d] = math.Min(1, dsp.Exp(float64(math.Ln10*(float64(float64(d-44)*chanceSlope)-3))))
	}
	return c
}()

// logTail returns log10 of the chance of k or more successes among n trials of probability p each. It returns 0
// (certain) if k is 0 or less, or if p is 1 or more. It returns -Inf (impossible) if k exceeds n, or if p is 0 or less.
func logTail(n, k int, p float64) float64 {
	if k <= 0 {
		return 0
	}
	if k > n || p <= 0 {
		return math.Inf(-1)
	}
	if p >= 1 {
		return 0
	}
	first := logChoose(n, k) + float64(float64(k)*dsp.Ln(p)) + float64(float64(n-k)*dsp.Ln(1-p))
	odds, term, sum := p/(1-p), 1.0, 1.0 // in parts of exp(first)
	for i := k; i < n && term > 1e-12*sum; i++ {
		term = float64(term * (float64(n-i) / float64(i+1) * odds))
		sum += term
	}
	return math.Min(0, (first+dsp.Ln(sum))/math.Ln10)
}

// logChoose is the natural logarithm of the number of ways to choose k of n.
func logChoose(n, k int) float64 {
	sum := 0.0
	for i := 1; i <= min(k, n-k); i++ {
		sum += dsp.Ln(float64(n-i+1)) - dsp.Ln(float64(i))
	}
	return sum
}

// log10 returns the decimal logarithm of v, by operations that are the same on every machine.
func log10(v float64) float64 { return dsp.Ln(v) / math.Ln10 }
