//go:build !amd64 || purego

package phash

// On other processors, and with the tag purego, hashes are compared one by one.
const (
	avx512 = false
	avx2   = false
)
