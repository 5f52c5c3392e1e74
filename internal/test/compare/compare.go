// Package compare measures with package quality how far one picture is from another, in colours, for tests and the bench.
package compare

import (
	"image"
	"math"

	"github.com/kycmark/kycmark/internal/quality"
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
	var d quality.Difference
	for y := range h {
		d.Add(a.Pix[y*a.Stride:][:4*w], b.Pix[y*b.Stride:][:4*w])
	}
	return d.PSNR()
}

// SSIM is [quality.SSIM] of the lumas of two pictures.
func SSIM(a, b *image.NRGBA) float64 { return quality.SSIM(quality.Gray(a), quality.Gray(b)) }
