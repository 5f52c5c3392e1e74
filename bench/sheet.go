package main

import (
	"image"
	"image/color"

	"github.com/disintegration/imaging"
)

const (
	sheetPanel  = 420 // pixels, width and height of a panel
	sheetGap    = 8
	sheetZoom   = 2  // enlargement of the lower row
	sheetRaised = 16 // amplification of differences
)

// sheetOf sets a picture, its marked copy and their difference, sixteen times
// amplified about grey, side by side: whole above, and below the place where a
// mark shows most, the flattest, at 200 %.
func sheetOf(src, marked *image.NRGBA) *image.NRGBA {
	diff := difference(src, marked)
	place := flattest(src, sheetPanel/sheetZoom)
	whole := imaging.Fit(src, sheetPanel, sheetPanel, imaging.Lanczos).Rect
	out := imaging.New(3*sheetPanel+2*sheetGap, whole.Dy()+sheetGap+sheetZoom*place.Dy(), color.White)
	for i, p := range []*image.NRGBA{src, marked, diff} {
		x := i * (sheetPanel + sheetGap)
		small := imaging.Fit(p, sheetPanel, sheetPanel, imaging.Lanczos)
		zoomed := imaging.Crop(p, place)
		zoomed = imaging.Resize(zoomed, sheetZoom*place.Dx(), 0, imaging.NearestNeighbor)
		out = imaging.Paste(out, small, image.Pt(x+(sheetPanel-small.Rect.Dx())/2, 0))
		out = imaging.Paste(out, zoomed, image.Pt(x, whole.Dy()+sheetGap))
	}
	return out
}

func difference(a, b *image.NRGBA) *image.NRGBA {
	out := image.NewNRGBA(a.Rect)
	for y := range a.Rect.Dy() {
		for x := range a.Rect.Dx() {
			i, j, k := a.PixOffset(x, y), b.PixOffset(x, y), out.PixOffset(x, y)
			for c := range 3 {
				d := sheetRaised * (int(b.Pix[j+c]) - int(a.Pix[i+c]))
				out.Pix[k+c] = uint8(min(max(128+d, 0), 255))
			}
			out.Pix[k+3] = 255
		}
	}
	return out
}

// flattest is the square of the given side, at most the picture's, with the lowest
// contrast between neighbours, nearly black and white places left out.
func flattest(p *image.NRGBA, side int) image.Rectangle {
	w, h := p.Rect.Dx(), p.Rect.Dy()
	rw, rh := min(side, w), min(side, h)
	best, lowest := image.Rect(0, 0, rw, rh), -1
	for y := 0; y+rh <= h; y += max(rh/2, 1) {
		for x := 0; x+rw <= w; x += max(rw/2, 1) {
			rough, bright := 0, 0
			for j := y; j < y+rh; j += 2 {
				for i := x; i+2 < x+rw; i += 2 {
					a, b := int(p.Pix[p.PixOffset(i, j)+1]), int(p.Pix[p.PixOffset(i+2, j)+1])
					rough += max(a-b, b-a)
					bright += a
				}
			}
			mean := 4 * bright / (rw * rh)
			if mean > 60 && mean < 245 && (lowest < 0 || rough < lowest) {
				best, lowest = image.Rect(x, y, x+rw, y+rh), rough
			}
		}
	}
	return best
}
