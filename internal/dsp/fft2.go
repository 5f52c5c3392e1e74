package dsp

// A Spectrum is the two-dimensional transform of a real W x H picture: H rows of
// W/2+1 coefficients; the others follow from F(-u,-v) = conj F(u,v). W is even.
type Spectrum struct {
	W, H int
	C    []complex64
}

// Stride returns the number of coefficients a row, W/2+1.
func (s Spectrum) Stride() int { return s.W/2 + 1 }

// An FFT2 transforms real pictures of one size. It keeps scratch space, so it must not be used by two goroutines at once.
type FFT2 struct {
	w, h     int
	row, col *fft
	buf, tmp []complex64 // batch interleaved sequences
}

// batch sequences are transformed together: their numbers lie side by side, so
// that each step works on neighbours in memory.
const batch = 8

// NewFFT2 returns a transform of w x h pictures. Both must be products of 2, 3 and 5, and w even
// (see [FastEven] and [FastLen]); other factors panic.
func NewFFT2(w, h int) *FFT2 {
	n := batch * max(w, h)
	f := &FFT2{w: w, h: h, row: newFFT(w), buf: make([]complex64, n), tmp: make([]complex64, n)}
	if f.col = f.row; h != w {
		f.col = newFFT(h)
	}
	return f
}

// FastEven returns the smallest even length 2^a 3^b 5^c that is n or more, 2 for n below 1.
func FastEven(n int) int { return 2 * FastLen((n+1)/2) }

// Forward returns the transform of p, which is at most as large as f, zero-padded to the size of f.
// It is not normalised; p is not changed.
func (f *FFT2) Forward(p Plane) Spectrum { return f.ForwardLow(p, f.w/2+1) }

// ForwardLow is Forward with only the first n coefficients of each row, up to w/2+1; the others are
// 0. It saves the time of their columns.
func (f *FFT2) ForwardLow(p Plane, n int) Spectrum {
	s := Spectrum{W: f.w, H: f.h, C: make([]complex64, f.h*(f.w/2+1))}
	f.rows(s.C, p)
	f.col.columns(s.C, s.Stride(), n, false, f.buf, f.tmp)
	for y := range s.H {
		clear(s.C[y*s.Stride()+n : (y+1)*s.Stride()])
	}
	return s
}

// rows writes to c the half spectra of the rows of p, padded with zeros to the width of f: w/2+1
// numbers a row. Columns are not transformed.
func (f *FFT2) rows(c []complex64, p Plane) {
	st := f.w/2 + 1
	for y := 0; y < p.H; y += 2 * batch { // two real rows make one complex sequence
		n := min(2*batch, p.H-y)
		interleave(f.buf, p.Pix[y*p.W:(y+n)*p.W], p.W, n)
		clear(f.buf[p.W*batch : f.w*batch])
		split(c[y*st:], f.row.run(f.buf, f.tmp, batch), f.w, n)
	}
}

// Powers returns the [Spectrum.Powers] of the transform of p, which is zero-padded to the size of
// f: h rows of w/2+1 squares. It never holds the whole transform.
func (f *FFT2) Powers(p Plane) Plane {
	st := f.w/2 + 1
	c, out := make([]complex64, p.H*st), NewPlane(st, f.h)
	f.rows(c, p)
	block := make([]float32, batch*f.h)
	for x := 0; x < st; x += batch {
		n := min(batch, st-x)
		copyBlock(f.buf, batch, c[x:], st, n, p.H, false)
		clear(f.buf[p.H*batch : f.h*batch])
		powers(block, f.col.run(f.buf, f.tmp, batch))
		for y := range f.h {
			copy(out.Pix[y*st+x:y*st+x+n], block[y*batch:])
		}
	}
	return out
}

// Inverse returns the top left w x h samples of the picture of s, normalised so that it undoes
// [FFT2.Forward]. It destroys s.
func (f *FFT2) Inverse(s Spectrum, w, h int) Plane {
	p := NewPlane(w, h)
	f.InverseTo(p, s)
	return p
}

// InverseTo writes the top left samples of the picture of s to all of p, which is at most as large as f. It destroys s.
func (f *FFT2) InverseTo(p Plane, s Spectrum) { f.InverseRows(p, s, 2) }

// InverseRows is [FFT2.InverseTo] for two rows of each step, an even number: rows 0 and 1, step and
// step+1, and so on. The other rows of p stay as they are.
func (f *FFT2) InverseRows(p Plane, s Spectrum, step int) {
	w, h, st := p.W, p.H, s.Stride()
	f.col.columns(s.C, st, st, true, f.buf, f.tmp)
	g := 1 / (float32(f.w) * float32(f.h))
	for y := 0; y < h; y += step * batch {
		rows := min(step*batch, h-y)
		join(f.buf, s.C[y*st:(y+rows)*st], f.w, rows, step)
		deinterleave(p.Pix[y*w:(y+rows)*w], w, f.row.run(f.buf, f.tmp, batch), rows, step, g)
	}
}

