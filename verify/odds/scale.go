package odds

import (
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
)

// ln is the natural logarithm of x >= 0, the same on every processor.
func ln(x float64) float64 {
	if x <= 0 {
		return math.Inf(-1)
	}
	return dsp.Ln(x)
}

// log10 takes a natural logarithm to base 10, as a whole multiple of 1e-6.
func log10(ln float64) float64 { return micro(ln / math.Ln10) }

func micro(x float64) float64 { return math.Round(float64(x*1e6)) / 1e6 }

// Cap is the greatest log10 likelihood ratio that may be stated after trials independent
// trials without a false identification: the inverse of the 95 % upper confidence
// bound 3/n of the rate of errors (rule of three; Hanley and Lippman-Hand, JAMA
// 249, 1983: 1 - 0.05^(1/n) is at most 3/n).
func Cap(trials int) float64 {
	if trials <= 3 {
		return 0
	}
	return log10(ln(float64(trials) / 3))
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
	{0.30102999566398120, "weak support"}, // log10 2
}

// Words is the verbal equivalent of a log10 likelihood ratio.
func Words(logLR float64) string {
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

// LnE turns the log10 of a p-value, corrected for its search, into the natural logarithm of
// an e-value: e = (1 - p + p ln p) / (p ln^2 p), the mean of the calibrators k p^(k-1) over k in
// 0..1 (Vovk and Wang, Annals of Statistics 49, 2021, section 2). For a blind read that has no e-value
// of its own. It never exceeds 1/p.
func LnE(log10P float64) float64 {
	x := float64(log10P * math.Ln10) // ln p
	if !(x < -1e-3) {
		return ln(0.5)
	}
	x = math.Max(x, -700)
	p := dsp.Exp(x)
	return ln(1-p+float64(p*x)) - x - float64(2*ln(-x))
}

// A Claim is how far what was examined speaks for all pictures that somebody claims.
type Claim struct {
	Seen    int     `json:"seen"`    // leaks that show a submission of the registry
	Claimed int     `json:"claimed"` // 0: nobody claims a number
	AtLeast int     `json:"at_least"`
	Level   float64 `json:"level"` // confidence of AtLeast; 1: it was seen
}

// claim extends what was seen to all that is claimed where we drew the sample, by the exact
// bound for sampling without replacement (hypergeometric, as Clopper and Pearson,
// Biometrika 26, 1934, for the binomial): the least number from which a draw
// would show so many with a probability above 5 %. Of somebody else's selection nothing
// follows but what is in it.
func claim(seen, examined, claimed int, drawn bool) Claim {
	out := Claim{Seen: seen, Claimed: claimed, AtLeast: seen, Level: 1}
	if !drawn || claimed == 0 || seen == 0 || examined == claimed {
		return out
	}
	lo, hi := seen, claimed-(examined-seen) // the bound lies in lo..hi
	for lo < hi {
		mid := lo + (hi-lo)/2
		if tail(seen, examined, mid, claimed) > 0.05 {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	out.AtLeast, out.Level = lo, 0.95
	return out
}

// tail is the probability that a draw of n of all, good of which are ours, shows at
// least k of ours.
func tail(k, n, good, all int) float64 {
	var s sum
	for i := k; i <= min(n, good); i++ {
		if n-i > all-good {
			continue
		}
		s.add(lnChoose(good, i) + lnChoose(all-good, n-i) - lnChoose(all, n))
	}
	if !s.any {
		return 0
	}
	return dsp.Exp(s.ln())
}

// lnChoose is the logarithm of n over k by Stirling's series (Abramowitz and
// Stegun 6.1.41), whose error from 16 on is below 1e-11.
func lnChoose(n, k int) float64 {
	return lnFactorial(n) - lnFactorial(k) - lnFactorial(n-k)
}

func lnFactorial(n int) float64 {
	if n < 16 {
		f := 1.0
		for i := 2; i <= n; i++ {
			f *= float64(i)
		}
		return dsp.Ln(f)
	}
	x := float64(n)
	y := 1 / float64(x*x)
	series := (1 - float64(y*(1-float64(y*(2.0/7)))/30)) / float64(12*x)
	return float64((x+0.5)*dsp.Ln(x)) - x + 0.9189385332046727 + series
}
