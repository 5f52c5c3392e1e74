package odds

import (
	"math"
)

// The standard library's logarithm and exponential are assembly on some processors and
// may be fused on others. These are the same on every processor, within 4 ulp, and three
// times as fast as internal/dsp's: the means over shares take millions of them.

// odd are 1, 1/3, 1/5, ...
var odd = [...]float64{1, 1. / 3, 1. / 5, 1. / 7, 1. / 9, 1. / 11, 1. / 13, 1. / 15, 1. / 17, 1. / 19, 1. / 21}

// ln returns the natural logarithm of x, as 2 artanh((m-1)/(m+1)) of the mantissa m, which is
// within a factor of root 2 of 1. It is -Inf for 0, negative numbers and NaN.
func ln(x float64) float64 {
	if !(x > 0) {
		return math.Inf(-1)
	}
	m, e := math.Frexp(x)
	if m < math.Sqrt2/2 {
		m, e = float64(2*m), e-1
	}
	t := (m - 1) / (m + 1)
	y := float64(t * t)
	s := odd[len(odd)-1]
	for k := len(odd) - 2; k >= 0; k-- {
		s = odd[k] + float64(y*s)
	}
	return float64(float64(2*t)*s) + float64(float64(e)*math.Ln2)
}

// inverse are the inverses of factorials.
var inverse = [...]float64{1, 1, 1. / 2, 1. / 6, 1. / 24, 1. / 120, 1. / 720, 1. / 5040, 1. / 40320, 1. / 362880, 1. / 3628800, 1. / 39916800, 1. / 479001600, 1. / 6227020800}

// exp returns e**x by a Taylor series within half of ln 2. Below -745 it is 0, and above 709 +Inf.
func exp(x float64) float64 {
	switch {
	case x < -745:
		return 0
	case x > 709:
		return math.Inf(1)
	}
	k := math.Floor(float64(x/math.Ln2) + 0.5)
	r := x - float64(k*6.93147180369123816490e-01) - float64(k*1.90821492927058770002e-10)
	s := inverse[len(inverse)-1]
	for i := len(inverse) - 2; i >= 0; i-- {
		s = inverse[i] + float64(r*s)
	}
	return math.Ldexp(s, int(k))
}

// log10 converts a natural logarithm to base 10, rounded to a multiple of 1e-6. The argument is the
// logarithm, not the number.
func log10(ln float64) float64 { return micro(ln / math.Ln10) }

// micro rounds a stated number to a multiple of 1e-6.
func micro(x float64) float64 { return math.Round(float64(x*1e6)) / 1e6 }

// Cap returns the maximum log10 likelihood ratio that may be stated after so many independent
// trials without a false identification; 0 for 3 trials or fewer. It is the inverse of the 95 %
// upper confidence bound 3/n of the rate of errors (rule of three; Hanley and Lippman-Hand, JAMA
// 249, 1983: 1 - 0.05^(1/n) is at most 3/n).
func Cap(trials int) float64 {
	if trials <= 3 {
		return 0
	}
	return log10(ln(float64(trials) / 3))
}

// lnPi is the natural logarithm of pi.
const lnPi = 1.1447298858494002

// lnGamma returns the natural logarithm of the gamma function of x > 0. It uses Stirling's series
// (Abramowitz and Stegun 6.1.41) from 17 on, where the error is below 1e-11, and multiplication
// below.
func lnGamma(x float64) float64 {
	f := 1.0
	for ; x < 17; x++ {
		f *= x
	}
	x--
	y := 1 / float64(x*x)
	series := (1 - float64(y*(1-float64(y*(2.0/7)))/30)) / float64(12*x)
	return float64((x+0.5)*ln(x)) - x + 0.9189385332046727 + series - ln(f)
}
