package main

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
)

const (
	// gcPercent is by how much the heap grows between two collections, percent of what
	// is live. Pictures are few and large allocations: 20 saves 20 to 35 % of memory
	// against Go's 100, at no measurable cost.
	gcPercent = 20
	// gcFloor is the heap in bytes below which nothing is collected: small pictures have
	// little that is live, and 20 % of little is collected all the time. Marking a JPEG of 12
	// megapixels takes 4 MB more with 48 MiB here, and 2 % less time.
	gcFloor = 32 << 20

	// smallMemory is how many bytes Go may take, beside the program's file, before it returns free pages to the
	// system. It does not count from smallHeap bytes of live heap on. Marking a JPEG of 12 megapixels takes 54 to 58 MB
	// beside the file, and 62 to 67 without.
	smallMemory = 56 << 20
	smallHeap   = 64 << 20
)

// collectGarbage sets when the Go runtime collects garbage, for the whole process, unless the
// variable GOGC is set. Collections begin at about gcFloor bytes of heap; far above that the heap
// grows by gcPercent between collections. Go knows a limit for the heap but no floor, so the
// percentage is set anew after each collection.
func collectGarbage() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcFloor / minHeap * 100)
		afterCollection(func() bool { setPercent(); return true })
	}
}

// limitMemory limits what the process takes, in bytes, until the function it returns is called: to limit, or to
// little while little is live. It does nothing if the variable GOMEMLIMIT is set.
func limitMemory(limit int64) (end func()) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return func() {}
	}
	before := debug.SetMemoryLimit(min(limit, smallMemory))
	var ended atomic.Bool
	afterCollection(func() bool {
		if !ended.Load() {
			debug.SetMemoryLimit(min(limit, memoryFor(liveHeap())))
		}
		return !ended.Load()
	})
	return func() {
		ended.Store(true)
		debug.SetMemoryLimit(before)
	}
}

// memoryFor returns how many bytes Go may take with n bytes of live heap.
func memoryFor(n int64) int64 {
	if n >= smallHeap {
		return math.MaxInt64
	}
	return max(smallMemory, n+n*gcPercent/100)
}

// minHeap is the heap in bytes at which Go collects first, at 100 percent.
const minHeap = 4 << 20

// setPercent sets GOGC's percentage from the live heap that the last collection left. The next
// collection then comes at gcFloor bytes, or at gcPercent above the live heap if that is more.
func setPercent() {
	n := max(liveHeap(), minHeap)
	debug.SetGCPercent(max(gcPercent, int(100*(gcFloor-n)/n)))
}

// liveHeap returns how many bytes of heap the last collection left.
func liveHeap() int64 {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	return int64(live[0].Value.Uint64())
}

// afterCollection calls f after every collection of garbage from now on, on the goroutine that runs
// finalizers, until f returns false.
func afterCollection(f func() (again bool)) {
	type seen struct{ _ [32]byte }
	runtime.SetFinalizer(new(seen), func(*seen) {
		if f() {
			afterCollection(f)
		}
	})
}
