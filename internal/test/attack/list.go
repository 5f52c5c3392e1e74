// Package attack has all 63 attacks of the project's definition, for tests and for the module bench: the
// twelve of the product's package, and 51 more. It also has attacks that draw their parameters, and
// alterations of places. Names, groups and parameters follow the executable definition in Python
// (OpenCV and libjpeg-turbo). Both agree in effect, not in pixels.
package attack

import (
	"fmt"
	"image"
	"slices"

	"github.com/disintegration/imaging"

	base "github.com/kycmark/kycmark/internal/attack"
	"github.com/kycmark/kycmark/internal/attack/edits"
)

// What the product's package has, under the same names.
type (
	Attack = base.Attack
	Step   = base.Step
)

var (
	ErrUnknown  = edits.ErrUnknown
	New         = base.New
	Random      = base.Random
	Uniform     = base.Uniform
	JPEG        = base.JPEG
	FitTo       = base.FitTo
	ToSide      = base.ToSide
	ScaleTo     = base.ScaleTo
	CropTo      = base.CropTo
	Blur        = edits.Blur
	Noise       = edits.Noise
	Tone        = edits.Tone
	Line        = edits.Line
	Redact      = edits.Redact
	ScreenPhoto = edits.ScreenPhoto
	Warp        = edits.Warp
	OntoQuad    = edits.OntoQuad
	Waves       = edits.Waves
	Cubic       = base.Cubic
	Clamp8      = edits.Clamp8
)

// Find returns the attack of [All] called name. The error wraps [ErrUnknown].
func Find(name string) (Attack, error) {
	all := All()
	if i := slices.IndexFunc(all, func(a Attack) bool { return a.Name == name }); i >= 0 {
		return all[i], nil
	}
	return Attack{}, fmt.Errorf("%w %q", ErrUnknown, name)
}

