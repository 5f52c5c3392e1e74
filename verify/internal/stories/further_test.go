package stories_test

import (
	"fmt"
	"image"
	"image/color"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/stories"
	"github.com/kycmark/kycmark/verify/internal/tuning"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/verify/registry/sqlite"
	"github.com/kycmark/kycmark/watermark"
)

// Opponent's story: an insider of the exchange pastes copies of vendor A beside uploads that vendor A never had. Vendor A was
// named alone, all were "of one month", and "from a vendor".
func TestUploadBesideACopy(t *testing.T) {
	t.Parallel()
	_, s, v := stories.TwoVendors(t)
	var leaks []*findings.Finding
	for i := range uint64(2) {
		own, other := stories.Photo(81+i, 400, 300), stories.Photo(91+i, 400, 300)
		first := stories.Submit(t, s, stories.File(t, own, "jpeg"), "one of "+string('a'+rune(i)), stories.Feb)
		second := stories.Submit(t, s, stories.File(t, other, "jpeg"), "other of "+string('a'+rune(i)), stories.Feb.AddDate(1, 0, 0))
		_, marked, id := stories.Issued(t, s, first.ID, "vendor A")
		got := stories.Examine(t, v, stories.Below(400, marked, other))
		require.Equal(t, []watermark.CopyID{id}, stories.Confirmed(got), got.Note)
		require.Len(t, got.Beside, 1, got.Note)
		assert.Equal(t, second.ID, got.Beside[0].Submission)
		leaks = append(leaks, got)
	}
	d := stories.StandsUp(t, v, leaks...)
	assert.Equal(t, []string{"vendor A"}, d.Named)
	assert.True(t, stories.HasRival(d, "vendor A", ""), "%v", d.Odds.Rivals)
	all := strings.Join(d.Sentences(), " ")
	assert.Contains(t, all, "2 pictures with confirmed copies also show uploads")
	assert.Contains(t, all, "“All these pictures are of one month”: refuted")
	assert.Contains(t, all, "“These pictures come from a vendor”: not supported")
}

// Opponent's story: vendor A's copy lies over a third of a larger plain upload, and its mark is surer than its pixels. Nothing was looked for
// beside it: "from a vendor" was supported.
func TestUploadBeneathACopy(t *testing.T) {
	t.Parallel()
	_, s, v := stories.TwoVendors(t)
	own := stories.Photo(701, 900, 675)
	beneath := stories.Submit(t, s, stories.File(t, own, "jpeg"), "one", stories.Feb)
	of := stories.Submit(t, s, stories.File(t, stories.Photo(711, 750, 563), "jpeg"), "two", stories.Feb)
	_, marked, id := stories.Issued(t, s, of.ID, "vendor A")
	got := stories.Examine(t, v, imaging.Paste(own, imaging.Resize(marked, 525, 0, imaging.Lanczos), image.Pt(375, 281)))
	require.Equal(t, []watermark.CopyID{id}, stories.Confirmed(got), got.Note)
	require.Contains(t, got.Note, "leaves open whether the picture shows that upload", "the story needs such a copy")
	require.Contains(t, got.Note, "also shows what looks like upload "+beneath.ID.String())
	all := strings.Join(stories.StandsUp(t, v, got).Sentences(), " ")
	assert.Contains(t, all, "“These pictures come from a vendor”: not supported")
}

// Opponent's story: a plain upload lies over the edge of vendor B's copy, and the whole was turned and cropped. The pixels leave open what
// the copy shows, so that no place in it differs: nothing was looked for there, and "from a vendor" was supported.
func TestUploadOverATurnedCopy(t *testing.T) {
	t.Parallel()
	_, s, v := stories.TwoVendors(t)
	_, marked, id := stories.Issued(t, s, stories.Submit(t, s, stories.File(t, stories.Photo(1053, 760, 570), "jpeg"), "one", stories.Feb).ID, "vendor B")
	plain := imaging.Rotate90(stories.Photo(1057, 530, 397))
	of := stories.Submit(t, s, stories.File(t, plain, "jpeg"), "two", stories.Feb)
	turned, err := attack.Find("chain_rotcrop")
	require.NoError(t, err)
	for _, seed := range long.Cases[uint64](1, 5, 7) {
		leak := turned.Apply(imaging.Paste(marked, imaging.Resize(plain, 272, 0, imaging.Lanczos), image.Pt(-26, 169)), seed)
		got := stories.Examine(t, v, leak)
		require.Equal(t, []watermark.CopyID{id}, stories.Confirmed(got), got.Note)
		require.Contains(t, got.Note, "leaves open whether the picture shows that upload", "the story needs such a copy")
		assert.Contains(t, got.Note, "also shows what looks like upload "+of.ID.String())
		assert.Contains(t, strings.Join(stories.StandsUp(t, v, got).Sentences(), " "), "“These pictures come from a vendor”: not supported")
	}
}

