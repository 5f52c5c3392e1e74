// Package arch holds no code: its test says which package may import which,
// and why. The arrows of the module point one way:
//
//	cmd, examples -> verify -> verify/registry -> watermark, phash -> internal/...
//
// A rule that stands in the way is changed in arch_test.go, with its reason.
package arch
