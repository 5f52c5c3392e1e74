// Package long divides the cases of a test between "go test ./...", which has five minutes, and the step "long tests" of .ci/run.
package long

import "os"

// Cases returns the first n cases, which each test run needs, or with KYCMARK_LONG the others.
func Cases[T any](n int, all ...T) []T {
	if os.Getenv("KYCMARK_LONG") != "" {
		return all[n:]
	}
	return all[:n]
}
