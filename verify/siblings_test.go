package verify_test

import (
	"image"
	"sync"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// A customer's photograph is entered again, cropped, after vendor A had a copy of the first upload.
type sentTwice struct {
	registry.Config
	first, second *books.Submission
	copy          watermark.CopyID
	upload        *image.NRGBA
	marked        *image.NRGBA // the copy of the first
	crop          image.Rectangle
}

// sentCard is the photograph, and sentCrop what is entered of it.
var (
	sentCard = sync.OnceValue(func() *image.NRGBA {
		return specimen.Photograph(specimen.Render(specimen.Licence, specimen.NewPerson(41), 455), 5, 520, 390)
	})
	sentCrop = image.Rect(26, 20, 494, 370)
)

func newSentTwice(t *testing.T, erased bool) *sentTwice {
	t.Helper()
	x := &sentTwice{Config: leaktest.Config(t), upload: sentCard(), crop: sentCrop}
	s := newIssuer(t, x.Config)
	x.first = submit(t, s, file(t, x.upload, "jpeg"), "one", feb)
	vendors(t, x.Registry, "vendor A")
	_, x.marked, x.copy = issued(t, s, x.first.ID, "vendor A")
	if erased {
		_, err := x.Registry.Erase(t.Context(), "one", "ops", "request 44")
		require.NoError(t, err)
		x.crop = x.upload.Rect
	}
	x.second = submit(t, s, savedAnew(t, imaging.Crop(x.upload, x.crop), "jpeg", 84), "one", feb.AddDate(0, 1, 0))
	return x
}

// The copy of the first upload leaks, cropped as the second is: the second fits better, and the copy is of the first.
func TestLeaksOfASibling(t *testing.T) {
	t.Parallel()
	x := newSentTwice(t, false)
	v := newInvestigator(t, investigating(x.Config))
	if !long.On {
		v.SetDetect(noMark) // the copy is traced
	}
	for _, side := range long.Cases(1, 300, 468, 160) {
		leak := imaging.Fit(imaging.Crop(x.marked, x.crop), side, side, imaging.Box)
		got := examine(t, v, leaked(t, leak, "jpeg75"))
		require.NoError(t, verify.Recheck(got, true))
		assert.NotEqual(t, findings.FoundUnmarked, got.Kind, "%d: %s", side, got.Note)
		assert.NotEqual(t, findings.FoundTransplanted, got.Kind, "%d: %s", side, got.Note)
		if side > 160 {
			assert.Equal(t, "copy", got.Label(), "%d: %s", side, got.Note)
			assert.Equal(t, []watermark.CopyID{x.copy}, confirmed(got))
		}
		// Each upload without a mark is unmarked, or nothing is said.
		got = examine(t, v, leaked(t, imaging.Fit(imaging.Crop(x.upload, x.crop), side, side, imaging.Box), "jpeg75"))
		require.NoError(t, verify.Recheck(got, true))
		assert.Contains(t, []string{"unmarked", "unreadable"}, got.Label(), "%d: %s", side, got.Note)
		if side == 468 {
			assert.Equal(t, "unmarked", got.Label(), got.Note)
		}
	}
}

// The first upload was erased, and the customer sent the picture again. Its old copy was not laid onto anything, and its
// recipient is said. A worn leak is not called unmarked.
func TestLeaksOfAnErasedSibling(t *testing.T) {
	t.Parallel()
	x := newSentTwice(t, true)
	v := newInvestigator(t, investigating(x.Config))
	if !long.On {
		v.SetDetect(reads(x.copy))
	}
	for _, side := range long.Cases(1, 520, 300, 160) {
		got := examine(t, v, leaked(t, imaging.Fit(x.marked, side, side, imaging.Box), "jpeg50"))
		require.NoError(t, verify.Recheck(got, true))
		assert.NotEqual(t, findings.FoundUnmarked, got.Kind, "%d: %s", side, got.Note)
		assert.NotEqual(t, findings.FoundTransplanted, got.Kind, "%d: %s", side, got.Note)
		if side == 520 {
			assert.Equal(t, "copy (unconfirmed)", got.Label(), got.Note)
			assert.Equal(t, x.copy, got.Copy())
			assert.Contains(t, got.Note, "The copy was issued to vendor A on 20")
			assert.Contains(t, got.Note, "was erased from the registry")
		}
	}
	if !long.On {
		v.SetDetect(noMark)
	}
	got := examine(t, v, leaked(t, x.upload, "telegram"))
	assert.Equal(t, "unmarked", got.Label(), got.Note)
}
