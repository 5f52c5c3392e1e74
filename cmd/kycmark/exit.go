package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// Exit codes, as scripts rely on them.
const (
	exitDone  = 0
	exitNo    = 1 // the question was answered with "no"
	exitUsage = 2
	exitSome  = 3 // some inputs failed, the rest is done
	exitFatal = 4
)

// severity orders the exit codes: of those that apply, the last one wins.
var severity = []int{exitDone, exitNo, exitSome, exitUsage, exitFatal}

// worse returns whichever of two exit codes wins.
func worse(a, b int) int {
	if slices.Index(severity, b) > slices.Index(severity, a) {
		return b
	}
	return a
}

// A usageError is the caller's mistake in flags or arguments.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}

// A hintError carries advice beside what went wrong.
type hintError struct {
	error
	hint string
}

func (e *hintError) Unwrap() error { return e.error }

func withHint(err error, format string, args ...any) error {
	return &hintError{err, fmt.Sprintf(format, args...)}
}

// finish reports what ended the command and returns the exit code.
func (u *ui) finish(ctx context.Context, cmd *cobra.Command, err error) int {
	if err == nil && u.out.failed != nil {
		u.errorf("standard output: %v", u.out.failed)
		return exitFatal
	}
	if err == nil {
		return u.code
	}
	var usage *usageError
	if !u.started || errors.As(err, &usage) {
		u.errorf("%s%s", verbPrefix(cmd), unpacked(err.Error()))
		u.hintOf(err)
		u.hintf("see \"%s --help\"", cmd.CommandPath())
		return worse(u.code, exitUsage)
	}
	if ctx.Err() != nil {
		u.errorf("interrupted")
		return exitFatal
	}
	u.errorf("%s", unpacked(err.Error()))
	u.hintOf(err)
	return exitFatal
}

func (u *ui) hintOf(err error) {
	var hint *hintError
	if errors.As(err, &hint) {
		u.hintf("%s", hint.hint)
	}
}

// verbPrefix says which verb was used wrongly, as "recipient add: ".
func verbPrefix(cmd *cobra.Command) string {
	if !cmd.HasParent() {
		return ""
	}
	return strings.TrimPrefix(cmd.CommandPath(), "kycmark ") + ": "
}
