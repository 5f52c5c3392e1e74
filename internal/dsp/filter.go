package dsp

import "math"

// Box returns the mean over the n x n window around each sample, n odd, as a new plane. The picture
// is mirrored at its edges, also more than once if n is larger than the picture.
func Box(p Plane, n int) Plane {
	out := NewPlane(p.W, p.H)
	Shared((p.W+Lanes-1)/Lanes, 4*len(p.Pix), func(from, to int) {
		for x := from * Lanes; x < min(to*Lanes, p.W); x += Lanes {
			boxBlock(out, p, x, min(Lanes, p.W-x), n)
		}
	})
	boxRows(out, n)
	return out
}

// boxRows replaces each row of p by the means over n samples along it, n odd, mirrored at its ends.
// It transposes Lanes rows at a time for boxBlock.
func boxRows(p Plane, n int) {
	Shared((p.H+Lanes-1)/Lanes, 4*len(p.Pix), func(from, to int) {
		in, mean := NewPlane(Lanes, p.W), NewPlane(Lanes, p.W)
		for y := from * Lanes; y < min(to*Lanes, p.H); y += Lanes {
			rows := min(Lanes, p.H-y)
			block := p.Pix[y*p.W : (y+rows)*p.W]
			IntoColumns(in.Pix, block, p.W, rows)
			boxBlock(mean, in, 0, Lanes, n)
			IntoRows(block, mean.Pix, p.W, rows)
		}
	})
}

// boxBlock writes the means over n samples down the columns [x, x+lanes) of p to the same columns of out. n is odd,
// lanes at most Lanes, and columns are mirrored at their ends. out must have the size of p and not be p.
func boxBlock(out, p Plane, x, lanes, n int) {
	var sum [Lanes]float64
	r, g := n/2, 1/float64(n)
	for k := -r; k <= r; k++ {
		for i, v := range p.Row(mirror(k, p.H))[x : x+lanes] {
			sum[i] += float64(v)
		}
	}
	step := func(from, to, add, addStep, sub, subStep int) {
		if from < to {
			boxSteps(&sum, lanes, to-from, g, boxRow{out, x, from, 1}, boxRow{p, x, add, addStep}, boxRow{p, x, sub, subStep})
		}
	}
	if p.H <= 2*r+1 { // rows are mirrored more than once
		for y := range p.H {
			step(y, y+1, mirror(y+r+1, p.H), 1, mirror(y-r, p.H), 1)
		}
		return
	}
	step(0, r, r+1, 1, r-1, -1)
	step(r, p.H-r-1, 2*r+1, 1, 0, 1)
	step(p.H-r-1, p.H, p.H-1, -1, p.H-2*r-1, 1)
}

// A boxRow is where a kernel reads or writes: from row y on, step rows on each time.
type boxRow struct {
	Plane
	x, y, step int
}

func (b boxRow) at(i, lanes int) []float32 {
	k := (b.y+i*b.step)*b.W + b.x
	return b.Pix[k : k+lanes : k+lanes]
}

// boxSteps writes n rows of means, the sums times g, to dst. After each row it adds the row of add to the sums and
// takes the row of sub away. sum holds the sums of lanes columns and is brought up to date.
func boxSteps(sum *[Lanes]float64, lanes, n int, g float64, dst, add, sub boxRow) {
	if avx2 && lanes == Lanes {
		for _, b := range [...]boxRow{dst, add, sub} {
			_, _ = b.at(0, lanes), b.at(n-1, lanes)
		}
		boxAVX2(&sum[0], &dst.at(0, lanes)[0], dst.step*dst.W, &add.at(0, lanes)[0], add.step*add.W, &sub.at(0, lanes)[0], sub.step*sub.W, n, g)
		return
	}
	for i := range n {
		d, a, s := dst.at(i, lanes), add.at(i, lanes), sub.at(i, lanes)
		for x := range d {
			d[x] = float32(sum[x] * g)
			sum[x] += float64(a[x]) - float64(s[x])
		}
	}
}

// IntoColumns writes up to Lanes rows of w samples, packed in src, as columns of dst, which has
// Lanes floats a row and w rows. Columns of dst from rows on keep what they had.
func IntoColumns(dst, src []float32, w, rows int) {
	for top := 0; top < rows; top += batch {
		done := 0
		if top+batch <= rows {
			if done = batched(w, 8); done > 0 {
				_, _ = dst[top+(done-1)*Lanes+batch-1], src[(top+batch)*w-1]
				intoColumnsAVX2(&dst[top], &src[top*w], w, done)
			}
		}
		for y := top; y < min(top+batch, rows); y++ {
			for x := done; x < w; x++ {
				dst[x*Lanes+y] = src[y*w+x]
			}
		}
	}
}

// IntoRows undoes [IntoColumns]: it writes the first rows columns of src, which has Lanes floats a
// row and w rows, as packed rows of w samples to dst.
func IntoRows(dst, src []float32, w, rows int) {
	done := 0
	if rows == Lanes {
		done = batched(w, 8)
	}
	if done > 0 {
		_, _ = src[done*Lanes-1], dst[Lanes*w-1]
		intoRowsAVX2(&dst[0], w, &src[0], done)
		intoRowsAVX2(&dst[Lanes/2*w], w, &src[Lanes/2], done)
	}
	for y := range rows {
		for x := done; x < w; x++ {
			dst[y*w+x] = src[x*Lanes+y]
		}
	}
}

