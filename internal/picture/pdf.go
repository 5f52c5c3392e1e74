package picture

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"
	"math"
	"slices"
)

// A PDFPage is one page of a PDF as a picture.
type PDFPage struct {
	Number, Of int // from 1 on, of how many
	Attached   int // files that are attached to the PDF, if only the number of pages was asked for

	// File is a JPEG or PNG of what the page shows.
	File []byte

	// Width and Height are the size of the page as it is shown, in points. Rotate is by how many degrees
	// the page is turned to be shown, clockwise: 0, 90, 180 or 270.
	Width, Height float64
	Rotate        int

	// Reader is the program that made File, with its version.
	Reader string
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

// openPDF reads page only of a PDF, or all pages if only is 0.
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
		if p.Of > MaxPages {
			return nil, &LimitError{What: "pages", Got: int64(p.Of), Max: MaxPages}
		}
		if p.Of != pages[0].Of || p.Number != max(only, i+1) || !p.sound() {
			return nil, &FormatError{Format: "pdf", Reason: fmt.Sprintf("its reader gave a page %d of %d that makes no sense", p.Number, p.Of)}
		}
	}
	return &Document{data: data, pdf: pages}, nil
}

// sound reports whether the numbers of a page make sense.
func (p *PDFPage) sound() bool {
	return p.Width > 0 && p.Height > 0 && p.Width < maxPoints && p.Height < maxPoints && p.Rotate%90 == 0 && p.Rotate >= 0 && p.Rotate < 360
}

// PlainJPEG returns a JPEG without its metadata, with this orientation, 1 to 8, and with this profile
// if it is of RGB or grey pixels. What describes the coded pixels stays. The error is a *FormatError if the segments before the first scan are broken.
func PlainJPEG(file []byte, orientation int, profile []byte) ([]byte, error) {
	broken := &FormatError{Format: "jpeg", Reason: "truncated: " + io.ErrUnexpectedEOF.Error()}
	if !bytes.HasPrefix(file, []byte("\xff\xd8\xff")) {
		return nil, &FormatError{Reason: "not a JPEG"}
	}
	out := []byte{0xff, 0xd8}
	if orientation > 1 {
		const head = "\xff\xe1\x00\x22Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00"
		out = append(append(out, head...), byte(orientation), 0, 0, 0, 0, 0, 0, 0)
	}
	for _, body := range iccSegments(keep(profile)) {
		out = append(binary.BigEndian.AppendUint16(append(out, 0xff, 0xe2), uint16(2+len(body))), body...)
	}
	for i := 2; ; {
		for i+1 < len(file) && file[i] == 0xff && file[i+1] == 0xff { // fill bytes
			i++
		}
		if i+4 > len(file) || file[i] != 0xff {
			return nil, broken
		}
		marker, size := file[i+1], int(binary.BigEndian.Uint16(file[i+2:]))
		if size < 2 || i+2+size > len(file) {
			return nil, broken
		}
		if marker == 0xda {
			return append(out, file[i:]...), nil
		}
		segment := file[i : i+2+size]
		if marker < 0xe0 || marker == 0xee && bytes.HasPrefix(segment[4:], []byte("Adobe")) { // not APPn and COM
			out = append(out, segment...)
		}
		i += len(segment)
	}
}