// Opponent's story: vendor B's copy lies as a small picture over a plain upload, or over vendor A's copy. The whole picture was "unmarked" and the claim
// that no picture carries our watermark was supported; or vendor A was named alone.
func TestPictureInAPicture(t *testing.T) {
	t.Parallel()
	_, s, v := stories.TwoVendors(t)
	small := stories.Submit(t, s, stories.File(t, stories.Photo(61, 400, 300), "jpeg"), "one", stories.Feb)
	_, inset, id := stories.Issued(t, s, small.ID, "vendor B")
	plain := stories.Photo(62, 1200, 900)
	large := stories.Submit(t, s, stories.File(t, plain, "jpeg"), "two", stories.Feb)
	_, marked, of := stories.Issued(t, s, large.ID, "vendor A")
	if long.On { // TestUploadAndItsCopyOverAnother has two copies of one upload
		_, other, its := stories.Issued(t, s, large.ID, "vendor B")
		twice := stories.Examine(t, v, imaging.Paste(marked, imaging.Resize(other, 400, 0, imaging.Lanczos), image.Pt(780, 580)))
		require.ElementsMatch(t, []watermark.CopyID{of, its}, stories.Confirmed(twice), twice.Note)
		stories.StandsUp(t, v, twice)
	}
	for _, under := range long.Cases[image.Image](1, plain, marked) { // TestSmallerCopyBeside has copies of both
		got := stories.Examine(t, v, imaging.Paste(under, inset, image.Pt(780, 580)))
		want := []watermark.CopyID{id}
		if under == image.Image(marked) {
			want = []watermark.CopyID{of, id}
		}
		require.ElementsMatch(t, want, stories.Confirmed(got), got.Note)
		require.Len(t, got.Beside, 1, got.Note)
		all := strings.Join(stories.StandsUp(t, v, got).Sentences(), " ")
		assert.Contains(t, all, "“None of these pictures carries our watermark”: refuted")
		assert.NotContains(t, all, "No mark of another recipient's copy was found")
		if under == image.Image(plain) {
			assert.Contains(t, all, "“These pictures come from a vendor”: not supported")
		}
	}
}

// Opponent's story: a customer holds a print of vendor A's copy of another upload into the camera, and sends that. The upload leaks as it is. It was
// "unmarked", and the claim that no picture carries our watermark was supported.
func TestUploadThatShowsACopy(t *testing.T) {
	t.Parallel()
	_, s, v := stories.TwoVendors(t)
	small := stories.Submit(t, s, stories.File(t, stories.Photo(61, 360, 270), "jpeg"), "one", stories.Feb)
	_, held, id := stories.Issued(t, s, small.ID, "vendor A")
	whole := imaging.Overlay(stories.Photo(62, 900, 675), imaging.Rotate(imaging.Resize(held, 420, 0, imaging.Lanczos), 9, color.Transparent), image.Pt(360, 280), 1)
	stories.Submit(t, s, stories.File(t, whole, "jpeg"), "two", stories.Feb)
	got := stories.Examine(t, v, whole)
	require.Equal(t, findings.FoundUnconfirmed, got.Kind, got.Note)
	assert.Equal(t, id, got.Copy())
	assert.Contains(t, strings.Join(stories.StandsUp(t, v, got).Sentences(), " "), "“None of these pictures carries our watermark”: refuted")
}

// Opponent's story: vendor A's copy comes back as a poor photograph, is entered as another customer's upload, and is issued to vendor B. That copy
// leaks. "No mark of another recipient's copy was found" was said, and "from a vendor: supported".
func TestCopyOfAPoorCopy(t *testing.T) {
	t.Parallel()
	_, s, v := stories.TwoVendors(t)
	first := stories.Submit(t, s, stories.File(t, stories.Photo(62, 720, 540), "jpeg"), "one", stories.Feb)
	_, marked, its := stories.Issued(t, s, first.ID, "vendor A")
	poor := imaging.Grayscale(imaging.Resize(imaging.Rotate(marked, 2, color.Black), 560, 0, imaging.Lanczos))
	second := stories.Submit(t, s, stories.File(t, poor, "jpeg"), "two", stories.Feb)
	_, leak, id := stories.Issued(t, s, second.ID, "vendor B")
	got := stories.Examine(t, v, leak)
	require.Equal(t, []watermark.CopyID{id}, stories.Confirmed(got), got.Note)
	assert.Contains(t, got.Note, "The picture also carries the mark of copy "+its.String())
	assert.NotContains(t, strings.Join(stories.StandsUp(t, v, got).Sentences(), " "), "No mark of another recipient's copy was found")
}

