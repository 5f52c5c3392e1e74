package verify_test

import (
	"image"
	"path/filepath"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/fromfile"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/watermark"
)

// page returns a page that a browser made, of customer a or b: see package pages.
func page(t *testing.T, name string) *image.NRGBA {
	t.Helper()
	p, err := fromfile.Picture(filepath.Join("testdata", "pages", name+".png"), picture.Limits{})
	require.NoError(t, err)
	return picture.Flatten(p.Image)
}

// A bank's and an employer's pages differ in the customer's fields alone. The pages of a stranger are not the upload. The
// customer's own page is, and so are its marked copies, edited ones as well. A piece of a page may be anybody's.
func TestPagesOfStrangers(t *testing.T) {
	t.Parallel()
	cfg := leaktest.Config(t)
	s := newIssuer(t, cfg)
	vendors(t, cfg.Registry, "vendor A")
	letter, terms := page(t, "letter_employer_a"), page(t, "terms_a")
	of := submit(t, s, file(t, letter, "png"), "one", feb)
	submit(t, s, file(t, terms, "jpeg"), "one", feb)

	quiet := newInvestigator(t, untraced(cfg))
	for name, way := range map[string]string{"letter_employer_b": "jpeg50", "terms_b": "thumb320"} {
		got := examine(t, quiet, leaked(t, page(t, name), way))
		assert.Equal(t, findings.FoundLookalike, got.Kind, "%s: %s", name, got.Note)
		assert.Contains(t, got.Note, "only its fields tell one customer's page from another's", name)
	}
	got := examine(t, quiet, page(t, "terms_b"))
	assert.Equal(t, findings.PixelsPage, got.Matches[0].Pixels)
	assert.Len(t, got.Altered, 1, "the line with name and number")
	assert.Contains(t, got.Note, "In 1 place (")

	got = examine(t, quiet, leaked(t, terms, "resize75"))
	assert.Contains(t, []findings.Kind{findings.FoundUnmarked, findings.FoundUnreadable}, got.Kind, got.Note)
	assert.Equal(t, findings.PixelsSame, got.Matches[0].Pixels)
	got = examine(t, quiet, imaging.Crop(terms, image.Rect(0, 84, 556, 786))) // without the line with the fields
	assert.Equal(t, findings.FoundLookalike, got.Kind, got.Note)
	assert.Contains(t, got.Note, "Not all of the page can be read in the picture.")

	if !long.On {
		return // TestAlteredCopyIsConfirmed has an edited copy, TestLeakOfPageTwo that of a page
	}
	_, copied, id := issued(t, s, of.ID, "vendor A")
	v := newInvestigator(t, investigating(cfg))
	edited := imaging.Paste(imaging.Clone(copied), imaging.Crop(page(t, "letter_employer_b"), image.Rect(42, 196, 514, 245)), image.Pt(42, 196))
	for name, leak := range map[string]image.Image{"as issued": copied, "edited": edited} {
		got := examine(t, v, leak)
		assert.Equal(t, findings.FoundCopy, got.Kind, "%s: %s", name, got.Note)
		assert.Equal(t, []watermark.CopyID{id}, confirmed(got), "%s: %s", name, got.Note)
	}
}
