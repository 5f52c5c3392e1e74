package pdf

import (
	"bytes"
	"cmp"
	"fmt"
	"image"
	"image/png"
	"math"
	"slices"

	"github.com/klippa-app/go-pdfium/enums"
	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"
)

// A matrix maps points as PDF 32000-1 section 8.3.3 has it: x' = ax + cy + e, y' = bx + dy + f.
type matrix struct{ a, b, c, d, e, f float64 }

var unit = matrix{a: 1, d: 1}

// times returns the map that applies m first and then n, in that order.
func (m matrix) times(n matrix) matrix {
	return matrix{
		m.a*n.a + m.b*n.c, m.a*n.b + m.b*n.d,
		m.c*n.a + m.d*n.c, m.c*n.b + m.d*n.d,
		m.e*n.a + m.f*n.c + n.e, m.e*n.b + m.f*n.d + n.f,
	}
}

func (m matrix) bounds() (left, bottom, right, top float64) {
	left, right = m.e+math.Min(m.a, 0)+math.Min(m.c, 0), m.e+math.Max(m.a, 0)+math.Max(m.c, 0)
	bottom, top = m.f+math.Min(m.b, 0)+math.Min(m.d, 0), m.f+math.Max(m.b, 0)+math.Max(m.d, 0)
	return left, bottom, right, top
}

// A walk examines the objects of a page.
type walk struct {
	d      *document
	left   int // objects that may still be looked at
	found  []piece
	others int // objects that show something else, also pictures that are tiny
}

// page examines the objects of a page, from 1 on. The error is of object.
func (w *walk) page(k int) error {
	n, err := w.d.inst.FPDFPage_CountObjects(&requests.FPDFPage_CountObjects{Page: w.d.page(k)})
	if err != nil {
		return err
	}
	for i := range n.Count {
		o, err := w.d.inst.FPDFPage_GetObject(&requests.FPDFPage_GetObject{Page: w.d.page(k), Index: i})
		if err != nil {
			return err
		}
		if err := w.object(o.PageObject, []int{i}, unit); err != nil {
			return err
		}
	}
	return nil
}

// object adds the object o to w.found if o is a picture that is not tiny. If o is a form, it examines the objects in o.
// A form whose path has maxDepth numbers is passed over without an error. path is the place of o, outer is the map from
// the form around o to the page. The error wraps ErrLimit after maxObjects objects, or is PDFium's.
func (w *walk) object(o references.FPDF_PAGEOBJECT, path []int, outer matrix) error {
	if w.left--; w.left < 0 {
		return fmt.Errorf("%w: more than %d objects on a page", ErrLimit, maxObjects)
	}
	kind, err := w.d.inst.FPDFPageObj_GetType(&requests.FPDFPageObj_GetType{PageObject: o})
	if err != nil {
		return err
	}
	if kind.Type == enums.FPDF_PAGEOBJ_TEXT { // text recognition lays invisible text over scans
		mode, err := w.d.inst.FPDFTextObj_GetTextRenderMode(&requests.FPDFTextObj_GetTextRenderMode{PageObject: o})
		if err != nil || mode.TextRenderMode != enums.FPDF_TEXTRENDERMODE_INVISIBLE {
			w.others++
		}
		return err
	}
	if kind.Type != enums.FPDF_PAGEOBJ_IMAGE && kind.Type != enums.FPDF_PAGEOBJ_FORM {
		w.others++
		return nil
	}
	got, err := w.d.inst.FPDFPageObj_GetMatrix(&requests.FPDFPageObj_GetMatrix{PageObject: o})
	if err != nil {
		return err
	}
	m := got.Matrix
	inner := matrix{float64(m.A), float64(m.B), float64(m.C), float64(m.D), float64(m.E), float64(m.F)}.times(outer)
	if kind.Type == enums.FPDF_PAGEOBJ_IMAGE {
		return w.picture(o, path, inner)
	}
	if len(path) >= maxDepth {
		w.others++
		return nil
	}
	n, err := w.d.inst.FPDFFormObj_CountObjects(&requests.FPDFFormObj_CountObjects{PageObject: o})
	if err != nil {
		return err
	}
	for i := range n.Count {
		next, err := w.d.inst.FPDFFormObj_GetObject(&requests.FPDFFormObj_GetObject{PageObject: o, Index: uint64(i)})
		if err != nil {
			return err
		}
		if err := w.object(next.PageObject, append(path[:len(path):len(path)], i), inner); err != nil {
			return err
		}
	}
	return nil
}

// picture adds the picture o at path unless it is too small, in pixels or on the page. m maps the
// unit square, which a picture fills, to the page in points. It does not decode o.
func (w *walk) picture(o references.FPDF_PAGEOBJECT, path []int, m matrix) error {
	size, err := w.d.inst.FPDFImageObj_GetImagePixelSize(&requests.FPDFImageObj_GetImagePixelSize{ImageObject: o})
	if err != nil {
		return err
	}
	p := piece{path: path, width: int(size.Width), height: int(size.Height), place: m}
	p.left, p.bottom, p.right, p.top = m.bounds()
	if p.width < minSide || p.height < minSide || !(p.right-p.left >= minPoints) || !(p.top-p.bottom >= minPoints) {
		w.others++
		return nil
	}
	n, err := w.d.inst.FPDFImageObj_GetImageFilterCount(&requests.FPDFImageObj_GetImageFilterCount{ImageObject: o})
	if err != nil {
		return err
	}
	if n.Count > 0 {
		last, err := w.d.inst.FPDFImageObj_GetImageFilter(&requests.FPDFImageObj_GetImageFilter{ImageObject: o, Index: n.Count - 1})
		if err != nil {
			return err
		}
		p.jpeg = last.ImageFilter == "DCTDecode" || last.ImageFilter == "DCT"
		p.coded = p.jpeg || slices.Contains([]string{"JPXDecode", "JBIG2Decode", "CCITTFaxDecode", "CCF"}, last.ImageFilter)
	}
	w.found = append(w.found, p)
	return nil
}

