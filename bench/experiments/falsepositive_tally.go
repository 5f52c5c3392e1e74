package experiments

import (
	"math"

	"github.com/kycmark/kycmark/internal/mark/blind"
)

// The format of the mark, for predictions.
const (
	messageBits = 96
	codedBits   = 312
	pilots      = 32
)

// codeWordTail predicts how often white noise correlates with the nearest code word
// by c or more: the expected number of the 2^96 words that a random direction in 312
// dimensions comes so near to. It bounds the probability from above (union
// bound), and meets it where it is small.
func codeWordTail(c float64) float64 {
	return math.Min(1, math.Ldexp(sphereTail(codedBits, c), messageBits))
}

// agreementTail predicts how often the pilots agree by z or more somewhere on the
// torus by chance: 32 complex amplitudes are a direction in 64 dimensions, which is
// compared with the two senses, each with two signs, of 512 x 512 shifts. A union
// bound, too.
func agreementTail(z float64) float64 {
	return math.Min(1, math.Ldexp(sphereTail(2*pilots, math.Min(1, z/math.Sqrt(2*pilots))), 20))
}

// A tally adds up null trials.
type tally struct {
	trials  int
	checked int // trials in which a reader would have made a check
	checks  int
	found   int
	bits    [checkBits + 1]int // trials by the leading bits of the check that hold

	correlation, agreement histogram
}

func (t *tally) add(one blind.NullTrial) {
	t.trials++
	t.checks += one.Checks
	if one.Checks > 0 {
		t.checked++
	}
	if one.Found {
		t.found++
	}
	t.bits[one.CheckBits]++
	t.correlation.add(one.Correlation)
	if one.Agreement > 0 {
		t.agreement.add(one.Agreement)
	}
}

func (t *tally) merge(o *tally) {
	t.trials += o.trials
	t.checked += o.checked
	t.checks += o.checks
	t.found += o.found
	for k, n := range o.bits {
		t.bits[k] += n
	}
	t.correlation.merge(&o.correlation)
	t.agreement.merge(&o.agreement)
}

// A histogram counts values from 0 to 8 in steps of 2^-13.
type histogram struct {
	count []int32
	n     int
	most  float64
}

const histogramSteps = 1 << 13

func (h *histogram) add(v float64) {
	if h.count == nil {
		h.count = make([]int32, 8*histogramSteps+1)
	}
	h.count[min(max(0, int(v*histogramSteps)), len(h.count)-1)]++
	h.n++
	h.most = math.Max(h.most, v)
}

func (h *histogram) merge(o *histogram) {
	if o.count == nil {
		return
	}
	if h.count == nil {
		h.count = make([]int32, len(o.count))
	}
	for i, n := range o.count {
		h.count[i] += n
	}
	h.n += o.n
	h.most = math.Max(h.most, o.most)
}

// quantile is the value that a share of p exceeds, or not a number where that is
// fewer than one of the values.
func (h *histogram) quantile(p float64) float64 {
	left := int(p*float64(h.n) + 1e-6)
	if left < 1 {
		return math.NaN()
	}
	for i := len(h.count) - 1; i >= 0; i-- {
		if left -= int(h.count[i]); left <= 0 {
			return (float64(i) + 0.5) / histogramSteps
		}
	}
	return math.NaN()
}
