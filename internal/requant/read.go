package requant

import (
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
)

// A Reading is what the rounding of a leak's coefficients tells about the mark that was
// added to its original. Both planes have the leak's size.
type Reading struct {
	Score    dsp.Plane // derivative of the log-likelihood by each pixel of what was added, 1/grey level
	Response dsp.Plane // what the given mark adds to the score on average
}

// Read compares the leak with its original, a luma plane of the same size, 0..255. mark is an example of the marks that
// may have been added, in grey levels. strength is the factor by which the added mark may be stronger than the example.
// Read reports false if the leak does not show the original, or if its steps are not coarse beside such a mark.
func (l *Leak) Read(original, mark dsp.Plane, strength float64) (*Reading, bool) {
	r := l.reader(original, mark, strength)
	r.errors()
	if steps, wrong := r.fitness(); steps < minSteps || wrong > maxWrong {
		return nil, false
	}
	return r.read()
}

// A reader is the state of a reading.
type reader struct {
	*Leak
	original, mark dsp.Plane
	cosines        cosines
	logistic       *logistic
	w, h           int        // blocks
	power          dsp.Plane  // squares of the mark's coefficients, the sum of each block, smoothed
	share          block      // share of each frequency in that sum
	places         []int      // frequencies that are read
	cut            [2]float32 // mean of the mark where white and black cut it
	spread         block      // deviation of what is wrong with predictions, by frequency
}

// reader returns the state of a reading in which the mark is measured.
func (l *Leak) reader(original, mark dsp.Plane, strength float64) *reader {
	l.decode()
	r := &reader{Leak: l, original: original, mark: mark, cosines: newCosines(), logistic: newLogistic()}
	r.w, r.h = l.blocks()
	r.strengths(float32(strength * strength))
	return r
}

// strengths measures the mark: its power around each block, the share of each frequency,
// and its mean over pixels that are nearly white or black. gain is a factor on the power.
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

// whereCut returns the mean of the mark over the nearly white pixels of the original, and over the nearly black.
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

// predicted returns the coefficients of block i of the original. Nearly white and nearly
// black pixels first get the mean of the mark there, because clipping cuts the mark.
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

// seen returns the coefficients of block i of the leak in whole steps. If pixels of the block are clipped, seen fills
// these pixels in so that they agree with the others. It starts from x, the coefficients of the original.
func (r *reader) seen(i int, x *block) block {
	bx, by := i%r.w, i/r.w
	if !r.clips(bx, by) {
		b := r.cosines.of(r.luma, bx, by)
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

// inSteps returns the coefficients x in whole steps, 0 for frequencies of unknown step.
func (r *reader) inSteps(x *block) (k block) {
	for i, q := range r.Table {
		if q > 0 {
			k[i] = nearest(x[i] / q)
		}
	}
	return k
}

// fill replaces the clipped pixels of b, block (bx, by) of the leak, by pixels decoded from k, coefficients in steps.
func (r *reader) fill(b *block, k block, bx, by int) {
	for i, q := range r.Table {
		k[i] *= q
	}
	k[0] += middle
	r.cosines.inverse(&k)
	for i := range b {
		if x, y := min(bx*side+i%side, r.luma.W-1), min(by*side+i/side, r.luma.H-1); r.clipped[y*r.luma.W+x] {
			b[i] = k[i]
		}
	}
}

// scored returns the score of frequency k of block i, its information, and the scale in grey levels of the difference
// between prediction and leak. x is the predicted coefficient, n the number of steps in the leak. spread is the
// deviation of predictions, in grey levels. Score and information are in units of the scale.
func (r *reader) scored(i, k int, x, n, spread float32) (score, information, scale float32) {
	sigma := math.Sqrt(float64(float32(r.power.Pix[i]*r.share[k]) + float32(spread*spread)))
	scale = float32(tauOfSigma * sigma)
	x, step := x/scale, r.Table[k]/scale
	score = r.logistic.score(float32((n-0.5)*step)-x, float32((n+0.5)*step)-x)
	return score, r.logistic.information(x, step), scale
}

// errors sets spread: for each frequency the smallest error of predictions that explains scores as
// large as the leak's, or the last of spreads. It measures a sample of about maxSampled blocks.
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

// fitness returns how coarse the steps are and how wrong predictions are, both as means over the mark's energy. steps
// is in deviations of the difference between prediction and leak, wrong in grey levels. If steps are fine, rounding is
// like noise, and the difference of the pictures tells as much as the score.
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

// read returns the scores and responses of all blocks. It reports false if too few blocks show the original, or if
// scores are much larger than predicted. The response is scaled by how large scores are beside what was predicted.
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

// block writes the score and the response of block i to out. It returns the sum of the squared scores, and the sum that
// is predicted. If the block shows something else than the original, block writes nothing and returns 0 and -1.
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
