package main

import (
	"runtime"
	"runtime/debug"
	"testing"

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