// mirror returns the index in [0, n) that i of any size falls on if the samples are mirrored at
// their ends: ...cba|abc...xyz|zyx... n must be 1 or more.
func mirror(i, n int) int {
	for i < 0 || i >= n {
		if i < 0 {
			i = -1 - i
		} else {
			i = 2*n - 1 - i
		}
	}
	return i
}

// Gauss is [Lazy.Gauss] of a plane.
func Gauss(p Plane, sigma float64) Plane { return p.Lazy().Gauss(sigma) }

// Gauss returns l blurred by a Gaussian with a standard deviation of sigma > 0 samples, cut off at
// four sigma, as a new plane. The picture is mirrored at its edges.
func (l Lazy) Gauss(sigma float64) Plane {
	out, kernel := NewPlane(l.W, l.H), gaussKernel(sigma)
	l = l.ready()
	Shared(l.H, l.W*l.H*2*len(kernel), func(from, to int) {
		g := newGaussian(l, kernel)
		for y := from; y < to; y++ {
			g.row(y, out.Row(y))
		}
	})
	return out
}

// HighPass returns p less its [Gauss].
func HighPass(p Plane, sigma float64) Plane { return p.Less(Gauss(p, sigma)) }

// A gaussian blurs a plane row by row.
type gaussian struct {
	src               *rows
	h                 int // rows
	kernel, line, pad []float32
	offsets           []int64
}

func newGaussian(l Lazy, k []float32) *gaussian {
	return &gaussian{l.rows(2*len(k) - 1), l.H, k, make([]float32, l.W), make([]float32, l.W+2*(len(k)-1)), make([]int64, 2*len(k))}
}

// row writes row y of the blurred plane to dst, which has the plane's width. Rows may come in any
// order, since nothing is kept between them. The memory is shared: one call at a time.
func (g *gaussian) row(y int, dst []float32) {
	r := len(g.kernel) - 1
	for i := range g.kernel {
		g.offsets[2*i], g.offsets[2*i+1] = int64(g.src.at(mirror(y-i, g.h))), int64(g.src.at(mirror(y+i, g.h)))
	}
	symmetric(g.line, g.src.pix, g.offsets, g.kernel)
	mirrorRow(g.pad, g.line, r)
	for i := range g.kernel {
		g.offsets[2*i], g.offsets[2*i+1] = int64(r-i), int64(r+i)
	}
	symmetric(dst, g.pad, g.offsets, g.kernel)
}

func Product(a, b Plane) Plane {
	out := NewPlane(a.W, a.H)
	for i, v := range a.Pix {
		out.Pix[i] = float32(v * b.Pix[i])
	}
	return out
}

// symmetric writes to dst[x] the sum of src around x, weighted by k. k[0] is the weight of the sample at x plus offsets[0].
// k[i] is the weight of the two samples at x plus offsets[2i] and offsets[2i+1]. All of them must lie in src.
func symmetric(dst, src []float32, offsets []int64, k []float32) {
	n := 0
	if len(k) > 1 {
		n = batched(len(dst), 16)
	}
	if n > 0 { // the last samples are done again if they are not sixteen
		symmetricAVX2(&dst[0], &src[0], &offsets[0], &k[0], len(k), n)
		if last := len(dst) - 16; n < len(dst) {
			symmetricAVX2(&dst[last], &src[last], &offsets[0], &k[0], len(k), 16)
		}
		return
	}
	for x := range dst {
		sum := float32(k[0] * src[x+int(offsets[0])])
		for i := 1; i < len(k); i++ {
			sum += float32(k[i] * (src[x+int(offsets[2*i])] + src[x+int(offsets[2*i+1])]))
		}
		dst[x] = sum
	}
}

// Symmetric64 writes to dst[x] the sum of src around x, weighted by k, as symmetric does in single precision: k[0] is the weight
// of the sample at x plus offsets[0], and k[i] of the two at x plus offsets[2i] and offsets[2i+1]. It panics if a sample does
// not lie in src. k has two weights or more.
func Symmetric64(dst, src []float64, offsets []int64, k []float64) {
	if len(dst) == 0 {
		return
	}
	for _, o := range offsets[:2*len(k)] {
		_ = src[o : int(o)+len(dst)]
	}
	n := batched(len(dst), 8)
	if n > 0 {
		symmetric64AVX2(&dst[0], &src[0], &offsets[0], &k[0], len(k), n)
	}
	for x := n; x < len(dst); x++ {
		sum := float64(k[0] * src[x+int(offsets[0])])
		for i := 1; i < len(k); i++ {
			sum += float64(k[i] * (src[x+int(offsets[2*i])] + src[x+int(offsets[2*i+1])]))
		}
		dst[x] = sum
	}
}

