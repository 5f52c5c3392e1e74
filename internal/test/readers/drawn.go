package readers

import (
	"context"
	"fmt"
	"image"
	"image/draw"
	"os"
	"os/exec"
	"path/filepath"
	"sync"

	"github.com/disintegration/imaging"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/fromfile"
	"github.com/kycmark/kycmark/internal/test/specimen"
)

// barcodeWriter draws the codes of drawn documents. It comes with ZXingReader.
const barcodeWriter = "ZXingWriter"

// A Document is a kind of drawn document.
type Document struct {
	Name  string
	Kinds []string // that can be read off it
	Sides []int    // long sides of uploads, pixels, at most
	// Draw draws document i. page is what is printed, if its words count.
	Draw func(ctx context.Context, i int, seed uint64) (upload, page *image.NRGBA, err error)
}

// passport is the blank of all drawn passports.
var passport = sync.OnceValue(func() *specimen.Blank { return specimen.NewBlank(specimen.Passport, 1800) })

// Documents are the kinds of drawn documents.
var Documents = []Document{
	{"drawn bills", []string{"words", "QR"}, []int{1700}, func(ctx context.Context, i int, seed uint64) (upload, page *image.NRGBA, err error) {
		page = specimen.Render(specimen.Bill, specimen.NewPerson(seed), 1400)
		code, err := drawnCode(ctx, "QRCode", fmt.Sprintf("UTO-ENERGY;%d;IBAN UT12345678901234567890;EUR 84.20", seed), 90+3*(i%40))
		if err != nil {
			return nil, nil, err
		}
		draw.Draw(page, code.Rect.Add(image.Pt(1400-60-code.Rect.Dx(), 60)), code, image.Point{}, draw.Src)
		if i%2 == 0 {
			return specimen.Photograph(page, seed, 1200, 1600), page, nil
		}
		return specimen.Scan(page, seed, 1200, 1697), page, nil
	}},
	{"drawn licences", []string{"PDF417"}, []int{1600}, func(ctx context.Context, i int, seed uint64) (upload, page *image.NRGBA, err error) {
		page = specimen.Render(specimen.Licence, specimen.NewPerson(seed), 1400)
		text := fmt.Sprintf("@ANSI 636000;DAQ%d;DCSLINDQVIST;DACANNA;DBB19800101;DBA20300101;DAG12 HARBOUR LANE;DAIAMAUROT", seed)
		code, err := drawnCode(ctx, "PDF417", text, 400+20*(i%40))
		if err != nil {
			return nil, nil, err
		}
		draw.Draw(page, code.Rect.Add(image.Pt(60, 400)), code, image.Point{}, draw.Src)
		return takenBy(page, 1600, i, seed), nil, nil
	}},
	{"drawn selfies", []string{"faces"}, []int{1600}, func(_ context.Context, _ int, seed uint64) (upload, page *image.NRGBA, err error) {
		return specimen.Selfie(specimen.NewPerson(seed), seed, 1200, 1600), nil, nil
	}},
	{"drawn passports", []string{"MRZ"}, []int{2000, 1600, 1200, 900}, func(_ context.Context, i int, seed uint64) (upload, page *image.NRGBA, err error) {
		return takenBy(passport().Fill(specimen.NewPerson(seed)), 2000, i, seed), nil, nil
	}},
}

// takenBy photographs a page of an even number i, or scans it a little smaller. w is the width of photographs, pixels.
func takenBy(page *image.NRGBA, w, i int, seed uint64) *image.NRGBA {
	if i%2 == 0 {
		return specimen.Photograph(page, seed, w, w*3/4)
	}
	return specimen.Scan(page, seed, w*15/16, w*45/64)
}

// drawnCode returns a barcode so many pixels wide.
func drawnCode(ctx context.Context, format, text string, width int) (*image.NRGBA, error) {
	dir, err := os.MkdirTemp("", "kycmark-readers-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "code.png")
	if err := exec.CommandContext(ctx, barcodeWriter, "-size", "1600x1600", format, text, path).Run(); err != nil {
		return nil, fmt.Errorf("%s: %w", barcodeWriter, err)
	}
	code, err := fromfile.Picture(path, picture.Limits{})
	if err != nil {
		return nil, err
	}
	return imaging.Resize(code.Image, width, 0, imaging.Box), nil
}
