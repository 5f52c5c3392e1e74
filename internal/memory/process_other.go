//go:build !unix

package memory

import "errors"

// ofProcess fails: this system has no such limit.
func ofProcess() (uint64, error) { return 0, errors.ErrUnsupported }
