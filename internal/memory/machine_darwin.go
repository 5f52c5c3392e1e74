package memory

import (
	"math"

	"golang.org/x/sys/unix"
)

// ofMachine returns the memory of the machine, bytes; math.MaxUint64 if it is not known.
func ofMachine() uint64 {
	n, err := unix.SysctlUint64("hw.memsize")
	if err != nil {
		return math.MaxUint64
	}
	return n
}
