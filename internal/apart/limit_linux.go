package apart

import "syscall"

// limitMemory limits the data of this process to so many bytes. The runtime ends a process that needs
// more. A system that refuses the limit leaves the process without.
func limitMemory(bytes uint64) {
	_ = syscall.Setrlimit(syscall.RLIMIT_DATA, &syscall.Rlimit{Cur: bytes, Max: bytes})
}
