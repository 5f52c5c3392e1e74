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
		w, h := geometry.Fit(luma.W, luma.H, noiseSide)
		if w == luma.W && h == luma.H {
			return luma.Make()
		}
		return dsp.Shrink(luma.Make(), w, h)
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

// A Sight is a leak as it lies on an original.
type Sight struct {
	*register.Registration
	on      *Original
	given   *Leak
	like    *Likeness
	view    photometry.View
	fit     *photometry.Fit
	changes []photometry.Change
	differ  []int       // see [Sight.differing]; nil until then
	edged   []place     // see [Sight.places]; nil until then
	sensor  *noiseProof // see [Sight.noise]; nil until then
	altered []Region    // see [Sight.Altered]
	verdict *Verdict    // nil until it is asked for
	light   [2]float64  // by how much shades are off: half, and nine tenths, grey levels

	gain                 func() dsp.Plane // of a mark by the treatment, in the leak's pixels; nil: not treated, or only edges are left
	isTreated, onlyEdges bool             // see [Sight.treated]; onlyEdges: in black and white
	untreated            *Original        // of a leak in black and white; nil: of other leaks
	sure                 *Original        // black and white where the threshold of such a leak surely leaves black and white; nil: of other leaks
}

// ToOriginal maps pixels of the leak as given to pixels of the original, without the smooth field of the registration.
func (s *Sight) ToOriginal() geometry.Mat {
	c, full := s.on.Canonical(), s.on.Luma()
	scale := geometry.PixelScale(float64(full.W)/float64(c.W), float64(full.H)/float64(c.H))
	return scale.Mul(s.H).Mul(s.ToLeak)
}

// A Leak is a picture made ready for being laid onto originals, as [register.Leak] is. It is safe for concurrent use.
type Leak struct {
	*register.Leak
	bilevel func() bool // see [Leak.Bilevel]
}

// NewLeak readies a leak by its luma at full resolution, 0..255, which it keeps to be made again.
func NewLeak(luma dsp.Lazy) *Leak {
	return &Leak{register.NewLeak(luma), sync.OnceValue(func() bool { return bilevel(luma.Make()) })}
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
	return &Sight{Registration: r, on: o, given: given, view: photometry.View{
		Leak: r.Leak, X: r.X, Y: r.Y, W: c.W, H: c.H, Pitch: 1 / r.Scale, Resized: r.Resized,
	}}
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
	if s.fit == nil {
		fit, err := s.on.source.Fit(&s.view)
		if errors.Is(err, photometry.ErrNothing) {
			return nil, nil, nil
		}
		if err != nil {
			return nil, nil, err
		}
		s.fit, s.changes = fit, fit.Changes(&s.view)
		if s.gain != nil {
			fit.Gain = dsp.Product(fit.Slope, s.gain())
		}
		s.light[0], s.light[1] = shades(&s.view, fit, nil)
	}
	return s.fit, s.changes, nil
}
