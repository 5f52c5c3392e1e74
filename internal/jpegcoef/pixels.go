package jpegcoef

import (
	"image"
	"image/draw"
	"math"
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

// A place is where a coefficient of zigzag order k lies in its block.
type place struct{ k, u, v uint8 }

// within lists, by n, the coefficients of the n lowest orders.
var within = func() (out [9][]place) {
	for n := 1; n <= 8; n *= 2 {
		for k, at := range zigzag {
			if int(at&7) < n && int(at>>3) < n {
				out[n] = append(out[n], place{uint8(k), at & 7, at >> 3})
			}
		}
	}
	return out
}()

// inverse writes block b as n x n samples.
func inverse(dst []uint8, stride, n int, b *block, steps *Steps) {
	var columns [8][8]int32 // coefficients down to samples
	width, high := 0, 0     // of what is not zero
	for _, p := range within[n] {
		if v := b[p.k]; v != 0 {
			columns[p.u&7][p.v&7] = min(max(int32(v)*int32(steps[p.k]), -maxSample), maxSample)
			width, high = max(width, int(p.u)), max(high, int(p.v))
		}
	}
	if width+high == 0 {
		columns[0][0] = (columns[0][0]+4)>>3 + 128
		v := uint8(min(max(columns[0][0], 0), 255))
		for y := range n {
			line := dst[y*stride : y*stride+n]
			for x := range line {
				line[x] = v
			}
		}
		return
	}
	for u := range width + 1 {
		transform(&columns[u], n, fixedBits-innerBits, 0)
	}
	for y := range n {
		var line [8]int32
		for u := range width + 1 {
			line[u] = columns[u][y]
		}
		transform(&line, n, fixedBits+innerBits, 128)
		to := dst[y*stride : y*stride+n]
		for x := range to {
			to[x] = uint8(min(max(line[x&7], 0), 255))
		}
	}
}

// transform replaces n coefficients by n samples. Whatever n is, a mean stays the same mean. It divides by 2**shift,
// rounds and adds offset.
func transform(c *[8]int32, n int, shift uint, offset int32) {
	half := int32(1)<<(shift-1) + offset<<shift
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

// Rows calls row for each row of the picture at n/8 of its size, n 1, 2, 4 or 8, from above: four bytes a pixel,
// which are opaque. row must not keep them. The arithmetic is on integers: the same on every machine. At n = 8 samples
// differ from what package image/jpeg gives by its errors of rounding.
func (p *Picture) Rows(n int, row func(rgba []uint8)) {
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
	for top := 0; top*high < h; top++ {
		for i := range c {
			c[i].strip(planes[i], sides[i], top*c[i].V, c[i].V)
		}
		draw.Draw(out, out.Rect, strip, image.Point{}, draw.Src)
		for y := range min(high, h-top*high) {
			row(out.Pix[y*out.Stride : y*out.Stride+4*w])
		}
	}
}

var ratios = map[[2]int]image.YCbCrSubsampleRatio{
	{1, 1}: image.YCbCrSubsampleRatio444, {1, 2}: image.YCbCrSubsampleRatio440, {2, 1}: image.YCbCrSubsampleRatio422,
	{2, 2}: image.YCbCrSubsampleRatio420, {4, 1}: image.YCbCrSubsampleRatio411, {4, 2}: image.YCbCrSubsampleRatio410,
}

// strip writes down rows of blocks, from row top on, as n x n samples a block.
func (c *Component) strip(dst []uint8, n, top, down int) {
	var changed block
	stride := c.Across * n
	for y := range down {
		for x := range c.Across {
			inverse(dst[y*n*stride+x*n:], stride, n, c.block((top+y)*c.Across+x, &changed), &c.Steps)
		}
	}
}

// Grain returns, for each block of luma that has pixels, row by row, how much neighbours along a row differ: the
// mean, in grey levels, if the differences are normal. Changes do not count.
func (p *Picture) Grain() []float32 {
	c := &p.Components[0]
	out := make([]float32, 0, c.InX*c.InY)
	var weights [blockSize]float64 // what a coefficient of 1 adds to the mean square of differences
	for k, at := range zigzag {
		step := float64(c.Steps[k])
		weights[k] = float64(step*step) * grainOf[at&7]
	}
	for y := range c.InY {
		for x := range c.InX {
			sum := 0.0
			for k, v := range c.stored(y*c.Across + x)[1:] {
				if v != 0 {
					sum += float64(float64(int(v)*int(v)) * weights[k+1])
				}
			}
			out = append(out, float32(math.Sqrt(2/math.Pi*sum)))
		}
	}
	return out
}

// grainOf is 2 (1 - cos(pi u / 8)) / 64, by u: a wave of order u changes so much between neighbours.
var grainOf = [8]float64{0, 0.0023787646, 0.0091529136, 0.0192911458, 0.03125, 0.0432088542, 0.0533470864, 0.0601212354}
