package requant

import (
	"image"

	"github.com/kycmark/kycmark/internal/dsp"
)

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

// decodedLuma returns the luma, 0..255, that a JPEG decoder made the colours of p from: the
// exact whole number. A luma computed from rounded colours has errors that areas of one
// colour share, and these errors would pass for coefficients. clipped is true for pixels
// whose red, green or blue is 0 or 255, because their luma may have been another.
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