// JoinPDF writes a PDF of these pages. Their files are JPEG or PNG, as EncodeLike writes them, of upright
// pixels; each fills its page, which has the size and the rotation of the PDFPage. The same pages give
// the same bytes. There is no title, author, date or name of a program in the file. The error is of w, or
// says that a file is not as our encoders write it.
func JoinPDF(w io.Writer, pages []PDFPage) error {
	var out bytes.Buffer
	var offsets []int
	var profiles []string // the objects behind the pages
	object := func(dict string, stream []byte) {
		offsets = append(offsets, out.Len())
		fmt.Fprintf(&out, "%d 0 obj\n<< %s", len(offsets), dict)
		if stream != nil {
			fmt.Fprintf(&out, " /Length %d >>\nstream\n%s\nendstream\nendobj\n", len(stream), stream)
			return
		}
		out.WriteString(" >>\nendobj\n")
	}
	out.WriteString("%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
	object("/Type /Catalog /Pages 2 0 R", nil)
	var kids bytes.Buffer
	for i := range pages {
		fmt.Fprintf(&kids, " %d 0 R", 3+3*i)
	}
	object(fmt.Sprintf("/Type /Pages /Count %d /Kids [%s ]", len(pages), kids.String()), nil)
	for i := range pages {
		p, at := &pages[i], 3+3*i
		dict, data, err := pdfImage(p.File, func(icc string) int {
			k := slices.Index(profiles, icc)
			if k < 0 {
				k, profiles = len(profiles), append(profiles, icc)
			}
			return 3 + 3*len(pages) + k
		})
		if err != nil {
			return fmt.Errorf("page %d: %w", i+1, err)
		}
		width, height, place := p.Width, p.Height, ""
		switch p.Rotate { // against the turn of the page
		case 0:
			place = fmt.Sprintf("%g 0 0 %g 0 0", points(width), points(height))
		case 90:
			place = fmt.Sprintf("0 %g %g 0 %g 0", points(width), points(-height), points(height))
		case 180:
			place = fmt.Sprintf("%g 0 0 %g %g %g", points(-width), points(-height), points(width), points(height))
		case 270:
			place = fmt.Sprintf("0 %g %g 0 0 %g", points(-width), points(height), points(width))
		}
		if p.Rotate%180 != 0 {
			width, height = height, width
		}
		object(fmt.Sprintf("/Type /Page /Parent 2 0 R /MediaBox [0 0 %g %g] /Rotate %d /Contents %d 0 R /Resources << /XObject << /P %d 0 R >> >>",
			points(width), points(height), p.Rotate, at+1, at+2), nil)
		object("", []byte("q "+place+" cm /P Do Q"))
		object("/Type /XObject /Subtype /Image "+dict, data)
	}
	for _, kept := range profiles {
		colours := 3
		if profileModel([]byte(kept)) == modelGray {
			colours = 1
		}
		object(fmt.Sprintf("/N %d", colours), []byte(kept))
	}
	start := out.Len()
	fmt.Fprintf(&out, "xref\n0 %d\n0000000000 65535 f \n", len(offsets)+1)
	for _, at := range offsets {
		fmt.Fprintf(&out, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(&out, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(offsets)+1, start)
	if _, err := w.Write(out.Bytes()); err != nil {
		return fmt.Errorf("write pdf: %w", err)
	}
	return nil
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
		file, err = PlainJPEG(file, 1, p.Source.ICC)
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
		return JoinTIFF(w, files)
	}
	pages := make([]PDFPage, len(files))
	for i := range files {
		pages[i] = *d.PDF(i + 1)
		pages[i].File = files[i]
	}
	return JoinPDF(w, pages)
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

// points rounds a length to thousandths of a point: %g then never writes an exponent.
func points(x float64) float64 { return math.Round(x*1000) / 1000 }

// pdfImage returns the dictionary and the data of the image of a file, a JPEG or PNG. object returns the
// number of the object of a profile. The profile of a PNG is left out: its page had none.
func pdfImage(file []byte, object func(icc string) int) (dict string, data []byte, err error) {
	size, filter, colours, icc := image.Config{}, "", 0, []byte(nil)
	if bytes.HasPrefix(file, []byte("\xff\xd8\xff")) {
		o := outlineJPEG(file)
		h, err := jpegHeader(file)
		if err != nil {
			return "", nil, err
		}
		size.Width, size.Height = int(h.width), int(h.height)
		filter, colours, icc = "/DCTDecode", len(o.components), o.profile()
		if data, err = PlainJPEG(file, 1, nil); err != nil {
			return "", nil, err
		}
	} else {
		var ihdr []byte
		for kind, body := range pngChunks(file) {
			switch kind {
			case "IHDR":
				ihdr = body
			case "IDAT":
				data = append(data, body...)
			}
		}
		if len(ihdr) < pngIHDR || ihdr[8] != 8 || ihdr[9] != 0 && ihdr[9] != 2 || ihdr[12] != 0 { // 8 bits, grey or RGB, not interlaced
			return "", nil, errors.New("this PNG cannot be put into a PDF")
		}
		size.Width, size.Height = int(binary.BigEndian.Uint32(ihdr)), int(binary.BigEndian.Uint32(ihdr[4:]))
		colours = 1 + int(ihdr[9])
		filter = fmt.Sprintf("/FlateDecode /DecodeParms << /Predictor 15 /Colors %d /BitsPerComponent 8 /Columns %d >>", colours, size.Width)
	}
	space := map[int]string{1: "/DeviceGray", 3: "/DeviceRGB"}[colours]
	if space == "" {
		return "", nil, fmt.Errorf("pictures of %d colour components are not written", colours)
	}
	if icc != nil {
		space = fmt.Sprintf("[/ICCBased %d 0 R]", object(string(icc)))
	}
	return fmt.Sprintf("/Width %d /Height %d /ColorSpace %s /BitsPerComponent 8 /Filter %s", size.Width, size.Height, space, filter), data, nil
}
