package dsp

import (
	"image"
	"image/color"
	"image/draw"
	"math"
)

// ShrinkNRGBA returns the colours of a picture over white, 0..255, area-averaged to w x h samples,
// which must not exceed its size. With its own size only the alpha is removed.
func ShrinkNRGBA(img *image.NRGBA, w, h int) RGB {
	sw := img.Rect.Dx()
	all := NewShrinker(sw, img.Rect.Dy(), w, h)
	Shared(h, 4*sw*img.Rect.Dy(), func(from, to int) {
		s := all.part(from, to)
		for y := s.row; y < s.ys[to-1].to; y++ {
			s.Add(img.Pix[y*img.Stride : y*img.Stride+4*sw])
		}
	})
	return all.Shrunk()
}

// A Shrinker is [ShrinkNRGBA] of a picture that comes row by row.
type Shrinker struct {
	xs, ys    []span
	weights   *spanTaps
	out       RGB
	flat      *image.NRGBA // in place of out
	line, acc []float32
	row, y    int // the next of the picture, and of out
}

// NewShrinker prepares to shrink one picture of sw x sh pixels to w x h samples, which must not
// exceed that. Its rows are then given to [Shrinker.Add].
func NewShrinker(sw, sh, w, h int) *Shrinker {
	s := newShrinker(sw, sh, w, h)
	s.out = RGB{NewPlane(w, h), NewPlane(w, h), NewPlane(w, h)}
	return s
}

// NewFlatShrinker is [NewShrinker] for a result that is rounded to 8 bits, which it also returns.
func NewFlatShrinker(sw, sh, w, h int) (*Shrinker, *image.NRGBA) {
	s := newShrinker(sw, sh, w, h)
	s.flat = image.NewNRGBA(image.Rect(0, 0, w, h))
	return s, s.flat
}

func newShrinker(sw, sh, w, h int) *Shrinker {
	xs := areaSpans(sw, w)
	return &Shrinker{xs: xs, ys: areaSpans(sh, h), weights: tapsOf(xs, sw), line: make([]float32, 4*w), acc: make([]float32, 4*w)}
}

// part returns a shrinker for the samples of rows [from, to) alone, which writes to the result of s.
// Its first row of the picture is its field row.
func (s *Shrinker) part(from, to int) *Shrinker {
	p := *s
	p.ys, p.y, p.row = s.ys[:to], from, s.ys[from].from
	p.line, p.acc = make([]float32, len(s.line)), make([]float32, len(s.acc))
	return &p
}

// Add takes the next row of the picture from above, four bytes a pixel: red, green, blue, and alpha, not premultiplied.
// What is transparent comes to lie on white. pix must hold a whole row; it is not kept.
func (s *Shrinker) Add(pix []uint8) {
	shrinkRow(s.line, pix, s.xs, s.weights)
	for ; s.y < len(s.ys) && s.ys[s.y].from <= s.row; s.y++ {
		AddScaled(s.acc, s.line, s.ys[s.y].weight(s.row))
		if s.row+1 < s.ys[s.y].to {
			break
		}
		s.store()
		clear(s.acc)
	}
	s.row++
}

// store writes the row that is ready to the result.
func (s *Shrinker) store() {
	if s.flat != nil {
		dst := s.flat.Pix[s.y*s.flat.Stride:][:len(s.acc)]
		for i, v := range s.acc {
			if dst[i] = To8(v); i%4 == 3 {
				dst[i] = 255
			}
		}
		return
	}
	r, g, b := s.out.R.Row(s.y), s.out.G.Row(s.y), s.out.B.Row(s.y)
	for x := range r {
		p := s.acc[4*x : 4*x+4 : 4*x+4]
		r[x], g[x], b[x] = p[0], p[1], p[2]
	}
}

// Shrunk returns the samples, once all rows were added.
func (s *Shrinker) Shrunk() RGB { return s.out }

