package photometry

import (
	"errors"
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
)

// ErrNothing is returned where hardly any pixel of a leak shows the original.
var ErrNothing = errors.New("photometry: nothing of the original is seen")

// A Fit is a leak less its prediction. All planes are of the leak's size.
type Fit struct {
	Residual             dsp.Plane // grey levels, 0 where Weight is
	Variance             dsp.Plane // of the residual around each pixel
	Weight               dsp.Plane // 1 where the leak shows the original, 0 elsewhere
	Slope                dsp.Plane // of the tone curve: the gain of what was added to the original
	Base, Seen           dsp.Plane // the original's detail through the tone curve, and the leak's
	FaintBase, FaintSeen dsp.Plane // finer detail, evened out so that what is as faint as a mark counts, not edges
	Power                dsp.Plane // of the original's finer detail around each pixel
	Inside               dsp.Plane // 1 where a pixel lies on the original at all
	Covered              dsp.Plane // 1 where the original has detail that the leak does not follow
	Off                  dsp.Plane // 1 where the leak's level is far from what is predicted
	Blur                 float64   // standard deviation that fits best, pixels of the leak
	RMS                  float64   // of the residual, grey levels
	Correlation          float64   // of the leak's detail with the original's, over what is textured: 0..1

	Predicted dsp.Plane // the leak as the original, blur and tone curve have it
	shown     dsp.Plane // detail of the leak
	local     *locality
}

// Parameters, in pixels of the leak and grey levels.
const (
	window      = 15  // of local correlation
	textured    = 60  // least variance of the original's detail that says something
	follows     = 0.6 // local correlation from which on a pixel is trusted
	strays      = 0.35
	leastPixels = 200
)

var blurs = [...]float64{0, 0.6, 0.9, 1.3, 1.8, 2.5, 3.5, 5}

// Fit predicts the leak of v and subtracts. The error is [ErrNothing].
func (s *Source) Fit(v *View) (*Fit, error) {
	base, in := s.at(v)
	f := &Fit{Inside: dsp.Erode(in, 5)}
	if count(f.Inside) < leastPixels {
		return nil, ErrNothing
	}
	follow := f.cover(base, v.Leak)
	samples := f.samples(follow)
	blurred, tone := f.blurAndTone(base, v.Leak, samples)
	predicted := dsp.NewPlane(base.W, base.H)
	f.Slope = dsp.NewPlane(base.W, base.H)
	for i, b := range blurred.Pix {
		predicted.Pix[i] = tone.at(b)
		f.Slope.Pix[i] = tone.slope(b)
	}
	f.keep(predicted, v.Leak)
	f.mask(predicted, v.Leak, samples)
	if count(f.Weight) < leastPixels {
		return nil, ErrNothing
	}
	f.local = newLocality(predicted, f.Weight)
	for i, p := range predicted.Pix {
		predicted.Pix[i] = v.Leak.Pix[i] - p
	}
	f.Residual = f.local.without(predicted)
	f.spread()
	f.details(base, v.Leak)
	return f, nil
}

// details sets what shows how the leak carries the original's detail.
func (f *Fit) details(base, leak dsp.Plane) {
	f.Base, f.Seen = f.detail(base, strongDetail, f.Slope), f.detail(leak, strongDetail, dsp.Plane{})
	f.FaintBase, f.FaintSeen = f.detail(base, faintDetail, f.Slope), f.detail(leak, faintDetail, dsp.Plane{})
	f.Power = dsp.Gauss(dsp.Product(f.FaintBase, f.FaintBase), detailReach)
	for i, p := range f.Power.Pix {
		g := 1 / (p + faint*faint)
		f.FaintBase.Pix[i] *= g
		f.FaintSeen.Pix[i] *= g
	}
}

// detail is p less what a Gaussian leaves of it, where the leak shows the original, times
// the slope if there is one.
func (f *Fit) detail(p dsp.Plane, sigma float64, slope dsp.Plane) dsp.Plane {
	out := dsp.HighPass(p, sigma)
	for i, w := range f.Weight.Pix {
		out.Pix[i] *= w
		if slope.Pix != nil {
			out.Pix[i] *= slope.Pix[i]
		}
	}
	return out
}

// Detail is compared where it is about as strong as a mark.
const (
	strongDetail = 8.0 // high-pass, pixels
	faintDetail  = 2.0 // shorter, so that the tails of edges do not pass for faint detail
	detailReach  = 3.0 // deviation of the window of its power, pixels
	faint        = 0.5 // grey levels
)

func count(p dsp.Plane) int {
	n := 0
	for _, v := range p.Pix {
		if v > 0 {
			n++
		}
	}
	return n
}

