// Package capture says whether a leak shows the very picture that an original is, and not what merely looks like it:
// another person's document of the same template, or another photograph of the same card.
//
// The leak is registered onto the original, and blocks of detail are compared. That
// tells another person's document. Two captures of one card agree in all of its
// detail, so what passes needs a reason to be the same capture: see [Sight.Verdict].
//
// Everything runs in a fixed order: the same pictures give the same answer on every machine.
package capture

import (
	"context"
	"errors"
	"math"
	"sync"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/photometry"
	"github.com/kycmark/kycmark/internal/register"
)

// An Original is a picture ready for having leaks held against it. It is safe for concurrent use.
type Original struct {
	base   *register.Original
	source *photometry.Source
	coarse func() dsp.Plane // in which noise is looked for, made when first needed
	even   func() float64   // see [evenShare]
}

// New readies a picture by its luma at full resolution, 0..255, which it keeps to be made again.
func New(luma dsp.Lazy) *Original {
	o := &Original{base: register.New(luma), source: photometry.NewSource(luma)}
	o.coarse = sync.OnceValue(func() dsp.Plane {
		return luma.Shrink(geometry.Fit(luma.W, luma.H, noiseSide))
	})
	o.even = sync.OnceValue(func() float64 { return evenShare(o.coarse()) })
	return o
}

// Canonical returns the original at a long side of at most 1024 pixels, in which
// positions are given. It must not be changed.
func (o *Original) Canonical() dsp.Plane { return o.base.Canonical() }

// Luma returns the original at full resolution. It must not be changed.
func (o *Original) Luma() dsp.Lazy { return o.source.Luma() }

// Halved returns the original halved n times, or as often as it can be. It must not be changed.
func (o *Original) Halved(n int) dsp.Plane { return o.source.Halved(n) }

// A Sight is a leak as it lies on an original, and what that says. All is nil until it is asked for.
type Sight struct {
	*pose
	like    *Likeness
	fitted  *prediction
	altered []Region // see [Sight.Altered]
	verdict *Verdict

	isTreated bool             // see [Sight.treated]
	gain      func() dsp.Plane // of a mark by the treatment, in the leak's pixels; nil: none, or only edges are left
	untreated *Original        // of a leak in black and white; nil: of other leaks
	sure      *Original        // black and white where the threshold of such a leak surely leaves that; nil: as before
}

// A pose is where a leak lies on an original.
type pose struct {
	*register.Registration
	on    *Original
	given *Leak
	view  photometry.View
}

// A prediction is what a leak should show where it lies, and where it shows something else.
type prediction struct {
	*pose
	*photometry.Fit
	changes []photometry.Change
	light   [2]float64  // by how much shades are off: half, and nine tenths, grey levels
	differ  []int       // see differing; nil until then
	edged   []place     // see places; nil until then
	sensor  *noiseProof // see noise; nil until then
}

// ToOriginal maps pixels of the leak as given to pixels of the original, without the smooth field of the registration.
func (s *pose) ToOriginal() geometry.Mat {
	c, full := s.on.Canonical(), s.on.Luma()
	scale := geometry.PixelScale(float64(full.W)/float64(c.W), float64(full.H)/float64(c.H))
	return scale.Mul(s.H).Mul(s.ToLeak)
}

// A Leak is a picture made ready for being laid onto originals, as [register.Leak] is. It is safe for concurrent use.
type Leak struct {
	*register.Leak
	Bilevel func() bool // whether the leak is black and white alone, except for what a codec adds
}

// NewLeak readies a leak by its luma at full resolution, 0..255, which it keeps to be made again.
func NewLeak(luma dsp.Lazy) *Leak {
	return &Leak{register.NewLeak(luma), sync.OnceValue(func() bool { return bilevel(luma) })}
}

// Find is [Original.Lay] for a leak that is laid on one original only, given by its luma at full resolution, 0..255.
func (o *Original) Find(ctx context.Context, leak dsp.Lazy) (*Sight, error) {
	return o.Lay(ctx, NewLeak(leak), nil)
}

// Lay registers a leak onto the original, from a place that may be known, as [register.Original.Find] does. It returns
// nil if nothing aligns, and ctx's error if ctx ends it. A Sight serves one goroutine at a time.
func (o *Original) Lay(ctx context.Context, leak *Leak, place func() (*register.Place, error)) (*Sight, error) {
	r, err := o.base.Find(ctx, leak.Leak, place)
	if err != nil || r == nil {
		return nil, err
	}
	return o.sight(r, leak), nil
}

// sight returns the leak given as registration r has it on o.
func (o *Original) sight(r *register.Registration, given *Leak) *Sight {
	c := o.base.Canonical()
	return &Sight{pose: &pose{Registration: r, on: o, given: given, view: photometry.View{
		Leak: r.Leak, X: r.X, Y: r.Y, W: c.W, H: c.H, Pitch: 1 / r.Scale, Resized: r.Resized,
	}}}
}

