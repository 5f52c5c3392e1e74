// Package ui is how the command speaks: flags, output, exit codes, and the home that a verb works in.
package ui

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
	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/memory"
)

// UI is how the command speaks. Results go to stdout: text for people, or with --json one object a line. All else goes
// to stderr, one line each, with the prefix "kycmark:", no capital and no full stop. It also remembers the worst
// outcome so far, which becomes the exit code.
type UI struct {
	Out, Err *stream
	Decoder  *decoders.Decoder
	Pdfs     *pdfs.Reader
	Memory   int64 // MiB that pictures may take together; 0: what the system allows
	// maxMemory returns the same in bytes, and budget has it for pictures that no registry is about. Read the flags first.
	MaxMemory func() int64
	budget    func() *memory.Budget
	Args      []string // of the command line
	Json      bool
	started   bool  // a verb runs: flags and arguments were understood
	NoHelp    error // help was asked for what there is not: cobra takes none from help
	Code      int
}

// NewUI makes the ui that writes results to stdout and all else to stderr.
func NewUI(stdout, stderr io.Writer) *UI {
	u := &UI{Out: newStream(stdout), Err: newStream(stderr), Decoder: decoders.New(), Pdfs: pdfs.New()}
	u.Out.below = u.Err
	u.MaxMemory = sync.OnceValue(func() int64 {
		if u.Memory > 0 {
			return u.Memory << 20
		}
		return memory.Limit()
	})
	u.budget = sync.OnceValue(func() *memory.Budget { return memory.New(u.MaxMemory()) })
	return u
}

// selfMemory is what the program takes without pictures, bytes. Chosen.
const selfMemory = 64 << 20

// Verb wraps do, the work of a command, for cobra's RunE. It notes that flags and arguments were understood, so that
// errors before it count as wrong usage.
func (u *UI) Verb(do func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		u.started = true
		if u.Memory < 0 {
			return Usagef("--max-memory %d: want 0 or more", u.Memory)
		}
		if os.Getenv("GOMEMLIMIT") == "" {
			debug.SetMemoryLimit(u.MaxMemory() + selfMemory)
		}
		if err := noneEmpty(cmd.Flags()); err != nil {
			return err
		}
		if err := NoSecrets(u.Args); err != nil {
			return err
		}
		return do(cmd, args)
	}
}

func (u *UI) Errorf(format string, args ...any) { u.Say("", format, args...) }
func (u *UI) Hintf(format string, args ...any)  { u.Say("hint: ", format, args...) }

// Warnf says what should worry the user although the work goes on.
func (u *UI) Warnf(format string, args ...any) { u.Say("warning: ", format, args...) }

// WarnPages warns of a file with several pages if something is done with the first only: done, such as "handed out".
func (u *UI) WarnPages(file string, pages int, done string) {
	if pages > 1 {
		u.Warnf("%s: %v", Name(file), onlyFirst(pages, done))
	}
}

// WarnLacks warns of a damaged JPEG. lacks says what is missing, and done what is done with the rest.
func (u *UI) WarnLacks(file, lacks, done string) {
	if lacks != "" {
		u.Warnf("%s: incomplete: %s; the rest is %s", Name(file), lacks, done)
	}
}

// FailPages is warnPages where an answer needs all pages: a file whose further pages are not read is a bad input.
func (u *UI) FailPages(file string, pages int) {
	if pages > 1 {
		u.Fail(file, onlyFirst(pages, "read"))
	}
}

func onlyFirst(pages int, done string) error {
	return fmt.Errorf("only the first of %d pages is %s", pages, done)
}

// Say writes each line of a message to stderr after "kycmark: " and kind, which is "" or ends with
// a space. Characters that a terminal would obey become escapes.
func (u *UI) Say(kind, format string, args ...any) {
	for line := range strings.Lines(fmt.Sprintf(format, args...)) {
		fmt.Fprintf(u.Err, "kycmark: %s%s\n", kind, intake.Escaped(strings.Trim(line, "\t\n")))
	}
}

// Fail reports the bad input file with the reason err. The batch goes on; the exit code is 3 at least.
func (u *UI) Fail(file string, err error) {
	u.Code = Worse(u.Code, ExitSome)
	u.Errorf("%s: %s", Name(file), Reason(err))
}

// No records that the question was answered with "no": the exit code becomes 1 unless a worse one is set.
func (u *UI) No() { u.Code = Worse(u.Code, ExitNo) }

// Printf writes a result for people; silent with --json. Characters that a terminal would obey become escapes.
func (u *UI) Printf(format string, args ...any) {
	if !u.Json {
		io.WriteString(u.Out, intake.Escaped(fmt.Sprintf(format, args...)))
	}
}

// Line writes one result to stdout as a line of JSON; silent without --json. The error is one of encoding: a stdout that
// fails ends no work, and finish reports it.
func (u *UI) Line(v any) error {
	if !u.Json {
		return nil
	}
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	u.Out.Write(intake.EscapedJSON(text.Bytes()))
	return nil
}

// A table is printed for people in aligned columns; it is silent with --json. Columns are
// aligned among BlockRows rows, so that a table of any length takes little memory.
type table struct {
	*tabwriter.Writer
	header string
	rows   int
}

const BlockRows = 1000

// Table begins a table for people. header holds the names of its columns with tabs between them.
// Nothing is written before the first row or Flush; the caller must call Flush at the end.
func (u *UI) Table(header string) *table {
	out := io.Writer(u.Out)
	if u.Json {
		out = io.Discard
	}
	return &table{Writer: tabwriter.NewWriter(out, 0, 0, 2, ' ', 0), header: header}
}

