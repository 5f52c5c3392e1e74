package attack

import (
	"image"
	"math"
	"math/rand/v2"

	"github.com/disintegration/imaging"

	base "github.com/kycmark/kycmark/internal/attack"
	"github.com/kycmark/kycmark/internal/attack/edits"
	"github.com/kycmark/kycmark/internal/geometry"
)

// affine returns the step that stretches by sx across and sy down. It also shears to the right by
// the given share of the height, 0 or more. The result holds the whole sheared picture; what is
// left beside it is black.
func affine(sx, sy, shear float64) Step {
	return base.Plain(func(p *image.NRGBA) *image.NRGBA {
		w, h := float64(p.Rect.Dx()), float64(p.Rect.Dy())
		m := geometry.Mat{sx, shear, 0, 0, sy, 0, 0, 0, 1}
		return Warp(p, m, max(1, int(w*sx+h*math.Abs(shear))), max(1, int(h*sy)), base.Grey(0))
	})
}

// collage puts the picture top left beside three blurred, turned or mirrored copies of itself, on
// white. The picture is first shrunk to a long side of at most 900 pixels.
func collage(r *rand.Rand, p *image.NRGBA) *image.NRGBA {
	const gap = 10 // pixels
	p = FitTo(900)(r, p)
	w, h := p.Rect.Dx(), p.Rect.Dy()
	soft := Blur(1)(r, p)
	out := imaging.New(2*w+3*gap, 2*h+3*gap, base.Grey(255))
	base.Paste(out, p, gap, gap)
	base.Paste(out, imaging.Rotate180(soft), w+2*gap, gap)
	base.Paste(out, imaging.FlipV(soft), gap, h+2*gap)
	base.Paste(out, imaging.FlipH(soft), w+2*gap, h+2*gap)
	return out
}

// PrintScan is the step that prints and scans, without the JPEG: blur, noise, flatter tone,
// paper around the picture, a little crooked.
func PrintScan(r *rand.Rand, p *image.NRGBA) *image.NRGBA {
	return base.Steps(ToSide(1400), Blur(1), Noise(6), Tone(edits.Power(1.15)), Tone(Line(.86, 18)), edits.Frame(.08), edits.TurnWithin(2))(r, p)
}

// sharpen returns p under an unsharp mask: twice the picture less its blur of 2 pixels, cut to
// 0..255.
func sharpen(p *image.NRGBA) *image.NRGBA {
	out := Blur(2)(nil, p)
	for i, b := range out.Pix {
		out.Pix[i] = uint8(min(255, max(0, 2*int(p.Pix[i])-int(b))))
	}
	return out
}

// repeat moves a position to the nearest inside.
func repeat(i, size int) int { return min(size-1, max(0, i)) }

// Pull returns a picture as large as p. The function from returns the place in p that the pixel
// at (x, y) is taken from; for a place outside p, the nearest place inside counts.
func Pull(p *image.NRGBA, from func(x, y float64) (float64, float64)) *image.NRGBA {
	w, h := p.Rect.Dx(), p.Rect.Dy()
	return edits.Pull(p, w, h, base.Grey(0), func(x, y float64) (float64, float64) {
		x, y = from(x, y)
		return min(float64(w-1), max(0, x)), min(float64(h-1), max(0, y))
	})
}
