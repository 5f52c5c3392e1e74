// Package pdfs reads the pages of PDFs for the packages of this module, which take a PDF function and have
// none of their own:
//
//	func main() {
//		if pdfs.Serve() { // a process that Pages started
//			return
//		}
//		issuer, err := registry.NewIssuer(registry.Config{Registry: r, Readers: registry.Readers{PDF: pdfs.New().Pages}})
//
// A page that shows nothing but one picture is that picture, with its own pixels. Other pages are rendered
// at 200 dots an inch, or at up to 300 if a picture on them is that sharp. Pixels are the same on every
// machine: PDFium runs as WebAssembly, with fonts of its own. It runs no script, and opens no attachment.
//
// Another version of PDFium may render a page otherwise. The registry enters the version and a digest of the
// pixels with each page. An audit compares pixels if the version is the same, else only the file. For a
// trace of copies that an older program made, that program gives the very pixels.
//
// Files are read in processes of their own, the same program: memory is given back, and a process is ended
// with the context, and after an error.
package pdfs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
	"sync"

	"golang.org/x/sync/semaphore"

	"github.com/kycmark/kycmark/internal/apart"
	"github.com/kycmark/kycmark/internal/pdf"
	"github.com/kycmark/kycmark/internal/picture"
)

// verb is the first argument of a process that reads a PDF.
const verb = "read-pdf"

// A Reader reads PDFs, few at a time. It keeps the pages that it read last, since pages of one file are
// asked for one after the other. It is safe for concurrent use.
type Reader struct {
	free      *semaphore.Weighted
	processes *apart.Pool // for a page
	whole     *apart.Pool // for all pages

	mu   sync.Mutex
	file [32]byte // SHA-256 of the file whose pages are kept
	kept []picture.PDFPage
}

// New returns a Reader.
func New() *Reader {
	job := apart.Job{Verb: verb, MaxMemory: maxMemory}
	r := &Reader{free: semaphore.NewWeighted(atOnce), whole: apart.NewPool(job)}
	job.MaxTime = maxPage
	r.processes = apart.NewPool(job)
	return r
}

// Close ends the processes that wait for files; otherwise they end after a few seconds. The Reader can be
// used again.
func (r *Reader) Close() {
	r.processes.Close()
	r.whole.Close()
}

// Serve is the process that reads. main calls it first, and returns if it returns true.
func Serve() (served bool) {
	var s server
	return apart.ServePool(verb, s.serve)
}

// Pages returns a page of a PDF, from 1 on, or all pages if page is 0. The error is of the file and names
// the page, or of the process that reads it, or of ctx. It wraps [picture.ErrFormat] or
// [picture.ErrLimit].
func (r *Reader) Pages(ctx context.Context, file []byte, page int) ([]picture.PDFPage, error) {
	return r.pages(ctx, strict, file, page)
}

// Leaked returns a page of a PDF in a dump, from 1 on, or the number of its pages alone (Of) if page is 0. A damaged
// file is read as far as PDFium repairs it. The error says that the page, or the file, cannot be opened.
func (r *Reader) Leaked(ctx context.Context, file []byte, page int) (picture.PDFPage, error) {
	out, err := r.pages(ctx, leaked, file, page)
	if err != nil {
		return picture.PDFPage{}, err
	}
	return out[0], nil
}

// The ways to read a file: as [Reader.Pages] does, and as [Reader.Leaked] does.
const (
	strict = "pages"
	leaked = "leaked"
)

// pages is Pages or Leaked.
func (r *Reader) pages(ctx context.Context, way string, file []byte, page int) ([]picture.PDFPage, error) {
	sum := sha256.Sum256(file)
	if way == leaked {
		sum[0] ^= 1
	}
	if out := r.known(sum, page); out != nil {
		return out, nil
	}
	out, size, err := r.read(ctx, way, file, page)
	if err != nil {
		return nil, err
	}
	if len(out) == 0 {
		return nil, errors.New("its reader gave no pages")
	}
	if out[0].File == nil { // the number of pages alone
		return out, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.file, r.kept = sum, out; size > maxKept {
		r.kept = nil
	}
	if page > 0 {
		out = out[:1]
	}
	return out, nil
}

// known returns a page, or all pages if page is 0, if they are kept. It returns nil if they are not.
func (r *Reader) known(file [32]byte, page int) []picture.PDFPage {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.file != file || len(r.kept) == 0:
	case page == 0 && len(r.kept) == r.kept[0].Of:
		return r.kept
	case page >= r.kept[0].Number && page < r.kept[0].Number+len(r.kept):
		at := page - r.kept[0].Number
		return r.kept[at : at+1 : at+1]
	}
	return nil
}

