package jpegcoef

import (
	"image"
	"image/color"
	"image/draw"
	"math"
	"math/bits"

	"github.com/kycmark/kycmark/internal/dsp"
)

// Fixed-point numbers of the inverse transform.
const (
	fixedBits = 11
	innerBits = 4    // fraction after the first pass
	maxSample = 2047 // coefficients of pictures of 8 bits lie below; others are cut
)

// Half the cosines of 1 to 7 sixteenths of pi, times 2**fixedBits.
const (
	cos1 = 1004
	cos2 = 946
	cos3 = 851
	cos4 = 724
	cos5 = 569
	cos6 = 392
	cos7 = 200
)

// within has, by n, a bit for each coefficient of the n lowest orders.
var within = func() (out [9]uint64) {
	for n := 1; n <= 8; n *= 2 {
		for k, at := range zigzag {
			if int(at&7) < n && int(at>>3) < n {
				out[n] |= 1 << k
			}
		}
	}
	return out
}()

// inverse writes block b as n x n samples. set are its coefficients that are not zero.
func inverse(dst []uint8, stride, n int, b *block, set uint64, steps *Steps) {
	if set &= within[n]; set <= 1 {
		v := grey((scaled(b, steps, 0) + 4) >> 3)
		for y := range n {
			line := dst[y*stride : y*stride+n]
			for x := range line {
				line[x] = v
			}
		}
		return
	}
	var columns [8][8]int32 // coefficients down to samples
	width := 0
	for ; set != 0; set &= set - 1 {
		k := bits.TrailingZeros64(set)
		at := zigzag[k]
		columns[at&7][at>>3&7] = scaled(b, steps, k)
		width = max(width, int(at&7))
	}
	for u := range width + 1 {
		transform(&columns[u], n, fixedBits-innerBits)
	}
	for y := range n {
		var line [8]int32
		for u := range width + 1 {
			line[u] = columns[u][y]
		}
		transform(&line, n, fixedBits+innerBits)
		to := dst[y*stride : y*stride+n]
		for x := range to {
			to[x] = grey(line[x&7])
		}
	}
}

func scaled(b *block, steps *Steps, k int) int32 {
	return min(max(int32(b[k&63])*int32(steps[k&63]), -maxSample), maxSample)
}

func grey(v int32) uint8 { return uint8(min(max(v+128, 0), 255)) }

// transform replaces n coefficients by n samples. For any n the mean stays. It divides by 2**shift and rounds.
func transform(c *[8]int32, n int, shift uint) {
	half := int32(1) << (shift - 1)
	switch n {
	case 1:
		c[0] = (c[0]*cos4 + half) >> shift
	case 2:
		c[0], c[1] = ((c[0]+c[1])*cos4+half)>>shift, ((c[0]-c[1])*cos4+half)>>shift
	case 4:
		a, b, d, e := four(c[0], c[1], c[2], c[3], half)
		c[0], c[1], c[2], c[3] = a>>shift, b>>shift, d>>shift, e>>shift
	case 8: // the even orders transform as four samples do
		a, b, d, e := four(c[0], c[2], c[4], c[6], half)
		c1, c3, c5, c7 := c[1], c[3], c[5], c[7]
		w := c1*cos1 + c3*cos3 + c5*cos5 + c7*cos7
		x := c1*cos3 - c3*cos7 - c5*cos1 - c7*cos5
		y := c1*cos5 - c3*cos1 + c5*cos7 + c7*cos3
		z := c1*cos7 - c3*cos5 + c5*cos3 - c7*cos1
		c[0], c[1], c[2], c[3] = (a+w)>>shift, (b+x)>>shift, (d+y)>>shift, (e+z)>>shift
		c[4], c[5], c[6], c[7] = (e-z)>>shift, (d-y)>>shift, (b-x)>>shift, (a-w)>>shift
	}
}

// four returns four samples, plus half.
func four(c0, c1, c2, c3, half int32) (a, b, d, e int32) {
	p, q := (c0+c2)*cos4+half, (c0-c2)*cos4+half
	r, s := c1*cos2+c3*cos6, c1*cos6-c3*cos2
	return p + r, q + s, q - s, p - r
}

