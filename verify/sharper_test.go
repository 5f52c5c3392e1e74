package verify_test

import (
	"image"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/watermark"
)

// The application shrank a picture before it was entered. A leak of the larger file does not come from there. A leak of
// the upload, enlarged and sharpened, does, and so does its copy.
func TestSharperLeaks(t *testing.T) {
	t.Parallel()
	side := long.Number(960, 1800)
	full := specimen.Photograph(specimen.Render(specimen.Licence, specimen.NewPerson(61), side), 5, side, side*3/4)
	upload := imaging.Resize(full, side/2, 0, imaging.Box)
	cfg := leaktest.Config(t)
	s := newIssuer(t, cfg)
	of := submit(t, s, file(t, upload, "png"), "one", feb)
	v := newInvestigator(t, untraced(cfg))
	jpeg, err := attack.Find("jpeg75")
	require.NoError(t, err)
	enlarged := func(p image.Image) *image.NRGBA {
		return jpeg.Apply(imaging.Sharpen(imaging.Resize(p, side, 0, imaging.CatmullRom), 1), 1)
	}
	got := examine(t, v, jpeg.Apply(full, 1))
	assert.Equal(t, findings.FoundLookalike, got.Kind, got.Note)
	require.NotEmpty(t, got.Matches)
	assert.Equal(t, findings.PixelsSharper, got.Matches[0].Pixels)
	assert.Contains(t, got.Note, "So it was hardly made of that upload.")

	got = examine(t, v, enlarged(upload))
	assert.Contains(t, []findings.Kind{findings.FoundUnmarked, findings.FoundUnreadable}, got.Kind, got.Note)
	assert.Equal(t, findings.PixelsSame, got.Matches[0].Pixels)
	if !long.On {
		return // TestFindings has copies
	}
	vendors(t, cfg.Registry, "vendor A")
	_, copied, id := issued(t, s, of.ID, "vendor A")
	v = newInvestigator(t, investigating(cfg))
	for name, leak := range map[string]image.Image{"the larger file": jpeg.Apply(full, 1), "upload": enlarged(upload)} {
		assert.Empty(t, confirmed(examine(t, v, leak)), name)
	}
	got = examine(t, v, enlarged(copied))
	assert.Equal(t, findings.FoundCopy, got.Kind, got.Note)
	assert.Equal(t, []watermark.CopyID{id}, confirmed(got), got.Note)
}
