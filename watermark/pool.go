package watermark

import (
	"errors"
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/mark/code"
)

// ErrPool is returned for traces that do not belong together.
var ErrPool = errors.New("watermark: traces of different originals")

// Pool returns the evidence of several leaks of one original together, which must come
// from one [Tracer]: in the order of its copies, or nil where no leak lies on the original. What
// the leaks show is summed before it is compared with any copy, since the signs of a copy
// are the same in all of them: near-identical leaks count once, as they should, and leaks
// that are too small or too worn to be traced alone may be traced together. The error is
// [ErrPool].
func Pool(leaks []*Traced) ([]CopyTrace, error) {
	var t *Tracer
	var sums []*evidence
	for _, l := range leaks {
		if l == nil || len(l.evidence) == 0 {
			continue
		}
		if t == nil {
			t, sums = l.tracer, make([]*evidence, len(l.evidence))
			for i := range sums {
				sums[i] = l.evidence[i]
			}
			continue
		}
		if l.tracer != t {
			return nil, ErrPool
		}
		for i, e := range l.evidence {
			sums[i] = sums[i].plus(e)
		}
	}
	if t == nil {
		return nil, nil
	}
	out := &Traced{Best: -1, level: t.level, Copies: make([]CopyTrace, len(t.copies))}
	for i, s := range t.under {
		sums[i].score(s, t.copies, out.Copies)
	}
	out.conclude(t.copies)
	return out.Copies, nil
}

// plus adds the sums of two leaks of one original.
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

// plus adds coefficients of one frame.
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

// norm is the root of the sum of squares.
func (c coefficients) norm() float64 { return float64(math.Sqrt(c.square) * c.unit) }

// Together combines the evidence against different copies of one recipient, which are
// independent of each other: leaks of the same copy belong into [Pool] first. LogP is of
// this one recipient: it is to be corrected for the number of recipients that were
// looked at. Copy is zero.
func Together(copies ...CopyTrace) CopyTrace {
	var out CopyTrace
	for _, c := range copies {
		out.Score += c.Score
		out.Payload += c.Payload
		out.LogE += c.LogE
	}
	n := math.Sqrt(float64(max(len(copies), 1)))
	out.Score, out.Payload = out.Score/n, out.Payload/n
	z := math.Max(out.Score, 0)
	out.LogP = math.Min(0, math.Min(-float64(z*z)/2/math.Ln10, -out.LogE)+dsp.Ln(2)/math.Ln10)
	return out
}
