//go:build !amd64 || purego

package hamming

// On other processors, and with the tag purego, hashes are compared one by one.
const (
	AVX512 = false
	AVX2   = false
)
