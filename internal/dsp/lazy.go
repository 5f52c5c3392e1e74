package dsp

import "image"

// A Lazy is a plane of W x H samples that is made when it is needed. Make makes all of it at each call. The luma of a
// picture is also made a few rows at a time: a plane of it takes as much memory as the picture.
type Lazy struct {
	W, H int
	Make func() Plane
	Of   *image.NRGBA // the picture whose luma it is; nil: none
}

// LazyLuma returns the luma of a picture as [LumaNRGBA] does, when it is needed. The picture must not change.
func LazyLuma(img *image.NRGBA) Lazy {
	return Lazy{img.Rect.Dx(), img.Rect.Dy(), func() Plane { return LumaNRGBA(img) }, img}
}

// Lazy returns p itself as a plane that is there already.
func (p Plane) Lazy() Lazy { return Lazy{p.W, p.H, func() Plane { return p }, nil} }

// Rows yields all rows from above. A row holds until the next one.
func (l Lazy) Rows(yield func(row []float32) bool) {
	rows := l.ready().rows(1)
	for y := range l.H {
		if !yield(rows.row(y)) {
			return
		}
	}
}

// ready returns l, made if it is not the luma of a picture.
func (l Lazy) ready() Lazy {
	if l.Of == nil {
		return l.Make().Lazy()
	}
	return l
}

// rows returns the rows of l, which is ready, for one goroutine. Any n rows that follow each other are kept at once.
func (l Lazy) rows(n int) *rows {
	if l.Of == nil {
		return &rows{w: l.W, pix: l.Make().Pix}
	}
	return &rows{l.Of, l.W, make([]float32, n*l.W), make([]int, n)}
}

// rows are the rows of a plane. Of a picture's luma, pix has only the rows that were asked for last.
type rows struct {
	of   *image.NRGBA // nil: pix has the whole plane
	w    int
	pix  []float32
	have []int // of each row in pix: its number, from 1 on
}

// at returns where in pix row y begins.
func (r *rows) at(y int) int {
	if r.of == nil {
		return y * r.w
	}
	k := y % len(r.have)
	if r.have[k] != y+1 {
		r.have[k] = y + 1
		lumaRow(r.pix[k*r.w:][:r.w], r.of.Pix[y*r.of.Stride:][:4*r.w])
	}
	return k * r.w
}

func (r *rows) row(y int) []float32 { return r.pix[r.at(y):][:r.w] }

// LumaNRGBA returns the luma, 0..255, of a picture over white, at its own size: what [ShrinkNRGBA] gives at that size,
// without holding three planes. The picture's pixels must begin with img.Pix.
func LumaNRGBA(img *image.NRGBA) Plane {
	out := NewPlane(img.Rect.Dx(), img.Rect.Dy())
	Shared(out.H, 4*len(out.Pix), func(from, to int) {
		for y := from; y < to; y++ {
			lumaRow(out.Row(y), img.Pix[y*img.Stride:][:4*out.W])
		}
	})
	return out
}

// lumaRow writes the luma of a row of pixels over white to dst.
func lumaRow(dst []float32, pix []uint8) {
	if Opaque(pix) {
		Luma(dst, pix)
		return
	}
	for x := range dst {
		r, g, b := overWhite(pix[4*x:])
		dst[x] = float32(0.299*r) + float32(0.587*g) + float32(0.114*b)
	}
}
