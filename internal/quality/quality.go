// Package quality measures how far a marked picture is from its original.
//
// Both measures look at the colours alone and pass over alpha. Their sums are
// made in a fixed order, so that they agree on every machine.
package quality

import (
	"image"
	"math"
)

// PSNR returns the peak signal-to-noise ratio of two pictures of the same size in
// dB: 10 log10(255² / mean square difference), the mean taken over all pixels of
// R, G and B. It is +Inf for equal pictures and NaN where the sizes differ or
// there are no pixels.
func PSNR(a, b *image.NRGBA) float64 {
	w, h := a.Rect.Dx(), a.Rect.Dy()
	if w != b.Rect.Dx() || h != b.Rect.Dy() || a.Rect.Empty() {
		return math.NaN()
	}
	var sum uint64
	for y := range h {
		sum += squares(a.Pix[y*a.Stride:][:4*w], b.Pix[y*b.Stride:][:4*w])
	}
	return ratio(sum, w, h)
}

// squares returns the sum of the squared differences of two rows.
func squares(p, q []uint8) (sum uint64) {
	for i := 0; i < len(p); i += 4 {
		r, g, b := int(p[i])-int(q[i]), int(p[i+1])-int(q[i+1]), int(p[i+2])-int(q[i+2])
		sum += uint64(r*r + g*g + b*b)
	}
	return sum
}

func ratio(sum uint64, w, h int) float64 {
	if sum == 0 {
		return math.Inf(1)
	}
	return 10 * math.Log10(255*255*3*float64(w)*float64(h)/float64(sum))
}

// A Comparison is [PSNR] and [SSIM] of two pictures that come row by row.
type Comparison struct {
	w, h, y int
	sum     uint64
	ssim    *ssim // nil where a side is shorter than its window
	total   float64
}

// NewComparison prepares to compare pictures of w x h pixels, one at least.
func NewComparison(w, h int) *Comparison {
	c := &Comparison{w: w, h: h}
	if min(w, h) >= side {
		c.ssim = newSSIM(w)
	}
	return c
}

// Add takes the next row of both, four bytes a pixel.
func (c *Comparison) Add(a, b []uint8) {
	c.sum += squares(a, b)
	if c.ssim != nil {
		c.total += c.ssim.next(c.y, a, b)
	}
	c.y++
}

// PSNR returns that of the pictures, once all rows were added.
func (c *Comparison) PSNR() float64 { return ratio(c.sum, c.w, c.h) }

// SSIM returns that of the pictures, once all rows were added.
func (c *Comparison) SSIM() float64 {
	if c.ssim == nil {
		return math.NaN()
	}
	return c.total / (float64(c.w-side+1) * float64(c.h-side+1))
}
