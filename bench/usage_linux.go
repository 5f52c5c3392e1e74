package main

import (
	"bytes"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// threadTime returns the processor time of the calling thread.
func threadTime() time.Duration { return clockTime(unix.CLOCK_THREAD_CPUTIME_ID) }

// processTime returns the processor time of the process.
func processTime() time.Duration { return clockTime(unix.CLOCK_PROCESS_CPUTIME_ID) }

// clockTime reads a clock of clock_gettime(2). If the clock cannot be read, wall clock takes its place.
func clockTime(clock int32) time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(clock, &t); err != nil {
		return time.Duration(time.Now().UnixNano())
	}
	return time.Duration(t.Nano())
}

// residentBytes returns the memory that the process has; 0: the system does not say.
func residentBytes() int64 { return residentOf("self") }

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
