package carve

import (
	"os"
	"runtime/debug"
	"testing"
)

// TestMain collects garbage less often than programs do: that takes less processor time.
func TestMain(m *testing.M) {
	debug.SetGCPercent(400)
	os.Exit(m.Run())
}
