//go:build long

package verify_test

import (
	"image"
	"image/color"
	"slices"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/leaktest"
)

// Opponent's story: an upload is a sheet of vendor A's copies, and vendor B has a copy of it. Vendor B leaks what is cut out of its copy.
// Its mark, which is read in each picture, makes it a source or another possible one.
func TestSheetOfCopies(t *testing.T) {
	t.Parallel()
	cfg := leaktest.Config(t)
	s := newIssuer(t, cfg)
	vendors(t, cfg.Registry, "vendor A", "vendor B")
	var copies []image.Image
	for _, person := range []uint64{75, 76, 77, 78} {
		of := submit(t, s, file(t, photo(person, 800, 600), "jpeg"), string(rune('a'+person-75)), feb)
		_, img, _ := issued(t, s, of.ID, "vendor A")
		copies = append(copies, imaging.Resize(img, 360, 270, imaging.Lanczos))
	}
	sheet := imaging.Paste(imaging.Paste(imaging.New(720, 540, color.White), below(360, copies[:2]...), image.Point{}), below(360, copies[2:]...), image.Pt(360, 0))
	second := submit(t, s, savedAnew(t, sheet, "jpeg", 70), "five", feb.AddDate(0, 1, 0))
	_, b, _ := issued(t, s, second.ID, "vendor B")
	v := newInvestigator(t, investigating(cfg))
	var leaks []*findings.Finding
	for i := range copies {
		at := image.Pt(360*(i/2), 270*(i%2))
		leaks = append(leaks, examine(t, v, imaging.Resize(imaging.Crop(b, image.Rectangle{at, at.Add(image.Pt(360, 270))}), 540, 0, imaging.Lanczos)))
	}
	d, err := v.Weigh(t.Context(), leaks)
	require.NoError(t, err)
	assert.NotContains(t, d.Odds.Alone(), "vendor A")
	confirmed := 0
	for _, l := range leaks {
		if slices.Contains(l.MayNames(), "vendor B") {
			confirmed++
		}
	}
	assert.Equal(t, len(leaks), confirmed+d.Unconfirmed["vendor B"])
}
