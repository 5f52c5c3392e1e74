// Package aparttest tests that processes of package apart end with their context.
package aparttest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/kycmark/kycmark/internal/apart"
)

// variable names the file into which a process that is to hang writes its ID.
const variable = "KYCMARK_TEST_HANG"

// Serve hangs, if this is a process with that verb that Cancelled started. TestMain calls it first.
func Serve(verb string) {
	file := os.Getenv(variable)
	if len(os.Args) < 2 || os.Args[1] != verb || file == "" {
		return
	}
	if os.WriteFile(file+".new", []byte(strconv.Itoa(os.Getpid())), 0o600) == nil && os.Rename(file+".new", file) == nil {
		time.Sleep(time.Hour)
	}
	os.Exit(9)
}

// Cancelled runs f, whose process hangs, and cancels its context. f must return the error of the context,
// and its process must then be gone.
func Cancelled(t *testing.T, f func(context.Context) error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "pid")
	t.Setenv(variable, file)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	var text []byte
	for start := time.Now(); text == nil; time.Sleep(5 * time.Millisecond) {
		select {
		case err := <-done:
			t.Fatalf("it did not hang: %v", err)
		default:
		}
		if time.Since(start) > time.Minute {
			t.Fatal("no process was started")
		}
		text, _ = os.ReadFile(file)
	}
	pid, err := strconv.Atoi(string(text))
	if err != nil || !runs(pid) {
		t.Fatalf("process %s does not run: %v", text, err)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got the error %v, want that of the context", err)
	}
	if runs(pid) {
		t.Error("the process is left")
	}
}

// runs reports whether there is a process. Windows finds no process that has ended; other systems find
// any.
func runs(pid int) bool {
	p, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	defer p.Release()
	return runtime.GOOS == "windows" || p.Signal(syscall.Signal(0)) == nil
}

// Kill kills the processes of pools that wait, and that the pools do not know.
func Kill(t *testing.T, pools ...*apart.Pool) {
	t.Helper()
	for _, pool := range pools {
		for _, p := range pool.Waiting() {
			if err := p.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
}