// Size returns the size of the picture at n/8 of its width and height, rounded up.
func (p *Picture) Size(n int) (w, h int) { return over(p.W*n, 8), over(p.H*n, 8) }

// Rows is a view that calls row for each row of the picture at n/8 of its size, n 1, 2, 4 or 8, from above: four
// bytes a pixel, which are opaque. row must not keep them. The arithmetic is on integers: the same on every machine. At n = 8
// samples differ from what package image/jpeg gives by its errors of rounding.
func (p *Picture) Rows(n int, row func(rgba []uint8)) View {
	c := p.Components
	w, h := p.Size(n)
	high := c[0].V * n
	out := image.NewRGBA(image.Rect(0, 0, w, high))
	planes, sides := [3][]uint8{}, [3]int{}
	for i := range c {
		sides[i] = n
		if i > 0 && c[0].H > c[i].H && c[0].V > c[i].V { // colours have fewer blocks: they are shrunk less
			sides[i] = min(2*n, 8)
		}
		planes[i] = make([]uint8, c[i].Across*c[i].V*sides[i]*sides[i])
	}
	var strip image.Image = &image.Gray{Pix: planes[0], Stride: c[0].Across * n, Rect: out.Rect}
	if len(c) == 3 {
		strip = &image.YCbCr{
			Y: planes[0], Cb: planes[1], Cr: planes[2], YStride: c[0].Across * n, CStride: c[1].Across * sides[1],
			SubsampleRatio: ratios[[2]int{c[0].H * n / (c[1].H * sides[1]), c[0].V * n / (c[1].V * sides[1])}], Rect: out.Rect,
		}
	}
	return func(top int, rows *mcuRow) {
		for i := range c {
			c[i].strip(planes[i], sides[i], rows[i])
		}
		if ycc, ok := strip.(*image.YCbCr); ok {
			dsp.FromYCbCr(out, ycc)
		} else {
			draw.Draw(out, out.Rect, strip, image.Point{}, draw.Src)
		}
		for y := range min(high, h-top*high) {
			row(out.Pix[y*out.Stride : y*out.Stride+4*w])
		}
	}
}

var ratios = map[[2]int]image.YCbCrSubsampleRatio{
	{1, 1}: image.YCbCrSubsampleRatio444, {1, 2}: image.YCbCrSubsampleRatio440, {2, 1}: image.YCbCrSubsampleRatio422,
	{2, 2}: image.YCbCrSubsampleRatio420, {4, 1}: image.YCbCrSubsampleRatio411, {4, 2}: image.YCbCrSubsampleRatio410,
}

func (c *Component) strip(dst []uint8, n int, from blocks) {
	stride := c.Across * n
	for i := range from.coef {
		inverse(dst[i/c.Across*n*stride+i%c.Across*n:], stride, n, &from.coef[i], from.set[i], &c.Steps)
	}
}

// Grain is a view that fills dst, one number for each block of luma that has pixels, row by row. The number says how much
// neighbours along a row differ: the mean, in grey levels, if the differences are normal.
func (p *Picture) Grain(dst []float32) View {
	c := &p.Components[0]
	var weights [blockSize]float64 // what a coefficient of 1 adds to the mean square of differences
	for k, at := range zigzag {
		step := float64(c.Steps[k])
		weights[k] = float64(step*step) * grainOf[at&7]
	}
	return func(top int, rows *mcuRow) {
		for y := range min(c.V, c.InY-top*c.V) {
			for x := range c.InX {
				at := y*c.Across + x
				sum := 0.0
				for set := rows[0].set[at] &^ 1; set != 0; set &= set - 1 {
					k := bits.TrailingZeros64(set)
					v := int(rows[0].coef[at][k&63])
					sum += float64(float64(v*v) * weights[k&63])
				}
				dst[(top*c.V+y)*c.InX+x] = float32(math.Sqrt(2 / math.Pi * sum))
			}
		}
	}
}

// grainOf is 2 (1 - cos(pi u / 8)) / 64, by u: a wave of order u changes so much between neighbours.
var grainOf = [8]float64{0, 0.0023787646, 0.0091529136, 0.0192911458, 0.03125, 0.0432088542, 0.0533470864, 0.0601212354}

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
