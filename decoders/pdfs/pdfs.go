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
	"math"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/kycmark/kycmark/internal/apart"
	"github.com/kycmark/kycmark/internal/pdf"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/picture/codec"
)

// verb is the first argument of a process that reads a PDF.
const verb = "read-pdf"

// A Reader reads PDFs, few at a time. It keeps the pages that it read last, since pages of one file are
// asked for one after the other. It is safe for concurrent use.
type Reader struct {
	free  *semaphore.Weighted
	pools []*apart.Pool // of processes, by budgets

	mu       sync.Mutex
	file     [32]byte // SHA-256 of the file whose pages are kept
	kept     []picture.PDFPage
	accounts []*account // of the files that were asked for last
}

// An account is what reading a file took.
type account struct {
	file    [32]byte
	spent   time.Duration
	outcome map[int]error // by page: its error, or nil if it was read: it is read again without charge
}

// New returns a Reader.
func New() *Reader {
	r := &Reader{free: semaphore.NewWeighted(atOnce)}
	for _, b := range budgets {
		r.pools = append(r.pools, apart.NewPool(apart.Job{Verb: verb, Kind: fmt.Sprint(b.garbage), MaxMemory: b.process}))
	}
	return r
}

// Close ends the processes that wait for files; otherwise they end after a few seconds. The Reader can be used again.
func (r *Reader) Close() {
	for _, pool := range r.pools {
		pool.Close()
	}
}

// Serve is the process that reads. main calls it first, and returns if it returns true.
func Serve() (served bool) {
	var s server
	return apart.ServePool(verb, s.ready, s.serve)
}

// Pages returns a page of a PDF, from 1 on, or all pages if page is 0. It calls admit, unless nil, before it takes so
// many bytes of memory, in the place of what it took before. It ends at an error of admit. The error is of the file and
// names the page, or of the process that reads it, or of ctx. It wraps [picture.ErrFormat] or [picture.ErrLimit].
func (r *Reader) Pages(ctx context.Context, file []byte, page int, admit func(bytes int64) error) ([]picture.PDFPage, error) {
	return r.pages(ctx, strict, file, page, admit)
}