// read reads all pages, or for page > 0 that page and the next ones, ahead in all. size is the bytes of
// their pictures. The error is of Pages.
func (r *Reader) read(ctx context.Context, way string, file []byte, page int) (out []picture.PDFPage, size int64, err error) {
	err = r.ask(ctx, fmt.Sprintf("%s %d", way, page), file, func() func(string, bool, io.Reader) error {
		out, size = nil, 0
		return func(head string, _ bool, r io.Reader) error {
			var p picture.PDFPage
			if err := json.Unmarshal([]byte(head), &p); err != nil {
				return err
			}
			p.File, err = io.ReadAll(io.LimitReader(r, maxBytes-size+1))
			if err != nil {
				return err
			}
			if len(p.File) == 0 {
				p.File = nil
			}
			if size += int64(len(p.File)); size > maxBytes {
				return fmt.Errorf("%s: page %d of %d: the pages so far have more than %d MiB as pictures", overLimit, p.Number, p.Of, maxBytes>>20)
			}
			out = append(out, p)
			return nil
		}
	})
	if err != nil && ctx.Err() == nil && way == strict {
		err = ofFile(err)
	}
	return out, size, err
}

// ask has a process answer a request about a file. The error is of the file, of the process, or of ctx.
func (r *Reader) ask(ctx context.Context, request string, file []byte, begin func() func(string, bool, io.Reader) error) error {
	if err := r.free.Acquire(ctx, 1); err != nil {
		return err
	}
	defer r.free.Release(1)
	slow := errors.New("reading takes more than " + maxTime.String())
	limited, cancel := context.WithTimeoutCause(ctx, maxTime, slow)
	defer cancel()
	pool := r.processes
	if request == strict+" 0" {
		pool = r.whole
	}
	err := pool.Ask(limited, request, file, begin)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case limited.Err() != nil:
		return slow
	}
	return err
}

// ofFile returns an error that a process told, as one of its file.
func ofFile(err error) error {
	text, limit := strings.CutPrefix(err.Error(), overLimit+": ")
	if limit {
		return &limitError{picture.FormatError{Format: "pdf", Reason: text}}
	}
	return &picture.FormatError{Format: "pdf", Reason: strings.TrimPrefix(text, pdf.ErrFormat.Error()+": ")}
}

// overLimit begins the errors of files that are over a limit.
const overLimit = "over a limit"

// A limitError says which limit a PDF is over.
type limitError struct{ said picture.FormatError }

func (e *limitError) Error() string { return e.said.Error() }

// Is makes errors.Is(err, picture.ErrLimit) true.
func (e *limitError) Is(target error) bool { return target == picture.ErrLimit }

// A server is the process that reads.
type server struct{ engine pdf.Engine }

// serve answers a request: a way to read and the page.
func (s *server) serve(request string, file []byte, w *apart.Writer) error {
	debug.SetMemoryLimit(garbage)
	defer debug.FreeOSMemory()
	way, page := "", 0
	if _, err := fmt.Sscan(request, &way, &page); err != nil {
		return err
	}
	lim, last := pdf.Limits{MaxPages: picture.MaxPages}, page+ahead-1
	if way == leaked {
		lim = pdf.Limits{Repaired: true}
		if page == 0 {
			page, last = 1, 0
		}
	}
	return limited(s.engine.Pages(context.Background(), file, lim, page, last, func(p *picture.PDFPage) error {
		data := p.File
		p.File, p.Reader = nil, picture.DecoderVersion("github.com/klippa-app/go-pdfium")+p.Reader
		head, err := json.Marshal(p)
		if err != nil {
			return err
		}
		return w.File(string(head), bytes.NewReader(data), nil)
	}))
}

// limited returns err with overLimit in front if a limit is the cause.
func limited(err error) error {
	if errors.Is(err, pdf.ErrLimit) {
		return fmt.Errorf("%s: %s", overLimit, strings.TrimPrefix(err.Error(), pdf.ErrLimit.Error()+": "))
	}
	return err
}
