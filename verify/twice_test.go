package verify_test

import (
	"image"
	"image/color"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"

	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/watermark"
)

// A leak that shows one upload twice, side by side: the copies of both recipients are found. Detail of a copy that was
// laid onto another photograph beside the first copy accuses nobody.
func TestCopiesOfOneUploadSideBySide(t *testing.T) {
	t.Parallel()
	cfg := leaktest.Config(t)
	s := newIssuer(t, cfg)
	upload := specimen.Photograph(specimen.Render(specimen.Licence, specimen.NewPerson(40), 420), 5, 480, 360)
	of := submit(t, s, file(t, upload, "jpeg"), "one", feb)
	var copies [2]*image.NRGBA
	var ids [2]watermark.CopyID
	for i, name := range []string{"vendor A", "vendor B"} {
		vendors(t, cfg.Registry, name)
		_, copies[i], ids[i] = issued(t, s, of.ID, name)
	}
	sheet := func(second image.Image) *image.NRGBA {
		both := imaging.Paste(imaging.New(510, 750, color.Gray{Y: 60}), copies[0], image.Pt(15, 8))
		return imaging.Paste(both, second, image.Pt(15, 383))
	}
	with := investigating(cfg)
	with.References = 0
	v := newInvestigator(t, with)
	if !long.On {
		v.SetDetect(noMark) // copies are traced
	}
	got := examine(t, v, sheet(copies[1]))
	assert.Equal(t, "copy", got.Label(), got.Note)
	assert.ElementsMatch(t, ids[:], got.Accused)
	assert.Len(t, got.Issued, 2)
	if long.On {
		got = examine(t, v, sheet(upload))
		assert.Equal(t, "copy", got.Label(), got.Note)
		assert.Equal(t, ids[:1], got.Accused)
	}

	forged, soft := imaging.Resize(stranger(), 480, 360, imaging.Lanczos), imaging.Blur(copies[1], 5)
	for i, p := range forged.Pix {
		forged.Pix[i] = uint8(min(max(int(p)+2*(int(copies[1].Pix[i])-int(soft.Pix[i])), 0), 255))
	}
	got = examine(t, v, sheet(forged))
	assert.Equal(t, findings.FoundCopy, got.Kind, got.Note)
	assert.NotContains(t, got.Accused, ids[1], got.Note)
}
