package hard_test

import (
	"image"
	"image/color"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/bench/hard"
	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/internal/test/compare"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/specimen"
)

func apply(t *testing.T, name string, img *image.NRGBA, seed uint64) *image.NRGBA {
	t.Helper()
	a, err := hard.Find(name)
	require.NoError(t, err)
	return a.Apply(img, seed)
}

func flat(w, h int, c color.NRGBA) *image.NRGBA { return imaging.New(w, h, c) }

// hardRandom are those of the harder attacks that draw from the seed.
var hardRandom = strings.Fields("x_crop02 x_screen2 x_screen_hard x_print2 x_crop25_400_q30 x_screen_thumb320 x_print_crop_q30 x_redact80")

func TestHardKeepsTheContract(t *testing.T) {
	img := specimen.Scene(200, 8)
	before := slices.Clone(img.Pix)
	require.Len(t, hard.Attacks(), 19)
	for _, a := range hard.Attacks() {
		found, err := hard.Find(a.Name)
		require.NoError(t, err)
		assert.Equal(t, "hard", found.Group)
		assert.True(t, strings.HasPrefix(a.Name, "x_"), "no name of the 63")
		assert.NotEmpty(t, a.About)
		out := a.Apply(img, 1)
		require.Equal(t, before, img.Pix, "%s changed its input", a.Name)
		assert.False(t, out.Rect.Empty(), a.Name)
		assert.Equal(t, image.Point{}, out.Rect.Min, a.Name)
		assert.Len(t, out.Pix, 4*out.Rect.Dx()*out.Rect.Dy(), a.Name)
		for i := 3; i < len(out.Pix); i += 4 {
			if out.Pix[i] != 255 {
				require.Failf(t, "not opaque", "%s at %d", a.Name, i)
			}
		}
		if !slices.Contains(hardRandom, a.Name) {
			assert.Equal(t, out, a.Apply(img, 2), "%s: any seed", a.Name)
			continue
		}
		assert.Equal(t, out, a.Apply(img, 1), "%s: same seed", a.Name)
		assert.NotEqual(t, out.Pix, a.Apply(img, 2).Pix, "%s: other seed", a.Name)
	}
}

func TestHardOnSmallPictures(t *testing.T) {
	for _, a := range hard.Attacks() {
		assert.False(t, a.Apply(specimen.Scene(1, 1), 1).Rect.Empty(), a.Name)
	}
}

// What modern codecs and scanning applications leave looks like the picture; it is smaller than as JPEG, or has white paper.
func TestModern(t *testing.T) {
	side := long.Number(1000, 1500)
	img := specimen.Render(specimen.IDCard, specimen.NewPerson(2), side)
	for _, a := range hard.Modern() {
		out := a.Apply(img, 1)
		assert.Equal(t, out, a.Apply(img, 2), "%s draws nothing", a.Name)
		assert.LessOrEqual(t, out.Rect.Dx(), side, a.Name)
		assert.Greater(t, compare.PSNR(imaging.Resize(out, 240, 151, imaging.Box), imaging.Resize(img, 240, 151, imaging.Box)), 12., a.Name)
	}
	white := func(p *image.NRGBA) (n int) {
		for i := 0; i < len(p.Pix); i += 4 {
			if p.Pix[i] == 255 && p.Pix[i+1] == 255 && p.Pix[i+2] == 255 {
				n++
			}
		}
		return n
	}
	assert.Greater(t, white(apply(t, "docscan", img, 1)), len(img.Pix)/4/5)
	assert.Less(t, white(img), len(img.Pix)/4/10)
}

func TestHardSizes(t *testing.T) {
	wide, upright := specimen.Scene(1400, 700), specimen.Scene(350, 700)
	for name, want := range map[string]image.Point{
		"x_thumb96": {96, 48}, "x_thumb64": {64, 32}, "x_thumb160q30": {160, 80},
		"x_screen2": {1600, 1200}, "x_screen_hard": {1280, 960}, "x_print2": {1200, 600}, "x_hue": {1400, 700},
	} {
		assert.Equal(t, want, apply(t, name, wide, 1).Rect.Max, name)
	}
	assert.Equal(t, image.Pt(1200, 1600), apply(t, "x_screen2", upright, 1).Rect.Max)
	small := apply(t, "x_crop02", wide, 1).Rect
	assert.InDelta(t, .02, float64(small.Dx()*small.Dy())/(1400*700), .002)
}

func TestHue(t *testing.T) {
	for in, want := range map[color.NRGBA]color.NRGBA{
		{128, 128, 128, 255}: {128, 128, 128, 255}, // grey stays
		{200, 0, 0, 255}:     {200, 167, 0, 255},   // red turns by 50 degrees towards yellow
		{0, 0, 240, 255}:     {200, 0, 240, 255},   // blue towards magenta
		{100, 80, 80, 255}:   {100, 95, 68, 255},   // and pale colours become stronger
	} {
		got := apply(t, "x_hue", flat(8, 8, in), 1).NRGBAAt(4, 4)
		assert.InDeltaSlice(t, []uint8{want.R, want.G, want.B}, []uint8{got.R, got.G, got.B}, 1)
	}
}

