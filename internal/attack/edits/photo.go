package edits

import (
	"image"
	"math"
	"math/rand/v2"

	"github.com/disintegration/imaging"

	"github.com/kycmark/kycmark/internal/attack"
)

// ScreenPhoto is the step that photographs a screen with a phone: pixel grid, perspective, lens
// blur, tone curve, moire, noise.
func ScreenPhoto(r *rand.Rand, p *image.NRGBA) *image.NRGBA {
	p = pixelGrid(attack.ToSide(1200)(r, p))
	bar := p.Rect.Dy() / 20
	p = Frame(.06)(r, p)
	attack.Fill(p, image.Rect(0, 0, p.Rect.Dx(), bar), attack.Grey(20))
	p = attack.Steps(Tilt(.05), TurnWithin(4), attack.ScaleBy(1.3), Blur(1.1))(r, p)
	p = Tone(Power(attack.Uniform(r, .8, 1.25)))(r, p)
	p = Tone(Line(attack.Uniform(r, .85, 1.05), attack.Uniform(r, 0, 14)))(r, p)
	return Noise(3)(r, moire(p))
}

// pixelGrid returns a copy of p with every third row darkened by 7 % and every third column by 5 %, from the first on.
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

// moire returns a copy of p with two plane waves added to all channels, with amplitudes of 4 and 3 levels.
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
