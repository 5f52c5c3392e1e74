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
	for y := 0; y < n; y += batch {
		d.rows(half, c, y) // transposed
	}
	for x := 0; x < n; x += batch {
		d.rows(out, half, x)
	}
	return out
}

// DCT2 returns the orthonormal two-dimensional cosine transform (DCT-II) of an n x n plane, n a
// power of two. p, which is at most that large, is the upper left part of the plane, and the rest
// is zero. DCT2 is the inverse of [InverseDCT2].
func DCT2(p Plane, n int) Plane {
	d := newIDCT(n)
	half, out := NewPlane(p.H, n), NewPlane(n, n)
	for y := 0; y < p.H; y += batch {
		d.forward(half, p, y) // transposed
	}
	for x := 0; x < n; x += batch {
		d.forward(out, half, x)
	}
	return out
}

// forward transforms rows y to y+batch of p, or up to its last row; samples beyond p.W up to n
// count as 0. It writes the sums s_k sum x[m] cos(pi (2m+1) k / 2n) to the columns of out from y
// on, so that out is transposed.
func (d *idct) forward(out, p Plane, y int) {
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
	if rows < batch {
		for k, w := range d.tw {
			src, dst := b[k*batch:k*batch+rows], out.Row(k)[y:y+rows]
			for i, v := range src {
				dst[i] = float32(real(v)*real(w)) - float32(imag(v)*imag(w))
			}
		}
		return
	}
	for k, w := range d.tw {
		src, dst := (*[batch]complex64)(b[k*batch:]), (*[batch]float32)(out.Pix[k*out.W+y:])
		re, im := real(w), imag(w)
		for i, v := range src {
			dst[i] = float32(real(v)*re) - float32(imag(v)*im)
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

// rows transforms rows y to y+batch of c, or up to its last row, back. It writes the sums s_k X[k]
// cos(pi (2x+1) k / 2n) to the columns of out from y on, so that out is transposed. If all these
// rows are 0, it writes nothing: out must be 0 there.
func (d *idct) rows(out, c Plane, y int) {
	n, rows := d.n, min(batch, c.H-y)
	src := c.Pix[y*n : (y+rows)*n]
	if !slices.ContainsFunc(src, func(v float32) bool { return v != 0 }) {
		return
	}
	intoColumns(d.in, src, n, rows)
	expand(d.b, d.in, d.tw) // Re of sum s_k X_k e^{i pi k/2n} e^{i 2 pi k m/n} at m = even half
	reals(out, y, rows, d.fft.run(d.b, d.tmp, batch), n)
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

// reals writes the real parts of n rows of b, batch numbers each, to rows columns of out from x on.
// In b the even samples come first, then the odd samples backwards; reals puts both in order.
func reals(out Plane, x, rows int, b []complex64, n int) {
	for m := range n / 2 {
		even, odd := out.Row(2 * m)[x:x+rows], out.Row(2*m + 1)[x:x+rows]
		for i := range even {
			even[i], odd[i] = real(b[m*batch+i]), real(b[(n-1-m)*batch+i])
		}
	}
}
