package verify

import "math"

// The arithmetic of likelihood ratios, all of it, as pure functions. Logarithms
// are to base 10. The model is the first form of the project's verdict model: what
// it leaves out it leaves at a ratio of 1, never at one that would accuse.
//
//   - Evidence for a recipient are confirmed copies only: blind reads of copies
//     issued to that recipient on pictures that show those copies' submissions.
//     Leaks of one submission, and of one subject, count once: they stand or fall
//     together.
//   - The absence of a mark is no evidence here: how likely a mark would have been
//     seen is not measured yet.
//   - Custody is no evidence here: it is listed in words (see rangeCap for why).
//   - Which of all who could have had those copies handed them on is not a
//     question that marks answer: the recipient, its sub-processors, somebody who
//     took them from it, the issuer. These stay at a ratio of 1 among each other.

// logChoose is the logarithm of n over k: the sum of log10((n-k+i)/i) for i of
// 1..k, smallest k first. math.Lgamma is not used: its polynomials may be fused
// multiply-adds on some CPUs.
func logChoose(n, k int) float64 {
	if k < 0 || k > n {
		return math.Inf(-1)
	}
	k = min(k, n-k)
	sum := 0.0
	for i := 1; i <= k; i++ {
		sum += math.Log10(float64(n-k+i) / float64(i))
	}
	return sum
}

// micro rounds a stated logarithm to 1e-6. The standard library's logarithms may
// differ in their last bit between CPUs (some are assembly, some fused): what is
// compared and printed is rounded here, and then differs only where it lay within
// such a difference of the middle between two steps.
func micro(x float64) float64 { return math.Round(x*1e6) / 1e6 }

// familyWise is the logarithm of an upper bound for the probability that, in a
// dump of that many leaks without any mark, reads by chance confirm copies of at
// least n clusters for at least one of that many recipients, where one leak reads
// by chance with probability 10^logP at most: the union bound over all choices of
// n leaks and over the recipients (Bonferroni; leaks independent given that they
// carry no mark, for each reading is a search under a fixed key in a picture of
// its own). It is at most 0.
func familyWise(n, leaks, recipients int, logP float64) float64 {
	if n <= 0 {
		return 0
	}
	bound := logChoose(max(leaks, n), n) + float64(float64(n)*logP) + math.Log10(float64(max(recipients, 1)))
	return math.Min(0, bound)
}

// validationCap is the greatest log10 likelihood ratio that may be stated after
// trials independent trials without a false identification: the inverse of the
// 95 % upper confidence bound 3/n of the error rate (rule of three; Hanley and
// Lippman-Hand, JAMA 249, 1983: 1 - 0.05^(1/n) is at most 3/n).
func validationCap(trials int) float64 {
	if trials <= 3 {
		return 0
	}
	return micro(math.Log10(float64(trials) / 3))
}

// recipientOdds is the log10 likelihood ratio for a recipient's copies being among
// the sources of a dump, against the strongest explanation without them, and
// whether it is the cap. If those copies are a source their marks are read with a
// probability near 1, else only by chance: the inverse of familyWise, capped, to
// the nearest 1e-6.
func recipientOdds(n, leaks, recipients int, logP float64, trials int) (logLR float64, capped bool) {
	lr := max(0, micro(-familyWise(n, leaks, recipients, logP)))
	if most := validationCap(trials); lr > most {
		return most, true
	}
	return lr, false
}

// rangeCap is the greatest likelihood ratio that unmarked pictures, however many,
// can earn for a holder of exactly one of the registry's months, against a thief
// who took, as likely as scattered pictures, one contiguous range of the m months
// (all m(m+1)/2 ranges alike): the thief hits that month with probability
// 1/2 x 2/(m(m+1)). The random draw of single pictures, which would give numbers
// like 10^-566, is a straw man: thieves take a table, a bucket, a month.
func rangeCap(months int) float64 {
	m := float64(max(months, 1))
	return float64(m * (m + 1))
}

// A level of the verbal scale: from this log10 likelihood ratio on.
type level struct {
	from  float64
	words string
}

// verbal is the scale of the ENFSI Guideline for Evaluative Reporting in Forensic
// Science (2015), section 2.4 and table on page 17.
var verbal = []level{
	{6, "extremely strong support"},
	{4, "very strong support"},
	{3, "strong support"},
	{2, "moderately strong support"},
	{1, "moderate support"},
	{math.Log10(2), "weak support"},
}

// words is the verbal equivalent of a log10 likelihood ratio.
func words(logLR float64) string {
	for _, l := range verbal {
		if logLR >= l.from {
			return l.words
		}
		if -logLR >= l.from {
			return l.words + " for the alternative"
		}
	}
	return "no support either way"
}
