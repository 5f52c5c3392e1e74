package attack_test

import (
	"image"
	"image/color"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/internal/test/specimen"
)

// definition is the list of attacks.py, group by group.
var definition = []string{
	"none: none",
	"codec: jpeg90 jpeg75 jpeg50 jpeg30 jpeg20 jpeg10",
	"resize: resize75 resize50 resize25 resize150",
	"messenger: telegram telegram_low whatsapp whatsapp_twice facebook",
	"thumbnail: thumb320 thumb160",
	"crop: crop75 crop50 crop25 crop10 crop05",
	"rotate: rot1 rot5 rot17 rot45 rot90 rot180 mirror",
	"warp: aspect10 shear3 persp3 persp8",
	"tone: bright dark contrast gamma gray invert",
	"filter: blur1 blur2 blur4 median3 median5 sharpen bilateral nlm noise5 noise15 noise25",
	"overlay: redact30 redact50 stamp border",
	"capture: screenshot screenshot_jpeg collage screen_photo print_scan",
	"chain: chain_crop chain_reshare chain_rotcrop",
}

// random are the attacks that draw from the seed.
var random = strings.Fields(`crop75 crop50 crop25 crop10 crop05 persp3 persp8 noise5 noise15 noise25
	redact30 redact50 stamp screenshot screenshot_jpeg screen_photo print_scan
	chain_crop chain_reshare chain_rotcrop`)

func apply(t *testing.T, name string, img *image.NRGBA, seed uint64) *image.NRGBA {
	t.Helper()
	a, err := attack.Find(name)
	require.NoError(t, err)
	return a.Apply(img, seed)
}

func flat(w, h int, c color.NRGBA) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i := 0; i < len(img.Pix); i += 4 {
		copy(img.Pix[i:], []uint8{c.R, c.G, c.B, c.A})
	}
	return img
}

func TestListIsTheDefinition(t *testing.T) {
	var got []string
	group := ""
	for _, a := range attack.All() {
		if a.Group != group {
			group = a.Group
			got = append(got, group+":")
		}
		got[len(got)-1] += " " + a.Name
	}
	assert.Equal(t, definition, got)
	assert.Len(t, attack.All(), 63)
}

func TestFind(t *testing.T) {
	a, err := attack.Find("crop25")
	require.NoError(t, err)
	assert.Equal(t, "crop", a.Group)
	_, err = attack.Find("crop26")
	require.ErrorIs(t, err, attack.ErrUnknown)
	assert.Contains(t, err.Error(), `"crop26"`)
}

func TestAboutFitsALine(t *testing.T) {
	for _, a := range attack.All() {
		assert.NotEmpty(t, a.About, a.Name)
		assert.Less(t, len(a.About), 80, a.Name)
	}
}

// Every attack returns an own, packed, opaque picture with origin (0,0), draws
// from the seed alone and leaves its input as it was.
func TestContract(t *testing.T) {
	img := specimen.Scene(160, 40)
	before := slices.Clone(img.Pix)
	for _, a := range slices.Concat(attack.All(), attack.Drawn()) {
		out := a.Apply(img, 1)
		require.Equal(t, before, img.Pix, "%s changed its input", a.Name)
		assert.Equal(t, image.Point{}, out.Rect.Min, a.Name)
		assert.Equal(t, 4*out.Rect.Dx(), out.Stride, a.Name)
		assert.Len(t, out.Pix, out.Stride*out.Rect.Dy(), a.Name)
		assert.NotSame(t, &img.Pix[0], &out.Pix[0], a.Name)
		for i := 3; i < len(out.Pix); i += 4 {
			if out.Pix[i] != 255 {
				require.Failf(t, "not opaque", "%s at %d", a.Name, i)
			}
		}
		if !slices.Contains(random, a.Name) && a.Group != "drawn" {
			assert.Equal(t, out, a.Apply(img, 2), "%s: any seed", a.Name)
			continue
		}
		assert.Equal(t, out, a.Apply(img, 1), "%s: same seed", a.Name)
		assert.False(t, slices.Equal(out.Pix, a.Apply(img, 2).Pix) && slices.Equal(out.Pix, a.Apply(img, 3).Pix), "%s: other seed", a.Name)
	}
}

