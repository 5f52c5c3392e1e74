package main

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// threadTime returns the processor time of the calling thread.
func threadTime() time.Duration { return clockTime(unix.CLOCK_THREAD_CPUTIME_ID) }

// processTime returns the processor time of the process.
func processTime() time.Duration { return clockTime(unix.CLOCK_PROCESS_CPUTIME_ID) }

// childrenTime returns the processor time of the processes that this one started and waited for.
func childrenTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// clockTime reads a clock of clock_gettime(2). If the clock cannot be read, wall clock takes its place.
func clockTime(clock int32) time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(clock, &t); err != nil {
		return time.Duration(time.Now().UnixNano())
	}
	return time.Duration(t.Nano())
}

// statTick is the unit of times in /proc (proc_pid_stat(5)), 1/100 s on all of Go's systems.
const statTick = 10 * time.Millisecond

// otherTime returns the processor time of another process; 0 if this machine has no such process.
func otherTime(pid string) time.Duration {
	stat, _ := os.ReadFile("/proc/" + pid + "/stat")
	_, rest, _ := bytes.Cut(stat, []byte(") ")) // the name before may hold anything
	f := bytes.Fields(rest)
	if len(f) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(string(f[11]), 10, 64)
	system, _ := strconv.ParseInt(string(f[12]), 10, 64)
	return time.Duration(user+system) * statTick
}

// residentBytes returns the memory that the process has; 0: the system does not say.
func residentBytes() int64 { return residentOf("self") }

// privateBytes returns the memory that the process shares with no file; 0: the system does not say.
func privateBytes() int64 {
	stat, _ := os.ReadFile("/proc/self/statm")
	fields := bytes.Fields(stat)
	if len(fields) < 3 {
		return 0
	}
	shared, _ := strconv.ParseInt(string(fields[2]), 10, 64)
	return residentBytes() - shared*int64(os.Getpagesize())
}

// residentOf returns the memory that a process has; 0: the system does not say.
func residentOf(pid string) int64 {
	_, resident := memoryOf(pid)
	return resident
}

// memoryOf returns the addresses and the memory that a process has, bytes; 0: the system does not say.
func memoryOf(pid string) (addresses, resident int64) {
	stat, err := os.ReadFile("/proc/" + pid + "/statm")
	fields := bytes.Fields(stat)
	if err != nil || len(fields) < 2 {
		return 0, 0
	}
	all, _ := strconv.ParseInt(string(fields[0]), 10, 64)
	pages, _ := strconv.ParseInt(string(fields[1]), 10, 64)
	return all * int64(os.Getpagesize()), pages * int64(os.Getpagesize())
}

// treeBytes returns the memory that a process has, with the processes that it started. A process that
// is just being started has the addresses of its parent, above bytes, and its very memory: it adds nothing.
func treeBytes(pid int, above int64) int64 {
	id := strconv.Itoa(pid)
	addresses, sum := memoryOf(id)
	if addresses == above {
		return 0
	}
	tasks, _ := os.ReadDir("/proc/" + id + "/task")
	for _, t := range tasks {
		children, _ := os.ReadFile("/proc/" + id + "/task/" + t.Name() + "/children")
		for _, child := range bytes.Fields(children) {
			if n, err := strconv.Atoi(string(child)); err == nil {
				sum += treeBytes(n, addresses)
			}
		}
	}
	return sum
}

// peakBytes returns the largest memory that a process had that has ended, and its children that it waited
// for: the largest of one process.
func peakBytes(ended *os.ProcessState) int64 {
	usage, ok := ended.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	return int64(usage.Maxrss) << 10
}

// statFields returns the fields of /proc/PID/stat after the name; the first is number 3 of proc_pid_stat(5).
func statFields(pid int) [][]byte {
	stat, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	_, rest, _ := bytes.Cut(stat, []byte(") "))
	return bytes.Fields(rest)
}

// parentOf returns the process that started another.
func parentOf(pid int) int {
	f := statFields(pid)
	if len(f) < 2 {
		return 0
	}
	n, _ := strconv.Atoi(string(f[1]))
	return n
}

// treeTime returns the processor time of a process and its children, the ended ones also.
func treeTime(pid int) (sum time.Duration) {
	f := statFields(pid)
	if len(f) < 15 {
		return 0
	}
	for _, text := range f[11:15] {
		n, _ := strconv.ParseInt(string(text), 10, 64)
		sum += time.Duration(n) * statTick
	}
	children, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/task/" + strconv.Itoa(pid) + "/children")
	for _, child := range bytes.Fields(children) {
		sum += otherTime(string(child))
	}
	return sum
}