// Opponent's story: customers sent pictures by vendor A's app, and a year later the same pictures by vendor B's, which saves them anew. Vendor B's folder
// leaks. The findings pointed to vendor A's uploads and their month.
func TestPicturesSentTwice(t *testing.T) {
	t.Parallel()
	cfg := leaktest.Config(t)
	s := stories.NewIssuer(t, cfg)
	stories.Vendors(t, cfg.Registry, "vendor A", "vendor B")
	with := stories.Investigating(cfg)
	with.Found = time.Now().AddDate(0, 0, 1)
	v := stories.Investigation(t, with)
	in := map[string][]watermark.Submission{}
	var leaked [][]byte
	for i := range uint64(2) {
		img := stories.Photo(101+i, 480, 360)
		first := stories.Submit(t, s, stories.File(t, img, "jpeg"), "one of "+string('a'+rune(i)), stories.Feb)
		again := stories.Saved(t, imaging.Resize(img, 450, 0, imaging.Lanczos), "jpeg", 80)
		second := stories.Submit(t, s, again, "two of "+string('a'+rune(i)), stories.Feb.AddDate(1, 0, 0))
		in["vendor A"], in["vendor B"] = append(in["vendor A"], first.ID), append(in["vendor B"], second.ID)
		leaked = append(leaked, stories.Saved(t, imaging.Resize(stories.Decoded(t, again), 430, 0, imaging.Lanczos), "jpeg", 75))
		if i == 0 { // the file itself
			got, err := v.File(t.Context(), "exact.jpg", again)
			require.NoError(t, err)
			assert.Equal(t, second.ID, got.Submission)
			assert.Empty(t, got.Beside)
			stories.StandsUp(t, v, got)
		}
	}
	for name, uploads := range in {
		require.NoError(t, cfg.Registry.AddCustody(t.Context(), books.Custody{Recipient: name, Submissions: uploads, To: books.Always, Note: "app"}))
	}
	var leaks []*findings.Finding
	for _, data := range leaked {
		got := stories.Examine(t, v, stories.Decoded(t, data))
		require.Contains(t, []findings.Kind{findings.FoundUnmarked, findings.FoundUnreadable}, got.Kind, got.Note)
		require.Len(t, got.Beside, 1, got.Note)
		require.True(t, got.Beside[0].Same)
		leaks = append(leaks, got)
	}
	d := stories.StandsUp(t, v, leaks...)
	require.Len(t, d.Case.Leaks, 4, "what follows: TestPicturesThatCameInTwice")
	assert.Equal(t, []any{true, d.Case.Leaks[0].Cluster}, []any{d.Case.Leaks[1].Beside, d.Case.Leaks[1].Cluster})
	assert.Nil(t, d.Odds.Window)
	assert.Nil(t, d.Odds.Holding)
	all := strings.Join(d.Sentences(), " ")
	assert.Contains(t, all, "“All these pictures are of one month”: not supported")
	assert.Contains(t, all, "vendor A (2 of these")
	assert.Contains(t, all, "vendor B (2 of these")
}

// Opponent's story: customers get copies of vendor A back, and send them again by vendor B's app. Of these uploads only hashes are kept. Vendor B's folder
// leaks. Vendor A was named alone.
func TestReturnedAsAHash(t *testing.T) {
	t.Parallel()
	cfg, s, v := stories.TwoVendors(t)
	var leaks []*findings.Finding
	var seconds []watermark.Submission
	for i := range uint64(2) {
		subject := "customer " + string('a'+rune(i))
		first := stories.Submit(t, s, stories.File(t, stories.Photo(111+i, 480, 360), "jpeg"), subject, stories.Feb)
		_, marked, _ := stories.Issued(t, s, first.ID, "vendor A")
		again := stories.Saved(t, marked, "jpeg", 88)
		second := stories.Submit(t, s, again, subject, stories.Feb.AddDate(0, 1, 0), &registry.SubmitOptions{HashOnly: true})
		seconds = append(seconds, second.ID)
		require.NoError(t, cfg.Registry.AddCustody(t.Context(), books.Custody{Recipient: "vendor B", Submissions: seconds, To: books.Always, Note: "app"}))
		got := stories.Examine(t, v, imaging.Resize(stories.Decoded(t, again), 430, 0, imaging.Lanczos))
		require.Equal(t, findings.FoundCopy, got.Kind, got.Note)
		leaks = append(leaks, got)
	}
	exact := stories.Examine(t, v, stories.Photo(111, 480, 360))
	assert.Empty(t, exact.Beside, "it is the first file, byte for byte")
	plain := stories.Examine(t, v, imaging.Resize(stories.Photo(111, 480, 360), 460, 0, imaging.Lanczos))
	require.Len(t, plain.Beside, 1, "it may be of either upload: %s", plain.Note)
	assert.True(t, plain.Beside[0].Same)
	stories.StandsUp(t, v, plain)
	d := stories.StandsUp(t, v, leaks...)
	assert.True(t, stories.HasRival(d, "vendor A", "vendor B"), "%v", d.Odds.Rivals)
	assert.Contains(t, d.Headline, "came back, or may have since only a hash is kept, as uploads")
	assert.Contains(t, strings.Join(d.Sentences(), " "), "“All these pictures are of one month”: not supported")
}

// Opponent's story: after the find the uploads of the leaked pictures alone are entered, with times of a month of which vendor A
// could hold all. The findings said how seldom a draw gives that, and that vendor A could hold all of these and no others.
func TestUploadsEnteredAfterTheFind(t *testing.T) {
	t.Parallel()
	for _, later := range long.Cases(1, true, false) {
		cfg := leaktest.Config(t)
		s := stories.NewIssuer(t, cfg)
		stories.Vendors(t, cfg.Registry, "vendor A")
		require.NoError(t, cfg.Registry.AddCustody(t.Context(), books.Custody{Recipient: "vendor A", From: stories.Feb, To: stories.Feb.AddDate(0, 0, 2), Note: "app"}))
		with := stories.Investigating(cfg)
		with.Found = time.Now().Add(time.Minute)
		if later {
			with.Found = time.Now()
		}
		for i := range 40 {
			stories.Submit(t, s, stories.File(t, specimen.Landscape(uint64(500+i), 200, 150), "jpeg"), "", stories.Feb.AddDate(0, -2-i, 0))
		}
		v := stories.Investigation(t, with)
		var leaks []*findings.Finding
		for i := range uint64(4) {
			img := stories.Photo(121+i, 400, 300)
			stories.Submit(t, s, stories.File(t, img, "jpeg"), "customer "+string('a'+rune(i)), stories.Feb.AddDate(0, 0, 1))
			leaks = append(leaks, stories.Examine(t, v, img))
		}
		d := stories.StandsUp(t, v, leaks...)
		require.NotNil(t, d.Odds.Window)
		assert.Equal(t, later, len(d.Odds.Window.Holders) == 0)
		assert.Equal(t, later, strings.Contains(strings.Join(d.Sentences(), " "), "They may have been chosen for these pictures"))
	}
}