func TestAttacksDrawIndependently(t *testing.T) {
	img := flat(64, 64, color.NRGBA{128, 128, 128, 255})
	a, b := apply(t, "noise15", img, 1), apply(t, "noise25", img, 1)
	same := 0
	for i := 0; i < len(a.Pix); i += 4 {
		if (a.Pix[i] > 128) == (b.Pix[i] > 128) {
			same++
		}
	}
	assert.InDelta(t, 0.5, float64(same)/(64*64), 0.05)
}

// A picture cut out of a larger one is attacked like its own copy.
func TestCutOutOfALargerPicture(t *testing.T) {
	large := specimen.Scene(120, 90)
	cut := large.SubImage(image.Rect(20, 10, 84, 58)).(*image.NRGBA)
	alone := apply(t, "none", cut, 1)
	require.Equal(t, image.Rect(0, 0, 64, 48), alone.Rect)
	require.Equal(t, large.NRGBAAt(20, 10), alone.NRGBAAt(0, 0))
	for _, name := range []string{"jpeg50", "rot17", "median3", "crop50"} {
		assert.Equal(t, apply(t, name, alone, 1), apply(t, name, cut, 1), name)
	}
}

func TestTransparencyIsLaidOverWhite(t *testing.T) {
	for _, c := range []struct{ in, want color.NRGBA }{
		{color.NRGBA{10, 20, 30, 0}, color.NRGBA{255, 255, 255, 255}},
		{color.NRGBA{10, 20, 30, 255}, color.NRGBA{10, 20, 30, 255}},
		{color.NRGBA{0, 100, 255, 128}, color.NRGBA{127, 177, 255, 255}},
	} {
		assert.Equal(t, flat(8, 8, c.want), apply(t, "none", flat(8, 8, c.in), 1))
	}
}

func TestZeroAttackAndEmptyPicture(t *testing.T) {
	img := specimen.Scene(16, 9)
	assert.Equal(t, img, attack.Attack{}.Apply(img, 1))
	for _, a := range attack.All() {
		assert.True(t, a.Apply(&image.NRGBA{}, 1).Rect.Empty(), a.Name)
	}
}

// FuzzApply gives pictures of all shapes to all attacks.
func FuzzApply(f *testing.F) {
	sizes := [][2]uint8{{8, 8}, {1, 1}, {8, 255}, {255, 8}, {9, 31}, {2, 3}}
	for i := range attack.All() {
		size := sizes[i%len(sizes)]
		f.Add(uint8(i), size[0], size[1], uint64(i))
	}
	f.Fuzz(func(t *testing.T, which, w, h uint8, seed uint64) {
		a := attack.All()[int(which)%len(attack.All())]
		out := a.Apply(specimen.Scene(int(w), int(h)), seed)
		if w > 0 && h > 0 && out.Rect.Empty() {
			t.Fatalf("%s left nothing of %d x %d", a.Name, w, h)
		}
	})
}

// An alteration changes its places and nothing else, draws from the seed alone, and leaves its
// input as it was.
func TestAlterations(t *testing.T) {
	img := specimen.Scene(320, 200)
	before := slices.Clone(img.Pix)
	for _, a := range attack.Alterations() {
		out, places := a.Apply(img, 1)
		again, _ := a.Apply(img, 1)
		require.Equal(t, before, img.Pix, "%s changed its input", a.Name)
		assert.Equal(t, out, again, a.Name)
		if a.Name == "border" {
			assert.Greater(t, out.Rect.Dx(), 320)
			continue
		}
		require.NotEmpty(t, places, a.Name)
		changed, area := 0, 0
		for _, p := range places {
			area += p.Dx() * p.Dy()
			assert.True(t, p.In(img.Rect), "%s: %v", a.Name, p)
		}
		for i := 0; i < len(img.Pix); i += 4 {
			if slices.Equal(out.Pix[i:i+4], img.Pix[i:i+4]) {
				continue
			}
			changed++
			at := image.Pt(i/4%320, i/4/320)
			assert.True(t, slices.ContainsFunc(places, at.In), "%s: %v", a.Name, at)
		}
		assert.Positive(t, changed, a.Name)
		assert.LessOrEqual(t, area, 320*200/10, a.Name)
	}
}
