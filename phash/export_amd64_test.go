//go:build !purego

package phash

// WithKernels runs f with the processor's kernels of each sort that it has, and
// with none.
func WithKernels(f func(name string)) {
	had512, had2 := avx512, avx2
	defer func() { avx512, avx2 = had512, had2 }()
	if had512 {
		f("AVX-512")
	}
	if avx512 = false; had2 {
		f("AVX2")
	}
	avx2 = false
	f("plain")
}
