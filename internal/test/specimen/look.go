package specimen

import (
	"math/rand/v2"
)

// look is how a person's head is built. Lengths are in head units: the crown
// of the skull at y = -1, the eyes near 0, the chin at 1, x to the right.
type look struct {
	seed  uint64
	woman bool
	age   float64 // years, when the portrait was taken

	skin, lips, iris, hair rgb
	redness                float64 // of cheeks and nose, 0..1
	freckles               float64 // 0..1
	sheen                  float64 // of the skin, 0..1

	width, square  float64 // half width of the skull; 0 narrow to 1 square jaw
	gaunt, chin    float64 // hollow of the cheeks, height of the chin
	ridge          float64 // height of the brow ridge
	eyeX, eyeY     float64 // centre of an eye
	eyeW, eyeOpen  float64 // half width, height of the upper lid
	eyeTilt, lid   float64 // slope of the eye, depth of the lid's crease
	browY, browH   float64 // middle of the brows, half thickness
	browArch       float64
	noseY, noseW   float64 // base of the nose, half width at the wings
	noseH          float64 // how far it stands out
	mouthY, mouthW float64 // line of the mouth, half width
	upper, lower   float64 // thickness of the lips

	cut     haircut
	beard   float64 // 0 shaven, 0.3 stubble, 1 full
	glasses float64 // 0 none, else frame thickness
	frame   rgb
	collar  int // kind of clothes
	cloth   rgb
	cloth2  rgb
	ground  rgb // behind the portrait
}

// haircut is the shape of the hair, in head units.
type haircut struct {
	side, top float64 // thickness beside and above the skull
	length    float64 // lower edge beside the face
	fringe    float64 // hairline at the middle of the forehead
	temple    float64 // half width of the face that the hair leaves free
	part      float64 // where the parting is, -1..1
	flare     float64 // how much it widens downwards
	curl      float64 // 0 straight, 1 tight curls
	wave      float64
	scarf     bool // a headscarf instead
	bun       bool
	bald      bool // nothing on top
	flow      flow
}

// flow is how the hair runs over the head.
type flow uint8

const (
	radial flow = iota // from the crown, in all directions: fringes, cropped hair
	swept              // from a parting around the face
)

// The skins run from very dark to very light, about evenly in lightness.
var skins = [...]uint32{0x3f2a22, 0x563729, 0x704a35, 0x8c5f44, 0xa87653, 0xc08e68, 0xd3a581, 0xe2ba98, 0xecc9ab, 0xf3d8c2}

var (
	darkHair  = [...]uint32{0x17120f, 0x1d1613, 0x231a15, 0x2e211a}
	lightHair = [...]uint32{0x2b1f18, 0x3d2a1d, 0x543821, 0x6e4c2b, 0x8f6a3d, 0xb08c58, 0x8a4a28, 0xc9a877}
	darkIris  = [...]uint32{0x2a1710, 0x351d12, 0x432718, 0x543420}
	lightIris = [...]uint32{0x3f5f78, 0x5a7f98, 0x6b8290, 0x55703f, 0x6b6a3c, 0x6f4d2a, 0x4a2f1c}
	fabrics   = [...]uint32{0x27313f, 0x1d2733, 0x37474f, 0x5b2c34, 0x2f4a3c, 0x6b6f76, 0x8d8377, 0xb9b3a7, 0x3a3550, 0x20242a, 0x7c4a3a, 0x41627a, 0xcfd3d6}
	grounds   = [...]uint32{0xdfe3e6, 0xd3dbe2, 0xe6e3dc, 0xcdd6db, 0xe9ebec, 0xdad6d0}
)

