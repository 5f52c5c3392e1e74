package picture

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math"
)

// A Document is a file of one or more pages, which can be decoded one by one. It is safe for concurrent
// use. It has the pages of a TIFF, the frames of an animation that differ, or the pictures of a HEIC or
// AVIF. A JPEG may have several views (MPF). Previews, depth maps and gain maps are no pages.
type Document struct {
	data  []byte
	pages int                // 0: data is the only page
	page  func(k int) []byte // makes page k, from 1
	pdf   []PDFPage          // of a PDF: all pages, or one
}

// OpenDocument finds the pages of a file, and keeps data. Only of animations it decodes pixels, so that
// another file may still be unreadable. The error is a *LimitError if there are more than [MaxPages] pages,
// or if they have more than [maxDocument] times lim.MaxPixels together ([maxPlayed] for frames). It is a
// *FormatError if the list of pages is broken: such a file lacks pages. Limits of 0 are the defaults.
func OpenDocument(data []byte, lim Limits) (*Document, error) {
	if lim.PDF != nil && IsPDF(data) {
		return openPDF(data, lim.Page, lim.orDefault())
	}
	d := &Document{data: data}
	f, err := sniff(data)
	if err != nil || f.several == nil { // decoding says why
		return d, nil
	}
	if d.pages, d.page, err = f.several(f, data, lim.orDefault()); err != nil {
		return nil, f.because(err)
	}
	return d, nil
}

// Head is the number of bytes that Several needs.
const Head = 64 << 10

// Several reports whether a file may have several pages, by its first bytes. It is true for every TIFF, GIF,
// HEIC and AVIF.
func Several(head []byte) bool {
	f, err := sniff(head)
	if err != nil || f.several == nil {
		return false
	}
	switch f.name {
	case "jpeg":
		return outlineJPEG(head).views != nil
	case "png":
		for kind := range pngChunks(head) {
			if kind == "acTL" {
				return true
			}
		}
		return false
	case "webp":
		return len(head) > 20 && string(head[12:16]) == "VP8X" && head[20]&2 != 0
	}
	return true
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
	return fmt.Sprintf("#page %0*d", len(fmt.Sprint(d.Pages())), k)
}

// Pages returns the number of pages, at least 1.
func (d *Document) Pages() int {
	if len(d.pdf) > 0 {
		return d.pdf[0].Of
	}
	return max(d.pages, 1)
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
// itself. For a TIFF, a HEIC or an AVIF it is a copy in which only that page is linked. A frame is a PNG of
// what is shown with it. It panics if there is no page k.
func (d *Document) Page(k int) []byte {
	if len(d.pdf) > 0 {
		return d.pdfPage(k).File
	}
	if k < 1 || k > d.Pages() {
		panic(fmt.Sprintf("no page %d of %d", k, d.Pages()))
	}
	if d.page == nil {
		return d.data
	}
	return d.page(k)
}

// tiffPages finds the pages of a TIFF.
func tiffPages(_ *format, data []byte, lim Limits) (int, func(k int) []byte, error) {
	first, ok := firstIFD(data)
	if !ok || first.unsupported(data) != nil { // decoding says why
		return 0, nil, nil
	}
	pages, err := first.chain()
	if err != nil || len(pages) == 1 {
		return 0, nil, err
	}
	room := lim.onPages()
	for _, p := range pages {
		w, _ := p.uint(tagWidth)
		h, _ := p.uint(tagLength)
		if err := room.take(uint64(w), uint64(h)); err != nil {
			return 0, nil, err
		}
	}
	return len(pages), func(k int) []byte {
		p := pages[k-1]
		file := bytes.Clone(data)
		p.order.PutUint32(file[4:], p.offset)
		if next := int64(p.offset) + 2 + int64(len(p.entries)); next+4 <= int64(len(file)) {
			p.order.PutUint32(file[next:], 0)
		}
		return file
	}, nil
}

// A room is how many pixels all pages of a document may have together.
type room struct{ left, limit int64 }

// onPages returns the room of a document.
func (l Limits) onPages() room {
	n := l.MaxPixels
	if n < math.MaxInt64/maxDocument {
		n *= maxDocument
	}
	return room{n, n}
}

// take takes the pixels of a page, whose sides have up to 32 bits. If there is no room, it returns a *LimitError.
func (r *room) take(width, height uint64) error {
	if r.left -= int64(min(width*height, math.MaxInt64)); r.left < 0 {
		return &LimitError{What: "pixels on all pages", Got: r.limit - r.left, Max: r.limit}
	}
	return nil
}

// jpegPages finds the views of a JPEG.
func jpegPages(_ *format, data []byte, lim Limits) (int, func(k int) []byte, error) {
	views := jpegViews(data, outlineJPEG(data).views)
	if len(views) == 0 {
		return 0, nil, nil
	}
	if len(views) >= MaxPages {
		return 0, nil, &LimitError{What: "pages", Got: int64(len(views)) + 1, Max: MaxPages}
	}
	room := lim.onPages()
	for _, v := range views {
		o := outlineJPEG(data[v.from:v.to])
		if err := room.take(uint64(o.pixels), 1); err != nil {
			return 0, nil, err
		}
	}
	return len(views) + 1, func(k int) []byte {
		if k == 1 {
			return data[:views[0].from] // so that the others are no part of it
		}
		return data[views[k-2].from:views[k-2].to]
	}, nil
}

// heifPages finds the pictures of a HEIC or AVIF.
func heifPages(_ *format, data []byte, lim Limits) (int, func(k int) []byte, error) {
	f, err := readHEIF(data)
	if err != nil { // decoding says why
		return 0, nil, nil
	}
	ids := f.pages()
	if len(ids) < 2 {
		return 0, nil, nil
	}
	if len(ids) > MaxPages {
		return 0, nil, &LimitError{What: "pages", Got: int64(len(ids)), Max: MaxPages}
	}
	room := lim.onPages()
	for _, id := range ids {
		w, h := f.size(f.items[id])
		if err := room.take(uint64(w), uint64(h)); err != nil {
			return 0, nil, err
		}
	}
	return len(ids), func(k int) []byte {
		file := bytes.Clone(data)
		f, err := readHEIF(file)
		if err != nil {
			return nil
		}
		f.only(ids[k-1])
		return file
	}, nil
}

// chain returns the directories of the chain from d on that are pages: d, and all others for which
// isPage is true. The error is a *LimitError if there are more than [MaxPages], and a *FormatError if
// a directory lies beyond the data, or is linked twice. With an error it returns the pages up to there.
func (d ifd) chain() (pages []ifd, err error) {
	seen := make(map[uint32]bool)
	for n := 1; ; n++ {
		switch {
		case seen[d.offset]:
			return pages, &FormatError{Format: "tiff", Reason: fmt.Sprintf("the list of pages leads back to byte %d", d.offset)}
		case len(pages) == MaxPages && d.isPage() || n > maxIFDs:
			return append(pages, d), &LimitError{What: "pages", Got: int64(n), Max: MaxPages}
		}
		seen[d.offset] = true
		if n == 1 || d.isPage() {
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
		if err := d.move(uint32(base)); err != nil {
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
func (d ifd) move(base uint32) error {
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
			if err := inner.move(base); err != nil {
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
