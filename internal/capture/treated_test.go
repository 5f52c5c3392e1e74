package capture_test

import (
	"image"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/capture"
	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/specimen"
)

// treated returns what a scanner application makes of a picture.
func treated(name string, img *image.NRGBA) *image.NRGBA {
	all := attack.Scanner()
	return all[slices.IndexFunc(all, func(a attack.Attack) bool { return a.Name == name })].Apply(img, 1)
}

// Opponent's story: a threshold leaves little more than half of a page's edges, and the page is a lookalike.
func TestFewEdges(t *testing.T) {
	blank := specimen.NewBlank(specimen.Bill, 590)
	shot := func(person uint64) *image.NRGBA {
		return specimen.Photograph(blank.Fill(specimen.NewPerson(person)), 50, 640, 960)
	}
	o := capture.New(dsp.LazyLuma(shot(600)))
	assert.Equal(t, "edges", verdict(t, o, treated("adaptive", shot(600))))
	assert.Equal(t, "edited", verdict(t, o, treated("adaptive", shot(601))), "another person's")
}

// Applications that scan documents divide a picture by its light, or make it black and white. Other persons' documents and
// other captures of the card, treated alike, are not taken for the upload.
func TestVerdictOnTreatedLeaks(t *testing.T) {
	small := func(person, seed uint64) *image.NRGBA { return specimen.Photograph(page(person), seed, 640, 480) }
	upload, other := small(1, 1), small(2, 1)
	o := capture.New(dsp.LazyLuma(upload))
	for name, own := range map[string]string{"whiten": "alike", "g4_200": "edges"} {
		s, err := o.Find(t.Context(), dsp.LazyLuma(treated(name, upload)))
		require.NoError(t, err)
		require.NotNil(t, s, name)
		v, err := s.Verdict()
		require.NoError(t, err)
		assert.Equal(t, own, v.String(), name)
		assert.True(t, s.Treated(), name)
		if shades, err := s.Shades(); own == "alike" {
			require.NoError(t, err)
			assert.Less(t, shades, 20.0, name)
		}
		if name == "g4_200" || long.On {
			assert.Contains(t, []string{"other", "edited", "apart"}, verdict(t, o, treated(name, other)), "another person's, "+name)
		}
		if long.On {
			assert.NotContains(t, []string{"same", "altered", "edges", "unsure"}, verdict(t, o, treated(name, small(1, 2))), "another photograph of the card, "+name)
		}
	}
}
