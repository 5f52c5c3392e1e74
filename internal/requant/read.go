package requant

import (
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
)

// A Reading is what the rounding of a leak's coefficients tells of what was added to its
// original. Both planes are of the leak's size.
type Reading struct {
	Score    dsp.Plane // derivative of the log-likelihood by each pixel of what was added, 1/grey level
	Response dsp.Plane // what the mark that was asked about adds to the score in the mean
}

// Read compares the leak with its original, luma of the same size, 0..255. The mark is
// one like those that may have been added to the original, in grey levels, and strength by
// how much they may have been stronger. Read reports false where the leak is not the
// original from a JPEG file whose steps are coarse beside such a mark.
func (l *Leak) Read(original, mark dsp.Plane, strength float64) (*Reading, bool) {
	r := reader{Leak: l, original: original, mark: mark, cosines: newCosines(), logistic: newLogistic()}
	r.w, r.h = (l.luma.W+side-1)/side, (l.luma.H+side-1)/side
	r.strengths(float32(strength * strength))
	r.errors()
	if steps, wrong := r.fitness(); steps < minSteps || wrong > maxWrong {
		return nil, false
	}
	return r.read()
}

// A reader is a reading under way.
type reader struct {
	*Leak
	original, mark dsp.Plane
	cosines        cosines
	logistic       *logistic
	w, h           int        // blocks
	power          dsp.Plane  // of a mark around each block, the sum over its coefficients
	share          block      // of that, by frequency
	places         []int      // frequencies that are read
	cut            [2]float32 // mean of the mark where white and black cut it
	spread         block      // deviation of what is wrong with predictions, by frequency
}

// strengths measures the mark: its power around each block and by frequency, and its mean
// where white and black cut it.
func (r *reader) strengths(gain float32) {
	r.power = dsp.NewPlane(r.w, r.h)
	var by [side * side]float64
	for i := range r.power.Pix {
		b := r.transformed(r.mark, i)
		var sum float32
		for k, v := range b {
			v = float32(v * v)
			by[k] += float64(v)
			sum += v
		}
		r.power.Pix[i] = float32(sum * gain)
	}
	r.power = dsp.Gauss(r.power, 1)
	all := 1e-9
	for _, v := range by {
		all += v
	}
	for k, v := range by {
		r.share[k] = float32(v / all)
		if r.share[k] >= minShare && r.Table[k] > 0 {
			r.places = append(r.places, k)
		}
	}
	r.cut = r.whereCut()
}

func (r *reader) whereCut() (mean [2]float32) {
	var sum, n [2]float64
	for i, v := range r.original.Pix {
		switch {
		case v > nearWhite:
			sum[0], n[0] = sum[0]+float64(r.mark.Pix[i]), n[0]+1
		case v < nearBlack:
			sum[1], n[1] = sum[1]+float64(r.mark.Pix[i]), n[1]+1
		}
	}
	for i := range mean {
		mean[i] = float32(sum[i] / math.Max(n[i], 1))
	}
	return mean
}

func (r *reader) transformed(p dsp.Plane, i int) (b block) {
	b.load(p, i%r.w, i/r.w)
	r.cosines.forward(&b)
	return b
}

// predicted are the coefficients of block i of the original, with what a mark has in the
// mean where it is cut.
func (r *reader) predicted(i int) (b block) {
	b.load(r.original, i%r.w, i/r.w)
	for k, v := range b {
		switch {
		case v > nearWhite:
			b[k] += r.cut[0]
		case v < nearBlack:
			b[k] += r.cut[1]
		}
	}
	r.cosines.forward(&b)
	b[0] -= middle
	return b
}

// seen are the coefficients of block i of the leak in steps, whole numbers. Where pixels
// were clipped, what was rounded is what agrees with the others, starting from the rounded
// original x.
func (r *reader) seen(i int, x *block) block {
	bx, by := i%r.w, i/r.w
	if !r.clips(bx, by) {
		b := r.transformed(r.luma, i)
		b[0] -= middle
		return r.inSteps(&b)
	}
	k := r.inSteps(x)
	for range clippedRounds {
		var b block
		b.load(r.luma, bx, by)
		r.fill(&b, k, bx, by)
		r.cosines.forward(&b)
		b[0] -= middle
		k = r.inSteps(&b)
	}
	return k
}

// inSteps are coefficients in whole steps.
func (r *reader) inSteps(x *block) (k block) {
	for i, q := range r.Table {
		if q > 0 {
			k[i] = nearest(x[i] / q)
		}
	}
	return k
}

