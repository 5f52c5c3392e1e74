//go:build !amd64 || purego

// Package simd runs tests with each sort of kernels that the processor has.
package simd

// WithKernels runs f with the only kernels there are.
func WithKernels(f func(name string)) { f("plain") }
