package compare_test

import (
	"image"
	"math"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/attack"
	"github.com/kycmark/kycmark/internal/compare"
	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/specimen"
	"github.com/kycmark/kycmark/phash"
)

// document draws a person's document.
func document(b *specimen.Blank, person uint64) *image.NRGBA {
	return picture.Flatten(b.Fill(specimen.NewPerson(person)))
}

func attacked(t *testing.T, img *image.NRGBA, name string) *image.NRGBA {
	t.Helper()
	a, err := attack.Find(name)
	require.NoError(t, err)
	return a.Apply(img, 3)
}

func pair(orig, leak *image.NRGBA) compare.Result {
	o, l := compare.New(orig), compare.New(leak)
	return compare.Pair(o, l, compare.Stretch(o, l))
}

// The same capture is recognised through what messengers do, and no other
// person's document of the same template is taken for it. Both sides matter: the
// first finds leaks, the second keeps a verdict from naming the wrong upload.
func TestSameAndDifferent(t *testing.T) {
	attacks := []string{"none", "telegram", "whatsapp_twice", "jpeg20", "thumb320", "blur2", "noise15", "gray"}
	if testing.Short() {
		attacks = attacks[:2]
	}
	for _, tpl := range []specimen.Template{specimen.Passport, specimen.IDCard, specimen.Bill} {
		b := specimen.NewBlank(tpl, 900)
		orig := document(b, 1)
		other := []*image.NRGBA{document(b, 2), document(b, 3)}
		for _, name := range attacks {
			r := pair(orig, attacked(t, orig, name))
			assert.Equal(t, compare.Same, r.Answer(), "%s, %s: %+v", tpl, name, r)
			for i, o := range other {
				r := pair(orig, attacked(t, o, name))
				assert.Equal(t, compare.Different, r.Answer(), "%s, %s, other person %d: %+v", tpl, name, i, r)
			}
		}
	}
}

func TestThumbnailsAreNeverTakenForAnother(t *testing.T) {
	b := specimen.NewBlank(specimen.Licence, 900)
	orig := document(b, 1)
	for p := uint64(2); p < 8; p++ {
		r := pair(orig, attacked(t, document(b, p), "thumb160"))
		assert.NotEqual(t, compare.Same, r.Answer(), "person %d: %+v", p, r)
	}
	r := pair(orig, attacked(t, orig, "thumb160"))
	require.Equal(t, compare.Same, r.Answer(), "%+v", r)
}

func TestEditsAreSeen(t *testing.T) {
	b := specimen.NewBlank(specimen.Residence, 900)
	orig, other := document(b, 1), document(b, 2)
	edited := imaging.Clone(orig)
	w, h := orig.Rect.Dx(), orig.Rect.Dy()
	part := image.Rect(0, h/4, w/3, h*3/4) // portrait of somebody else
	edited = imaging.Paste(edited, imaging.Crop(other, part), part.Min)
	require.Equal(t, compare.Different, pair(orig, edited).Answer())

	covered := imaging.Paste(orig, imaging.New(w/2, h, image.White), image.Point{})
	r := pair(orig, covered)
	require.Equal(t, compare.Undecided, r.Answer(), "half of it is hidden: %+v", r)
	require.Greater(t, r.Hidden, r.Seen/4)
}

func TestUnrelatedPictures(t *testing.T) {
	a, b := specimen.Render(specimen.Passport, specimen.NewPerson(1), 900), specimen.Render(specimen.Bill, specimen.NewPerson(1), 900)
	require.Contains(t, []compare.Answer{compare.Unrelated, compare.Undecided},
		pair(picture.Flatten(a), picture.Flatten(b)).Answer())
}

// The registration finds the way from a start that is some pixels off, and the
// map that it returns is the true one.
func TestRegistration(t *testing.T) {
	orig := document(specimen.NewBlank(specimen.Passport, 1000), 4)
	part := image.Rect(130, 90, 830, 610)
	leak := imaging.Resize(imaging.Crop(orig, part), 560, 416, imaging.Box)
	o, l := compare.New(orig), compare.New(leak)
	scale := 560.0 / 700
	truth := geometry.PixelScale(scale, scale).Mul(geometry.Translation(-130, -90))
	start := geometry.Translation(9, -7).Mul(truth)
	require.Greater(t, compare.Overlap(o, l, start), 0.9)
	r := compare.Pair(o, l, start)
	require.Equal(t, compare.Same, r.Answer(), "%+v", r)
	require.Less(t, r.Seen, r.Textured)
	for _, p := range []geometry.Point{{X: 150, Y: 100}, {X: 800, Y: 120}, {X: 480, Y: 600}} {
		want, got := truth.Apply(p), r.Map.Apply(p)
		assert.InDelta(t, want.X, got.X, 0.5)
		assert.InDelta(t, want.Y, got.Y, 0.5)
	}
}

func TestOrientedFollowsTheHashes(t *testing.T) {
	orig := document(specimen.NewBlank(specimen.IDCard, 700), 5)
	want, _, err := phash.Sum(phash.PDQ, orig)
	require.NoError(t, err)
	turns := map[string]func(image.Image) *image.NRGBA{
		"none": imaging.Clone, "90": imaging.Rotate90, "180": imaging.Rotate180, "270": imaging.Rotate270,
		"top-bottom": imaging.FlipV, "left-right": imaging.FlipH, "transpose": imaging.Transpose, "transverse": imaging.Transverse,
	}
	for name, turn := range turns {
		leak := turn(orig)
		all, _, err := phash.SumDihedral(phash.PDQ, leak)
		require.NoError(t, err)
		best := 0
		for k, h := range all {
			if h.Distance(want) < all[best].Distance(want) {
				best = k
			}
		}
		o, l := compare.New(orig), compare.New(leak).Oriented(best)
		r := compare.Pair(o, l, compare.Stretch(o, l))
		assert.Equal(t, compare.Same, r.Answer(), "%s as orientation %d: %+v", name, best, r)
	}
}

func TestOddPictures(t *testing.T) {
	doc := compare.New(document(specimen.NewBlank(specimen.IDCard, 300), 1))
	for _, size := range []image.Point{{1, 1}, {1, 500}, {500, 1}, {3, 3}, {64, 2}, {17, 16}} {
		p := compare.New(imaging.New(size.X, size.Y, image.White))
		for _, r := range []compare.Result{
			compare.Pair(doc, p, compare.Stretch(doc, p)), compare.Pair(p, doc, compare.Stretch(p, doc)), compare.Pair(p, p, geometry.Identity()),
		} {
			assert.Contains(t, []compare.Answer{compare.Undecided, compare.Unrelated}, r.Answer(), "%v", size)
		}
	}
	for _, m := range []geometry.Mat{{}, {math.NaN(), 0, 0, 0, 1, 0, 0, 0, 1}, {1, 0, 1e300, 0, 1, 0, 0, 0, 1}, {1, 0, 0, 0, 1, 0, 1e9, 0, 1}} {
		require.NotEqual(t, compare.Same, compare.Pair(doc, doc, m).Answer(), "%v", m)
		compare.Overlap(doc, doc, m)
	}
}

func BenchmarkPair(b *testing.B) {
	blank := specimen.NewBlank(specimen.Passport, 1000)
	o, l := compare.New(document(blank, 1)), compare.New(document(blank, 2))
	for b.Loop() {
		compare.Pair(o, l, compare.Stretch(o, l))
	}
}
