package odds

import "github.com/kycmark/kycmark/internal/dsp"

import "math"

// A claim says how many of all claimed pictures show submissions of the registry, as far as the examined files tell.
type claim struct {
	Seen     int     `json:"seen"`     // pictures that show a submission of the registry
	Examined int     `json:"examined"` // files, including files that are not leaks of the case
	Claimed  int     `json:"claimed"`  // 0: no number is claimed
	Min      int     `json:"at_least"` // lower bound of the pictures among the claimed that show submissions
	Level    float64 `json:"level"`    // confidence of Min and of Max, each by itself; 1: Min was seen, and there is no Max

	// Of a draw of ours alone. Max is the upper bound; Claimed if nothing bounds the number. Recall
	// is what Max supposes: the search finds at least this share of our pictures, 0..1. Open
	// counts the files that Max counts as ours although they were not matched. FalseMatch is what
	// Min allows: the probability, 0..1, that a picture which is not ours is matched.
	Max        int     `json:"at_most,omitempty"`
	Recall     float64 `json:"recall,omitempty"`
	Open       int     `json:"open,omitempty"`
	FalseMatch float64 `json:"false_match,omitempty"`
}

// claim extends the count of matched leaks to all claimed pictures. Both bounds need that we drew
// the files, and that files are left which were not drawn. Each is exact for sampling without
// replacement (hypergeometric; Clopper and Pearson, Biometrika 26, 1934, for the binomial), one-sided,
// at 95 %. Min is never below the leaks with a confirmed mark. Else Min is what was seen.
func (m *model) claim(matched int) claim {
	c := m.c
	out := claim{Seen: matched, Examined: max(c.Examined, c.pictures()), Claimed: c.Claimed, Min: matched, Level: 1}
	if !c.Drawn || out.Examined >= c.Claimed {
		return out
	}
	out.Level, out.Recall, out.FalseMatch, out.Open = 1-maxDoubt, 1, 0, out.Examined-c.pictures()
	sure := 0
	for i := range m.seen {
		s := &m.seen[i]
		out.FalseMatch = math.Max(out.FalseMatch, s.chance)
		switch {
		case c.Leaks[i].Beside: // the picture counts once
		case !s.matched && (s.marked || s.recall < minFound):
			out.Open++ // perhaps ours: counting it is on the safe side
		case !s.matched:
			out.Recall = math.Min(out.Recall, s.recall)
		case len(s.sure) > 0:
			sure++
		}
	}
	out.Min, out.Max = Bounds(matched, matched+out.Open, out.Examined, c.Claimed, out.Recall, out.FalseMatch)
	out.Min = max(out.Min, sure)
	out.Recall, out.FalseMatch = micro(out.Recall), micro(out.FalseMatch)
	return out
}

// Bounds returns the one-sided 95 % bounds of the number of our pictures among all claimed. n of them were drawn: seen
// were matched, and perhaps is seen and the files that could not be judged. The upper bound supposes that a picture of
// ours is found with probability recall, above 0. The lower bound allows that another picture is matched with
// probability falseMatch, below 1. seen and perhaps must be within 0..n, and n within 0..claimed.
func Bounds(seen, perhaps, n, claimed int, recall, falseMatch float64) (lower, upper int) {
	// Pictures that are not ours are found to be no match with 1 - falseMatch, and there are
	// claimed less lower of them: the same question.
	return claimed - upperBound(n-seen, n, claimed, 1-falseMatch), upperBound(perhaps, n, claimed, recall)
}

// upperBound returns an upper bound of the number of things of one kind among all: the largest that a
// draw does not reject. In the draw n things were taken, and k of that kind found. A thing of that
// kind that is drawn is found with probability r, above 0; other things never. A number is
// rejected if so few are found with a probability of at most [maxDoubt]. k must be within 0..n.
func upperBound(k, n, all int, r float64) int {
	if k >= n {
		return all
	}
	few := binomials(k, n, r)
	lo, hi := k, all // fewer than k are never seen above k
	for lo < hi {
		mid := hi - (hi-lo)/2
		if finds(few, k, n, mid, all) > maxDoubt {
			lo = mid
		} else {
			hi = mid - 1
		}
	}
	return lo
}

// binomials returns, at i, the probability that at most k of k+i things are found, each with
// probability r, for i = 0..n-k.
func binomials(k, n int, r float64) []float64 {
	out := make([]float64, n-k+1)
	at := float64(float64(k) * dsp.Ln(r)) // ln P(exactly k of x are found)
	out[0] = 1
	for i := 1; i < len(out); i++ {
		out[i] = math.Max(out[i-1]-float64(r*dsp.Exp(at)), 0) // the x-th was found, and k before it
		at += dsp.Ln(float64(k+i)/float64(i)) + dsp.Ln(1-r)
	}
	return out
}

// finds returns the probability that a draw of n of all things, good of them of a kind, finds at most k of
// that kind. few is the result of [binomials]. The terms of the hypergeometric distribution
// follow from the largest by their ratios, and are divided by their sum.
func finds(few []float64, k, n, good, all int) float64 {
	first, last := max(0, n-(all-good)), min(n, good)
	mode := min(max(int(float64(n+1)*(float64(good+1)/float64(all+2))), first), last)
	sum, below := 0.0, 0.0
	add := func(x int, w float64) {
		sum += w
		if x <= k {
			below += w
		} else {
			below += float64(w * few[x-k])
		}
	}
	ratio := func(x int) float64 { // P(x+1) / P(x)
		return float64(float64(good-x)*float64(n-x)) / float64(float64(x+1)*float64(all-good-n+x+1))
	}
	for x, w := mode, 1.0; x <= last && w > negligible; x++ {
		add(x, w)
		w *= ratio(x)
	}
	for x, w := mode, 1.0; x > first; x-- {
		if w /= ratio(x - 1); w <= negligible {
			break
		}
		add(x-1, w)
	}
	return below / sum
}
