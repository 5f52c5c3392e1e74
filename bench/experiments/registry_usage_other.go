//go:build !linux

package experiments

import "time"

// processTime is the time by the clock where that of a process is not to be had simply.
func processTime() time.Duration { return cpuTime() }

func otherTime(string) (time.Duration, bool) { return 0, false }
