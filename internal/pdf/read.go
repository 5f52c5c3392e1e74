package pdf

import (
	"bytes"
	"cmp"
	"fmt"
	"image"
	"image/png"

	"github.com/klippa-app/go-pdfium/enums"
	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"
)

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
func (d *document) allowed(w, h int64) error {
	if w > 0 && h > d.lim.MaxPixels/w {
		return fmt.Errorf("%w: picture of %d x %d pixels, limit is %d", ErrLimit, w, h, d.lim.MaxPixels)
	}
	return nil
}

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
