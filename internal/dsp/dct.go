package dsp

import (
	"math"
	"slices"
)

// InverseDCT2 returns the upper left w x h samples of the orthonormal two-dimensional inverse cosine
// transform (DCT-III) of c. c has n x n coefficients, n a power of two: rows of horizontal frequencies,
// u/2 cycles per n samples. It is not changed. The columns and rows go through one FFT of length n each
// (Makhoul, "A fast cosine transform in one and two dimensions", 1980).
func InverseDCT2(c Plane, w, h int) Plane {
	d := newIDCT(c.W)
	half, out := NewPlane(c.W, w), NewPlane(w, h)
	d.each(half, c, d.rows) // transposed
	d.each(out, half, d.rows)
	return out
}

// DCT2 returns the orthonormal two-dimensional cosine transform (DCT-II) of an n x n plane, n a power of two. p, which is
// at most that large, is the upper left part of the plane, and the rest is zero. DCT2 is the inverse of [InverseDCT2].
func DCT2(p Plane, n int) Plane {
	d := newIDCT(n)
	half, out := NewPlane(p.H, n), NewPlane(n, n)
	d.each(half, p, d.forward) // transposed
	d.each(out, half, d.forward)
	return out
}

// wide is the number of columns that are written at a time. A row of a plane is often a power of two long, so that a
// column of it lies in few places of a cache: parts of its lines would be fetched once for each batch.
const wide = 8 * batch

// each transforms the rows of p, batch at a time, to the columns of out, which is transposed: to their first out.H samples. one
// transforms rows y to y+batch of p, or up to its last row, to the first columns of block, wide
// floats a row. It reports false if all of them are 0: it has then written nothing.
func (d *idct) each(out, p Plane, one func(block []float32, p Plane, y int) bool) {
	block := make([]float32, d.n*wide)
	for y := 0; y < p.H; y += wide {
		columns, found := min(wide, p.H-y), false
		for i := 0; i < columns; i += batch {
			if one(block[i:], p, y+i) {
				found = true
				continue
			}
			for k := range d.n {
				clear(block[k*wide+i:][:batch])
			}
		}
		if !found { // out is 0
			continue
		}
		for k := range out.H {
			copy(out.Pix[k*out.W+y:][:columns], block[k*wide:])
		}
	}
}

// forward transforms rows for [idct.each]; samples beyond p.W up to n count as 0. It writes s_k sum x[m] cos(pi (2m+1) k / 2n).
func (d *idct) forward(block []float32, p Plane, y int) bool {
	n, rows := d.n, min(batch, p.H-y)
	IntoColumns(d.in, p.Pix[y*p.W:(y+rows)*p.W], p.W, rows)
	clear(d.b[(p.W+1)/2*batch : (n-p.W/2)*batch])
	intoComplex(d.b, 0, batch, d.in, 2*Lanes, (p.W+1)/2) // even samples first, then the odd ones backwards
	intoComplex(d.b, (n-1)*batch, -batch, d.in[Lanes:], 2*Lanes, p.W/2)
	turnedReal(block, d.fft.run(d.b, d.tmp, batch), d.tw)
	return true
}

// intoComplex writes n times batch floats of src as complex numbers to dst, from index first on. Each time it moves on by
// srcStep floats of src and dstStep numbers of dst.
func intoComplex(dst []complex64, first, dstStep int, src []float32, srcStep, n int) {
	if avx2 && n > 0 {
		_, _, _ = dst[first:][batch-1], dst[first+(n-1)*dstStep:][batch-1], src[(n-1)*srcStep+batch-1]
		intoComplexAVX2(&dst[first], dstStep, &src[0], srcStep, n)
		return
	}
	for k := range n {
		to := (*[batch]complex64)(dst[first+k*dstStep:])
		for i, v := range (*[batch]float32)(src[k*srcStep:]) {
			to[i] = complex(v, 0)
		}
	}
}

// turnedReal multiplies src, batch numbers a row, by the factor of the row in tw. It writes real parts to dst, wide floats a row.
func turnedReal(dst []float32, src, tw []complex64) {
	if n := len(tw); avx2 && n > 0 {
		_, _ = dst[(n-1)*wide+batch-1], src[n*batch-1]
		turnedRealAVX2(&dst[0], wide, &src[0], &tw[0], n)
		return
	}
	for k, w := range tw {
		re, im := real(w), imag(w)
		to := (*[batch]float32)(dst[k*wide:])
		for i, v := range (*[batch]complex64)(src[k*batch:]) {
			to[i] = float32(real(v)*re) - float32(imag(v)*im)
		}
	}
}

// An idct is the cosine transform of length n, forwards and back, of batch rows at a time. It keeps
// scratch space, so two goroutines must not use it at once.
type idct struct {
	n      int
	fft    *fft
	tw     []complex64 // conjugate, and so is what goes through the transform
	in     []float32
	b, tmp []complex64
}

// newIDCT returns the orthonormal cosine transform of length n, a power of two, with memory of its own.
func newIDCT(n int) *idct {
	d := &idct{n: n, fft: newFFT(n), in: make([]float32, n*Lanes)}
	d.b, d.tmp = make([]complex64, n*batch), make([]complex64, n*batch)
	scale := math.Sqrt(2 / float64(n))
	for k := range n {
		c, s := Cis(float64(k) / float64(4*n))
		d.tw = append(d.tw, complex(float32(scale*c), float32(-scale*s)))
	}
	d.tw[0] = complex(float32(math.Sqrt(1/float64(n))), 0)
	return d
}

// rows transforms rows back for [idct.each]. It writes the sums s_k X[k] cos(pi (2x+1) k / 2n).
func (d *idct) rows(block []float32, c Plane, y int) bool {
	n, rows := d.n, min(batch, c.H-y)
	src := c.Pix[y*n : (y+rows)*n]
	if !slices.ContainsFunc(src, func(v float32) bool { return v != 0 }) {
		return false
	}
	IntoColumns(d.in, src, n, rows)
	expand(d.b, d.in, d.tw) // Re of sum s_k X_k e^{i pi k/2n} e^{i 2 pi k m/n} at m = even half
	b := d.fft.run(d.b, d.tmp, batch)
	realParts(block, b, 0, batch, n/2) // even samples first, then the odd ones backwards
	realParts(block[wide:], b, (n-1)*batch, -batch, n/2)
	return true
}

// realParts writes n times the real parts of batch numbers of src, from index first on, to every other row of dst, wide floats
// each. Each time it moves on by step numbers of src.
func realParts(dst []float32, src []complex64, first, step, n int) {
	if avx2 && n > 0 {
		_, _, _ = dst[2*(n-1)*wide+batch-1], src[first:][batch-1], src[first+(n-1)*step:][batch-1]
		realPartsAVX2(&dst[0], 2*wide, &src[first], step, n)
		return
	}
	for k := range n {
		to := (*[batch]float32)(dst[2*k*wide:])
		for i, v := range (*[batch]complex64)(src[first+k*step:]) {
			to[i] = real(v)
		}
	}
}

// expand multiplies the first batch floats of each row of src by the complex factor of the row in
// tw. src has Lanes floats a row, dst batch numbers.
func expand(dst []complex64, src []float32, tw []complex64) {
	if n := len(tw); avx2 && n > 0 {
		_, _ = dst[n*batch-1], src[(n-1)*Lanes+batch-1]
		expandAVX2(&dst[0], &src[0], &tw[0], n)
		return
	}
	for k, w := range tw {
		for i := range batch {
			v := src[k*Lanes+i]
			dst[k*batch+i] = complex(float32(v*real(w)), float32(v*imag(w)))
		}
	}
}
