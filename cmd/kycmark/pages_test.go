package main

import (
	"bytes"
	"image"
	"image/color/palette"
	"image/draw"
	"image/gif"
	"os"

	"github.com/disintegration/imaging"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/specimen"
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
	ts.Check(picture.JoinTIFF(&out, files))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), out.Bytes(), 0o644))
}

// frames writes a GIF of two frames.
func frames(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 1)
	frame := image.NewPaletted(image.Rect(0, 0, 600, 400), palette.Plan9)
	draw.Draw(frame, frame.Rect, specimen.Render(specimen.Bill, specimen.NewPerson(8), 600), image.Point{}, draw.Src)
	var out bytes.Buffer
	ts.Check(gif.EncodeAll(&out, &gif.GIF{Image: []*image.Paletted{frame, frame}, Delay: []int{0, 0}}))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), out.Bytes(), 0o644))
}

// screenshot writes page k of a TIFF as a JPEG of 80 % of its size: page FILE K OUT.
func screenshot(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 3)
	data, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	d, err := picture.OpenDocument(data, picture.Limits{})
	ts.Check(err)
	pic, err := picture.Decode(d.Page(int(args[1][0]-'0')), picture.Limits{})
	ts.Check(err)
	small := imaging.Resize(pic.Image, pic.Image.Rect.Dx()*4/5, 0, imaging.CatmullRom)
	var out bytes.Buffer
	ts.Check(picture.Encode(&out, small, "jpeg", 80))
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), out.Bytes(), 0o644))
}