// fill puts pixels of a file with the given steps where those of b are clipped.
func (r *reader) fill(b *block, k block, bx, by int) {
	for i, q := range r.Table {
		k[i] *= q
	}
	k[0] += middle
	r.cosines.inverse(&k)
	for i := range b {
		x, y := min(bx*side+i%side, r.luma.W-1), min(by*side+i/side, r.luma.H-1)
		if r.clipped[y*r.luma.W+x] {
			b[i] = k[i]
		}
	}
}

// scored returns the score of frequency k of block i, and its information, both in units
// of the scale of what lies between x and what was rounded to n steps.
func (r *reader) scored(i, k int, x, n, spread float32) (score, information, scale float32) {
	sigma := math.Sqrt(float64(float32(r.power.Pix[i]*r.share[k]) + float32(spread*spread)))
	scale = float32(tauOfSigma * sigma)
	x, step := x/scale, r.Table[k]/scale
	score = r.logistic.score(float32((n-0.5)*step)-x, float32((n+0.5)*step)-x)
	return score, r.logistic.information(x, step), scale
}

// errors finds for each frequency by how much predictions must be wrong for scores to be
// no larger than they should be.
func (r *reader) errors() {
	step := max(1, r.w*r.h/maxSampled)
	var at []int
	var x, seen []block
	for i := step / 2; i < r.w*r.h; i += step {
		b := r.predicted(i)
		at, x, seen = append(at, i), append(x, b), append(seen, r.seen(i, &b))
	}
	dsp.Parallel(len(r.places), func(from, to int) {
		for _, k := range r.places[from:to] {
			for _, r.spread[k] = range spreads {
				var have, want float64
				for j, i := range at {
					s, info, _ := r.scored(i, k, x[j][k], seen[j][k], r.spread[k])
					have, want = have+float64(s*s), want+float64(info)
				}
				if have <= want {
					break
				}
			}
		}
	})
}

// fitness is how coarse steps are, in deviations of what lies between prediction and leak,
// and by how much predictions are wrong, both the mean over a mark's energy. Where steps
// are fine, rounding is like noise, and differences tell as much.
func (r *reader) fitness() (steps, wrong float64) {
	power := 0.0
	for _, p := range r.power.Pix {
		power += float64(p)
	}
	power /= float64(len(r.power.Pix))
	for _, k := range r.places {
		share, spread := float64(r.share[k]), float64(r.spread[k])
		steps += float64(share*float64(r.Table[k])) / math.Sqrt(float64(power*share)+float64(spread*spread))
		wrong += float64(share * spread)
	}
	return steps, wrong
}

// read scores all blocks.
func (r *reader) read() (*Reading, bool) {
	out := &Reading{dsp.NewPlane(r.luma.W, r.luma.H), dsp.NewPlane(r.luma.W, r.luma.H)}
	have, want := make([]float32, r.w*r.h), make([]float32, r.w*r.h)
	dsp.Parallel(r.w*r.h, func(from, to int) {
		for i := from; i < to; i++ {
			have[i], want[i] = r.block(out, i)
		}
	})
	kept, sum, predicted := 0, 0.0, 1e-9
	for i, w := range want {
		if w >= 0 {
			kept++
			sum, predicted = sum+float64(have[i]), predicted+float64(w)
		}
	}
	ratio := sum / predicted
	out.Response.Scale(float32(math.Max(ratio, minRatio)))
	return out, float64(kept) >= float64(minKept*float64(r.w*r.h)) && ratio <= maxRatio
}

// block scores block i and returns the sums of its squared scores and of what is predicted
// for them, which is below 0 where it shows something else.
func (r *reader) block(out *Reading, i int) (have, want float32) {
	x, mark := r.predicted(i), r.transformed(r.mark, i)
	seen := r.seen(i, &x)
	var score, response block
	for _, k := range r.places {
		s, info, scale := r.scored(i, k, x[k], seen[k], r.spread[k])
		score[k] = s / scale
		response[k] = float32(mark[k]*info) / float32(scale*scale)
		have, want = have+float32(s*s), want+info
	}
	if have > float32(unlike*want)+unlikeBase {
		return 0, -1
	}
	r.cosines.inverse(&score)
	r.cosines.inverse(&response)
	score.store(out.Score, i%r.w, i/r.w)
	response.store(out.Response, i%r.w, i/r.w)
	return have, want
}