// Leakers put pictures side by side, and shrink them together. Uploads among them are shown; second photographs of the same documents
// are not. Opponent's story: such sheets of uploads were "lookalikes" alone.
func TestSheetOfUnmarkedUploads(t *testing.T) {
	t.Parallel()
	cfg := leaktest.Config(t)
	s := stories.NewIssuer(t, cfg)
	v := stories.Investigation(t, stories.Investigating(cfg))
	var uploads, seconds []image.Image
	var ids []string
	for i := range uint64(long.Number(2, 4)) {
		document := specimen.Render(specimen.Passport, specimen.NewPerson(131+i), 640)
		uploads, seconds = append(uploads, specimen.Photograph(document, 131+i, 640, 480)), append(seconds, specimen.Photograph(document, 231+i, 640, 480))
		ids = append(ids, stories.Submit(t, s, stories.File(t, uploads[i], "jpeg"), "customer "+string('a'+rune(i)), stories.Feb).ID.String())
	}
	shown, of := 0, 0
	for _, n := range long.Cases(1, 2, 4) {
		for k, pictures := range [][]image.Image{uploads, seconds} {
			sheet := imaging.New(640*((n+1)/2), 960, color.Gray{})
			for i := range n {
				sheet = imaging.Paste(sheet, pictures[i], image.Pt(640*(i/2), 480*(i%2)))
			}
			got, err := v.File(t.Context(), "sheet.jpg", stories.Saved(t, imaging.Resize(sheet, sheet.Rect.Dx()*7/10, 0, imaging.Lanczos), "jpeg", 80))
			require.NoError(t, err)
			assert.Equal(t, k == 0, got.Matched(), "%d: %s", n, got.Note)
			for _, id := range ids[:n] {
				assert.True(t, k == 1 || id == got.Submission.String() || strings.Contains(got.Note, "upload "+id+" beside"), got.Note)
			}
			if stories.StandsUp(t, v, got); k == 0 {
				shown, of = shown+1+len(got.Beside), of+n
			}
		}
	}
	t.Logf("%d of %d uploads are shown", shown, of)
}

// Opponent's story: half of the dump is copies of vendor B, under a mark key that the configuration does not name any more. Vendor A was named
// alone, and "no mark of another recipient's copy was found". So it was with files made of copies of both.
func TestCopiesUnderAnotherKey(t *testing.T) {
	t.Parallel()
	cfg, s, _ := stories.TwoVendors(t)
	key := watermark.GenerateKey()
	now := cfg
	now.Key = key
	newer := stories.NewIssuer(t, now)
	v := stories.Investigation(t, stories.Investigating(now))
	var apart, mixed []*findings.Finding
	for i := range uint64(2) {
		a := stories.Submit(t, s, stories.File(t, stories.Photo(121+i, 480, 360), "jpeg"), "one of "+string('a'+rune(i)), stories.Feb)
		b := stories.Submit(t, s, stories.File(t, stories.Photo(131+i, 480, 360), "jpeg"), "two of "+string('a'+rune(i)), stories.Feb)
		_, of, _ := stories.Issued(t, newer, a.ID, "vendor A")
		if i > 0 && !long.On { // of another person
			got := stories.Examine(t, v, of)
			apart, mixed = append(apart, got), append(mixed, got)
			continue
		}
		stories.Issued(t, s, b.ID, "vendor A")
		_, old, _ := stories.Issued(t, s, b.ID, "vendor B")
		_, other, _ := stories.Issued(t, newer, b.ID, "vendor A")
		apart = append(apart, stories.Examine(t, v, of), stories.Examine(t, v, old))
		mixed = append(mixed, stories.Examine(t, v, imaging.Overlay(old, other, image.Point{}, 0.5)))
	}
	for _, leaks := range [][]*findings.Finding{apart, mixed} {
		d := stories.StandsUp(t, v, leaks...)
		require.Equal(t, []string{"vendor A"}, d.Named)
		require.NotEmpty(t, d.Odds.Rivals)
		assert.Equal(t, "vendor B", d.Odds.Rivals[0].Other)
		all := strings.Join(d.Sentences(), " ")
		assert.NotContains(t, all, "No mark of another recipient's copy was found")
		assert.Contains(t, all, "Copies issued to others were not looked for on some pictures")
		assert.Contains(t, all, "“These pictures come from a vendor”: not supported")
	}
}

