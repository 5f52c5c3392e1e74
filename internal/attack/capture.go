package attack

import (
	"image"
	"image/color"
	"math"
	"math/rand/v2"

	"github.com/disintegration/imaging"
)

// Screenshot returns the step that shows the picture at a random place in a dark page of a
// reviewing tool. The picture is first resized to the given long side, in pixels. The page is
// larger by a random margin.
func Screenshot(side int) Step {
	return func(r *rand.Rand, p *image.NRGBA) *image.NRGBA {
		p = ToSide(side)(r, p)
		w, h := p.Rect.Dx(), p.Rect.Dy()
		page := imaging.New(w+80+r.IntN(320), h+120+r.IntN(240), Grey(32))
		Fill(page, image.Rect(0, 0, page.Rect.Dx(), 56), color.NRGBA{48, 52, 58, 255})
		for i := range 8 {
			Fill(page, image.Rect(10, 80+60*i, 61, 111+60*i), Grey(90))
		}
		Write(page, "Case review - document 3 of 7", 70, 36, 415, 18, 1, Grey(220))
		y, x := 60+r.IntN(page.Rect.Dy()-h-59), r.IntN(page.Rect.Dx()-w+1)
		Paste(page, p, x, y)
		return page
	}
}

// ScreenPhoto is the step that photographs a screen with a phone: pixel grid, perspective, lens
// blur, tone curve, moire, noise.
func ScreenPhoto(r *rand.Rand, p *image.NRGBA) *image.NRGBA {
	p = pixelGrid(ToSide(1200)(r, p))
	bar := p.Rect.Dy() / 20
	p = Frame(.06)(r, p)
	Fill(p, image.Rect(0, 0, p.Rect.Dx(), bar), Grey(20))
	p = Steps(Tilt(.05), TurnWithin(4), ScaleBy(1.3), Blur(1.1))(r, p)
	p = Tone(Power(Uniform(r, .8, 1.25)))(r, p)
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
