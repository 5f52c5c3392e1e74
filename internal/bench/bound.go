package bench

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

// atMost is the binomial probability of no more than events in trials.
func atMost(events, trials int, p float64) float64 {
	if p <= 0 {
		return 1
	}
	if p >= 1 {
		return 0
	}
	n := float64(trials)
	all, _ := math.Lgamma(n + 1)
	sum := 0.0
	for k := 0.0; k <= float64(events); k++ {
		a, _ := math.Lgamma(k + 1)
		b, _ := math.Lgamma(n - k + 1)
		sum += math.Exp(all - a - b + k*math.Log(p) + (n-k)*math.Log1p(-p))
	}
	return sum
}
