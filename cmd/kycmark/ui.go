package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/spf13/cobra"
)

// ui is how the command speaks. Results go to stdout: text for people, or with
// --json one object a line. All else goes to stderr, one line each, with the
// prefix "kycmark:", no capital and no full stop. It also remembers the worst
// outcome so far, which becomes the exit code.
type ui struct {
	out, err *stream
	args     []string // of the command line
	json     bool
	started  bool  // a verb runs: flags and arguments were understood
	noHelp   error // help was asked for what there is not: cobra takes none from help
	code     int
}

func newUI(stdout, stderr io.Writer) *ui {
	return &ui{out: newStream(stdout), err: newStream(stderr)}
}

// verb wraps the work of a command, so that errors before it count as usage.
func (u *ui) verb(do func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		u.started = true
		if err := noneEmpty(cmd.Flags()); err != nil {
			return err
		}
		return do(cmd, args)
	}
}

// errorf says what went wrong.
func (u *ui) errorf(format string, args ...any) { u.say("", format, args...) }

// hintf says what to do about it.
func (u *ui) hintf(format string, args ...any) { u.say("hint: ", format, args...) }

// warnf says what should worry the user although the work goes on.
func (u *ui) warnf(format string, args ...any) { u.say("warning: ", format, args...) }

// warnPages warns of a file with pictures that are not looked at.
func (u *ui) warnPages(file string, pages int) {
	if pages > 1 {
		u.warnf("%s: only the first of %d pages is read", name(file), pages)
	}
}

func (u *ui) say(kind, format string, args ...any) {
	for line := range strings.Lines(fmt.Sprintf(format, args...)) {
		fmt.Fprintf(u.err, "kycmark: %s%s\n", kind, name(strings.TrimRight(line, "\n")))
	}
}

// fail reports one bad input; the batch goes on and the exit code becomes 3.
func (u *ui) fail(file string, err error) {
	u.code = worse(u.code, exitSome)
	u.errorf("%s: %s", name(file), reason(err))
}

// no records that the question was answered with "no".
func (u *ui) no() { u.code = worse(u.code, exitNo) }

// printf writes a result for people; silent with --json. Sentences have names from
// outside in them: what a terminal would obey is taken out of the whole.
func (u *ui) printf(format string, args ...any) {
	if !u.json {
		io.WriteString(u.out, shown(fmt.Sprintf(format, args...)))
	}
}

// line writes one result as JSON; silent without --json.
func (u *ui) line(v any) error {
	if !u.json {
		return nil
	}
	enc := json.NewEncoder(u.out)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// table writes rows in aligned columns for people; silent with --json.
func (u *ui) table(header string, rows [][]string) {
	if u.json || len(rows) == 0 {
		return
	}
	tw := tabwriter.NewWriter(u.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, header)
	for _, row := range rows {
		for i := range row {
			row[i] = name(row[i])
		}
		fmt.Fprintln(tw, strings.Join(row, "\t"))
	}
	tw.Flush()
}

// tabled writes a short list: a table of its rows for people, or with --json its items.
func tabled[T any](u *ui, header string, items []T, row func(T) []string) error {
	var rows [][]string
	for _, x := range items {
		rows = append(rows, row(x))
		if err := u.line(x); err != nil {
			return err
		}
	}
	u.table(header, rows)
	return nil
}

// name is s as it may be shown on a terminal. File names come from the people who leaked
// the files: line breaks and escape sequences in a name must not look like our own lines.
func name(s string) string {
	return strings.ReplaceAll(shown(s), "\n", string(unicode.ReplacementChar))
}

// shown is a text of several lines as it may be shown on a terminal.
func shown(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && !unicode.IsGraphic(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// text returns a pointer to s, or nil for "": JSON null.
func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// reasonText is reason as a JSON value, null without an error.
func reasonText(err error) *string {
	if err == nil {
		return nil
	}
	return text(reason(err))
}

// Exit codes, as scripts rely on them.
const (
	exitDone  = 0
	exitNo    = 1 // the question was answered with "no"
	exitUsage = 2
	exitSome  = 3 // some inputs failed, the rest is done
	exitFatal = 4
)

// severity orders the exit codes: the last code that applies wins.
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