// newLook draws a person's looks from p.Seed, with sex and age (when the documents were issued)
// from p. Skin decides which colours of hair and eyes are likely; everything else is independent. A
// sex other than "M" gives a woman's looks.
func newLook(p Person) look {
	r := draws(p.Seed, streamLook)
	f := look{seed: p.Seed, woman: p.Sex != "M"}
	f.age = clamp(float64(p.Issued.Year()-p.Born.Year()), 18, 80)
	f.complexion(r)
	f.bones(r)
	f.features(r)
	if f.woman {
		f.cut = womansCut(r, f.age)
	} else {
		f.cut = mansCut(r, f.age)
		f.beard = [...]float64{0, 0, 0.18, 0.3, 0.45, 0.8, 1}[r.IntN(7)]
	}
	if r.Float64() < 0.08+f.age/300 {
		f.glasses = between(r, 0.014, 0.034)
	}
	f.frame = srgb([...]uint32{0x15120f, 0x2a1a12, 0x6f6a60, 0x1c2430}[r.IntN(4)])
	c := draws(p.Seed, streamClothes)
	f.dress(c)
	f.ground = srgb(grounds[c.IntN(len(grounds))])
	return f
}

// complexion draws from r the colours of skin, hair, eyes and lips. f.age and f.woman must be set:
// age turns hair grey.
func (f *look) complexion(r *rand.Rand) {
	tone := between(r, 0, float64(len(skins)-1))
	i := min(int(tone), len(skins)-2)
	f.skin = srgb(skins[i]).over(srgb(skins[i+1]), tone-float64(i))
	f.skin = f.skin.times(rgb{between(r, 0.96, 1.04), between(r, 0.97, 1.02), between(r, 0.92, 1.08)})
	fair := clamp((tone-5.2)/2.5, 0, 1)
	f.hair, f.iris = srgb(darkHair[r.IntN(len(darkHair))]), srgb(darkIris[r.IntN(len(darkIris))])
	if r.Float64() < fair {
		f.hair = srgb(lightHair[r.IntN(len(lightHair))])
		f.iris = srgb(lightIris[r.IntN(len(lightIris))])
	}
	white := clamp((f.age-42)/34, 0, 1) * between(r, 0, 1.3)
	f.hair = f.hair.over(srgb(0xb9b7b4), clamp(white, 0, 0.92))
	pink := rgb{1.0, 0.50, 0.50}
	if f.woman && r.IntN(2) == 0 {
		pink = rgb{0.98, 0.36, 0.40}
	}
	f.lips = f.skin.times(pink).over(srgb(0x8c4a4a), 0.25+0.15*fair)
	f.redness = between(r, 0.25, 1) * (0.35 + 0.65*fair)
	f.freckles = max(0, between(r, -2, 1)) * fair
	f.sheen = between(r, 0.4, 1)
}

// bones draws from r the shape of the skull, and the places of eyes, nose and mouth. f.woman must
// be set.
func (f *look) bones(r *rand.Rand) {
	f.width = between(r, 0.64, 0.705)
	f.square = between(r, 0.05, 0.55)
	f.chin = between(r, 0.03, 0.07)
	f.ridge = between(r, 0.0, 0.03)
	if !f.woman {
		f.width += 0.015
		f.square += 0.3
		f.chin += 0.02
		f.ridge += 0.035
	}
	f.gaunt = between(r, 0, 0.07)
	f.eyeX = between(r, 0.275, 0.305)
	f.eyeY = between(r, -0.03, 0.04)
	f.noseY = f.eyeY + between(r, 0.40, 0.48)
	f.noseW = between(r, 0.125, 0.185)
	f.noseH = between(r, 0.8, 1.2)
	f.mouthY = f.noseY + between(r, 0.175, 0.225)
}

// features draws from r the shapes of eyes, brows and mouth. bones must have run: the brows lie
// above f.eyeY.
func (f *look) features(r *rand.Rand) {
	f.eyeW = between(r, 0.140, 0.165)
	f.eyeOpen = between(r, 0.058, 0.084) - f.age*0.0001
	f.eyeTilt = between(r, -0.06, 0.14)
	f.lid = between(r, 0.2, 1)
	f.browY = f.eyeY - between(r, 0.165, 0.215)
	f.browH = between(r, 0.022, 0.036)
	f.browArch = between(r, 0.01, 0.06)
	f.mouthW = between(r, 0.225, 0.275)
	f.upper = between(r, 0.030, 0.055)
	f.lower = between(r, 0.050, 0.080)
	if f.woman {
		f.eyeOpen += 0.008
		f.browH *= 0.72
		f.upper += 0.006
	} else {
		f.browH += 0.006
		f.browY += 0.015
	}
}

