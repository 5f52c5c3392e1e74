package phash

import (
	"image"
	"image/color"
	"slices"
)

// A raster is a picture as it is hashed: on white paper, in one of eight
// orientations, and perhaps of some of its rows and columns alone.
type raster struct {
	img image.Image
	// The columns and rows of the picture, counted from its top left corner,
	// that are the columns and rows of the raster; with swap, the picture's rows
	// are the raster's columns.
	xs, ys []int
	swap   bool
}

// whole returns the raster of every pixel.
func whole(img image.Image, o orientation) *raster {
	return newRaster(img, o, img.Bounds().Size())
}

// reduced returns the raster of every pixel if no side is longer than stepSide,
// and otherwise one of stepSide × stepSide pixels, whatever the picture's shape:
// the nearest-neighbour step of the reference's file reader (pdq/cpp/io).
func reduced(img image.Image, o orientation) *raster {
	size := img.Bounds().Size()
	if max(size.X, size.Y) > stepSide {
		size = image.Pt(stepSide, stepSide)
	}
	return newRaster(img, o, size)
}

// newRaster returns the raster of the picture with that many columns and rows,
// before axes are swapped. They are chosen in the picture as it then lies.
func newRaster(img image.Image, o orientation, size image.Point) *raster {
	b := img.Bounds()
	r := &raster{img, every(b.Dx(), size.X, o.mirrorX), every(b.Dy(), size.Y, o.mirrorY), o.swap}
	if o.swap {
		r.xs, r.ys = r.ys, r.xs
	}
	return r
}

// every returns m positions out of n, equally spaced from one end on and rounded
// towards it: from the last position down if mirror is set.
func every(n, m int, mirror bool) []int {
	at := make([]int, m)
	for i := range at {
		at[i] = int(int64(i) * int64(n) / int64(m))
		if mirror {
			at[i] = n - 1 - at[i]
		}
	}
	return at
}

// pixel returns a pixel of the raster, opaque, 8 bits a channel.
func (r *raster) pixel(x, y int) color.NRGBA {
	x, y = r.xs[x], r.ys[y]
	if r.swap {
		x, y = y, x
	}
	lo := r.img.Bounds().Min
	return onWhite(color.NRGBAModel.Convert(r.img.At(lo.X+x, lo.Y+y)).(color.NRGBA))
}

// luma fills dst with row y of the raster, 0 to 255.
func (r *raster) luma(dst []float32, y int) {
	m, ok := r.img.(*image.NRGBA)
	if !ok {
		for x := range dst {
			dst[x] = luma(r.pixel(x, y))
		}
		return
	}
	alongX, alongY := 4, m.Stride
	if r.swap {
		alongX, alongY = alongY, alongX
	}
	row := m.Pix[r.ys[y]*alongY:]
	for i, x := range r.xs {
		p := row[x*alongX : x*alongX+4]
		dst[i] = luma(onWhite(color.NRGBA{p[0], p[1], p[2], p[3]}))
	}
}

// picture returns the raster as a picture from (0, 0) on: img itself if that is
// what it comes to.
func (r *raster) picture() *image.NRGBA {
	b := image.Rect(0, 0, len(r.xs), len(r.ys))
	if m, ok := r.img.(*image.NRGBA); ok && m.Rect == b && !r.swap &&
		slices.IsSorted(r.xs) && slices.IsSorted(r.ys) && m.Opaque() {
		return m
	}
	m := image.NewNRGBA(b)
	for y := range b.Max.Y {
		for x := range b.Max.X {
			m.SetNRGBA(x, y, r.pixel(x, y))
		}
	}
	return m
}

// luma returns the brightness of an opaque pixel with the weights of ITU-R
// BT.601. The conversions around the products keep compilers from fusing them
// with the sums, which would round differently on some processors.
func luma(c color.NRGBA) float32 {
	return float32(0.299*float32(c.R)) + float32(0.587*float32(c.G)) + float32(0.114*float32(c.B))
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
