package hard

import (
	"image"
	"image/color"
	"math"
	"math/rand/v2"

	"github.com/disintegration/imaging"

	"github.com/kycmark/kycmark/internal/test/attack"
)

// handheld is a phone held before a screen, harder than [attack.ScreenPhoto]: the lens
// bends, the moire is coloured, chirps and multiplies, the corners are dark.
type handheld struct {
	width, height int     // pixels of the photo of a picture that is not upright
	tilt          float64 // share of the picture's sides by which a corner moves
	lens          float64 // pincushion at half the width, share of the radius
	moire         float64 // amplitude of each of three waves
	blur          float64 // deviation, pixels
	noise         float64 // deviation, levels
}

// photo is the step that photographs a screen that shows the picture.
func (c handheld) photo(r *rand.Rand, p *image.NRGBA) *image.NRGBA {
	p = attack.ToSide(1280)(r, p)
	if p.Rect.Dy() > p.Rect.Dx() {
		c.width, c.height = c.height, c.width
	}
	p = bend(c.shoot(r, p), c.lens)
	p = attack.Blur(c.blur)(r, c.expose(r, p))
	return attack.Tone(filmCurve)(r, attack.Noise(c.noise)(r, p))
}

// shoot puts the picture on a photo in the dark, 6 % away from its sides, each corner moved.
func (c handheld) shoot(r *rand.Rand, p *image.NRGBA) *image.NRGBA {
	const pad = .06
	w, h := float64(p.Rect.Dx()), float64(p.Rect.Dy())
	outW, outH := float64(c.width), float64(c.height)
	s := (1 - 2*pad) * min(outW/w, outH/h)
	x, y := (outW-w*s)/2, (outH-h*s)/2
	quad := [4][2]float64{{x, y}, {x + w*s, y}, {x + w*s, y + h*s}, {x, y + h*s}}
	for i := range quad {
		quad[i][0] += w * s * attack.Uniform(r, -c.tilt, c.tilt)
		quad[i][1] += h * s * attack.Uniform(r, -c.tilt, c.tilt)
	}
	return attack.Warp(p, attack.OntoQuad(w, h, quad), c.width, c.height, color.NRGBA{30, 30, 30, 255})
}

// bend draws p through a lens that takes every pixel from 1+k r² times as far from the middle;
// r is the distance from the middle in half widths.
func bend(p *image.NRGBA, k float64) *image.NRGBA {
	midX, midY := float64(p.Rect.Dx())/2, float64(p.Rect.Dy())/2
	return attack.Pull(p, func(x, y float64) (float64, float64) {
		u, v := (x-midX)/midX, (y-midY)/midX
		f := 1 + k*(u*u+v*v)
		return u*f*midX + midX, v*f*midX + midY
	})
}

// lens is the step that draws a picture through a lens, see [bend].
func lens(k float64) attack.Step {
	return func(_ *rand.Rand, p *image.NRGBA) *image.NRGBA { return bend(p, k) }
}

// expose returns p after screen and sensor: tone, three waves of moire in each colour, dark
// corners, a warm cast corrected the wrong way.
func (c handheld) expose(r *rand.Rand, p *image.NRGBA) *image.NRGBA {
	w, h := p.Rect.Dx(), p.Rect.Dy()
	var tone [256]float64
	for v := range tone {
		tone[v] = 255*.92*math.Pow(float64(v)/255, 1.25) + 8
	}
	waves := [3]chirp{newChirp(r, w, h), newChirp(r, w, h), newChirp(r, w, h)}
	balance := [3]float64{.93, 1, 1.05}
	out := imaging.Clone(p)
	for y := range h {
		v := (float64(y) - float64(h)/2) / float64(h)
		src, dst := p.Pix[y*p.Stride:][:4*w], out.Pix[y*out.Stride:][:4*w]
		for x := range w {
			u := (float64(x) - float64(w)/2) / float64(w)
			shade := 1 - .5*(u*u+v*v)
			for k, b := range balance {
				light := b * shade * tone[src[4*x+k]]
				for i := range waves {
					light *= 1 + c.moire*waves[i].at(x, y, k)
				}
				dst[4*x+k] = attack.Clamp8(light)
			}
		}
	}
	return out
}

// A chirp is a plane wave whose frequency rises a little across the picture, with a phase of its
// own in each colour.
type chirp struct {
	sinX, cosX []float64    // of the phase that a column adds
	sinY, cosY [3][]float64 // of the phase that a row adds in each colour
}

// newChirp draws direction, frequency and phases of a wave for a picture of w x h pixels.
func newChirp(r *rand.Rand, w, h int) chirp {
	f, angle := 2*math.Pi*attack.Uniform(r, .01, .2), attack.Uniform(r, 0, math.Pi)
	sin, cos := math.Sincos(angle)
	c := chirp{sinX: make([]float64, w), cosX: make([]float64, w)}
	for x := range w {
		d := float64(x) - float64(w)/2
		c.sinX[x], c.cosX[x] = math.Sincos(f*cos*float64(x) + 2e-5*d*d)
	}
	for k := range c.sinY {
		phase := attack.Uniform(r, 0, 6)
		c.sinY[k], c.cosY[k] = make([]float64, h), make([]float64, h)
		for y := range h {
			c.sinY[k][y], c.cosY[k][y] = math.Sincos(f*sin*float64(y) + phase)
		}
	}
	return c
}

// at returns the wave, -1 to 1, at the pixel (x, y) in colour 0 to 2.
func (c *chirp) at(x, y, colour int) float64 {
	return c.sinX[x]*c.cosY[colour][y] + c.cosX[x]*c.sinY[colour][y]
}

// filmCurve is the tone of the phone's contrast: 0 stays 0, and 255 stays 255.
func filmCurve(v float64) float64 {
	s := func(v float64) float64 { return 255 / (1 + math.Exp(-(v-128)/48)) }
	return (s(v) - s(0)) / (1 - 2*s(0)/255)
}
