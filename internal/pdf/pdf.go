// Package pdf reads PDF files. [Engine.Open] takes the pictures out of them, and [Engine.Pages] makes a
// picture of each page.
//
// A picture without neighbours is returned as the very bytes of its JPEG if it has one,
// otherwise as a PNG. Pictures that touch or overlap are pieces of one
// picture: scanning software cuts pages into strips, and into layers of different resolution.
// Such a group is rendered as the page shows it, at the resolution of its sharpest piece.
//
// If a file is damaged as a whole, for example cut off, the complete JPEGs in it are returned.
//
// PDFium, compiled to WebAssembly, reads the files. It sees neither files nor network, and has
// bounded memory of its own. Whatever a file makes PDFium do becomes an error of that file, or takes
// time: package decoders/pdfs runs it in a process that can be ended.
package pdf

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"

	"github.com/klippa-app/go-pdfium"
	pdfium_errors "github.com/klippa-app/go-pdfium/errors"
	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"
)

var (
	// ErrFormat is wrapped if a file is not a readable PDF, or is encrypted under a password.
	ErrFormat = errors.New("not a readable PDF")
	// ErrLimit is wrapped if a file is over one of the [Limits].
	ErrLimit = errors.New("over a limit")
)

// Limits of one file. The zero value means the defaults.
type Limits struct {
	MaxPages    int   // 0 means 10,000
	MaxPictures int   // 0 means 10,000
	MaxPixels   int64 // of one picture; 0 means 100 million
}

// orDefault returns l with the defaults in place of values below 1.
func (l Limits) orDefault() Limits {
	if l.MaxPages <= 0 {
		l.MaxPages = defaultMaxPages
	}
	if l.MaxPictures <= 0 {
		l.MaxPictures = defaultMaxPictures
	}
	if l.MaxPixels <= 0 {
		l.MaxPixels = defaultMaxPixels
	}
	return l
}

// A Picture is one picture of a file. [Document.Read] returns its bytes.
type Picture struct {
	// Name is for example "page3-image1.jpg"; "page3-render1.png" for a group that was rendered,
	// "page3.png" for a page that shows more than one picture, "salvaged1.jpg" for a JPEG of a
	// damaged file.
	Name string
	Page int   // from 1 on; 0: not known
	Err  error // why it cannot be read; it may stand for a whole page

	group []piece
	whole bool   // the page, rendered
	data  []byte // of a salvaged picture
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

// A Document is an open file. It is safe for concurrent use; calls wait for each other.
type Document struct {
	mu       sync.Mutex
	engine   *Engine
	data     []byte
	lim      Limits
	inst     pdfium.Pdfium // nil after a failure, until it is needed again
	doc      references.FPDF_DOCUMENT
	pages    int
	pictures []Picture
}

// Open lists the pictures of a file and keeps data. Limits of 0 are the defaults. Pages that cannot
// be read are listed with their error. A damaged file gives the JPEGs that can be salvaged, without
// an error if there are any. The error wraps [ErrFormat] or [ErrLimit], or is ctx's, or says that
// PDFium does not start. The caller must close the document.
func (e *Engine) Open(ctx context.Context, data []byte, lim Limits) (*Document, error) {
	d := &Document{engine: e, data: data, lim: lim.orDefault()}
	if err := d.load(ctx); err != nil {
		if d.pictures = salvage(data, d.lim.MaxPictures); len(d.pictures) == 0 || !errors.Is(err, ErrFormat) {
			return nil, err
		}
		return d, nil
	}
	if d.pages > d.lim.MaxPages {
		d.Close()
		return nil, fmt.Errorf("%w: %d pages, limit is %d", ErrLimit, d.pages, d.lim.MaxPages)
	}
	for page := 1; page <= d.pages; page++ {
		if err := d.list(ctx, page); err != nil {
			d.Close()
			return nil, err
		}
		if len(d.pictures) > d.lim.MaxPictures {
			d.Close()
			return nil, fmt.Errorf("%w: more than %d pictures", ErrLimit, d.lim.MaxPictures)
		}
	}
	return d, nil
}

// Names returns the names of the pictures, page by page.
func (d *Document) Names() []string {
	out := make([]string, len(d.pictures))
	for i, p := range d.pictures {
		out[i] = p.Name
	}
	return out
}

// Close releases the document's memory.
func (d *Document) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.drop()
	return nil
}

