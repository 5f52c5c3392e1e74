package dsp

import (
	"image"
	"math"
)

// ShrinkNRGBA returns the picture over white, area-averaged to w x h samples,
// which must not exceed its size.
func ShrinkNRGBA(img *image.NRGBA, w, h int) RGB {
	sw, sh := img.Rect.Dx(), img.Rect.Dy()
	xs, ys := areaSpans(sw, w), areaSpans(sh, h)
	out := RGB{NewPlane(w, h), NewPlane(w, h), NewPlane(w, h)}
	line := make([]float32, 3*w)
	acc := make([]float32, 3*w)
	for y := range h {
		clear(acc)
		sp := ys[y]
		for sy := sp.from; sy < sp.to; sy++ {
			shrinkRow(img.Pix[sy*img.Stride:sy*img.Stride+4*sw], xs, line)
			g := sp.weight(sy)
			for i, v := range line {
				acc[i] += float32(g * v)
			}
		}
		r, g, b := out.R.Row(y), out.G.Row(y), out.B.Row(y)
		for x := range r {
			r[x], g[x], b[x] = acc[3*x], acc[3*x+1], acc[3*x+2]
		}
	}
	return out
}

func shrinkRow(src []uint8, xs []span, line []float32) {
	for x := range xs {
		sp := &xs[x]
		var r, g, b float32
		for sx := sp.from; sx < sp.to; sx++ {
			p := src[4*sx : 4*sx+4 : 4*sx+4]
			wt := sp.mid
			if sx == sp.from {
				wt = sp.first
			} else if sx == sp.to-1 {
				wt = sp.last
			}
			pr, pg, pb := float32(p[0]), float32(p[1]), float32(p[2])
			if a := p[3]; a != 255 {
				k := float32(a) / 255
				pr, pg, pb = 255+float32(k*(pr-255)), 255+float32(k*(pg-255)), 255+float32(k*(pb-255))
			}
			r += float32(wt * pr)
			g += float32(wt * pg)
			b += float32(wt * pb)
		}
		line[3*x], line[3*x+1], line[3*x+2] = r, g, b
	}
}

// A span is the samples [from, to) under one shrunk sample, with their weights.
type span struct {
	from, to         int
	first, mid, last float32
}

func (s *span) weight(i int) float32 {
	switch i {
	case s.from:
		return s.first
	case s.to - 1:
		return s.last
	}
	return s.mid
}

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

// Bicubic returns the four weights of cubic convolution with a = -3/4 (Keys,
// 1981) for a sample at fraction t in [0, 1) behind the second of four.
func Bicubic(t float32) [4]float32 {
	const a = -0.75
	u := 1 + t
	w0 := float32(float32(float32(float32(float32(a*u)-5*a)*u)+8*a)*u) - 4*a
	w1 := float32(float32(float32((a+2)*t)-(a+3))*float32(t*t)) + 1
	v := 1 - t
	w2 := float32(float32(float32((a+2)*v)-(a+3))*float32(v*v)) + 1
	return [4]float32{w0, w1, w2, 1 - w0 - w1 - w2}
}

// An Enlarger resamples a plane to a larger w x h by cubic convolution, pixel
// centres aligned, row by row.
type Enlarger struct {
	src  Plane
	h    int
	ix   []int32 // four column indices a sample
	wx   [][4]float32
	rows [4][]float32 // the four source rows under the last row asked for, widened
	at   [4]int
}

// NewEnlarger prepares to resample src to w x h.
func NewEnlarger(src Plane, w, h int) *Enlarger {
	e := &Enlarger{src: src, h: h, ix: make([]int32, 4*w), wx: make([][4]float32, w), at: [4]int{-1, -1, -1, -1}}
	for x := range w {
		i, t := position(x, w, src.W)
		e.wx[x] = Bicubic(t)
		for k := range 4 {
			e.ix[4*x+k] = int32(min(max(i-1+k, 0), src.W-1))
		}
	}
	for k := range e.rows {
		e.rows[k] = make([]float32, w)
	}
	return e
}

// position maps sample x of n onto a line of m samples: index and fraction.
func position(x, n, m int) (int, float32) {
	p := float64((float64(x)+0.5)*(float64(m)/float64(n))) - 0.5
	f := math.Floor(p)
	return int(f), float32(p - f)
}

// Row writes row y to dst. Rows are cheapest asked for in order.
func (e *Enlarger) Row(y int, dst []float32) {
	i, t := position(y, e.h, e.src.H)
	w := Bicubic(t)
	var r [4][]float32
	for k := range 4 {
		r[k] = e.widened(min(max(i-1+k, 0), e.src.H-1))
	}
	r0, r1, r2, r3 := r[0], r[1], r[2], r[3]
	for x := range dst {
		dst[x] = float32(w[0]*r0[x]) + float32(w[1]*r1[x]) + float32(w[2]*r2[x]) + float32(w[3]*r3[x])
	}
}

func (e *Enlarger) widened(j int) []float32 {
	k := j & 3
	if e.at[k] == j {
		return e.rows[k]
	}
	e.at[k] = j
	src, dst := e.src.Row(j), e.rows[k]
	for x := range dst {
		w, ix := &e.wx[x], e.ix[4*x:4*x+4:4*x+4]
		dst[x] = float32(w[0]*src[ix[0]]) + float32(w[1]*src[ix[1]]) + float32(w[2]*src[ix[2]]) + float32(w[3]*src[ix[3]])
	}
	return dst
}
