package attack_test

import (
	"image"
	"image/color"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/internal/test/compare"
	"github.com/kycmark/kycmark/internal/test/specimen"
)

func TestSizes(t *testing.T) {
	img := specimen.Scene(160, 120)
	special := map[string]image.Point{
		"resize75": {120, 90}, "resize50": {80, 60}, "resize25": {40, 30}, "resize150": {240, 180},
		"rot1": {162, 122}, "rot5": {169, 133}, "rot17": {188, 161}, "rot45": {197, 197}, "rot90": {120, 160},
		"aspect10": {160, 108}, "shear3": {163, 120}, "border": {192, 152}, "collage": {350, 270},
	}
	drawn := map[string]bool{}
	for _, name := range random {
		drawn[name] = true
	}
	for _, a := range attack.All() {
		want, ok := special[a.Name]
		if !ok {
			want = image.Pt(160, 120) // messengers do not enlarge
		}
		if !drawn[a.Name] {
			assert.Equal(t, want, a.Apply(img, 1).Rect.Max, a.Name)
		}
	}
	long := specimen.Scene(2000, 50)
	for name, want := range map[string]image.Point{
		"telegram": {1280, 32}, "telegram_low": {800, 20}, "whatsapp": {1600, 40}, "whatsapp_twice": {1280, 32},
		"facebook": {960, 24}, "thumb320": {320, 8}, "thumb160": {160, 8}, "nlm": {1280, 32},
	} {
		assert.Equal(t, want, apply(t, name, long, 1).Rect.Max, name)
	}
}

// Sizes drawn from the seed stay within what the definition allows.
func TestDrawnSizes(t *testing.T) {
	img := specimen.Scene(200, 50)
	limits := map[string]image.Rectangle{
		"screenshot":      image.Rect(1080, 370, 1399, 609),
		"screenshot_jpeg": image.Rect(880, 320, 1199, 559),
		"persp3":          image.Rect(188, 47, 212, 53),
		"persp8":          image.Rect(168, 42, 232, 58),
		"print_scan":      image.Rect(1623, 573, 1644, 632),
	}
	for seed := range uint64(3) {
		for name, l := range limits {
			size := apply(t, name, img, seed).Rect.Max
			assert.True(t, size.X >= l.Min.X && size.Y >= l.Min.Y && size.X <= l.Max.X && size.Y <= l.Max.Y,
				"%s: %v", name, size)
		}
	}
}

// Draws in equal parts spread over the range of the leading parameter: here resizing to 22 to 180 %.
func TestApplyIn(t *testing.T) {
	img := specimen.Scene(400, 300)
	i := slices.IndexFunc(attack.Drawn(), func(a attack.Attack) bool { return a.Name == "drawn_resize" })
	for k := range 8 {
		share := float64(attack.ApplyIn(attack.Drawn()[i], img, 5, k, 8).Rect.Dx()) / 400
		assert.InDelta(t, .22+1.58*(float64(k)+.5)/8, share, 1.58/16+.003, "part %d", k)
	}
}

func TestNoneIsTheIdentity(t *testing.T) {
	img := specimen.Scene(33, 21)
	assert.Equal(t, img, apply(t, "none", img, 1))
}

func TestTurningBack(t *testing.T) {
	img := specimen.Scene(160, 120)
	for name, times := range map[string]int{"rot90": 4, "rot180": 2, "mirror": 2, "invert": 2} {
		out := img
		for i := range times {
			if i > 0 {
				require.Less(t, psnrOrNone(img, out), 25.0, "%s %d times changes nothing", name, i)
			}
			out = apply(t, name, out, 1)
		}
		require.Equal(t, img.Rect, out.Rect, name)
		assert.Greater(t, compare.PSNR(img, out), 30.0, name)
	}
}

// psnrOrNone is 0 where the sizes differ.
func psnrOrNone(a, b *image.NRGBA) float64 {
	if p := compare.PSNR(a, b); !math.IsNaN(p) {
		return p
	}
	return 0
}

