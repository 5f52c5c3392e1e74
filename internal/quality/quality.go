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
		p, q := a.Pix[y*a.Stride:][:4*w], b.Pix[y*b.Stride:][:4*w]
		for i := 0; i < len(p); i += 4 {
			r, g, b := int(p[i])-int(q[i]), int(p[i+1])-int(q[i+1]), int(p[i+2])-int(q[i+2])
			sum += uint64(r*r + g*g + b*b)
		}
	}
	if sum == 0 {
		return math.Inf(1)
	}
	return 10 * math.Log10(255*255*3*float64(w)*float64(h)/float64(sum))
}
