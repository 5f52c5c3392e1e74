package attack

import (
	"image"
	"math"
	"math/rand/v2"

	"github.com/disintegration/imaging"
)

// Drawn returns attacks of the group "drawn": each draws its parameters for each picture and seed, from
// ranges that people, applications and messengers use. No constant of this project was fitted to them.
func Drawn() []Attack {
	between := func(lo, hi float64, step func(v float64) Step) Step {
		return func(r *rand.Rand, p *image.NRGBA) *image.NRGBA { return step(Uniform(r, lo, hi))(r, p) }
	}
	jpeg := func(lo, hi float64) Step { return between(lo, hi, func(q float64) Step { return JPEG(int(q)) }) }
	fit := func(lo, hi float64) Step { return between(lo, hi, func(side float64) Step { return FitTo(int(side)) }) }
	turned := between(-180, 180, func(deg float64) Step { return turn(deg, true) })
	crop := between(math.Log(.06), math.Log(.8), func(area float64) Step { return CropTo(math.Exp(area)) })
	tone := func(r *rand.Rand, p *image.NRGBA) *image.NRGBA {
		return Tone(Line(Uniform(r, .6, 1.5), Uniform(r, -40, 40)))(r, p)
	}
	stretched := func(r *rand.Rand, p *image.NRGBA) *image.NRGBA {
		return affine(Uniform(r, .85, 1.15), Uniform(r, .85, 1.15), Uniform(r, 0, .05))(r, p)
	}
	mirrored := func(r *rand.Rand, p *image.NRGBA) *image.NRGBA { return turnWithin(8)(r, imaging.FlipH(p)) }
	shot := between(600, 1400, func(side float64) Step { return screenshot(int(side)) })
	messenger := steps(fit(720, 2000), jpeg(50, 90))
	any := []Step{messenger, crop, turned, tone, shot, between(.5, 2, Blur), between(2, 10, Noise), between(.05, .4, Redact), tilt(.04)}
	list := []Attack{
		{"drawn_jpeg", "", "JPEG 12 to 92", jpeg(12, 92)},
		{"drawn_resize", "", "resized to 22 to 180 %, JPEG 60 to 92", steps(between(.22, 1.8, scaleBy), jpeg(60, 92))},
		{"drawn_messenger", "", "at most 720 to 2,000 px, JPEG 50 to 90", messenger},
		{"drawn_messengers", "", "three messengers", steps(messenger, messenger, messenger)},
		{"drawn_thumb", "", "at most 250 to 480 px, JPEG 60 to 90", steps(fit(250, 480), jpeg(60, 90))},
		{"drawn_crop", "", "6 to 80 % of the area, JPEG 60 to 92", steps(crop, jpeg(60, 92))},
		{"drawn_turn", "", "turned by any angle, JPEG 60 to 92", steps(turned, jpeg(60, 92))},
		{"drawn_mirror", "", "mirrored and turned by up to 8 degrees, JPEG 60 to 92", steps(mirrored, jpeg(60, 92))},
		{"drawn_warp", "", "stretched and sheared, JPEG 60 to 92", steps(stretched, jpeg(60, 92))},
		{"drawn_tilt", "", "corners moved by up to 1 to 8 %, JPEG 60 to 92", steps(between(.01, .08, tilt), jpeg(60, 92))},
		{"drawn_tone", "", "gain .6 to 1.5, 40 levels up or down, JPEG 60 to 92", steps(tone, jpeg(60, 92))},
		{"drawn_gamma", "", "gamma .4 to 2.2, JPEG 60 to 92", steps(between(.4, 2.2, func(g float64) Step { return Tone(power(g)) }), jpeg(60, 92))},
		{"drawn_blur", "", "Gaussian blur of .5 to 3.5 px, JPEG 60 to 92", steps(between(.5, 3.5, Blur), jpeg(60, 92))},
		{"drawn_noise", "", "Gaussian noise of 3 to 25 levels, JPEG 60 to 92", steps(between(3, 25, Noise), jpeg(60, 92))},
		{"drawn_smooth", "", "bilateral smoothing, JPEG 60 to 92", steps(between(15, 60, func(v float64) Step { return bilateral(9, v, 7) }), jpeg(60, 92))},
		{"drawn_redact", "", "black boxes over 10 to 60 %, JPEG 60 to 92", steps(between(.1, .6, Redact), jpeg(60, 92))},
		{"drawn_shot", "", "screenshot of 600 to 1,400 px, JPEG 60 to 92", steps(shot, jpeg(60, 92))},
		{"drawn_screen", "", "a screen photographed, at most 720 to 2,000 px, JPEG 50 to 90", steps(ScreenPhoto, messenger)},
		{"drawn_print", "", "printed and scanned, at most 720 to 2,000 px, JPEG 50 to 90", steps(PrintScan, messenger)},
		{"drawn_chain", "", "three changes of nine, JPEG 60 to 92", func(r *rand.Rand, p *image.NRGBA) *image.NRGBA {
			for range 3 {
				p = drawn(r, any...)(r, p)
			}
			return jpeg(60, 92)(r, p)
		}},
	}
	for i := range list {
		list[i].Group = "drawn"
	}
	return list
}
