package capture

import (
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/photometry"
	"github.com/kycmark/kycmark/internal/register"
)

const (
	mostChanged = 0.005 // share of the original that may show other detail

	shadeWindow = 15  // pixels of the leak over which a shade is the mean
	clipped     = 2.5 // grey levels from black and white within which a shade says nothing

	sameFrame  = 2.0 // canonical pixels between the frames
	exactFrame = 0.3 // the same where grain is foreign: codecs make grain, but move no frame
	frameShade = 2.5 // grey levels by which half of the shades may be off in the same frame

	straight      = 0.05 // canonical pixels by which a crop may lie crooked
	straightShade = 2.5  // grey levels by which nine tenths of its shades may be off
	nearly        = 0.2  // canonical pixels by which it may lie crooked if its shades are even
	evenShade     = 0.32 // of those shades, in parts of the residual: more is no noise of a codec
	leastScatter  = 0.5  // residual in grey levels, below which it counts as that much

	noiseShade = 1.5  // grey levels by which nine tenths of the shades may be off where noise agrees
	leastStill = 1000 // blocks, of which the quietest tenth has no print
	leastNoise = 0.2  // correlation of its noise
	noiseBlur  = 0.7  // blur of the leak in pixels from which on only print is left of the finest detail
)

// A Verdict is what a leak that lies on an original shows.
type Verdict uint8

const (
	Unsure Verdict = iota // too little to see
	Same                  // the very capture, as far as can be seen
	Alike                 // its detail, but for all that can be seen perhaps another capture of the same card
	Edited                // its detail, and other detail in places: an edited picture, or another document
	Other                 // another document of its template, or another capture
)

// String returns the verdict in a word.
func (v Verdict) String() string {
	return [...]string{"unsure", "same", "alike", "edited", "other"}[min(v, Other)]
}

// Verdict says what the leak shows. Another person's document is Other by its
// detail, and so are most other captures by their grain, unless the frame is the
// original's: codecs make grain of their own. Beyond that the leak is the same
// capture only for a reason that another capture of the same card does not give: no
// hand and no scanner lays a card down again to the same fifth of a per cent,
// with the same light on it, and no sensor repeats its noise. So shades must agree
// after one tone curve, and either
//
//   - the frame of the leak is that of the original, or
//   - the leak lies on the original as straight as a crop, or
//   - where the original is quietest, noise agrees.
//
// What shows the detail of the original but gives no such reason is Alike.
func (s *Sight) Verdict() (Verdict, error) {
	like := s.Likeness()
	switch {
	case like.Verdict == register.Unsure:
		return Unsure, nil
	case like.Verdict == register.Other && !like.Foreign:
		return Other, nil
	}
	fit, changes, err := s.Fit()
	if err != nil || fit == nil {
		return Unsure, err
	}
	switch changed := s.changed(changes) >= mostChanged; {
	case changed && like.Foreign:
		return Other, nil
	case changed:
		return Edited, nil
	case like.Foreign && !s.onFrame(fit, exactFrame):
		return Other, nil
	case like.Foreign, s.onFrame(fit, sameFrame), s.straight(fit), s.sameNoise(like, fit):
		return Same, nil
	}
	return Alike, nil
}

// Shown is the share of the original that can be seen in the leak, 0..1.
func (s *Sight) Shown() float64 {
	n := s.Likeness()
	on := float64(float64(s.Overlap)*float64(s.Leak.W*s.Leak.H)) / float64(s.Scale*s.Scale)
	open := 1 - float64(n.Covered)/float64(max(n.Textured, 1))
	return math.Min(1, on/float64(s.view.W*s.view.H)) * open
}

// changed is the share of the original whose detail is another one, not covered.
func (s *Sight) changed(changes []photometry.Change) float64 {
	sum := 0.0
	for _, c := range changes {
		if !c.Covered {
			sum += float64((c.X1 - c.X0) * (c.Y1 - c.Y0))
		}
	}
	return sum / float64(s.view.W*s.view.H)
}

// onFrame reports whether the leak's frame lies on the original's, to so many
// canonical pixels.
func (s *Sight) onFrame(f *photometry.Fit, within float64) bool {
	half, _ := shades(&s.view, f)
	frame, _ := s.placed()
	return frame <= within && half <= frameShade
}

// straight reports whether the leak lies on the original as straight as a crop.
func (s *Sight) straight(f *photometry.Fit) bool {
	_, most := shades(&s.view, f)
	_, crooked := s.placed()
	even := most <= float64(evenShade*math.Max(f.RMS, leastScatter))
	return crooked <= straight && most <= straightShade || crooked <= nearly && even
}

// sameNoise reports whether the noise of the original's sensor is in the leak.
func (s *Sight) sameNoise(like register.Likeness, f *photometry.Fit) bool {
	_, most := shades(&s.view, f)
	return most <= noiseShade && like.Softening <= noiseBlur && like.Still >= leastStill && like.Quiet >= leastNoise
}

// shades returns by how many grey levels half, and nine tenths, of the leak's shades
// are off at most, over what is neither covered nor clipped.
func shades(v *photometry.View, f *photometry.Fit) (half, most float64) {
	d := dsp.NewPlane(v.Leak.W, v.Leak.H)
	for i, p := range f.Predicted.Pix {
		d.Pix[i] = v.Leak.Pix[i] - p
	}
	d = dsp.Box(d, shadeWindow)
	var all []float32
	for i, in := range f.Inside.Pix {
		if l := v.Leak.Pix[i]; in > 0 && f.Covered.Pix[i] == 0 && l > clipped && l < 255-clipped {
			all = append(all, float32(math.Abs(float64(d.Pix[i]))))
		}
	}
	if len(all) == 0 {
		return math.Inf(1), math.Inf(1)
	}
	half = float64(dsp.Select(all, len(all)/2))
	return half, float64(dsp.Select(all, len(all)*9/10))
}

// placed returns how far the leak's frame is from the original's, and by how much its
// sides are crooked on it, both in canonical pixels.
func (s *Sight) placed() (frame, crooked float64) {
	w, h := float64(s.Leak.W), float64(s.Leak.H)
	right, bottom := float64(s.view.W)-0.5, float64(s.view.H)-0.5
	var q [4]geometry.Point
	for i, c := range [4]geometry.Point{{X: -0.5, Y: -0.5}, {X: w - 0.5, Y: -0.5}, {X: w - 0.5, Y: h - 0.5}, {X: -0.5, Y: h - 0.5}} {
		q[i] = s.H.Apply(c)
		dx := math.Min(math.Abs(q[i].X+0.5), math.Abs(q[i].X-right))
		dy := math.Min(math.Abs(q[i].Y+0.5), math.Abs(q[i].Y-bottom))
		frame = math.Max(frame, math.Max(dx, dy))
	}
	along := func(a, b geometry.Point) (dx, dy float64) { return math.Abs(a.X - b.X), math.Abs(a.Y - b.Y) }
	var upright, turned float64 // crookedness if the leak's first side lies along x, or along y
	for i := range q {
		dx, dy := along(q[i], q[(i+1)%4])
		if i%2 == 1 {
			dx, dy = dy, dx
		}
		upright, turned = math.Max(upright, dy), math.Max(turned, dx)
	}
	return frame, math.Min(upright, turned)
}
