package phash_test

import (
	"image"
	"image/color"
	"math/rand/v2"

	"github.com/kycmark/kycmark/phash"
)

var kinds = []phash.Kind{
	phash.PDQ, phash.Perception, phash.Difference, phash.Average, phash.Area,
}

func newRandom(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

func randomHash(r *rand.Rand, kind phash.Kind) phash.Hash {
	h := phash.Hash{Kind: kind}
	for i := range kind.Len() / 64 {
		h.Bits[i] = r.Uint64()
	}
	return h
}

// textures are pictures by integer formulas, the same on every machine: colour
// at (x, y) of a picture of w × h.
var textures = map[string]func(x, y, w, h uint32) color.NRGBA{
	"noise": func(x, y, w, h uint32) color.NRGBA {
		v := mix(x + y*w)
		return color.NRGBA{uint8(v), uint8(v >> 8), uint8(v >> 16), 255}
	},
	// Waves of several periods in each colour, like a landscape out of focus.
	"photo": func(x, y, w, h uint32) color.NRGBA {
		u, v := x*4096/w, y*4096/h
		a := wave(u*3+v) + wave(v*5-u*2) + wave(u*7+v*6)/2
		b := wave(u*2+v*9) + wave(u*11-v*3)/2 + mix(x/3*977+y/3)%16
		return color.NRGBA{uint8(a * 3 / 8), uint8((a + b) / 5), uint8(b * 5 / 12), 255}
	},
	// A page: lines of words, dark on paper, with an even margin.
	"page": func(x, y, w, h uint32) color.NRGBA {
		u, v := x*512/w, y*724/h
		line, col := v/12, u/5
		ink := v%12 < 7 && u > 40 && u < 470 && line > 4 && line < 55 && mix(line*131+col/4)%5 > 0 && mix(line*977+col*31+v%12*7+u%5)%3 == 0
		if ink {
			return color.NRGBA{30, 32, 40, 255}
		}
		return color.NRGBA{246, 244, 238, 255}
	},
	"blocks": func(x, y, w, h uint32) color.NRGBA {
		v := mix(x*13/w + y*11/h*64)
		return color.NRGBA{uint8(v), uint8(v >> 8), uint8(v >> 16), 255}
	},
	"ramp": func(x, y, w, h uint32) color.NRGBA {
		return color.NRGBA{uint8(x * 255 / w), uint8(y * 255 / h), uint8((x + y) * 127 / (w + h)), 255}
	},
	"even": func(x, y, w, h uint32) color.NRGBA { return color.NRGBA{120, 90, 33, 255} },
	// Left and right the same: half of the cosine coefficients are 0, or would be
	// but for rounding.
	"mirrored": func(x, y, w, h uint32) color.NRGBA {
		v := min(x, w-1-x) * 510 / w
		return color.NRGBA{uint8(v), uint8(v / 2), uint8(y * 255 / h), 255}
	},
	// Every pixel of another colour and transparency, for the blend with white.
	"glass": func(x, y, w, h uint32) color.NRGBA {
		v := mix(x + y*w)
		return color.NRGBA{uint8(x * 255 / w), uint8(v), uint8(y * 255 / h), uint8(v>>8) | uint8(x*255/w)}
	},
}

// mix scatters the bits of v (the finaliser of MurmurHash3).
func mix(v uint32) uint32 {
	v ^= v >> 16
	v *= 0x85ebca6b
	v ^= v >> 13
	v *= 0xc2b2ae35
	return v ^ v>>16
}

// wave is a triangle of period 4096 between 0 and 255.
func wave(v uint32) uint32 {
	v %= 4096
	if v >= 2048 {
		v = 4095 - v
	}
	return v / 8
}

// picture returns a texture at that size.
func picture(texture string, w, h int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	f := textures[texture]
	for y := range h {
		for x := range w {
			c := f(uint32(x), uint32(y), uint32(w), uint32(h))
			copy(m.Pix[y*m.Stride+4*x:], []uint8{c.R, c.G, c.B, c.A})
		}
	}
	return m
}
