// Package pdf makes a picture of each page of a PDF ([Engine.Pages]).
//
// A page that shows nothing but one picture is that picture: its JPEG if it has one, otherwise a PNG. Each
// other page is rendered, at the resolution of its sharpest picture within limits.
//
// PDFium, compiled to WebAssembly, reads the files. It sees neither files nor network, and has
// bounded memory of its own. Whatever a file makes PDFium do becomes an error of that file, or takes
// time: package decoders/pdfs runs it in a process that can be ended.
package pdf

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"sync"

	"github.com/klippa-app/go-pdfium"
	pdfium_errors "github.com/klippa-app/go-pdfium/errors"
	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"
	"github.com/klippa-app/go-pdfium/webassembly"
	"github.com/tetratelabs/wazero"

	"github.com/kycmark/kycmark/internal/wasm"
)

var (
	// ErrFormat is wrapped if a file is not a readable PDF, or is encrypted under a password.
	ErrFormat = errors.New("not a readable PDF")
	// ErrLimit is wrapped if a file is over one of the [Limits].
	ErrLimit = errors.New("over a limit")
)

// Limits of one file. The zero value means the defaults.
type Limits struct {
	MaxPages  int   // 0 means 10,000
	MaxPixels int64 // of one picture; 0 means 100 million
	// Repaired files, of leaks, are read as far as PDFium repairs them. Else a file whose list of objects or whose end is
	// damaged is refused, since it may lack pages.
	Repaired bool
}

func (l Limits) orDefault() Limits {
	l.MaxPages, l.MaxPixels = cmp.Or(max(l.MaxPages, 0), defaultMaxPages), cmp.Or(max(l.MaxPixels, 0), defaultMaxPixels)
	return l
}

// A piece is a picture object of a page.
type piece struct {
	path                     []int   // its place among the page's objects, through forms
	place                    matrix  // from the unit square to the page
	left, bottom, right, top float64 // points
	width, height            int     // pixels
	jpeg                     bool    // its data are a JPEG
	coded                    bool    // its data have a filter for pictures
}

// A document is an open file.
type document struct {
	engine *Engine
	data   []byte
	lim    Limits
	inst   pdfium.Pdfium // nil after a failure, until it is needed again
	doc    references.FPDF_DOCUMENT
	pages  int
}

// load opens the file in a new instance of PDFium, if none is open. The error wraps ErrFormat, or is ctx's or PDFium's.
func (d *document) load(ctx context.Context) error {
	if d.inst != nil {
		return ctx.Err()
	}
	inst, err := d.engine.instance(ctx)
	if err != nil {
		return err
	}
	d.inst = inst
	opened, err := inst.OpenDocument(&requests.OpenDocument{File: &d.data})
	if err != nil {
		return d.failed(ctx, err)
	}
	d.doc = opened.Document
	n, err := inst.FPDF_GetPageCount(&requests.FPDF_GetPageCount{Document: d.doc})
	if err != nil {
		return d.failed(ctx, err)
	}
	d.pages = n.PageCount
	return nil
}

// drop frees the instance of PDFium. The next call of load starts another.
func (d *document) drop() {
	if d.inst != nil {
		d.inst.Close()
		d.inst, d.doc = nil, ""
	}
}

// failed returns the error to report for err, the error of a call: ctx's if ctx has ended, else one line that wraps
// ErrFormat. It gives up the instance if the program in it was stopped or crashed, since that instance cannot go on.
func (d *document) failed(ctx context.Context, err error) error {
	if d.doc == "" || !errors.Is(err, pdfium_errors.ErrPage) && !strings.HasPrefix(err.Error(), "could not ") {
		d.drop()
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	switch {
	case errors.Is(err, pdfium_errors.ErrPassword):
		return fmt.Errorf("%w: encrypted under a password", ErrFormat)
	case errors.Is(err, pdfium_errors.ErrSecurity):
		return fmt.Errorf("%w: encrypted in a way that is not known", ErrFormat)
	case errors.Is(err, pdfium_errors.ErrFormat), errors.Is(err, pdfium_errors.ErrFile):
		return fmt.Errorf("%w: damaged, or no PDF", ErrFormat)
	case errors.Is(err, pdfium_errors.ErrPage):
		return fmt.Errorf("%w: the page cannot be read", ErrFormat)
	}
	text, _, _ := strings.Cut(err.Error(), "\n") // without the stack of the WebAssembly
	if strings.Contains(text, "unreachable") || strings.Contains(text, "out of bounds") {
		text = "the decoder gave up: " + text
	}
	return fmt.Errorf("%w: %s", ErrFormat, text)
}

func (d *document) page(n int) requests.Page {
	return requests.Page{ByIndex: &requests.PageByIndex{Document: d.doc, Index: n - 1}}
}

// sharpness returns the piece's pixels a point, in the finer of both directions. The piece may be
// turned by 90 degrees, which its bounds do not show: the turn that gives the lower number counts.
func (p piece) sharpness() float64 {
	w, h := p.right-p.left, p.top-p.bottom
	straight := math.Max(float64(p.width)/w, float64(p.height)/h)
	turned := math.Max(float64(p.width)/h, float64(p.height)/w)
	return math.Min(straight, turned)
}

// An Engine is PDFium, compiled. It is started by the first file, which takes a second or two of processor time once, and is safe
// for concurrent use. Nothing stops a call of it but the end of its process: checks of a context would make it four times as slow.
// The zero value works.
type Engine struct {
	once sync.Once
	pool pdfium.Pool
	err  error
}

// instance starts a PDFium with memory of its own, which Close of the instance frees. The first call compiles the
// engine; if that fails, all later calls return the same error. It returns ctx's error if ctx has ended.
func (e *Engine) instance(ctx context.Context) (pdfium.Pdfium, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := e.Start(); err != nil {
		return nil, err
	}
	inst, err := e.pool.GetInstanceWithContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("PDFium does not start: %w", err)
	}
	return inst, nil
}

// Start compiles the engine, unless it is compiled. If that fails, all later calls return the same error.
func (e *Engine) Start() error {
	e.once.Do(func() {
		e.pool, e.err = webassembly.Init(webassembly.Config{
			MaxTotal:      -1, // as many as there are files open
			FSConfig:      wazero.NewFSConfig(),
			RuntimeConfig: wazero.NewRuntimeConfig().WithCompilationCache(wasm.Cache).WithMemoryLimitPages(memoryPages),
			Stdout:        io.Discard,
			Stderr:        io.Discard,
			RandomSource:  noRandom{}, // the same file gives the same pictures
		})
	})
	if e.err != nil {
		return fmt.Errorf("PDFium does not start: %w", e.err)
	}
	return nil
}

// noRandom is a source of zero bytes in place of random ones.
type noRandom struct{}

func (noRandom) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}
