package capture

import (
	"math"
	"slices"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
)

// A border is what a leak shows along the four sides of the original's frame, each in pieces.
type border struct {
	ends    int     // pieces at which the leak ends there, on a ground of one colour
	sides   int     // sides with minPieces of them or more
	touched int     // sides with one or more
	against int     // pieces at which it ends elsewhere, or goes on with more than one colour
	off     float64 // quadratic mean of how far the ends lie beside the frame, pixels of the leak
}

// framed reports whether the leak shows the very frame of the original: turned, tilted or photographed off a screen, an
// upload ends where it ended before, and another capture of the same card ends elsewhere. A slight tilt leaves narrow
// wedges of ground: fewer pieces are enough if they lie exactly on the frame and none is against it.
func (s *pose) framed() bool {
	b := s.border()
	return b.sides >= minSides && b.ends >= minEnds && float64(b.against) <= float64(maxAgainst*float64(b.ends)) ||
		b.touched >= 2 && b.ends >= exactEnds && b.against == 0 && b.off <= exactOff
}

// border returns what the leak shows along the four sides of the original: zeros if the leak's map has no inverse.
func (s *pose) border() (b border) {
	inv, ok := s.H.Inverse()
	if !ok {
		return b
	}
	left, top, right, bottom := -0.5, -0.5, float64(s.view.W)-0.5, float64(s.view.H)-0.5
	c := [4]geometry.Point{{X: left, Y: top}, {X: right, Y: top}, {X: right, Y: bottom}, {X: left, Y: bottom}}
	for i := range c {
		ends := 0
		for _, p := range s.profiles(inv, c[i], c[(i+1)%4]) {
			at, found := p.end()
			switch {
			case found == goesOn, found == endsHere && math.Abs(at) > edgeOff:
				b.against++
			case found == endsHere:
				ends++
				b.off += float64(at * at)
			}
		}
		b.ends += ends
		if ends > 0 {
			b.touched++
		}
		if ends >= minPieces {
			b.sides++
		}
	}
	b.off = math.Sqrt(b.off / float64(max(b.ends, 1)))
	return b
}

// A profile is the leak across a side, from inside to outside.
type profile [2*reach*perPixel + 1]float32

// A piece is the profiles of a sixth of a side, and how many pixels of each are the leak's beyond that side.
type piece struct {
	all  []profile
	room int
}

// profiles samples the leak across the side from a to b, canonical pixels, clockwise, and returns
// the pieces of that side. inv maps canonical pixels to pixels of the leak. Places with under
// minReach pixels of the leak outside are left out.
func (s *pose) profiles(inv geometry.Mat, a, b geometry.Point) (all [pieces]piece) {
	for i := range alongSide {
		u := sideMargin + float64((1-2*sideMargin)*(float64(i)+0.5)/alongSide)
		p := geometry.Point{X: a.X + float64(u*(b.X-a.X)), Y: a.Y + float64(u*(b.Y-a.Y))}
		if f, room := s.across(inv, p, b.X-a.X, b.Y-a.Y); room >= minReach {
			q := &all[i*pieces/alongSide]
			if q.all == nil || room < q.room {
				q.room = room
			}
			q.all = append(q.all, f)
		}
	}
	return all
}

// across samples the leak across a side of direction (dx, dy) at p. inv maps canonical pixels to
// pixels of the leak. room is how many pixels of the leak lie outside of that side, up to reach; it
// is 0 if too few lie inside. Samples beyond the edge of the leak are 0.
func (s *pose) across(inv geometry.Mat, p geometry.Point, dx, dy float64) (f profile, room int) {
	d := math.Hypot(dx, dy)
	q, out := inv.Apply(p), inv.Apply(geometry.Point{X: p.X + dy/d, Y: p.Y - dx/d})
	x, y := out.X-q.X, out.Y-q.Y
	long := math.Hypot(x, y)
	if !(long > 1e-6 && long < 1e6) {
		return f, 0
	}
	x, y = x/long, y/long
	w, h := float64(s.Leak.W-1), float64(s.Leak.H-1)
	for i := range f {
		t := float64(i-reach*perPixel) / perPixel
		px, py := q.X+float64(t*x), q.Y+float64(t*y)
		if !(px >= 0 && py >= 0 && px <= w && py <= h) {
			return f, max(0, i/perPixel-reach-1)
		}
		f[i] = between(s.Leak, px, py)
	}
	return f, reach
}

// between returns p at (x, y) by bilinear interpolation. The place must lie inside p.
func between(p dsp.Plane, x, y float64) float32 {
	ix, iy := min(int(x), p.W-2), min(int(y), p.H-2)
	fx, fy := float32(x-float64(ix)), float32(y-float64(iy))
	i := iy*p.W + ix
	a, b, c, d := p.Pix[i], p.Pix[i+1], p.Pix[i+p.W], p.Pix[i+p.W+1]
	t, u := a+float32(fx*(b-a)), c+float32(fx*(d-c))
	return t + float32(fy*(u-t))
}

// mean returns the mean of a profile between two places, pixels of the leak outward of the frame.
func (f *profile) mean(from, to int) float32 {
	sum := float32(0)
	for k := (reach + from) * perPixel; k <= (reach+to)*perPixel; k++ {
		sum += f[k]
	}
	return sum / float32((to-from)*perPixel+1)
}

// end returns whether the picture ends at a piece of a side, and at how many pixels of the leak
// outward of the frame; a negative number is inside. The finding is unseen with under half of the
// piece's places. It is goesOn if the outside is not of one colour.
func (p piece) end() (at float64, found finding) {
	n := len(p.all)
	if n < alongSide/pieces/2 {
		return 0, unseen
	}
	rim, off := make([]float32, n), make([]float32, n)
	for i := range p.all {
		f := &p.all[i]
		near, far := f.mean(edgeWidth, edgeWidth+1), f.mean(p.room-1, p.room)
		rim[i], off[i] = far-near, f.mean(edgeWidth, p.room)
	}
	level := middle(off)
	for i, v := range off {
		off[i] = max(v-level, level-v)
	}
	if m := middle(rim); max(m, -m) > surroundRim || dsp.Select(off, n*9/10) > surroundOff {
		return 0, goesOn
	}
	return p.edge(level)
}

func middle(x []float32) float32 {
	return dsp.Select(slices.Clone(x), len(x)/2)
}

// edge returns at how many pixels of the leak, outward of the frame, the profiles step to level; the finding is
// endsHere. level is the grey level of what surrounds the picture, and each profile is weighed by its step. The finding
// is unseen if too few profiles step, and goesOn if no place of the step is found.
func (p piece) edge(level float32) (at float64, found finding) {
	var sum profile
	weight := float32(0)
	for i := range p.all {
		f := &p.all[i]
		step := f.mean(-2*edgeWidth, -edgeWidth) - level
		if max(step, -step) < minStep {
			continue
		}
		g := min(max(step, -maxStep), maxStep)
		for k := range sum {
			sum[k] += float32(g * (f[k] - level))
		}
		weight += float32(g * step)
	}
	if weight < minStep*minStep*alongSide/pieces/2 {
		return 0, unseen
	}
	const mid = reach * perPixel
	last, half := (reach+p.room)*perPixel, weight/2
	for k := last; k > 0; k-- {
		if sum[k] < half && sum[k-1] >= half {
			t := (half - sum[k]) / (sum[k-1] - sum[k])
			return float64(float32(k)-t-mid) / perPixel, endsHere
		}
	}
	return 0, goesOn
}
