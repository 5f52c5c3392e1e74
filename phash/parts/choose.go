package parts

import (
	"cmp"
	"math"
	"math/bits"
	"slices"

	"github.com/kycmark/kycmark/internal/dsp"
)

// choose returns up to n of the features of a w x h picture, spread over the picture and its scales. Each class of octaves
// first gets its part of n (see shares), the finest class first. Then the classes take turns until n features are chosen.
// Within a class the strongest features come first. choose lowers the peaks of features in all, but leaves their order.
func choose(all []*found, w, h, n int) []*found {
	repeated(all)
	var classes [len(shares)][]*found
	for _, f := range all {
		c := min(f.octave, len(shares)-1)
		classes[c] = append(classes[c], f)
	}
	for i := range classes {
		spread(classes[i], w, h)
	}
	n = min(n, len(all))
	out, taken := make([]*found, 0, n), [len(shares)]int{}
	for i, s := range shares {
		taken[i] = min(int(s*float64(n)), len(classes[i]))
		out = append(out, classes[i][:taken[i]]...)
	}
	for i := 0; len(out) < n; i = (i + 1) % len(shares) {
		if taken[i] < len(classes[i]) {
			out = append(out, classes[i][taken[i]])
			taken[i]++
		}
	}
	return out
}

// repeated divides by 4 the peaks of features that look like another feature elsewhere. Two features look alike if up
// to alike signs differ. They lie elsewhere if they are more than apart pixels away along an axis.
func repeated(all []*found) {
	again := make([]bool, len(all))
	for i := range all {
		a := all[i]
		for k := i + 1; k < len(all); k++ {
			b := all[k]
			if a.distance(&b.descriptor) > alike {
				continue
			}
			if dx, dy := a.x-b.x, a.y-b.y; max(dx, -dx) > apart || max(dy, -dy) > apart {
				again[i], again[k] = true, true
			}
		}
	}
	for i, r := range again {
		if r {
			all[i].peak /= 4
		}
	}
}

func (d *descriptor) distance(o *descriptor) int {
	return bits.OnesCount64(d[0]^o[0]) + bits.OnesCount64(d[1]^o[1])
}

// spread sorts the features of a w x h picture by falling peak. Before, it divides each peak by the
// cube of the feature's rank in its cell of a grid, 1 for the strongest. So a small crop is left
// with some features, and a wall does not get as many as a face.
func spread(all []*found, w, h int) {
	slices.SortStableFunc(all, func(a, b *found) int { return cmp.Compare(b.peak, a.peak) })
	var count [gridX * gridY]int
	for i := range all {
		c := min(int(all[i].y)*gridY/h, gridY-1)*gridX + min(int(all[i].x)*gridX/w, gridX-1)
		count[c]++
		all[i].peak /= float32(count[c] * count[c] * count[c])
	}
	slices.SortStableFunc(all, func(a, b *found) int { return cmp.Compare(b.peak, a.peak) })
}

// chance[d] is the share of features of other pictures that lie within d bits of a feature.
var chance = func() (c [64*words + 1]float64) {
	for d := range c {
		c[d] = math.Min(1, dsp.Exp(float64(math.Ln10*(float64(float64(d-44)*chanceSlope)-3))))
	}
	return c
}()

// logTail returns log10 of the chance of k or more successes among n trials of probability p each. It returns 0
// (certain) if k is 0 or less, or if p is 1 or more. It returns -Inf (impossible) if k exceeds n, or if p is 0 or less.
func logTail(n, k int, p float64) float64 {
	if k <= 0 {
		return 0
	}
	if k > n || p <= 0 {
		return math.Inf(-1)
	}
	if p >= 1 {
		return 0
	}
	first := logChoose(n, k) + float64(float64(k)*dsp.Ln(p)) + float64(float64(n-k)*dsp.Ln(1-p))
	odds, term, sum := p/(1-p), 1.0, 1.0 // in parts of exp(first)
	for i := k; i < n && term > 1e-12*sum; i++ {
		term = float64(term * (float64(n-i) / float64(i+1) * odds))
		sum += term
	}
	return math.Min(0, (first+dsp.Ln(sum))/math.Ln10)
}

// logChoose is the natural logarithm of the number of ways to choose k of n.
func logChoose(n, k int) float64 {
	sum := 0.0
	for i := 1; i <= min(k, n-k); i++ {
		sum += dsp.Ln(float64(n-i+1)) - dsp.Ln(float64(i))
	}
	return sum
}

// log10 returns the decimal logarithm of v, by operations that are the same on every machine.
func log10(v float64) float64 { return dsp.Ln(v) / math.Ln10 }
