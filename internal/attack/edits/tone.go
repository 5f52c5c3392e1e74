package edits

import (
	"image"
	"math"
	"math/rand/v2"

	"github.com/disintegration/imaging"

	"github.com/kycmark/kycmark/internal/attack"
)

// Tone returns the step that maps every channel through f, from levels of 0 to 255 to levels.
// Results are cut to 0..255 and rounded down.
func Tone(f func(v float64) float64) attack.Step {
	return attack.Plain(func(p *image.NRGBA) *image.NRGBA {
		var table [256]uint8
		for v := range table {
			table[v] = Clamp8(f(float64(v)))
		}
		out := imaging.Clone(p)
		for i := 0; i < len(out.Pix); i += 4 {
			d := out.Pix[i : i+3 : i+3]
			d[0], d[1], d[2] = table[d[0]], table[d[1]], table[d[2]]
		}
		return out
	})
}

// Clamp8 cuts v to 0..255 and rounds down.
func Clamp8(v float64) uint8 { return uint8(min(255, max(0, v))) }

// Line is the tone that multiplies by gain and adds offset, in levels.
func Line(gain, offset float64) func(float64) float64 {
	return func(v float64) float64 { return v*gain + offset }
}

// Power is the tone that raises a level, taken as 0..1, to the power g.
func Power(g float64) func(float64) float64 {
	return func(v float64) float64 { return 255 * math.Pow(v/255, g) }
}

// Noise returns the step that adds Gaussian noise of deviation sigma levels to every channel on its own.
func Noise(sigma float64) attack.Step {
	return func(r *rand.Rand, p *image.NRGBA) *image.NRGBA {
		out := imaging.Clone(p)
		for i := 0; i < len(out.Pix); i += 4 {
			for k, v := range p.Pix[i : i+3] {
				out.Pix[i+k] = Clamp8(float64(v) + sigma*r.NormFloat64())
			}
		}
		return out
	}
}