// All returns the 63 attacks, "none" first, in the order of the tables. Geometry, tone and overlays
// are saved as JPEG 85, because that is what an editor does. Resizes, filters and the plain
// screenshot are not.
func All() []Attack {
	twelve := map[string]Attack{}
	for _, a := range edits.All() {
		twelve[a.Name] = a
	}
	the := func(name string) Attack { return twelve[name] }
	return []Attack{
		New("none", "none", "untouched"),

		New("jpeg90", "codec", "JPEG quality 90, 4:2:0", JPEG(90)),
		New("jpeg75", "codec", "JPEG quality 75, 4:2:0", JPEG(75)),
		the("jpeg50"),
		New("jpeg30", "codec", "JPEG quality 30, 4:2:0", JPEG(30)),
		New("jpeg20", "codec", "JPEG quality 20, 4:2:0", JPEG(20)),
		New("jpeg10", "codec", "JPEG quality 10, 4:2:0", JPEG(10)),

		New("resize75", "resize", "resized to 75 %, by area", base.ScaleBy(.75)),
		New("resize50", "resize", "resized to 50 %, by area", base.ScaleBy(.5)),
		New("resize25", "resize", "resized to 25 %, by area", base.ScaleBy(.25)),
		New("resize150", "resize", "enlarged to 150 %, cubic", base.ScaleBy(1.5)),

		the("telegram"),
		the("telegram_low"),
		New("whatsapp", "messenger", "at most 1600 px, JPEG 75", FitTo(1600), JPEG(75)),
		New("whatsapp_twice", "messenger", "1600 px, JPEG 75, then 1280 px, JPEG 60", FitTo(1600), JPEG(75), FitTo(1280), JPEG(60)),
		New("facebook", "messenger", "at most 960 px, JPEG 71", FitTo(960), JPEG(71)),

		the("thumb320"),
		New("thumb160", "thumbnail", "at most 160 px, JPEG 80", FitTo(160), JPEG(80)),

		New("crop75", "crop", "75 % of the area, random place, JPEG 85", CropTo(.75), JPEG(85)),
		the("crop50"),
		New("crop25", "crop", "25 % of the area, random place, JPEG 85", CropTo(.25), JPEG(85)),
		New("crop10", "crop", "10 % of the area, random place, JPEG 85", CropTo(.1), JPEG(85)),
		New("crop05", "crop", "5 % of the area, random place, JPEG 85", CropTo(.05), JPEG(85)),

		New("rot1", "rotate", "rotated by 1 degree, JPEG 85", edits.Turn(1), JPEG(85)),
		the("rot5"),
		New("rot17", "rotate", "rotated by 17 degrees, JPEG 85", edits.Turn(17), JPEG(85)),
		New("rot45", "rotate", "rotated by 45 degrees, JPEG 85", edits.Turn(45), JPEG(85)),
		New("rot90", "rotate", "rotated by 90 degrees, JPEG 85", edits.From(imaging.Rotate90), JPEG(85)),
		New("rot180", "rotate", "rotated by 180 degrees, JPEG 85", edits.From(imaging.Rotate180), JPEG(85)),
		the("mirror"),

		New("aspect10", "warp", "10 % less high, JPEG 85", affine(1, .9, 0), JPEG(85)),
		New("shear3", "warp", "sheared by 0.03, JPEG 85", affine(1, 1, .03), JPEG(85)),
		New("persp3", "warp", "corners moved by up to 3 %, JPEG 85", edits.Tilt(.03), JPEG(85)),
		New("persp8", "warp", "corners moved by up to 8 %, JPEG 85", edits.Tilt(.08), JPEG(85)),

		New("bright", "tone", "40 levels brighter, JPEG 85", Tone(Line(1, 40)), JPEG(85)),
		New("dark", "tone", "darkened to 60 %, JPEG 85", Tone(Line(.6, 0)), JPEG(85)),
		the("contrast"),
		New("gamma", "tone", "gamma 0.6 (brighter), JPEG 85", Tone(edits.Power(.6)), JPEG(85)),
		New("gray", "tone", "without colour, JPEG 85", edits.From(imaging.Grayscale), JPEG(85)),
		New("invert", "tone", "a negative, JPEG 85", Tone(Line(-1, 255)), JPEG(85)),

		New("blur1", "filter", "Gaussian blur of 1 px", Blur(1)),
		New("blur2", "filter", "Gaussian blur of 2 px", Blur(2)),
		New("blur4", "filter", "Gaussian blur of 4 px", Blur(4)),
		New("median3", "filter", "median of 3 x 3 px", median(3)),
		New("median5", "filter", "median of 5 x 5 px", median(5)),
		New("sharpen", "filter", "unsharp mask of 2 px", base.Plain(sharpen)),
		New("bilateral", "filter", "bilateral smoothing of 9 px", bilateral(9, 40, 7)),
		New("nlm", "filter", "at most 1280 px, non-local means", FitTo(1280), nonLocalMeans(8, 8)),
		New("noise5", "filter", "Gaussian noise of 5 levels", Noise(5)),
		New("noise15", "filter", "Gaussian noise of 15 levels", Noise(15)),
		New("noise25", "filter", "Gaussian noise of 25 levels", Noise(25)),

		the("redact30"),
		New("redact50", "overlay", "black boxes over 50 %, JPEG 85", Redact(.5), JPEG(85)),
		the("stamp"),
		New("border", "overlay", "white border of 10 %, JPEG 85", edits.Frame(.1), JPEG(85)),

		the("screenshot"),
		New("screenshot_jpeg", "capture", "800 px in a dark review page, JPEG 80", base.Screenshot(800), JPEG(80)),
		New("collage", "capture", "one of 2 x 2 pictures, JPEG 85", collage, JPEG(85)),
		the("screen_photo"),
		New("print_scan", "capture", "printed and scanned, JPEG 75", PrintScan, JPEG(75)),

		New("chain_crop", "chain", "crop of 40 %, at most 800 px, JPEG 60", CropTo(.4), FitTo(800), JPEG(60)),
		New("chain_reshare", "chain", "telegram, screenshot of 900 px, JPEG 80, at most 1280 px, JPEG 60", FitTo(1280), JPEG(87), base.Screenshot(900), JPEG(80), FitTo(1280), JPEG(60)),
		New("chain_rotcrop", "chain", "rotated by 3 degrees, crop of 60 %, at most 1280 px, JPEG 75", base.Plain(func(p *image.NRGBA) *image.NRGBA { return edits.Rotate(p, 3, false) }), CropTo(.6), FitTo(1280), JPEG(75)),
	}
}
