// Package edits has the attacks that tests of pipelines need: the attacks of package attack, and edits such as
// rotations, overlays, tones and photographs of screens.
package edits

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/disintegration/imaging"

	"github.com/kycmark/kycmark/internal/attack"
	"github.com/kycmark/kycmark/internal/geometry"
)

// ErrUnknown is returned for a name that is not in the list.
var ErrUnknown = errors.New("attack: unknown attack")

// All returns the twelve attacks that tests of pipelines and the demonstration need. Geometry, tone and
// overlays are saved as JPEG 85, because that is what an editor does. The list is a function so that
// a program which attacks nothing builds nothing at its start.
func All() []attack.Attack {
	return []attack.Attack{
		attack.New("jpeg50", "codec", "JPEG quality 50, 4:2:0", attack.JPEG(50)),
		attack.New("telegram", "messenger", "at most 1280 px, attack.JPEG 87", attack.Steps(attack.FitTo(1280), attack.JPEG(87))),
		attack.New("telegram_low", "messenger", "at most 800 px, attack.JPEG 70", attack.Steps(attack.FitTo(800), attack.JPEG(70))),
		attack.New("thumb320", "thumbnail", "at most 320 px, attack.JPEG 80", attack.Steps(attack.FitTo(320), attack.JPEG(80))),
		attack.New("crop50", "crop", "50 % of the area, random place, attack.JPEG 85", attack.Steps(attack.CropTo(.5), attack.JPEG(85))),
		attack.New("rot5", "rotate", "rotated by -5 degrees, attack.JPEG 85", attack.Steps(Turn(-5), attack.JPEG(85))),
		attack.New("mirror", "rotate", "mirrored left to right, attack.JPEG 85", attack.Steps(From(imaging.FlipH), attack.JPEG(85))),
		attack.New("contrast", "tone", "contrast 1.4 and 50 levels darker, attack.JPEG 85", attack.Steps(Tone(Line(1.4, -50)), attack.JPEG(85))),
		attack.New("redact30", "overlay", "black boxes over 30 %, attack.JPEG 85", attack.Steps(Redact(.3), attack.JPEG(85))),
		attack.New("stamp", "overlay", "six red lines of text, attack.JPEG 85", attack.Steps(stamp, attack.JPEG(85))),
		attack.New("screenshot", "capture", "1000 px in a dark review page, not compressed", attack.Screenshot(1000)),
		attack.New("screen_photo", "capture", "a phone's picture of a screen, attack.JPEG 82", attack.Steps(ScreenPhoto, attack.JPEG(82))),
	}
}

// Find returns the attack of [All] called name. The error wraps [ErrUnknown].
func Find(name string) (attack.Attack, error) {
	all := All()
	if i := slices.IndexFunc(all, func(a attack.Attack) bool { return a.Name == name }); i >= 0 {
		return all[i], nil
	}
	return attack.Attack{}, fmt.Errorf("%w %q", ErrUnknown, name)
}

// From returns the step that changes every picture by a function of package imaging.
func From(f func(image.Image) *image.NRGBA) attack.Step {
	return attack.Plain(func(p *image.NRGBA) *image.NRGBA { return f(p) })
}

// Turn returns the step that rotates by deg degrees against the clock, on a growing canvas.
func Turn(deg float64) attack.Step {
	return attack.Plain(func(p *image.NRGBA) *image.NRGBA { return Rotate(p, deg, true) })
}

// TurnWithin returns the step that rotates on a growing canvas by an angle from -deg to deg.
func TurnWithin(deg float64) attack.Step {
	return func(r *rand.Rand, p *image.NRGBA) *image.NRGBA {
		return Rotate(p, attack.Uniform(r, -deg, deg), true)
	}
}

// Rotate turns p by deg degrees against the clock about its middle. If grow is set, the result
// is as large as the turned picture, else as large as p. The corners are black.
func Rotate(p *image.NRGBA, deg float64, grow bool) *image.NRGBA {
	w, h := float64(p.Rect.Dx()), float64(p.Rect.Dy())
	s, c := math.Sincos(deg * math.Pi / 180)
	outW, outH := w, h
	if grow {
		outW = max(1, math.Floor(h*math.Abs(s)+w*math.Abs(c)))
		outH = max(1, math.Floor(h*math.Abs(c)+w*math.Abs(s)))
	}
	m := geometry.Mat{
		c, s, outW/2 - c*w/2 - s*h/2,
		-s, c, outH/2 + s*w/2 - c*h/2,
		0, 0, 1,
	}
	return Warp(p, m, int(outW), int(outH), attack.Grey(0))
}