// load opens the file in a new instance of PDFium, if none is open. The error wraps ErrFormat, is ctx's, or
// says that PDFium does not start.
func (d *Document) load(ctx context.Context) error {
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
func (d *Document) drop() {
	if d.inst != nil {
		d.inst.Close()
		d.inst, d.doc = nil, ""
	}
}

// failed returns the error to report for err, the error of a call: ctx's if ctx has ended, else one
// line that wraps ErrFormat. It gives up the instance if the program in it was stopped or crashed,
// since that instance cannot go on.
func (d *Document) failed(ctx context.Context, err error) error {
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

// page names page n, from 1 on, for requests.
func (d *Document) page(n int) requests.Page {
	return requests.Page{ByIndex: &requests.PageByIndex{Document: d.doc, Index: n - 1}}
}

// list adds the pictures of a page, from 1 on, to d.pictures, and the page itself if it shows more than
// one picture. A page that cannot be read is added
// as one picture with its error. It returns only ctx's error.
func (d *Document) list(ctx context.Context, page int) error {
	pieces, more, err := d.pieces(ctx, page)
	if errors.Is(err, ErrLimit) { // a map, say
		pieces, more, err = nil, true, nil
	}
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		d.pictures = append(d.pictures, Picture{Name: fmt.Sprintf("page%d", page), Page: page, Err: err})
		return nil
	}
	all := groups(pieces)
	for i, group := range all {
		p := Picture{Page: page, group: group, Name: fmt.Sprintf("page%d-render%d.png", page, i+1)}
		if len(group) == 1 {
			kind := "png"
			if group[0].jpeg {
				kind = "jpg"
			}
			p.Name = fmt.Sprintf("page%d-image%d.%s", page, i+1, kind)
		}
		d.pictures = append(d.pictures, p)
	}
	if more || len(all) > 1 {
		d.pictures = append(d.pictures, Picture{Name: fmt.Sprintf("page%d.png", page), Page: page, whole: true})
	}
	return nil
}

// pieces returns the picture objects of a page, from 1 on, also those inside of forms. Tiny ones
// are left out. more reports whether the page shows anything else, such as text or notes. The error wraps ErrFormat, or ErrLimit for more than maxObjects objects, or is of
// load.
func (d *Document) pieces(ctx context.Context, page int) (out []piece, more bool, err error) {
	if err := d.load(ctx); err != nil {
		return nil, false, err
	}
	w := walk{d: d, left: maxObjects}
	if err := w.page(page); errors.Is(err, ErrLimit) {
		return nil, false, err
	} else if err != nil {
		return nil, false, d.failed(ctx, err)
	}
	notes, err := d.inst.FPDFPage_GetAnnotCount(&requests.FPDFPage_GetAnnotCount{Page: d.page(page)})
	if err != nil {
		return nil, false, d.failed(ctx, err)
	}
	return w.found, w.others > 0 || notes.Count > 0, nil
}

// groups returns the pieces in groups that touch or overlap, directly or through others, in the
// order of their first pieces. A piece without neighbours is a group of its own.
func groups(pieces []piece) [][]piece {
	var out [][]piece
	for _, p := range pieces {
		joined := -1
		kept := out[:0:0]
		for _, g := range out {
			switch {
			case !touches(g, p):
				kept = append(kept, g)
			case joined < 0:
				joined = len(kept)
				kept = append(kept, append(g, p))
			default:
				kept[joined] = append(kept[joined], g...)
			}
		}
		if joined < 0 {
			kept = append(kept, []piece{p})
		}
		out = kept
	}
	return out
}

// touches reports whether p lies within [maxGap] of a piece of the group.
func touches(group []piece, p piece) bool {
	for _, q := range group {
		if p.left <= q.right+maxGap && q.left <= p.right+maxGap && p.bottom <= q.top+maxGap && q.bottom <= p.top+maxGap {
			return true
		}
	}
	return false
}

// sharpest returns the resolution at which to render a group, in pixels a point: that of its
// sharpest piece. In layers the mask is often the sharpest, but PDFium does not show the mask. If
// one piece covers another, the result is therefore scanSharpness or more, the resolution of scans.
func sharpest(group []piece) float64 {
	sharp := 0.0
	for i, p := range group {
		sharp = math.Max(sharp, p.sharpness())
		for _, q := range group[:i] {
			if p.covers(q) {
				sharp = math.Max(sharp, scanSharpness)
			}
		}
	}
	return sharp
}

// covers reports whether p and q overlap in half or more of the smaller one's area on the page.
func (p piece) covers(q piece) bool {
	w := math.Min(p.right, q.right) - math.Max(p.left, q.left)
	h := math.Min(p.top, q.top) - math.Max(p.bottom, q.bottom)
	area := func(r piece) float64 { return (r.right - r.left) * (r.top - r.bottom) }
	return w > 0 && h > 0 && 2*w*h >= math.Min(area(p), area(q))
}

// sharpness returns the piece's pixels a point, in the finer of both directions. The piece may be
// turned by 90 degrees, which its bounds do not show: the turn that gives the lower number counts.
func (p piece) sharpness() float64 {
	w, h := p.right-p.left, p.top-p.bottom
	straight := math.Max(float64(p.width)/w, float64(p.height)/h)
	turned := math.Max(float64(p.width)/h, float64(p.height)/w)
	return math.Min(straight, turned)
}
