package odds

import (
	"math"
)

// The standard library's logarithm and exponential are assembly on some processors and
// may be fused on others. These are the same on every processor, within 4 ulp.

// ln returns the natural logarithm of x, as 2 artanh((m-1)/(m+1)) of the mantissa m, which is
// within a factor of root 2 of 1. It is -Inf for 0, negative numbers and NaN.
func ln(x float64) float64 {
	if !(x > 0) {
		return math.Inf(-1)
	}
	bits := math.Float64bits(x)
	e := int(bits>>52) - 1022
	m := math.Float64frombits(bits&(1<<52-1) | 1022<<52)
	if e == -1022 || e == 1025 { // subnormal, or no number
		m, e = math.Frexp(x)
	}
	if m < math.Sqrt2/2 {
		m, e = float64(2*m), e-1
	}
	t := (m - 1) / (m + 1)
	y := float64(t * t)
	s := 1./19 + float64(y*(1./21))
	s = 1./17 + float64(y*s)
	s = 1./15 + float64(y*s)
	s = 1./13 + float64(y*s)
	s = 1./11 + float64(y*s)
	s = 1./9 + float64(y*s)
	s = 1./7 + float64(y*s)
	s = 1./5 + float64(y*s)
	s = 1./3 + float64(y*s)
	s = 1 + float64(y*s)
	return float64(float64(2*t)*s) + float64(float64(e)*math.Ln2)
}

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
	s := 1./479001600 + float64(r*(1./6227020800)) // inverses of factorials
	s = 1./39916800 + float64(r*s)
	s = 1./3628800 + float64(r*s)
	s = 1./362880 + float64(r*s)
	s = 1./40320 + float64(r*s)
	s = 1./5040 + float64(r*s)
	s = 1./720 + float64(r*s)
	s = 1./120 + float64(r*s)
	s = 1./24 + float64(r*s)
	s = 1./6 + float64(r*s)
	s = 1./2 + float64(r*s)
	s = 1 + float64(r*s)
	s = 1 + float64(r*s)
	if k < -1000 || k > 1000 { // perhaps subnormal
		return math.Ldexp(s, int(k))
	}
	return s * math.Float64frombits(uint64(1023+int(k))<<52)
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
