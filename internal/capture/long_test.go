//go:build long

package capture_test

import (
	"image"
	"image/color"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/capture"
	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/internal/test/specimen"
)

// One scan in some hundreds lies as straight as another by chance.
func TestLongStraightScanIsNoCrop(t *testing.T) {
	seed := uint64(2)
	for lean(seed)-lean(1) > 2e-5 || lean(1)-lean(seed) > 2e-5 {
		seed++
	}
	o := capture.New(dsp.LazyLuma(scan(1, 1)))
	for _, name := range []string{"none", "crop50", "chain_crop"} {
		assert.Equal(t, "alike", verdict(t, o, after(t, name, scan(1, seed))), name)
	}
	assert.Equal(t, "alike", verdict(t, o, piece(t, scan(1, seed))), "a scaled piece")
}

// A slight tilt of a small scan leaves wedges of ground that are a few pixels wide.
func TestLongVerdictOnSlightTilts(t *testing.T) {
	small := func(seed uint64) *image.NRGBA { return specimen.Scan(page(1), seed, 640, 480) }
	tilt, err := attack.Find("persp3")
	require.NoError(t, err)
	o, same := capture.New(dsp.LazyLuma(small(1))), 0
	for seed := range uint64(5) {
		if verdict(t, o, tilt.Apply(small(1), seed)) == "same" {
			same++
		}
		if seed < 3 {
			assert.NotContains(t, []string{"same", "unsure"}, verdict(t, o, tilt.Apply(small(2+seed), seed)), "another scan of the card, tilt %d", seed)
		}
	}
	assert.GreaterOrEqual(t, same, 4, "of 5 tilts")
}

// A piece that was turned on a canvas is no edited picture: the canvas covers nothing of it.
func TestLongTurnedPieces(t *testing.T) {
	turned := func(img *image.NRGBA, angle float64, on color.Color) *image.NRGBA {
		return after(t, "jpeg75", imaging.Rotate(imaging.Crop(img, image.Rect(300, 250, 900, 620)), angle, on))
	}
	for name, of := range map[string]func(person, seed uint64) *image.NRGBA{"photo": photo, "scan": scan} {
		o := capture.New(dsp.LazyLuma(of(1, 1)))
		for angle, on := range map[float64]color.Color{2: color.White, -3.4: color.Black, 7: color.White, -12: color.Black} {
			assert.Contains(t, []string{"same", "alike"}, verdict(t, o, turned(of(1, 1), angle, on)), "%s, %g degrees", name, angle)
		}
		assert.NotContains(t, []string{"same", "unsure"}, verdict(t, o, turned(of(1, 2), 2, color.White)), "%s: another capture of the card", name)
		assert.NotContains(t, []string{"same", "unsure", "alike"}, verdict(t, o, turned(of(2, 1), 2, color.White)), "%s: another person's", name)
	}
}

// A drawing has no noise: its frame and its pixels are what is known of it.
func TestLongVerdictOnDrawings(t *testing.T) {
	o := capture.New(dsp.LazyLuma(page(1)))
	for _, name := range []string{"crop50", "rot5", "screen_photo"} {
		assert.Equal(t, "same", verdict(t, o, after(t, name, page(1))), name)
	}
	for _, name := range []string{"none", "rot5"} {
		assert.NotContains(t, []string{"same", "unsure"}, verdict(t, o, after(t, name, scan(1, 1))), "printed and scanned, then "+name)
	}
	assert.Equal(t, "other", verdict(t, o, after(t, "rot5", page(2))), "another person's")
}

// Pieces of sharp scans and drawings stay alike: shades change too much when they are made small.
func TestLongVerdictOnScaledPieces(t *testing.T) {
	o := capture.New(dsp.LazyLuma(photo(1, 1)))
	assert.Equal(t, "same", verdict(t, o, piece(t, photo(1, 1))))
	assert.NotContains(t, []string{"same", "unsure"}, verdict(t, o, piece(t, photo(1, 2))), "another photograph of the card")
	assert.NotContains(t, []string{"same", "unsure"}, verdict(t, o, piece(t, photo(2, 1))), "another person's")
	o = capture.New(dsp.LazyLuma(page(1)))
	assert.Equal(t, "other", verdict(t, o, piece(t, page(2))), "another person's, drawn by the same program")
}

// Where the template was printed by a computer and never photographed, only the
// text and the portrait differ.
func TestLongLikenessOfRenderedPages(t *testing.T) {
	for _, tpl := range []specimen.Template{specimen.Passport, specimen.Bill} {
		blank := specimen.NewBlank(tpl, 750)
		o := capture.New(dsp.LazyLuma(picture.Flatten(blank.Fill(specimen.NewPerson(1)))))
		for person, want := range map[uint64]capture.Verdict{1: capture.Same, 2: capture.Other, 3: capture.Other} {
			s, err := o.Find(t.Context(), dsp.LazyLuma(picture.Flatten(blank.Fill(specimen.NewPerson(person)))))
			require.NoError(t, err)
			require.NotNil(t, s)
			n := s.Likeness()
			assert.Equal(t, want, n.Verdict, "%s, person %d: %+v", tpl, person, n)
		}
	}
}

// piece is a piece of a picture, made small and saved again.
func piece(t *testing.T, img *image.NRGBA) *image.NRGBA {
	return after(t, "jpeg90", imaging.Resize(imaging.Crop(img, image.Rect(60, 40, 960, 640)), 800, 0, imaging.Lanczos))
}

// lean is how far the upper side of a card falls on its scan, in parts of its length.
func lean(seed uint64) float64 {
	q := specimen.NewScan(page(1).Rect, seed, 1200, 900).Quad
	return (q[1][1] - q[0][1]) / (q[1][0] - q[0][0])
}
