package dsp

import "math"

// A Line is a row of positions on a plane: the i-th is ((X u + X0) + X1, (Y u + Y0) + Y1) / (W u + W0) with u = U + i,
// in pixels whose centres lie on integers. Of a homography m along row v it is {X: m0, X0: m1 v + m2, Y: m3, Y0: m4 v +
// m5, W: m6, W0: m7 v + m8}.
type Line struct {
	X, X0, X1, Y, Y0, Y1, W, W0, U float64
}

// SampleCubic writes samples of p along l to dst by cubic convolution. Samples at positions that do
// not lie within 1 < x < W-3 and 1 < y < H-3 are 0, and all samples if a side of p is below 4.
func SampleCubic(dst []float32, p Plane, l Line) {
	walk := lineWalk{l, 1, 1, float64(p.W - 3), float64(p.H - 3)}
	sample(dst, p, walk, nil, ^uint32(0), 4)
}

// SampleCubicAt writes samples of p at the positions (x, y) to dst by cubic convolution. Samples at positions that do not
// lie within 1 <= x < W-2 and 1 <= y < H-2 are 0, and all samples if a side of p is below 4.
func SampleCubicAt(dst []float32, p Plane, x, y []float64) {
	if p.W < 4 || p.H < 4 {
		clear(dst)
		return
	}
	_ = p.Pix[p.W*p.H-1] // the kernels trust the size
	for len(dst) > 0 {
		var at linePositions
		n := min(len(dst), lineBlock)
		for i, x := range x[:n] {
			if y := y[i]; x >= 1 && y >= 1 && x < float64(p.W-2) && y < float64(p.H-2) {
				ix, iy := int(x), int(y)
				at.at[i], at.keep[i] = int32((iy-1)*p.W+ix-1), ^uint32(0)
				at.tx[i], at.ty[i] = float32(x-float64(ix)), float32(y-float64(iy))
			}
		}
		cubic(dst[:n], &at, p)
		dst, x, y = dst[n:], x[n:], y[n:]
	}
}

// SampleLinear is [SampleCubic] with bilinear interpolation. The same positions give 0.
func SampleLinear(dst []float32, p Plane, l Line) {
	walk := lineWalk{l, 1, 1, float64(p.W - 3), float64(p.H - 3)}
	sample(dst, p, walk, nil, ^uint32(0), 2)
}

// SampleRay writes samples of p by bilinear interpolation at (dx r, y0 + dy r) for the first len(dst) radii of r, each
// 0 or more. dx must not be negative. Samples outside of 0 <= x < W-2 and 1 < y < H-2 are 0.
func SampleRay(dst []float32, p Plane, r []float64, dx, y0, dy float64) {
	l := Line{X: dx, Y: dy, Y0: y0, W0: 1}
	sample(dst, p, lineWalk{l, -1, 1, float64(p.W - 2), float64(p.H - 2)}, r[:len(dst)], ^uint32(0), 2)
}

// A Torus is a plane that repeats, ready to be sampled anywhere.
type Torus struct {
	n      int
	padded Plane
}

// NewTorus prepares p, whose width and height must be the same power of two, for sampling. It
// copies p. It does not check the size.
func NewTorus(p Plane) Torus {
	const taps = 4
	t := Torus{p.W, NewPlane(p.W+taps-1, p.H+taps-1)}
	for y := range t.padded.H {
		src, dst := p.Row(y&(p.H-1)), t.padded.Row(y)
		copy(dst, src)
		for x := p.W; x < len(dst); x++ {
			dst[x] = src[x&(p.W-1)]
		}
	}
	return t
}

// SampleCubic samples the torus along l by cubic convolution. Positions are good to within 2^31 pixels.
func (t Torus) SampleCubic(dst []float32, l Line) {
	walk := lineWalk{l, math.Inf(-1), math.Inf(-1), math.Inf(1), math.Inf(1)}
	sample(dst, t.padded, walk, nil, uint32(t.n-1), 4)
}

// lineBlock positions are worked out before they are sampled.
const lineBlock = 64

// A lineWalk is a line and the bounds within which its positions are kept.
type lineWalk struct {
	Line
	lowX, lowY, highX, highY float64
}

// linePositions are where samples lie: the index of the first of 4 x 4 taps, the
// fractions behind the second one, and all bits set where they are kept.
type linePositions struct {
	at     [lineBlock]int32
	tx, ty [lineBlock]float32
	keep   [lineBlock]uint32
}

// sample writes a sample of p to each of dst, at the positions of walk, with taps x taps samples a position: 4 is
// cubic, 2 linear. u are the places on the line, nil for places that count up from walk.U. mask is the size of a torus
// less 1, and all bits for a plane that does not repeat. If a side of p is below 4, all samples are 0.
func sample(dst []float32, p Plane, walk lineWalk, u []float64, mask uint32, taps int) {
	if p.W < 4 || p.H < 4 {
		clear(dst)
		return
	}
	_ = p.Pix[p.W*p.H-1] // the kernels trust the size
	var at linePositions
	for len(dst) > 0 {
		n := min(len(dst), lineBlock)
		positions(&at, &walk, u, uint32(p.W), mask, n)
		if taps == 4 {
			cubic(dst[:n], &at, p)
		} else {
			linear(dst[:n], &at, p)
		}
		dst = dst[n:]
		if walk.U += float64(n); u != nil {
			u = u[n:]
		}
	}
}

