package requant

import (
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
)

// ReadAlone returns, for each pixel of the leak, the score of what a mark added there, without the original: the
// derivative of the log-likelihood, 1/grey level. An edge-preserving filter of the given radius in pixels smooths the
// leak, and the smoothed leak takes the place of the original. The radius must reach over most of a wave of the mark.
// The errors of the prediction at the coefficients around tell how far the prediction may be off at a coefficient. A
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
