package dsp

import (
	"fmt"
	"math"
)

// An FFT transforms complex sequences of one length 2^a 3^b 5^c. It is the
// self-sorting algorithm of Stockham (Cochran et al., "What is the fast Fourier
// transform?", 1967) with radix 4, 2, 3 and 5, decimation in frequency. An FFT
// is immutable and safe for concurrent use.
type FFT struct {
	n      int
	stages []stage
}

type stage struct {
	radix, n, stride int         // transforms of length n, interleaved stride times
	tw               []complex64 // w^p, w^2p, ... for p in [0, n/radix)
}

// FastLen returns the least 2^a 3^b 5^c that is at least n.
func FastLen(n int) int {
	for m := max(n, 1); ; m++ {
		k := m
		for _, r := range [...]int{2, 3, 5} {
			for k%r == 0 {
				k /= r
			}
		}
		if k == 1 {
			return m
		}
	}
}

// NewFFT returns a transform of length n, which must be a product of 2, 3 and 5.
func NewFFT(n int) *FFT {
	f := &FFT{n: n}
	for length, stride := n, 1; length > 1; {
		r := radixOf(length)
		f.stages = append(f.stages, newStage(r, length, stride))
		length /= r
		stride *= r
	}
	return f
}

func radixOf(n int) int {
	for _, r := range [...]int{4, 2, 3, 5} {
		if n%r == 0 {
			return r
		}
	}
	panic(fmt.Sprintf("dsp: FFT length has the factor %d", n))
}

func newStage(radix, n, stride int) stage {
	m := n / radix
	tw := make([]complex64, 0, m*(radix-1))
	for p := range m {
		for k := 1; k < radix; k++ {
			c, s := Cis(float64(p*k%n) / float64(n))
			tw = append(tw, complex(float32(c), float32(-s)))
		}
	}
	return stage{radix, n, stride, tw}
}

// Len returns the length of the transform.
func (f *FFT) Len() int { return f.n }

// Forward replaces x by its transform X[k] = sum x[j] exp(-2 pi i jk/n). tmp is
// scratch space of the same length.
func (f *FFT) Forward(x, tmp []complex64) {
	src, dst := x[:f.n], tmp[:f.n]
	for i := range f.stages {
		st := &f.stages[i]
		switch st.radix {
		case 4:
			st.radix4(src, dst)
		case 2:
			st.radix2(src, dst)
		default:
			st.generic(src, dst)
		}
		src, dst = dst, src
	}
	if len(f.stages)%2 == 1 {
		copy(x, src)
	}
}

// Inverse replaces x by n times its inverse transform.
func (f *FFT) Inverse(x, tmp []complex64) {
	conj(x[:f.n])
	f.Forward(x, tmp)
	conj(x[:f.n])
}

func conj(x []complex64) {
	for i, v := range x {
		x[i] = complex(real(v), -imag(v))
	}
}

func mul(a, b complex64) complex64 {
	return complex(float32(real(a)*real(b))-float32(imag(a)*imag(b)), float32(real(a)*imag(b))+float32(imag(a)*real(b)))
}

func (st *stage) radix4(src, dst []complex64) {
	m, s := st.n/4, st.stride
	for p := range m {
		w1, w2, w3 := st.tw[3*p], st.tw[3*p+1], st.tw[3*p+2]
		a, b := src[s*p:s*p+s], src[s*(p+m):s*(p+m)+s]
		c, d := src[s*(p+2*m):s*(p+2*m)+s], src[s*(p+3*m):s*(p+3*m)+s]
		y0, y1 := dst[4*s*p:4*s*p+s], dst[4*s*p+s:4*s*p+2*s]
		y2, y3 := dst[4*s*p+2*s:4*s*p+3*s], dst[4*s*p+3*s:4*s*p+4*s]
		for q := range a {
			ac, amc := a[q]+c[q], a[q]-c[q]
			bd, bmd := b[q]+d[q], b[q]-d[q]
			j := complex(-imag(bmd), real(bmd)) // i (b-d)
			y0[q] = ac + bd
			y1[q] = mul(amc-j, w1)
			y2[q] = mul(ac-bd, w2)
			y3[q] = mul(amc+j, w3)
		}
	}
}

func (st *stage) radix2(src, dst []complex64) {
	m, s := st.n/2, st.stride
	for p := range m {
		w := st.tw[p]
		for q := range s {
			a, b := src[s*p+q], src[s*(p+m)+q]
			dst[2*s*p+q] = a + b
			dst[2*s*p+s+q] = mul(a-b, w)
		}
	}
}

// generic is a stage of radix 3 or 5 by the definition of the transform.
func (st *stage) generic(src, dst []complex64) {
	r, m, s := st.radix, st.n/st.radix, st.stride
	var root [5]complex64
	for k := range r {
		c, sn := Cis(float64(k) / float64(r))
		root[k] = complex(float32(c), float32(-sn))
	}
	var in [5]complex64
	for p := range m {
		for q := range s {
			for k := range r {
				in[k] = src[s*(p+k*m)+q]
			}
			for k := range r {
				sum := in[0]
				for j := 1; j < r; j++ {
					sum += mul(in[j], root[j*k%r])
				}
				if k > 0 {
					sum = mul(sum, st.tw[(r-1)*p+k-1])
				}
				dst[s*(r*p+k)+q] = sum
			}
		}
	}
}

func sqrtMean(sum float64, n int) float64 {
	if n == 0 {
		return 0
	}
	return math.Sqrt(sum / float64(n))
}
