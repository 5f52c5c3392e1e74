package pattern

import (
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
)

// LnAgreement bounds what chance gives: the natural logarithm of the probability that amplitudes of
// the given sizes add up to sum or more, if their phases are uniform and independent (Chernoff's
// bound). The phases of pilots are keyed, so that this holds whatever a picture without their mark
// shows. Only the sizes of amplitudes count. It returns 0 unless sum is above 0.
func LnAgreement(amplitudes *[PilotN]complex64, sum float64) float64 {
	var size [PilotN]float64
	top := 0.0
	for k, a := range amplitudes {
		size[k] = math.Sqrt(float64(real(a))*float64(real(a)) + float64(imag(a))*float64(imag(a)))
		top = math.Max(top, size[k])
	}
	if !(top > 0 && sum > 0) {
		return 0
	}
	bound := func(l float64) float64 {
		b := -float64(l * sum)
		for _, a := range size {
			b += lnBessel0(float64(l * a))
		}
		return b
	}
	lo, hi := 0.0, maxTurning/top
	for range 50 { // a convex function: each third leaves out where its minimum is not
		a, b := lo+(hi-lo)/3, hi-(hi-lo)/3
		if bound(a) > bound(b) {
			lo = a
		} else {
			hi = b
		}
	}
	return math.Min(0, bound(lo))
}

// maxTurning bounds the argument of the Bessel functions of LnAgreement: every argument gives a bound,
// and larger ones gain nothing that matters.
const maxTurning = 100

// lnBessel0 returns the natural logarithm of I0(x), the modified Bessel function of order 0, for x >= 0,
// within 2e-7 (Abramowitz and Stegun, "Handbook of Mathematical Functions", 1964, 9.8.1 and 9.8.2).
func lnBessel0(x float64) float64 {
	poly := func(t float64, c ...float64) (p float64) {
		for i := len(c) - 1; i >= 0; i-- {
			p = float64(t*p) + c[i]
		}
		return p
	}
	const joint = 3.75
	if x < joint {
		t := float64(x/joint) * float64(x/joint)
		return dsp.Ln(poly(t, 1, 3.5156229, 3.0899424, 1.2067492, 0.2659732, 0.0360768, 0.0045813))
	}
	p := poly(joint/x, 0.39894228, 0.01328592, 0.00225319, -0.00157565, 0.00916281, -0.02057706, 0.02635537, -0.01647633, 0.00392377)
	return x + dsp.Ln(p) - dsp.Ln(x)/2
}
