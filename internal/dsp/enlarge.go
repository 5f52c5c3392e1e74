package dsp

import "math"

// An Enlarger resamples a plane to w x h by cubic convolution, row by row, samples beyond an edge like those on it.
type Enlarger struct {
	src      Plane
	blur     *gaussian // of src, if it is to be blurred
	blurred  []float32 // a row of that
	scaleY   float64
	at       []int32      // index of the first of four taps a sample, before the edges cut it
	wx       [4][]float32 // their weights
	from, to int          // samples whose taps all lie inside
	rows     [4][]float32 // the four source rows under the last row asked for, widened
	have     [4]int
}

// NewEnlarger prepares to resample src to w x h, their edges aligned. It keeps src, which must not
// change. Shrinking does not average: [Shrink] does.
func NewEnlarger(src Plane, w, h int) *Enlarger {
	return NewScaler(src, w, float64(src.W)/float64(w), float64(src.H)/float64(h))
}

// NewScaler prepares to resample src to rows of w samples, of any number. Each sample covers scaleX
// x scaleY samples of src, and the top left corners are aligned. Samples beyond src count like the
// samples on its edge. It keeps src, which must not change.
func NewScaler(src Plane, w int, scaleX, scaleY float64) *Enlarger {
	e := &Enlarger{src: src, scaleY: scaleY, at: make([]int32, w), have: [4]int{-1, -1, -1, -1}}
	for k := range e.wx {
		e.wx[k], e.rows[k] = make([]float32, w), make([]float32, w)
	}
	for x := range w {
		i, t := position(x, scaleX)
		e.at[x] = int32(i - 1)
		for k, v := range Bicubic(t) {
			e.wx[k][x] = v
		}
		if i < 1 {
			e.from = x + 1
		}
		if i+2 < src.W {
			e.to = x + 1
		}
	}
	e.to = max(e.to, e.from)
	return e
}

// Soft returns l blurred as by [Gauss], with a deviation of sigma samples of l, and resampled to w x h by cubic
// convolution. It keeps only the few rows of the blurred plane that it needs at a time.
func (l Lazy) Soft(sigma float64, w, h int) Plane {
	out, kernel := NewPlane(w, h), gaussKernel(sigma)
	l = l.ready()
	Shared(h, l.W*l.H*2*len(kernel), func(from, to int) {
		e := NewEnlarger(Plane{W: l.W, H: l.H}, w, h)
		e.blur, e.blurred = newGaussian(l, kernel), make([]float32, l.W)
		for y := from; y < to; y++ {
			e.Row(y, out.Row(y))
		}
	})
	return out
}

func Enlarged(p Plane, w, h int) Plane {
	return Scaled(p, w, h, float64(p.W)/float64(w), float64(p.H)/float64(h))
}

// Scaled returns the upper left w x h samples of p resampled as by [NewScaler].
func Scaled(p Plane, w, h int, scaleX, scaleY float64) Plane {
	out := NewPlane(w, h)
	Shared(h, 4*w*h, func(from, to int) {
		e := NewScaler(p, w, scaleX, scaleY)
		for y := from; y < to; y++ {
			e.Row(y, out.Row(y))
		}
	})
	return out
}

// position maps the centre of sample x to a raster that has scale samples for each one. It returns the sample at or
// before that place, -1 or less beyond the left edge, and the fraction of a sample behind it, 0 to 1.
func position(x int, scale float64) (int, float32) {
	p := float64((float64(x)+0.5)*scale) - 0.5
	f := math.Floor(p)
	return int(f), float32(p - f)
}

// Row writes row y, from 0 on, of the resampled plane to dst, which has its width w or less. Rows
// may come in any order. Rising order costs least, because the four source rows under the last row
// are kept. So one goroutine may use e. A row beyond the last repeats the edge of the source.
func (e *Enlarger) Row(y int, dst []float32) {
	i, t := position(y, e.scaleY)
	w := Bicubic(t)
	var r [4][]float32
	for k := range 4 {
		r[k] = e.widened(min(max(i-1+k, 0), e.src.H-1))[:len(dst)]
	}
	weighted(dst, &r, &w)
}

// widened returns row j of the source, blurred if e blurs, resampled to the width of e. e keeps four rows, so that rows
// asked for in order are computed once. The result holds until row j+4 or j-4 is asked for.
func (e *Enlarger) widened(j int) []float32 {
	k := j & 3
	if e.have[k] == j {
		return e.rows[k]
	}
	e.have[k] = j
	src, dst := e.blurred, e.rows[k]
	if e.blur != nil {
		e.blur.row(j, src)
	} else {
		src = e.src.Row(j)
	}
	e.edges(dst, src, 0, e.from)
	e.widen(dst, src)
	e.edges(dst, src, e.to, len(dst))
	return dst
}

// edges writes samples [from, to) of a resampled row to the same places of dst. src is the source
// row. Taps beyond an edge of src count as the sample on the edge.
func (e *Enlarger) edges(dst, src []float32, from, to int) {
	for x := from; x < to; x++ {
		var v [4]float32
		for k := range v {
			v[k] = float32(e.wx[k][x] * src[min(max(int(e.at[x])+k, 0), len(src)-1)])
		}
		dst[x] = v[0] + v[1] + v[2] + v[3]
	}
}

// widen writes the samples of a resampled row whose taps all lie inside src, e.from to e.to, to the same places of dst.
func (e *Enlarger) widen(dst, src []float32) {
	from, wx := e.from, &e.wx
	if n := batched(e.to-from, 8); n > 0 {
		_, _ = dst[from+n-1], src[e.at[from+n-1]+3]
		widenAVX2(&dst[from], &e.at[from], &wx[0][from], &wx[1][from], &wx[2][from], &wx[3][from], &src[0], n)
		from += n
	}
	for x := from; x < e.to; x++ {
		r := src[e.at[x] : e.at[x]+4 : e.at[x]+4]
		dst[x] = float32(wx[0][x]*r[0]) + float32(wx[1][x]*r[1]) + float32(wx[2][x]*r[2]) + float32(wx[3][x]*r[3])
	}
}

// weighted writes the sums of four rows r, as long as dst or longer, times weights w, rounded product by product.
func weighted(dst []float32, r *[4][]float32, w *[4]float32) {
	size := len(dst)
	r0, r1, r2, r3, n := r[0][:size], r[1][:size], r[2][:size], r[3][:size], batched(size, 8)
	if n > 0 {
		weightedAVX2(&dst[0], &r0[0], &r1[0], &r2[0], &r3[0], &w[0], n)
	}
	for x := n; x < size; x++ {
		dst[x] = float32(w[0]*r0[x]) + float32(w[1]*r1[x]) + float32(w[2]*r2[x]) + float32(w[3]*r3[x])
	}
}
