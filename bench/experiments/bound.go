package experiments

import "math"

// upperBound is the exact one-sided upper confidence limit of a probability after
// events in so many independent trials (Clopper and Pearson, Biometrika 26, 1934):
// the p under which so few events happen with probability 1-confidence. For no
// events at 95 % that is about 3/trials.
func upperBound(events, trials int, confidence float64) float64 {
	if events >= trials {
		return 1
	}
	low, high := 0.0, 1.0
	for range 100 { // halves past the resolution of a float64
		mid := (low + high) / 2
		if atMost(events, trials, mid) > 1-confidence {
			low = mid
		} else {
			high = mid
		}
	}
	return high
}

// lowerBound is the limit on the other side.
func lowerBound(events, trials int, confidence float64) float64 {
	return 1 - upperBound(trials-events, trials, confidence)
}

// atMost is the binomial probability of no more than events in trials.
func atMost(events, trials int, p float64) float64 {
	if p <= 0 || events >= trials {
		return 1
	}
	return incompleteBeta(1-p, float64(trials-events), float64(events)+1)
}

// incompleteBeta is the regularised incomplete beta function I_x(a, b), by its
// continued fraction (Abramowitz and Stegun 26.5.8).
func incompleteBeta(x, a, b float64) float64 {
	switch {
	case x <= 0:
		return 0
	case x >= 1:
		return 1
	case x > (a+1)/(a+b+2): // where the fraction converges slowly
		return 1 - incompleteBeta(1-x, b, a)
	}
	ab, _ := math.Lgamma(a + b)
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	front := math.Exp(ab-la-lb+a*math.Log(x)+b*math.Log1p(-x)) / a
	const tiny, most = 1e-300, 1_000_000
	c, d := 1.0, 1/nonzero(1-(a+b)*x/(a+1), tiny) // modified Lentz
	f := d
	for m := 1.0; m < most; m++ {
		even := m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		d, c = 1/nonzero(1+even*d, tiny), nonzero(1+even/c, tiny)
		f *= c * d
		odd := -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		d, c = 1/nonzero(1+odd*d, tiny), nonzero(1+odd/c, tiny)
		f *= c * d
		if math.Abs(c*d-1) < 1e-15 {
			break
		}
	}
	return front * f
}

func nonzero(v, tiny float64) float64 {
	if math.Abs(v) < tiny {
		return tiny
	}
	return v
}

// sphereTail is the probability that a direction drawn evenly in so many dimensions
// correlates with a given one by c or more, 0 <= c <= 1.
func sphereTail(dimensions int, c float64) float64 {
	return incompleteBeta(1-c*c, float64(dimensions-1)/2, 0.5) / 2
}
