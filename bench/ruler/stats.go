package ruler

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// UpperBound returns the exact one-sided upper confidence limit of a probability after so
// many events in independent trials (Clopper and Pearson, Biometrika 26, 1934): the p at
// which as few events happen with probability 1-confidence. For no events at 95 % the
// limit is about 3/trials. Without trials it is 1.
func UpperBound(events, trials int, confidence float64) float64 {
	if events >= trials {
		return 1
	}
	return mathext.InvRegIncBeta(float64(events)+1, float64(trials-events), confidence)
}

// LowerBound returns the lower confidence limit. Without trials it is 0.
func LowerBound(events, trials int, confidence float64) float64 {
	return 1 - UpperBound(trials-events, trials, confidence)
}

// Wilson returns the two-sided 95 % interval of a probability after so many events in
// trials (Wilson, JASA 22, 1927). Without trials it is 0 to 1.
func Wilson(events, trials int) (low, high float64) {
	if trials == 0 {
		return 0, 1
	}
	const z = 1.959963984540054
	n, p := float64(trials), float64(events)/float64(trials)
	mid := (p + z*z/(2*n)) / (1 + z*z/n)
	half := z / (1 + z*z/n) * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	return max(0, mid-half), min(1, mid+half)
}

// SphereTail returns the probability that a direction drawn evenly in so many dimensions
// correlates with a given direction by c or more, 0 <= c <= 1.
func SphereTail(dimensions int, c float64) float64 {
	return mathext.RegIncBeta(float64(dimensions-1)/2, 0.5, 1-c*c) / 2
}
