package trace

import (
	"image"
	"math"

	"github.com/kycmark/kycmark/internal/capture"
	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/mark/pattern"
	"github.com/kycmark/kycmark/internal/photometry"
	"github.com/kycmark/kycmark/internal/requant"
)

// A leak that is its original seen through a hard JPEG is no original plus noise: the
// original, rounded by the same steps, comes out as nearly the same values. What its
// coefficients tell of a mark is which of those near a boundary fell to which side.

// opened returns the steps of a JPEG file that the leak p was last opened from. It returns nil if
// it finds no steps, or if the leak is larger than the original or than maxRounded pixels.
func (t *Tracer) opened(p *image.NRGBA) *requant.Leak {
	w, h := p.Rect.Dx(), p.Rect.Dy()
	if w > t.sides[0] || h > t.sides[1] || w*h > maxRounded {
		return nil
	}
	open := requant.OpenFinest // a mark is fainter in what was shrunk
	if w == t.sides[0] && h == t.sides[1] {
		open = requant.Open
	}
	l, ok := open(p)
	if !ok {
		return nil
	}
	return l
}

// rounded returns what the roundings of a leak say of the marks of s. It returns nil unless the leak is the whole
// original after a hard JPEG, not resized. l has the steps of the leak's file, nil if it was no JPEG file. sight says
// how it lies, and quad are its corners in pixels of the original.
func (t *Tracer) rounded(s *suspects, l *requant.Leak, sight *capture.Sight, quad [4]geometry.Point) *evidence {
	if l == nil || sight.Inverted || sight.Mirrored || !t.inPlace(quad) {
		return nil
	}
	original := t.onto.Luma().Make()
	pitch := 1 / t.frame.pixels(original.W, original.H)
	mark := dsp.Scaled(s.probe.mark, original.W, original.H, pitch, pitch)
	r, ok := l.Read(original, mark, t.weakest())
	if !ok {
		return nil
	}
	hideEnds(r.Response, original)
	e := s.gathered(&t.frame, t.frame.gather(r.Score))
	e.expected, e.payload = s.probe.answer(s, &t.frame, t.frame.gather(r.Response), e)
	e.told, e.byCodec = 1, true
	return e
}

// hideEnds makes response 0 where shown, of the same size, is black or white.
func hideEnds(response, shown dsp.Plane) {
	for i, v := range shown.Pix {
		if photometry.Ended(v) {
			response.Pix[i] = 0
		}
	}
}

// inPlace reports whether a leak's corners, given in pixels of the original, lie on the
// original's corners: the leak then shows the whole original, upright.
func (t *Tracer) inPlace(quad [4]geometry.Point) bool {
	w, h := float64(t.sides[0]), float64(t.sides[1])
	reach := sameCorner * math.Max(1, math.Max(w, h)/float64(max(t.frame.w, t.frame.h)))
	for i, c := range [4]geometry.Point{{X: 0, Y: 0}, {X: w, Y: 0}, {X: w, Y: h}, {X: 0, Y: h}} {
		if !(math.Max(math.Abs(quad[i].X-c.X), math.Abs(quad[i].Y-c.Y)) <= reach) {
			return false
		}
	}
	return true
}

// weakest returns the lowest strength of a candidate, +Inf without candidates.
func (t *Tracer) weakest() float64 {
	weakest := math.Inf(1)
	for i := range t.copies {
		weakest = math.Min(weakest, t.copies[i].Strength)
	}
	return weakest
}

// pixels returns how many pixels of an original of w x h lie on one sample of the frame, along each axis.
func (f *frame) pixels(w, h int) float64 { return float64(max(w, h)) / pattern.TracerSize }

// gather brings scores p of the original's pixels into the frame: each sample has the sum over the
// pixels that it would have changed. p has the original's size, smaller or larger than the frame.
func (f *frame) gather(p dsp.Plane) dsp.Plane {
	k := f.pixels(p.W, p.H)
	var out dsp.Plane
	if k > 1 {
		out = dsp.Shrink(p, f.fw, f.fh)
	} else {
		out = dsp.Scaled(p, f.fw, f.fh, k, k)
	}
	out.Scale(float32(k * k))
	return out
}
