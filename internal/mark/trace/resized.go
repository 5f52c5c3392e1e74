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

// A resized leak is an upright part of its original, or all of it, that was resized and
// saved as a JPEG: of a thumbnail little is left but roundings.
type resized struct {
	*requant.Leak
	shown dsp.Plane // the leak without a mark, before it was rounded
	part  dsp.Rect  // that it shows, samples of the frame
}

// resized predicts a leak of the given size from the part of the original that it shows. l has the steps of the leak's
// JPEG file, quad the leak's corners on the original. It returns nil without steps or if they are too fine. It also
// does so if the part is no upright rectangle, or the leak has the original's size, which rounded reads.
func (t *Tracer) resized(l *requant.Leak, size image.Point, sight *capture.Sight, quad [4]geometry.Point) *resized {
	if l == nil || sight.Inverted || sight.Mirrored || size == (image.Point{X: t.sides[0], Y: t.sides[1]}) {
		return nil
	}
	part, ok := t.upright(quad, size)
	if !ok {
		return nil
	}
	x, y, w, h := part.W/float64(size.X), part.H/float64(size.Y), float64(t.sides[0]), float64(t.sides[1])
	all := math.Max(math.Abs(part.X), math.Abs(part.X+part.W-w)) <= crooked*x &&
		math.Max(math.Abs(part.Y), math.Abs(part.Y+part.H-h)) <= crooked*y
	if all {
		part = dsp.Rect{W: w, H: h}
	}
	pitch := t.frame.pixels(t.sides[0], t.sides[1])
	r := &resized{Leak: l, part: scaledRect(part, 1/pitch)}
	if !l.Coarse(r.mark(t.under[0], size), t.weakest()) {
		return nil
	}
	halved, scale := 0, 1.0
	for k := math.Min(x, y); k >= finest; k /= 2 {
		halved, scale = halved+1, 2*scale
	}
	r.shown, part = l.Predict(t.onto.Halved(halved), scaledRect(part, 1/scale), all)
	r.part = scaledRect(part, scale/pitch)
	return r
}

// upright returns the rectangle of the original that a leak of the given size shows. q are the leak's corners in pixels
// of the original, clockwise from the upper left. It reports false if they are no upright rectangle, within crooked
// pixels of the leak. It also does so if they reach beyond the original, or the leak is larger than that part.
func (t *Tracer) upright(q [4]geometry.Point, size image.Point) (dsp.Rect, bool) {
	left, top := (q[0].X+q[3].X)/2, (q[0].Y+q[1].Y)/2
	r := dsp.Rect{X: left, Y: top, W: (q[1].X+q[2].X)/2 - left, H: (q[2].Y+q[3].Y)/2 - top}
	x, y := r.W/float64(size.X), r.H/float64(size.Y)
	if !(x >= enlarged && y >= enlarged) {
		return r, false
	}
	for i, c := range [4]geometry.Point{{X: r.X, Y: r.Y}, {X: r.X + r.W, Y: r.Y}, {X: r.X + r.W, Y: r.Y + r.H}, {X: r.X, Y: r.Y + r.H}} {
		if !(math.Abs(q[i].X-c.X) <= crooked*x && math.Abs(q[i].Y-c.Y) <= crooked*y) {
			return r, false
		}
	}
	return r, r.X >= -crooked*x && r.Y >= -crooked*y && r.X+r.W <= float64(t.sides[0])+crooked*x && r.Y+r.H <= float64(t.sides[1])+crooked*y
}

func scaledRect(r dsp.Rect, k float64) dsp.Rect {
	return dsp.Rect{X: r.X * k, Y: r.Y * k, W: r.W * k, H: r.H * k}
}

// mark returns the mark of the probe as a leak of the given size shows it, in grey levels.
func (r *resized) mark(s *suspects, size image.Point) dsp.Plane {
	return dsp.Resize(s.probe.mark, r.part, size.X, size.Y, dsp.Area)
}

// evidence returns what the roundings of the leak say of the marks of s, with what is expected of
// them. It returns nil if the leak is not as predicted.
func (r *resized) evidence(t *Tracer, s *suspects) *evidence {
	read, ok := r.Read(r.shown, r.mark(s, image.Point{X: r.shown.W, Y: r.shown.H}), t.weakest())
	if !ok {
		return nil
	}
	return s.rounded(&t.frame, read, r.shown, func(p dsp.Plane) dsp.Plane { return r.gather(&t.frame, p) })
}

// gather brings scores p of the leak's pixels into the frame: each sample has the sum over the
// pixels that it would have changed. Samples beyond the part that the leak shows are 0.
func (r *resized) gather(f *frame, p dsp.Plane) dsp.Plane {
	x, y := float64(p.W)/r.part.W, float64(p.H)/r.part.H // pixels a sample
	k := dsp.Area
	if x < 1 {
		k = dsp.Cubic
	}
	out := dsp.Resize(p, dsp.Rect{X: -r.part.X * x, Y: -r.part.Y * y, W: float64(f.fw) * x, H: float64(f.fh) * y}, f.fw, f.fh, k)
	for v := range out.H {
		row, middle := out.Row(v), float64(v)+0.5
		shown := middle > r.part.Y && middle < r.part.Y+r.part.H
		for u := range row {
			if middle := float64(u) + 0.5; !(shown && middle > r.part.X && middle < r.part.X+r.part.W) {
				row[u] = 0
			}
		}
	}
	out.Scale(float32(x * y))
	return out
}

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
	l, _ := open(p)
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
	return s.rounded(&t.frame, r, original, t.frame.gather)
}

// rounded returns what a reading says of the marks of s. Response counts as 0 where shown is black or white.
func (s *suspects) rounded(f *frame, r *requant.Reading, shown dsp.Plane, gather func(dsp.Plane) dsp.Plane) *evidence {
	for i, v := range shown.Pix {
		if photometry.Ended(v) {
			r.Response.Pix[i] = 0
		}
	}
	e := s.gathered(f, gather(r.Score))
	e.expected, e.payload = s.probe.answer(s, f, gather(r.Response), e)
	e.told, e.byCodec = 1, true
	return e
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
