// Package compare says whether two pictures show the same capture, or two that
// merely look alike: cards of one template, scenes from one chair.
//
// A perceptual hash is too coarse for that: it sees a card, not whose. So the leak
// is registered to the original (Gauss-Newton on an affine map over an image
// pyramid, with gain and offset free and outliers weighed down: Lucas and Kanade,
// 1981; Baker and Matthews, 2004), and then compared block by block, by normalised
// correlation of what is left after the coarse shades are taken away. On the same
// capture blocks agree wherever there is something to see; on a lookalike they
// agree on the template and disagree on portrait and text.
//
// All sums run in a fixed order and no product is fused with a sum, so that the
// same pictures give the same answer on every machine.
package compare

import (
	"image"
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
)

// Sides of the pyramid's levels, pixels of the long side.
const (
	fullSide  = 512
	leastSide = 32
)

// A Picture is a picture made ready for comparing. It is immutable.
type Picture struct {
	w, h   int         // of the picture itself, pixels
	levels []dsp.Plane // luma, each level half as large as the one before it
}

// New readies a picture: luma at a long side of at most 512 pixels and below.
func New(img *image.NRGBA) *Picture {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	p := &Picture{w: w, h: h}
	lw, lh := fit(w, h, fullSide)
	level := dsp.ShrinkNRGBA(img, lw, lh).Luma()
	for {
		p.levels = append(p.levels, level)
		if max(level.W, level.H)/2 < leastSide || min(level.W, level.H) < 8 {
			return p
		}
		level = dsp.Halve(level)
	}
}

// Size returns the size of the picture itself, pixels.
func (p *Picture) Size() (w, h int) { return p.w, p.h }

func fit(w, h, side int) (int, int) {
	long := max(w, h)
	if long <= side {
		return w, h
	}
	return max(1, (w*side+long/2)/long), max(1, (h*side+long/2)/long)
}

// toLevel maps pixels of the picture to pixels of a level.
func (p *Picture) toLevel(level int) geometry.Mat {
	l0 := p.levels[0]
	m := geometry.PixelScale(float64(l0.W)/float64(p.w), float64(l0.H)/float64(p.h))
	for range level {
		m = geometry.PixelScale(0.5, 0.5).Mul(m)
	}
	return m
}

// A Result is how a leak compares with an original. Blocks are squares of the
// original, 16 pixels wide where its long side is 512; only those with detail
// (print, hair, edges) count.
type Result struct {
	Textured int          // blocks of the original
	Seen     int          // of these, inside the leak's frame
	Burnt    int          // of these, black or white in the leak alone: over- or underexposed
	Hidden   int          // of the rest, without detail in the leak: covered or blurred away
	Agree    int          // of the rest, showing the same detail
	Differ   int          // of the rest, not quite the same detail
	Opposed  int          // of these, showing other detail
	Side     int          // long side of the level that was compared, pixels
	Median   float64      // correlation of the agreeing and differing blocks, -1..1
	Map      geometry.Mat // registration: original pixels to leak pixels
}

// An Answer is what a comparison says.
type Answer uint8

const (
	Undecided Answer = iota // too little to see, too much hidden, or in between
	Same                    // the same capture, as far as can be seen
	Different               // aligned, but other detail in places: a lookalike, or edited
	Unrelated               // the pictures do not align
)

// Limits of the answers. TestStudy counts what they give, for pairs whose hashes
// lie within 64 bits. Specimens of five templates through twelve attacks: the same
// document was Same in 60 of 60, another person's in 0 of 412 (408 Different). The
// 22 documents of the project's test pictures through all 63 attacks: Same in 800 of
// 846, Undecided in 11, Different in 35, nearly all of them stamps and perspective.
const (
	leastBlocks   = 24    // that must be comparable
	leastMedian   = 0.6   // below this nothing aligns
	sameShare     = 0.015 // of blocks that may differ in the same capture
	opposedShare  = 0.01  // of blocks that must be opposed in another one, and two at least
	mostHidden    = 0.15  // of the blocks in the frame, in the same capture
	leastShown    = 0.25  // of the blocks in the frame that must be comparable
	leastSeenSide = 128   // pixels of the long side below which nothing is decided
)

// Answer weighs the counts.
func (r Result) Answer() Answer {
	n := float64(r.Agree + r.Differ)
	switch {
	case n < leastBlocks || n < leastShown*float64(r.Seen) || r.Side < leastSeenSide:
		return Undecided
	case r.Median < leastMedian:
		return Unrelated
	case r.Opposed >= 2 && float64(r.Opposed) > opposedShare*n:
		return Different
	case float64(r.Differ) <= sameShare*n && float64(r.Hidden) <= mostHidden*float64(r.Seen):
		return Same
	}
	return Undecided
}

