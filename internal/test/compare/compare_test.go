package compare_test

import (
	"image"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kycmark/kycmark/internal/test/compare"
)

// Measured with numpy 1.24.2 and scikit-image 0.19.3 by
//
//	/usr/bin/python3 testdata/vectors.py
var vectors = []struct {
	w, h, coarse, depth int
	psnr, ssim          float64
}{
	{64, 48, 1, 3, 44.1938331878, 0.9987080544},
	{64, 48, 1, 31, 25.8470317485, 0.9272534067},
	{101, 37, 9, 15, 31.8448502781, 0.8408251134},
	{200, 150, 4, 255, 7.8958782174, 0.0839935309},
	{11, 11, 2, 7, 38.5936991212, 0.9600226074},
}

// pair draws the two pictures of a vector as vectors.py does.
func pair(w, h, coarse, depth int) (a, b *image.NRGBA) {
	a, b = image.NewNRGBA(image.Rect(0, 0, w, h)), image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			i := a.PixOffset(x, y)
			for c := range 3 {
				v := (3*x + 5*y + 50*c + x*y/7) / coarse % 256
				a.Pix[i+c] = uint8(v)
				b.Pix[i+c] = uint8(v ^ (x*(c+1)+3*y)&depth)
			}
			a.Pix[i+3], b.Pix[i+3] = 255, uint8(x) // alpha does not count
		}
	}
	return a, b
}

func TestAgainstScikitImage(t *testing.T) {
	for _, v := range vectors {
		a, b := pair(v.w, v.h, v.coarse, v.depth)
		assert.InDelta(t, v.psnr, compare.PSNR(a, b), 1e-9)
		assert.InDelta(t, v.ssim, compare.SSIM(a, b), 1e-9)
		assert.Equal(t, compare.PSNR(a, b), compare.PSNR(b, a))
		assert.InDelta(t, compare.SSIM(a, b), compare.SSIM(b, a), 1e-15)
	}
}

func TestEqualPictures(t *testing.T) {
	a, _ := pair(40, 30, 1, 1)
	assert.Equal(t, math.Inf(1), compare.PSNR(a, a))
	assert.InDelta(t, 1, compare.SSIM(a, a), 1e-12)
}

func TestNoAnswer(t *testing.T) {
	a, _ := pair(40, 30, 1, 1)
	b, _ := pair(30, 40, 1, 1)
	small, _ := pair(10, 50, 1, 1)
	assert.True(t, math.IsNaN(compare.PSNR(a, b)), "sizes differ")
	assert.True(t, math.IsNaN(compare.SSIM(a, b)), "sizes differ")
	assert.True(t, math.IsNaN(compare.SSIM(small, small)), "narrower than the window")
	assert.Equal(t, math.Inf(1), compare.PSNR(small, small))
	assert.True(t, math.IsNaN(compare.PSNR(&image.NRGBA{}, &image.NRGBA{})), "empty")
}

// A part of a larger picture counts as itself.
func TestSubImages(t *testing.T) {
	a, b := pair(60, 50, 2, 7)
	box := image.Rect(10, 5, 50, 45)
	cut := func(p *image.NRGBA) (view, own *image.NRGBA) {
		view = p.SubImage(box).(*image.NRGBA)
		own = image.NewNRGBA(image.Rect(0, 0, box.Dx(), box.Dy()))
		for y := range box.Dy() {
			copy(own.Pix[y*own.Stride:][:own.Stride], view.Pix[y*view.Stride:])
		}
		return view, own
	}
	viewA, ownA := cut(a)
	viewB, ownB := cut(b)
	assert.Equal(t, compare.PSNR(ownA, ownB), compare.PSNR(viewA, viewB))
	assert.Equal(t, compare.SSIM(ownA, ownB), compare.SSIM(viewA, viewB))
}

// Noise one level larger is worse by both measures.
func TestMoreNoiseIsWorse(t *testing.T) {
	lastP, lastS := math.Inf(1), 1.0
	for _, depth := range []int{1, 3, 7, 15, 31, 63, 127} {
		a, b := pair(80, 60, 3, depth)
		p, s := compare.PSNR(a, b), compare.SSIM(a, b)
		assert.Less(t, p, lastP)
		assert.Less(t, s, lastS)
		lastP, lastS = p, s
	}
}

func BenchmarkSSIM(b *testing.B) {
	p, q := pair(1600, 1250, 3, 7)
	for b.Loop() {
		compare.SSIM(p, q)
	}
}

func BenchmarkPSNR(b *testing.B) {
	p, q := pair(1600, 1250, 3, 7)
	for b.Loop() {
		compare.PSNR(p, q)
	}
}
