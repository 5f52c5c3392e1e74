package odds

import (
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
)

// log10 converts a natural logarithm to base 10, rounded to a multiple of 1e-6. The argument is the
// logarithm, not the number.
func log10(ln float64) float64 { return micro(ln / math.Ln10) }

// micro rounds a stated number to a multiple of 1e-6.
func micro(x float64) float64 { return math.Round(float64(x*1e6)) / 1e6 }

// Cap returns the maximum log10 likelihood ratio that may be stated after so many independent trials without a false
// identification; 0 for 3 trials or fewer. It is the inverse of the 95 % upper confidence bound 3/n of the rate of
// errors (rule of three; Hanley and Lippman-Hand, JAMA 249, 1983: 1 - 0.05^(1/n) is at most 3/n).
func Cap(trials int) float64 {
	if trials <= 3 {
		return 0
	}
	return log10(dsp.Ln(float64(trials) / 3))
}

// lnGamma returns the natural logarithm of the gamma function of x > 0. It uses Stirling's series (Abramowitz and
// Stegun 6.1.41) from 17 on, where the error is below 1e-11, and multiplication below.
func lnGamma(x float64) float64 {
	f := 1.0
	for ; x < 17; x++ {
		f *= x
	}
	x--
	y := 1 / float64(x*x)
	series := (1 - float64(y*(1-float64(y*(2.0/7)))/30)) / float64(12*x)
	return float64((x+0.5)*dsp.Ln(x)) - x + 0.9189385332046727 + series - dsp.Ln(f)
}
