package attack

import (
	"image"
	"math"
	"math/rand/v2"

	"github.com/disintegration/imaging"

	base "github.com/kycmark/kycmark/internal/attack"
	"github.com/kycmark/kycmark/internal/attack/edits"
)

// Drawn returns attacks of the group "drawn": each draws its parameters for each picture and seed, from
// ranges that people, applications and messengers use. No constant of this project was fitted to them.
func Drawn() []Attack {
	between := func(lo, hi float64, step func(v float64) Step) Step {
		return func(r *rand.Rand, p *image.NRGBA) *image.NRGBA { return step(Uniform(r, lo, hi))(r, p) }
	}
	jpeg := func(lo, hi float64) Step { return between(lo, hi, func(q float64) Step { return JPEG(int(q)) }) }
	fit := func(lo, hi float64) Step { return between(lo, hi, func(side float64) Step { return FitTo(int(side)) }) }
	turned := between(-180, 180, func(deg float64) Step { return edits.Turn(deg) })
	crop := between(math.Log(.06), math.Log(.8), func(area float64) Step { return CropTo(math.Exp(area)) })
	tone := func(r *rand.Rand, p *image.NRGBA) *image.NRGBA {
		return Tone(Line(Uniform(r, .6, 1.5), Uniform(r, -40, 40)))(r, p)
	}
	stretched := func(r *rand.Rand, p *image.NRGBA) *image.NRGBA {
		return affine(Uniform(r, .85, 1.15), Uniform(r, .85, 1.15), Uniform(r, 0, .05))(r, p)
	}
	mirrored := func(r *rand.Rand, p *image.NRGBA) *image.NRGBA { return edits.TurnWithin(8)(r, imaging.FlipH(p)) }
	shot := between(600, 1400, func(side float64) Step { return base.Screenshot(int(side)) })
	messenger := base.Steps(fit(720, 2000), jpeg(50, 90))
	any := []Step{messenger, crop, turned, tone, shot, between(.5, 2, Blur), between(2, 10, Noise), between(.05, .4, Redact), edits.Tilt(.04)}
	row := func(name, about string, all ...Step) Attack { return New(name, "drawn", about, all...) }
	return []Attack{
		row("drawn_jpeg", "JPEG 12 to 92", jpeg(12, 92)),
		row("drawn_resize", "resized to 22 to 180 %, JPEG 60 to 92", between(.22, 1.8, base.ScaleBy), jpeg(60, 92)),
		row("drawn_messenger", "at most 720 to 2,000 px, JPEG 50 to 90", messenger),
		row("drawn_messengers", "three messengers", messenger, messenger, messenger),
		row("drawn_thumb", "at most 250 to 480 px, JPEG 60 to 90", fit(250, 480), jpeg(60, 90)),
		row("drawn_crop", "6 to 80 % of the area, JPEG 60 to 92", crop, jpeg(60, 92)),
		row("drawn_turn", "turned by any angle, JPEG 60 to 92", turned, jpeg(60, 92)),
		row("drawn_mirror", "mirrored and turned by up to 8 degrees, JPEG 60 to 92", mirrored, jpeg(60, 92)),
		row("drawn_warp", "stretched and sheared, JPEG 60 to 92", stretched, jpeg(60, 92)),
		row("drawn_tilt", "corners moved by up to 1 to 8 %, JPEG 60 to 92", between(.01, .08, edits.Tilt), jpeg(60, 92)),
		row("drawn_tone", "gain .6 to 1.5, 40 levels up or down, JPEG 60 to 92", tone, jpeg(60, 92)),
		row("drawn_gamma", "gamma .4 to 2.2, JPEG 60 to 92", between(.4, 2.2, func(g float64) Step { return Tone(edits.Power(g)) }), jpeg(60, 92)),
		row("drawn_blur", "Gaussian blur of .5 to 3.5 px, JPEG 60 to 92", between(.5, 3.5, Blur), jpeg(60, 92)),
		row("drawn_noise", "Gaussian noise of 3 to 25 levels, JPEG 60 to 92", between(3, 25, Noise), jpeg(60, 92)),
		row("drawn_smooth", "bilateral smoothing, JPEG 60 to 92", between(15, 60, func(v float64) Step { return bilateral(9, v, 7) }), jpeg(60, 92)),
		row("drawn_redact", "black boxes over 10 to 60 %, JPEG 60 to 92", between(.1, .6, Redact), jpeg(60, 92)),
		row("drawn_shot", "screenshot of 600 to 1,400 px, JPEG 60 to 92", shot, jpeg(60, 92)),
		row("drawn_screen", "a screen photographed, at most 720 to 2,000 px, JPEG 50 to 90", ScreenPhoto, messenger),
		row("drawn_print", "printed and scanned, at most 720 to 2,000 px, JPEG 50 to 90", PrintScan, messenger),
		row("drawn_chain", "three changes of nine, JPEG 60 to 92", func(r *rand.Rand, p *image.NRGBA) *image.NRGBA {
			for range 3 {
				p = drawn(r, any...)(r, p)
			}
			return jpeg(60, 92)(r, p)
		}),
	}
}

// ApplyIn applies an attack of [Drawn] with a first random number in part k of n equal parts, 0 <= k < n. The attack makes its
// leading parameter of that number, so n draws spread evenly over the parameter's range.
func ApplyIn(a Attack, img *image.NRGBA, seed uint64, k, n int) *image.NRGBA {
	r := Random(a.Name, seed)
	return a.ApplyBy(rand.New(&firstIn{Source: r, at: (float64(k) + r.Float64()) / float64(n)}), img)
}

// firstIn is a source whose first number is the share at of the range of numbers, for Float64 and IntN alike.
type firstIn struct {
	rand.Source
	at   float64
	next bool
}

func (f *firstIn) Uint64() uint64 {
	if f.next {
		return f.Source.Uint64()
	}
	f.next = true
	return uint64(f.at*(1<<11))<<53 | uint64(f.at*(1<<53)) // Float64 takes the low bits, IntN the high ones
}
