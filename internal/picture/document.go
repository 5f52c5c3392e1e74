package picture

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"image"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/kycmark/kycmark/internal/jpegcoef"
	"github.com/kycmark/kycmark/internal/picture/codec"
	"github.com/kycmark/kycmark/internal/picture/ifd"
	"github.com/kycmark/kycmark/internal/picture/jpeg"
	"github.com/kycmark/kycmark/internal/picture/pdf"
	"github.com/kycmark/kycmark/internal/picture/tiff"
)

// A Document is a file of one or more pages, which can be decoded one by one. It is safe for concurrent use. TIFFs and
// PDFs have several pages. Of animations the first frame is the only page, of other files the primary picture.
type Document struct {
	data []byte
	tiff []ifd.Directory // the pages of a TIFF
	pdf  []PDFPage       // of a PDF: all pages, or one
}

// OpenDocument finds the pages of a file, and keeps data. It decodes no pixels, so the file may still be
// unreadable. The error is a *LimitError if there are more than [codec.MaxPages] pages, or if they have more than
// [maxDocument] times lim.MaxPixels together. It is a *FormatError if the list of pages is broken: such a
// file lacks pages. Limits of 0 are the defaults.
func OpenDocument(data []byte, lim Limits) (*Document, error) {
	if lim.PDF != nil && IsPDF(data) {
		return openPDF(data, lim.Page, lim.orDefault())
	}
	d := &Document{data: data}
	first, ok := ifd.First(data)
	if !ok || tiff.Raw(first, data) { // decoding says why
		return d, nil
	}
	pages, err := tiff.Pages(first)
	if err != nil {
		return nil, err
	}
	limit := lim.orDefault().MaxPixels
	limit *= min(maxDocument, math.MaxInt64/limit)
	left := limit
	for _, p := range pages {
		w, _ := p.Uint(tiff.TagWidth)
		h, _ := p.Uint(tiff.TagLength)
		if left -= int64(min(uint64(w)*uint64(h), math.MaxInt64)); left < 0 {
			return nil, &LimitError{What: "pixels on all pages", Got: limit - left, Max: limit}
		}
	}
	d.tiff = pages
	return d, nil
}

func OnePage(data []byte) *Document           { return &Document{data: data} }
func (d *Document) SHA256() [sha256.Size]byte { return sha256.Sum256(d.data) }

// Label returns what a file's name gets for page k: "#page 02", so that names sort as pages, or "" for an only page.
func (d *Document) Label(k int) string {
	if d.Pages() == 1 {
		return ""
	}
	return PageLabel(k, d.Pages())
}

// PageLabel is the label of page k of several.
func PageLabel(k, of int) string { return fmt.Sprintf("%s%0*d", pageLabel, len(fmt.Sprint(of)), k) }

const pageLabel = "#page "

// FileOf returns the file of a page by the page's name, which ends in a [PageLabel]. It returns false for other names.
func FileOf(page string) (file string, is bool) {
	at := strings.LastIndex(page, pageLabel)
	if at < 0 {
		return page, false
	}
	_, err := strconv.ParseUint(page[at+len(pageLabel):], 10, 32)
	return page[:at], err == nil
}

// Pages returns the number of pages, at least 1.
func (d *Document) Pages() int {
	if len(d.pdf) > 0 {
		return d.pdf[0].Of
	}
	return max(len(d.tiff), 1)
}

// Picture decodes page k, from 1 to Pages, of a document. The error is as in [Decode].
func (d *Document) Picture(k int, lim Limits) (*Picture, error) {
	if len(d.pdf) == 0 {
		return Decode(d.Page(k), lim)
	}
	lim.PDF, lim.MaxBytes = nil, math.MaxInt64 // of what the reader made
	p := d.pdfPage(k)
	pic, err := Decode(p.File, lim)
	if err != nil {
		return nil, err
	}
	if pic.Incomplete != "" {
		return nil, &FormatError{Format: "pdf", Reason: "its picture is incomplete: " + pic.Incomplete}
	}
	pic.Format, pic.Decoder = "pdf", p.Reader+", "+pic.Decoder
	return pic, nil
}

// PDF returns what is known of page k of a PDF, or nil for other documents.
func (d *Document) PDF(k int) *PDFPage {
	if len(d.pdf) == 0 {
		return nil
	}
	return d.pdfPage(k)
}

func (d *Document) pdfPage(k int) *PDFPage { return &d.pdf[k-d.pdf[0].Number] }

