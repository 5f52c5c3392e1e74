//go:build long

package verify_test

import (
	"image"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/leaktest"
)

// An investigator that looked for siblings before the whole picture was entered finds it afterwards.
func TestSiblingsOfLaterUploads(t *testing.T) {
	t.Parallel()
	cfg := leaktest.Config(t)
	s := newIssuer(t, cfg)
	upload, crop := sentCard(), sentCrop
	leak := func(img image.Image) *image.NRGBA {
		return leaked(t, imaging.Fit(imaging.Crop(img, crop), 240, 240, imaging.Box), "jpeg50")
	}
	submit(t, s, file(t, imaging.Crop(upload, crop), "jpeg"), "one", feb)
	v := newInvestigator(t, investigating(cfg))
	v.SetDetect(noMark) // copies are traced
	require.NotEqual(t, findings.FoundCopy, examine(t, v, leak(upload)).Kind)

	whole := submit(t, s, file(t, upload, "jpeg"), "one", feb.AddDate(0, 1, 0))
	vendors(t, cfg.Registry, "vendor A")
	_, img, id := issued(t, s, whole.ID, "vendor A")
	got := examine(t, v, leak(img))
	assert.NotEqual(t, findings.FoundUnmarked, got.Kind, "copy %s: %s", id, got.Note)
}
