package memory

import (
	"math"
	"unsafe"

	"golang.org/x/sys/windows"
)

// memoryStatus is MEMORYSTATUSEX of the Windows API.
type memoryStatus struct {
	length, load uint32
	total        uint64 // bytes
	_            [6]uint64
}

// ofMachine returns the memory of the machine, bytes; math.MaxUint64 if it is not known.
func ofMachine() uint64 {
	var s memoryStatus
	s.length = uint32(unsafe.Sizeof(s))
	if ok, _, _ := windows.NewLazySystemDLL("kernel32.dll").NewProc("GlobalMemoryStatusEx").Call(uintptr(unsafe.Pointer(&s))); ok == 0 {
		return math.MaxUint64
	}
	return s.total
}
