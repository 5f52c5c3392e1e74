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
	Residual    dsp.Plane // grey levels, 0 where Weight is
	Variance    dsp.Plane // of the residual around each pixel
	Weight      dsp.Plane // 1 where the leak shows the original, 0 elsewhere
	Slope       dsp.Plane // of the tone curve
	Gain        dsp.Plane // of what was added to the original: Slope, unless the original was treated before it was fitted
	Inside      dsp.Plane // 1 where a pixel, and each within 5 of it, lies on the original
	Covered     dsp.Plane // 1 where the original has detail that the leak does not follow
	Predicted   dsp.Plane // the leak as the original, blur and tone curve have it
	Blur        float64   // standard deviation that fits best, pixels of the leak
	RMS         float64   // of the residual, grey levels
	Ends        bool      // the tone curve leaves black black or white white
	Correlation float64   // of the leak's detail with the original's, over what is textured: 0..1

	leak  dsp.Plane
	base  dsp.Plane // the original in the leak's pixels, before blur and tone
	off   []bool    // where the leak's level is far from what is predicted
	local *locality
}

// Details show how a leak carries the original's detail.
type Details struct {
	Base, Seen dsp.Plane // the original's through the tone curve, and the leak's
	Power      dsp.Plane // of the original's finer detail around each pixel; nil if that was not asked for
}

var blurs = [...]float64{0, 0.6, 0.9, 1.3, 1.8, 2.5, 3.5, 5}

// Fit predicts the leak of v from the original and subtracts the prediction: low-pass, blur, tone curve, then a local fit
// around each pixel. The error is [ErrNothing] if under minPixels pixels show the original. There is no other error.
func (s *Source) Fit(v *View) (*Fit, error) {
	base, in := s.at(v)
	f := &Fit{Inside: dsp.Erode(in, 5), leak: v.Leak, base: base}
	if count(f.Inside) < minPixels {
		return nil, ErrNothing
	}
	follow := f.cover(base, v.Leak)
	samples := f.samples(follow, v.Leak)
	blurred, tone := f.blurAndTone(base, samples)
	predicted := dsp.NewPlane(base.W, base.H)
	f.Slope = dsp.NewPlane(base.W, base.H)
	for i, b := range blurred.Pix {
		predicted.Pix[i] = tone.at(b)
		f.Slope.Pix[i] = tone.slope(b)
	}
	f.Predicted = predicted
	f.Gain = f.Slope
	f.Ends = tone.at(0) <= clipped || tone.at(255) >= 255-clipped
	left := v.Leak.Less(predicted.Clone())
	f.mask(left, samples)
	if count(f.Weight) < minPixels {
		return nil, ErrNothing
	}
	f.local = newLocality(predicted, f.Weight)
	f.Residual = f.local.without(left)
	f.spread()
	return f, nil
}

// Ended reports whether a grey level is black or white. A tone curve that ends there hides what was added.
func Ended(level float32) bool { return level <= clipped || level >= 255-clipped }

// Clipped reports whether tone cut off pixel i: the leak is black or white there, by the tone curve.
func (f *Fit) Clipped(i int) bool {
	return Ended(f.leak.Pix[i]) && abs(f.Predicted.Pix[i]-f.base.Pix[i]) > clipped
}

// Strong returns all detail of the original and of the leak, coarse and fine, where the leak shows the original.
func (f *Fit) Strong() Details {
	return Details{Base: f.detail(f.base, strongDetail, f.Slope), Seen: f.detail(f.leak, strongDetail, dsp.Plane{})}
}

// Faint returns the finer detail of original and leak. Each pixel is divided by the original's
// power around it, so that what is as faint as a mark counts, not edges. Power is set.
func (f *Fit) Faint() Details {
	d := Details{Base: f.detail(f.base, faintDetail, f.Slope), Seen: f.detail(f.leak, faintDetail, dsp.Plane{})}
	d.Power = dsp.Gauss(dsp.Product(d.Base, d.Base), detailReach)
	for i, p := range d.Power.Pix {
		g := 1 / (p + faint*faint)
		d.Base.Pix[i] *= g
		d.Seen.Pix[i] *= g
	}
	return d
}

// detail returns p less its Gaussian of deviation sigma, pixels, times slope unless slope is empty.
// It is 0 for pixels that do not show the original.
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

func count(p dsp.Plane) int {
	n := 0
	for _, v := range p.Pix {
		if v > 0 {
			n++
		}
	}
	return n
}

// cover sets Covered, where the original has detail that the leak does not follow, and Correlation.
// follow says of each pixel whether the leak follows the original's detail there; it is false
// without detail. base is the original in the leak's pixels.
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

// samples returns about toneSamples pixels, on a grid, that tone curves are fitted to. follow says
// at which pixels the leak's detail follows the original's: these are trusted. If under 100 are,
// all pixels that are not covered are trusted, and if these are under 100 as well, all pixels.
func (f *Fit) samples(follow []bool, leak dsp.Plane) *toneSample {
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
			s.at, s.leak = append(s.at, int32(i)), append(s.leak, leak.Pix[i])
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

// blurAndTone tries each of blurs on base, the original in the leak's pixels, and fits a tone curve. It returns the
// blurred original and the curve that leave the smallest error, and sets Blur.
func (f *Fit) blurAndTone(base dsp.Plane, s *toneSample) (dsp.Plane, toneCurve) {
	type blurFit struct {
		blurred   dsp.Plane
		tone      toneCurve
		err, blur float64
	}
	var best [len(blurs)]blurFit // of each run of blurs, at its first
	dsp.Parallel(len(blurs), func(from, to int) {
		fit := newToneFit(s)
		for i, sigma := range blurs[from:to] {
			b := base
			if sigma > 0 {
				b = dsp.Gauss(base, sigma)
			}
			if tone, err := fit.fit(b); i == 0 || err < best[from].err {
				best[from] = blurFit{b, tone, err, sigma}
			}
		}
	})
	all := best[0]
	for _, b := range best[1:] {
		if b.blurred.Pix != nil && b.err < all.err {
			all = b
		}
	}
	f.Blur = all.blur
	return all.blurred, all.tone
}

// mask sets Weight to 1 at pixels that show the original: inside, not covered, and not farther off
// in level than trusted pixels are. It also sets off, the pixels that are too far off. left is the leak less its
// prediction, and s says which pixels are trusted. Pixels beside a bad pixel get 0.
func (f *Fit) mask(left dsp.Plane, s *toneSample) {
	d := dsp.Box(left, 9)
	var some []float32
	for i, at := range s.at {
		if s.trusted[i] {
			some = append(some, abs(d.Pix[at]))
		}
	}
	limit := max(14, 6*median(some))
	f.off = make([]bool, len(left.Pix))
	bad := f.Covered.Clone()
	for i, v := range d.Pix {
		if f.Inside.Pix[i] > 0 && abs(v) > limit {
			f.off[i], bad.Pix[i] = true, 1
		}
	}
	bad = dsp.Dilate(bad, 9)
	f.Weight = dsp.NewPlane(left.W, left.H)
	for i, in := range f.Inside.Pix {
		if in > 0 && bad.Pix[i] == 0 {
			f.Weight.Pix[i] = 1
		}
	}
}

// spread measures the residual: it sets RMS, grey levels, over all pixels that show the original, and Variance, grey
// levels squared, around each pixel. A floor is added to Variance, so that it is never near 0.
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
