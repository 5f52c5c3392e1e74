package phash

import (
	"image"
	"image/color"
)

// A raster reads a picture as rows of luma, keeping only chosen rows and
// columns of it.
type raster struct {
	img image.Image
	// Columns and rows of the picture, from 0 at its top left corner, that make
	// up the raster.
	xs, ys []int
}

// whole returns the raster of every pixel.
func whole(img image.Image) *raster {
	b := img.Bounds()
	return &raster{img, every(b.Dx(), b.Dx()), every(b.Dy(), b.Dy())}
}

// reduced returns the raster of every pixel if neither side is longer than
// stepSide, and otherwise one of stepSide × stepSide pixels, whatever the
// picture's shape: the nearest-neighbour step of the reference's file reader
// (pdq/cpp/io/pdqio.cpp).
func reduced(img image.Image) *raster {
	b := img.Bounds()
	if max(b.Dx(), b.Dy()) <= stepSide {
		return whole(img)
	}
	return &raster{img, every(b.Dx(), stepSide), every(b.Dy(), stepSide)}
}

// every returns m positions out of n, equally spaced from 0 on, rounded down.
func every(n, m int) []int {
	at := make([]int, m)
	for i := range at {
		at[i] = int(int64(i) * int64(n) / int64(m))
	}
	return at
}

// luma fills dst with row y of the raster, 0 to 255.
func (r *raster) luma(dst []float32, y int) {
	lo := r.img.Bounds().Min
	y = lo.Y + r.ys[y]
	if m, ok := r.img.(*image.NRGBA); ok {
		row := m.Pix[m.PixOffset(lo.X, y):]
		for i, x := range r.xs {
			p := row[4*x : 4*x+4 : 4*x+4]
			dst[i] = luma(onWhite(color.NRGBA{p[0], p[1], p[2], p[3]}))
		}
		return
	}
	for i, x := range r.xs {
		dst[i] = luma(onWhite(at(r.img, lo.X+x, y)))
	}
}

// luma returns the brightness of an opaque pixel with the weights of ITU-R
// BT.601. The conversions around the products keep compilers from fusing them
// with the sums, which would round differently on some processors.
func luma(c color.NRGBA) float32 {
	return float32(0.299*float32(c.R)) + float32(0.587*float32(c.G)) + float32(0.114*float32(c.B))
}

// at returns a pixel of any picture, reduced to 8 bits.
func at(img image.Image, x, y int) color.NRGBA {
	return color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)
}

// onWhite blends a pixel with white paper, rounding to nearest.
func onWhite(c color.NRGBA) color.NRGBA {
	if c.A == 0xff {
		return c
	}
	a := uint32(c.A)
	blend := func(v uint8) uint8 { return uint8((uint32(v)*a + 255*(255-a) + 127) / 255) }
	return color.NRGBA{blend(c.R), blend(c.G), blend(c.B), 0xff}
}

// flat returns the picture on white paper, opaque and from (0, 0) on. It may be
// img itself.
func flat(img image.Image) *image.NRGBA {
	b := img.Bounds()
	if m, ok := img.(*image.NRGBA); ok && b.Min == (image.Point{}) && m.Opaque() {
		return m
	}
	m := image.NewNRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	for y := range b.Dy() {
		for x := range b.Dx() {
			m.SetNRGBA(x, y, onWhite(at(img, b.Min.X+x, b.Min.Y+y)))
		}
	}
	return m
}
