package trace

import (
	"image"
	"math"

	"github.com/kycmark/kycmark/internal/capture"
	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
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

// scaledRect returns r with position and size multiplied by k.
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
	hideEnds(read.Response, r.shown)
	e := s.gathered(&t.frame, r.gather(&t.frame, read.Score))
	e.expected, e.payload = s.probe.answer(s, &t.frame, r.gather(&t.frame, read.Response), e)
	e.told, e.byCodec = 1, true
	return e
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
			middle := float64(u) + 0.5
			if !(shown && middle > r.part.X && middle < r.part.X+r.part.W) {
				row[u] = 0
			}
		}
	}
	out.Scale(float32(x * y))
	return out
}

// or returns o if o promises enough, a score above minPromise times that of e, else e. o may be
// nil. Neither is changed.
func (e *evidence) or(o *evidence) *evidence {
	if o != nil && o.expected > float64(minPromise*e.expected) {
		return o
	}
	return e
}
