package requant

import (
	"image"

	"github.com/kycmark/kycmark/internal/dsp"
)

// side is the width and height of a JPEG block, in pixels.
const side = 8

// A block is 8 x 8 pixels or their coefficients, row by row.
type block [side * side]float32

// cosines are the factors of the orthonormal cosine transform (ITU-T T.81, A.3.3), by frequency u and sample x.
type cosines [side][side]float32

// newCosines computes the factors, the same on every machine.
func newCosines() (c cosines) {
	for u := range c {
		for x := range c[u] {
			v, _ := dsp.Cis(float64((2*x+1)*u) / (4 * side))
			c[u][x] = float32(v / 2)
			if u == 0 {
				c[u][x] = float32(sqrtEighth)
			}
		}
	}
	return c
}

const sqrtEighth = 0.35355339059327376

// forward replaces the 64 pixels of b by their coefficients of the orthonormal cosine transform.
func (c *cosines) forward(b *block) {
	var t block
	c.forwardRows(&t, b)
	c.forwardRows(b, &t)
}

// forwardRows transforms each row of src, and writes it to a column of dst.
func (c *cosines) forwardRows(dst, src *block) {
	for y := range side {
		r := src[y*side : y*side+side : y*side+side]
		var even, odd [side / 2]float32
		for x := range even {
			even[x], odd[x] = r[x]+r[7-x], r[x]-r[7-x]
		}
		for u := range side {
			h := &even
			if u&1 == 1 {
				h = &odd
			}
			k := &c[u]
			dst[u*side+y] = float32(k[0]*h[0]) + float32(k[1]*h[1]) + float32(k[2]*h[2]) + float32(k[3]*h[3])
		}
	}
}

// inverse replaces the 64 coefficients of b by the pixels that have them: the inverse of forward, up to rounding.
func (c *cosines) inverse(b *block) {
	var t block
	for v := range side {
		c.synthesise(t[v*side:v*side+side], b[v*side:v*side+side])
	}
	var col, out [side]float32
	for x := range side {
		for v := range side {
			col[v] = t[v*side+x]
		}
		c.synthesise(out[:], col[:])
		for y := range side {
			b[y*side+x] = out[y]
		}
	}
}

// synthesise writes the inverse transform of the 8 coefficients of src to dst.
func (c *cosines) synthesise(dst, src []float32) {
	for x := range side / 2 {
		even := float32(c[0][x]*src[0]) + float32(c[2][x]*src[2]) + float32(c[4][x]*src[4]) + float32(c[6][x]*src[6])
		odd := float32(c[1][x]*src[1]) + float32(c[3][x]*src[3]) + float32(c[5][x]*src[5]) + float32(c[7][x]*src[7])
		dst[x], dst[7-x] = even+odd, even-odd
	}
}

// middle is the first coefficient of a block of middle grey. JPEG subtracts it.
const middle = 128 * side

// of returns the coefficients of the block in column bx and row by of p's blocks, as JPEG has them: less middle grey.
func (c *cosines) of(p dsp.Plane, bx, by int) (b block) {
	b.load(p, bx, by)
	c.forward(&b)
	b[0] -= middle
	return b
}

// load reads the block in column bx and row by of p's blocks. A pixel beyond an edge of p
// takes the value of the nearest pixel of that edge, as encoders pad.
func (b *block) load(p dsp.Plane, bx, by int) {
	for y := range side {
		r := p.Row(min(by*side+y, p.H-1))
		dst := b[y*side : y*side+side : y*side+side]
		if (bx+1)*side <= p.W {
			copy(dst, r[bx*side:])
			continue
		}
		for x := range dst {
			dst[x] = r[min(bx*side+x, p.W-1)]
		}
	}
}

// store writes the block to column bx and row by of p's blocks. Pixels beyond an edge of p are left out.
func (b *block) store(p dsp.Plane, bx, by int) {
	for y := range min(side, p.H-by*side) {
		copy(p.Row(by*side + y)[bx*side:min((bx+1)*side, p.W)], b[y*side:])
	}
}

// Full-range YCbCr to red, green and blue in 65536ths (ITU-T T.871, section 7).
const (
	crToR, cbToG, crToG, cbToB = 91881, 22554, 46802, 116130
	unit                       = 1 << 16
)

// A decoder says how a JPEG decoder rounds colours: it returns what the decoder adds at a
// luma, in 65536ths, before it truncates.
type decoder func(luma int32) int32

// libjpeg is the decoder of libjpeg and of most other programs, which rounds to the nearest level.
func libjpeg(int32) int32 { return unit / 2 } // and most others

// standard is the decoder of Go's package image/color, whose rounding depends on the luma.
func standard(luma int32) int32 { return 257 * luma } // image/color

// decodedLuma returns the luma, 0..255, that a JPEG decoder made the colours of p from: the exact whole number. A luma
// computed from rounded colours has errors that areas of one colour share, and these errors would pass for coefficients.
// clipped is true for pixels whose red, green or blue is 0 or 255, because their luma may have been another.
func decodedLuma(p *image.NRGBA) (luma dsp.Plane, clipped []bool) {
	luma = dsp.NewPlane(p.Rect.Dx(), p.Rect.Dy())
	clipped = make([]bool, len(luma.Pix))
	of := whose(p)
	dsp.Parallel(luma.H, func(from, to int) {
		for y := from; y < to; y++ {
			src, dst := p.Pix[y*p.Stride:], luma.Row(y)
			for x := range dst {
				r, g, b := int32(src[4*x]), int32(src[4*x+1]), int32(src[4*x+2])
				v, _ := of.luma(r, g, b)
				dst[x] = float32(v)
				clipped[y*luma.W+x] = min(r, g, b) == 0 || max(r, g, b) == 255
			}
		}
	})
	return luma, clipped
}

// whose returns the decoder that can have made the larger number of p's pixels, from a sample of
// about 4096. If both can have made as many, it returns standard.
func whose(p *image.NRGBA) decoder {
	step := max(1, len(p.Pix)/4/4096)
	var best decoder
	top := -1
	for _, d := range [...]decoder{standard, libjpeg} {
		n := 0
		for i := 0; i+4 <= len(p.Pix); i += 4 * step {
			if _, ok := d.luma(int32(p.Pix[i]), int32(p.Pix[i+1]), int32(p.Pix[i+2])); ok {
				n++
			}
		}
		if n > top {
			best, top = d, n
		}
	}
	return best
}

// luma returns the luma of a colour, and reports whether the decoder can make the colour
// from any YCbCr value. If not, the luma is the usual weighted sum.
func (d decoder) luma(r, g, b int32) (int32, bool) {
	first := (19595*r + 38470*g + 7471*b + unit/2) / unit
	for _, y := range [...]int32{first, first + 1, first - 1} {
		off := d(y)
		cr, cb := ceil((r-y)*unit-off, crToR), ceil((b-y)*unit-off, cbToB)
		if (off+crToR*cr)>>16 == r-y && (off+cbToB*cb)>>16 == b-y && (off-cbToG*cb-crToG*cr)>>16 == g-y {
			return y, true
		}
	}
	return first, false
}

// ceil returns a/b rounded up to a whole number, for b > 0.
func ceil(a, b int32) int32 {
	if a <= 0 {
		return -(-a / b)
	}
	return (a + b - 1) / b
}
