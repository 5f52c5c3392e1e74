package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/bench/ruler"
)

// Exit codes, the same as the exit codes of the command kycmark. If exitNo and exitSome apply, the
// higher code wins.
const (
	exitNo    = 1 // a bar was missed, or a measurement found what must not be
	exitUsage = 2
	exitSome  = 3 // some pictures failed, the others were measured
	exitFatal = 4
)

// ui writes results to stdout and everything else to stderr, and keeps the worst outcome
// so far, which becomes the exit code.
type ui struct {
	out, err io.Writer
	args     []string // the command line
	json     bool     // results as JSON lines instead of text
	started  bool     // the flags were understood and the work has begun
	code     int
}

// usagef returns a mistake in flags or arguments.
func usagef(format string, args ...any) error {
	return &ruler.UsageError{Err: fmt.Errorf(format, args...)}
}

// errorf writes a line to stderr.
func (u *ui) errorf(format string, args ...any) {
	fmt.Fprintf(u.err, "kycmark-bench: "+format+"\n", args...)
}

// fail reports one input that could not be measured. The others go on.
func (u *ui) fail(what, problem string) {
	u.code = max(u.code, exitSome)
	u.errorf("%s: %s", what, strings.ReplaceAll(problem, "\n", "; "))
}

// no reports a bar that was missed, or a measurement that found what must not be.
func (u *ui) no(format string, args ...any) {
	u.code = max(u.code, exitNo)
	u.errorf(format, args...)
}

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

// progress returns a function that writes to stderr, at most every ten seconds, how many of the total
// number of cases are done. Calls must not overlap.
func (u *ui) progress() func(done, total int) {
	last := time.Now()
	return func(done, total int) {
		if time.Since(last) >= 10*time.Second {
			last = time.Now()
			u.errorf("measuring: %d of %d", done, total)
		}
	}
}

// finish reports the error that ended the command, if any, and returns the exit code.
func (u *ui) finish(cmd *cobra.Command, err error) int {
	if err == nil {
		return u.code
	}
	u.errorf("%v", err)
	var usage *ruler.UsageError
	if !u.started || errors.As(err, &usage) {
		u.errorf("see \"%s --help\"", cmd.CommandPath())
		return exitUsage
	}
	return exitFatal
}