// Row adds a row and, before the first row, the header.
func (t *table) Row(cells []string) {
	line := each.Of(cells, Name)
	if t.rows == 0 {
		fmt.Fprintln(t, t.header)
	}
	if t.rows++; t.rows%BlockRows == 0 {
		t.Flush()
	}
	fmt.Fprintln(t, strings.Join(line, "\t"))
}

// PrintList prints items as they come: a table for people, or with --json one object a line. row returns for an item
// the value that --json prints and the cells of its row; no cells leave the item out. Without rows the header alone is
// printed. The error is the first error among items, or of encoding JSON. A stdout that fails ends the list.
func PrintList[T any](u *UI, header string, items iter.Seq2[T, error], row func(T) (json any, cells []string)) error {
	t := u.Table(header)
	defer t.Flush()
	for x, err := range items {
		if err != nil {
			return err
		}
		v, cells := row(x)
		if len(cells) == 0 {
			continue
		}
		t.Row(cells)
		if err := u.Line(v); err != nil {
			return err
		}
		if u.Out.failed != nil { // Finish reports it
			return nil
		}
	}
	if t.rows == 0 {
		fmt.Fprintln(t, header)
	}
	return nil
}

// Listed returns a sequence, for PrintList, of pointers into items, or of err alone, which is that of reading the list.
func Listed[T any](items []T, err error) iter.Seq2[*T, error] {
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

func Mapped[In, Out any](items iter.Seq[In], f func(In) Out) iter.Seq[Out] {
	return func(yield func(Out) bool) {
		for x := range items {
			if !yield(f(x)) {
				return
			}
		}
	}
}

// Name is [intake.Shown]. File names come from the people who leaked the files: line breaks and escape
// sequences in a name must not look like our own lines.
func Name(s string) string { return intake.Shown(s) }

// OneLine is [intake.Escaped] for a text that must stay on its line.
func OneLine(s string) string { return strings.ReplaceAll(intake.Escaped(s), "\n", `\n`) }

// Text returns a pointer to s, or nil for "": JSON null.
func Text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func ReasonText(err error) *string {
	if err == nil {
		return nil
	}
	return Text(Reason(err))
}

// Exit codes, as scripts rely on them.
const (
	ExitDone  = 0
	ExitNo    = 1 // the question was answered with "no"
	ExitUsage = 2
	ExitSome  = 3 // Some inputs failed, the rest is done
	ExitFatal = 4
)

// severity orders the exit codes: the last code that applies wins.
var severity = []int{ExitDone, ExitNo, ExitSome, ExitUsage, ExitFatal}

// Worse returns the one of two exit codes that wins: the later in severity.
func Worse(a, b int) int {
	if slices.Index(severity, b) > slices.Index(severity, a) {
		return b
	}
	return a
}

// A UsageError is the caller's mistake in flags or arguments.
type UsageError struct{ err error }

func (e *UsageError) Error() string { return e.err.Error() }
func (e *UsageError) Unwrap() error { return e.err }

func Usagef(format string, args ...any) error { return &UsageError{fmt.Errorf(format, args...)} }

// A HintError carries advice beside what went wrong.
type HintError struct {
	error
	Hint string
}

func (e *HintError) Unwrap() error { return e.error }

// WithHint adds to err, which must not be nil, a hint that says what to do.
func WithHint(err error, format string, args ...any) error {
	return &HintError{err, fmt.Sprintf(format, args...)}
}

// HintFor is [WithHint] if err wraps target. It returns other errors, and nil, unchanged.
func HintFor(err, target error, format string, args ...any) error {
	if errors.Is(err, target) {
		return WithHint(err, format, args...)
	}
	return err
}

// Finish reports what ended the verb cmd and returns the exit code. Without an error it is that of the outcomes so far.
// An error before the verb began, or a UsageError, is 2; any other error, an interrupt, and a failure of stdout are 4.
func Finish(ctx context.Context, u *UI, cmd *cobra.Command, err error) int {
	if u.Out.failed != nil && (err == nil || !u.started) { // --version returns what it could not write
		u.Errorf("standard output: %v", u.Out.failed)
		return ExitFatal
	}
	if err == nil {
		return u.Code
	}
	if _, usage := errors.AsType[*UsageError](err); usage || !u.started {
		verb := "" // as "recipient add: "
		if cmd.HasParent() {
			verb = strings.TrimPrefix(cmd.CommandPath(), "kycmark ") + ": "
		}
		u.Errorf("%s%s", verb, flagWords(unpacked(err.Error())))
		if !hintOf(u, err) {
			u.Hintf("see \"%s --help\"", cmd.CommandPath())
		}
		return Worse(u.Code, ExitUsage)
	}
	if ctx.Err() != nil && !errors.Is(err, context.DeadlineExceeded) { // else it says what was cut off
		u.Errorf("interrupted")
		return ExitFatal
	}
	words := err.Error()
	if p := (*fs.PathError)(nil); errors.As(err, &p) && words == p.Error() {
		words = fmt.Sprintf("%s: %v", p.Path, p.Err) // without the name of the system call
	}
	u.Errorf("%s", unpacked(words))
	hintOf(u, err)
	return ExitFatal
}

func hintOf(u *UI, err error) bool {
	hint, ok := errors.AsType[*HintError](err)
	if ok {
		u.Hintf("%s", hint.Hint)
	}
	return ok
}
