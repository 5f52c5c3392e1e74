//go:build unix

package apart

import (
	"syscall"
	"time"
)

// processorTime returns how much this process took since it began.
func processorTime() time.Duration {
	var used syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &used) != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
