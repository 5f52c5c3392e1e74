package pdf

import (
	"errors"
	"math"

	"github.com/klippa-app/go-pdfium/enums"
	"github.com/klippa-app/go-pdfium/requests"
	"github.com/klippa-app/go-pdfium/structs"
)

// render returns the part of the page that the group covers, with all that the page shows there, as
// a PNG. It uses the resolution of the sharpest piece, or the highest that the limit of pixels
// allows. The part begins at a whole pixel, so strips of the page's own resolution are not
// resampled. A part of less than minSide pixels is an error.
func (d *Document) render(page int, group []piece) ([]byte, error) {
	part, err := d.part(page, group)
	if err != nil {
		return nil, err
	}
	sharp := sharpest(group)
	if maxSize := float64(d.lim.MaxPixels); !(sharp*sharp*part.w*part.h <= maxSize) {
		sharp = math.Sqrt(maxSize / (part.w * part.h))
	}
	w, h := int(math.Round(sharp*part.w)), int(math.Round(sharp*part.h))
	if w < minSide || h < minSide {
		return nil, errors.New("the picture is too narrow")
	}
	if d.allowed(int64(w), int64(h)) != nil { // it was rounded up
		w, h = w-1, h-1
	}
	made, err := d.inst.FPDFBitmap_Create(&requests.FPDFBitmap_Create{Width: w, Height: h})
	if err != nil {
		return nil, err
	}
	if _, err = d.inst.FPDFBitmap_FillRect(&requests.FPDFBitmap_FillRect{Bitmap: made.Bitmap, Width: w, Height: h, Color: 0xffffffff}); err != nil {
		return nil, err
	}
	_, err = d.inst.FPDF_RenderPageBitmapWithMatrix(&requests.FPDF_RenderPageBitmapWithMatrix{
		Bitmap: made.Bitmap, Page: d.page(page), Flags: enums.FPDF_RENDER_FLAG_ANNOT,
		Matrix:   structs.FPDF_FS_MATRIX{A: float32(sharp), D: float32(sharp), E: float32(-sharp * part.x), F: float32(-sharp * part.y)},
		Clipping: structs.FPDF_FS_RECTF{Right: float32(w), Bottom: float32(h)},
	})
	if err != nil {
		return nil, err
	}
	img, err := d.bitmap(made.Bitmap)
	if err != nil {
		return nil, err
	}
	return encode(img)
}

// A box is a part of a page as shown: points from its upper left corner.
type box struct{ x, y, w, h float64 }

// part returns the part of the page, as shown and from 1 on, that the group covers, cut at the
// page's edges. A page without a sensible size, and a part of less than minPoints, is an error.
func (d *Document) part(page int, group []piece) (box, error) {
	size, err := d.inst.FPDF_GetPageSizeByIndex(&requests.FPDF_GetPageSizeByIndex{Document: d.doc, Index: page - 1})
	if err != nil {
		return box{}, err
	}
	if !(size.Width > 0 && size.Height > 0 && size.Width < maxPage && size.Height < maxPage) {
		return box{}, errors.New("page without a size")
	}
	const fine = 1000 // PDFium gives whole units: of a thousandth of a point
	left, top, right, bottom := size.Width, size.Height, 0.0, 0.0
	for _, p := range group {
		for _, corner := range [][2]float64{{p.left, p.bottom}, {p.right, p.top}} {
			r, err := d.inst.FPDF_PageToDevice(&requests.FPDF_PageToDevice{Page: d.page(page),
				SizeX: int(size.Width * fine), SizeY: int(size.Height * fine), PageX: corner[0], PageY: corner[1]})
			if err != nil {
				return box{}, err
			}
			x, y := float64(r.DeviceX)/fine, float64(r.DeviceY)/fine
			left, right = math.Min(left, x), math.Max(right, x)
			top, bottom = math.Min(top, y), math.Max(bottom, y)
		}
	}
	left, top = math.Max(left, 0), math.Max(top, 0)
	out := box{left, top, math.Min(right, size.Width) - left, math.Min(bottom, size.Height) - top}
	if !(out.w >= minPoints && out.h >= minPoints) {
		return box{}, errors.New("the picture lies outside its page")
	}
	return out, nil
}
