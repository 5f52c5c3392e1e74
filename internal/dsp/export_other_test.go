//go:build !amd64 || purego

package dsp

// Plain runs f, with the only kernels there are.
func Plain(f func()) { f() }

// HasKernels tells whether anything else than the plain kernels is there.
func HasKernels() bool { return false }