// What a scan of a print and a photo of a screen keep is the picture: shrunk, they
// look like it.
func TestHardCapturesShowThePicture(t *testing.T) {
	img := specimen.Scene(1200, 900)
	print := apply(t, "x_print2", img, 1)
	require.Equal(t, img.Rect, print.Rect)
	place := image.Rect(400, 300, 800, 600) // the page is turned about its middle and shrunk
	assert.Greater(t, correlation(coarse(apply(t, "gray", img, 1), place), coarse(print, place)), .9)
	for y := 0; y < 900; y += 97 {
		c := print.NRGBAAt(y, y)
		assert.InDelta(t, c.R, c.B, 6, "a grey scan")
	}
	photo := apply(t, "x_screen2", img, 1)
	corner, middle := photo.NRGBAAt(5, 5), photo.NRGBAAt(800, 600)
	assert.Less(t, corner.G, uint8(40), "the dark around the screen")
	assert.Greater(t, middle.G, uint8(60))
	assert.Less(t, compare.PSNR(photo, apply(t, "x_screen2", img, 2)), 30., "held otherwise")
}

// coarse averages squares of 40 px.
func coarse(p *image.NRGBA, place image.Rectangle) *image.NRGBA {
	return imaging.Resize(imaging.Crop(p, place), place.Dx()/40, 0, imaging.Box)
}

// correlation is that of the green channels.
func correlation(a, b *image.NRGBA) float64 {
	var n, sa, sb, saa, sbb, sab float64
	for i := 1; i < len(a.Pix); i += 4 {
		x, y := float64(a.Pix[i]), float64(b.Pix[i])
		n, sa, sb, saa, sbb, sab = n+1, sa+x, sb+y, saa+x*x, sbb+y*y, sab+x*y
	}
	return (sab/n - sa/n*sb/n) / math.Sqrt((saa/n-sa/n*sa/n)*(sbb/n-sb/n*sb/n))
}

func TestMixes(t *testing.T) {
	values := []uint8{10, 40, 20, 50}
	var copies []*image.NRGBA
	for _, v := range values {
		copies = append(copies, flat(60, 50, color.NRGBA{v, 100, 255 - v, 255}))
	}
	want := map[string]uint8{"mean": 30, "median": 30, "min": 10, "max": 50, "minmax": 30, "modneg": 30}
	for _, m := range hard.Mixes() {
		out, err := m.Apply(copies, 1)
		require.NoError(t, err)
		require.Equal(t, copies[0].Rect, out.Rect, m.Name)
		assert.NotEmpty(t, m.About)
		for i := 0; i < len(out.Pix); i += 4 {
			c := out.Pix[i : i+4]
			require.True(t, c[1] == 100 && c[3] == 255, "%s: what copies share stays: %v", m.Name, c)
			require.True(t, c[0] >= 10 && c[0] <= 50, "%s: %d", m.Name, c[0])
			if v, ok := want[m.Name]; ok {
				require.Equal(t, v, c[0], m.Name)
			}
		}
		again, err := m.Apply(copies, 1)
		require.NoError(t, err)
		assert.Equal(t, out, again, m.Name)
	}
}

// The mixes that draw take of all copies about as often.
func TestMixesDraw(t *testing.T) {
	copies := []*image.NRGBA{flat(480, 480, color.NRGBA{0, 0, 0, 255}), flat(480, 480, color.NRGBA{90, 0, 0, 255}), flat(480, 480, color.NRGBA{180, 0, 0, 255})}
	for name, limit := range map[string]float64{"mosaic8": .05, "mosaic48": .2, "pixels": .01} {
		m, err := hard.FindMix(name)
		require.NoError(t, err)
		out, err := m.Apply(copies, 1)
		require.NoError(t, err)
		count := map[uint8]float64{}
		for i := 0; i < len(out.Pix); i += 4 {
			count[out.Pix[i]]++
		}
		require.Len(t, count, 3, name)
		for v, n := range count {
			assert.InDelta(t, 1./3, n/(480*480), limit, "%s takes %d", name, v)
		}
		other, err := m.Apply(copies, 2)
		require.NoError(t, err)
		assert.NotEqual(t, out.Pix, other.Pix, name)
	}
	m, err := hard.FindMix("mosaic48")
	require.NoError(t, err)
	out, err := m.Apply(copies, 1)
	require.NoError(t, err)
	assert.Equal(t, out.NRGBAAt(48, 96), out.NRGBAAt(95, 143), "one block")
	m, err = hard.FindMix("randnp")
	require.NoError(t, err)
	out, err = m.Apply(copies, 1)
	require.NoError(t, err)
	for i := 0; i < len(out.Pix); i += 4 {
		require.NotEqual(t, uint8(90), out.Pix[i])
	}
}

func TestMixesRefuse(t *testing.T) {
	_, err := hard.FindMix("blend")
	require.ErrorIs(t, err, attack.ErrUnknown)
	m, err := hard.FindMix("mean")
	require.NoError(t, err)
	_, err = m.Apply(nil, 1)
	require.ErrorIs(t, err, hard.ErrMix)
	_, err = m.Apply([]*image.NRGBA{specimen.Scene(8, 9), specimen.Scene(9, 8)}, 1)
	require.ErrorIs(t, err, hard.ErrMix)
	_, err = hard.Mix{}.Apply([]*image.NRGBA{specimen.Scene(8, 9)}, 1)
	require.ErrorIs(t, err, hard.ErrMix)
}
