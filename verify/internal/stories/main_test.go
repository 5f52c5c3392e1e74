package stories_test

import (
	"os"
	"runtime/debug"
	"testing"
)

// TestMain collects garbage less often than programs do: that took a tenth of the processor time.
func TestMain(m *testing.M) {
	debug.SetGCPercent(400)
	os.Exit(m.Run())
}
