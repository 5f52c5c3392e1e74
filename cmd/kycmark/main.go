// Command kycmark marks pictures per recipient and says whose copy leaked.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/kycmark/kycmark/decoders"
	"github.com/kycmark/kycmark/decoders/pdfs"
	"github.com/kycmark/kycmark/internal/cli"
	"github.com/kycmark/kycmark/internal/memory"
	"github.com/kycmark/kycmark/internal/unpack"
)

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if unpack.Serve() || decoders.Serve() || pdfs.Serve() { // a process that this command started
		return
	}
	memory.LargePages()
	signal.Ignore(syscall.SIGPIPE) // a closed stdout fails like a full one, and ends no work
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends it at once
	code := cli.Run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// gcPercent is by how much the heap grows between two collections, percent. Measured with GOGC set: the demo takes 450 MB at
// most with 20, 520 with 50 and 680 with 100. Against 100, 20 takes 8 % more processor time.
const gcPercent = 50
