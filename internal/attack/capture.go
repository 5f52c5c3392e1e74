package attack

import (
	"image"
	"image/color"
	"math"
	"math/rand/v2"

	"github.com/disintegration/imaging"
)

// screenshot returns the step that shows the picture at a random place in a dark page of a
// reviewing tool. The picture is first resized to the given long side, in pixels. The page is
// larger by a random margin.
func screenshot(side int) Step {
	return func(r *rand.Rand, p *image.NRGBA) *image.NRGBA {
		p = ToSide(side)(r, p)
		w, h := p.Rect.Dx(), p.Rect.Dy()
		page := imaging.New(w+80+r.IntN(320), h+120+r.IntN(240), grey(32))
		fill(page, image.Rect(0, 0, page.Rect.Dx(), 56), color.NRGBA{48, 52, 58, 255})
		for i := range 8 {
			fill(page, image.Rect(10, 80+60*i, 61, 111+60*i), grey(90))
		}
		write(page, "Case review - document 3 of 7", 70, 36, 415, 18, 1, grey(220))
		y, x := 60+r.IntN(page.Rect.Dy()-h-59), r.IntN(page.Rect.Dx()-w+1)
		paste(page, p, x, y)
		return page
	}
}

// collage puts the picture top left beside three blurred, turned or mirrored copies of itself, on
// white. The picture is first shrunk to a long side of at most 900 pixels.
func collage(r *rand.Rand, p *image.NRGBA) *image.NRGBA {
	const gap = 10 // pixels
	p = FitTo(900)(r, p)
	w, h := p.Rect.Dx(), p.Rect.Dy()
	soft := Blur(1)(r, p)
	out := imaging.New(2*w+3*gap, 2*h+3*gap, grey(255))
	paste(out, p, gap, gap)
	paste(out, imaging.Rotate180(soft), w+2*gap, gap)
	paste(out, imaging.FlipV(soft), gap, h+2*gap)
	paste(out, imaging.FlipH(soft), w+2*gap, h+2*gap)
	return out
}

// ScreenPhoto is the step that photographs a screen with a phone: pixel grid, perspective, lens
// blur, tone curve, moire, noise.
func ScreenPhoto(r *rand.Rand, p *image.NRGBA) *image.NRGBA {
	p = pixelGrid(ToSide(1200)(r, p))
	bar := p.Rect.Dy() / 20
	p = frame(.06)(r, p)
	fill(p, image.Rect(0, 0, p.Rect.Dx(), bar), grey(20))
	p = steps(tilt(.05), turnWithin(4), scaleBy(1.3), Blur(1.1))(r, p)
	p = Tone(power(Uniform(r, .8, 1.25)))(r, p)
	p = Tone(Line(Uniform(r, .85, 1.05), Uniform(r, 0, 14)))(r, p)
	return Noise(3)(r, moire(p))
}

// pixelGrid returns a copy of p with every third row darkened by 7 % and every third column by 5 %,
// from the first on.
func pixelGrid(p *image.NRGBA) *image.NRGBA {
	out := imaging.Clone(p)
	w := p.Rect.Dx()
	for i := 0; i < len(p.Pix); i += 4 {
		gain := float32(1)
		if i/4/w%3 == 0 {
			gain *= .93
		}
		if i/4%w%3 == 0 {
			gain *= .95
		}
		for k, v := range p.Pix[i : i+3] {
			out.Pix[i+k] = uint8(float32(v) * gain)
		}
	}
	return out
}

// moire returns a copy of p with two plane waves added to all channels, with amplitudes of 4 and 3
// levels.
func moire(p *image.NRGBA) *image.NRGBA {
	const turn = 2 * math.Pi
	out := imaging.Clone(p)
	sin1, cos1 := Waves(p.Rect.Dx(), turn*.043)
	sin2, cos2 := Waves(p.Rect.Dx(), turn*.017)
	for y := range p.Rect.Dy() {
		s1, c1 := math.Sincos(turn * .011 * float64(y))
		s2, c2 := math.Sincos(-turn * .051 * float64(y))
		for x := range sin1 {
			add := 4*(sin1[x]*c1+cos1[x]*s1) + 3*(sin2[x]*c2+cos2[x]*s2)
			d := out.Pix[y*out.Stride+4*x:][:3]
			for k, v := range d {
				d[k] = Clamp8(float64(v) + add)
			}
		}
	}
	return out
}

// Waves returns sine and cosine of x times the frequency, in radians, for x from 0 to n-1.
func Waves(n int, frequency float64) (sin, cos []float64) {
	sin, cos = make([]float64, n), make([]float64, n)
	for x := range n {
		sin[x], cos[x] = math.Sincos(frequency * float64(x))
	}
	return sin, cos
}

// PrintScan is the step that prints and scans, without the JPEG: blur, noise, flatter tone,
// paper around the picture, a little crooked.
func PrintScan(r *rand.Rand, p *image.NRGBA) *image.NRGBA {
	return steps(ToSide(1400), Blur(1), Noise(6), Tone(power(1.15)), Tone(Line(.86, 18)), frame(.08), turnWithin(2))(r, p)
}
