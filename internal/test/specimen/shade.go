package specimen

import (
	"image"
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
)

// rgb is a colour in linear light, 0 dark to 1 white, before the picture's own
// encoding. The encoding here is a square root: near enough to sRGB's curve
// for drawings, and exact on every machine (IEEE 754 rounds roots correctly).
type rgb struct{ r, g, b float64 }

// srgb returns the colour of an encoded 24-bit value 0xRRGGBB. It decodes with a square, not with
// the curve of sRGB.
func srgb(v uint32) rgb {
	lin := func(c uint32) float64 { f := float64(c&255) / 255; return f * f }
	return rgb{lin(v >> 16), lin(v >> 8), lin(v)}
}

// grey returns a colour without hue.
func grey(v float64) rgb { return rgb{v, v, v} }

// scale multiplies all three by k.
func (c rgb) scale(k float64) rgb { return rgb{c.r * k, c.g * k, c.b * k} }

// times multiplies channel by channel, as a filter or light of the colour d does.
func (c rgb) times(d rgb) rgb { return rgb{c.r * d.r, c.g * d.g, c.b * d.b} }

// plus adds channel by channel.
func (c rgb) plus(d rgb) rgb { return rgb{c.r + d.r, c.g + d.g, c.b + d.b} }

// over returns the colour c with the colour d laid over it: c for an opacity of 0, d for 1. The
// opacity is not limited to that range.
func (c rgb) over(d rgb, opacity float64) rgb {
	return rgb{mix(c.r, d.r, opacity), mix(c.g, d.g, opacity), mix(c.b, d.b, opacity)}
}

// luma returns the brightness: the weighted mean of the channels.
func (c rgb) luma() float64 {
	return float64(c.r*0.299) + float64(c.g*0.587) + float64(c.b*0.114)
}

// encode returns the byte of a linear value: the square root, 0 to 1 as 0 to 255. Values outside
// that range are cut.
func encode(v float64) uint8 {
	if v <= 0 {
		return 0
	}
	if v >= 1 {
		return 255
	}
	return uint8(float64(math.Sqrt(v)*255) + 0.5)
}

// decode is the linear value of a byte.
func decode(v uint8) float64 { f := float64(v) / 255; return f * f }

// mix returns a for t = 0, b for t = 1, and what lies on the line through both for other t. The
// conversions here and below keep compilers from fusing multiply and add, which would change the
// last bit.
func mix(a, b, t float64) float64 { return a + float64((b-a)*t) }

// clamp returns v, but not below low nor above high.
func clamp(v, low, high float64) float64 { return min(max(v, low), high) }

// step returns 0 for v at a, 1 at b, and rises smoothly between; beyond a and b it stays. With b <
// a it falls. a and b must differ.
func step(a, b, v float64) float64 {
	t := clamp((v-a)/(b-a), 0, 1)
	return t * t * (3 - float64(2*t))
}

// bump returns a bell of compact support: 1 at t = 0, and 0 from |t| = 1 on. It approximates a
// Gaussian of sigma 0.38 at a fraction of the cost, without exp.
func bump(t float64) float64 {
	d := 1 - float64(t*t)
	if d <= 0 {
		return 0
	}
	return d * d * d
}

// bump2 returns the bell of [bump] over an ellipse: 1 at (cx, cy), and 0 from the ellipse with the
// radii rx, ry on.
func bump2(x, y, cx, cy, rx, ry float64) float64 {
	u, v := (x-cx)/rx, (y-cy)/ry
	d := 1 - float64(u*u) - float64(v*v)
	if d <= 0 {
		return 0
	}
	return d * d * d
}

// segment returns the distance from (x, y) to the line between the points a and b, which must
// differ. along says how far along the line, 0 at a to 1 at b, the nearest point lies.
func segment(x, y, ax, ay, bx, by float64) (distance, along float64) {
	dx, dy := bx-ax, by-ay
	t := clamp((float64((x-ax)*dx)+float64((y-ay)*dy))/(float64(dx*dx)+float64(dy*dy)), 0, 1)
	return hypot(x-ax-float64(t*dx), y-ay-float64(t*dy)), t
}

// box returns the signed distance, negative inside, from (x, y) to a rectangle around the origin.
// hx and hy are half its sizes, radius is that of its corners.
func box(x, y, hx, hy, radius float64) float64 {
	dx, dy := math.Abs(x)-hx+radius, math.Abs(y)-hy+radius
	return hypot(max(dx, 0), max(dy, 0)) + min(max(dx, dy), 0) - radius
}

// hypot returns the length of (x, y), with the same bits on every machine.
func hypot(x, y float64) float64 { return math.Sqrt(float64(x*x) + float64(y*y)) }

