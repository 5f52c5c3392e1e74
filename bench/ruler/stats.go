package ruler

import "gonum.org/v1/gonum/mathext"

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

// SphereTail returns the probability that a direction drawn evenly in so many dimensions
// correlates with a given direction by c or more, 0 <= c <= 1.
func SphereTail(dimensions int, c float64) float64 {
	return mathext.RegIncBeta(float64(dimensions-1)/2, 0.5, 1-c*c) / 2
}