// cover marks where the original has detail that the leak does not follow, and
// returns where it does.
func (f *Fit) cover(base, leak dsp.Plane) (follow []bool) {
	o, t := dsp.HighPass(base, 4), dsp.HighPass(leak, 4)
	for i, in := range f.Inside.Pix {
		o.Pix[i] *= in
		t.Pix[i] *= in
	}
	ot, oo, tt := dsp.Box(dsp.Product(o, t), window), dsp.Box(dsp.Product(o, o), window), dsp.Box(dsp.Product(t, t), window)
	f.Covered = dsp.NewPlane(base.W, base.H)
	follow = make([]bool, len(base.Pix))
	sum, n := 0.0, 0
	for i, v := range oo.Pix {
		if !(v > textured) || f.Inside.Pix[i] == 0 {
			continue
		}
		rho := ot.Pix[i] / float32(math.Sqrt(float64(float32(v*tt.Pix[i])+1)))
		follow[i] = rho > follows
		if rho < strays {
			f.Covered.Pix[i] = 1
		}
		sum += float64(rho)
		n++
	}
	if n > 0 {
		f.Correlation = sum / float64(n)
	}
	return follow
}

// samples chooses the pixels that tone curves are fitted to.
func (f *Fit) samples(follow []bool) *toneSample {
	w, h := f.Inside.W, f.Inside.H
	step := max(1, int(math.Sqrt(float64(w*h)/toneSamples)))
	near := dsp.Dilate(f.Covered, 9)
	s, good := &toneSample{}, 0
	trusted := 0
	for y := 0; y < h; y += step {
		for x := 0; x < w; x += step {
			i := y*w + x
			if f.Inside.Pix[i] == 0 {
				continue
			}
			ok := near.Pix[i] == 0
			if ok {
				good++
			}
			t := ok && follow[i]
			if t {
				trusted++
			}
			s.at = append(s.at, int32(i))
			s.good, s.trusted = append(s.good, ok), append(s.trusted, t)
		}
	}
	if trusted >= 100 {
		return s
	}
	for i := range s.at { // hardly any detail: believe what is not covered
		s.trusted[i] = good < 100 || s.good[i]
	}
	return s
}

// blurAndTone chooses the blur by the error that the best tone curve leaves.
func (f *Fit) blurAndTone(base, leak dsp.Plane, s *toneSample) (dsp.Plane, toneCurve) {
	best, bestTone, bestErr := base, toneCurve{}, math.Inf(1)
	for _, sigma := range blurs {
		b := base
		if sigma > 0 {
			b = dsp.Gauss(base, sigma)
		}
		if tone, err := fitTone(b, leak, s); err < bestErr {
			best, bestTone, bestErr, f.Blur = b, tone, err, sigma
		}
	}
	return best, bestTone
}

// mask sets Weight: inside, not covered, and not far off in level.
func (f *Fit) mask(predicted, leak dsp.Plane, s *toneSample) {
	d := dsp.NewPlane(leak.W, leak.H)
	for i, p := range predicted.Pix {
		d.Pix[i] = leak.Pix[i] - p
	}
	d = dsp.Box(d, 9)
	var some []float32
	for i, at := range s.at {
		if s.trusted[i] {
			some = append(some, abs(d.Pix[at]))
		}
	}
	limit := max(14, 6*median(some))
	f.Off = dsp.NewPlane(leak.W, leak.H)
	bad := f.Covered.Clone()
	for i, v := range d.Pix {
		if f.Inside.Pix[i] > 0 && abs(v) > limit {
			f.Off.Pix[i], bad.Pix[i] = 1, 1
		}
	}
	bad = dsp.Dilate(bad, 9)
	f.Weight = dsp.NewPlane(leak.W, leak.H)
	for i, in := range f.Inside.Pix {
		if in > 0 && bad.Pix[i] == 0 {
			f.Weight.Pix[i] = 1
		}
	}
}

// varianceReach is the deviation of the window that the variance is taken over.
const varianceReach = 6

// spread measures the residual.
func (f *Fit) spread() {
	squares, total, n := dsp.Product(f.Residual, f.Residual), 0.0, 0
	for i, v := range squares.Pix {
		if f.Weight.Pix[i] > 0 {
			total += float64(v)
			n++
		}
	}
	f.RMS = math.Sqrt(total / float64(max(n, 1)))
	f.Variance = dsp.Gauss(squares, varianceReach)
	weight := dsp.Gauss(f.Weight, varianceReach)
	var inside []float32
	for i, v := range f.Variance.Pix {
		f.Variance.Pix[i] = v / (weight.Pix[i] + 1e-3)
		if f.Weight.Pix[i] > 0 && i%7 == 0 {
			inside = append(inside, f.Variance.Pix[i])
		}
	}
	floor := 0.3 + float32(0.05*median(inside))
	for i := range f.Variance.Pix {
		f.Variance.Pix[i] += floor
	}
}
