package pdf

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"math"

	"github.com/disintegration/imaging"
	"github.com/klippa-app/go-pdfium/enums"
	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/picture/codec"
	"github.com/kycmark/kycmark/internal/picture/jpeg"
	"github.com/kycmark/kycmark/internal/picture/pixel"
)

// Pages calls each for pages first to last of a PDF, from 1 on, or for all pages if first is 0. Pages after
// the end are left out, except first. If last is 0 and first is not, it calls each once, with the number of pages
// alone. A page is a picture: if the page shows nothing but one picture that fills it, that picture with its own
// pixels; else the page, rendered. Limits of 0 are the defaults.
//
// The error wraps [ErrFormat] or [ErrLimit] and names the page, or is of each or of ctx. An error of a page
// after first ends the call without an error, unless all pages are asked for.
func (e *Engine) Pages(ctx context.Context, data []byte, lim Limits, first, last int, each func(*picture.PDFPage) error) error {
	d := &document{engine: e, data: data, lim: lim.orDefault()}
	defer d.drop()
	if err := d.load(ctx); err != nil {
		return err
	}
	whole, err := d.inst.FPDF_DocumentHasValidCrossReferenceTable(&requests.FPDF_DocumentHasValidCrossReferenceTable{Document: d.doc})
	switch {
	case err != nil:
		return d.failed(ctx, err)
	case !whole.DocumentHasValidCrossReferenceTable && !lim.Repaired:
		return fmt.Errorf("%w: damaged or cut off: its list of objects is broken, so pages may be missing", ErrFormat)
	case d.pages < 1:
		return fmt.Errorf("%w: it has no pages", ErrFormat)
	case d.pages > d.lim.MaxPages:
		return fmt.Errorf("%w: %d pages, limit is %d", ErrLimit, d.pages, d.lim.MaxPages)
	case first > d.pages:
		return fmt.Errorf("%w: it has %d pages, and no page %d", ErrFormat, d.pages, first)
	case last == 0 && first > 0:
		with, err1 := d.inst.FPDFDoc_GetAttachmentCount(&requests.FPDFDoc_GetAttachmentCount{Document: d.doc})
		form, err2 := d.inst.FPDF_GetFormType(&requests.FPDF_GetFormType{Document: d.doc})
		if err := cmp.Or(err1, err2); err != nil {
			return d.failed(ctx, err)
		}
		n := with.AttachmentCount
		if form.FormType != enums.FPDF_FORMTYPE_NONE { // its fields may show pictures, and are not rendered
			n++
		}
		return each(&picture.PDFPage{Of: d.pages, Attached: n})
	}
	all := first == 0
	if all {
		first, last = 1, d.pages
	}
	for k := first; k <= min(last, d.pages); k++ {
		p, err := d.asPicture(ctx, k)
		if err != nil && k > first && !all && ctx.Err() == nil {
			return nil
		}
		if err != nil {
			return err
		}
		if err := each(p); err != nil {
			return err
		}
	}
	return nil
}

