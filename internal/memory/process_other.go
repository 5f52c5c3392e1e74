//go:build !unix

package memory

import "math"

// ofProcess returns the max value: this system has no such limit.
func ofProcess() uint64 { return math.MaxUint64 }
