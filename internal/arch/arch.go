// Package arch has only tests. They say which package may import which and why, and hold the
// rules for words of CONTRIBUTING.md. Imports go in one direction:
//
//	cmd, examples -> verify -> verify/registry -> watermark, phash -> internal/...
//
// To change a rule, edit arch_test.go and give the reason there.
package arch