// square returns x * x.
func square(x float64) float64 { return x * x }

// hash2 scrambles a lattice point and a seed into 64 well mixed bits, with the finaliser of
// splitmix64. The same arguments give the same bits.
func hash2(x, y int32, seed uint64) uint64 {
	h := seed ^ uint64(uint32(x))*0x9e3779b97f4a7c15 ^ uint64(uint32(y))*0xc2b2ae3d27d4eb4f
	h ^= h >> 30
	h *= 0xbf58476d1ce4e5b9
	h ^= h >> 27
	h *= 0x94d049bb133111eb
	return h ^ h>>31
}

// unit turns 64 random bits into a number from 0 to below 1, by the upper 53 bits.
func unit(h uint64) float64 { return float64(h>>11) / (1 << 53) }

// noise returns gradient noise (Perlin, "Improving noise", 2002) over the plane: about -0.7 to 0.7,
// one wave per unit of length, zero at lattice points. Another seed gives another plane.
func noise(x, y float64, seed uint64) float64 {
	fx, fy := math.Floor(x), math.Floor(y)
	ix, iy := int32(fx), int32(fy)
	x, y = x-fx, y-fy
	u := x * x * x * (float64(x*(float64(x*6)-15)) + 10)
	v := y * y * y * (float64(y*(float64(y*6)-15)) + 10)
	top := mix(slope(ix, iy, seed, x, y), slope(ix+1, iy, seed, x-1, y), u)
	low := mix(slope(ix, iy+1, seed, x, y-1), slope(ix+1, iy+1, seed, x-1, y-1), u)
	return mix(top, low, v)
}

// slope returns the height at (x, y), measured from a lattice point, of the plane that the lattice
// point (ix, iy) tilts. The seed chooses the tilts.
func slope(ix, iy int32, seed uint64, x, y float64) float64 {
	h := uint64(uint32(ix))*0x9e3779b97f4a7c15 + uint64(uint32(iy))*0xc2b2ae3d27d4eb4f + seed*0xd6e8feb86659fd93
	h ^= h >> 32
	h *= 0xbf58476d1ce4e5b9
	g := &tilts[h>>60]
	return float64(g[0]*x) + float64(g[1]*y)
}

// tilts are sixteen directions, evenly spaced, length 1.
var tilts = [16][2]float64{
	{1, 0}, {0.92387953251, 0.38268343236}, {0.70710678119, 0.70710678119}, {0.38268343236, 0.92387953251},
	{0, 1}, {-0.38268343236, 0.92387953251}, {-0.70710678119, 0.70710678119}, {-0.92387953251, 0.38268343236},
	{-1, 0}, {-0.92387953251, -0.38268343236}, {-0.70710678119, -0.70710678119}, {-0.38268343236, -0.92387953251},
	{0, -1}, {0.38268343236, -0.92387953251}, {0.70710678119, -0.70710678119}, {0.92387953251, -0.38268343236},
}

// cloud returns a sum of octaves of noise, each half as high and twice as fine: about -1.4 to 1.4,
// coarsest wave one unit long.
func cloud(x, y float64, octaves int, seed uint64) float64 {
	sum, height := 0.0, 1.0
	for i := range octaves {
		sum += float64(height * noise(x, y, seed+uint64(i)))
		x, y, height = float64(x*2)+17.3, float64(y*2)+31.7, height/2
	}
	return sum
}

// paint sets every pixel of img, opaque, from a function of the pixel's centre in pixels. at must be
// safe for concurrent use. img must begin at 0, 0.
func paint(img *image.NRGBA, at func(x, y float64) rgb) {
	w := img.Rect.Dx()
	dsp.Parallel(img.Rect.Dy(), func(from, to int) {
		for y := from; y < to; y++ {
			row := img.Pix[y*img.Stride : y*img.Stride+4*w]
			for x := range w {
				c := at(float64(x)+0.5, float64(y)+0.5)
				row[4*x], row[4*x+1], row[4*x+2], row[4*x+3] = encode(c.r), encode(c.g), encode(c.b), 255
			}
		}
	})
}

// pixel returns the colour and the alpha (0 to 1) of a pixel; a place outside the picture gives the
// nearest pixel. The picture must not be empty.
func pixel(img *image.NRGBA, x, y int) (c rgb, alpha float64) {
	x, y = min(max(x, 0), img.Rect.Dx()-1), min(max(y, 0), img.Rect.Dy()-1)
	p := img.Pix[y*img.Stride+4*x:]
	return rgb{decode(p[0]), decode(p[1]), decode(p[2])}, float64(p[3]) / 255
}
