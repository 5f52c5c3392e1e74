package jpegcoef

import (
	"image"
	"image/color"
	"math"
	"math/bits"
)

// basisBits is the fraction of the basis, bits.
const basisBits = 14

// basis has, for each sample of a block, what coefficients of 1 add to it, in zigzag order.
var basis = func() (out [blockSize][blockSize]int32) {
	of := func(x, u int) float64 {
		if u == 0 {
			return math.Sqrt(1. / 8)
		}
		return math.Cos(math.Pi*float64((2*x+1)*u)/16) / 2
	}
	for i := range out {
		for k, at := range zigzag {
			out[i][k] = int32(math.Round(float64(of(i%8, int(at%8))*of(i/8, int(at/8))) * (1 << basisBits)))
		}
	}
	return out
}()

// Samples is a view that fills dst with single pixels of the picture as stored, of columns xs and rows ys, both in
// rising order. Pixels differ from what package image/jpeg gives by its errors of rounding. The arithmetic is on
// integers. dst has len(xs) x len(ys) pixels, from (0, 0) on.
func (p *Picture) Samples(dst *image.NRGBA, xs, ys []int) View {
	c := p.Components
	next := 0 // of ys
	return func(top int, rows *mcuRow) {
		for ; next < len(ys) && ys[next] < 8*(top+1)*c[0].V; next++ {
			line := dst.Pix[next*dst.Stride:]
			y := ys[next] - 8*top*c[0].V
			for i, x := range xs {
				colours := [3]uint8{0, 128, 128}
				for k := range c {
					colours[k] = c[k].sample(rows[k], x*c[k].H/c[0].H, y*c[k].V/c[0].V)
				}
				to := line[4*i : 4*i+4 : 4*i+4]
				to[0], to[1], to[2] = color.YCbCrToRGB(colours[0], colours[1], colours[2])
				to[3] = 255
			}
		}
	}
}

// sample returns a sample of blocks that begin with a row of MCUs.
func (c *Component) sample(from blocks, x, y int) uint8 {
	at := y/8*c.Across + x/8
	b, of := &from.coef[at], &basis[8*(y&7)+x&7]
	sum := int32(1) << (basisBits - 1)
	for set := from.set[at]; set != 0; set &= set - 1 {
		k := bits.TrailingZeros64(set)
		sum += scaled(b, &c.Steps, k) * of[k&63]
	}
	return grey(sum >> basisBits)
}
