package main

import (
	"encoding/json"
	"fmt"
	"io"
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

// name is s as it may be shown on a terminal. File names come from whoever made
// the leak: one with line breaks or escape sequences must not write lines of ours.
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
