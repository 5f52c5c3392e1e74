// Package pdf writes pictures as the pages of a PDF.
package pdf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"
	"math"
	"slices"

	"github.com/kycmark/kycmark/internal/picture/icc"
	"github.com/kycmark/kycmark/internal/picture/jpeg"
	"github.com/kycmark/kycmark/internal/picture/png"
)

// A Page is one page of a PDF as a picture.
type Page struct {
	Number, Of int // from 1 on, of how many
	Attached   int // files that are attached to the PDF, and 1 for a form, if only the number of pages was asked for

	// File is a JPEG or PNG of what the page shows.
	File []byte

	// Width and Height are the size of the page as it is shown, in points. Rotate is by how many degrees
	// the page is turned to be shown, clockwise: 0, 90, 180 or 270.
	Width, Height float64
	Rotate        int

	// Reader is the program that made File, with its version.
	Reader string
}

func (p *Page) Sound() bool {
	return p.Width > 0 && p.Height > 0 && p.Width < maxPoints && p.Height < maxPoints && p.Rotate%90 == 0 && p.Rotate >= 0 && p.Rotate < 360
}

// Join writes a PDF of these pages. Their files are JPEG or PNG, as picture.EncodeLike writes them, of upright
// pixels; each fills its page, which has the size and the rotation of the Page. The same pages give
// the same bytes. There is no title, author, date or name of a program in the file. The error is of w, or
// says that a file is not as our encoders write it.
func Join(w io.Writer, pages []Page) error {
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
		dict, data, err := imageOf(p.File, func(icc string) int {
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
		if icc.Model([]byte(kept)) == icc.Gray {
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

func points(x float64) float64 { return math.Round(x*1000) / 1000 }

// imageOf returns the dictionary and the data of the image of a file, a JPEG or PNG. object returns the
// number of the object of a profile. The profile of a PNG is left out: its page had none.
func imageOf(file []byte, object func(icc string) int) (dict string, data []byte, err error) {
	size, filter, colours, icc := image.Config{}, "", 0, []byte(nil)
	if bytes.HasPrefix(file, []byte("\xff\xd8\xff")) {
		o := jpeg.Read(file)
		h, err := jpeg.Header(file)
		if err != nil {
			return "", nil, err
		}
		size.Width, size.Height = int(h.Width), int(h.Height)
		filter, colours, icc = "/DCTDecode", len(o.Components), o.Profile()
		if data, err = jpeg.Plain(file, 1, nil); err != nil {
			return "", nil, err
		}
	} else {
		var ihdr []byte
		for kind, body := range png.Chunks(file) {
			switch kind {
			case "IHDR":
				ihdr = body
			case "IDAT":
				data = append(data, body...)
			}
		}
		if len(ihdr) < png.HeaderSize || ihdr[8] != 8 || ihdr[9] != 0 && ihdr[9] != 2 || ihdr[12] != 0 { // 8 bits, grey or RGB, not interlaced
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

// maxPoints is the longest side of a page, in points; chosen, not measured.
const maxPoints = 1 << 20