// find returns the object of a page, from 1 on, at a path: its number among the page's objects,
// then in each form on the way. path must not be empty. The error is PDFium's.
func (d *document) find(page int, path []int) (references.FPDF_PAGEOBJECT, error) {
	o, err := d.inst.FPDFPage_GetObject(&requests.FPDFPage_GetObject{Page: d.page(page), Index: path[0]})
	if err != nil {
		return "", err
	}
	at := o.PageObject
	for _, i := range path[1:] {
		o, err := d.inst.FPDFFormObj_GetObject(&requests.FPDFFormObj_GetObject{PageObject: at, Index: uint64(i)})
		if err != nil {
			return "", err
		}
		at = o.PageObject
	}
	return at, nil
}

// decoded returns the pixels of a picture. They are nil if all pixels are the same: PDFium makes such a
// picture of data that it cannot decode.
func (d *document) decoded(o references.FPDF_PAGEOBJECT) (image.Image, error) {
	r, err := d.inst.FPDFImageObj_GetBitmap(&requests.FPDFImageObj_GetBitmap{ImageObject: o})
	if err != nil {
		return nil, err
	}
	img, err := d.bitmap(r.Bitmap)
	if err != nil || uniform(img) {
		return nil, err
	}
	return img, nil
}

// uniform reports whether all pixels, two or more, of a grey or NRGBA picture are the same.
func uniform(img image.Image) bool {
	var pix []byte
	size := 4
	switch img := img.(type) {
	case *image.Gray:
		pix, size = img.Pix, 1
	case *image.NRGBA:
		pix = img.Pix
	}
	return len(pix) > size && bytes.Equal(pix[size:], pix[:len(pix)-size])
}

// allowed returns an error that wraps [ErrLimit] if w x h pixels are over the limit.
func (d *document) allowed(w, h int64) error {
	if w > 0 && h > d.lim.MaxPixels/w {
		return fmt.Errorf("%w: picture of %d x %d pixels, limit is %d", ErrLimit, w, h, d.lim.MaxPixels)
	}
	return nil
}

func encode(img image.Image) ([]byte, error) {
	var buf bytes.Buffer
	e := png.Encoder{CompressionLevel: png.BestSpeed}
	err := e.Encode(&buf, img)
	return buf.Bytes(), err
}

// bitmap copies a picture out of PDFium's memory, makes it opaque, and frees it there, also after
// an error. The picture is an *image.Gray or an *image.NRGBA. The error wraps ErrLimit for too many
// pixels, else it is PDFium's or says that the format is unknown.
func (d *document) bitmap(b references.FPDF_BITMAP) (image.Image, error) {
	defer d.inst.FPDFBitmap_Destroy(&requests.FPDFBitmap_Destroy{Bitmap: b})
	format, err1 := d.inst.FPDFBitmap_GetFormat(&requests.FPDFBitmap_GetFormat{Bitmap: b})
	width, err2 := d.inst.FPDFBitmap_GetWidth(&requests.FPDFBitmap_GetWidth{Bitmap: b})
	height, err3 := d.inst.FPDFBitmap_GetHeight(&requests.FPDFBitmap_GetHeight{Bitmap: b})
	stride, err4 := d.inst.FPDFBitmap_GetStride(&requests.FPDFBitmap_GetStride{Bitmap: b})
	if err := cmp.Or(err1, err2, err3, err4); err != nil {
		return nil, err
	}
	if err := d.allowed(int64(width.Width), int64(height.Height)); err != nil {
		return nil, err
	}
	buffer, err := d.inst.FPDFBitmap_GetBuffer(&requests.FPDFBitmap_GetBuffer{Bitmap: b})
	if err != nil {
		return nil, err
	}
	return unpack(buffer.Buffer, format.Format, width.Width, height.Height, stride.Stride)
}

// unpack returns the w x h pixels of a bitmap of PDFium, opaque: grey as *image.Gray, colours as *image.NRGBA. stride
// is the length of a row in bytes. An unknown format or data too short for the size is an error.
func unpack(data []byte, format enums.FPDF_BITMAP_FORMAT, w, h, stride int) (image.Image, error) {
	size := map[enums.FPDF_BITMAP_FORMAT]int{
		enums.FPDF_BITMAP_FORMAT_GRAY: 1, enums.FPDF_BITMAP_FORMAT_BGR: 3,
		enums.FPDF_BITMAP_FORMAT_BGRX: 4, enums.FPDF_BITMAP_FORMAT_BGRA: 4,
	}[format]
	if size == 0 || w <= 0 || h <= 0 || stride < size*w || len(data) < stride*(h-1)+size*w {
		return nil, fmt.Errorf("bitmap of unknown format %d", format)
	}
	if size == 1 {
		img := image.NewGray(image.Rect(0, 0, w, h))
		for y := range h {
			copy(img.Pix[y*img.Stride:][:w], data[y*stride:])
		}
		return img, nil
	}
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		from, to := data[y*stride:], img.Pix[y*img.Stride:][:4*w]
		for x := range w {
			px := from[size*x:][:3]
			to[4*x], to[4*x+1], to[4*x+2], to[4*x+3] = px[2], px[1], px[0], 255
		}
	}
	return img, nil
}
