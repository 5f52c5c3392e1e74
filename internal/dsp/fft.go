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
		case 3:
			st.radix3(src, dst)
		default:
			st.radix5(src, dst)
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

// times returns x scaled by a real factor.
func times(x complex64, g float32) complex64 {
	return complex(float32(real(x)*g), float32(imag(x)*g))
}

// turned returns -i x.
func turned(x complex64) complex64 { return complex(imag(x), -real(x)) }

func (st *stage) radix3(src, dst []complex64) {
	const sin60 = 0.86602540378443864676
	m, s := st.n/3, st.stride
	for p := range m {
		w1, w2 := st.tw[2*p], st.tw[2*p+1]
		a, b, c := src[s*p:s*p+s], src[s*(p+m):s*(p+m)+s], src[s*(p+2*m):s*(p+2*m)+s]
		y0, y1, y2 := dst[3*s*p:3*s*p+s], dst[3*s*p+s:3*s*p+2*s], dst[3*s*p+2*s:3*s*p+3*s]
		for q := range a {
			sum := b[q] + c[q]
			mid := a[q] - times(sum, 0.5)
			off := turned(times(b[q]-c[q], sin60))
			y0[q] = a[q] + sum
			y1[q] = mul(mid+off, w1)
			y2[q] = mul(mid-off, w2)
		}
	}
}

func (st *stage) radix5(src, dst []complex64) {
	const c1, c2 = 0.30901699437494742410, -0.80901699437494742410 // cos 72, 144 degrees
	const s1, s2 = 0.95105651629515357212, 0.58778525229247312917  // their sines
	m, s := st.n/5, st.stride
	for p := range m {
		w := st.tw[4*p : 4*p+4 : 4*p+4]
		for q := range s {
			i := s*p + q
			a, b, c, d, e := src[i], src[i+s*m], src[i+2*s*m], src[i+3*s*m], src[i+4*s*m]
			be, cd := b+e, c+d
			bd, cc := turned(b-e), turned(c-d)
			m1, m2 := a+times(be, c1)+times(cd, c2), a+times(be, c2)+times(cd, c1)
			o1, o2 := times(bd, s1)+times(cc, s2), times(bd, s2)-times(cc, s1)
			o := 5*s*p + q
			dst[o] = a + be + cd
			dst[o+s] = mul(m1+o1, w[0])
			dst[o+2*s] = mul(m2+o2, w[1])
			dst[o+3*s] = mul(m2-o2, w[2])
			dst[o+4*s] = mul(m1-o1, w[3])
		}
	}
}

func sqrtMean(sum float64, n int) float64 {
	if n == 0 {
		return 0
	}
	return math.Sqrt(sum / float64(n))
}
