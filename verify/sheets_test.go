package verify_test

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"strings"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/sentencecheck"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/recheck"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/watermark"
)

func photo(person uint64, w, h int) *image.NRGBA {
	return specimen.Photograph(specimen.Render(specimen.Passport, specimen.NewPerson(person), w), person, w, h)
}

// below pastes pictures below each other onto grey.
func below(w int, pictures ...image.Image) *image.NRGBA {
	h := 0
	for _, p := range pictures {
		h += p.Bounds().Dy()
	}
	sheet, y := imaging.New(w, h, color.Gray{Y: 250}), 0
	for _, p := range pictures {
		sheet, y = imaging.Paste(sheet, p, image.Pt(0, y)), y+p.Bounds().Dy()
	}
	return sheet
}

// standsUp returns the verdict on findings. It fails the test if the findings file does not hold for those who check it.
func standsUp(t *testing.T, v *verify.Investigation, got ...*findings.Finding) *findings.Verdict {
	t.Helper()
	for _, l := range got {
		require.NoError(t, verify.Recheck(l, true))
	}
	d, err := v.Weigh(t.Context(), got)
	require.NoError(t, err)
	var text bytes.Buffer
	require.NoError(t, v.WriteFindings(t.Context(), &text, d, true))
	f := readFindings(t, text.String())
	require.NoError(t, recheck.CheckLeaks(f))
	require.NoError(t, recheck.CheckVerdict(f))
	wrong, err := sentencecheck.Check(text.Bytes())
	require.NoError(t, err)
	require.Empty(t, wrong)
	return d
}

// Opponent's story: a customer sent a passport, and later one picture of passport and selfie, which vendor A has a copy of. The copy
// leaks, cut to the passport: it was "transplanted", and smaller ones were "unmarked".
func TestCopyOfTwoPicturesCutToOne(t *testing.T) {
	t.Parallel()
	cfg := leaktest.Config(t)
	s := newIssuer(t, cfg)
	vendors(t, cfg.Registry, "vendor A")
	passport := photo(71, 800, 600)
	submit(t, s, file(t, passport, "jpeg"), "one", feb)
	both := imaging.Resize(below(800, passport, photo(72, 800, 600)), 640, 0, imaging.Lanczos)
	second := submit(t, s, savedAnew(t, both, "jpeg", 85), "one", feb.AddDate(0, 1, 0))
	_, marked, id := issued(t, s, second.ID, "vendor A")
	v := newInvestigator(t, investigating(cfg))
	for _, side := range long.Cases(1, 640, 330) {
		got := examine(t, v, imaging.Resize(imaging.Crop(marked, image.Rect(0, 0, 640, 480)), side, 0, imaging.Lanczos))
		assert.Equal(t, []watermark.CopyID{id}, confirmed(got), "%d: %s: %s", side, got.Label(), got.Note)
		standsUp(t, v, got)
	}
}

// Opponent's story: a screenshot has an unmarked upload, or vendor A's copy, and a smaller copy of vendor B below. It was "unmarked", or
// named vendor A alone.
func TestSmallerCopyBeside(t *testing.T) {
	t.Parallel()
	cfg := leaktest.Config(t)
	s := newIssuer(t, cfg)
	vendors(t, cfg.Registry, "vendor A", "vendor B")
	large, small := photo(73, 640, 480), photo(74, 640, 480)
	first := submit(t, s, file(t, large, "jpeg"), "one", feb)
	second := submit(t, s, file(t, small, "jpeg"), "two", feb)
	_, a, idA := issued(t, s, first.ID, "vendor A")
	_, b, idB := issued(t, s, second.ID, "vendor B")
	b = imaging.Resize(b, 300, 0, imaging.Lanczos)
	v := newInvestigator(t, investigating(cfg))
	type leak struct {
		above image.Image
		want  []watermark.CopyID
	}
	for _, x := range long.Cases(1, leak{a, []watermark.CopyID{idA, idB}}, leak{large, []watermark.CopyID{idB}}) {
		got := examine(t, v, below(640, x.above, b))
		assert.ElementsMatch(t, x.want, confirmed(got), "%s: %s", got.Label(), got.Note)
		standsUp(t, v, got)
	}
}

// Opponent's story: below an unmarked upload, or beside a thumbnail of that upload, there is a thumbnail of vendor B's copy.
// The screenshot was "unmarked", and the claim that no picture carries our watermark was supported.
func TestThumbnailsOfCopies(t *testing.T) {
	t.Parallel()
	_, s, v := twoVendors(t)
	plain, small := photo(75, 640, 480), photo(76, 480, 640)
	submit(t, s, file(t, plain, "jpeg"), "one", feb)
	of := submit(t, s, file(t, small, "jpeg"), "two", feb)
	_, marked, id := issued(t, s, of.ID, "vendor B")
	thumb := imaging.Resize(marked, 150, 0, imaging.Lanczos)
	gallery := imaging.New(640, 480, color.Gray{Y: 250})
	gallery = imaging.Paste(gallery, imaging.Resize(plain, 200, 0, imaging.Lanczos), image.Pt(20, 20))
	gallery = imaging.Paste(gallery, thumb, image.Pt(240, 20))
	for _, leak := range long.Cases[image.Image](1, gallery, below(640, plain, thumb)) {
		got := examine(t, v, leak)
		assert.Equal(t, []watermark.CopyID{id}, confirmed(got), "%s: %s", got.Label(), got.Note)
		standsUp(t, v, got)
	}
}

