package stories_test

import (
	"image"
	"image/color"
	"strings"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/stories"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/watermark"
)

// Opponent's story: a customer sent a passport, and later one picture of passport and selfie, which vendor A has a copy of. The copy
// leaks, cut to the passport: it was "transplanted", and smaller ones were "unmarked".
func TestCopyOfTwoPicturesCutToOne(t *testing.T) {
	t.Parallel()
	cfg := leaktest.Config(t)
	s := stories.NewIssuer(t, cfg)
	stories.Vendors(t, cfg.Registry, "vendor A")
	passport := stories.Photo(71, 800, 600)
	stories.Submit(t, s, stories.File(t, passport, "jpeg"), "one", stories.Feb)
	both := imaging.Resize(stories.Below(800, passport, stories.Photo(72, 800, 600)), 640, 0, imaging.Lanczos)
	second := stories.Submit(t, s, stories.Saved(t, both, "jpeg", 85), "one", stories.Feb.AddDate(0, 1, 0))
	_, marked, id := stories.Issued(t, s, second.ID, "vendor A")
	v := stories.Investigation(t, stories.Investigating(cfg))
	for _, side := range long.Cases(1, 640, 330) {
		got := stories.Examine(t, v, imaging.Resize(imaging.Crop(marked, image.Rect(0, 0, 640, 480)), side, 0, imaging.Lanczos))
		assert.Equal(t, []watermark.CopyID{id}, stories.Confirmed(got), "%d: %s: %s", side, got.Label(), got.Note)
		stories.StandsUp(t, v, got)
	}
}

// Opponent's story: a screenshot has an unmarked upload, or vendor A's copy, and a smaller copy of vendor B below. It was "unmarked", or
// named vendor A alone.
func TestSmallerCopyBeside(t *testing.T) {
	t.Parallel()
	cfg := leaktest.Config(t)
	s := stories.NewIssuer(t, cfg)
	stories.Vendors(t, cfg.Registry, "vendor A", "vendor B")
	large, small := stories.Photo(73, 480, 360), stories.Photo(74, 480, 360)
	first := stories.Submit(t, s, stories.File(t, large, "jpeg"), "one", stories.Feb)
	second := stories.Submit(t, s, stories.File(t, small, "jpeg"), "two", stories.Feb)
	_, a, idA := stories.Issued(t, s, first.ID, "vendor A")
	_, b, idB := stories.Issued(t, s, second.ID, "vendor B")
	b = imaging.Resize(b, 240, 0, imaging.Lanczos)
	v := stories.Investigation(t, stories.Investigating(cfg))
	type leak struct {
		above image.Image
		want  []watermark.CopyID
	}
	for _, x := range long.Cases(1, leak{a, []watermark.CopyID{idA, idB}}, leak{large, []watermark.CopyID{idB}}) {
		got := stories.Examine(t, v, stories.Below(480, x.above, b))
		assert.ElementsMatch(t, x.want, stories.Confirmed(got), "%s: %s", got.Label(), got.Note)
		stories.StandsUp(t, v, got)
	}
}

// Opponent's story: below an unmarked upload, or beside a thumbnail of that upload, there is a thumbnail of vendor B's copy.
// The screenshot was "unmarked", and the claim that no picture carries our watermark was supported.
func TestThumbnailsOfCopies(t *testing.T) {
	t.Parallel()
	_, s, v := stories.TwoVendors(t)
	plain, small := stories.Photo(75, 640, 480), stories.Photo(76, 480, 640)
	stories.Submit(t, s, stories.File(t, plain, "jpeg"), "one", stories.Feb)
	of := stories.Submit(t, s, stories.File(t, small, "jpeg"), "two", stories.Feb)
	_, marked, id := stories.Issued(t, s, of.ID, "vendor B")
	thumb := imaging.Resize(marked, 150, 0, imaging.Lanczos)
	gallery := imaging.New(440, 240, color.Gray{Y: 250})
	gallery = imaging.Paste(gallery, imaging.Resize(plain, 200, 0, imaging.Lanczos), image.Pt(20, 20))
	gallery = imaging.Paste(gallery, thumb, image.Pt(240, 20))
	for _, leak := range long.Cases[image.Image](1, gallery, stories.Below(640, plain, thumb)) {
		got := stories.Examine(t, v, leak)
		assert.Equal(t, []watermark.CopyID{id}, stories.Confirmed(got), "%s: %s", got.Label(), got.Note)
		stories.StandsUp(t, v, got)
	}
}

// Opponent's story: a picture of vendor B's copy, too small to be found, lies below a plain upload, or over it. The claim that no picture
// carries our watermark was supported.
func TestSmallPicturesAreNotCleared(t *testing.T) {
	t.Parallel()
	_, s, v := stories.TwoVendors(t)
	plain, small := stories.Photo(75, 640, 480), stories.Photo(76, 640, 480)
	stories.Submit(t, s, stories.File(t, plain, "jpeg"), "one", stories.Feb)
	of := stories.Submit(t, s, stories.File(t, small, "jpeg"), "two", stories.Feb)
	_, marked, _ := stories.Issued(t, s, of.ID, "vendor B")
	thumb := imaging.Resize(marked, 0, 90, imaging.Lanczos)
	for answer, leaks := range map[string][]image.Image{"supported. On this": {plain}, "not supported. No mark was found, but the file": long.Cases[image.Image](3,
		stories.Below(640, plain, thumb),
		imaging.Paste(plain, thumb, image.Pt(360, 280)),
		imaging.Overlay(plain, imaging.Resize(marked, 300, 225, imaging.Lanczos), image.Pt(80, 60), 0.15),
		imaging.Paste(stories.Below(640, plain, imaging.New(640, 400, color.Gray{Y: 250})), thumb, image.Pt(250, 620)))} {
		for _, leak := range leaks {
			got := stories.Examine(t, v, leak)
			require.Equal(t, findings.FoundUnmarked, got.Kind, got.Note)
			all := strings.Join(stories.StandsUp(t, v, got).Sentences(), " ")
			assert.Contains(t, all, "“None of these pictures carries our watermark”: "+answer)
			assert.Equal(t, answer[0] == 's', strings.Contains(all, "A mark that was not removed would have been found there"))
		}
	}
}

// Opponent's story: a page of thumbnails has copies of vendor B. It was "unknown", since no upload was found in the whole.
func TestGalleryOfThumbnails(t *testing.T) {
	t.Parallel()
	_, s, v := stories.TwoVendors(t)
	gallery, want := imaging.New(520, long.Number(240, 460), color.Gray{Y: 250}), []watermark.CopyID(nil)
	for i := range long.Number(2, 6) {
		img := image.Image(stories.Photo(uint64(77+i), 480, 640-160*(i%2)))
		of := stories.Submit(t, s, stories.File(t, img, "jpeg"), "customer "+string('a'+rune(i)), stories.Feb)
		if i < 2 {
			_, marked, id := stories.Issued(t, s, of.ID, "vendor B")
			img, want = marked, append(want, id)
		}
		gallery = imaging.Paste(gallery, imaging.Resize(img, 150, 0, imaging.Lanczos), image.Pt(20+170*(i%3), 20+220*(i/3)))
	}
	got := stories.Examine(t, v, gallery)
	assert.ElementsMatch(t, want, stories.Confirmed(got), "%s: %s", got.Label(), got.Note)
	stories.StandsUp(t, v, got)
}