// Page returns page k, from 1 to Pages, as a file of its own. The file of a single page is the file
// itself. For a TIFF it is a copy in which only that page is linked. It panics if there is no page k.
func (d *Document) Page(k int) []byte {
	if len(d.pdf) > 0 {
		return d.pdfPage(k).File
	}
	if k < 1 || k > d.Pages() {
		panic(fmt.Sprintf("no page %d of %d", k, d.Pages()))
	}
	if d.Pages() == 1 {
		return d.data
	}
	p, file := d.tiff[k-1], bytes.Clone(d.data)
	p.Order.PutUint32(file[4:], p.Offset)
	if next := int64(p.Offset) + 2 + int64(len(p.Entries)); next+4 <= int64(len(file)) {
		p.Order.PutUint32(file[next:], 0)
	}
	return file
}

// A PDFReader reads one page of a PDF, or all pages, in their order, if page is 0. It calls admit before it takes so many bytes of
// memory, in the place of what it took before. The error of admit ends reading.
type PDFReader func(pdf []byte, page int, admit func(bytes int64) error) ([]PDFPage, error)

// ReadingPDF returns f under a context; nil for nil.
func ReadingPDF(ctx context.Context, f func(context.Context, []byte, int, func(int64) error) ([]PDFPage, error)) PDFReader {
	if f == nil {
		return nil
	}
	return func(pdf []byte, page int, admit func(int64) error) ([]PDFPage, error) {
		return f(ctx, pdf, page, admit)
	}
}

// IsPDF reports whether data is a PDF: readers look for its header in the first KiB.
func IsPDF(data []byte) bool {
	f, _ := sniff(data)
	return f == nil && near("%PDF-")(data)
}

func openPDF(data []byte, only int, lim Limits) (*Document, error) {
	if n := int64(len(data)); n > lim.MaxBytes {
		return nil, &LimitError{What: "bytes", Got: n, Max: lim.MaxBytes}
	}
	pages, err := lim.PDF(data, only, func(bytes int64) error {
		if lim.Admit == nil {
			return nil
		}
		return lim.Admit(bytes, 0)
	})
	if err != nil {
		return nil, err
	}
	if len(pages) == 0 || only == 0 && len(pages) != pages[0].Of {
		return nil, &FormatError{Format: "pdf", Reason: "its reader gave no pages, or not all"}
	}
	for i, p := range pages {
		if p.Of > codec.MaxPages {
			return nil, &LimitError{What: "pages", Got: int64(p.Of), Max: codec.MaxPages}
		}
		if p.Of != pages[0].Of || p.Number != max(only, i+1) || !p.Sound() {
			return nil, &FormatError{Format: "pdf", Reason: fmt.Sprintf("its reader gave a page %d of %d that makes no sense", p.Number, p.Of)}
		}
	}
	return &Document{data: data, pdf: pages}, nil
}

// EncodePage writes a marked page of p's document for [Document.Join]: as a TIFF, or for a PDF as a JPEG or
// PNG. A page that was no JPEG gets the smaller of both.
func (p *Picture) EncodePage(img image.Image, o LikeOptions) ([]byte, error) {
	encode := func(format string) ([]byte, error) {
		var file bytes.Buffer
		o.Format = format
		err := EncodeLike(&file, img, p.Source, o)
		return file.Bytes(), err
	}
	if p.Format != "pdf" {
		return encode("tiff")
	}
	file, err := encode("jpeg")
	if err == nil {
		file, err = jpeg.Plain(file, 1, p.Source.ICC)
	}
	if err != nil || p.Source.Format == "jpeg" {
		return file, err
	}
	lossless, err := encode("png")
	if len(lossless) < len(file) {
		file = lossless
	}
	return file, err
}

// Join writes files of [Picture.EncodePage], one for each page of d, as one file: a PDF if d is a PDF, else a TIFF.
func (d *Document) Join(w io.Writer, files [][]byte) error {
	if d.PDF(1) == nil {
		return tiff.Join(w, files)
	}
	pages := make([]PDFPage, len(files))
	for i := range files {
		pages[i] = *d.PDF(i + 1)
		pages[i].File = files[i]
	}
	return pdf.Join(w, pages)
}

// CopyFormat returns the format of a copy of all pages: "pdf", "tiff", or "" for a picture.
func (d *Document) CopyFormat() string {
	switch {
	case len(d.pdf) > 0:
		return "pdf"
	case d.Pages() > 1:
		return "tiff"
	}
	return ""
}

// JPEG reads the header of a JPEG whose copies can be marked in its coefficients: its quality is minCoded at least, or
// codec.MinQualityLarge in a large one. The Picture has no Image, and size is that of the stored pixels. ok is false for all
// other files, also for broken ones: then [Decode] them. Limits of 0 are the defaults.
func JPEG(data []byte, lim Limits) (pic *Picture, size image.Point, ok bool) {
	pic, size, ok = jpegHead(data, lim)
	return pic, size, ok && pic.Source.Quality >= min(codec.MinQuality(image.Rectangle{Max: size}), minCoded)
}

