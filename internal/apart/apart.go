// Package apart runs readers of hostile formats in their own process: the same program, with a verb that only it knows.
//
// The readers take as much memory as a file announces, and some can neither be stopped nor be trusted
// not to panic. Their process is ended with the context, and with its parent. It has no environment. On Linux it has limits of memory
// and of processor time, and gains no privileges. It can open no file, start no program and reach no network. [Run] starts
// one process for one input. A [Pool] keeps processes that are slow to start for further inputs.
package apart

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"
)

var (
	// ErrEncrypted is wrapped if a password is needed.
	ErrEncrypted = errors.New("encrypted in its archive")
	// ErrTime is wrapped if the process had no more processor time.
	ErrTime = errors.New("not enough processor time")
	// ErrMemory is wrapped if the process ended early, most likely for want of memory.
	ErrMemory = errors.New("not enough memory")
)

// An exceeded is ErrTime or ErrMemory in other words.
type exceeded struct {
	of    error
	words string
}

func (e *exceeded) Error() string { return e.words }
func (e *exceeded) Unwrap() error { return e.of }

// forTests begins the names of the only variables that a process gets. Programs set none.
const forTests = "KYCMARK_TEST_"

const (
	maxChunk = 64 << 10 // bytes of a piece that is handed over
	maxName  = 4 << 10  // bytes of a name; longer names are cut
	maxLine  = 64 << 10 // bytes of a line between the processes
)

// A line is what the process that reads says before and after the bytes of each file.
type line struct {
	Name      string `json:"name,omitempty"`      // before a file
	Irregular bool   `json:"irregular,omitempty"` // before a file: a link or the like
	End       bool   `json:"end,omitempty"`       // after the last file
	Error     string `json:"error,omitempty"`     // after a file, or at the end
	Encrypted bool   `json:"encrypted,omitempty"`
	Spent     int64  `json:"spent,omitempty"` // at the end: processor time of the process since it began, ms
}

func (l *line) err() error {
	switch {
	case l.Encrypted:
		return ErrEncrypted
	case l.Error == io.ErrUnexpectedEOF.Error():
		return io.ErrUnexpectedEOF
	case l.Error != "":
		return errors.New(l.Error)
	}
	return nil
}

// A Job is what a process reads.
type Job struct {
	Verb      string // the first argument of the process
	Kind      string // of the input, for the reader
	MaxMemory int64  // bytes of data that the process has on Linux
	MaxTime   int64  // seconds of processor time that it has on Linux
}

// A process reads for this one.
type process struct {
	job  Job
	cmd  *exec.Cmd
	kill context.CancelFunc
	in   io.WriteCloser // requests; nil for Run
	out  *bufio.Reader

	asked int           // how often; under the lock of its pool
	spent time.Duration // processor time, as it said last
}

// start starts a process, which ends with ctx or with p.kill. in is its input; nil: it is asked.
func (j Job) start(ctx context.Context, in io.Reader) (p *process, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	running, cancel := context.WithCancel(ctx)
	p = &process{job: j, cmd: exec.CommandContext(running, self, j.Verb, j.Kind, strconv.FormatInt(j.MaxMemory, 10), strconv.FormatInt(j.MaxTime, 10)), kill: cancel}
	p.cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return !strings.HasPrefix(v, forTests) })
	p.cmd.SysProcAttr = endsWithParent()
	var out io.Reader
	if p.cmd.Stdin = in; in == nil {
		p.in, err = p.cmd.StdinPipe()
	}
	if err == nil {
		out, err = p.cmd.StdoutPipe()
	}
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		cancel()
		return nil, err
	}
	p.out = bufio.NewReaderSize(out, maxLine)
	return p, nil
}

// ended ends the process, and returns the error of its work for the caller: of ctx, or err. If the process
// stopped early, the error wraps [ErrTime] or [ErrMemory]. p.spent is then all of its time.
func (p *process) ended(ctx context.Context, stopped bool, err error) error {
	p.kill() // after the last line there is nothing to wait for
	died := p.cmd.Wait()
	if p.cmd.ProcessState != nil {
		p.spent = p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
	}
	if ended := ctx.Err(); ended != nil && err != nil {
		return ended
	}
	if exit := (*exec.ExitError)(nil); stopped && errors.As(died, &exit) {
		// Linux counts a limit by ticks of the clock, and may end a process before so much time is measured.
		if p.spent >= time.Duration(p.job.MaxTime)*time.Second/2 {
			return &exceeded{ErrTime, fmt.Sprintf("cannot be read within %d s of processor time", p.job.MaxTime)}
		}
		err = &exceeded{ErrMemory, fmt.Sprintf("cannot be read within %d MiB of memory, or its reader failed (%s)", p.job.MaxMemory>>20, exit)}
	}
	return err
}

// Run reads in with the reader of this program that [Serve] serves under the verb of j. It calls visit for each file
// that the reader finds, in the reader's order. A file that is not regular (a link) has no bytes. r returns an error if
// the file's bytes cannot be had; the files after it may be whole. Run ends at an error of visit, which it returns, or
// of ctx. Other errors are of the input, or of the process.
func Run(ctx context.Context, j Job, in io.Reader, visit func(name string, regular bool, r io.Reader) error) (err error) {
	p, err := j.start(ctx, in)
	if err != nil {
		return err
	}
	stopped, err := p.read(visit)
	return p.ended(ctx, stopped, err)
}

