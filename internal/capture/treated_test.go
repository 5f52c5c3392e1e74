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
)

// Applications that scan documents divide a picture by its light, or make it black and white. Other persons' documents and
// other captures of the card, treated alike, are not taken for the upload.
func TestVerdictOnTreatedLeaks(t *testing.T) {
	treated := func(name string, img *image.NRGBA) *image.NRGBA {
		all := attack.Scanner()
		return all[slices.IndexFunc(all, func(a attack.Attack) bool { return a.Name == name })].Apply(img, 1)
	}
	for _, name := range long.Cases(2, "whiten", "g4_200", "magic", "adaptive", "g4_300") {
		own := "alike"
		if bilevel := capture.Bilevel(dsp.LumaNRGBA(treated(name, photo(1, 1)))); bilevel {
			own = "edges"
		}
		s, err := ofPhoto().Find(t.Context(), dsp.LazyLuma(treated(name, photo(1, 1))))
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
		assert.NotContains(t, []string{"same", "altered", "edges", "unsure", "alike"}, verdict(t, ofPhoto(), treated(name, photo(2, 1))), "another person's, "+name)
		assert.NotContains(t, []string{"same", "altered", "edges", "unsure"}, verdict(t, ofPhoto(), treated(name, photo(1, 2))), "another photograph of the card, "+name)
	}
}