func TestRotationTurnsAgainstTheClock(t *testing.T) {
	img := flat(101, 101, color.NRGBA{200, 200, 200, 255})
	for y := range 101 { // a red bar from the middle to the right
		for x := range 101 {
			if x > 50 && y > 40 && y < 60 {
				img.SetNRGBA(x, y, color.NRGBA{220, 0, 0, 255})
			}
		}
	}
	isRed := func(p *image.NRGBA, x, y int) bool {
		c := p.NRGBAAt(x, y)
		return c.R > 180 && c.G < 60
	}
	up, tilted := apply(t, "rot90", img, 1), apply(t, "rot45", img, 1)
	assert.True(t, isRed(up, 50, 20), "rot90 points up")
	mid := tilted.Rect.Dx() / 2
	assert.True(t, isRed(tilted, mid+20, mid-20), "rot45 points up and right")
	assert.Equal(t, uint8(0), tilted.NRGBAAt(1, 1).G, "the corner is black")
}

// The red of ramp counts columns, the green rows: a crop shows where it is from.
func TestCropKeepsARectangle(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 240, 200))
	for y := range 200 {
		for x := range 240 {
			img.SetNRGBA(x, y, color.NRGBA{uint8(x), uint8(y), 100, 255})
		}
	}
	for name, area := range map[string]float64{"crop75": .75, "crop50": .5, "crop25": .25, "crop10": .1, "crop05": .05} {
		for seed := range uint64(20) {
			out := apply(t, name, img, seed)
			w, h := out.Rect.Dx(), out.Rect.Dy()
			share := float64(w*h) / (240 * 200)
			if name == "crop75" { // may reach the sides
				assert.Greater(t, share, .68)
				assert.LessOrEqual(t, share, .75)
			} else {
				assert.InDelta(t, area, share, .012, name)
				ratio := float64(w) / float64(h) / (240. / 200)
				assert.True(t, ratio > .6 && ratio < 1.6, "%s: ratio %g", name, ratio)
			}
			first, last := out.NRGBAAt(0, 0), out.NRGBAAt(w-1, h-1)
			assert.InDelta(t, w-1, int(last.R)-int(first.R), 8, "%s: columns", name)
			assert.InDelta(t, h-1, int(last.G)-int(first.G), 8, "%s: rows", name)
		}
	}
}

func TestRedactedShare(t *testing.T) {
	img := flat(200, 160, color.NRGBA{180, 170, 160, 255})
	for name, area := range map[string]float64{"redact30": .3, "redact50": .5} {
		for seed := range uint64(5) {
			black := 0
			out := apply(t, name, img, seed)
			for i := 0; i < len(out.Pix); i += 4 {
				if out.Pix[i] < 90 {
					black++
				}
			}
			share := float64(black) / (200 * 160)
			assert.True(t, share > area-.02 && share < area+.13, "%s: %g", name, share)
		}
	}
	night := flat(50, 50, color.NRGBA{0, 0, 0, 255})
	assert.Equal(t, uint8(0), apply(t, "redact50", night, 1).Pix[0], "a black picture has nothing to redact")
}

func TestTone(t *testing.T) {
	for _, c := range []struct {
		name     string
		in, want color.NRGBA
	}{
		{"bright", color.NRGBA{100, 150, 230, 255}, color.NRGBA{140, 190, 255, 255}},
		{"dark", color.NRGBA{100, 150, 200, 255}, color.NRGBA{60, 90, 120, 255}},
		{"contrast", color.NRGBA{100, 150, 180, 255}, color.NRGBA{90, 160, 202, 255}},
		{"gamma", color.NRGBA{100, 150, 200, 255}, color.NRGBA{145, 185, 220, 255}},
		{"gray", color.NRGBA{200, 100, 50, 255}, color.NRGBA{124, 124, 124, 255}},
		{"invert", color.NRGBA{100, 150, 200, 255}, color.NRGBA{155, 105, 55, 255}},
	} {
		got := apply(t, c.name, flat(16, 16, c.in), 1).NRGBAAt(8, 8)
		assert.InDeltaSlice(t, []uint8{c.want.R, c.want.G, c.want.B}, []uint8{got.R, got.G, got.B}, 4, c.name)
	}
}

