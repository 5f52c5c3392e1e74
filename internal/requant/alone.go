package requant

import (
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
)

// ReadAlone estimates without the original what a mark added to each pixel of the leak. It returns scores: the
// derivative of the log-likelihood by that addition, 1/grey level. An edge-preserving filter of the given radius in pixels smooths the
// leak, and the smoothed leak predicts the coefficients in place of the original. The radius must reach over most of a wave of the mark.
// How far a prediction may be off is taken from the errors at the coefficients around. A
// coefficient rounded as predicted tells next to nothing; the difference of the two pictures would say that nothing was
// added. A coefficient rounded otherwise tells more the better its neighbours are predicted.
func (l *Leak) ReadAlone(radius int) dsp.Plane {
	l.decode()
	a := alone{Leak: l, cosines: newCosines(), logistic: newLogistic()}
	a.w, a.h = l.blocks()
	a.predict(dsp.Bilateral(l.luma, radius, smoothed, float64(smoothSpan*float64(radius))))
	out := dsp.NewPlane(l.luma.W, l.luma.H)
	dsp.Parallel(a.h, func(from, to int) {
		for i := from * a.w; i < to*a.w; i++ {
			s := a.scored(i)
			a.cosines.inverse(&s)
			s.store(out, i%a.w, i/a.w)
		}
	})
	return out
}

// MeanStep returns the mean of the known steps, in grey levels, of the frequencies from low
// to high, in cycles a pixel. It returns 0 if no step of these frequencies is known.
func (l *Leak) MeanStep(low, high float64) float64 {
	low, high = float64(low*(2*side)), float64(high*(2*side))
	sum, n := 0.0, 0
	for k, q := range l.Table {
		u, v := float64(k%side), float64(k/side)
		if f := math.Sqrt(float64(u*u) + float64(v*v)); q > 0 && f >= low && f <= high {
			sum, n = sum+float64(q), n+1
		}
	}
	return sum / float64(max(n, 1))
}

// alone is the state of a reading without an original.
type alone struct {
	*Leak
	cosines   cosines
	logistic  *logistic
	w, h      int     // blocks
	predicted []block // predicted coefficients, less the middle of the interval seen in the leak
	off       []block // grey levels by which predictions are off beyond what rounding explains
}

// predict fills predicted and off from original, the plane that takes the original's place.
func (a *alone) predict(original dsp.Plane) {
	a.predicted, a.off = make([]block, a.w*a.h), make([]block, a.w*a.h)
	dsp.Parallel(a.h, func(from, to int) {
		for i := from * a.w; i < to*a.w; i++ {
			p, off := &a.predicted[i], &a.off[i]
			*p = a.cosines.of(original, i%a.w, i/a.w)
			seen := a.cosines.of(a.luma, i%a.w, i/a.w)
			for k, q := range a.Table {
				if q > 0 {
					p[k] -= float32(q * nearest(seen[k]/q))
					off[k] = max(0, max(p[k], -p[k])-float32(slack*q))
				}
			}
		}
	})
}

// scored returns the scores of the coefficients of block i, in 1/grey level; 0 for frequencies of unknown step.
func (a *alone) scored(i int) (s block) {
	blocks, own := a.aroundBlock(i), besides(&a.off[i])
	for k, q := range a.Table {
		if q == 0 {
			continue
		}
		scale := float32(around*blocks[k]) + float32(beside*own[k]) + float32(minOff*q)
		half, x := q/(2*scale), a.predicted[i][k]/scale
		s[k] = a.logistic.score(-half-x, half-x) / scale
	}
	return s
}

// aroundBlock returns, for each frequency, the weighted mean of off over the up to eight blocks
// around block i, without block i. It is 0 for a single block.
func (a *alone) aroundBlock(i int) (mean block) {
	var weights float32
	bx, by := i%a.w, i/a.w
	for y := max(by-1, 0); y <= min(by+1, a.h-1); y++ {
		for x := max(bx-1, 0); x <= min(bx+1, a.w-1); x++ {
			w := float32(1)
			switch {
			case x == bx && y == by:
				continue
			case x != bx && y != by:
				w = diagonal
			}
			weights += w
			for k, v := range a.off[y*a.w+x] {
				mean[k] += float32(w * v)
			}
		}
	}
	if weights > 0 {
		for k := range mean {
			mean[k] /= weights
		}
	}
	return mean
}

// besides returns, for each frequency, the mean of off over its neighbouring frequencies.
// The frequency itself and the lowest one do not count.
func besides(off *block) (mean block) {
	for k := range mean {
		u, v, n := k%side, k/side, float32(0)
		for y := max(v-1, 0); y <= min(v+1, side-1); y++ {
			for x := max(u-1, 0); x <= min(u+1, side-1); x++ {
				if at := y*side + x; at != k && at > 0 {
					mean[k] += off[at]
					n++
				}
			}
		}
		mean[k] /= n
	}
	return mean
}

// A logistic is a table of the distribution function F(t) = 1/(1 + exp(-t)). It models the difference between a
// predicted coefficient and the coefficient before rounding. With this distribution the score of an interval is a sum
// of two values, and bounded. So a single wrong coefficient does not outweigh all others.
type logistic [2*logisticEnd*logisticFine + 1]float32

const (
	logisticEnd   = 16
	logisticFine  = 32                 // steps a unit
	logisticReach = 8                  // where hardly anything is left of the distribution
	tauOfSigma    = 0.5513288954217921 // sqrt(3)/pi: scale of unit deviation
)

// newLogistic computes the table of F, the same on every machine.
func newLogistic() *logistic {
	var l logistic
	for i := range l {
		t := float64(i)/logisticFine - logisticEnd
		l[i] = float32(1 / (1 + dsp.Exp(-t)))
	}
	return &l
}

// at returns F(t), interpolated; 0 and 1 beyond the table's ends.
func (l *logistic) at(t float32) float32 {
	if !(t > -logisticEnd) {
		return 0
	}
	if t >= logisticEnd {
		return 1
	}
	p := float32((t + logisticEnd) * logisticFine)
	i := min(int(p), len(l)-2) // p may have been rounded up
	return l[i] + float32((p-float32(i))*(l[i+1]-l[i]))
}

// score returns the derivative by x, at 0, of ln P(x). P(x) is the probability that x plus logistic noise of unit scale
// lies between a and b. With the density f = F(1 - F), the derivative is
//
//	(f(a) - f(b)) / (F(b) - F(a)) = F(a) + F(b) - 1,
//
// nearly 0 if 0 lies far inside the interval, and between -1 and 1.
func (l *logistic) score(a, b float32) float32 { return l.at(a) + l.at(b) - 1 }

// information returns the Fisher information on x, in 1/scale² of the noise, if x is seen rounded to a multiple of step:
// the mean square of its score over all intervals. The mean score grows with x at this rate (Fisher,
// 1925). x and step are in units of the scale. For a step below 1 it returns the value without rounding.
func (l *logistic) information(x, step float32) float32 {
	if step < 1 {
		return 1.0 / 3 // as if not rounded at all
	}
	n := int(math.Ceil(float64(logisticReach / step)))
	k := int(nearest(x / step))
	var sum, below float32
	for j := k - n; j <= k+n; j++ {
		above := l.at(float32((float32(j)+0.5)*step) - x)
		s := below + above - 1
		sum += float32(float32(s*s) * (above - below))
		below = above
	}
	return sum + float32(float32(below*below)*(1-below))
}
