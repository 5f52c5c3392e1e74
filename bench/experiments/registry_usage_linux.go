package experiments

import (
	"bytes"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// processTime is the CPU time of the whole process.
func processTime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t); err != nil {
		return cpuTime()
	}
	return time.Duration(t.Nano())
}

// tick is the unit of times in /proc (proc_pid_stat(5)), 1/100 s on all of Go's systems.
const tick = 10 * time.Millisecond

// otherTime is the CPU time of another process.
func otherTime(pid string) (time.Duration, bool) {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return 0, false
	}
	_, rest, _ := bytes.Cut(stat, []byte(") ")) // the name before may hold anything
	f := bytes.Fields(rest)
	if len(f) < 13 {
		return 0, false
	}
	user, err1 := strconv.ParseInt(string(f[11]), 10, 64)
	system, err2 := strconv.ParseInt(string(f[12]), 10, 64)
	return time.Duration(user+system) * tick, err1 == nil && err2 == nil
}
