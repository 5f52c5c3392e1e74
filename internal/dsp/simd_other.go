//go:build !amd64 || purego

package dsp

// avx2 is false: on other processors, and with the tag purego, every loop is plain Go.
const avx2 = false
