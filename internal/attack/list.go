package attack

import (
	"image"
	"math/rand/v2"

	"github.com/disintegration/imaging"
)

func grayscale(_ *rand.Rand, p *image.NRGBA) *image.NRGBA { return imaging.Grayscale(p) }

// list returns every attack, in the order of the tables. Geometry, tone and overlays
// are saved as JPEG 85, because that is what an editor does; resizes, filters
// and the plain screenshot are not. The list is a function so that a program which
// attacks nothing builds nothing at its start.
func list() []Attack {
	return []Attack{
		{"none", "none", "untouched", steps()},

		{"jpeg90", "codec", "JPEG quality 90, 4:2:0", saveJPEG(90)},
		{"jpeg75", "codec", "JPEG quality 75, 4:2:0", saveJPEG(75)},
		{"jpeg50", "codec", "JPEG quality 50, 4:2:0", saveJPEG(50)},
		{"jpeg30", "codec", "JPEG quality 30, 4:2:0", saveJPEG(30)},
		{"jpeg20", "codec", "JPEG quality 20, 4:2:0", saveJPEG(20)},
		{"jpeg10", "codec", "JPEG quality 10, 4:2:0", saveJPEG(10)},

		{"resize75", "resize", "resized to 75 %, by area", scaleBy(.75)},
		{"resize50", "resize", "resized to 50 %, by area", scaleBy(.5)},
		{"resize25", "resize", "resized to 25 %, by area", scaleBy(.25)},
		{"resize150", "resize", "enlarged to 150 %, cubic", scaleBy(1.5)},

		{"telegram", "messenger", "at most 1280 px, JPEG 87", steps(fitTo(1280), saveJPEG(87))},
		{"telegram_low", "messenger", "at most 800 px, JPEG 70", steps(fitTo(800), saveJPEG(70))},
		{"whatsapp", "messenger", "at most 1600 px, JPEG 75", steps(fitTo(1600), saveJPEG(75))},
		{"whatsapp_twice", "messenger", "1600 px, JPEG 75, then 1280 px, JPEG 60",
			steps(fitTo(1600), saveJPEG(75), fitTo(1280), saveJPEG(60))},
		{"facebook", "messenger", "at most 960 px, JPEG 71", steps(fitTo(960), saveJPEG(71))},

		{"thumb320", "thumbnail", "at most 320 px, JPEG 80", steps(fitTo(320), saveJPEG(80))},
		{"thumb160", "thumbnail", "at most 160 px, JPEG 80", steps(fitTo(160), saveJPEG(80))},

		{"crop75", "crop", "75 % of the area, random place, JPEG 85", steps(cropTo(.75), saveJPEG(85))},
		{"crop50", "crop", "50 % of the area, random place, JPEG 85", steps(cropTo(.5), saveJPEG(85))},
		{"crop25", "crop", "25 % of the area, random place, JPEG 85", steps(cropTo(.25), saveJPEG(85))},
		{"crop10", "crop", "10 % of the area, random place, JPEG 85", steps(cropTo(.1), saveJPEG(85))},
		{"crop05", "crop", "5 % of the area, random place, JPEG 85", steps(cropTo(.05), saveJPEG(85))},

		{"rot1", "rotate", "rotated by 1 degree, JPEG 85", steps(turn(1), saveJPEG(85))},
		{"rot5", "rotate", "rotated by -5 degrees, JPEG 85", steps(turn(-5), saveJPEG(85))},
		{"rot17", "rotate", "rotated by 17 degrees, JPEG 85", steps(turn(17), saveJPEG(85))},
		{"rot45", "rotate", "rotated by 45 degrees, JPEG 85", steps(turn(45), saveJPEG(85))},
		{"rot90", "rotate", "rotated by 90 degrees, JPEG 85", steps(quarter, saveJPEG(85))},
		{"rot180", "rotate", "rotated by 180 degrees, JPEG 85", steps(half, saveJPEG(85))},
		{"mirror", "rotate", "mirrored left to right, JPEG 85", steps(mirror, saveJPEG(85))},

		{"aspect10", "warp", "10 % less high, JPEG 85", steps(affine(1, .9, 0), saveJPEG(85))},
		{"shear3", "warp", "sheared by 0.03, JPEG 85", steps(affine(1, 1, .03), saveJPEG(85))},
		{"persp3", "warp", "corners moved by up to 3 %, JPEG 85", steps(tilt(.03), saveJPEG(85))},
		{"persp8", "warp", "corners moved by up to 8 %, JPEG 85", steps(tilt(.08), saveJPEG(85))},

		{"bright", "tone", "40 levels brighter, JPEG 85", steps(linear(1, 40), saveJPEG(85))},
		{"dark", "tone", "darkened to 60 %, JPEG 85", steps(linear(.6, 0), saveJPEG(85))},
		{"contrast", "tone", "contrast 1.4 and 50 levels darker, JPEG 85", steps(linear(1.4, -50), saveJPEG(85))},
		{"gamma", "tone", "gamma 0.6 (brighter), JPEG 85", steps(gamma(.6), saveJPEG(85))},
		{"gray", "tone", "without colour, JPEG 85", steps(grayscale, saveJPEG(85))},
		{"invert", "tone", "a negative, JPEG 85", steps(invert, saveJPEG(85))},

		{"blur1", "filter", "Gaussian blur of 1 px", gauss(1)},
		{"blur2", "filter", "Gaussian blur of 2 px", gauss(2)},
		{"blur4", "filter", "Gaussian blur of 4 px", gauss(4)},
		{"median3", "filter", "median of 3 x 3 px", median(3)},
		{"median5", "filter", "median of 5 x 5 px", median(5)},
		{"sharpen", "filter", "unsharp mask of 2 px", sharpen},
		{"bilateral", "filter", "bilateral smoothing of 9 px", bilateral(9, 40, 7)},
		{"nlm", "filter", "at most 1280 px, non-local means", steps(fitTo(1280), nonLocalMeans(8, 8))},
		{"noise5", "filter", "Gaussian noise of 5 levels", noise(5)},
		{"noise15", "filter", "Gaussian noise of 15 levels", noise(15)},
		{"noise25", "filter", "Gaussian noise of 25 levels", noise(25)},

		{"redact30", "overlay", "black boxes over 30 %, JPEG 85", steps(redact(.3), saveJPEG(85))},
		{"redact50", "overlay", "black boxes over 50 %, JPEG 85", steps(redact(.5), saveJPEG(85))},
		{"stamp", "overlay", "six red lines of text, JPEG 85", steps(stamp, saveJPEG(85))},
		{"border", "overlay", "white border of 10 %, JPEG 85", steps(frame(.1), saveJPEG(85))},

		{"screenshot", "capture", "1000 px in a dark review page, not compressed", screenshot(1000)},
		{"screenshot_jpeg", "capture", "800 px in a dark review page, JPEG 80", steps(screenshot(800), saveJPEG(80))},
		{"collage", "capture", "one of 2 x 2 pictures, JPEG 85", steps(collage, saveJPEG(85))},
		{"screen_photo", "capture", "a phone's picture of a screen, JPEG 82", steps(screenPhoto, saveJPEG(82))},
		{"print_scan", "capture", "printed and scanned, JPEG 75", steps(printScan, saveJPEG(75))},

		{"chain_crop", "chain", "crop of 40 %, at most 800 px, JPEG 60", steps(cropTo(.4), fitTo(800), saveJPEG(60))},
		{"chain_reshare", "chain", "telegram, screenshot of 900 px, JPEG 80, at most 1280 px, JPEG 60",
			steps(fitTo(1280), saveJPEG(87), screenshot(900), saveJPEG(80), fitTo(1280), saveJPEG(60))},
		{"chain_rotcrop", "chain", "rotated by 3 degrees, crop of 60 %, at most 1280 px, JPEG 75",
			steps(turnInside(3), cropTo(.6), fitTo(1280), saveJPEG(75))},
	}
}
