//go:build !linux

package main

import (
	"os"
	"time"
)

// These systems have no clock of processor time that is read here. Wall clock takes its place.

func threadTime() time.Duration        { return time.Duration(time.Now().UnixNano()) }
func processTime() time.Duration       { return threadTime() }
func childrenTime() time.Duration      { return 0 }
func otherTime(string) time.Duration   { return 0 }
func residentBytes() int64             { return 0 }
func privateBytes() int64              { return 0 }
func peakBytes(*os.ProcessState) int64 { return 0 }
func treeBytes(int, int64) int64       { return 0 }
func treeTime(int) time.Duration       { return 0 }
func parentOf(int) int                 { return 0 }
