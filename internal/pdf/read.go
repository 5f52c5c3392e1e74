package pdf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"

	"github.com/klippa-app/go-pdfium/enums"
	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"
)

// Read returns picture i of [Document.Names], from 0 on, as the bytes of a JPEG or PNG file. A
// picture that was listed with an error returns that error. The error wraps [ErrFormat] or
// [ErrLimit], is ctx's, or says that PDFium does not start; other pictures can still be read. It
// panics if there is no picture i.
func (d *Document) Read(ctx context.Context, i int) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := d.pictures[i]
	if p.Err != nil || p.data != nil {
		return p.data, p.Err
	}
	if err := d.load(ctx); err != nil {
		return nil, err
	}
	var data []byte
	var err error
	if p.whole {
		data, err = d.wholePage(p.Page)
	} else if len(p.group) == 1 {
		data, err = d.extract(p.Page, p.group[0])
	} else {
		data, err = d.render(p.Page, p.group)
	}
	if err != nil && !errors.Is(err, ErrLimit) && !errors.Is(err, ErrFormat) {
		return nil, d.failed(ctx, err)
	}
	return data, err
}

// extract returns one picture of a page as it is in the file: the bytes of its JPEG, or else a PNG.
// The error wraps ErrLimit for too many pixels and ErrFormat for a picture of one colour, which
// PDFium makes of data that it cannot decode. Other errors are PDFium's own.
func (d *Document) extract(page int, p piece) ([]byte, error) {
	if err := d.allowed(int64(p.width), int64(p.height)); err != nil {
		return nil, err
	}
	o, err := d.find(page, p.path)
	if err != nil {
		return nil, err
	}
	if p.jpeg { // the outer filters, where there are some, are undone
		r, err := d.inst.FPDFImageObj_GetImageDataDecoded(&requests.FPDFImageObj_GetImageDataDecoded{ImageObject: o})
		if err == nil && bytes.HasPrefix(r.Data, []byte("\xff\xd8\xff")) {
			return r.Data, nil
		}
	}
	img, err := d.decoded(o)
	if err != nil {
		return nil, err
	}
	if img == nil {
		return nil, fmt.Errorf("%w: the picture is blank, or its data cannot be decoded", ErrFormat)
	}
	return encode(img)
}

// decoded returns the pixels of a picture. They are nil if all pixels are the same: PDFium makes such a
// picture of data that it cannot decode.
func (d *Document) decoded(o references.FPDF_PAGEOBJECT) (image.Image, error) {
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

// uniform reports whether all pixels of a grey or NRGBA picture are the same. It returns false for
// other types and for a single pixel.
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
func (d *Document) allowed(w, h int64) error {
	if w > 0 && h > d.lim.MaxPixels/w {
		return fmt.Errorf("%w: picture of %d x %d pixels, limit is %d", ErrLimit, w, h, d.lim.MaxPixels)
	}
	return nil
}

// encode returns img as the bytes of a PNG file.
func encode(img image.Image) ([]byte, error) {
	var buf bytes.Buffer
	e := png.Encoder{CompressionLevel: png.BestSpeed}
	if err := e.Encode(&buf, img); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// bitmap copies a picture out of PDFium's memory, makes it opaque, and frees it there, also after
// an error. The picture is an *image.Gray or an *image.NRGBA. The error wraps ErrLimit for too many
// pixels, else it is PDFium's or says that the format is unknown.
func (d *Document) bitmap(b references.FPDF_BITMAP) (image.Image, error) {
	defer d.inst.FPDFBitmap_Destroy(&requests.FPDFBitmap_Destroy{Bitmap: b})
	format, err := d.inst.FPDFBitmap_GetFormat(&requests.FPDFBitmap_GetFormat{Bitmap: b})
	if err != nil {
		return nil, err
	}
	width, err := d.inst.FPDFBitmap_GetWidth(&requests.FPDFBitmap_GetWidth{Bitmap: b})
	if err != nil {
		return nil, err
	}
	height, err := d.inst.FPDFBitmap_GetHeight(&requests.FPDFBitmap_GetHeight{Bitmap: b})
	if err != nil {
		return nil, err
	}
	stride, err := d.inst.FPDFBitmap_GetStride(&requests.FPDFBitmap_GetStride{Bitmap: b})
	if err != nil {
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

// unpack returns the w x h pixels of a bitmap of PDFium, opaque: grey as *image.Gray, colours as
// *image.NRGBA. stride is the length of a row in bytes. An unknown format or data too short for the
// size is an error.
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
