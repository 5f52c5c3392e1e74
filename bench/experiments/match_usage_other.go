//go:build !linux

package experiments

import (
	"runtime"
	"time"
)

// cpuTime is the time by the clock where a thread's is not to be had simply.
func cpuTime() time.Duration { return time.Since(processStart) }

var processStart = time.Now()

// residentBytes is what Go has from the system.
func residentBytes() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.Sys - m.HeapReleased)
}
