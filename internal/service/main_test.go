package service_test

import (
	"os"
	"testing"

	"github.com/kycmark/kycmark/internal/test/pgtest"
)

// server is started by the first test that needs it.
var server pgtest.Server

func TestMain(m *testing.M) {
	code := m.Run()
	server.Stop()
	os.Exit(code)
}
