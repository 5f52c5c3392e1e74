package apart

import "syscall"

// limit limits the data of this process to so many bytes, and unless seconds is 0 its processor time. The runtime ends a
// process that needs more memory, and the kernel ends it when its time is used up. A system that refuses a limit leaves the
// process without.
func limit(bytes, seconds uint64) {
	_ = syscall.Setrlimit(syscall.RLIMIT_DATA, &syscall.Rlimit{Cur: bytes, Max: bytes})
	if seconds > 0 {
		_ = syscall.Setrlimit(syscall.RLIMIT_CPU, &syscall.Rlimit{Cur: seconds, Max: seconds})
	}
}
