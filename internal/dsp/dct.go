package dsp

import (
	"math"
	"slices"
)

// InverseDCT2 returns the orthonormal two-dimensional inverse cosine transform (DCT-III) of the n x
// n coefficients c, n a power of two: rows of horizontal frequencies, u/2 cycles per n samples. c
// is not changed. The columns and rows go through one FFT of length n each (Makhoul, "A fast cosine
// transform in one and two dimensions", 1980).
func InverseDCT2(c Plane) Plane {
	n := c.W
	d := newIDCT(n)
	half, out := NewPlane(n, n), NewPlane(n, n)
	d.each(half, c, d.rows) // transposed
	d.each(out, half, d.rows)
	return out
}

// DCT2 returns the orthonormal two-dimensional cosine transform (DCT-II) of an n x n plane, n a
// power of two. p, which is at most that large, is the upper left part of the plane, and the rest
// is zero. DCT2 is the inverse of [InverseDCT2].
func DCT2(p Plane, n int) Plane {
	d := newIDCT(n)
	half, out := NewPlane(p.H, n), NewPlane(n, n)
	d.each(half, p, d.forward) // transposed
	d.each(out, half, d.forward)
	return out
}

// wide is the number of columns that are written at a time. A row of a plane is often a power of two
// long, so that a column of it lies in few places of a cache: parts of its lines would be fetched
// once for each batch.
const wide = 8 * batch

// each transforms the rows of p, batch at a time, to the columns of out, which is transposed. one
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
		for k := range d.n {
			copy(out.Pix[k*out.W+y:][:columns], block[k*wide:])
		}
	}
}

// forward transforms rows for [idct.each]; samples beyond p.W up to n count as 0. It writes the sums
// s_k sum x[m] cos(pi (2m+1) k / 2n).
func (d *idct) forward(block []float32, p Plane, y int) bool {
	n, rows := d.n, min(batch, p.H-y)
	intoColumns(d.in, p.Pix[y*p.W:(y+rows)*p.W], p.W, rows)
	clear(d.b[(p.W+1)/2*batch : (n-p.W/2)*batch])
	for m := range p.W { // even samples first, then the odd ones backwards
		at := m / 2
		if m%2 == 1 {
			at = n - 1 - at
		}
		src, dst := (*[batch]float32)(d.in[m*boxLanes:]), (*[batch]complex64)(d.b[at*batch:])
		for i, v := range src {
			dst[i] = complex(v, 0)
		}
	}
	b := d.fft.run(d.b, d.tmp, batch)
	for k, w := range d.tw {
		src, dst := (*[batch]complex64)(b[k*batch:]), (*[batch]float32)(block[k*wide:])
		re, im := real(w), imag(w)
		for i, v := range src {
			dst[i] = float32(real(v)*re) - float32(imag(v)*im)
		}
	}
	return true
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

// newIDCT returns the orthonormal cosine transform of length n, a power of two, with memory of its
// own.
func newIDCT(n int) *idct {
	d := &idct{n: n, fft: newFFT(n), in: make([]float32, n*boxLanes), b: make([]complex64, n*batch), tmp: make([]complex64, n*batch)}
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
	intoColumns(d.in, src, n, rows)
	expand(d.b, d.in, d.tw) // Re of sum s_k X_k e^{i pi k/2n} e^{i 2 pi k m/n} at m = even half
	b := d.fft.run(d.b, d.tmp, batch)
	for m := range n / 2 { // even samples first, then the odd ones backwards
		even, odd := (*[batch]float32)(block[2*m*wide:]), (*[batch]float32)(block[(2*m+1)*wide:])
		first, last := (*[batch]complex64)(b[m*batch:]), (*[batch]complex64)(b[(n-1-m)*batch:])
		for i := range even {
			even[i], odd[i] = real(first[i]), real(last[i])
		}
	}
	return true
}

// expand multiplies the first batch floats of each row of src by the complex factor of the row in
// tw. src has boxLanes floats a row, dst batch numbers.
func expand(dst []complex64, src []float32, tw []complex64) {
	for k, w := range tw {
		for i := range batch {
			v := src[k*boxLanes+i]
			dst[k*batch+i] = complex(float32(v*real(w)), float32(v*imag(w)))
		}
	}
}