// Tilt returns the step that moves each corner by random distances, up to the given share of the
// sides, which warps the picture in perspective. The result just holds the picture, on dark grey.
func Tilt(share float64) attack.Step {
	return func(r *rand.Rand, p *image.NRGBA) *image.NRGBA {
		w, h := float64(p.Rect.Dx()), float64(p.Rect.Dy())
		quad := [4][2]float64{{0, 0}, {w, 0}, {w, h}, {0, h}}
		left, top := math.Inf(1), math.Inf(1)
		for i := range quad {
			quad[i][0] += w * attack.Uniform(r, -share, share)
			quad[i][1] += h * attack.Uniform(r, -share, share)
			left, top = min(left, quad[i][0]), min(top, quad[i][1])
		}
		var right, bottom float64
		for i := range quad {
			quad[i][0] -= left
			quad[i][1] -= top
			right, bottom = max(right, quad[i][0]), max(bottom, quad[i][1])
		}
		return Warp(p, OntoQuad(w, h, quad), int(math.Ceil(right)), int(math.Ceil(bottom)), attack.Grey(40))
	}
}

// OntoQuad returns the map of a picture of w x h pixels onto the quadrilateral q, corner by corner:
// top left, top right, bottom right, bottom left (Heckbert, Fundamentals of Texture Mapping and
// Image Warping, 1989, 2.2.3). q must be convex, which is not checked.
func OntoQuad(w, h float64, q [4][2]float64) geometry.Mat {
	dx1, dy1 := q[1][0]-q[2][0], q[1][1]-q[2][1]
	dx2, dy2 := q[3][0]-q[2][0], q[3][1]-q[2][1]
	sx, sy := q[0][0]-q[1][0]+q[2][0]-q[3][0], q[0][1]-q[1][1]+q[2][1]-q[3][1]
	det := dx1*dy2 - dx2*dy1
	u, v := (sx*dy2-dx2*sy)/det, (dx1*sy-sx*dy1)/det
	square := geometry.Mat{
		q[1][0] - q[0][0] + u*q[1][0], q[3][0] - q[0][0] + v*q[3][0], q[0][0],
		q[1][1] - q[0][1] + u*q[1][1], q[3][1] - q[0][1] + v*q[3][1], q[0][1],
		u, v, 1,
	}
	return square.Mul(geometry.Mat{1 / w, 0, 0, 0, 1 / h, 0, 0, 0, 1})
}

// Redact returns the step that lays black boxes of random sizes at random places, until the given share of all pixels,
// 0 to 1, is black. Pixels that were black before count. The last box may exceed the share.
func Redact(share float64) attack.Step {
	return func(r *rand.Rand, p *image.NRGBA) *image.NRGBA {
		out := imaging.Clone(p)
		w, h := p.Rect.Dx(), p.Rect.Dy()
		black := 0
		for i := 0; i < len(out.Pix); i += 4 {
			if isBlack(out.Pix[i:]) {
				black++
			}
		}
		for float64(black) < share*float64(w*h) {
			bw := max(1, int(float64(w)*attack.Uniform(r, .1, .4)))
			bh := max(1, int(float64(h)*attack.Uniform(r, .08, .3)))
			x, y := r.IntN(w-bw+1), r.IntN(h-bh+1)
			for v := y; v < y+bh; v++ {
				row := out.Pix[v*out.Stride+4*x:][:4*bw]
				for i := 0; i < len(row); i += 4 {
					if !isBlack(row[i:]) {
						black++
						row[i], row[i+1], row[i+2] = 0, 0, 0
					}
				}
			}
		}
		return out
	}
}

func isBlack(pix []uint8) bool { return pix[0]|pix[1]|pix[2] == 0 }

// stamp writes the name of a channel in red on a copy of the picture, six times, at even heights
// and random places across.
func stamp(r *rand.Rand, p *image.NRGBA) *image.NRGBA {
	out := imaging.Clone(p)
	w, h := p.Rect.Dx(), p.Rect.Dy()
	for i := range 6 {
		x, y := int(attack.Uniform(r, 0, .4)*float64(w)), (10*i+7)*h/60
		// The definition's font at w/700 is half as wide as the picture.
		attack.Write(out, "LEAKED t.me/channel", x, y, w*353/700, max(1, w*22/700), 4, color.NRGBA{220, 40, 40, 255})
	}
	return out
}

// Frame returns the step that adds a near-white border on all sides, as wide as the given share of
// the long side. The result is larger than the picture.
func Frame(share float64) attack.Step {
	return attack.Plain(func(p *image.NRGBA) *image.NRGBA {
		b := int(float64(attack.LongSide(p)) * share)
		out := imaging.New(p.Rect.Dx()+2*b, p.Rect.Dy()+2*b, attack.Grey(250))
		attack.Paste(out, p, b, b)
		return out
	})
}

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
