// Package hard holds what only measurements do to pictures: attacks harder than the 63 of
// package attack, and mixtures of several recipients' copies.
package hard

import (
	"bytes"
	"fmt"
	"image"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/disintegration/imaging"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/internal/test/fromfile"
	"github.com/kycmark/kycmark/internal/webp"
)

// All returns [attack.All], [Attacks], [Modern] and [attack.Drawn].
func All() []attack.Attack {
	return slices.Concat(attack.All(), Attacks(), Modern(), attack.Drawn())
}

// Find returns the attack of [All] called name. The error wraps [attack.ErrUnknown].
func Find(name string) (attack.Attack, error) {
	for _, a := range All() {
		if a.Name == name {
			return a, nil
		}
	}
	return attack.Find(name)
}

// Attacks returns attacks beyond [attack.All], all of the group "hard". After them a mark is rarely
// read blind, but often traced.
func Attacks() []attack.Attack {
	of := func(name, about string, steps ...attack.Step) attack.Attack {
		return attack.New(name, "hard", about, steps...)
	}
	phone := handheld{width: 1600, height: 1200, tilt: .03, lens: .02, moire: .04, blur: 1, noise: 4}
	badPhone := handheld{width: 1280, height: 960, tilt: .06, lens: .04, moire: .09, blur: 2.2, noise: 9}
	return []attack.Attack{
		of("x_jpeg5", "JPEG quality 5, 4:2:0", attack.JPEG(5)),
		of("x_jpeg8_1000", "at most 1000 px, JPEG 8", attack.FitTo(1000), attack.JPEG(8)),
		of("x_jpeg12_1600", "at most 1600 px, JPEG 12", attack.FitTo(1600), attack.JPEG(12)),
		of("x_jpeg8_shown", "at most 1600 px, JPEG 8, then at most 1330 px", attack.FitTo(1600), attack.JPEG(8), attack.FitTo(1330)),
		of("x_thumb96", "at most 96 px, JPEG 80", attack.FitTo(96), attack.JPEG(80)),
		of("x_thumb64", "at most 64 px, JPEG 80", attack.FitTo(64), attack.JPEG(80)),
		of("x_thumb160q30", "at most 160 px, JPEG 30", attack.FitTo(160), attack.JPEG(30)),
		of("x_crop02", "2 % of the area, random place, JPEG 85", attack.CropTo(.02), attack.JPEG(85)),
		of("x_screen2", "a screen photographed by hand, lens, moire, JPEG 75", phone.photo, attack.JPEG(75)),
		of("x_screen_hard", "the same by a bad phone, 1280 px, JPEG 40", badPhone.photo, attack.JPEG(40)),
		of("x_print2", "halftone print, warped paper, scanned grey, JPEG 70", halftonePrint, attack.JPEG(70)),
		of("x_crop25_400_q30", "crop of 25 %, at most 400 px, JPEG 30", attack.CropTo(.25), attack.FitTo(400), attack.JPEG(30)),
		of("x_screen_thumb320", "screen_photo, then at most 320 px, JPEG 70",
			attack.ScreenPhoto, attack.JPEG(82), attack.FitTo(320), attack.JPEG(70)),
		of("x_print_crop_q30", "print_scan, crop of 40 %, at most 640 px, JPEG 30",
			attack.PrintScan, attack.JPEG(75), attack.CropTo(.4), attack.FitTo(640), attack.JPEG(30)),
		of("x_blur8", "Gaussian blur of 8 px", attack.Blur(8)),
		of("x_redact80", "black boxes over 80 %, JPEG 75", attack.Redact(.8), attack.JPEG(75)),
		of("x_lens2", "a lens that bends by 2 % at half the width, JPEG 85", lens(.02), attack.JPEG(85)),
		of("x_lens4", "the same by 4 %", lens(.04), attack.JPEG(85)),
		of("x_hue", "hue turned by 50 degrees, 1.6 times the saturation", turnHue),
	}
}

