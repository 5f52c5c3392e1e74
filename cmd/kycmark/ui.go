package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/decoders"
	"github.com/kycmark/kycmark/decoders/pdfs"
	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/memory"
)

// ui is how the command speaks. Results go to stdout: text for people, or with --json one object a line. All else goes
// to stderr, one line each, with the prefix "kycmark:", no capital and no full stop. It also remembers the worst
// outcome so far, which becomes the exit code.
type ui struct {
	out, err *stream
	decoder  *decoders.Decoder
	pdfs     *pdfs.Reader
	memory   int64 // MiB that pictures may take together; 0: what the system allows
	// maxMemory returns the same in bytes, and budget has it for pictures that no registry is about. The flags must have
	// been read.
	maxMemory func() int64
	budget    func() *memory.Budget
	args      []string // of the command line
	json      bool
	started   bool  // a verb runs: flags and arguments were understood
	noHelp    error // help was asked for what there is not: cobra takes none from help
	code      int
}

// newUI makes the ui that writes results to stdout and all else to stderr.
func newUI(stdout, stderr io.Writer) *ui {
	u := &ui{out: newStream(stdout), err: newStream(stderr), decoder: decoders.New(), pdfs: pdfs.New()}
	u.maxMemory = sync.OnceValue(func() int64 {
		if u.memory > 0 {
			return u.memory << 20
		}
		return memory.Limit()
	})
	u.budget = sync.OnceValue(func() *memory.Budget { return memory.New(u.maxMemory()) })
	return u
}

// selfMemory is what the program takes without pictures, bytes. Chosen.
const selfMemory = 64 << 20

// verb wraps do, the work of a command, for cobra's RunE. It notes that flags and arguments were understood, so that
// errors before it count as wrong usage.
func (u *ui) verb(do func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		u.started = true
		if u.memory < 0 {
			return usagef("--max-memory %d: want 0 or more", u.memory)
		}
		if os.Getenv("GOMEMLIMIT") == "" {
			debug.SetMemoryLimit(u.maxMemory() + selfMemory)
		}
		if err := noneEmpty(cmd.Flags()); err != nil {
			return err
		}
		if err := noSecrets(u.args); err != nil {
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

// warnPages warns of a file with several pages, because something is done with the first alone: done, such as "handed
// out".
func (u *ui) warnPages(file string, pages int, done string) {
	if pages > 1 {
		u.warnf("%s: %v", name(file), onlyFirst(pages, done))
	}
}

// warnLacks warns of a damaged JPEG. lacks says what is missing, and done what is done with the rest.
func (u *ui) warnLacks(file, lacks, done string) {
	if lacks != "" {
		u.warnf("%s: incomplete: %s; the rest is %s", name(file), lacks, done)
	}
}

// failPages is warnPages where an answer needs all pages: a file whose further pages are not read is a bad input.
func (u *ui) failPages(file string, pages int) {
	if pages > 1 {
		u.fail(file, onlyFirst(pages, "read"))
	}
}

func onlyFirst(pages int, done string) error {
	return fmt.Errorf("only the first of %d pages is %s", pages, done)
}

// say writes each line of a message to stderr after "kycmark: " and kind, which is "" or ends with
// a space. Characters that a terminal would obey become escapes.
func (u *ui) say(kind, format string, args ...any) {
	for line := range strings.Lines(fmt.Sprintf(format, args...)) {
		fmt.Fprintf(u.err, "kycmark: %s%s\n", kind, intake.Escaped(strings.Trim(line, "\t\n")))
	}
}

// fail reports the bad input file with the reason err. The batch goes on; the exit code becomes 3 unless a worse one
// is set.
func (u *ui) fail(file string, err error) {
	u.code = worse(u.code, exitSome)
	u.errorf("%s: %s", name(file), reason(err))
}

// no records that the question was answered with "no": the exit code becomes 1 unless a worse one is set.
func (u *ui) no() { u.code = worse(u.code, exitNo) }

// printf writes a result for people; silent with --json. Characters that a terminal would obey become escapes.
func (u *ui) printf(format string, args ...any) {
	if !u.json {
		io.WriteString(u.out, intake.Escaped(fmt.Sprintf(format, args...)))
	}
}

// line writes one result to stdout as a line of JSON; silent without --json. The error is one of encoding: a stdout that
// fails ends no work, and finish reports it.
func (u *ui) line(v any) error {
	if !u.json {
		return nil
	}
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	u.out.Write(intake.EscapedJSON(text.Bytes()))
	return nil
}

// A table is printed for people in aligned columns; it is silent with --json. Columns are
// aligned among blockRows rows, so that a table of any length takes little memory.
type table struct {
	*tabwriter.Writer
	header string
	rows   int
}

const blockRows = 1000

// table begins a table for people. header holds the names of its columns with tabs between them.
// Nothing is written before the first row or Flush; the caller must call Flush at the end.
func (u *ui) table(header string) *table {
	out := io.Writer(u.out)
	if u.json {
		out = io.Discard
	}
	return &table{Writer: tabwriter.NewWriter(out, 0, 0, 2, ' ', 0), header: header}
}

// row adds a row and, before the first row, the header.
func (t *table) row(cells []string) {
	line := make([]string, len(cells))
	for i, cell := range cells {
		line[i] = name(cell)
	}
	if t.rows == 0 {
		fmt.Fprintln(t, t.header)
	}
	if t.rows++; t.rows%blockRows == 0 {
		t.Flush()
	}
	fmt.Fprintln(t, strings.Join(line, "\t"))
}

// printList prints items as they come: a table for people, or with --json one object a line. row returns for an item
// the value that --json prints and the cells of its row; no cells leave the item out. Without rows the header alone is
// printed. The error is the first error among items, or of encoding JSON. A stdout that fails ends the list.
func printList[T any](u *ui, header string, items iter.Seq2[T, error], row func(T) (json any, cells []string)) error {
	t := u.table(header)
	defer t.Flush()
	for x, err := range items {
		if err != nil {
			return err
		}
		v, cells := row(x)
		if len(cells) == 0 {
			continue
		}
		t.row(cells)
		if err := u.line(v); err != nil {
			return err
		}
		if u.out.failed != nil { // finish reports it
			return nil
		}
	}
	if t.rows == 0 {
		fmt.Fprintln(t, header)
	}
	return nil
}

// listed returns a sequence, for printList, of pointers into items, or of err alone, which is that of reading the list.
func listed[T any](items []T, err error) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		if err != nil {
			yield(nil, err)
			return
		}
		for i := range items {
			if !yield(&items[i], nil) {
				return
			}
		}
	}
}