// interleave writes up to 2 batch real rows of w samples, packed in src, as batch complex sequences of w numbers. Rows
// 2i and 2i+1 are the real and the imaginary part of sequence i; missing rows count as 0.
func interleave(dst []complex64, src []float32, w, rows int) {
	done := 0
	if rows == 2*batch {
		done = batched(w, 8)
	}
	if done > 0 {
		_, _ = dst[done*batch-1], src[2*batch*w-1]
		interleaveAVX2(&dst[0], &src[0], w, done)
		interleaveAVX2(&dst[batch/2], &src[batch*w], w, done)
	}
	for i := range batch {
		var r0, r1 []float32
		if 2*i < rows {
			r0 = src[2*i*w : (2*i+1)*w]
		}
		if 2*i+1 < rows {
			r1 = src[(2*i+1)*w : (2*i+2)*w]
		}
		for x := done; x < w; x++ {
			var re, im float32
			if r0 != nil {
				re = r0[x]
			}
			if r1 != nil {
				im = r1[x]
			}
			dst[x*batch+i] = complex(re, im)
		}
	}
}

// split separates the transforms, of length w, of pairs of real rows that are interleaved in b. It
// writes the half spectra of the given number of rows, w/2+1 numbers each, to dst.
func split(dst, b []complex64, w, rows int) {
	done, st := 0, w/2+1
	if rows == 2*batch {
		done = batched(max(w/2-1, 0), 4)
	}
	if done > 0 {
		_, _ = b[w*batch-1], dst[2*batch*st-1]
		splitAVX2(&dst[1], st, &b[batch], &b[(w-1)*batch], done)
		splitAVX2(&dst[batch*st+1], st, &b[batch+batch/2], &b[(w-1)*batch+batch/2], done)
	}
	for i := range rows {
		splitRow(dst[i*st:(i+1)*st], b[i/2:], w, 0, 1, i%2 == 1)
		splitRow(dst[i*st:(i+1)*st], b[i/2:], w, 1+done, st, i%2 == 1)
	}
}

// splitRow writes coefficients [from, to) of one row to dst. b begins at the sequence of the row's
// pair, batch numbers apart. second says whether the row was its imaginary part.
func splitRow(dst, b []complex64, w, from, to int, second bool) {
	for k := from; k < to; k++ {
		a, c := b[k*batch], b[(w-k)%w*batch]
		if second {
			dst[k] = complex(float32(0.5*(imag(a)+imag(c))), float32(0.5*(real(c)-real(a))))
		} else {
			dst[k] = complex(float32(0.5*(real(a)+real(c))), float32(0.5*(imag(a)-imag(c))))
		}
	}
}

// join is the inverse of split, as conjugates, for two rows of each step. Of the half spectra F0, F1 of the two in src it
// writes the conjugate of F0 + i F1 to b. b holds batch sequences of w numbers, side by side; sequences without rows are 0.
func join(b, src []complex64, w, rows, step int) {
	st := w/2 + 1
	for i := range batch {
		y := i * step
		if y >= rows {
			for k := range w {
				b[k*batch+i] = 0
			}
			continue
		}
		r0, r1 := src[y*st:(y+1)*st], src[y*st:(y+1)*st]
		if y+1 < rows {
			r1 = src[(y+1)*st : (y+2)*st]
		}
		for k, a := range r0 {
			c := r1[k]
			b[k*batch+i] = complex(real(a)-imag(c), -(imag(a) + real(c)))
			if k > 0 && 2*k < w {
				b[(w-k)*batch+i] = complex(real(a)+imag(c), -(real(c) - imag(a)))
			}
		}
	}
}

// deinterleave writes two real rows of each step, w samples each, that b holds as conjugates of
// pairs, times g. dst has so many rows.
func deinterleave(dst []float32, w int, b []complex64, rows, step int, g float32) {
	for i := 0; i*step < rows; i++ {
		y := i * step
		o := dst[y*w : (y+1)*w]
		for x := range o {
			o[x] = g * real(b[x*batch+i])
		}
		if y+1 == rows {
			break
		}
		o = dst[(y+1)*w : (y+2)*w]
		for x := range o {
			o[x] = -g * imag(b[x*batch+i])
		}
	}
}

// copyBlock copies n <= batch columns of rows numbers from src to dst, and conjugates them if asked
// to. Rows lie srcStride and dstStride numbers apart. It reports whether any number is not zero.
func copyBlock(dst []complex64, dstStride int, src []complex64, srcStride, n, rows int, conjugate bool) bool {
	if avx2 && n == batch && rows > 0 {
		_, _ = dst[(rows-1)*dstStride+batch-1], src[(rows-1)*srcStride+batch-1]
		flip := uint32(0)
		if conjugate {
			flip = 1 << 31
		}
		return copyBlockAVX2(&dst[0], dstStride, &src[0], srcStride, rows, flip) != 0
	}
	some := false
	for y := range rows {
		d, s := dst[y*dstStride:y*dstStride+n], src[y*srcStride:y*srcStride+n]
		for i, v := range s {
			if v != 0 {
				some = true
			}
			if conjugate {
				v = complex(real(v), -imag(v))
			}
			d[i] = v
		}
	}
	return some
}
