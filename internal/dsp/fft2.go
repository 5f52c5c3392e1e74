package dsp

// A Spectrum is the two-dimensional transform of a real W x H picture: H rows of
// W/2+1 coefficients; the others follow from F(-u,-v) = conj F(u,v). W is even.
type Spectrum struct {
	W, H int
	C    []complex64
}

// Stride returns the number of coefficients a row, W/2+1.
func (s Spectrum) Stride() int { return s.W/2 + 1 }

// An FFT2 transforms real pictures of one size. It keeps scratch space, so it
// must not be used by two goroutines at once.
type FFT2 struct {
	w, h     int
	row, col *FFT
	buf, tmp []complex64
}

// colBlock columns are transformed together, for the cache's sake.
const colBlock = 8

// NewFFT2 returns a transform of w x h pictures; both must be products of 2, 3
// and 5 and w even (see [FastEven]).
func NewFFT2(w, h int) *FFT2 {
	n := max(w, h)
	return &FFT2{w: w, h: h, row: NewFFT(w), col: NewFFT(h), buf: make([]complex64, colBlock*n), tmp: make([]complex64, n)}
}

// FastEven returns the least even 2^a 3^b 5^c that is at least n.
func FastEven(n int) int { return 2 * FastLen((n+1)/2) }

// Forward returns the transform of p, zero-padded to the size of f.
func (f *FFT2) Forward(p Plane) Spectrum {
	s := Spectrum{W: f.w, H: f.h, C: make([]complex64, f.h*(f.w/2+1))}
	st := s.Stride()
	for y := 0; y < p.H; y += 2 { // two real rows make one complex row
		b := f.buf[:f.w]
		clear(b)
		for x, v := range p.Row(y) {
			b[x] = complex(v, 0)
		}
		two := y+1 < p.H
		if two {
			for x, v := range p.Row(y + 1) {
				b[x] = complex(real(b[x]), v)
			}
		}
		f.row.Forward(b, f.tmp)
		r0 := s.C[y*st : (y+1)*st]
		for k := range r0 {
			a, c := b[k], b[(f.w-k)%f.w]
			r0[k] = complex(float32(0.5*(real(a)+real(c))), float32(0.5*(imag(a)-imag(c))))
		}
		if !two {
			break
		}
		r1 := s.C[(y+1)*st : (y+2)*st]
		for k := range r1 {
			a, c := b[k], b[(f.w-k)%f.w]
			r1[k] = complex(float32(0.5*(imag(a)+imag(c))), float32(0.5*(real(c)-real(a))))
		}
	}
	f.columns(s, f.col.Forward)
	return s
}

// Inverse returns the top left w x h samples of the picture of s, and destroys s.
func (f *FFT2) Inverse(s Spectrum, w, h int) Plane {
	f.columns(s, f.col.Inverse)
	p, st := NewPlane(w, h), s.Stride()
	g := 1 / (float32(f.w) * float32(f.h))
	for y := 0; y < h; y += 2 {
		b := f.buf[:f.w]
		r0, r1 := s.C[y*st:(y+1)*st], s.C[y*st:(y+1)*st]
		two := y+1 < h
		if two {
			r1 = s.C[(y+1)*st : (y+2)*st]
		}
		for k := range f.w { // rebuild F0 + i F1 from the two half spectra
			j, sg := k, float32(1)
			if k > f.w/2 {
				j, sg = f.w-k, -1
			}
			a, c := r0[j], r1[j]
			b[k] = complex(real(a)-float32(sg*imag(c)), float32(sg*imag(a))+real(c))
		}
		f.row.Inverse(b, f.tmp)
		o := p.Row(y)
		for x := range o {
			o[x] = g * real(b[x])
		}
		if two {
			o = p.Row(y + 1)
			for x := range o {
				o[x] = g * imag(b[x])
			}
		}
	}
	return p
}

func (f *FFT2) columns(s Spectrum, transform func(x, tmp []complex64)) {
	st, h := s.Stride(), f.h
	for c0 := 0; c0 < st; c0 += colBlock {
		n := min(colBlock, st-c0)
		for y := range h {
			for i, v := range s.C[y*st+c0 : y*st+c0+n] {
				f.buf[i*h+y] = v
			}
		}
		for i := range n {
			transform(f.buf[i*h:(i+1)*h], f.tmp)
		}
		for y := range h {
			row := s.C[y*st+c0 : y*st+c0+n]
			for i := range row {
				row[i] = f.buf[i*h+y]
			}
		}
	}
}
