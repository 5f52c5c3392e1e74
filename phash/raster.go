package phash

import (
	"encoding/binary"
	"image"
	"image/color"
	"slices"

	"github.com/kycmark/kycmark/internal/dsp"
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
	// plain tells that a row of the raster is a row of the picture.
	plain bool
	line  []uint8 // room for a row of pixels
	// places are where the pixels of a row lie that are not next to each other, once
	// they are known; nil if they are too far apart for that.
	places *dsp.Places
	known  bool
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

// newRaster returns the raster of the picture in orientation o. size is the number of columns and
// rows that are taken, evenly, before o swaps the axes. If size exceeds the picture's, pixels
// repeat.
func newRaster(img image.Image, o orientation, size image.Point) *raster {
	b := img.Bounds()
	r := &raster{img: img, xs: every(b.Dx(), size.X, o.mirrorX), ys: every(b.Dy(), size.Y, o.mirrorY), swap: o.swap}
	r.plain = !o.swap && !o.mirrorX && size.X == b.Dx()
	if o.swap {
		r.xs, r.ys = r.ys, r.xs
	}
	r.line = make([]uint8, 4*len(r.xs))
	return r
}

// every returns m of n positions, equally spaced and rounded down; positions repeat if m exceeds n.
// With mirror they count from the last position down.
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

// size returns the number of columns and rows.
func (r *raster) size() (w, h int) { return len(r.xs), len(r.ys) }

// pixels returns the bytes of a picture of four bytes a pixel, and the bytes of a row; nil for
// other pictures.
func (r *raster) pixels() (pix []uint8, stride int) {
	switch m := r.img.(type) {
	case *image.NRGBA:
		return m.Pix, m.Stride
	case *image.RGBA:
		return m.Pix, m.Stride
	}
	return nil, 0
}

// from returns the bytes of pix from where row y of the raster begins. pix has size bytes a
// pixel and stride a row. step is the distance, bytes, of the pixels that follow each other in
// the row.
func (r *raster) from(pix []uint8, size, stride, y int) (row []uint8, step int) {
	if r.swap {
		return pix[r.ys[y]*size:], stride
	}
	return pix[r.ys[y]*stride:], size
}

// luma fills dst with the luma of row y of the raster over white, 0 to 255. dst has a value for
// each column.
func (r *raster) luma(dst []float32, y int) {
	if pix, stride := r.pixels(); len(pix) > 0 && !r.plain {
		from, step := r.from(pix, 4, stride, y)
		if !r.known {
			at := make([]int, len(r.xs))
			for i, x := range r.xs {
				at[i] = x * step
			}
			r.places, r.known = dsp.NewPlaces(at), true
		}
		if r.places != nil && dsp.LumaAt(dst, from, r.places) {
			return
		}
	}
	dsp.Luma(dst, r.row(y))
}

// row returns the pixels of row y over white, opaque, four bytes each. The slice is good until the
// next call, and must not be written to: it may be the picture's own.
func (r *raster) row(y int) []uint8 {
	if m, ok := r.img.(*image.NRGBA); ok && r.plain {
		from := m.Pix[r.ys[y]*m.Stride:][:4*len(r.xs)]
		if dsp.Opaque(from) {
			return from
		}
		copy(r.line, from)
		whiten(r.line)
		return r.line
	}
	switch m := r.img.(type) {
	case *image.NRGBA:
		r.gather(y)
		if !dsp.Opaque(r.line) {
			whiten(r.line)
		}
	case *image.RGBA:
		r.gather(y)
		if !dsp.Opaque(r.line) {
			r.any(y)
		}
	case *image.Gray:
		from, step := r.from(m.Pix, 1, m.Stride, y)
		for i, x := range r.xs {
			v := from[x*step]
			copy(r.line[4*i:], []uint8{v, v, v, 0xff})
		}
	case *image.YCbCr:
		r.colours(m, y)
	default:
		r.any(y)
	}
	return r.line
}

// gather fills the line with row y, unchanged, from a picture of four bytes a pixel.
func (r *raster) gather(y int) {
	pix, stride := r.pixels()
	from, step := r.from(pix, 4, stride, y)
	line := r.line
	for _, x := range r.xs {
		binary.LittleEndian.PutUint32(line, binary.LittleEndian.Uint32(from[x*step:]))
		line = line[4:]
	}
}

// colours fills the line with row y of m, converted as color.YCbCr does, to the bit.
func (r *raster) colours(m *image.YCbCr, y int) {
	y = r.ys[y]
	for i, x := range r.xs {
		px, py := m.Rect.Min.X+x, m.Rect.Min.Y+y
		if r.swap {
			px, py = m.Rect.Min.X+y, m.Rect.Min.Y+x
		}
		luma, chroma := m.YOffset(px, py), m.COffset(px, py)
		red, green, blue := color.YCbCrToRGB(m.Y[luma], m.Cb[chroma], m.Cr[chroma])
		copy(r.line[4*i:], []uint8{red, green, blue, 0xff})
	}
}

// any fills the line with row y, over white, by asking the picture for every pixel. This serves
// every type of picture, and is slow.
func (r *raster) any(y int) {
	lo := r.img.Bounds().Min
	for i, x := range r.xs {
		px, py := lo.X+x, lo.Y+r.ys[y]
		if r.swap {
			px, py = lo.X+r.ys[y], lo.Y+x
		}
		c := onWhite(color.NRGBAModel.Convert(r.img.At(px, py)).(color.NRGBA))
		copy(r.line[4*i:], []uint8{c.R, c.G, c.B, c.A})
	}
}

// picture returns the raster as an opaque picture that begins at (0, 0). It returns img itself if
// img is that picture, and a copy otherwise.
func (r *raster) picture() *image.NRGBA {
	b := image.Rect(0, 0, len(r.xs), len(r.ys))
	if m, ok := r.img.(*image.NRGBA); ok && m.Rect == b && !r.swap &&
		slices.IsSorted(r.xs) && slices.IsSorted(r.ys) && m.Opaque() {
		return m
	}
	m := image.NewNRGBA(b)
	for y := range b.Max.Y {
		copy(m.Pix[y*m.Stride:], r.row(y))
	}
	return m
}

// whiten blends pixels with white paper.
func whiten(line []uint8) {
	for i := 0; i+4 <= len(line); i += 4 {
		p := line[i : i+4 : i+4]
		c := onWhite(color.NRGBA{p[0], p[1], p[2], p[3]})
		p[0], p[1], p[2], p[3] = c.R, c.G, c.B, c.A
	}
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