// read reads what the process writes. stopped reports whether the process ended before its last line.
func (p *process) read(visit func(name string, regular bool, r io.Reader) error) (stopped bool, err error) {
	for {
		var head line
		if err := head.read(p.out); err != nil {
			return true, err
		}
		if head.End {
			p.spent = time.Duration(head.Spent) * time.Millisecond
			return false, head.err()
		}
		f := &file{from: p.out}
		if err := visit(head.Name, !head.Irregular, f); err != nil {
			return f.broken, err
		}
		if _, err := io.Copy(io.Discard, f); f.broken {
			return true, err
		}
	}
}

func (l *line) read(from *bufio.Reader) error {
	text, err := from.ReadSlice('\n')
	if err != nil {
		return cut(err)
	}
	return json.Unmarshal(text, l)
}

func cut(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// A file reads the bytes of one file: pieces, each after its length, the last of length 0; then a line.
type file struct {
	from   *bufio.Reader
	left   uint32 // of the piece
	end    error  // what Read returns from now on
	broken bool   // the process ended
}

func (f *file) Read(b []byte) (int, error) {
	if f.end != nil {
		return 0, f.end
	}
	if f.left == 0 {
		var size [4]byte
		if _, err := io.ReadFull(f.from, size[:]); err != nil {
			return 0, f.fail(err)
		}
		if f.left = binary.BigEndian.Uint32(size[:]); f.left == 0 {
			var tail line
			if err := tail.read(f.from); err != nil {
				return 0, f.fail(err)
			}
			f.end = cmp.Or(tail.err(), io.EOF)
			return 0, f.end
		}
	}
	n, err := f.from.Read(b[:min(len(b), int(min(f.left, maxChunk)))])
	f.left -= uint32(n)
	if err != nil {
		return n, f.fail(err)
	}
	return n, nil
}

func (f *file) fail(err error) error {
	f.end, f.broken = cut(err), true
	return f.end
}

// Serve is the other end of [Run]. It returns false at once if this process was not started to read
// under that verb. Otherwise it calls reader with the kind and the input, and returns true when the work
// is done. The caller then ends the process. The reader hands its files to w; its error is of the input.
func Serve(verb string, reader func(kind string, in *os.File, w *Writer) error) (served bool) {
	if !started(verb) {
		return false
	}
	confine()
	NewWriter(os.Stdout).serve(func(w *Writer) error { return reader(os.Args[2], os.Stdin, w) })
	return true
}

// started reports whether this process was started to read under a verb. It then limits its memory and its time.
func started(verb string) bool {
	if len(os.Args) != 5 || os.Args[1] != verb {
		return false
	}
	memory, err := strconv.ParseUint(os.Args[3], 10, 63)
	seconds, wrong := strconv.ParseUint(os.Args[4], 10, 63)
	if err != nil || wrong != nil {
		return false
	}
	limit(memory, seconds)
	return true
}

func NewWriter(out io.Writer) *Writer { return &Writer{out: bufio.NewWriterSize(out, maxChunk)} }

// serve calls a reader, and writes its end. It returns false if the other end is gone.
func (w *Writer) serve(reader func(*Writer) error) bool {
	err := Guard(func() error { return reader(w) })
	if w.failed == nil {
		w.line(says(err, line{End: true, Spent: processorTime().Milliseconds()}))
		w.failed = cmp.Or(w.failed, w.out.Flush())
	}
	return w.failed == nil
}

func says(err error, l line) line {
	if err != nil {
		l.Error, l.Encrypted = err.Error(), errors.Is(err, ErrEncrypted)
		l.Error = l.Error[:min(len(l.Error), maxName)]
	}
	return l
}

// A Writer writes files as [Run] reads them.
type Writer struct {
	out    *bufio.Writer
	failed error // of writing
}

func (w *Writer) line(l line) {
	text, err := json.Marshal(l)
	if err == nil {
		_, err = w.out.Write(append(text, '\n'))
	}
	w.failed = cmp.Or(w.failed, err)
}

// File writes one file. A nil r is a file that is not regular. failed is why it cannot be opened.
func (w *Writer) File(name string, r io.Reader, failed error) error {
	w.line(line{Name: name[:min(len(name), maxName)], Irregular: r == nil && failed == nil})
	if r != nil {
		failed = Guard(func() error { return w.pieces(r) })
	}
	w.size(0)
	w.line(says(failed, line{}))
	return w.failed
}

// pieces writes the bytes of a file, and returns the error of reading them.
func (w *Writer) pieces(r io.Reader) error {
	buf := make([]byte, maxChunk)
	for w.failed == nil {
		n, err := r.Read(buf)
		if n > 0 {
			w.size(uint32(n))
			_, bad := w.out.Write(buf[:n])
			w.failed = cmp.Or(w.failed, bad)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *Writer) size(n uint32) {
	_, err := w.out.Write(binary.BigEndian.AppendUint32(nil, n))
	w.failed = cmp.Or(w.failed, err)
}

// Guard calls f, a reader of others, and turns its panic into an error.
func Guard(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("its reader failed: %.200s", bytes.ToValidUTF8(fmt.Append(nil, r), []byte("?")))
		}
	}()
	return f()
}
