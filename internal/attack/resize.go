package attack

import (
	"image"
	"math"

	"github.com/disintegration/imaging"
)

// minSide is the shortest side, in pixels, that a resize leaves.
const minSide = 8

// ScaleBy returns the step that resizes both sides by the factor f, to minSide pixels or more: by
// area when shrinking, cubic when enlarging.
func ScaleBy(f float64) Step {
	return Plain(func(p *image.NRGBA) *image.NRGBA {
		w := max(minSide, int(math.RoundToEven(float64(p.Rect.Dx())*f)))
		h := max(minSide, int(math.RoundToEven(float64(p.Rect.Dy())*f)))
		return ScaleTo(p, w, h)
	})
}

// FitTo returns the step that shrinks a picture until its long side has the given pixels. A smaller
// picture stays as it is. The short side keeps minSide pixels.
func FitTo(side int) Step {
	return Plain(func(p *image.NRGBA) *image.NRGBA {
		if LongSide(p) <= side {
			return p
		}
		return ToSide(side)(nil, p)
	})
}

// ToSide returns the step that resizes a picture until its long side has the given pixels.
func ToSide(side int) Step {
	return Plain(func(p *image.NRGBA) *image.NRGBA {
		return ScaleBy(float64(side)/float64(LongSide(p)))(nil, p)
	})
}

func LongSide(p *image.NRGBA) int { return max(p.Rect.Dx(), p.Rect.Dy()) }

func ScaleTo(p *image.NRGBA, w, h int) *image.NRGBA {
	p = imaging.Resize(p, w, p.Rect.Dy(), resampling(p.Rect.Dx(), w))
	return imaging.Resize(p, w, h, resampling(p.Rect.Dy(), h))
}

// resampling returns the filter that takes a side of from pixels to a side of to pixels. Shrinking
// averages exactly the area that a pixel covers: a box of the new pixel's width folded with a box
// of the old pixel's width. Enlarging, and the same size, is [Cubic], as in OpenCV.
func resampling(from, to int) imaging.ResampleFilter {
	if to >= from {
		return imaging.ResampleFilter{Support: 2, Kernel: Cubic}
	}
	old := float64(to) / float64(from) // an old pixel's width in new pixels
	half := (1 + old) / 2
	return imaging.ResampleFilter{
		Support: half,
		Kernel:  func(x float64) float64 { return min(old, max(0, half-math.Abs(x))) },
	}
}

// Cubic returns the weight of a sample at a distance of x samples, of either sign, and 0 from two
// samples on. It is the cubic convolution kernel of Keys (1981), equation 4 with the free parameter
// -0.75.
func Cubic(x float64) float64 {
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