// Opponent's story: copies of uploads that were erased since, under a mark key that is not named any more, leak after the customers sent the pictures
// again. They were "unmarked", and the claim that no picture carries our watermark was supported.
func TestErasedCopiesUnderAnotherKey(t *testing.T) {
	t.Parallel()
	cfg, s, _ := stories.TwoVendors(t)
	img := stories.Photo(141, 640, 480)
	sub := stories.Submit(t, s, stories.File(t, img, "jpeg"), "customer", stories.Feb)
	_, leak, _ := stories.Issued(t, s, sub.ID, "vendor A")
	_, err := cfg.Registry.Erase(t.Context(), "customer", "", "")
	require.NoError(t, err)
	stories.Submit(t, s, stories.Saved(t, img, "jpeg", 84), "again", stories.Feb)
	now := cfg
	now.Key = watermark.GenerateKey()
	stories.NewIssuer(t, now)
	v := stories.Investigation(t, stories.Investigating(now))
	got := stories.Examine(t, v, leak)
	assert.Equal(t, findings.FoundUnreadable, got.Kind, got.Note)
	assert.True(t, got.MarkUnsought())
	d := stories.StandsUp(t, v, got)
	assert.Contains(t, strings.Join(d.Sentences(), " "), "“None of these pictures carries our watermark”: not supported")
	assert.True(t, d.Case.Leaks[0].Marked, "it is of no window and no holding")
}

// Opponent's story: only named uploads are searched, and the leak is a copy of another upload of the same picture. The claim that no picture carries
// our watermark was supported.
func TestNamedUploadsSupportNoClaim(t *testing.T) {
	t.Parallel()
	cfg, s, _ := stories.TwoVendors(t)
	img := stories.Photo(151, 640, 480)
	sub := stories.Submit(t, s, stories.File(t, img, "jpeg"), "customer", stories.Feb)
	with := stories.Investigating(cfg)
	with.Against = []watermark.Submission{sub.ID}
	v := stories.Investigation(t, with)
	got := stories.Examine(t, v, img)
	require.Equal(t, findings.FoundUnmarked, got.Kind, got.Note)
	all := strings.Join(stories.StandsUp(t, v, got).Sentences(), " ")
	assert.Contains(t, all, "“None of these pictures carries our watermark”: not supported. No mark was found, but the file may carry")
	assert.NotContains(t, all, "speaks against it")
}

// Opponent's story: an insider of the exchange lays vendor A's copies beside the plain uploads of the same pictures, which only the exchange had. Vendor A
// was named alone, and "from a vendor" was supported.
func TestSameUploadBesideACopy(t *testing.T) {
	t.Parallel()
	_, s, v := stories.TwoVendors(t)
	var leaks []*findings.Finding
	for i := range uint64(2) {
		times := 1 + 2*int(i)*long.Number(0, 1)
		plain := stories.Photo(181+i, 400*times, 300*times)
		of := stories.Submit(t, s, stories.File(t, plain, "jpeg"), "customer "+string('a'+rune(i)), stories.Feb)
		_, marked, id := stories.Issued(t, s, of.ID, "vendor A")
		over := func(small image.Image) image.Image {
			if times == 1 {
				return stories.Below(400, marked, small)
			}
			return imaging.Paste(marked, imaging.Resize(small, 400, 0, imaging.Lanczos), image.Pt(780, 580))
		}
		if i > 0 && !long.On { // a copy alone, of another person
			leaks = append(leaks, stories.Examine(t, v, marked))
			continue
		}
		got := stories.Examine(t, v, over(plain))
		require.Equal(t, []watermark.CopyID{id}, stories.Confirmed(got), got.Note)
		assert.Contains(t, got.Note, "also shows upload "+of.ID.String()+" once more")
		leaks = append(leaks, got)
		assert.NotContains(t, stories.Examine(t, v, over(marked)).Note, "once more")
	}
	d := stories.StandsUp(t, v, leaks...)
	assert.True(t, stories.HasRival(d, "vendor A", ""), "%v", d.Odds.Rivals)
	all := strings.Join(d.Sentences(), " ")
	assert.NotContains(t, all, "No mark of another recipient's copy was found")
	assert.Contains(t, all, "“These pictures come from a vendor”: not supported")
}

// Opponent's story: the plain upload and vendor B's copy of it lie as small pictures over vendor B's copy of another upload. The
// larger one came first, and was forgotten as soon as the copy was found: "from a vendor" was supported.
func TestUploadAndItsCopyOverAnother(t *testing.T) {
	t.Parallel()
	_, s, v := stories.TwoVendors(t)
	plain, base := stories.Photo(62, 800, 600), stories.Photo(63, 800, 600)
	of := stories.Submit(t, s, stories.File(t, plain, "jpeg"), "one", stories.Feb)
	_, marked, id := stories.Issued(t, s, of.ID, "vendor B")
	_, under, its := stories.Issued(t, s, stories.Submit(t, s, stories.File(t, base, "jpeg"), "two", stories.Feb).ID, "vendor B")
	over := func(right image.Point, large, small image.Image) image.Image { // 300 pixels on the left, 270 on the right
		out := imaging.Paste(under, imaging.Resize(large, 300, 0, imaging.Lanczos), image.Pt(16, 280))
		return imaging.Paste(out, imaging.Resize(small, 270, 0, imaging.Lanczos), right)
	}
	for _, img := range long.Cases(1, over(image.Pt(320, 200), plain, marked), over(image.Pt(320, 200), marked, plain), over(image.Pt(480, 40), plain, marked)) {
		got := stories.Examine(t, v, img)
		require.ElementsMatch(t, []watermark.CopyID{id, its}, stories.Confirmed(got), got.Note)
		assert.Contains(t, got.Note, "also shows upload "+of.ID.String()+" once more, with no copy confirmed there")
		assert.Contains(t, strings.Join(stories.StandsUp(t, v, got).Sentences(), " "), "“These pictures come from a vendor”: not supported")
	}
	_, second, other := stories.Issued(t, s, of.ID, "vendor A")
	twice := stories.Examine(t, v, over(image.Pt(480, 40), marked, second))
	assert.ElementsMatch(t, []watermark.CopyID{id, its, other}, stories.Confirmed(twice), twice.Note)
	assert.NotContains(t, twice.Note, "once more")
	stories.StandsUp(t, v, twice)
}

