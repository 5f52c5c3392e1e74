package service_test

import (
	"os"
	"runtime/debug"
	"testing"

	"github.com/kycmark/kycmark/internal/test/pgtest"
)

// server is started by the first test that needs it.
var server pgtest.Server

// TestMain collects garbage less often than programs do: that takes less processor time.
func TestMain(m *testing.M) {
	debug.SetGCPercent(400)
	code := m.Run()
	server.Stop()
	os.Exit(code)
}
