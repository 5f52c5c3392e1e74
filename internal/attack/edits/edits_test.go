package edits_test

import (
	"image"
	"image/color"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/attack/edits"
	"github.com/kycmark/kycmark/internal/test/specimen"
)

// What the attacks do is tested with the other 51, in internal/test/edits.
func TestTheTwelve(t *testing.T) {
	var names []string
	for _, a := range edits.All() {
		names = append(names, a.Name)
		found, err := edits.Find(a.Name)
		require.NoError(t, err)
		assert.Equal(t, a.About, found.About)
		assert.False(t, a.Apply(specimen.Scene(40, 30), 1).Rect.Empty(), a.Name)
	}
	assert.Equal(t, []string{"jpeg50", "telegram", "telegram_low", "thumb320", "crop50", "rot5", "mirror", "contrast",
		"redact30", "stamp", "screenshot", "screen_photo"}, names)
	_, err := edits.Find("crop26")
	require.ErrorIs(t, err, edits.ErrUnknown)
	assert.Contains(t, err.Error(), `"crop26"`)
}

// Outside the picture lies the border.
func TestPullBeyondThePicture(t *testing.T) {
	out := edits.Pull(specimen.Scene(16, 16), 4, 4, color.NRGBA{R: 9, A: 255}, func(x, y float64) (float64, float64) { return 99, 99 })
	assert.Equal(t, image.Rect(0, 0, 4, 4), out.Rect)
	assert.Equal(t, color.NRGBA{R: 9, A: 255}, out.NRGBAAt(3, 3))
}