// Likeness returns how far the leak shows the original, by blocks of detail. It is computed at the first call.
func (s *Sight) Likeness() Likeness {
	if s.like == nil {
		like := compare(s.Registration, s.on.base)
		s.like = &like
	}
	return *s.like
}

// Fit predicts the leak from the original and finds where the leak shows something else. The fit and its changes are
// kept for later calls. The fit is nil, without an error, if nothing of the original is seen.
func (s *Sight) Fit() (*photometry.Fit, []photometry.Change, error) {
	p, err := s.prediction()
	if p == nil {
		return nil, nil, err
	}
	return p.Fit, p.changes, nil
}

// prediction is what [Sight.Fit] returns. It is nil, without an error, if nothing of the original is seen.
func (s *Sight) prediction() (*prediction, error) {
	if s.fitted == nil {
		fit, err := s.on.source.Fit(&s.view)
		if errors.Is(err, photometry.ErrNothing) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		s.fitted = &prediction{pose: s.pose, Fit: fit, changes: fit.Changes(&s.view)}
		if s.gain != nil {
			fit.Gain = dsp.Product(fit.Slope, s.gain())
		}
		s.fitted.shades(nil)
	}
	return s.fitted, nil
}

// A Verdict is what a leak that lies on an original shows.
type Verdict uint8

const (
	Unsure  Verdict = iota // too little to see
	Same                   // the very capture, as far as can be seen
	Altered                // the very capture, except in a few places that show something else
	Alike                  // its detail, but perhaps another capture of the same card
	Edited                 // its detail, and other detail in places: an edited picture, or another document
	Other                  // another document of its template, or another capture
	Edges                  // in black and white, with the edges and the frame of the capture
)

func (v Verdict) String() string {
	return [...]string{"unsure", "same", "altered", "alike", "edited", "other", "edges"}[min(v, Edges)]
}

// Verdict returns what the leak shows. It is Unsure if there is too little to see, and with
// every error; errors come from [Sight.Fit].
//
// Another person's document is Other by its detail. Most other captures are Other by their grain: if the grain is
// foreign, only the original's frame, to within exactMiddle, saves a leak, because codecs also make grain of their own.
// Apart from that a leak is the same capture only for a reason that another capture of the same card does not give. No
// hand and no scanner lays a card down again to a part of a pixel, with the same light. No sensor repeats its noise. So
// shades must agree after one tone curve, and either
//
//   - the frame of the leak is that of the original, or
//   - the leak shows that frame, turned or tilted, on a ground of one colour, or
//   - the leak's pixels lie on the original's one by one: a piece cut out, or
//   - a piece was cut out and scaled, see cut, or
//   - the leak has the noise of the original's flat parts.
//
// A leak that shows the detail of the original but gives no reason is Alike. Detail that was laid over what the
// original shows (a stamp, a line of text, a bar) does not count as other detail. A leak that shows other detail is
// Altered if it is the same capture outside of a few places: see outside. A caption drags the smooth field of
// the registration: beside it the field is fitted again. Otherwise it is Edited, and Other if its grain is foreign:
// forgers put many persons on one photograph, noise and all. A leak that was redacted until little is left is Alike
// unless the noise is found: black bars over a third of a bill may hide all that belongs to one person.
//
// A leak that an application treated is compared with the original after the same treatment: see [Sight.judgeTreated].
func (s *Sight) Verdict() (Verdict, error) {
	if s.verdict == nil {
		v, err := s.plain()
		if err != nil {
			return Unsure, err
		}
		if t := s.treated(v); t != nil {
			if v, err = t.judgeTreated(); err != nil {
				return Unsure, err
			}
			*s = *t
		}
		s.verdict = &v
	}
	return *s.verdict, nil
}

// plain is Verdict for a leak that no application treated.
func (s *Sight) plain() (Verdict, error) {
	v, places, err := s.judge()
	if err != nil {
		return Unsure, err
	}
	if t := s.beside(places); v >= Alike && t != nil {
		again, _, err := t.judge()
		if err != nil {
			return Unsure, err
		}
		if again == Same || again == Altered {
			*s, v = *t, again
		}
	}
	return v, nil
}

// judge returns the verdict, and the places that differ as far as they were looked for. It sets s.altered.
func (s *Sight) judge() (v Verdict, places []Region, err error) {
	like := s.Likeness()
	otherText := like.Verdict == Other && !like.Foreign
	switch {
	case like.Verdict == Unsure:
		return Unsure, nil, nil
	case otherText && !like.mostly():
		return Other, nil, nil
	}
	p, err := s.prediction()
	if p == nil {
		return Unsure, nil, err
	}
	same := Same
	places = p.regions()
	if otherText || p.changed() >= maxChanged && !p.overlaid(p.changes) {
		switch {
		case p.outside(places):
			same = Altered
		case otherText, like.Foreign:
			return Other, places, nil
		default:
			return Edited, places, nil
		}
	}
	switch {
	case like.Foreign && !s.placed(p, exactMiddle):
		return Other, places, nil
	case s.Shown() < minShown && float64(like.Covered) > float64(maxHidden*float64(like.Textured)) && !p.hasNoise():
		// The rest may be what all documents of a template share. Those drawn by one program also share their frame.
		return Alike, places, nil
	case like.Foreign, s.placed(p, frameMiddle), p.hasNoise():
		s.altered = places
		return same, places, nil
	}
	return Alike, places, nil
}

