package dsp

import (
	"image"
	"math"
	"slices"
)

// A Plane is a picture of one channel: H rows of W samples, row by row.
type Plane struct {
	W, H int
	Pix  []float32
}

func NewPlane(w, h int) Plane       { return Plane{W: w, H: h, Pix: make([]float32, w*h)} }
func (p Plane) Row(y int) []float32 { return p.Pix[y*p.W : (y+1)*p.W : (y+1)*p.W] }
func (p Plane) Clone() Plane        { return Plane{W: p.W, H: p.H, Pix: slices.Clone(p.Pix)} }

// Window returns a copy of the w x h samples from (x, y) on, which must lie inside.
func (p Plane) Window(x, y, w, h int) Plane {
	q := NewPlane(w, h)
	for j := range h {
		copy(q.Row(j), p.Row(y + j)[x:x+w])
	}
	return q
}

// RMS returns the root of the mean square, 0 for an empty plane.
func (p Plane) RMS() float64 { return math.Sqrt(p.SumSquares() / float64(max(len(p.Pix), 1))) }

// Less replaces each sample of q by the sample of p less it. It returns q.
func (p Plane) Less(q Plane) Plane {
	for i, v := range p.Pix {
		q.Pix[i] = v - q.Pix[i]
	}
	return q
}

// SumSquares returns the sum of the squares of all samples. It sums each row for itself and then
// the rows, so that every machine gets the same bits.
func (p Plane) SumSquares() float64 {
	total, y := 0.0, 0
	for ; y+4 <= p.H; y += 4 { // each row for itself, four at once
		r0 := p.Row(y)
		r1, r2, r3 := p.Row(y + 1)[:len(r0)], p.Row(y + 2)[:len(r0)], p.Row(y + 3)[:len(r0)]
		var s0, s1, s2, s3 float64
		for x, v := range r0 {
			a, b, c, d := float64(v), float64(r1[x]), float64(r2[x]), float64(r3[x])
			s0 += float64(a * a)
			s1 += float64(b * b)
			s2 += float64(c * c)
			s3 += float64(d * d)
		}
		total = total + s0 + s1 + s2 + s3
	}
	for ; y < p.H; y++ {
		s := 0.0
		for _, v := range p.Row(y) {
			s += float64(float64(v) * float64(v))
		}
		total += s
	}
	return total
}

func (p Plane) Scale(g float32) {
	for i := range p.Pix {
		p.Pix[i] *= g
	}
}

// RGB is a colour picture as three planes of 0..255.
type RGB struct{ R, G, B Plane }

// Luma returns the luminance 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601), 0..255.
func (c RGB) Luma() Plane {
	y := NewPlane(c.R.W, c.R.H)
	weighted(y.Pix, &[4][]float32{c.R.Pix, c.G.Pix, c.B.Pix, c.B.Pix}, &[4]float32{0.299, 0.587, 0.114, 0})
	return y
}

// Cb returns the blue difference 0.564 (B - Y), given the luma.
func (c RGB) Cb(luma Plane) Plane {
	cb := NewPlane(luma.W, luma.H)
	for i := range cb.Pix {
		cb.Pix[i] = float32(0.564 * (c.B.Pix[i] - luma.Pix[i]))
	}
	return cb
}

// Gray reports whether the picture has next to no colour: on every fourth sample of every fourth
// row |B-G|+|R-G| is below 2 in the mean. An empty picture is not grey.
func (c RGB) Gray() bool {
	sum, n := 0.0, 0
	for y := 0; y < c.R.H; y += 4 {
		r, g, b := c.R.Row(y), c.G.Row(y), c.B.Row(y)
		for x := 0; x < c.R.W; x += 4 {
			sum += float64(abs32(b[x]-g[x]) + abs32(r[x]-g[x]))
			n++
		}
	}
	return sum < float64(2*float64(n))
}

func abs32(v float32) float32 { return max(v, -v) }

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
