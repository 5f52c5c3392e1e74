package requant

import (
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
)

// A logistic is a table of the distribution function F(t) = 1/(1 + exp(-t)). It models the difference between a
// predicted coefficient and the coefficient before rounding. With this distribution the score of an interval is a sum
// of two values, and bounded. So a single wrong coefficient does not outweigh all others.
type logistic [2*logisticEnd*logisticFine + 1]float32

const (
	logisticEnd   = 16
	logisticFine  = 32                 // steps a unit
	logisticReach = 8                  // where hardly anything is left of the distribution
	tauOfSigma    = 0.5513288954217921 // sqrt(3)/pi: scale of unit deviation
)

// newLogistic computes the table of F, the same on every machine.
func newLogistic() *logistic {
	var l logistic
	for i := range l {
		t := float64(i)/logisticFine - logisticEnd
		l[i] = float32(1 / (1 + dsp.Exp(-t)))
	}
	return &l
}

// at returns F(t), interpolated; 0 and 1 beyond the table's ends.
func (l *logistic) at(t float32) float32 {
	if !(t > -logisticEnd) {
		return 0
	}
	if t >= logisticEnd {
		return 1
	}
	p := float32((t + logisticEnd) * logisticFine)
	i := min(int(p), len(l)-2) // p may have been rounded up
	return l[i] + float32((p-float32(i))*(l[i+1]-l[i]))
}

// score returns the derivative by x, at 0, of ln P(x). P(x) is the probability that x plus logistic noise of unit scale
// lies between a and b. With the density f = F(1 - F), the derivative is
//
//	(f(a) - f(b)) / (F(b) - F(a)) = F(a) + F(b) - 1,
//
// nearly 0 if 0 lies far inside the interval, and between -1 and 1.
func (l *logistic) score(a, b float32) float32 { return l.at(a) + l.at(b) - 1 }

// information returns the mean square of the score of x over all intervals of rounding, each
// a step wide around a multiple of step. The mean score grows with x at this rate (Fisher,
// 1925). For a step below 1, it returns the value without rounding.
func (l *logistic) information(x, step float32) float32 {
	if step < 1 {
		return 1.0 / 3 // as if not rounded at all
	}
	n := int(math.Ceil(float64(logisticReach / step)))
	k := int(nearest(x / step))
	var sum, below float32
	for j := k - n; j <= k+n; j++ {
		above := l.at(float32((float32(j)+0.5)*step) - x)
		s := below + above - 1
		sum += float32(float32(s*s) * (above - below))
		below = above
	}
	return sum + float32(float32(below*below)*(1-below))
}
