package watermark_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/specimen"
)

// What a hard JPEG leaves of a mark on a small picture is read from its roundings, with at least these correlations.
func TestDetectReadsSmallPicturesThroughHardJPEG(t *testing.T) {
	for _, c := range []struct {
		attack string
		person uint64
		w, h   int
		least  float64
	}{{"jpeg20", 2, 480, 600, .62}, {"jpeg30", 1, 400, 520, .71}, {"thumb320", 2, 1500, 2000, .71}}[:long.Number(1, 3)] {
		d := detect(t, key, applied(t, c.attack, embedStrong(t, testID, specimen.Selfie(specimen.NewPerson(c.person), c.person, c.w, c.h))))
		require.True(t, d.Found, c.attack)
		assert.Equal(t, testID, d.Copy, c.attack)
		assert.Greater(t, d.Correlation, c.least, c.attack)
	}
}
