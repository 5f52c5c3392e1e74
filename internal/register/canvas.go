package register

import (
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
)

// ground returns which pixels of p are the canvas that a picture was turned on, or nil. Such a picture
// touches each side with one corner. The four corners of the canvas are triangles of one level, which show
// nothing of the picture. Nothing else is taken for a canvas. Where the picture has the level of the canvas,
// its corner is not seen, and is placed as in a rectangle.
func ground(p dsp.Plane) []bool {
	w, h := p.W-1, p.H-1
	corners := [5][2]int{{0, 0}, {w, 0}, {w, h}, {0, h}, {0, 0}} // clockwise
	lengths := [4]int{w, h, w, h}
	level := p.Pix[0]
	var touches [4]int // where the picture touches each side, pixels from the side's first corner; -1: not seen
	for i, length := range lengths {
		before, behind := leg(p, corners[i], corners[i+1], level), leg(p, corners[i+1], corners[i], level)
		switch { // the shorter leg ends at a steep edge, the longer one fades out
		case before+behind > length:
			touches[i] = -1
		case before > behind:
			touches[i] = length - behind
		default:
			touches[i] = before
		}
	}
	for i := range touches {
		if touches[i] < 0 {
			touches[i] = touches[(i+2)&3]
		}
	}
	switch {
	case touches[0] < 0 && touches[1] < 0:
		return nil
	case touches[0] >= 0 && touches[1] >= 0:
		return corner(p, level, touches)
	}
	// For the legs a and b on one side, and c and d on the next, a b = c d: the triangles are similar.
	upright := touches[0] < 0 // only the upright sides are known
	known, length, side := touches[0], lengths[0], lengths[1]
	if upright {
		known, length, side = touches[1], lengths[1], lengths[0]
	}
	root := math.Sqrt(max(0, float64(side*side)/4-float64(known*(length-known))))
	for _, sign := range []float64{-1, 1} {
		at := int(math.Round(float64(side)/2 + float64(sign*root)))
		all := [4]int{touches[0], at, touches[2], at}
		if upright {
			all = [4]int{at, touches[1], at, touches[3]}
		}
		if found := corner(p, level, all); found != nil {
			return found
		}
	}
	return nil
}

// corner returns the pixels of the four triangles beside a picture that touches the sides of p there, as in
// [ground]. It returns nil unless they are of one level.
func corner(p dsp.Plane, level float32, touches [4]int) []bool {
	w, h := p.W-1, p.H-1
	lengths := [4]int{w, h, w, h}
	out := make([]bool, len(p.Pix))
	for i := range touches {
		along, up := touches[i], lengths[(i+3)&3]-touches[(i+3)&3] // on this side, and on the side before
		if min(along, up) < minLeg {
			return nil
		}
		if i&1 == 1 {
			along, up = up, along
		}
		x0, y0 := w*(((i+1)&3)/2), h*(i/2)
		off, all := 0, 0
		for y := range min(up+groundRim, h) + 1 {
			for x := range min(along+groundRim, w) + 1 {
				// The distance from the picture's edge, pixels; below 0 beside the picture.
				d := (float64(x*up) + float64(y*along) - float64(along*up)) / math.Hypot(float64(along), float64(up))
				if d > groundRim {
					break
				}
				at := abs(y0-y)*p.W + abs(x0-x)
				if out[at] = true; d < -groundRim {
					if all++; differs(p.Pix[at], level, groundRinging) {
						off++
					}
				}
			}
		}
		if float64(off) > maxOff*float64(all) {
			return nil
		}
	}
	return out
}

// leg returns for how many pixels p has a level from one of its corners on, on the way to another.
func leg(p dsp.Plane, from, to [2]int, level float32) int {
	n := max(abs(to[0]-from[0]), abs(to[1]-from[1]))
	for i := range n {
		if differs(p.Pix[(from[1]+(to[1]-from[1])*i/n)*p.W+from[0]+(to[0]-from[0])*i/n], level, groundLevel) {
			return i
		}
	}
	return n
}

func differs(v, level, by float32) bool { return v-level > by || level-v > by }

func abs(i int) int { return max(i, -i) }

// continued returns leak t and original o, both continued beside the original as they end near its edge. The high-pass
// of a pixel in the original then sees nothing of what surrounds the picture: a page, a frame, a desk. m maps pixels of
// t to pixels of o. Pixels within rim of the edge are replaced too, because m may be off by as much. made says which
// pixels of leak were replaced. If hardly any of t lies beside the original, continued returns t, o and nil.
func continued(t, o dsp.Plane, m geometry.Mat) (leak, original dsp.Plane, made []bool) {
	back, ok := m.Inverse()
	right, bottom := float32(o.W-1), float32(o.H-1)
	x, y := positions(m, t.W, t.H)
	within := func(i int, d float32) bool {
		u, v := x.Pix[i], y.Pix[i]
		return u >= d && v >= d && u <= right-d && v <= bottom-d
	}
	around := 0
	for i := range x.Pix {
		if !within(i, -rim) {
			around++
		}
	}
	if !ok || around*minSurround < len(x.Pix) {
		return t, o, nil
	}
	leak, made = t.Clone(), make([]bool, len(t.Pix))
	for i, u := range x.Pix {
		if within(i, rim) {
			continue
		}
		made[i] = true
		p := back.Apply(geometry.Point{X: float64(min(max(u, rim), right-rim)), Y: float64(min(max(y.Pix[i], rim), bottom-rim))})
		if px, py := min(max(p.X, 0), float64(t.W-1)), min(max(p.Y, 0), float64(t.H-1)); px >= 0 && py >= 0 {
			leak.Pix[i] = t.Row(int(py + 0.5))[int(px+0.5)]
		}
	}
	original = dsp.NewPlane(o.W, o.H)
	for v := range o.H {
		from, to := o.Row(min(max(v, rim), o.H-1-rim)), original.Row(v)
		for u := range to {
			to[u] = from[min(max(u, rim), o.W-1-rim)]
		}
	}
	return leak, original, made
}

