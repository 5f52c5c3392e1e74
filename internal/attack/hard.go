package attack

import (
	"image"
	"math"
	"math/rand/v2"

	"github.com/disintegration/imaging"
)

// Hard returns attacks beyond [All], all of the group "hard". After them a mark is rarely read
// blind, but often traced.
func Hard() []Attack {
	return []Attack{
		{"x_jpeg5", "hard", "JPEG quality 5, 4:2:0", JPEG(5)},
		{"x_thumb96", "hard", "at most 96 px, JPEG 80", steps(FitTo(96), JPEG(80))},
		{"x_thumb64", "hard", "at most 64 px, JPEG 80", steps(FitTo(64), JPEG(80))},
		{"x_thumb160q30", "hard", "at most 160 px, JPEG 30", steps(FitTo(160), JPEG(30))},
		{"x_crop02", "hard", "2 % of the area, random place, JPEG 85", steps(CropTo(.02), JPEG(85))},
		{"x_screen2", "hard", "a screen photographed by hand, lens, moire, JPEG 75", steps(
			handheld{width: 1600, height: 1200, tilt: .03, lens: .02, moire: .04, blur: 1, noise: 4}.photo, JPEG(75))},
		{"x_screen_hard", "hard", "the same by a bad phone, 1280 px, JPEG 40", steps(
			handheld{width: 1280, height: 960, tilt: .06, lens: .04, moire: .09, blur: 2.2, noise: 9}.photo, JPEG(40))},
		{"x_print2", "hard", "halftone print, warped paper, scanned grey, JPEG 70", steps(halftonePrint, JPEG(70))},
		{"x_crop25_400_q30", "hard", "crop of 25 %, at most 400 px, JPEG 30", steps(CropTo(.25), FitTo(400), JPEG(30))},
		{"x_screen_thumb320", "hard", "screen_photo, then at most 320 px, JPEG 70",
			steps(ScreenPhoto, JPEG(82), FitTo(320), JPEG(70))},
		{"x_print_crop_q30", "hard", "print_scan, crop of 40 %, at most 640 px, JPEG 30",
			steps(PrintScan, JPEG(75), CropTo(.4), FitTo(640), JPEG(30))},
		{"x_blur8", "hard", "Gaussian blur of 8 px", Blur(8)},
		{"x_redact80", "hard", "black boxes over 80 %, JPEG 75", steps(Redact(.8), JPEG(75))},
		{"x_hue", "hard", "hue turned by 50 degrees, 1.6 times the saturation", turnHue},
	}
}

// turnHue is the step that turns the hue of every pixel by 50 degrees and raises its saturation
// 1.6 times, up to pure colour. The brightest channel stays.
func turnHue(_ *rand.Rand, p *image.NRGBA) *image.NRGBA {
	out := imaging.Clone(p)
	for i := 0; i < len(out.Pix); i += 4 {
		c := out.Pix[i : i+3 : i+3]
		high, low := max(c[0], c[1], c[2]), min(c[0], c[1], c[2])
		if high == low {
			continue
		}
		h := hueOf(c) + 50./60
		chroma := min(1, 1.6*float64(high-low)/float64(high)) * float64(high)
		for k, at := range [3]float64{5, 3, 1} { // red, green, blue, a sixth of the circle a unit
			d := math.Mod(at+h, 6)
			c[k] = Clamp8(float64(high) - chroma*min(1, max(0, min(d, 4-d))) + .5)
		}
	}
	return out
}

// hueOf returns the hue of a colour that is not grey, in sixths of the circle from red.
func hueOf(c []uint8) float64 {
	r, g, b := float64(c[0]), float64(c[1]), float64(c[2])
	d := max(r, g, b) - min(r, g, b)
	switch {
	case r >= g && r >= b:
		return math.Mod((g-b)/d+6, 6)
	case g >= b:
		return (b-r)/d + 2
	default:
		return (r-g)/d + 4
	}
}