// Opponent's story: the same as a report shows its pairs, too small for the upload beside the copy to be found. "From a vendor" was supported.
func TestSameUploadBesideASmallCopy(t *testing.T) {
	t.Parallel()
	_, s, v := stories.TwoVendors(t)
	var pairs, alone []*findings.Finding
	for _, seed := range []uint64{501, 504} {
		plain := stories.Photo(seed, 480, 360)
		of := stories.Submit(t, s, stories.File(t, plain, "jpeg"), fmt.Sprint("customer ", seed), stories.Feb)
		_, marked, id := stories.Issued(t, s, of.ID, "vendor A")
		small, twin := imaging.Resize(marked, 240, 180, imaging.Lanczos), imaging.Resize(plain, 240, 180, imaging.Lanczos)
		if alone = append(alone, stories.Examine(t, v, small)); len(alone) > 1 && !long.On {
			pairs = append(pairs, alone[1])
			continue
		}
		got := stories.Examine(t, v, imaging.Paste(imaging.Paste(imaging.New(480, 180, color.White), small, image.Point{}), twin, image.Pt(240, 0)))
		require.Equal(t, []watermark.CopyID{id}, stories.Confirmed(got), got.Note)
		pairs = append(pairs, got)
	}
	said := func(of []*findings.Finding) string {
		return strings.Join(stories.StandsUp(t, v, of...).Sentences(), " ")
	}
	assert.Contains(t, said(alone), "“These pictures come from a vendor”: supported")
	assert.Contains(t, said(pairs), "“These pictures come from a vendor”: not supported")
	assert.Contains(t, said(pairs), "“All these pictures are of one month”: not supported")
}

// Opponent's story: somebody at the exchange, which alone had the plain uploads, laid a twentieth of vendor A's copies into them, in its own
// place, or mixed both. Or it took another recipient's copies away from them. Or it laid a fortieth of another recipient's copies into vendor A's, too little to be found. Copies that are altered as leaks are, and the copies of several recipients averaged, have nearly all of their marks.
func TestPartOfACopy(t *testing.T) {
	t.Parallel()
	_, s, v := stories.TwoVendors(t)
	share := func(l *findings.Finding) (sum float64) {
		for _, c := range l.Traces[0].Copies {
			if c.Found {
				sum += c.Score / l.Traces[0].Expected
			}
		}
		return sum
	}
	var leaks, whole, gaps, against []*findings.Finding
	var copied []byte
	for i := range uint64(2) {
		side := 1200
		if i == 0 {
			side = long.Number(480, side)
		}
		plain := stories.Photo(221+i, side, side*3/4)
		of := stories.Submit(t, s, stories.File(t, plain, "jpeg"), "customer "+string('a'+rune(i)), stories.Feb)
		_, marked, id := stories.Issued(t, s, of.ID, "vendor A")
		copied = stories.File(t, marked, "png")
		if whole = append(whole, stories.Examine(t, v, marked)); i == 0 && !long.On { // of another person
			leaks, gaps, against = append(leaks, whole...), append(gaps, whole...), append(against, whole...)
			continue
		}
		_, other, _ := stories.Issued(t, s, of.ID, "vendor B")
		patch := imaging.Paste(plain, imaging.Crop(marked, image.Rect(400, 300, 760, 600)), image.Pt(400, 300))
		for _, mixed := range long.Cases[image.Image](1, patch, imaging.Overlay(plain, marked, image.Point{}, 0.25)) {
			got := stories.Examine(t, v, mixed)
			require.Equal(t, []watermark.CopyID{id}, stories.Confirmed(got), got.Note)
			assert.Less(t, share(got), tuning.MinWhole)
			leaks = append(leaks, got)
		}
		minus := imaging.Clone(marked) // twice the copy, less the other copy
		for k, c := range imaging.Clone(other).Pix {
			if k%4 < 3 {
				minus.Pix[k] = uint8(min(max(2*int(minus.Pix[k])-int(c), 0), 255))
			}
		}
		reversed := stories.Examine(t, v, minus)
		require.Equal(t, []watermark.CopyID{id}, stories.Confirmed(reversed), reversed.Note)
		require.Less(t, reversed.Traces[0].Copies[len(reversed.Traces[0].Copies)-1].Score, float64(tuning.Reversed))
		small := reversed
		for wide := 230; wide == 230 || len(stories.Confirmed(small)) > 1; wide -= 10 { // a larger part of the other copy may be found
			small = stories.Examine(t, v, imaging.Paste(marked, imaging.Crop(other, image.Rect(430, 330, 430+wide, 530)), image.Pt(430, 330)))
		}
		require.Equal(t, []watermark.CopyID{id}, stories.Confirmed(small), small.Note)
		assert.Greater(t, share(small), tuning.MinWhole)
		assert.Positive(t, small.Traces[0].Unmarked)
		gaps, against = append(gaps, small), append(against, reversed)
		if !long.On {
			continue
		}
		got := stories.Examine(t, v, imaging.Overlay(marked, other, image.Point{}, 0.5))
		require.Len(t, stories.Confirmed(got), 2)
		assert.Greater(t, share(got), tuning.MinWhole)
	}
	for _, name := range long.Cases(1, "thumb320", "screenshot", "screen_photo") {
		got, err := v.File(t.Context(), "leak.jpg", leaktest.Leak(t, copied, name))
		require.NoError(t, err)
		assert.Greater(t, share(got), 1.2*tuning.MinWhole, name)
		assert.Zero(t, got.Traces[0].Unmarked, name)
	}
	d := stories.StandsUp(t, v, whole...)
	assert.False(t, stories.HasRival(d, "vendor A", ""), "%v", d.Odds.Rivals)
	assert.NotContains(t, strings.Join(d.Sentences(), " "), "than whole copies would")
	for _, of := range [][]*findings.Finding{gaps, against} {
		d = stories.StandsUp(t, v, of...)
		assert.True(t, stories.HasRival(d, "vendor A", ""), "%v", d.Odds.Rivals)
		assert.Contains(t, strings.Join(d.Sentences(), " "), "“These pictures come from a vendor”: not supported")
	}
	d = stories.StandsUp(t, v, leaks...)
	assert.True(t, stories.HasRival(d, "vendor A", ""), "%v", d.Odds.Rivals)
	all := strings.Join(d.Sentences(), " ")
	parts := "1 picture with a confirmed copy carries its mark"
	if long.On {
		parts = "4 pictures with confirmed copies carry their marks"
	}
	assert.Contains(t, all, parts+" otherwise than whole copies would")
	assert.NotContains(t, all, "No mark of another recipient's copy was found")
	assert.Contains(t, all, "“These pictures come from a vendor”: not supported")
}

