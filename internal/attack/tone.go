package attack

import (
	"image"
	"math"
	"math/rand/v2"
)

// curve maps every channel through f, whose result is cut to 0..255 and rounded
// down.
func curve(p *image.NRGBA, f func(v float64) float64) *image.NRGBA {
	var table [256]uint8
	for v := range table {
		table[v] = clamp8(f(float64(v)))
	}
	out := image.NewNRGBA(p.Rect)
	for i := 0; i < len(p.Pix); i += 4 {
		s, d := p.Pix[i:i+4:i+4], out.Pix[i:i+4:i+4]
		d[0], d[1], d[2], d[3] = table[s[0]], table[s[1]], table[s[2]], 255
	}
	return out
}

// clamp8 cuts v to 0..255 and rounds down.
func clamp8(v float64) uint8 { return uint8(min(255, max(0, v))) }

// linear multiplies by gain and adds offset.
func linear(gain, offset float64) step {
	return func(_ *rand.Rand, p *image.NRGBA) *image.NRGBA {
		return curve(p, lineOf(gain, offset))
	}
}

func lineOf(gain, offset float64) func(float64) float64 {
	return func(v float64) float64 { return v*gain + offset }
}

// gamma raises the picture, as 0..1, to the power g.
func gamma(g float64) step {
	return func(_ *rand.Rand, p *image.NRGBA) *image.NRGBA { return curve(p, powerOf(g)) }
}

func powerOf(g float64) func(float64) float64 {
	return func(v float64) float64 { return 255 * math.Pow(v/255, g) }
}

func invert(_ *rand.Rand, p *image.NRGBA) *image.NRGBA {
	return curve(p, func(v float64) float64 { return 255 - v })
}

// noise adds Gaussian noise of deviation sigma to every channel on its own.
func noise(sigma float64) step {
	return func(r *rand.Rand, p *image.NRGBA) *image.NRGBA {
		out := image.NewNRGBA(p.Rect)
		for i := 0; i < len(p.Pix); i += 4 {
			s, d := p.Pix[i:i+4:i+4], out.Pix[i:i+4:i+4]
			d[0] = clamp8(float64(s[0]) + sigma*r.NormFloat64())
			d[1] = clamp8(float64(s[1]) + sigma*r.NormFloat64())
			d[2] = clamp8(float64(s[2]) + sigma*r.NormFloat64())
			d[3] = 255
		}
		return out
	}
}