// deviation is the standard deviation of the green channel.
func deviation(img *image.NRGBA) float64 {
	var n, sum, squares float64
	for i := 1; i < len(img.Pix); i += 4 {
		v := float64(img.Pix[i])
		n, sum, squares = n+1, sum+v, squares+v*v
	}
	return math.Sqrt(squares/n - sum/n*sum/n)
}

func TestNoiseAndItsRemoval(t *testing.T) {
	clean := flat(128, 128, color.NRGBA{128, 128, 128, 255})
	for name, sigma := range map[string]float64{"noise5": 5, "noise15": 15, "noise25": 25} {
		assert.InDelta(t, sigma, deviation(apply(t, name, clean, 1)), sigma/30, name)
	}
	noisy := apply(t, "noise5", clean, 1)
	// White noise of deviation 1 keeps 1/(2 sqrt(pi) sigma) after a blur of sigma.
	for name, want := range map[string]float64{"blur1": 5 * .282, "blur2": 5 * .141, "blur4": 5 * .0705} {
		assert.InDelta(t, want, deviation(apply(t, name, noisy, 1)), .25*want+.2, name)
	}
	for name, most := range map[string]float64{"median3": 2.2, "median5": 1.5, "bilateral": 1.6, "nlm": 1.5} {
		assert.Less(t, deviation(apply(t, name, noisy, 1)), most, name)
	}
	assert.Greater(t, deviation(apply(t, "sharpen", noisy, 1)), 8.0)
}

// Smoothing that respects edges leaves a step where it is, a blur does not.
func TestEdges(t *testing.T) {
	img := flat(64, 64, color.NRGBA{60, 60, 60, 255})
	for y := range 64 {
		for x := 32; x < 64; x++ {
			img.SetNRGBA(x, y, color.NRGBA{200, 200, 200, 255})
		}
	}
	for _, name := range []string{"median3", "median5", "bilateral", "nlm"} {
		out := apply(t, name, img, 1)
		assert.InDelta(t, 60, out.NRGBAAt(31, 32).G, 4, name)
		assert.InDelta(t, 200, out.NRGBAAt(32, 32).G, 4, name)
	}
	out := apply(t, "blur2", img, 1)
	assert.InDelta(t, 60+140*.4, out.NRGBAAt(31, 32).G, 6) // the Gaussian's integral at -1/4 deviations
	assert.Equal(t, color.NRGBA{60, 60, 60, 255}, out.NRGBAAt(0, 0))
	assert.Less(t, apply(t, "sharpen", img, 1).NRGBAAt(31, 32).G, uint8(20))
}

func TestQualityFallsWithJPEG(t *testing.T) {
	img, last := specimen.Scene(160, 120), math.Inf(1)
	for _, name := range []string{"jpeg90", "jpeg75", "jpeg50", "jpeg30", "jpeg20", "jpeg10"} {
		p := compare.PSNR(img, apply(t, name, img, 1))
		assert.Less(t, p, last, name)
		last = p
	}
	assert.Greater(t, last, 20.0)
}

func TestSurroundings(t *testing.T) {
	img := flat(200, 100, color.NRGBA{20, 150, 20, 255})
	border := apply(t, "border", img, 1)
	assert.InDelta(t, 250, border.NRGBAAt(3, 3).G, 3)
	assert.InDelta(t, 150, border.NRGBAAt(120, 70).G, 3)

	shot := apply(t, "screenshot", img, 1)
	assert.Equal(t, color.NRGBA{48, 52, 58, 255}, shot.NRGBAAt(3, 3), "the bar of the page")
	green, text := 0, 0
	for i := 0; i < len(shot.Pix); i += 4 {
		switch c := shot.Pix[i : i+3]; {
		case c[0] == 20 && c[1] == 150:
			green++
		case c[0] > 150 && i/shot.Stride < 56:
			text++
		}
	}
	assert.Equal(t, 1000*500, green, "the whole picture is shown")
	assert.Greater(t, text, 300, "a title is written")

	red := 0
	stamped := apply(t, "stamp", img, 1)
	for i := 0; i < len(stamped.Pix); i += 4 {
		if stamped.Pix[i] > 120 {
			red++
		}
	}
	assert.InDelta(t, .1, float64(red)/(200*100), .08, "share under the text")
}