// Opponent's story: a PNG shows the plain upload, and its transparent quarter keeps the colours of vendor A's copy. Programs that leave transparency
// out show them. The claim that no picture carries our watermark was supported.
func TestCopyUnderTransparency(t *testing.T) {
	t.Parallel()
	_, s, v := stories.TwoVendors(t)
	plain := stories.Decoded(t, stories.File(t, stories.Photo(71, 800, 600), "jpeg"))
	of := stories.Submit(t, s, stories.File(t, plain, "png"), "one", stories.Feb)
	_, marked, id := stories.Issued(t, s, of.ID, "vendor A")
	without := func(img *image.NRGBA, r image.Rectangle, colours *image.NRGBA) []byte {
		out := imaging.Clone(img)
		for y := r.Min.Y; y < r.Max.Y; y++ {
			for x := r.Min.X; x < r.Max.X; x++ {
				c := colours.NRGBAAt(x, y)
				c.A = 0
				out.SetNRGBA(x, y, c)
			}
		}
		return stories.File(t, out, "png")
	}
	got := stories.ExamineFile(t, v, without(plain, image.Rect(600, 0, 800, 600), marked))
	assert.Equal(t, []watermark.CopyID{id}, stories.Confirmed(got), got.Note)
	said := strings.Join(stories.StandsUp(t, v, got).Sentences(), " ")
	assert.Contains(t, said, "“None of these pictures carries our watermark”: refuted")
	assert.Contains(t, said, "“These pictures come from a vendor”: not supported")
	black := image.NewNRGBA(plain.Rect)
	rounded := stories.ExamineFile(t, v, without(marked, image.Rect(0, 0, 20, 20), black))
	assert.Equal(t, []watermark.CopyID{id}, stories.Confirmed(rounded), rounded.Note)
	assert.NotContains(t, rounded.Note, "once more")
}

