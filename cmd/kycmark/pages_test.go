package main

import (
	"bytes"
	"context"
	"image"
	"image/color/palette"
	"image/draw"
	"image/gif"
	"os"

	"github.com/disintegration/imaging"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kycmark/kycmark/decoders/pdfs"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/picture/tiff"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/watermark"
	"github.com/kycmark/kycmark/watermark/markfile"
)

// paged writes a TIFF whose first page is a shipped picture, and the second the picture again. With a
// third argument the second page is a passport page, or a tiny one.
func paged(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args[:2], 2)
	pages := []*image.NRGBA{picture.Fit(picture.Flatten(decoded(ts, args[0])), 960)}
	if pages = append(pages, pages[0]); len(args) > 2 {
		width, person := 700, uint64(7)
		if args[2] == "tiny" {
			width, person = 200, 8
		}
		pages[1] = specimen.Render(specimen.Passport, specimen.NewPerson(person), width)
	}
	var files [][]byte
	for _, p := range pages {
		var buf bytes.Buffer
		ts.Check(picture.Encode(&buf, p, "tiff", 0))
		files = append(files, buf.Bytes())
	}
	var out bytes.Buffer
	ts.Check(tiff.Join(&out, files))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), out.Bytes(), 0o644))
}

// frames writes a GIF of three frames, of which two differ.
func frames(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 1)
	frame := image.NewPaletted(image.Rect(0, 0, 600, 400), palette.Plan9)
	draw.Draw(frame, frame.Rect, specimen.Render(specimen.Bill, specimen.NewPerson(8), 600), image.Point{}, draw.Src)
	var out bytes.Buffer
	other := image.NewPaletted(frame.Rect, palette.Plan9)
	draw.Draw(other, other.Rect, specimen.Render(specimen.Bill, specimen.NewPerson(9), 600), image.Pt(0, 60), draw.Src)
	ts.Check(gif.EncodeAll(&out, &gif.GIF{Image: []*image.Paletted{frame, frame, other}, Delay: []int{0, 0, 0}}))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), out.Bytes(), 0o644))
}

// shots keeps the document of the last screenshot.
var shots = pdfs.New()

// screenshot writes page k of a document as a JPEG of 80 % of its size: page FILE K OUT.
func screenshot(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 3)
	data, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	lim := picture.Limits{PDF: picture.ReadingPDF(context.Background(), shots.Pages)}
	d, err := picture.OpenDocument(data, lim)
	ts.Check(err)
	pic, err := d.Picture(int(args[1][0]-'0'), lim)
	ts.Check(err)
	small := imaging.Resize(pic.Image, pic.Image.Rect.Dx()*4/5, 0, imaging.CatmullRom)
	var out bytes.Buffer
	ts.Check(picture.Encode(&out, small, "jpeg", 80))
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), out.Bytes(), 0o644))
}

// markFile marks with package markfile, as an importer does: IN KEY COPY OUT.
func markFile(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 4)
	upload, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	text, err := os.ReadFile(ts.MkAbs(args[1]))
	ts.Check(err)
	key, err := watermark.ParseKey(string(text))
	ts.Check(err)
	id, err := watermark.ParseCopyID(args[2])
	ts.Check(err)
	made, err := markfile.Mark(context.Background(), key, id, upload, nil)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[3]), made.File, 0o644))
}
