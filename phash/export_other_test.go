//go:build !amd64 || purego

package phash

// WithKernels runs f with the only kernels there are.
func WithKernels(f func(name string)) { f("plain") }
