package memory

import (
	"math"

	"golang.org/x/sys/unix"
)

// ofMachine returns the memory of the machine, bytes; math.MaxUint64 if it is not known.
func ofMachine() uint64 {
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) != nil {
		return math.MaxUint64
	}
	return uint64(info.Totalram) * uint64(info.Unit)
}