// asPicture returns page k, from 1 on, as a picture. The error is of Pages.
func (d *document) asPicture(ctx context.Context, k int) (*picture.PDFPage, error) {
	p, err := d.picture(ctx, k)
	switch {
	case err == nil:
		return p, nil
	case errors.Is(err, ErrFormat), errors.Is(err, ErrLimit), ctx.Err() != nil:
	case errors.Is(err, picture.ErrLimit):
		err = fmt.Errorf("%w: %w", ErrLimit, err)
	case errors.Is(err, picture.ErrFormat):
		err = fmt.Errorf("%w: %w", ErrFormat, err)
	default:
		err = d.failed(ctx, err)
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return nil, fmt.Errorf("page %d of %d: %w", k, d.pages, err)
}

// picture returns page k as a picture. Errors of PDFium are returned as they are.
func (d *document) picture(ctx context.Context, k int) (*picture.PDFPage, error) {
	if err := d.load(ctx); err != nil {
		return nil, err
	}
	size, err1 := d.size(k)
	turn, err2 := d.inst.FPDFPage_GetRotation(&requests.FPDFPage_GetRotation{Page: d.page(k)})
	if err := cmp.Or(err1, err2); err != nil {
		return nil, err
	}
	if turn.PageRotation > 3 { // no page object
		return nil, fmt.Errorf("%w: the page is missing in the file", ErrFormat)
	}
	out := &picture.PDFPage{Number: k, Of: d.pages, Width: size.w, Height: size.h, Rotate: 90 * int(turn.PageRotation)}
	scan, sharp, err := d.scan(k, size)
	if err != nil {
		return nil, err
	}
	if scan != nil {
		out.File, out.Reader, err = d.scanned(k, scan)
		if err != nil || out.File != nil {
			return out, err
		}
	}
	out.File, err = d.wholeAt(k, size, sharp)
	return out, err
}

// wholeAt renders page k of this size, whose sharpest picture has sharp pixels a point, as a PNG.
func (d *document) wholeAt(k int, size box, sharp float64) ([]byte, error) {
	scale := min(max(sharp, minDPI/72.0), maxDPI/72.0, size.sharpest()) // pixels a point
	img, err := d.rendered(k, max(1, int(size.w*scale+0.5)), max(1, int(size.h*scale+0.5)))
	if err != nil {
		return nil, err
	}
	return encode(plain(img))
}

// A box is the size of a page as shown, points.
type box struct{ w, h float64 }

// sharpest returns at how many pixels a point a page is rendered at most.
func (b box) sharpest() float64 {
	return min(math.Sqrt(maxRendered/(b.w*b.h)), maxSide/b.w, maxSide/b.h)
}

func (d *document) size(k int) (box, error) {
	size, err := d.inst.FPDF_GetPageSizeByIndex(&requests.FPDF_GetPageSizeByIndex{Document: d.doc, Index: k - 1})
	if err != nil {
		return box{}, err
	}
	if !(size.Width >= minPage && size.Height >= minPage && size.Width < maxPage && size.Height < maxPage) {
		return box{}, fmt.Errorf("%w: its size is %g x %g points", ErrFormat, size.Width, size.Height)
	}
	return box{w: size.Width, h: size.Height}, nil
}

// A placed picture fills a page.
type placed struct {
	piece
	orientation int // how it is turned on the page, as EXIF says it, 1 to 8
}

// scan returns the picture that fills page k of this size, if the page shows nothing else, else nil.
// sharp is the resolution of the page's sharpest picture, pixels a point. A page of a leak on which a picture would not be recognised
// is an error that wraps ErrLimit.
func (d *document) scan(k int, size box) (fills *placed, sharp float64, err error) {
	notes, err := d.inst.FPDFPage_GetAnnotCount(&requests.FPDFPage_GetAnnotCount{Page: d.page(k)})
	if err != nil {
		return nil, 0, err
	}
	w := walk{d: d, left: maxObjects}
	err = w.page(k)
	if errors.Is(err, ErrLimit) { // a map, say: it is rendered
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	for _, p := range w.found {
		sharp = math.Max(sharp, p.sharpness())
		if at := size.sharpest(); d.lim.Repaired && max(p.width, p.height) >= minMarked && at < min(p.sharpness(), minDPI/72.0) && at*max(p.right-p.left, p.top-p.bottom) < minShown {
			return nil, 0, fmt.Errorf("%w: the page is rendered at %.0f dpi, and a picture on it has %.0f", ErrLimit, 72*at, 72*p.sharpness())
		}
	}
	if notes.Count > 0 || w.others > 0 || len(w.found) != 1 {
		return nil, sharp, nil
	}
	p := &placed{piece: w.found[0]}
	if p.orientation, err = d.orientation(k, size, p.piece); err != nil || p.orientation == 0 {
		return nil, sharp, err
	}
	return p, sharp, nil
}

// orientation returns how p is turned on page k of this size, as EXIF says it, 1 to 8; 0: p does not fill the page.
func (d *document) orientation(k int, size box, p piece) (int, error) {
	var corner [3]int // upper left, upper right and lower left one of the picture: corners of the page
	for i, c := range [3][2]float64{{0, 1}, {1, 1}, {0, 0}} {
		on := requests.FPDF_PageToDevice{Page: d.page(k), SizeX: fine, SizeY: fine} // of the unit square that p fills
		on.PageX, on.PageY = p.place.a*c[0]+p.place.c*c[1]+p.place.e, p.place.b*c[0]+p.place.d*c[1]+p.place.f
		r, err := d.inst.FPDF_PageToDevice(&on)
		if err != nil {
			return 0, err
		}
		x, y := float64(r.DeviceX)/fine, float64(r.DeviceY)/fine // parts of the page
		slackX, slackY := math.Max(edge, edgePoints/size.w), math.Max(edge, edgePoints/size.h)
		right, low := math.Round(x), math.Round(y)
		if right < 0 || right > 1 || low < 0 || low > 1 || math.Abs(x-right) > slackX || math.Abs(y-low) > slackY {
			return 0, nil
		}
		corner[i] = int(right + 2*low)
	}
	return map[[3]int]int{
		{0, 1, 2}: 1, {1, 0, 3}: 2, {3, 2, 1}: 3, {2, 3, 0}: 4,
		{0, 2, 1}: 5, {1, 3, 0}: 6, {3, 1, 2}: 7, {2, 0, 3}: 8,
	}[corner], nil
}

// scanned returns the picture that fills page k as a file: its JPEG, without metadata but with the colour
// profile that the PDF states, or its pixels as a PNG. The file is nil if the page does not look like that
// picture: another colour space, a mask, a clip. A damaged JPEG is an error. by is what is added to the name
// of the reader. PDFium itself converts large pictures with a profile to 52 levels a channel.
func (d *document) scanned(k int, p *placed) (file []byte, by string, err error) {
	if err := d.allowed(int64(p.width), int64(p.height)); err != nil {
		return nil, "", err
	}
	w, h := p.width, p.height
	if p.orientation > 4 {
		w, h = h, w
	}
	less := int(math.Ceil(math.Sqrt(float64(w) * float64(h) / lookPixels)))
	shown, err := d.rendered(k, max(1, w/less), max(1, h/less))
	if err != nil {
		return nil, "", err
	}
	o, err := d.find(k, p.path)
	if err != nil {
		return nil, "", err
	}
	var profiled *picture.Picture
	if p.jpeg {
		var pic *picture.Picture
		if file, pic, err = d.storedJPEG(k, o, p); err != nil {
			return nil, "", err
		}
		if pic != nil && pic.Source.ICC == nil && looksLike(pic.Image, shown, lookMean) {
			return file, "", nil
		}
		if pic != nil && pic.Source.ICC != nil {
			profiled = pic
		}
	}
	if err := d.complete(k, o, p.piece); err != nil {
		return nil, "", err
	}
	img, err := d.decoded(o)
	if img == nil || err != nil {
		return nil, "", err
	}
	turned := picture.Upright(pixel.ToNRGBA(img), p.orientation)
	if !looksLike(turned, shown, lookMean) {
		return nil, "", nil
	}
	if profiled != nil && looksLike(profiled.Image, turned, profileMean) {
		return file, ", with profile", nil
	}
	file, err = encode(plain(turned))
	return file, "", err
}

// storedJPEG returns the JPEG of picture o on page k without metadata, with the profile that the PDF states,
// and the picture in it. Both are nil if it cannot be read for another reason than damage.
func (d *document) storedJPEG(k int, o references.FPDF_PAGEOBJECT, p *placed) ([]byte, *picture.Picture, error) {
	r, err := d.inst.FPDFImageObj_GetImageDataDecoded(&requests.FPDFImageObj_GetImageDataDecoded{ImageObject: o})
	if err != nil {
		return nil, nil, err
	}
	var profile []byte // nil if PDFium returns an error, as it does without a profile
	if icc, err := d.inst.FPDFImageObj_GetIccProfileDataDecoded(&requests.FPDFImageObj_GetIccProfileDataDecoded{ImageObject: o, Page: d.page(k)}); err == nil {
		profile = icc.Data
	}
	file, err := jpeg.Plain(r.Data, p.orientation, profile)
	if err == nil {
		var pic *picture.Picture
		if pic, err = picture.Decode(file, picture.Limits{MaxBytes: math.MaxInt64, MaxPixels: d.lim.MaxPixels}); err == nil {
			return file, pic, nil
		}
	}
	if fe := (*picture.FormatError)(nil); !errors.As(err, &fe) || fe.Kind == codec.Broken {
		return nil, nil, err
	}
	return nil, nil, nil
}

// complete returns an error that wraps ErrFormat if a picture has fewer samples than its size needs. PDFium
// draws such a picture in part. Data with a filter for pictures are not checked.
func (d *document) complete(k int, o references.FPDF_PAGEOBJECT, p piece) error {
	if p.coded {
		return nil
	}
	asked := requests.FPDFImageObj_GetImageMetadata{ImageObject: o, Page: d.page(k)}
	meta, err1 := d.inst.FPDFImageObj_GetImageMetadata(&asked)
	r, err2 := d.inst.FPDFImageObj_GetImageDataDecoded(&requests.FPDFImageObj_GetImageDataDecoded{ImageObject: o})
	if err := cmp.Or(err1, err2); err != nil {
		return err
	}
	if want := (p.width*int(meta.ImageMetadata.BitsPerPixel) + 7) / 8 * p.height; len(r.Data) < want {
		return fmt.Errorf("%w: its picture is cut off: %d bytes of pixels, want %d", ErrFormat, len(r.Data), want)
	}
	return nil
}

// rendered returns page k with all that it shows, over white, at w x h pixels.
func (d *document) rendered(k, w, h int) (image.Image, error) {
	made, err := d.inst.FPDFBitmap_Create(&requests.FPDFBitmap_Create{Width: w, Height: h})
	if err != nil {
		return nil, err
	}
	_, err = d.inst.FPDFBitmap_FillRect(&requests.FPDFBitmap_FillRect{Bitmap: made.Bitmap, Width: w, Height: h, Color: 0xffffffff})
	if err == nil {
		_, err = d.inst.FPDF_RenderPageBitmap(&requests.FPDF_RenderPageBitmap{Bitmap: made.Bitmap, Page: d.page(k),
			SizeX: w, SizeY: h, Flags: enums.FPDF_RENDER_FLAG_ANNOT})
	}
	if err != nil {
		d.inst.FPDFBitmap_Destroy(&requests.FPDFBitmap_Destroy{Bitmap: made.Bitmap})
		return nil, err
	}
	return d.bitmap(made.Bitmap)
}

// looksLike reports whether a picture is what a small rendering of its page shows. Values may differ by mean
// in the mean, and at most one in lookFew by more than lookFar times that.
func looksLike(img *image.NRGBA, shown image.Image, mean int) bool {
	a := imaging.Resize(picture.Flatten(img), lookSide, lookSide, imaging.Box)
	b := imaging.Resize(shown, lookSide, lookSide, imaging.Box)
	sum, far := 0, 0
	for i := range a.Pix {
		n := int(a.Pix[i]) - int(b.Pix[i])
		n = max(n, -n)
		if sum += n; n > lookFar*mean {
			far++
		}
	}
	return sum <= mean*len(a.Pix) && far <= len(a.Pix)/lookFew
}

func plain(img image.Image) image.Image {
	if src, ok := img.(*image.NRGBA); ok {
		if gray := picture.Colourless(src); gray != nil {
			return gray
		}
	}
	return img
}
