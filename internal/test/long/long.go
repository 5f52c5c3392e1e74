// Package long divides the cases of tests between "go test ./...", which has five minutes, and the build tag "long",
// which ".ci/run long" sets.
package long

// Cases returns the first n cases, or with the tag long all.
func Cases[T any](n int, all ...T) []T { return all[:Number(n, len(all))] }

// Number returns few, or with the tag long many.
func Number(few, many int) int {
	if On {
		return many
	}
	return few
}
