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
			dst[i] = luma(p[0], p[1], p[2], p[3])
		}
		return
	}
	for i, x := range r.xs {
		c := color.NRGBAModel.Convert(r.img.At(lo.X+x, y)).(color.NRGBA)
		dst[i] = luma(c.R, c.G, c.B, c.A)
	}
}

// luma returns the brightness of a pixel over white paper, with the weights of
// ITU-R BT.601. The conversions around the products keep compilers from fusing
// them with the sums, which would round differently on some processors.
func luma(r, g, b, a uint8) float32 {
	if a != 0xff {
		r, g, b = overWhite(r, a), overWhite(g, a), overWhite(b, a)
	}
	return float32(float32(0.299*float32(r))+float32(0.587*float32(g))) + float32(0.114*float32(b))
}

// overWhite blends one channel with white, rounding to nearest.
func overWhite(c, a uint8) uint8 {
	return uint8((uint32(c)*uint32(a) + 255*(255-uint32(a)) + 127) / 255)
}