// Leaked returns a page of a PDF in a dump, from 1 on, or the number of its pages alone (Of) if page is 0. A damaged
// file is read as far as PDFium repairs it. admit is as for [Reader.Pages]. The error says that the page, or the file, cannot be opened.
func (r *Reader) Leaked(ctx context.Context, file []byte, page int, admit func(bytes int64) error) (picture.PDFPage, error) {
	out, err := r.pages(ctx, leaked, file, page, admit)
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

func (r *Reader) pages(ctx context.Context, way string, file []byte, page int, admit func(bytes int64) error) ([]picture.PDFPage, error) {
	sum := sha256.Sum256(file)
	if way == leaked {
		sum[0] ^= 1
	}
	if out := r.known(sum, page); out != nil {
		return out, nil
	}
	limit := maxProcessor(len(file))
	left, failed := r.charged(sum, page, limit)
	if failed != nil {
		return nil, failed
	}
	out, size, spent, err := r.read(ctx, way, file, page, left, admit)
	if errors.Is(err, apart.ErrTime) {
		err = beyond("cannot be read within %.0f s of processor time", limit.Seconds())
	}
	if err == nil && len(out) == 0 {
		err = errors.New("its reader gave no pages")
	}
	r.charge(ctx, sum, page, out, spent, err)
	if err != nil {
		return nil, err
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

// charged returns how much of the limit of a file is left for a page, or the error of that page.
func (r *Reader) charged(file [32]byte, page int, limit time.Duration) (left time.Duration, failed error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.account(file)
	if err, asked := a.outcome[page]; asked {
		return limit, err
	}
	return limit - a.spent, nil
}

// account returns the account of a file. r.mu is locked.
func (r *Reader) account(file [32]byte) *account {
	if i := slices.IndexFunc(r.accounts, func(a *account) bool { return a.file == file }); i >= 0 {
		return r.accounts[i]
	}
	if len(r.accounts) == maxAccounts {
		r.accounts = slices.Delete(r.accounts, 0, 1)
	}
	a := &account{file: file, outcome: make(map[int]error)}
	r.accounts = append(r.accounts, a)
	return a
}

// charge notes the outcome of a page and, the first time, the time spent. Pages read ahead with it count as asked.
func (r *Reader) charge(ctx context.Context, file [32]byte, page int, out []picture.PDFPage, spent time.Duration, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.account(file)
	if _, asked := a.outcome[page]; !asked {
		a.spent += spent
	}
	if err == nil || ctx.Err() == nil && spent > 0 { // else the caller gave up, or nothing was read: it may be asked again
		a.outcome[page] = err
	}
	for _, p := range out {
		a.outcome[p.Number] = nil
	}
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

// read reads all pages (if leaked, their number), or for page > 0 that page and the next ahead-1. It tries budgets in turn
// until one is enough. size is the bytes of their pictures. spent is the processor time used, of limit. The error is as for [Reader.Pages].
func (r *Reader) read(ctx context.Context, way string, file []byte, page int, limit time.Duration, admit func(bytes int64) error) (out []picture.PDFPage, size int64, spent time.Duration, err error) {
	for i, b := range budgets {
		if admit != nil {
			if err := admit(b.process + b.pages); err != nil {
				if !errors.Is(err, picture.ErrLimit) {
					spent = 0 // the page may be asked for again
				}
				return nil, 0, spent, err
			}
		}
		more := false
		if i > 0 { // no process waits beside a large one: it is not booked
			r.Close()
		}
		took, failed := r.ask(ctx, i, limit-spent, fmt.Sprintf("%s %d", way, page), file, func() func(string, bool, io.Reader) error {
			out, size = nil, 0
			return func(head string, _ bool, from io.Reader) error {
				var p picture.PDFPage
				if err := json.Unmarshal([]byte(head), &p); err != nil {
					return err
				}
				p.File, err = io.ReadAll(io.LimitReader(from, b.pages-size+1))
				if err != nil {
					return err
				}
				if len(p.File) == 0 {
					p.File = nil
				}
				if size += int64(len(p.File)); size > b.pages {
					more = true
					return beyond("page %d of %d: the pages so far have more than %d MiB as pictures", p.Number, p.Of, b.pages>>20)
				}
				out = append(out, p)
				return nil
			}
		})
		err, spent = failed, spent+took
		if !more && !errors.Is(err, apart.ErrMemory) {
			break
		}
	}
	switch limit := (*limitError)(nil); {
	case err == nil || ctx.Err() != nil || errors.Is(err, apart.ErrTime) || errors.As(err, &limit):
	case errors.Is(err, apart.ErrMemory):
		err = beyond("%w", err)
	default:
		err = ofFile(way, err)
	}
	return out, size, spent, err
}

// ask asks a process of a budget about a file. A process of a larger budget than the first ends afterwards. The error is of the file, the process, or ctx.
func (r *Reader) ask(ctx context.Context, budget int, limit time.Duration, request string, file []byte, begin func() func(string, bool, io.Reader) error) (spent time.Duration, err error) {
	if err := r.free.Acquire(ctx, 1); err != nil {
		return 0, err
	}
	defer r.free.Release(1)
	defer r.lend(budgets[budget].process)()
	limited, cancel := context.WithTimeout(ctx, maxTime)
	defer cancel()
	spent, err = r.pools[budget].Ask(limited, limit, request, file, begin)
	if budget > 0 {
		r.pools[budget].Close()
	}
	if ctx.Err() == nil && limited.Err() != nil && err != nil {
		err = beyond("reading takes more than %v", maxTime)
	}
	return spent, err
}

// lend lowers the memory limit of this process by the bytes of another one, until back is called. Memory that this process does
// not use goes back to the system. Without a limit nothing happens.
func (r *Reader) lend(bytes int64) (back func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	was := debug.SetMemoryLimit(-1)
	if was == math.MaxInt64 {
		return func() {}
	}
	bytes = min(bytes, was/2)
	debug.SetMemoryLimit(was - bytes)
	if bytes > budgets[0].process {
		debug.FreeOSMemory() // a lower limit alone frees nothing until this process allocates
	}
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		debug.SetMemoryLimit(debug.SetMemoryLimit(-1) + bytes)
	}
}

// ofFile returns an error that a process told, as one of its file.
func ofFile(way string, err error) error {
	text, limit := strings.CutPrefix(err.Error(), overLimit+": ")
	switch {
	case limit:
		return beyond("%s", text)
	case way == leaked:
		return err
	}
	return &picture.FormatError{Format: "pdf", Reason: strings.TrimPrefix(text, pdf.ErrFormat.Error()+": ")}
}

func beyond(format string, args ...any) error {
	return &limitError{picture.FormatError{Format: "pdf", Reason: fmt.Errorf(format, args...).Error(), Kind: codec.Unsupported}}
}

// overLimit begins the errors of files that are over a limit.
const overLimit = "over a limit"

// A limitError says which limit a PDF is over.
type limitError struct{ said picture.FormatError }

func (e *limitError) Error() string { return e.said.Error() }

func (e *limitError) Unwrap() error        { return &e.said }
func (e *limitError) Is(target error) bool { return target == picture.ErrLimit }

// A server is the process that reads.
type server struct{ engine pdf.Engine }

// ready starts PDFium. garbage is that of a budget.
func (s *server) ready(garbage string) error {
	var limit int64
	if _, err := fmt.Sscan(garbage, &limit); err != nil {
		return err
	}
	debug.SetMemoryLimit(limit)
	return s.engine.Start()
}

// serve answers a request: a way to read, and a page. Page 0 is all pages, or, if leaked, their number alone.
func (s *server) serve(request string, file []byte, w *apart.Writer) error {
	defer debug.FreeOSMemory()
	way, page := "", 0
	if _, err := fmt.Sscan(request, &way, &page); err != nil {
		return err
	}
	lim, last := pdf.Limits{MaxPages: codec.MaxPages}, page+ahead-1
	if way == leaked {
		lim = pdf.Limits{Repaired: true}
		if page == 0 {
			page, last = 1, 0
		}
	}
	err := s.engine.Pages(context.Background(), file, lim, page, last, func(p *picture.PDFPage) error {
		data := p.File
		p.File, p.Reader = nil, picture.DecoderVersion("github.com/klippa-app/go-pdfium")+p.Reader
		head, err := json.Marshal(p)
		if err != nil {
			return err
		}
		return w.File(string(head), bytes.NewReader(data), nil)
	})
	if errors.Is(err, pdf.ErrLimit) {
		return fmt.Errorf("%s: %s", overLimit, strings.TrimPrefix(err.Error(), pdf.ErrLimit.Error()+": "))
	}
	return err
}
