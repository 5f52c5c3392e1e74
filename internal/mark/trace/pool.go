package trace

import (
	"math"
	"slices"

	"github.com/kycmark/kycmark/internal/mark/code"
)

// Combine returns the evidence of several leaks of one original together, in the order of the
// tracer's candidates: nil if no leak lies on the original. Nil results are passed over. The signs
// of a copy are the same in all leaks, so that the leaks are summed before the sum is compared with
// any copy: near-identical leaks count once. Combine returns nil and false for results of several
// tracers.
func Combine(leaks []*Result) ([]CopyScore, bool) {
	var t *Tracer
	var sums []*evidence
	for _, l := range leaks {
		if l == nil || len(l.evidence) == 0 {
			continue
		}
		if t == nil {
			t, sums = l.tracer, slices.Clone(l.evidence)
			continue
		}
		if l.tracer != t {
			return nil, false
		}
		for i, e := range l.evidence {
			sums[i] = sums[i].plus(e)
		}
	}
	if t == nil {
		return nil, true
	}
	out := &Result{Best: -1, tracer: t, Copies: make([]CopyScore, len(t.copies))}
	for i, s := range t.under {
		sums[i].score(s, t.copies, out.Copies)
	}
	out.conclude()
	return out.Copies, true
}

// plus returns the summed evidence of two leaks of one original for one key; e and o are not
// changed. Each expected score is multiplied by its leak's norm, and their sum divided by the norm of
// the summed evidence. So it may exceed both, by up to the root of 2 for independent noise. told
// is the lower of both.
func (e *evidence) plus(o *evidence) *evidence {
	sum := &evidence{told: math.Min(e.told, o.told)}
	sum.tracer = e.tracer.plus(o.tracer)
	if n := sum.tracer.norm(); n > 0 {
		sum.expected = (float64(e.expected*e.tracer.norm()) + float64(o.expected*o.tracer.norm())) / n
	}
	square := 0.0
	for j := range sum.soft {
		sum.soft[j] = float64(e.soft[j]*e.weight) + float64(o.soft[j]*o.weight)
		square += float64(sum.soft[j] * sum.soft[j])
	}
	if sum.weight = math.Sqrt(square); sum.weight > 0 {
		for j := range sum.soft {
			sum.soft[j] /= sum.weight
		}
		sum.payload = (float64(e.payload*e.weight) + float64(o.payload*o.weight)) / sum.weight
		sum.payload = math.Min(sum.payload, math.Sqrt(code.CodedN))
	}
	return sum
}

// plus returns the sum of two sets of coefficients of one frame, in new units. A set of zeros gives
// the other one; neither is changed.
func (c coefficients) plus(o coefficients) coefficients {
	switch {
	case c.square == 0:
		return o
	case o.square == 0:
		return c
	}
	x := make([]float64, len(c.q))
	for i := range x {
		x[i] = float64(float64(c.q[i])*c.unit) + float64(float64(o.q[i])*o.unit)
	}
	return quantise(x)
}

// norm returns the root of the sum of the coefficients' squares, in their own units.
func (c coefficients) norm() float64 { return float64(math.Sqrt(c.square) * c.unit) }