// Level divides p by the root of its local mean square plus quiet, in place, and cuts the quotients at limit. The local mean
// is a Gaussian of sigma samples. room has the size of p, and takes the squares.
func Level(p, room Plane, sigma, quiet float64, limit float32) {
	for i, v := range p.Pix {
		room.Pix[i] = float32(v * v)
	}
	kernel := gaussKernel(sigma)
	Shared(p.H, len(p.Pix)*2*len(kernel), func(from, to int) {
		g, mean := newGaussian(room.Lazy(), kernel), make([]float32, p.W)
		for y := from; y < to; y++ {
			g.row(y, mean)
			levelRow(p.Row(y), mean, quiet, limit)
		}
	})
}

// levelRow divides p by the roots of squares plus quiet, and cuts the quotients at limit.
func levelRow(p, squares []float32, quiet float64, limit float32) {
	squares = squares[:len(p)]
	n := batched(len(p), 4)
	if n > 0 {
		levelAVX2(&p[0], &squares[0], quiet, limit, n)
	}
	for x := n; x < len(p); x++ {
		p[x] = min(max(float32(float64(p[x])/(math.Sqrt(float64(squares[x]))+quiet)), -limit), limit)
	}
}

// gaussKernel returns the weights of the centre and of one side of a Gaussian of sigma > 0 samples. The side reaches
// out to four sigma, one sample or more. The weights of both sides and the centre sum to 1.
func gaussKernel(sigma float64) []float32 {
	r := max(1, int(4*sigma+0.5))
	k := make([]float64, r+1)
	sum := 0.0
	for i := range k {
		k[i] = Exp(-float64(i*i) / (2 * float64(sigma*sigma)))
		sum += k[i]
		if i > 0 {
			sum += k[i]
		}
	}
	out := make([]float32, r+1)
	for i := range k {
		out[i] = float32(k[i] / sum)
	}
	return out
}

// Erode returns the minimum over n x n windows, n odd, cut at the edges.
func Erode(p Plane, n int) Plane { return extreme(p, n, false) }

// Dilate returns the maximum over n x n windows, n odd, cut at the edges.
func Dilate(p Plane, n int) Plane { return extreme(p, n, true) }

// extreme returns the maximum, or the minimum if maximum is false, over the n x n window around
// each sample, n odd. Windows are cut at the edges. p is not changed.
func extreme(p Plane, n int, maximum bool) Plane {
	tmp, out, r := NewPlane(p.W, p.H), NewPlane(p.W, p.H), n/2
	for y := range p.H {
		src, dst := p.Row(y), tmp.Row(y)
		copy(dst, src)
		for k := 1; k <= min(r, p.W-1); k++ {
			beyond(dst[k:], src, maximum)
			beyond(dst, src[k:], maximum)
		}
	}
	for y := range p.H {
		dst := out.Row(y)
		copy(dst, tmp.Row(y))
		for j := max(0, y-r); j < min(p.H, y+r+1); j++ {
			beyond(dst, tmp.Row(j), maximum)
		}
	}
	return out
}

// beyond sets each sample of dst to the larger of itself and that of src, or to the smaller if
// maximum is false. It does so over the length of the shorter; the rest of dst stays.
func beyond(dst, src []float32, maximum bool) {
	n := min(len(dst), len(src))
	dst, src = dst[:n], src[:n]
	from := batched(n, 8)
	switch {
	case from == 0:
	case maximum:
		maxAVX2(&dst[0], &src[0], from)
	default:
		minAVX2(&dst[0], &src[0], from)
	}
	if maximum {
		for x := from; x < n; x++ {
			if src[x] > dst[x] {
				dst[x] = src[x]
			}
		}
		return
	}
	for x := from; x < n; x++ {
		if src[x] < dst[x] {
			dst[x] = src[x]
		}
	}
}

// Gradients returns the change of p per sample to the right and downwards, in the units of p: the operator of Sobel
// over 8. Samples beyond an edge count like the samples on the edge. Both planes are new and have the size of p.
func Gradients(p Plane) (right, down Plane) {
	right, down = NewPlane(p.W, p.H), NewPlane(p.W, p.H)
	smooth, diff := make([]float32, p.W+2), make([]float32, p.W+2)
	for y := range p.H {
		a, b, c := p.Row(max(y-1, 0)), p.Row(y), p.Row(min(y+1, p.H-1))
		s, d := smooth[1:p.W+1], diff[1:p.W+1]
		for x, v := range b {
			s[x] = (a[x] + c[x]) + (v + v)
			d[x] = c[x] - a[x]
		}
		smooth[0], smooth[p.W+1] = s[0], s[p.W-1]
		diff[0], diff[p.W+1] = d[0], d[p.W-1]
		gx, gy := right.Row(y), down.Row(y)
		l, m, r := diff[:p.W], diff[1:p.W+1], diff[2:p.W+2]
		sl, sr := smooth[:p.W], smooth[2:p.W+2]
		for x := range gx {
			gx[x] = 0.125 * (sr[x] - sl[x])
			gy[x] = 0.125 * ((l[x] + r[x]) + (m[x] + m[x]))
		}
	}
	return right, down
}
