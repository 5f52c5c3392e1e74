package dsp

import "fmt"

// An fft transforms complex sequences of one length 2^a 3^b 5^c. It is the self-sorting algorithm of Stockham (Cochran
// et al., "What is the fast Fourier transform?", 1967) with radix 4, 2, 3 and 5, decimation in frequency. An fft is
// immutable and safe for concurrent use.
type fft struct {
	n      int
	stages []stage
}

// A stage splits transforms of length n into radix transforms of length n/radix.
type stage struct {
	radix, n, stride int         // transforms of length n, interleaved stride times
	tw               []complex64 // w^p, w^2p, ... for p in [0, n/radix)
}

// FastLen returns the smallest length 2^a 3^b 5^c that is n or more, 1 for n below 1.
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

// newFFT returns a transform of length n. It panics if n has a prime factor above 5: see [FastLen].
func newFFT(n int) *fft {
	f := &fft{n: n}
	for length, stride := n, 1; length > 1; {
		r := radixOf(length)
		f.stages = append(f.stages, newStage(r, length, stride))
		length /= r
		stride *= r
	}
	return f
}

// radixOf returns the radix, 4, 2, 3 or 5, of the first stage of a transform of length n > 1. It
// panics if n has none of these factors.
func radixOf(n int) int {
	for _, r := range [...]int{4, 2, 3, 5} {
		if n%r == 0 {
			return r
		}
	}
	panic(fmt.Sprintf("dsp: FFT length has the factor %d", n))
}

// newStage returns the stage that splits transforms of length n, interleaved stride times, by a
// radix that divides n, with its twiddle factors.
func newStage(radix, n, stride int) stage {
	m := n / radix
	tw := make([]complex64, 0, m*(radix-1))
	for p := range m {
		for k := 1; k < radix; k++ {
			tw = append(tw, conjugateTurn(float64(p*k%n)/float64(n)))
		}
	}
	return stage{radix: radix, n: n, stride: stride, tw: tw}
}

// run transforms count interleaved sequences forwards, not normalised: x[j*count+i] is number j of sequence i. x and
// tmp hold n count numbers or more and are both overwritten. It returns x or tmp, whichever holds the result.
func (f *fft) run(x, tmp []complex64, count int) []complex64 {
	return f.runFrom(0, x[:f.n*count], tmp[:f.n*count], count)
}

// runFrom is [fft.run] without the stages before first: src holds what these stages would give. src and dst hold n
// count numbers, do not overlap and are overwritten; it returns src or dst, whichever holds the result.
func (f *fft) runFrom(first int, src, dst []complex64, count int) []complex64 {
	for i := range f.stages[first:] {
		st := &f.stages[first+i]
		m, s := st.n/st.radix, st.stride*count
		switch {
		case st.radix == 4 && m == 1:
			last4(dst, src, s)
		case st.radix == 4:
			radix4(dst, src, st.tw, m, s)
		case st.radix == 2:
			radix2(dst, src, st.tw, m, s)
		case st.radix == 3:
			radix3(dst, src, st.tw, m, s)
		default:
			radix5(dst, src, st.tw, m, s)
		}
		src, dst = dst, src
	}
	return src
}

// columns transforms the first n columns of c in place; its rows are stride numbers long. With
// inverse set it takes the conjugate of the transform of the conjugate, not divided by the length.
// Columns of zeros stay as they are. buf and tmp are scratch space of batch columns each.
func (f *fft) columns(c []complex64, stride, n int, inverse bool, buf, tmp []complex64) {
	for x := 0; x < n; x += batch {
		if k := min(batch, n-x); copyBlock(buf, batch, c[x:], stride, k, f.n, inverse) {
			copyBlock(c[x:], stride, f.run(buf, tmp, batch), batch, k, f.n, inverse)
		}
	}
}
