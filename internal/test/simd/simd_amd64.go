//go:build !purego

// Package simd runs tests with each sort of kernels that the processor has.
package simd

import "github.com/kycmark/kycmark/internal/hamming"

// WithKernels runs f with the processor's kernels of each sort that it has, and
// with none.
func WithKernels(f func(name string)) {
	had512, had2 := hamming.AVX512, hamming.AVX2
	defer func() { hamming.AVX512, hamming.AVX2 = had512, had2 }()
	if had512 {
		f("AVX-512")
	}
	if hamming.AVX512 = false; had2 {
		f("AVX2")
	}
	hamming.AVX2 = false
	f("plain")
}