// mapped yields f of each item.
func mapped[In, Out any](items iter.Seq[In], f func(In) Out) iter.Seq[Out] {
	return func(yield func(Out) bool) {
		for x := range items {
			if !yield(f(x)) {
				return
			}
		}
	}
}

// name is [intake.Shown]. File names come from the people who leaked the files: line breaks and escape
// sequences in a name must not look like our own lines.
func name(s string) string { return intake.Shown(s) }

// oneLine is [intake.Escaped] for a text that must stay on its line.
func oneLine(s string) string { return strings.ReplaceAll(intake.Escaped(s), "\n", `\n`) }

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

// worse returns the one of two exit codes that wins: the later in severity.
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

// usagef makes a usageError.
func usagef(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}

// A hintError carries advice beside what went wrong.
type hintError struct {
	error
	hint string
}

func (e *hintError) Unwrap() error { return e.error }

// withHint adds to err, which must not be nil, a hint that says what to do.
func withHint(err error, format string, args ...any) error {
	return &hintError{err, fmt.Sprintf(format, args...)}
}

// finish reports what ended the verb cmd and returns the exit code. Without an error it is that of the outcomes so far.
// An error before the verb began, or a usageError, is 2; any other error, an interrupt, and a failure of stdout are 4.
func finish(ctx context.Context, u *ui, cmd *cobra.Command, err error) int {
	if u.out.failed != nil && (err == nil || !u.started) { // --version returns what it could not write
		u.errorf("standard output: %v", u.out.failed)
		return exitFatal
	}
	if err == nil {
		return u.code
	}
	var usage *usageError
	if !u.started || errors.As(err, &usage) {
		u.errorf("%s%s", verbPrefix(cmd), unpacked(err.Error()))
		if !hintOf(u, err) {
			u.hintf("see \"%s --help\"", cmd.CommandPath())
		}
		return worse(u.code, exitUsage)
	}
	if ctx.Err() != nil {
		u.errorf("interrupted")
		return exitFatal
	}
	words := err.Error()
	if p := (*fs.PathError)(nil); errors.As(err, &p) && words == p.Error() {
		words = fmt.Sprintf("%s: %v", p.Path, p.Err) // without the name of the system call
	}
	u.errorf("%s", unpacked(words))
	hintOf(u, err)
	return exitFatal
}

// hintOf prints the hint that err carries, if any, and reports whether it does.
func hintOf(u *ui, err error) bool {
	var hint *hintError
	if !errors.As(err, &hint) {
		return false
	}
	u.hintf("%s", hint.hint)
	return true
}

// verbPrefix returns the name of the verb that was used wrongly, as "recipient add: ".
func verbPrefix(cmd *cobra.Command) string {
	if !cmd.HasParent() {
		return ""
	}
	return strings.TrimPrefix(cmd.CommandPath(), "kycmark ") + ": "
}