// Opponent's story: a picture of vendor B's copy, too small to be found, lies below a plain upload, or over it. The claim that no picture
// carries our watermark was supported.
func TestSmallPicturesAreNotCleared(t *testing.T) {
	t.Parallel()
	_, s, v := twoVendors(t)
	plain, small := photo(75, 640, 480), photo(76, 640, 480)
	submit(t, s, file(t, plain, "jpeg"), "one", feb)
	of := submit(t, s, file(t, small, "jpeg"), "two", feb)
	_, marked, _ := issued(t, s, of.ID, "vendor B")
	thumb := imaging.Resize(marked, 0, 90, imaging.Lanczos)
	for answer, leaks := range map[string][]image.Image{"supported. On this": {plain}, "not supported. No mark was found, but the file": {below(640, plain, thumb), imaging.Paste(below(640, plain, imaging.New(640, 400, color.Gray{Y: 250})), thumb, image.Pt(250, 620)), imaging.Paste(plain, thumb, image.Pt(360, 280)), imaging.Overlay(plain, imaging.Resize(marked, 300, 225, imaging.Lanczos), image.Pt(80, 60), 0.15)}} {
		for _, leak := range leaks {
			got := examine(t, v, leak)
			require.Equal(t, findings.FoundUnmarked, got.Kind, got.Note)
			all := strings.Join(standsUp(t, v, got).Sentences(), " ")
			assert.Contains(t, all, "“None of these pictures carries our watermark”: "+answer)
			assert.Equal(t, answer[0] == 's', strings.Contains(all, "A mark that was not removed would have been found there"))
		}
	}
}

// Opponent's story: the ID of vendor B's copy is read in a small picture over a plain upload, or below it, which shows too little to be sure. The whole
// was "transplanted": the mark was laid onto the plain upload.
func TestMarkReadInASmallPicture(t *testing.T) {
	t.Parallel()
	_, s, v := twoVendors(t)
	small, plain := photo(61, 400, 300), photo(62, 1200, 900)
	of := submit(t, s, file(t, small, "jpeg"), "one", feb)
	large := submit(t, s, file(t, plain, "jpeg"), "two", feb)
	_, _, id := issued(t, s, of.ID, "vendor B")
	v.SetDetect(func(ctx context.Context, k *watermark.Key, img image.Image) (*watermark.Detection, error) {
		if img.Bounds().Dx() > 700 {
			return noMark(ctx, k, img)
		}
		return reads(id)(ctx, k, img)
	})
	thumb := imaging.Resize(small, 160, 0, imaging.Lanczos)
	for _, leak := range long.Cases[image.Image](1, imaging.Paste(plain, thumb, image.Pt(780, 580)), below(1200, plain, thumb)) {
		got := examine(t, v, leak)
		assert.Equal(t, findings.FoundUnconfirmed, got.Kind, got.Note)
		assert.Contains(t, got.Note, "also shows upload "+large.ID.String()+" beside")
		all := strings.Join(standsUp(t, v, got).Sentences(), " ")
		assert.Contains(t, all, "“These pictures are not ours”: refuted")
		assert.NotContains(t, all, "no other upload was matched")
	}
}

// Opponent's story: a page of thumbnails has copies of vendor B. It was "unknown", since no upload was found in the whole.
func TestGalleryOfThumbnails(t *testing.T) {
	t.Parallel()
	_, s, v := twoVendors(t)
	gallery, want := imaging.New(520, 460, color.Gray{Y: 250}), []watermark.CopyID(nil)
	for i := range 6 {
		img := image.Image(photo(uint64(77+i), 480, 640-160*(i%2)))
		of := submit(t, s, file(t, img, "jpeg"), "customer "+string('a'+rune(i)), feb)
		if i < 2 {
			_, marked, id := issued(t, s, of.ID, "vendor B")
			img, want = marked, append(want, id)
		}
		gallery = imaging.Paste(gallery, imaging.Resize(img, 150, 0, imaging.Lanczos), image.Pt(20+170*(i%3), 20+220*(i/3)))
	}
	got := examine(t, v, gallery)
	assert.ElementsMatch(t, want, confirmed(got), "%s: %s", got.Label(), got.Note)
	standsUp(t, v, got)
}