// resize returns p at w x h: area means to shrink, cubic convolution to enlarge.
func resize(p dsp.Plane, w, h int) dsp.Plane {
	if w <= p.W && h <= p.H {
		return dsp.Shrink(p, w, h)
	}
	return dsp.Enlarged(p, w, h)
}

// warp returns p sampled at w x h positions by bilinear interpolation. m maps pixels of the result
// to pixels of p. A position that is not more than a pixel inside of p gives 0.
func warp(p dsp.Plane, m geometry.Mat, w, h int) dsp.Plane {
	out := dsp.NewPlane(w, h)
	warpTo(out, p, m)
	return out
}

func warpTo(out, p dsp.Plane, m geometry.Mat) {
	dsp.Shared(out.H, 4*len(out.Pix), func(from, to int) {
		for y := from; y < to; y++ {
			dsp.SampleLinear(out.Row(y), p, row(m, y))
		}
	})
}

func row(m geometry.Mat, y int) dsp.Line {
	v := float64(y)
	return dsp.Line{X: m[0], X0: float64(m[1]*v) + m[2], Y: m[3], Y0: float64(m[4]*v) + m[5], W: m[6], W0: float64(m[7]*v) + m[8]}
}

// flatten returns p with local contrast brought to a fixed level around 128, for dark or washed-out leaks.
func flatten(p dsp.Plane) dsp.Plane {
	z := dsp.HighPass(p, 12)
	power := dsp.Gauss(dsp.Product(z, z), 12)
	for i, v := range z.Pix {
		z.Pix[i] = float32(v/sqrt32(power.Pix[i]+1)*25) + 128
	}
	return z
}

func negative(p dsp.Plane) dsp.Plane {
	out := dsp.NewPlane(p.W, p.H)
	for i, v := range p.Pix {
		out.Pix[i] = 255 - v
	}
	return out
}

func sqrt32(v float32) float32 { return float32(math.Sqrt(float64(v))) }

// scaleOf returns pixels of a w x h picture per pixel that m maps it to: the root of the areas'
// ratio. An area under one pixel counts as one.
func scaleOf(m geometry.Mat, w, h int) float64 {
	c := m.Corners(float64(w), float64(h))
	area := 0.0
	for i := range c {
		n := c[(i+1)&3]
		area += float64(c[i].X*n.Y) - float64(c[i].Y*n.X)
	}
	return math.Sqrt(float64(w) * float64(h) / math.Max(math.Abs(area)/2, 1))
}

func scaleTo(a, b dsp.Plane) geometry.Mat {
	return geometry.PixelScale(float64(b.W)/float64(a.W), float64(b.H)/float64(a.H))
}

// remap writes to dst the values of p at positions xs and ys, by bilinear interpolation. Positions beyond an edge are
// moved onto it. seen becomes true for positions more than two pixels inside of p. p must be 2 x 2 pixels or more.
func remap(dst dsp.Plane, seen []bool, p, xs, ys dsp.Plane) {
	right, bottom := float32(p.W-1), float32(p.H-1)
	dsp.Shared(len(dst.Pix), 4*len(dst.Pix), func(from, to int) {
		out, xs, ys := dst.Pix[:to], xs.Pix[:to], ys.Pix[:to]
		for i := from; i < to; i++ {
			x, y := xs[i], ys[i]
			seen[i] = x > 2 && y > 2 && x < right-2 && y < bottom-2
			x, y = inside(x, right), inside(y, bottom)
			ix, iy := min(int(x), p.W-2), min(int(y), p.H-2)
			fx, fy := x-float32(ix), y-float32(iy)
			a := p.Pix[iy*p.W+ix : iy*p.W+ix+2 : iy*p.W+ix+2]
			b := p.Pix[iy*p.W+p.W+ix : iy*p.W+p.W+ix+2]
			t := a[0] + float32(fx*(a[1]-a[0]))
			u := b[0] + float32(fx*(b[1]-b[0]))
			out[i] = t + float32(fy*(u-t))
		}
	})
}

// inside moves v into 0..end, and NaN to 0.
func inside(v, end float32) float32 {
	switch {
	case !(v >= 0):
		return 0
	case v > end:
		return end
	}
	return v
}
