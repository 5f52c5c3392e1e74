package watermark_test

import (
	"image"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/specimen"
)

// What a hard JPEG leaves of a mark on a small picture is read from its roundings, with at least these correlations.
func TestDetectReadsSmallPicturesThroughHardJPEG(t *testing.T) {
	small := specimen.Selfie(specimen.NewPerson(2), 2, 480, 600)
	other := specimen.Selfie(specimen.NewPerson(1), 1, 400, 520)
	large := specimen.Selfie(specimen.NewPerson(2), 2, 1500, 2000)
	for _, c := range []struct {
		attack string
		of     *image.NRGBA
		least  float64
	}{{"jpeg20", small, .62}, {"jpeg30", other, .71}, {"thumb320", large, .71}}[:long.Number(1, 3)] {
		d := detect(t, key, applied(t, c.attack, embedStrong(t, testID, c.of)))
		require.True(t, d.Found, c.attack)
		assert.Equal(t, testID, d.Copy, c.attack)
		assert.Greater(t, d.Correlation, c.least, c.attack)
	}
}
