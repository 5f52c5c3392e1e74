package verify_test

import (
	"image"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/verify/findings"
)

// altered is a picture with one of the alterations of package attack, and its places.
func altered(t *testing.T, img image.Image, name string) (*image.NRGBA, []image.Rectangle) {
	t.Helper()
	for _, a := range attack.Alterations() {
		if a.Name == name {
			return a.Apply(picture.Flatten(imaging.Clone(img)), 2)
		}
	}
	require.Fail(t, "no alteration called "+name)
	return nil, nil
}

// A caption or another text in place of a field does not take a copy's name away: the leak is
// confirmed, traced outside of the place, and the place is listed.
func TestAlteredCopyIsConfirmed(t *testing.T) {
	t.Parallel()
	c := newLargeCase(t)
	for _, name := range long.Cases(1, "field", "caption") {
		img, where := altered(t, c.marked, name)
		v := c.examine(t, img, reads(c.copy.ID))
		require.Equal(t, findings.FoundCopy, v.Kind, "%s: %s", name, v.Note)
		assert.Equal(t, "vendor A", v.MayName(), "%s: %s", name, v.Note)
		assert.Contains(t, v.Note, "differs from the upload in 1 place (", name)
		if assert.Len(t, v.Altered, 1, name) {
			q := v.Altered[0].Quad
			at := image.Rect(int(q[0][0]), int(q[0][1]), int(q[2][0]), int(q[2][1]))
			assert.True(t, where[0].In(at.Inset(-8)), "%s: %v is not %v", name, at, where)
		}
	}
	if !long.On {
		return // TestConclude has an altered upload without a mark
	}
	img, _ := altered(t, c.first, "field")
	v := c.examine(t, img, noMark)
	assert.Contains(t, []findings.Kind{findings.FoundUnmarked, findings.FoundUnreadable}, v.Kind, v.Note)
	assert.Equal(t, c.firstID, v.Submission)
	assert.Contains(t, v.Note, "differs from the upload in 1 place (", v.Note)
}

// A copy's mark, laid over another person's page of the template, is never confirmed: over all of
// it, or only where both pages are the same.
func TestMarkOnAnotherPersonsPageIsNotConfirmed(t *testing.T) {
	t.Parallel()
	c := newTwinCase(t)
	for _, everywhere := range long.Cases(1, false, true) { // TestLookalikes has a mark on another person's passport
		img := picture.Flatten(imaging.Clone(c.second))
		for i := range img.Pix {
			if everywhere || c.first.Pix[i] == c.second.Pix[i] {
				img.Pix[i] = attack.Clamp8(float64(img.Pix[i]) + float64(c.marked.Pix[i]) - float64(c.first.Pix[i]))
			}
		}
		for _, name := range long.Cases(1, "telegram_low", "none") {
			got := c.examine(t, leaked(t, img, name), reads(c.copy.ID))
			assert.NotEqual(t, findings.FoundCopy, got.Kind, "everywhere %v, %s: %s", everywhere, name, got.Note)
			assert.Empty(t, got.Altered)
		}
	}
}
