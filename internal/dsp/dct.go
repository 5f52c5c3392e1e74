package dsp

import "math"

// InverseDCT2 returns the orthonormal two-dimensional inverse cosine transform
// (DCT-III) of the n x n coefficients c, n a power of two: rows of horizontal
// frequencies, u/2 cycles per n samples. The columns and rows go through one FFT
// of length n each (Makhoul, "A fast cosine transform in one and two
// dimensions", 1980).
func InverseDCT2(c Plane) Plane {
	n := c.W
	d := newIDCT(n)
	half := NewPlane(n, n)
	line := make([]float32, n)
	for y := range n {
		d.run(c.Row(y), line)
		for x, v := range line {
			half.Pix[x*n+y] = v // transposed
		}
	}
	out := NewPlane(n, n)
	for x := range n {
		d.run(half.Row(x), line)
		for y, v := range line {
			out.Pix[y*n+x] = v
		}
	}
	return out
}

type idct struct {
	n      int
	fft    *FFT
	tw     []complex64
	b, tmp []complex64
}

func newIDCT(n int) *idct {
	d := &idct{n: n, fft: NewFFT(n), b: make([]complex64, n), tmp: make([]complex64, n)}
	scale := math.Sqrt(2 / float64(n))
	for k := range n {
		c, s := Cis(float64(k) / float64(4*n))
		d.tw = append(d.tw, complex(float32(scale*c), float32(scale*s)))
	}
	d.tw[0] = complex(float32(math.Sqrt(1/float64(n))), 0)
	return d
}

// run writes sum_k s_k X[k] cos(pi (2x+1) k / 2n) to out.
func (d *idct) run(in, out []float32) {
	n := d.n
	for k := range n { // Re of sum s_k X_k e^{i pi k/2n} e^{i 2 pi k m/n} at m = even half
		d.b[k] = complex(float32(in[k]*real(d.tw[k])), float32(in[k]*imag(d.tw[k])))
	}
	d.fft.Inverse(d.b, d.tmp)
	for m := range n / 2 {
		out[2*m] = real(d.b[m])
		out[2*m+1] = real(d.b[n-1-m])
	}
}