// Steps says how copies of page k are written if it is a JPEG. coded is its file if they are marked in its coefficients:
// it is the only page. quality is that of copies marked in pixels. All are zero for other pages.
func (d *Document) Steps(k int, lim Limits) (coded []byte, orientation, quality int) {
	data := d.Page(k)
	pic, size, ok := JPEG(data, lim)
	if pic == nil {
		return nil, 0, 0
	}
	if ok && d.Pages() == 1 && d.PDF(k) == nil {
		coded = data
	}
	return coded, pic.Orientation, pic.Source.LikeQuality(image.Rectangle{Max: size})
}

// jpegHead is JPEG for any quality.
func jpegHead(data []byte, lim Limits) (pic *Picture, size image.Point, ok bool) {
	lim = lim.orDefault()
	f, err := sniff(data)
	if err != nil || f.name != "jpeg" || int64(len(data)) > lim.MaxBytes {
		return nil, size, false
	}
	h, err := f.admitted(data, lim)
	if err != nil || h.NoEnd || h.Damaged {
		return nil, size, false
	}
	return &Picture{
		Format: f.name, Orientation: h.Orientation, Pages: h.Pages, Decoder: DecoderVersion(f.decoder),
		SHA256: sha256.Sum256(data), Size: int64(len(data)), Source: f.readSource(data),
	}, image.Pt(int(h.Width), int(h.Height)), true
}

// reducedSide is the long side that a reduced picture has at least, pixels.
const reducedSide = 512

// Reduced is [Document.Picture] for hashes. A JPEG comes at 1/2, 1/4 or 1/8 of its size, read from its coefficients, if
// its long side then has reducedSide pixels at least. It also has Whole, and Nearest of step pixels a side, less than its long side.
// Other files are decoded as by Picture, also those whose coefficients are not read.
func (d *Document) Reduced(k int, lim Limits, step int) (*Picture, error) {
	if len(d.pdf) == 0 {
		if pic := reduced(d.Page(k), lim, step); pic != nil {
			return pic, nil
		}
	}
	return d.Picture(k, lim)
}

// reduced returns a JPEG as [Document.Reduced] does, and nil if all its pixels must be decoded.
func reduced(data []byte, lim Limits, step int) *Picture {
	pic, size, ok := jpegHead(data, lim)
	n, long := 1, max(size.X, size.Y)
	for n < 8 && long*n < 8*reducedSide {
		n *= 2
	}
	if !ok || n == 8 || long <= step {
		return nil
	}
	p, err := jpegcoef.Read(data, size.X*size.Y)
	if err != nil {
		return nil
	}
	w, h := p.Size(n)
	small, nearest := image.NewNRGBA(image.Rect(0, 0, w, h)), image.NewNRGBA(image.Rect(0, 0, step, step))
	rows, o := small.Pix, pic.Orientation
	xs, ys := nearestOf(size.X, step, o == 2 || o == 3 || o > 6), nearestOf(size.Y, step, o == 3 || o == 4 || o == 6 || o == 7)
	if p.Each(p.Samples(nearest, xs, ys), p.Rows(n, func(row []uint8) { rows = rows[copy(rows, row):] })) != nil {
		return nil
	}
	pic.Image, pic.Nearest, pic.Whole, pic.Decoder = Upright(small, o), Upright(nearest, o), size, DecoderVersion(jpeg.CoefficientReader)
	if o > 4 {
		pic.Whole = image.Pt(size.Y, size.X)
	}
	return pic
}

// nearestOf returns m of n positions in rising order, equally spaced and rounded down; counted from the last if mirrored.
func nearestOf(n, m int, mirrored bool) []int {
	at := make([]int, m)
	for i := range at {
		if at[i] = i * n / m; mirrored {
			at[i] = n - 1 - (m-1-i)*n/m
		}
	}
	return at
}

// Dress returns file, a JPEG stored as pic is and without metadata, like [EncodeLike] writes: with the colour profile, the
// orientation and, with keepEXIF, the EXIF of LikeOptions. size is that of the stored pixels. The file is not turned
// upright, since turning it would lose what no block holds whole.
func Dress(pic *Picture, file []byte, size image.Point, keepEXIF bool) ([]byte, error) {
	src := pic.Source
	if !keepEXIF {
		src.EXIF = nil
	}
	stored := image.Rectangle{Max: size}
	return jpeg.Insert(src, file, ifd.Block(src.EXIF, stored, pic.Orientation), stored)
}
