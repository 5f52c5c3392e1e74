// Package unpack reads 7z and rar archives and what xz and zstd compressed, from hostile sources.
//
// The readers of these formats take as much memory as an archive announces, and some can neither be
// stopped nor be trusted not to panic. They therefore run in a process of their own: the same program,
// started with the argument [Verb]. That process is ended with the context. On Linux it has at most
// [MaxMemory] bytes of memory.
package unpack

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
)

// Verb is the first argument of a process that unpacks; the second is the kind of the archive.
const Verb = "unpack-archive"

// MaxMemory is the maximum number of bytes of data that a process that unpacks has on Linux. "xz -9"
// and "7z -mx=9" take 64 MiB, and a rar may take [maxDictionary]. Chosen.
const MaxMemory = 768 << 20

// ErrEncrypted is wrapped if a password is needed.
var ErrEncrypted = errors.New("encrypted in its archive")

const (
	maxChunk = 64 << 10 // bytes of a piece that is handed over
	maxName  = 4 << 10  // bytes of a name; longer names are cut
	maxLine  = 64 << 10 // bytes of a line between the processes
)

// A line is what the process that unpacks says before and after the bytes of each file.
type line struct {
	Name      string `json:"name,omitempty"`      // before a file
	Irregular bool   `json:"irregular,omitempty"` // before a file: a link or the like
	End       bool   `json:"end,omitempty"`       // after the last file
	Error     string `json:"error,omitempty"`     // after a file, or at the end
	Encrypted bool   `json:"encrypted,omitempty"`
}

// err returns the error of a line, nil if it has none.
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

// Files calls each for the files of an archive, in its order. kind is ".7z", ".rar", ".tar.xz" or
// ".tar.zst"; the last two have one file, the tar. A file that is not regular (a link) has no bytes. r
// returns an error if the file's bytes cannot be had; the files after it may be whole. Files ends at an
// error of each, which it returns, or of ctx. Other errors are of the archive, or of its process.
func Files(ctx context.Context, kind string, archive *os.File, each func(name string, regular bool, r io.Reader) error) (err error) {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, self, Verb, kind)
	cmd.Stdin = archive
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		cancel()
		return err
	}
	stopped, err := read(bufio.NewReaderSize(out, maxLine), each)
	cancel() // after the last line there is nothing to wait for
	died := cmd.Wait()
	if exit := (*exec.ExitError)(nil); stopped && errors.As(died, &exit) {
		err = fmt.Errorf("cannot be unpacked within %d MiB of memory, or its reader failed (%s)", MaxMemory>>20, exit)
	}
	return err
}

// read reads what the process that unpacks writes. stopped reports whether it ended before its last line.
func read(from *bufio.Reader, each func(name string, regular bool, r io.Reader) error) (stopped bool, err error) {
	for {
		var head line
		if err := head.read(from); err != nil {
			return true, err
		}
		if head.End {
			return false, head.err()
		}
		f := &file{from: from}
		if err := each(head.Name, !head.Irregular, f); err != nil {
			return false, err
		}
		if _, err := io.Copy(io.Discard, f); f.broken {
			return true, err
		}
	}
}

// read reads the next line.
func (l *line) read(from *bufio.Reader) error {
	text, err := from.ReadSlice('\n')
	if err != nil {
		return cut(err)
	}
	return json.Unmarshal(text, l)
}

// cut returns err, or io.ErrUnexpectedEOF for io.EOF.
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

// Read reads bytes of the file.
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

// fail notes that the process ended too early, and returns the error of that.
func (f *file) fail(err error) error {
	f.end, f.broken = cut(err), true
	return f.end
}

// Serve is the process that unpacks: it writes the files of an archive to out, as [Files] reads them.
// The error is of writing; errors of the archive are written.
func Serve(kind string, archive *os.File, out io.Writer) error {
	limitMemory(MaxMemory)
	w := &writer{out: bufio.NewWriter(out)}
	err := w.archive(kind, archive)
	if w.failed != nil {
		return w.failed
	}
	w.line(says(err, line{End: true}))
	return cmp.Or(w.failed, w.out.Flush())
}

// says adds an error to a line.
func says(err error, l line) line {
	if err != nil {
		l.Error, l.Encrypted = err.Error(), errors.Is(err, ErrEncrypted)
		l.Error = l.Error[:min(len(l.Error), maxName)]
	}
	return l
}

// A writer writes files as [Files] reads them.
type writer struct {
	out    *bufio.Writer
	failed error // of writing
}

// line writes a line.
func (w *writer) line(l line) {
	text, err := json.Marshal(l)
	if err == nil {
		_, err = w.out.Write(append(text, '\n'))
	}
	w.failed = cmp.Or(w.failed, err)
}

// file writes one file. A nil r is a file that is not regular. failed is why it cannot be opened.
func (w *writer) file(name string, r io.Reader, failed error) error {
	w.line(line{Name: name[:min(len(name), maxName)], Irregular: r == nil && failed == nil})
	if r != nil {
		failed = w.pieces(r)
	}
	w.size(0)
	w.line(says(failed, line{}))
	return w.failed
}

// pieces writes the bytes of a file, and returns the error of reading them.
func (w *writer) pieces(r io.Reader) (err error) {
	defer recovered(&err)
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
			return plain(err)
		}
	}
	return nil
}

// size writes the length of a piece.
func (w *writer) size(n uint32) {
	_, err := w.out.Write(binary.BigEndian.AppendUint32(nil, n))
	w.failed = cmp.Or(w.failed, err)
}

// recovered turns a panic of a reader into an error.
func recovered(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("its reader failed: %.200s", bytes.ToValidUTF8(fmt.Append(nil, r), []byte("?")))
	}
}