// Score is the share of the comparable blocks that agree, 0..1.
func (r Result) Score() float64 {
	if n := r.Agree + r.Differ; n > 0 {
		return float64(r.Agree) / float64(n)
	}
	return 0
}

// Stretch is the start for two pictures of the same framing: the one stretched over
// the other.
func Stretch(orig, leak *Picture) geometry.Mat {
	return geometry.PixelScale(float64(leak.w)/float64(orig.w), float64(leak.h)/float64(orig.h))
}

// Pair registers leak to orig from a start (original pixels to leak pixels) and
// compares them.
func Pair(orig, leak *Picture, start geometry.Mat) Result {
	m := register(orig, leak, start)
	r := blocks(orig, leak, m)
	if r.Median < leastMedian && m != start {
		if at := blocks(orig, leak, start); at.Median > r.Median {
			return at // registering went astray, as it does where much is covered
		}
	}
	return r
}

// scaleOf is the local scale of a map in the middle of a picture.
func scaleOf(m geometry.Mat, w, h float64) float64 {
	c := m.Apply(geometry.Point{X: w / 2, Y: h / 2})
	a := m.Apply(geometry.Point{X: w/2 + 1, Y: h / 2})
	b := m.Apply(geometry.Point{X: w / 2, Y: h/2 + 1})
	det := float64((a.X-c.X)*(b.Y-c.Y)) - float64((a.Y-c.Y)*(b.X-c.X))
	return math.Sqrt(math.Abs(det))
}

// warped samples the leak over the frame of one level of the original under m
// (picture pixels to picture pixels), from the leak's level of the nearest scale.
// Outside the leak the mask is false and the sample the nearest at its edge.
func warped(orig *Picture, level int, leak *Picture, m geometry.Mat) (out dsp.Plane, mask []bool, toLeak geometry.Mat) {
	inv, ok := orig.toLevel(level).Inverse()
	t := orig.levels[level]
	out, mask = dsp.NewPlane(t.W, t.H), make([]bool, len(t.Pix))
	if !ok {
		return out, mask, geometry.Identity()
	}
	m = m.Mul(inv) // original's level to leak pixels
	best, bestMiss := 0, math.Inf(1)
	for i := range leak.levels {
		s := scaleOf(leak.toLevel(i).Mul(m), float64(t.W), float64(t.H))
		if miss := math.Abs(math.Log2(math.Max(s, 1e-9))); miss < bestMiss {
			best, bestMiss = i, miss
		}
	}
	toLeak = leak.toLevel(best).Mul(m)
	src := leak.levels[best]
	for y := range t.H {
		for x := range t.W {
			p := toLeak.Apply(geometry.Point{X: float64(x), Y: float64(y)})
			out.Pix[y*t.W+x], mask[y*t.W+x] = bilinear(src, p.X, p.Y)
		}
	}
	return out, mask, toLeak
}

// bilinear samples p, beyond its frame at the nearest edge. It reports whether the
// position lies within a pixel of the frame.
func bilinear(p dsp.Plane, x, y float64) (float32, bool) {
	right, bottom := float64(p.W-1), float64(p.H-1)
	in := x >= -1 && y >= -1 && x <= right+1 && y <= bottom+1
	x, y = min(max(x, 0), right), min(max(y, 0), bottom)
	if math.IsNaN(x) || math.IsNaN(y) {
		return 0, false
	}
	ix, iy := min(int(x), max(p.W-2, 0)), min(int(y), max(p.H-2, 0))
	fx, fy := float32(x-float64(ix)), float32(y-float64(iy))
	i := iy*p.W + ix
	dx, dy := min(1, p.W-1), p.W*min(1, p.H-1)
	a := float32(p.Pix[i]*(1-fx)) + float32(p.Pix[i+dx]*fx)
	b := float32(p.Pix[i+dy]*(1-fx)) + float32(p.Pix[i+dy+dx]*fx)
	return float32(a*(1-fy)) + float32(b*fy), in
}

// Overlap is the share of the original that lies on the leak under m (original
// pixels to leak pixels), or the share of the leak that lies on the original,
// whichever is more.
func Overlap(orig, leak *Picture, m geometry.Mat) float64 {
	inv, ok := m.Inverse()
	if !ok {
		return 0
	}
	return math.Max(inside(orig, leak, m), inside(leak, orig, inv))
}

// inside is the share of a grid on one picture that m maps onto the other.
func inside(from, onto *Picture, m geometry.Mat) float64 {
	const n = 16
	in := 0
	for j := range n {
		for i := range n {
			p := m.Apply(geometry.Point{X: (float64(i) + 0.5) / n * float64(from.w), Y: (float64(j) + 0.5) / n * float64(from.h)})
			if p.X >= 0 && p.Y >= 0 && p.X < float64(onto.w) && p.Y < float64(onto.h) {
				in++
			}
		}
	}
	return float64(in) / (n * n)
}