// positions computes n <= lineBlock positions as indexes of a plane whose rows are stride samples long. They lie on the
// line at the places list or, if list is nil, at places that count up from l.U. Columns and rows are taken modulo
// mask+1. A position outside the bounds of l gets index 0, and no bit of keep.
func positions(p *linePositions, l *lineWalk, list []float64, stride, mask uint32, n int) {
	done := batched(n, 4)
	if done > 0 {
		var first *float64
		if list != nil {
			_, first = list[n-1], &list[0]
		}
		positionsAVX2(&p.at[0], &l.X, first, stride, mask, done, l.W == 0 && l.W0 == 1)
	}
	for i := done; i < n; i++ {
		u := l.U + float64(i)
		if list != nil {
			u = list[i]
		}
		w := float64(l.W*u) + l.W0
		x, y := (float64(l.X*u)+l.X0+l.X1)/w, (float64(l.Y*u)+l.Y0+l.Y1)/w
		if !(x > l.lowX && y > l.lowY && x < l.highX && y < l.highY) {
			p.at[i], p.keep[i] = 0, 0
			continue
		}
		fx, fy := math.Floor(x), math.Floor(y)
		p.tx[i], p.ty[i] = float32(x-fx), float32(y-fy)
		ix, iy := uint32(int32(fx)-1)&mask, uint32(int32(fy)-1)&mask
		p.at[i], p.keep[i] = int32(iy*stride+ix), ^uint32(0)
	}
}

// batches calls kernel for len(dst) samples rounded up to a multiple of eight. If that is more than
// dst has, kernel writes to a block with room, from which the samples of dst are copied. The
// positions behind dst are set to index 0. len(dst) is 1 to lineBlock.
func batches(dst []float32, at *linePositions, kernel func(dst *float32, n int)) {
	n := (len(dst) + 7) &^ 7
	if n == len(dst) {
		kernel(&dst[0], n)
		return
	}
	var block [lineBlock]float32
	clear(at.at[len(dst):n])
	kernel(&block[0], n)
	copy(dst, block[:])
}

// cubic writes a sample of p for each position by cubic convolution, and 0 for a position that is not kept.
func cubic(dst []float32, at *linePositions, p Plane) {
	if avx2 {
		batches(dst, at, func(dst *float32, n int) { cubicAVX2(dst, &at.at[0], &p.Pix[0], p.W, n) })
		return
	}
	for i := range dst {
		if at.keep[i] == 0 {
			dst[i] = 0
			continue
		}
		wx, wy := Bicubic(at.tx[i]), Bicubic(at.ty[i])
		var sum float32
		k := int(at.at[i])
		for j := range 4 {
			r := p.Pix[k : k+4 : k+4]
			v := float32(wx[0]*r[0]) + float32(wx[1]*r[1]) + float32(wx[2]*r[2]) + float32(wx[3]*r[3])
			sum += float32(wy[j] * v)
			k += p.W
		}
		dst[i] = sum
	}
}

// linear writes a sample of p for each position, and 0 for a position that is not kept. It
// interpolates between the inner two of four taps in both directions.
func linear(dst []float32, at *linePositions, p Plane) {
	if avx2 {
		batches(dst, at, func(dst *float32, n int) { linearAVX2(dst, &at.at[0], &p.Pix[p.W+1], p.W, n) })
		return
	}
	for i := range dst {
		if at.keep[i] == 0 {
			dst[i] = 0
			continue
		}
		a, b := at.tx[i], at.ty[i]
		k := int(at.at[i]) + p.W + 1
		t := p.Pix[k] + float32(a*(p.Pix[k+1]-p.Pix[k]))
		k += p.W
		u := p.Pix[k] + float32(a*(p.Pix[k+1]-p.Pix[k]))
		dst[i] = t + float32(b*(u-t))
	}
}

// Bicubic returns the four weights of cubic convolution with a = -3/4 (Keys,
// 1981) for a sample at fraction t in [0, 1) behind the second of four.
func Bicubic(t float32) [4]float32 {
	const a = -0.75
	u := 1 + t
	w0 := float32(float32(float32(float32(float32(a*u)-5*a)*u)+8*a)*u) - 4*a
	w1 := float32(float32(float32((a+2)*t)-(a+3))*float32(t*t)) + 1
	v := 1 - t
	w2 := float32(float32(float32((a+2)*v)-(a+3))*float32(v*v)) + 1
	return [4]float32{w0, w1, w2, 1 - w0 - w1 - w2}
}
