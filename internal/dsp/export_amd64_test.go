//go:build !purego

package dsp

// Plain runs f with the plain kernels.
func Plain(f func()) {
	old := avx2
	avx2 = false
	defer func() { avx2 = old }()
	f()
}

// HasKernels tells whether anything else than the plain kernels is there.
func HasKernels() bool { return avx2 }