// AsNRGBA returns img as a picture that begins at (0, 0). It shares the pixels of an *image.NRGBA, and copies others.
func AsNRGBA(img image.Image) *image.NRGBA {
	b := img.Bounds()
	if m, ok := img.(*image.NRGBA); ok {
		return &image.NRGBA{Pix: m.Pix, Stride: m.Stride, Rect: b.Sub(b.Min)}
	}
	m := image.NewNRGBA(b.Sub(b.Min))
	var to draw.Image = m
	if o, ok := img.(interface{ Opaque() bool }); ok && o.Opaque() { // then RGBA has the same bytes, and package draw is fast
		to = &image.RGBA{Pix: m.Pix, Stride: m.Stride, Rect: m.Rect}
	}
	draw.Draw(to, m.Rect, img, b.Min, draw.Src)
	return m
}

// Halve returns the means of 2 x 2 samples of p. It drops an odd last row or column, unless there is only one.
func Halve(p Plane) Plane {
	out := NewPlane(max(1, p.W/2), max(1, p.H/2))
	for y := range out.H {
		a, b, dst := p.Row(min(2*y, p.H-1)), p.Row(min(2*y+1, p.H-1)), out.Row(y)
		for x := range dst {
			l, r := min(2*x, p.W-1), min(2*x+1, p.W-1)
			dst[x] = 0.25 * (a[l] + a[r] + b[l] + b[r])
		}
	}
	return out
}

// FromYCbCr writes a picture to dst, which has its size, as package image/draw does.
func FromYCbCr(dst *image.RGBA, src *image.YCbCr) {
	b, ratio := src.Rect, src.SubsampleRatio
	half := ratio == image.YCbCrSubsampleRatio422 || ratio == image.YCbCrSubsampleRatio420
	if whole := ratio == image.YCbCrSubsampleRatio444 || ratio == image.YCbCrSubsampleRatio440; !whole && (!half || b.Min.X%2 != 0) {
		draw.Draw(dst, dst.Rect, src, b.Min, draw.Src)
		return
	}
	Shared(b.Dy(), b.Dx()*b.Dy(), func(from, to int) {
		for y := from; y < to; y++ {
			at, c := src.YOffset(b.Min.X, b.Min.Y+y), src.COffset(b.Min.X, b.Min.Y+y)
			fromYCbCr(dst.Pix[y*dst.Stride:], src.Y[at:at+b.Dx()], src.Cb[c:], src.Cr[c:], half)
		}
	})
}

// fromYCbCr writes the colours of len(y) pixels to dst as opaque RGBA. half: cb and cr have a sample for two pixels.
func fromYCbCr(dst, y, cb, cr []uint8, half bool) {
	w, shift := len(y), 0
	if half {
		shift = 1
	}
	dst, cb, cr = dst[:4*w], cb[:(w+shift)>>shift], cr[:(w+shift)>>shift]
	n := batched(w, 8)
	switch {
	case n == 0:
	case half:
		colourHalfAVX2(&dst[0], &y[0], &cb[0], &cr[0], n)
	default:
		colourAVX2(&dst[0], &y[0], &cb[0], &cr[0], n)
	}
	for x := n; x < w; x++ {
		p := dst[4*x : 4*x+4 : 4*x+4]
		p[0], p[1], p[2] = color.YCbCrToRGB(y[x], cb[x>>shift], cr[x>>shift])
		p[3] = 255
	}
}

// shrinkRow writes to line, for each span of xs, the weighted sums of the pixels of src under it: red, green and blue over
// white, and a fourth float without a meaning. src is one row, four bytes a pixel, with alpha. t holds the weights of xs.
func shrinkRow(line []float32, src []uint8, xs []span, t *spanTaps) {
	done := 0
	if avx2 && t.n > 0 && Opaque(src) {
		_, _ = line[4*t.n-1], src[int(t.from[t.n-1])+4*t.taps-1]
		done = t.n
		shrinkRowAVX2(&line[0], &src[0], &t.from[0], &t.weights[0], t.taps, done)
	}
	for x := done; x < len(xs); x++ {
		sp := &xs[x]
		var r, g, b float32
		for sx := sp.from; sx < sp.to; sx++ {
			wt := sp.weight(sx)
			pr, pg, pb := overWhite(src[4*sx:])
			r += float32(wt * pr)
			g += float32(wt * pg)
			b += float32(wt * pb)
		}
		line[4*x], line[4*x+1], line[4*x+2] = r, g, b
	}
}

