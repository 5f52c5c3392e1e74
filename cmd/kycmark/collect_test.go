package main

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// The percentage falls to gcPercent as the live heap grows to the floor.
func TestCollectionHasAFloor(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	live := make([]byte, 2*gcFloor)
	runtime.GC()
	setPercent()
	assert.Equal(t, gcPercent, debug.SetGCPercent(100), "a large heap")
	runtime.KeepAlive(live)
	live = nil
	runtime.GC()
	setPercent()
	assert.Greater(t, debug.SetGCPercent(100), gcPercent, "a small heap")
}

// While little is live, Go may take little; a large heap may take what the user gave. At the end the limit is as before.
func TestMemoryIsLimitedByWhatIsLive(t *testing.T) {
	t.Setenv("GOMEMLIMIT", "")
	before := debug.SetMemoryLimit(-1)
	limit := func() int64 {
		runtime.GC()
		return debug.SetMemoryLimit(-1)
	}
	const most = 1 << 32
	end := limitMemory(most)
	live := make([]byte, 2*smallHeap)
	assert.Eventually(t, func() bool { return limit() == most }, time.Minute, time.Millisecond)
	runtime.KeepAlive(live)
	live = nil
	assert.Eventually(t, func() bool { return limit() < 2*smallHeap }, time.Minute, time.Millisecond)
	end()
	assert.Equal(t, before, debug.SetMemoryLimit(-1))
}
