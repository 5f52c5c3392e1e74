package attack

import (
	"github.com/disintegration/imaging"
)

// list returns every attack, in the order of the tables. Geometry, tone and overlays
// are saved as JPEG 85, because that is what an editor does; resizes, filters
// and the plain screenshot are not. The list is a function so that a program which
// attacks nothing builds nothing at its start.
func list() []Attack {
	return []Attack{
		{"none", "none", "untouched", steps()},

		{"jpeg90", "codec", "JPEG quality 90, 4:2:0", JPEG(90)},
		{"jpeg75", "codec", "JPEG quality 75, 4:2:0", JPEG(75)},
		{"jpeg50", "codec", "JPEG quality 50, 4:2:0", JPEG(50)},
		{"jpeg30", "codec", "JPEG quality 30, 4:2:0", JPEG(30)},
		{"jpeg20", "codec", "JPEG quality 20, 4:2:0", JPEG(20)},
		{"jpeg10", "codec", "JPEG quality 10, 4:2:0", JPEG(10)},

		{"resize75", "resize", "resized to 75 %, by area", scaleBy(.75)},
		{"resize50", "resize", "resized to 50 %, by area", scaleBy(.5)},
		{"resize25", "resize", "resized to 25 %, by area", scaleBy(.25)},
		{"resize150", "resize", "enlarged to 150 %, cubic", scaleBy(1.5)},

		{"telegram", "messenger", "at most 1280 px, JPEG 87", steps(FitTo(1280), JPEG(87))},
		{"telegram_low", "messenger", "at most 800 px, JPEG 70", steps(FitTo(800), JPEG(70))},
		{"whatsapp", "messenger", "at most 1600 px, JPEG 75", steps(FitTo(1600), JPEG(75))},
		{"whatsapp_twice", "messenger", "1600 px, JPEG 75, then 1280 px, JPEG 60",
			steps(FitTo(1600), JPEG(75), FitTo(1280), JPEG(60))},
		{"facebook", "messenger", "at most 960 px, JPEG 71", steps(FitTo(960), JPEG(71))},

		{"thumb320", "thumbnail", "at most 320 px, JPEG 80", steps(FitTo(320), JPEG(80))},
		{"thumb160", "thumbnail", "at most 160 px, JPEG 80", steps(FitTo(160), JPEG(80))},

		{"crop75", "crop", "75 % of the area, random place, JPEG 85", steps(CropTo(.75), JPEG(85))},
		{"crop50", "crop", "50 % of the area, random place, JPEG 85", steps(CropTo(.5), JPEG(85))},
		{"crop25", "crop", "25 % of the area, random place, JPEG 85", steps(CropTo(.25), JPEG(85))},
		{"crop10", "crop", "10 % of the area, random place, JPEG 85", steps(CropTo(.1), JPEG(85))},
		{"crop05", "crop", "5 % of the area, random place, JPEG 85", steps(CropTo(.05), JPEG(85))},

		{"rot1", "rotate", "rotated by 1 degree, JPEG 85", steps(turn(1, true), JPEG(85))},
		{"rot5", "rotate", "rotated by -5 degrees, JPEG 85", steps(turn(-5, true), JPEG(85))},
		{"rot17", "rotate", "rotated by 17 degrees, JPEG 85", steps(turn(17, true), JPEG(85))},
		{"rot45", "rotate", "rotated by 45 degrees, JPEG 85", steps(turn(45, true), JPEG(85))},
		{"rot90", "rotate", "rotated by 90 degrees, JPEG 85", steps(from(imaging.Rotate90), JPEG(85))},
		{"rot180", "rotate", "rotated by 180 degrees, JPEG 85", steps(from(imaging.Rotate180), JPEG(85))},
		{"mirror", "rotate", "mirrored left to right, JPEG 85", steps(from(imaging.FlipH), JPEG(85))},

		{"aspect10", "warp", "10 % less high, JPEG 85", steps(affine(1, .9, 0), JPEG(85))},
		{"shear3", "warp", "sheared by 0.03, JPEG 85", steps(affine(1, 1, .03), JPEG(85))},
		{"persp3", "warp", "corners moved by up to 3 %, JPEG 85", steps(tilt(.03), JPEG(85))},
		{"persp8", "warp", "corners moved by up to 8 %, JPEG 85", steps(tilt(.08), JPEG(85))},

		{"bright", "tone", "40 levels brighter, JPEG 85", steps(Tone(Line(1, 40)), JPEG(85))},
		{"dark", "tone", "darkened to 60 %, JPEG 85", steps(Tone(Line(.6, 0)), JPEG(85))},
		{"contrast", "tone", "contrast 1.4 and 50 levels darker, JPEG 85", steps(Tone(Line(1.4, -50)), JPEG(85))},
		{"gamma", "tone", "gamma 0.6 (brighter), JPEG 85", steps(Tone(power(.6)), JPEG(85))},
		{"gray", "tone", "without colour, JPEG 85", steps(from(imaging.Grayscale), JPEG(85))},
		{"invert", "tone", "a negative, JPEG 85", steps(Tone(Line(-1, 255)), JPEG(85))},

		{"blur1", "filter", "Gaussian blur of 1 px", Blur(1)},
		{"blur2", "filter", "Gaussian blur of 2 px", Blur(2)},
		{"blur4", "filter", "Gaussian blur of 4 px", Blur(4)},
		{"median3", "filter", "median of 3 x 3 px", median(3)},
		{"median5", "filter", "median of 5 x 5 px", median(5)},
		{"sharpen", "filter", "unsharp mask of 2 px", plain(sharpen)},
		{"bilateral", "filter", "bilateral smoothing of 9 px", bilateral(9, 40, 7)},
		{"nlm", "filter", "at most 1280 px, non-local means", steps(FitTo(1280), nonLocalMeans(8, 8))},
		{"noise5", "filter", "Gaussian noise of 5 levels", Noise(5)},
		{"noise15", "filter", "Gaussian noise of 15 levels", Noise(15)},
		{"noise25", "filter", "Gaussian noise of 25 levels", Noise(25)},

		{"redact30", "overlay", "black boxes over 30 %, JPEG 85", steps(Redact(.3), JPEG(85))},
		{"redact50", "overlay", "black boxes over 50 %, JPEG 85", steps(Redact(.5), JPEG(85))},
		{"stamp", "overlay", "six red lines of text, JPEG 85", steps(stamp, JPEG(85))},
		{"border", "overlay", "white border of 10 %, JPEG 85", steps(frame(.1), JPEG(85))},

		{"screenshot", "capture", "1000 px in a dark review page, not compressed", screenshot(1000)},
		{"screenshot_jpeg", "capture", "800 px in a dark review page, JPEG 80", steps(screenshot(800), JPEG(80))},
		{"collage", "capture", "one of 2 x 2 pictures, JPEG 85", steps(collage, JPEG(85))},
		{"screen_photo", "capture", "a phone's picture of a screen, JPEG 82", steps(ScreenPhoto, JPEG(82))},
		{"print_scan", "capture", "printed and scanned, JPEG 75", steps(PrintScan, JPEG(75))},

		{"chain_crop", "chain", "crop of 40 %, at most 800 px, JPEG 60", steps(CropTo(.4), FitTo(800), JPEG(60))},
		{"chain_reshare", "chain", "telegram, screenshot of 900 px, JPEG 80, at most 1280 px, JPEG 60",
			steps(FitTo(1280), JPEG(87), screenshot(900), JPEG(80), FitTo(1280), JPEG(60))},
		{"chain_rotcrop", "chain", "rotated by 3 degrees, crop of 60 %, at most 1280 px, JPEG 75",
			steps(turn(3, false), CropTo(.6), FitTo(1280), JPEG(75))},
	}
}