// womansCut draws from r the haircut of a woman, or a headscarf, which only women below 60 years
// wear. age is in years.
func womansCut(r *rand.Rand, age float64) haircut {
	part := between(r, -0.5, 0.5)
	switch k := r.IntN(16); {
	case k < 4: // long and straight
		return haircut{side: 0.10, top: 0.13, length: between(r, 1.3, 1.9), fringe: -0.62, temple: 0.555, part: part, flare: 0.05, flow: swept}
	case k < 7: // long and wavy
		return haircut{side: 0.17, top: 0.16, length: between(r, 1.1, 1.8), fringe: -0.60, temple: 0.555, part: part, flare: 0.14, wave: 1, curl: 0.25, flow: swept}
	case k < 9: // bob
		return haircut{side: 0.16, top: 0.15, length: between(r, 0.75, 1.0), fringe: -0.58, temple: 0.55, part: part, flare: 0.02, flow: swept}
	case k < 11: // with a fringe
		return haircut{side: 0.13, top: 0.15, length: between(r, 0.8, 1.7), fringe: between(r, -0.34, -0.26), temple: 0.565, part: 0, flare: 0.06}
	case k < 13: // tied back
		return haircut{side: 0.015, top: 0.06, length: 0.05, fringe: -0.64, temple: 0.63, part: part, bun: r.IntN(2) == 0, flow: swept}
	case k < 14: // curls
		return haircut{side: between(r, 0.26, 0.42), top: between(r, 0.24, 0.36), length: between(r, 0.5, 1.0), fringe: -0.56, temple: 0.565, curl: 1, flare: 0.05}
	case k < 15 && age < 60:
		return haircut{scarf: true, side: 0.13, top: 0.10, length: 2.4, fringe: -0.55, temple: 0.545, flare: 0.12}
	}
	return haircut{side: 0.10, top: 0.17, length: between(r, 0.15, 0.35), fringe: -0.52, temple: 0.57, part: part, wave: 0.5, curl: 0.2, flow: swept} // short
}

// mansCut draws from r the haircut of a man. age is in years: older men are bald more often, and
// their hairline recedes.
func mansCut(r *rand.Rand, age float64) haircut {
	part := [...]float64{-0.7, 0.7, 0}[r.IntN(3)]
	cut := haircut{side: between(r, 0.02, 0.05), top: between(r, 0.09, 0.19), length: between(r, 0.05, 0.2), fringe: between(r, -0.66, -0.52), temple: 0.615, part: part}
	switch k := r.IntN(12); {
	case k < 1 || age > 55 && k < 4: // bald on top
		cut.bald, cut.top, cut.side = true, 0, 0.02
	case k < 4: // cropped
		cut.side, cut.top, cut.part = 0.012, 0.035, 0
	case k < 6: // curls
		cut.side, cut.top, cut.curl = between(r, 0.05, 0.12), between(r, 0.14, 0.28), 1
	case k < 7: // to the shoulders
		cut = haircut{side: 0.10, top: 0.12, length: between(r, 0.7, 1.2), fringe: -0.62, temple: 0.57, part: part, flare: 0.05, wave: 0.6, flow: swept}
	default: // short, waved or not
		cut.wave = between(r, 0, 0.8)
		if part != 0 {
			cut.flow = swept
		}
	}
	recede := clamp((age-30)/45, 0, 1) * between(r, 0, 1)
	cut.fringe -= 0.14 * recede
	return cut
}

// dress draws from r the clothes: their kind and the two colours of the cloth.
func (f *look) dress(r *rand.Rand) {
	f.collar = r.IntN(4)
	f.cloth = srgb(fabrics[r.IntN(len(fabrics))])
	f.cloth2 = srgb([...]uint32{0xe8eaec, 0xc9d6e2, 0xe9e2d6, 0xb7c4cf}[r.IntN(4)])
}

// between draws a number from low to below high, all equally likely.
func between(r *rand.Rand, low, high float64) float64 { return mix(low, high, r.Float64()) }
