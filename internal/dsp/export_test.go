package dsp

// NewFFT is for tests of the transform in one dimension.
var NewFFT = newFFT

// Forward replaces x by its transform X[k] = sum x[j] exp(-2 pi i jk/n). tmp is scratch space of
// the same length.
func (f *fft) Forward(x, tmp []complex64) {
	if y := f.run(x[:f.n], tmp[:f.n], 1); f.n > 0 && &y[0] != &x[0] {
		copy(x, y)
	}
}

// Inverse replaces x by n times its inverse transform.
func (f *fft) Inverse(x, tmp []complex64) {
	conjugate := func() {
		for i, v := range x[:f.n] {
			x[i] = complex(real(v), -imag(v))
		}
	}
	conjugate()
	f.Forward(x, tmp)
	conjugate()
}