// Modern returns what modern messengers, web pages and scanning applications do to pictures, all of the group "modern".
// AVIF and HEIC need avifenc and heif-enc, of Debian's libavif-bin and libheif-examples: without them they panic.
func Modern() []attack.Attack {
	of := func(name, about string, steps ...attack.Step) attack.Attack {
		return attack.New(name, "modern", about, steps...)
	}
	return []attack.Attack{
		of("thumb240", "at most 240 px, JPEG 80", attack.FitTo(240), attack.JPEG(80)),
		of("sticker512", "at most 512 px, WebP 60", attack.FitTo(512), asWebP(60)),
		of("webp30", "WebP quality 30", asWebP(30)),
		of("webp10", "WebP quality 10", asWebP(10)),
		of("avif1280", "at most 1280 px, AVIF quantizer 45 of 63", attack.FitTo(1280),
			external("avif", []string{"avifenc", "-s", "8", "--min", "45", "--max", "45", "-y", "420"}, "avifdec")),
		of("heic1280", "at most 1280 px, HEIC 25", attack.FitTo(1280), external("heic", []string{"heif-enc", "-q", "25", "-o"}, "heif-convert")),
		of("docscan", "a scanning application: paper made white, ink dark, JPEG 75", whitened, attack.JPEG(75)),
	}
}

// asWebP is the step that saves a picture as lossy WebP of a quality of 1 to 100 and opens it again. It panics if
// the encoder or the decoder fails, which the bench reports as the case's error.
func asWebP(quality int) attack.Step {
	return func(_ *rand.Rand, p *image.NRGBA) *image.NRGBA {
		var b bytes.Buffer
		if err := webp.Encode(&b, p, quality, nil, nil); err != nil {
			panic(err)
		}
		opened, err := picture.Decode(b.Bytes(), picture.Limits{})
		if err != nil {
			panic(err)
		}
		return picture.Flatten(opened.Image)
	}
}

// external is the step that saves a picture by a program and opens it again by another.
func external(ending string, encoder []string, decoder string) attack.Step {
	return func(_ *rand.Rand, p *image.NRGBA) *image.NRGBA {
		dir, err := os.MkdirTemp("", "kycmark-bench-")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		in, coded, out := filepath.Join(dir, "in.png"), filepath.Join(dir, "coded."+ending), filepath.Join(dir, "out.png")
		if err := imaging.Save(p, in); err != nil {
			panic(err)
		}
		args := append(slices.Clone(encoder[1:]), in, coded)
		if slices.Contains(encoder, "-o") {
			args = append(slices.Clone(encoder[1:]), coded, in)
		}
		for _, c := range []*exec.Cmd{exec.Command(encoder[0], args...), exec.Command(decoder, coded, out)} {
			if said, err := c.CombinedOutput(); err != nil {
				panic(fmt.Errorf("%s: %w: %s", c.Path, err, said))
			}
		}
		opened, err := fromfile.Picture(out, picture.Limits{})
		if err != nil {
			panic(err)
		}
		return picture.Flatten(opened.Image)
	}
}

// whitened is the step of an application that scans documents. It divides a picture by the light on its page, which is a
// blur of a 40th of the long side. Then it stretches 55 to 92 % of that light to black and white.
func whitened(r *rand.Rand, p *image.NRGBA) *image.NRGBA {
	const ink, paper = .55, .92
	light := attack.Blur(float64(max(p.Rect.Dx(), p.Rect.Dy()))/40)(r, p)
	out := image.NewNRGBA(p.Rect)
	for i, v := range p.Pix {
		if out.Pix[i] = 255; i%4 < 3 {
			share := float64(v) / max(1, float64(light.Pix[i]))
			out.Pix[i] = attack.Clamp8(255*(share-ink)/(paper-ink) + .5)
		}
	}
	return out
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
			c[k] = attack.Clamp8(float64(high) - chroma*min(1, max(0, min(d, 4-d))) + .5)
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