// overWhite returns the red, green and blue, 0..255, of the pixel with which pix begins, laid on white by its alpha.
func overWhite(pix []uint8) (r, g, b float32) {
	p := pix[:4:4]
	if r, g, b = float32(p[0]), float32(p[1]), float32(p[2]); p[3] != 255 {
		k := float32(p[3]) / 255
		r, g, b = 255+float32(k*(r-255)), 255+float32(k*(g-255)), 255+float32(k*(b-255))
	}
	return r, g, b
}

// spanTaps are spans as equally many weights a sample, zero behind its end.
type spanTaps struct {
	taps    int
	n       int // samples whose taps all lie within the row
	from    []int32
	weights []float32
}

// tapsOf returns the spans xs over a row of width pixels as equally many weights a sample. Offsets
// are in bytes, four a pixel. n of the result counts the samples whose weights all lie in the row:
// only these may be read without care for its end.
func tapsOf(xs []span, width int) *spanTaps {
	t := &spanTaps{from: make([]int32, len(xs))}
	for i := range xs {
		t.taps = max(t.taps, xs[i].to-xs[i].from)
	}
	t.weights = make([]float32, len(xs)*t.taps)
	for i := range xs {
		sp := &xs[i]
		t.from[i] = int32(4 * sp.from)
		for k := sp.from; k < sp.to; k++ {
			t.weights[i*t.taps+k-sp.from] = sp.weight(k)
		}
		if sp.from+t.taps <= width {
			t.n = i + 1
		}
	}
	return t
}

// A span is the samples [from, to) under one shrunk sample, with their weights.
type span struct {
	from, to         int
	first, mid, last float32
}

// weight returns the weight of sample i, which lies in the span.
func (s *span) weight(i int) float32 {
	switch i {
	case s.from:
		return s.first
	case s.to - 1:
		return s.last
	}
	return s.mid
}

// areaSpans returns the spans that average from samples to to samples by area, to <= from. The weights of each span sum
// to 1. A span has one sample or more, and neighbours share the sample between them.
func areaSpans(from, to int) []span {
	k := float64(from) / float64(to)
	out := make([]span, to)
	for i := range out {
		a, b := float64(float64(i)*k), float64(float64(i+1)*k)
		lo, hi := int(math.Floor(a+1e-9)), min(from, int(math.Ceil(b-1e-9)))
		s := span{from: lo, to: max(hi, lo+1), mid: float32(1 / k)}
		s.first = float32((math.Min(b, float64(lo+1)) - a) / k)
		s.last = float32((b - float64(s.to-1)) / k)
		if s.to-s.from == 1 {
			s.first, s.last = 1, 1
		}
		out[i] = s
	}
	return out
}

// Shrink returns p area-averaged to w x h samples, at most its size, as a new plane: a copy if the size stays.
func Shrink(p Plane, w, h int) Plane {
	if w == p.W && h == p.H {
		return p.Clone()
	}
	return p.Lazy().Shrink(w, h)
}

// Shrink returns l area-averaged to w x h samples, which must not exceed its size. It is [Lazy.Make] if the size stays.
func (l Lazy) Shrink(w, h int) Plane {
	if w == l.W && h == l.H {
		return l.Make()
	}
	l = l.ready()
	xs, ys := areaSpans(l.W, w), areaSpans(l.H, h)
	out := NewPlane(w, h)
	Shared(h, l.W*l.H, func(from, to int) {
		acc, rows := make([]float32, l.W), l.rows(2)
		for y := from; y < to; y++ {
			clear(acc)
			sp := &ys[y]
			for sy := sp.from; sy < sp.to; sy++ {
				AddScaled(acc, rows.row(sy), sp.weight(sy))
			}
			dst := out.Row(y)
			for x := range dst {
				dst[x] = xs[x].mean(acc)
			}
		}
	})
	return out
}

// mean returns the mean of the samples of row under s, by the weights of s, which sum to 1.
func (s *span) mean(row []float32) float32 {
	sum := float32(s.first * row[s.from])
	if s.to-s.from == 1 {
		return sum
	}
	for _, v := range row[s.from+1 : s.to-1] {
		sum += float32(s.mid * v)
	}
	return sum + float32(s.last*row[s.to-1])
}
