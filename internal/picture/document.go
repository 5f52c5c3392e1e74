package picture

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// A Document is a file of one or more pages, which can be decoded one by one. It is safe for concurrent use. TIFFs and
// PDFs have several pages. Of animations the first frame is the only page, of other files the primary picture.
type Document struct {
	data []byte
	tiff []ifd     // the pages of a TIFF
	pdf  []PDFPage // of a PDF: all pages, or one
}

// OpenDocument finds the pages of a file, and keeps data. It decodes no pixels, so the file may still be
// unreadable. The error is a *LimitError if there are more than [MaxPages] pages, or if they have more than
// [maxDocument] times lim.MaxPixels together. It is a *FormatError if the list of pages is broken: such a
// file lacks pages. Limits of 0 are the defaults.
func OpenDocument(data []byte, lim Limits) (*Document, error) {
	if lim.PDF != nil && IsPDF(data) {
		return openPDF(data, lim.Page, lim.orDefault())
	}
	d := &Document{data: data}
	first, ok := firstIFD(data)
	if !ok || unsupportedTIFF(first, data) != nil { // decoding says why
		return d, nil
	}
	pages, err := tiffPages(first)
	if err != nil {
		return nil, err
	}
	limit := lim.orDefault().MaxPixels
	limit *= min(maxDocument, math.MaxInt64/limit)
	left := limit
	for _, p := range pages {
		w, _ := p.uint(tagWidth)
		h, _ := p.uint(tagLength)
		if left -= int64(min(uint64(w)*uint64(h), math.MaxInt64)); left < 0 {
			return nil, &LimitError{What: "pixels on all pages", Got: limit - left, Max: limit}
		}
	}
	d.tiff = pages
	return d, nil
}

// OnePage returns a file as a document of its first page.
func OnePage(data []byte) *Document { return &Document{data: data} }

// SHA256 returns the digest of the whole file.
func (d *Document) SHA256() [sha256.Size]byte { return sha256.Sum256(d.data) }

// Label returns what is added to the name of the file for page k: "#page 02", so that names sort as the
// pages do, or "" for the only page.
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

// pdfPage returns page k. It panics if that page was not read.
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
	p := d.tiff[k-1]
	file := bytes.Clone(d.data)
	p.order.PutUint32(file[4:], p.offset)
	if next := int64(p.offset) + 2 + int64(len(p.entries)); next+4 <= int64(len(file)) {
		p.order.PutUint32(file[next:], 0)
	}
	return file
}

// tiffPages returns the directories of the chain from d on that are pages: d, and all others for which
// isPage is true. The error is a *LimitError if there are more than [MaxPages], and a *FormatError if
// a directory lies beyond the data, or is linked twice. With an error it returns the pages up to there.
func tiffPages(d ifd) (pages []ifd, err error) {
	seen := make(map[uint32]bool)
	for n := 1; ; n++ {
		switch {
		case seen[d.offset]:
			return pages, &FormatError{Format: "tiff", Reason: fmt.Sprintf("the list of pages leads back to byte %d", d.offset)}
		case len(pages) == MaxPages && isPage(d) || n > maxIFDs:
			return append(pages, d), &LimitError{What: "pages", Got: int64(n), Max: MaxPages}
		}
		seen[d.offset] = true
		if n == 1 || isPage(d) {
			pages = append(pages, d)
		}
		if d.next == 0 {
			return pages, nil
		}
		at, ok := d.next, false
		if d, ok = d.at(at); !ok || d.cut {
			return append(pages, d), &FormatError{Format: "tiff", Reason: fmt.Sprintf("truncated: page %d lies at byte %d of %d", len(pages)+1, at, len(d.data))}
		}
	}
}

// JoinTIFF writes TIFF files of one page each, as EncodeLike writes them, as one file of all pages. The
// error is of w, or says that a file is not as our encoder writes it.
func JoinTIFF(w io.Writer, pages [][]byte) error {
	var out []byte
	link := 4 // where the offset of the next directory goes
	for i, page := range pages {
		if len(out)%2 == 1 {
			out = append(out, 0)
		}
		base := len(out)
		if uint64(base)+uint64(len(page)) > math.MaxUint32 {
			return &LimitError{What: "bytes", Got: int64(base) + int64(len(page)), Max: math.MaxUint32}
		}
		out = append(out, page...)
		d, ok := firstIFD(out[base:])
		if !ok || d.cut || d.next != 0 {
			return fmt.Errorf("page %d: %w", i+1, errNoPlace)
		}
		if err := move(d, uint32(base)); err != nil {
			return fmt.Errorf("page %d: %w", i+1, err)
		}
		first, _ := firstIFD(out)
		first.order.PutUint32(out[link:], uint32(base)+d.offset)
		link = base + int(d.offset) + 2 + len(d.entries)
	}
	if _, err := w.Write(out); err != nil {
		return fmt.Errorf("write tiff: %w", err)
	}
	return nil
}

// move adds base to all offsets of directory d, and of the Exif directory that it points at, in place.
func move(d ifd, base uint32) error {
	if base == 0 {
		return nil
	}
	for e := d.entries; len(e) >= ifdEntry; e = e[ifdEntry:] {
		tag := d.order.Uint16(e)
		v, _ := d.entry(tag)
		if !v.whole || len(v.raw) == 0 {
			return errNoPlace
		}
		switch tag {
		case tagStripOffsets:
			if v.kind != kindLong {
				return errNoPlace
			}
			for at := v.raw; len(at) >= 4; at = at[4:] {
				d.order.PutUint32(at, d.order.Uint32(at)+base)
			}
		case tagExifIFD:
			inner, ok := d.at(d.order.Uint32(v.raw))
			if !ok || inner.cut {
				return errNoPlace
			}
			if err := move(inner, base); err != nil {
				return err
			}
			d.order.PutUint32(v.raw, d.order.Uint32(v.raw)+base)
		case tagTileWidth:
			return errors.New("tiles cannot be joined")
		}
		if len(v.raw) > 4 {
			d.order.PutUint32(e[8:], d.order.Uint32(e[8:])+base)
		}
	}
	return nil
}
