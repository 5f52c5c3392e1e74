package attack

import (
	"image"
	"math"
	"math/rand/v2"

	"github.com/disintegration/imaging"
)

// minSide is the shortest side that a resize leaves.
const minSide = 8

// scaleBy resizes by the factor f: by area when shrinking, cubic when enlarging.
func scaleBy(f float64) step {
	return func(_ *rand.Rand, p *image.NRGBA) *image.NRGBA { return scale(p, f) }
}

// fitTo shrinks the picture until its long side is side pixels; a smaller one
// stays as it is.
func fitTo(side int) step {
	return func(_ *rand.Rand, p *image.NRGBA) *image.NRGBA { return fit(p, side) }
}

func fit(p *image.NRGBA, side int) *image.NRGBA {
	if longSide(p) <= side {
		return p
	}
	return scaleToSide(p, side)
}

func scaleToSide(p *image.NRGBA, side int) *image.NRGBA {
	return scale(p, float64(side)/float64(longSide(p)))
}

func longSide(p *image.NRGBA) int { return max(p.Rect.Dx(), p.Rect.Dy()) }

func scale(p *image.NRGBA, f float64) *image.NRGBA {
	w := max(minSide, int(math.RoundToEven(float64(p.Rect.Dx())*f)))
	h := max(minSide, int(math.RoundToEven(float64(p.Rect.Dy())*f)))
	return scaleTo(p, w, h)
}

func scaleTo(p *image.NRGBA, w, h int) *image.NRGBA {
	p = imaging.Resize(p, w, p.Rect.Dy(), resampling(p.Rect.Dx(), w))
	return imaging.Resize(p, w, h, resampling(p.Rect.Dy(), h))
}

// resampling is the filter from a side of from to one of to pixels: shrinking
// averages exactly the area that a pixel covers (a box of the new pixel's width
// folded with one of the old pixel's), enlarging is the cubic convolution of
// Keys (1981) with a = -0.75, as in OpenCV.
func resampling(from, to int) imaging.ResampleFilter {
	if to >= from {
		return imaging.ResampleFilter{Support: 2, Kernel: keys}
	}
	old := float64(to) / float64(from) // an old pixel's width in new pixels
	half := (1 + old) / 2
	return imaging.ResampleFilter{
		Support: half,
		Kernel:  func(x float64) float64 { return min(old, max(0, half-math.Abs(x))) },
	}
}

// keys is the cubic convolution kernel of Keys (1981), equation 4 with the free
// parameter -0.75.
func keys(x float64) float64 {
	const a = -0.75
	x = math.Abs(x)
	switch {
	case x <= 1:
		return ((a+2)*x-(a+3))*x*x + 1
	case x < 2:
		return ((a*x-5*a)*x+8*a)*x - 4*a
	}
	return 0
}
