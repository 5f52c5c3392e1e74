package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/durable"
	"github.com/kycmark/kycmark/internal/keyfile"
	"github.com/kycmark/kycmark/watermark"
)

// Exit codes, the same as the exit codes of the command kycmark.
const (
	exitDone  = 0
	exitNo    = 1 // a bar was missed, or a measurement found what must not be
	exitUsage = 2
	exitSome  = 3 // some pictures failed, the others were measured
	exitFatal = 4
)

// severity orders the exit codes. If several codes apply, the last in this list wins.
var severity = []int{exitDone, exitNo, exitSome, exitUsage, exitFatal}

// ui writes results to stdout and everything else to stderr, and keeps the worst outcome
// so far, which becomes the exit code.
type ui struct {
	out, err io.Writer
	args     []string // the command line
	json     bool     // results as JSON lines instead of text
	started  bool     // the flags were understood and the work has begun
	code     int
}

// A usageError is a mistake in flags or arguments.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}

// verb wraps the work of a command: an error before the work begins counts as wrong usage.
func (u *ui) verb(do func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		u.started = true
		return do(cmd, args)
	}
}

func (u *ui) worsen(code int) {
	if slices.Index(severity, code) > slices.Index(severity, u.code) {
		u.code = code
	}
}

func (u *ui) errorf(format string, args ...any) {
	fmt.Fprintf(u.err, "kycmark-bench: "+format+"\n", args...)
}

// fail reports one input that could not be measured. The others go on.
func (u *ui) fail(what string, err error) {
	u.worsen(exitSome)
	u.errorf("%s: %s", what, strings.ReplaceAll(err.Error(), "\n", "; "))
}

// no records that a bar was missed.
func (u *ui) no() { u.worsen(exitNo) }

// printf writes a result for people. With --json it writes nothing.
func (u *ui) printf(format string, args ...any) {
	if !u.json {
		fmt.Fprintf(u.out, format, args...)
	}
}

// line writes one result as JSON. Without --json it writes nothing.
func (u *ui) line(v any) error {
	if !u.json {
		return nil
	}
	enc := json.NewEncoder(u.out)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// progressEvery is the min time between two lines of progress.
const progressEvery = 10 * time.Second

// progressOf returns two functions. show writes to stderr, at most every ten seconds, how many of
// total steps are done. done ends the progress.
func (u *ui) progressOf(_ context.Context, what string) (show func(n, total int), done func()) {
	var mu sync.Mutex
	last := time.Now()
	return func(n, total int) {
		mu.Lock()
		defer mu.Unlock()
		if time.Since(last) >= progressEvery {
			last = time.Now()
			u.errorf("%s: %d of %d", what, n, total)
		}
	}, func() {}
}

// finish reports the error that ended the command, if any, and returns the exit code.
func (u *ui) finish(ctx context.Context, cmd *cobra.Command, err error) int {
	if err == nil {
		return u.code
	}
	u.errorf("%v", err)
	var usage *usageError
	var theirs *ruler.UsageError
	if !u.started || errors.As(err, &usage) || errors.As(err, &theirs) {
		u.errorf("see \"%s --help\"", cmd.CommandPath())
		u.worsen(exitUsage)
		return u.code
	}
	return exitFatal
}

// group makes cmd a parent of verbs, which does nothing itself.
func group(cmd *cobra.Command) *cobra.Command {
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		if len(args) > 0 {
			return usagef("there is no verb %q", args[0])
		}
		var names []string
		for _, v := range cmd.Commands() {
			names = append(names, v.Name())
		}
		return usagef("say %s", strings.Join(names, " or "))
	}
	return cmd
}

// writeOutput writes a file under a temporary name and renames it.
func writeOutput(path string, data []byte, force bool) error {
	return durable.WriteFile(path, data, 0o600, force)
}

// readKey reads the mark key of a file; "" gives nil.
func readKey(path string) (*watermark.Key, error) {
	if path == "" {
		return nil, nil
	}
	return keyfile.ReadMark(path)
}
