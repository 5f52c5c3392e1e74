package attack

import (
	"image"
	"math"
	"math/rand/v2"
)

// handheld is a phone held before a screen, harder than [screenPhoto]: the lens
// bends, the moire is coloured, chirps and multiplies, the corners are dark.
type handheld struct {
	width, height int     // pixels of the photo of a picture that is not upright
	tilt          float64 // share of the picture's sides by which a corner moves
	lens          float64 // pincushion at half the width, share of the radius
	moire         float64 // amplitude of each of three waves
	blur          float64 // deviation, pixels
	noise         float64 // deviation, levels
}

// nightGrey surrounds the screen.
var nightGrey = rgb{30, 30, 30}

func (c handheld) photo(r *rand.Rand, p *image.NRGBA) *image.NRGBA {
	p = scaleToSide(p, 1280)
	if p.Rect.Dy() > p.Rect.Dx() {
		c.width, c.height = c.height, c.width
	}
	p = bend(c.shoot(r, p), c.lens)
	p = blur(c.expose(r, p), c.blur)
	return curve(noise(c.noise)(r, p), filmCurve)
}

// shoot puts the picture on the photo, 6 % away from its sides, each corner moved.
func (c handheld) shoot(r *rand.Rand, p *image.NRGBA) *image.NRGBA {
	const pad = .06
	w, h := float64(p.Rect.Dx()), float64(p.Rect.Dy())
	outW, outH := float64(c.width), float64(c.height)
	s := (1 - 2*pad) * min(outW/w, outH/h)
	x, y := (outW-w*s)/2, (outH-h*s)/2
	quad := [4][2]float64{{x, y}, {x + w*s, y}, {x + w*s, y + h*s}, {x, y + h*s}}
	for i := range quad {
		quad[i][0] += w * s * uniform(r, -c.tilt, c.tilt)
		quad[i][1] += h * s * uniform(r, -c.tilt, c.tilt)
	}
	m := ontoQuad(quad).mul(mat3{1 / w, 0, 0, 0, 1 / h, 0, 0, 0, 1})
	return warp(p, m, c.width, c.height, nightGrey)
}

// bend draws a lens that takes every pixel from 1+k r² times as far from the
// middle, r in half widths.
func bend(p *image.NRGBA, k float64) *image.NRGBA {
	midX, midY := float64(p.Rect.Dx())/2, float64(p.Rect.Dy())/2
	return pull(p, func(x, y float64) (float64, float64) {
		u, v := (x-midX)/midX, (y-midY)/midX
		f := 1 + k*(u*u+v*v)
		return u*f*midX + midX, v*f*midX + midY
	})
}

// pull draws each pixel from where from says, or from the nearest place inside.
func pull(p *image.NRGBA, from func(x, y float64) (float64, float64)) *image.NRGBA {
	wp := &warper{src: p, taps: cubicTaps()}
	out := image.NewNRGBA(p.Rect)
	right, bottom := float64(p.Rect.Dx()-1), float64(p.Rect.Dy()-1)
	for y := range p.Rect.Dy() {
		row := out.Pix[y*out.Stride:][:4*p.Rect.Dx()]
		for i := 0; i < len(row); i += 4 {
			sx, sy := from(float64(i/4), float64(y))
			sx, sy = min(right, max(0, sx)), min(bottom, max(0, sy))
			wp.sample(row[i:i+4:i+4], int(sx*warpGrid+.5), int(sy*warpGrid+.5))
		}
	}
	return out
}

// expose is what the screen and the sensor make of the light: tone, three waves of
// moire in each colour, dark corners, a warm cast taken the wrong way.
func (c handheld) expose(r *rand.Rand, p *image.NRGBA) *image.NRGBA {
	w, h := p.Rect.Dx(), p.Rect.Dy()
	var tone [256]float64
	for v := range tone {
		tone[v] = 255*.92*math.Pow(float64(v)/255, 1.25) + 8
	}
	waves := [3]chirp{newChirp(r, w, h), newChirp(r, w, h), newChirp(r, w, h)}
	balance := [3]float64{.93, 1, 1.05}
	out := image.NewNRGBA(p.Rect)
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
				dst[4*x+k] = clamp8(light)
			}
			dst[4*x+3] = 255
		}
	}
	return out
}

// chirp is a plane wave whose frequency rises a little across the picture, with a
// phase of its own in each colour.
type chirp struct {
	sinX, cosX []float64
	sinY, cosY [3][]float64
}

func newChirp(r *rand.Rand, w, h int) chirp {
	f, angle := 2*math.Pi*uniform(r, .01, .2), uniform(r, 0, math.Pi)
	sin, cos := math.Sincos(angle)
	c := chirp{sinX: make([]float64, w), cosX: make([]float64, w)}
	for x := range w {
		d := float64(x) - float64(w)/2
		c.sinX[x], c.cosX[x] = math.Sincos(f*cos*float64(x) + 2e-5*d*d)
	}
	for k := range c.sinY {
		phase := uniform(r, 0, 6)
		c.sinY[k], c.cosY[k] = make([]float64, h), make([]float64, h)
		for y := range h {
			c.sinY[k][y], c.cosY[k][y] = math.Sincos(f*sin*float64(y) + phase)
		}
	}
	return c
}

func (c *chirp) at(x, y, colour int) float64 {
	return c.sinX[x]*c.cosY[colour][y] + c.cosX[x]*c.sinY[colour][y]
}

// filmCurve is the phone's contrast curve, black and white where they were.
func filmCurve(v float64) float64 {
	s := func(v float64) float64 { return 255 / (1 + math.Exp(-(v-128)/48)) }
	return (s(v) - s(0)) / (1 - 2*s(0)/255)
}