// Opponent's story: over a copy of vendor A lies an upload of another month, or authority C's copy of that, turned, squeezed, or as a ghost (a fainter one passes). No search
// finds it, and everybody sees it. Vendor A was named alone, and "from a vendor" and "of one month" were supported.
func TestUnfoundUploadOverACopy(t *testing.T) {
	t.Parallel()
	cfg, s, v := stories.TwoVendors(t)
	require.NoError(t, cfg.Registry.AddRecipient(t.Context(), books.Recipient{Name: "authority C", Kind: books.KindAuthority}))
	var copies []image.Image
	for i := range uint64(2) {
		of := stories.Submit(t, s, stories.File(t, stories.Photo(301+i, 760, 570), "jpeg"), fmt.Sprint("customer ", i), stories.Feb)
		_, a, _ := stories.Issued(t, s, of.ID, "vendor A")
		copies = append(copies, a)
	}
	plain := stories.Photo(306, 760, 570)
	of := stories.Submit(t, s, stories.File(t, plain, "jpeg"), "another", stories.Feb.AddDate(0, 1, 0))
	_, c, _ := stories.Issued(t, s, of.ID, "authority C")
	said := func(leaks ...*findings.Finding) string {
		d := stories.StandsUp(t, v, leaks...)
		return d.Headline + strings.Join(d.Sentences(), " ")
	}
	clean := stories.Examine(t, v, copies[1])
	both := said(clean, stories.Examine(t, v, copies[0]))
	claims := []string{"from a vendor”: supported", "of one month”: supported", "No mark of another recipient's copy was found"}
	for _, claim := range claims {
		require.Contains(t, both, claim)
	}
	for i, leak := range long.Cases(1,
		imaging.Paste(copies[0], imaging.Resize(c, 195, 267, imaging.Lanczos), image.Pt(52, 272)),
		imaging.Overlay(copies[0], imaging.Resize(imaging.Rotate(plain, -33, color.White), 470, 0, imaging.Lanczos), image.Pt(42, 5), 1),
		imaging.Overlay(copies[0], plain, image.Point{}, 0.2),
		imaging.Overlay(copies[0], imaging.Resize(c, 500, 0, imaging.Lanczos), image.Point{}, 0.25)) {
		got := stories.Examine(t, v, leak)
		require.Equal(t, findings.FoundCopy, got.Kind)
		all := said(clean, got)
		for _, claim := range claims {
			assert.NotContains(t, all, claim, "%d: %s", i, got.Note)
		}
	}
	month := stories.Examine(t, v, imaging.Paste(stories.Photo(301, 760, 570), imaging.Resize(plain, 195, 267, imaging.Lanczos), image.Pt(52, 272)))
	assert.NotContains(t, said(month), "of one month”: supported", month.Note)
}

// Opponent's story: a portrait was cut out of the photograph of a document, and sent in later. The photograph's copy leaks, cropped
// to the portrait. Its mark was "laid onto the portrait", and the pictures were of the portrait's month.
func TestUploadThatIsPartOfAnother(t *testing.T) {
	t.Parallel()
	_, s, v := stories.TwoVendors(t)
	face := image.Rect(120, 190, 480, 610)
	whole := stories.Submit(t, s, stories.File(t, stories.Photo(781, 1200, 900), "jpeg"), "anna", stories.Feb)
	_, a, id := stories.Issued(t, s, whole.ID, "vendor A")
	portrait := stories.File(t, imaging.Crop(stories.Photo(781, 1200, 900), face), "jpeg")
	part := stories.Submit(t, s, portrait, "anna again", stories.Feb.AddDate(0, 1, 0))
	stories.Issued(t, s, part.ID, "vendor B")
	got := stories.ExamineFile(t, v, stories.Saved(t, imaging.Crop(a, face), "jpeg", 70))
	require.Equal(t, findings.FoundCopy, got.Kind, got.Note)
	require.Equal(t, []watermark.CopyID{id}, got.Copies)
	worn := stories.ExamineFile(t, v, stories.Saved(t, imaging.Crop(a, face), "jpeg", 30))
	assert.NotEqual(t, findings.FoundUnmarked, worn.Kind, worn.Note)
	plain := stories.Examine(t, v, imaging.Resize(stories.Decoded(t, portrait), 300, 0, imaging.Box))
	for _, l := range []*findings.Finding{got, worn, plain} {
		assert.NotContains(t, strings.Join(stories.StandsUp(t, v, l).Public, " "), "of one month”: supported", l.Note)
	}
}

// Opponent's story: another upload lies over vendor A's copy, and its original is lost. Nothing of it was said, and vendor A was
// alone.
func TestUnreadUploadOverACopy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r, err := registry.Create(t.Context(), sqlite.At(filepath.Join(dir, "r.db")), &registry.CreateOptions{Originals: filepath.Join(dir, "originals")})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, r.Close()) })
	_, err = r.Ledger().AddMarkKey(t.Context(), leaktest.Key())
	require.NoError(t, err)
	stories.Vendors(t, r, "vendor A", "vendor B")
	cfg := registry.Config{Registry: r, Key: leaktest.Key(), SealKey: leaktest.SealKey()}
	s := stories.NewIssuer(t, cfg)
	of := stories.Submit(t, s, stories.File(t, stories.Photo(711, 800, 600), "jpeg"), "one", stories.Feb)
	_, marked, id := stories.Issued(t, s, of.ID, "vendor A")
	kept, err := filepath.Glob(filepath.Join(dir, "originals", r.ID(), "*", "*"))
	require.NoError(t, err)
	require.Len(t, kept, 1)
	other := stories.Submit(t, s, stories.File(t, stories.Photo(701, 600, 450), "jpeg"), "two", stories.Feb)
	leak := imaging.Paste(marked, imaging.Resize(stories.Photo(701, 600, 450), 260, 0, imaging.Lanczos), image.Pt(480, 340))
	v := stories.Investigation(t, stories.Investigating(cfg))
	require.Contains(t, stories.Examine(t, v, leak).Note, other.ID.String(), "the story needs an upload that is found there")
	all, err := filepath.Glob(filepath.Join(dir, "originals", r.ID(), "*", "*"))
	require.NoError(t, err)
	for _, name := range all {
		if name != kept[0] {
			require.NoError(t, os.Remove(name))
		}
	}
	v = stories.Investigation(t, stories.Investigating(cfg))
	got := stories.Examine(t, v, leak)
	require.Contains(t, stories.Confirmed(got), id, got.Note)
	assert.Positive(t, got.Closed)
	assert.NotContains(t, stories.StandsUp(t, v, got).Headline, "No mark of another")
}