// placed reports whether the leak lies on the original as no other capture does. On its frame, half of its places must
// lie within so many pixels of the leak. If within is frameMiddle or more, the leak may also show that frame, or lie on
// the original's grid of pixels. placed returns false if shades differ too much.
func (s *Sight) placed(p *prediction, within float64) bool {
	if p.light[0] > frameShade {
		return false
	}
	all := p.places()
	if half, far := s.onFrame(all); half <= within && far <= float64(within/frameMiddle*frameMax) {
		return true
	}
	if within < frameMiddle {
		return false
	}
	if s.framed() {
		return true
	}
	half, far := s.onGrid(all)
	return p.light[1] <= gridShade && half <= gridMiddle && far <= gridMax || s.cut(p)
}

// cut reports whether the leak is a piece of the original, perhaps scaled: not turned or bent by
// the hundredth part of a pixel, all detail the same, and next to no difference of light. If it ends on the original's frame at two
// sides or more, light may differ more.
func (s *Sight) cut(p *prediction) bool {
	n := s.Likeness()
	is, on := s.isPiece()
	if !is || p.light[1] > sheetShade || n.Agree < n.Textured || s.Shown() < minCut {
		return false
	}
	_, far := s.onLine(p.places())
	return far <= cutMax && p.light[1] <= cutShade || far <= sheetMax && on >= 2
}

// hasNoise reports whether the noise of the original's sensor is in the leak. It returns false if
// shades differ too much or there are too few blocks of noise.
func (s *prediction) hasNoise() bool {
	if s.light[1] > noiseShade {
		return false
	}
	n := s.noise()
	white := min(n.second, n.third) >= pooledMin && max(n.second, n.third) <= pooledMax
	return n.blocks >= minBlocks && white && n.gain >= minGain && n.z >= minZ
}

// Shown returns the share of the original that can be seen in the leak, 0..1. Covered blocks do not
// count. Changed parts count as shown until [Sight.Fit] has found them.
func (s *Sight) Shown() float64 {
	n := s.Likeness()
	on := float64(float64(s.Overlap)*float64(s.Leak.W*s.Leak.H)) / float64(s.Scale*s.Scale)
	open := 1 - float64(n.Covered)/float64(max(n.Textured, 1))
	changed := 0.0
	if s.fitted != nil {
		changed = s.fitted.changed()
	}
	return math.Max(0, float64(math.Min(1, on/float64(s.view.W*s.view.H))*open)-changed)
}

// changed returns the share of the original in the bounds of uncovered changes. Overlapping bounds count twice.
func (s *prediction) changed() float64 {
	sum := 0.0
	for _, c := range s.changes {
		if !c.Covered {
			sum += float64((c.X1 - c.X0) * (c.Y1 - c.Y0))
		}
	}
	return sum / float64(s.view.W*s.view.H)
}

// Shades returns by how much nine tenths of the leak's shades differ at most from what the original predicts, grey
// levels. It is infinite if nothing of the original is seen. Places that [Sight.Verdict] found altered are left out.
func (s *Sight) Shades() (float64, error) {
	p, err := s.prediction()
	if p == nil {
		return math.Inf(1), err
	}
	return p.light[1], nil
}

// shades sets s.light to two bounds, grey levels: half of the leak's shades, and nine tenths of them, are
// no farther off the prediction. A shade is a mean over the square of shadeWindow pixels around a pixel.
// Covered pixels and pixels in places without enter no mean, nor do pixels that leak or prediction has black or white. Print
// overshoots at white when it is shrunk or saved again. The leak ends there, and the prediction goes on. At least the
// share shadeLeft of a square must be left. If no shade is left, both bounds are infinite.
func (s *prediction) shades(without []Region) {
	open, off := dsp.NewPlane(s.Leak.W, s.Leak.H), dsp.NewPlane(s.Leak.W, s.Leak.H)
	for i, in := range s.Inside.Pix {
		l, p := s.Leak.Pix[i], s.Predicted.Pix[i]
		grey := min(l, p) > clipped && max(l, p) < 255-clipped
		if in > 0 && s.Covered.Pix[i] == 0 && grey && !besides(without, s.X.Pix[i], s.Y.Pix[i]) {
			open.Pix[i], off.Pix[i] = 1, l-p
		}
	}
	left, sum := dsp.Box(open, shadeWindow), dsp.Box(off, shadeWindow)
	var all []float32
	for i, o := range open.Pix {
		if o > 0 && left.Pix[i] >= shadeLeft {
			all = append(all, float32(math.Abs(float64(sum.Pix[i]/left.Pix[i]))))
		}
	}
	s.light[0], s.light[1] = quantiles(all)
}
