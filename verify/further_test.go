package verify_test

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"strings"
	"testing"
	"time"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/tuning"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// twoVendors makes a registry with two vendors. Its marks are found by tracing alone.
func twoVendors(t *testing.T) (registry.Config, *registry.Issuer, *verify.Investigation) {
	t.Helper()
	cfg := leaktest.Config(t)
	vendors(t, cfg.Registry, "vendor A", "vendor B")
	v := newInvestigator(t, investigating(cfg))
	v.SetDetect(noMark)
	return cfg, newIssuer(t, cfg), v
}

// Opponent's story: an insider of the exchange pastes copies of vendor A beside uploads that vendor A never had. Vendor A was
// named alone, all were "of one month", and "from a vendor".
func TestUploadBesideACopy(t *testing.T) {
	t.Parallel()
	_, s, v := twoVendors(t)
	var leaks []*findings.Finding
	for i := range uint64(2) {
		own, other := photo(81+i, 400, 300), photo(91+i, 400, 300)
		first := submit(t, s, file(t, own, "jpeg"), "one of "+string('a'+rune(i)), feb)
		second := submit(t, s, file(t, other, "jpeg"), "other of "+string('a'+rune(i)), feb.AddDate(1, 0, 0))
		_, marked, id := issued(t, s, first.ID, "vendor A")
		got := examine(t, v, below(400, marked, other))
		require.Equal(t, []watermark.CopyID{id}, confirmed(got), got.Note)
		require.Len(t, got.Beside, 1, got.Note)
		assert.Equal(t, second.ID, got.Beside[0].Submission)
		leaks = append(leaks, got)
	}
	d := standsUp(t, v, leaks...)
	assert.Equal(t, []string{"vendor A"}, d.Named)
	assert.True(t, hasRival(d, "vendor A", ""), "%v", d.Odds.Rivals)
	all := strings.Join(d.Sentences(), " ")
	assert.Contains(t, all, "2 pictures with confirmed copies also show uploads")
	assert.Contains(t, all, "“All these pictures are of one month”: refuted")
	assert.Contains(t, all, "“These pictures come from a vendor”: not supported")
}

// Opponent's story: vendor A's copy lies over a third of a larger plain upload, and its mark is surer than its pixels. Nothing was looked for
// beside it: "from a vendor" was supported.
func TestUploadBeneathACopy(t *testing.T) {
	t.Parallel()
	_, s, v := twoVendors(t)
	own := photo(701, 1200, 900)
	beneath := submit(t, s, file(t, own, "jpeg"), "one", feb)
	of := submit(t, s, file(t, photo(711, 1000, 750), "jpeg"), "two", feb)
	_, marked, id := issued(t, s, of.ID, "vendor A")
	got := examine(t, v, imaging.Paste(own, imaging.Resize(marked, 700, 0, imaging.Lanczos), image.Pt(500, 375)))
	require.Equal(t, []watermark.CopyID{id}, confirmed(got), got.Note)
	require.Contains(t, got.Note, "leaves open whether the picture shows that upload", "the story needs such a copy")
	require.Contains(t, got.Note, "also shows what looks like upload "+beneath.ID.String())
	all := strings.Join(standsUp(t, v, got).Sentences(), " ")
	assert.Contains(t, all, "“These pictures come from a vendor”: not supported")
}

// Opponent's story: vendor B's copy lies as a small picture over a plain upload, or over vendor A's copy. The whole picture was "unmarked" and the claim
// that no picture carries our watermark was supported; or vendor A was named alone.
func TestPictureInAPicture(t *testing.T) {
	t.Parallel()
	_, s, v := twoVendors(t)
	small := submit(t, s, file(t, photo(61, 400, 300), "jpeg"), "one", feb)
	_, inset, id := issued(t, s, small.ID, "vendor B")
	plain := photo(62, 1200, 900)
	large := submit(t, s, file(t, plain, "jpeg"), "two", feb)
	_, marked, of := issued(t, s, large.ID, "vendor A")
	_, other, its := issued(t, s, large.ID, "vendor B")
	twice := examine(t, v, imaging.Paste(marked, imaging.Resize(other, 400, 0, imaging.Lanczos), image.Pt(780, 580))) // one upload
	require.ElementsMatch(t, []watermark.CopyID{of, its}, confirmed(twice), twice.Note)
	standsUp(t, v, twice)
	for _, under := range []image.Image{plain, marked} {
		got := examine(t, v, imaging.Paste(under, inset, image.Pt(780, 580)))
		want := []watermark.CopyID{id}
		if under == image.Image(marked) {
			want = []watermark.CopyID{of, id}
		}
		require.ElementsMatch(t, want, confirmed(got), got.Note)
		require.Len(t, got.Beside, 1, got.Note)
		all := strings.Join(standsUp(t, v, got).Sentences(), " ")
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
	_, s, v := twoVendors(t)
	small := submit(t, s, file(t, photo(61, 360, 270), "jpeg"), "one", feb)
	_, held, id := issued(t, s, small.ID, "vendor A")
	whole := imaging.Overlay(photo(62, 900, 675), imaging.Rotate(imaging.Resize(held, 420, 0, imaging.Lanczos), 9, color.Transparent), image.Pt(360, 280), 1)
	submit(t, s, file(t, whole, "jpeg"), "two", feb)
	got := examine(t, v, whole)
	require.Equal(t, findings.FoundUnconfirmed, got.Kind, got.Note)
	assert.Equal(t, id, got.Copy())
	assert.Contains(t, strings.Join(standsUp(t, v, got).Sentences(), " "), "“None of these pictures carries our watermark”: refuted")
}

// Opponent's story: vendor A's copy comes back as a poor photograph, is entered as another customer's upload, and is issued to vendor B. That copy
// leaks. "No mark of another recipient's copy was found" was said, and "from a vendor: supported".
func TestCopyOfAPoorCopy(t *testing.T) {
	t.Parallel()
	_, s, v := twoVendors(t)
	first := submit(t, s, file(t, photo(62, 900, 675), "jpeg"), "one", feb)
	_, marked, its := issued(t, s, first.ID, "vendor A")
	poor := imaging.Grayscale(imaging.Resize(imaging.Rotate(marked, 2, color.Black), 640, 0, imaging.Lanczos))
	second := submit(t, s, file(t, poor, "jpeg"), "two", feb)
	_, leak, id := issued(t, s, second.ID, "vendor B")
	got := examine(t, v, leak)
	require.Equal(t, []watermark.CopyID{id}, confirmed(got), got.Note)
	assert.Contains(t, got.Note, "The picture also carries the mark of copy "+its.String())
	assert.NotContains(t, strings.Join(standsUp(t, v, got).Sentences(), " "), "No mark of another recipient's copy was found")
}

// Opponent's story: a customer sends in a crop of vendor A's copy, of which vendor B gets copies. Vendor A's whole copy leaks. The
// headline said that each party that had the crop fits as well.
func TestReturnedCropOfACopy(t *testing.T) {
	t.Parallel()
	_, s, v := twoVendors(t)
	var leaks []*findings.Finding
	for i := range uint64(2) {
		first := submit(t, s, file(t, photo(64+i, 1000, 750), "jpeg"), fmt.Sprint("one ", i), feb)
		_, marked, id := issued(t, s, first.ID, "vendor A")
		crop := imaging.CropCenter(marked, 520, 390)
		second := submit(t, s, file(t, crop, "jpeg"), fmt.Sprint("two ", i), feb)
		issued(t, s, second.ID, "vendor B")
		got := examine(t, v, marked)
		require.Equal(t, []watermark.CopyID{id}, confirmed(got), got.Note)
		leaks = append(leaks, got)
		if i > 0 {
			continue
		}
		v.SetDetect(reads(id))
		part := examine(t, v, crop)
		require.NotEmpty(t, part.Reads, part.Note)
		assert.Contains(t, part.Reads[0].Returned, second.ID, "the crop itself may be of either")
		v.SetDetect(noMark)
	}
	d := standsUp(t, v, leaks...)
	assert.NotContains(t, strings.Join(d.Sentences(), " "), "vendor B", "vendor B never had the whole picture")
	assert.False(t, hasRival(d, "vendor A", "vendor B"), "%v", d.Odds.Rivals)
}

// Opponent's story: a small picture over a plain upload has a mark that is not listed, or that was laid onto it. The picture was "unmarked", and the claim
// that no picture carries our watermark was supported. Or it is a plain upload over vendor A's copy: all were "from a vendor".
func TestMarkInAPictureInAPicture(t *testing.T) {
	t.Parallel()
	_, s, v := twoVendors(t)
	small, plain := photo(61, 400, 300), photo(62, 1200, 900)
	inset := submit(t, s, file(t, small, "jpeg"), "one", feb)
	large := submit(t, s, file(t, plain, "jpeg"), "two", feb)
	third := submit(t, s, file(t, photo(63, 400, 300), "jpeg"), "three", feb)
	_, marked, of := issued(t, s, large.ID, "vendor A")
	_, _, laid := issued(t, s, third.ID, "vendor B")
	leak := imaging.Paste(plain, small, image.Pt(780, 580))
	for id, want := range map[watermark.CopyID]findings.Kind{laid + 1: findings.FoundUnissued, laid: findings.FoundTransplanted} {
		v.SetDetect(func(ctx context.Context, k *watermark.Key, img image.Image) (*watermark.Detection, error) {
			if img.Bounds().Dx() > 700 {
				return noMark(ctx, k, img)
			}
			return reads(id)(ctx, k, img)
		})
		got := examine(t, v, leak)
		require.Equal(t, want, got.Kind, got.Note)
		assert.Contains(t, []watermark.Submission{inset.ID, large.ID}, got.Submission)
		all := strings.Join(standsUp(t, v, got).Sentences(), " ")
		assert.Contains(t, all, "“None of these pictures carries our watermark”: refuted")
	}
	v.SetDetect(noMark)
	for name, over := range map[string]image.Image{"also shows upload ": small, "also shows what looks like upload ": imaging.Blur(small, 3)} {
		if over != image.Image(small) && !long.On {
			continue
		}
		got := examine(t, v, imaging.Paste(marked, over, image.Pt(780, 580)))
		require.Equal(t, []watermark.CopyID{of}, confirmed(got), got.Note)
		assert.Contains(t, got.Note, name+inset.ID.String()+" beside")
		assert.Contains(t, strings.Join(standsUp(t, v, got).Sentences(), " "), "“These pictures come from a vendor”: not supported")
	}
}

// Opponent's story: customers sent pictures by vendor A's app, and a year later the same pictures by vendor B's, which saves them anew. Vendor B's folder
// leaks. The findings pointed to vendor A's uploads and their month.
func TestPicturesSentTwice(t *testing.T) {
	t.Parallel()
	cfg := leaktest.Config(t)
	s := newIssuer(t, cfg)
	vendors(t, cfg.Registry, "vendor A", "vendor B")
	with := investigating(cfg)
	with.Found = time.Now().AddDate(0, 0, 1)
	v := newInvestigator(t, with)
	v.SetDetect(noMark)
	in := map[string][]watermark.Submission{}
	var leaked [][]byte
	for i := range uint64(2) {
		img := photo(101+i, 480, 360)
		first := submit(t, s, file(t, img, "jpeg"), "one of "+string('a'+rune(i)), feb)
		again := savedAnew(t, imaging.Resize(img, 450, 0, imaging.Lanczos), "jpeg", 80)
		second := submit(t, s, again, "two of "+string('a'+rune(i)), feb.AddDate(1, 0, 0))
		in["vendor A"], in["vendor B"] = append(in["vendor A"], first.ID), append(in["vendor B"], second.ID)
		leaked = append(leaked, savedAnew(t, imaging.Resize(decoded(t, again), 430, 0, imaging.Lanczos), "jpeg", 75))
		if i == 0 { // the file itself
			got, err := v.File(t.Context(), "exact.jpg", again)
			require.NoError(t, err)
			assert.Equal(t, second.ID, got.Submission)
			assert.Empty(t, got.Beside)
			standsUp(t, v, got)
		}
	}
	for name, uploads := range in {
		require.NoError(t, cfg.Registry.AddCustody(t.Context(), books.Custody{Recipient: name, Submissions: uploads, To: books.Always, Note: "app"}))
	}
	var leaks []*findings.Finding
	for _, data := range leaked {
		got := examine(t, v, decoded(t, data))
		require.Contains(t, []findings.Kind{findings.FoundUnmarked, findings.FoundUnreadable}, got.Kind, got.Note)
		require.Len(t, got.Beside, 1, got.Note)
		require.True(t, got.Beside[0].Same)
		leaks = append(leaks, got)
	}
	d := standsUp(t, v, leaks...)
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
	cfg, s, v := twoVendors(t)
	var leaks []*findings.Finding
	var seconds []watermark.Submission
	for i := range uint64(2) {
		subject := "customer " + string('a'+rune(i))
		first := submit(t, s, file(t, photo(111+i, 480, 360), "jpeg"), subject, feb)
		_, marked, _ := issued(t, s, first.ID, "vendor A")
		again := savedAnew(t, marked, "jpeg", 88)
		second := submit(t, s, again, subject, feb.AddDate(0, 1, 0), &registry.SubmitOptions{HashOnly: true})
		seconds = append(seconds, second.ID)
		require.NoError(t, cfg.Registry.AddCustody(t.Context(), books.Custody{Recipient: "vendor B", Submissions: seconds, To: books.Always, Note: "app"}))
		got := examine(t, v, imaging.Resize(decoded(t, again), 430, 0, imaging.Lanczos))
		require.Equal(t, findings.FoundCopy, got.Kind, got.Note)
		leaks = append(leaks, got)
	}
	exact := examine(t, v, photo(111, 480, 360))
	assert.Empty(t, exact.Beside, "it is the first file, byte for byte")
	plain := examine(t, v, imaging.Resize(photo(111, 480, 360), 460, 0, imaging.Lanczos))
	require.Len(t, plain.Beside, 1, "it may be of either upload: %s", plain.Note)
	assert.True(t, plain.Beside[0].Same)
	standsUp(t, v, plain)
	d := standsUp(t, v, leaks...)
	assert.True(t, hasRival(d, "vendor A", "vendor B"), "%v", d.Odds.Rivals)
	assert.Contains(t, d.Headline, "came back, or may have since only a hash is kept, as uploads")
	assert.Contains(t, strings.Join(d.Sentences(), " "), "“All these pictures are of one month”: not supported")
}

// Opponent's story: after the find the uploads of the leaked pictures alone are entered, with times of a month of which vendor A
// could hold all. The findings said how seldom a draw gives that, and that vendor A could hold all of these and no others.
func TestUploadsEnteredAfterTheFind(t *testing.T) {
	t.Parallel()
	for _, later := range long.Cases(1, true, false) {
		cfg := leaktest.Config(t)
		s := newIssuer(t, cfg)
		vendors(t, cfg.Registry, "vendor A")
		require.NoError(t, cfg.Registry.AddCustody(t.Context(), books.Custody{Recipient: "vendor A", From: feb, To: feb.AddDate(0, 0, 2), Note: "app"}))
		with := investigating(cfg)
		with.Found = time.Now().Add(time.Minute)
		if later {
			with.Found = time.Now()
		}
		for i := range 40 {
			submit(t, s, file(t, photo(uint64(500+i), 200, 150), "jpeg"), "", feb.AddDate(0, -2-i, 0))
		}
		v := newInvestigator(t, with)
		v.SetDetect(noMark)
		var leaks []*findings.Finding
		for i := range uint64(4) {
			img := photo(121+i, 400, 300)
			submit(t, s, file(t, img, "jpeg"), "customer "+string('a'+rune(i)), feb.AddDate(0, 0, 1))
			leaks = append(leaks, examine(t, v, img))
		}
		d := standsUp(t, v, leaks...)
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
	s := newIssuer(t, cfg)
	v := newInvestigator(t, investigating(cfg))
	v.SetDetect(noMark)
	var uploads, seconds []image.Image
	var ids []string
	for i := range uint64(long.Number(2, 4)) {
		document := specimen.Render(specimen.Passport, specimen.NewPerson(131+i), 640)
		uploads, seconds = append(uploads, specimen.Photograph(document, 131+i, 640, 480)), append(seconds, specimen.Photograph(document, 231+i, 640, 480))
		ids = append(ids, submit(t, s, file(t, uploads[i], "jpeg"), "customer "+string('a'+rune(i)), feb).ID.String())
	}
	shown, of := 0, 0
	for _, n := range long.Cases(1, 2, 4) {
		for k, pictures := range [][]image.Image{uploads, seconds} {
			sheet := imaging.New(640*((n+1)/2), 960, color.Gray{})
			for i := range n {
				sheet = imaging.Paste(sheet, pictures[i], image.Pt(640*(i/2), 480*(i%2)))
			}
			got, err := v.File(t.Context(), "sheet.jpg", savedAnew(t, imaging.Resize(sheet, sheet.Rect.Dx()*7/10, 0, imaging.Lanczos), "jpeg", 80))
			require.NoError(t, err)
			assert.Equal(t, k == 0, got.Matched(), "%d: %s", n, got.Note)
			for _, id := range ids[:n] {
				assert.True(t, k == 1 || id == got.Submission.String() || strings.Contains(got.Note, "upload "+id+" beside"), got.Note)
			}
			if standsUp(t, v, got); k == 0 {
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
	cfg, s, _ := twoVendors(t)
	key := watermark.GenerateKey()
	now := cfg
	now.Key = key
	newer := newIssuer(t, now)
	v := newInvestigator(t, investigating(now))
	v.SetDetect(noMark)
	var apart, mixed []*findings.Finding
	for i := range uint64(2) {
		a := submit(t, s, file(t, photo(121+i, 480, 360), "jpeg"), "one of "+string('a'+rune(i)), feb)
		b := submit(t, s, file(t, photo(131+i, 480, 360), "jpeg"), "two of "+string('a'+rune(i)), feb)
		issued(t, s, b.ID, "vendor A")
		_, of, _ := issued(t, newer, a.ID, "vendor A")
		_, old, _ := issued(t, s, b.ID, "vendor B")
		_, other, _ := issued(t, newer, b.ID, "vendor A")
		apart = append(apart, examine(t, v, of), examine(t, v, old))
		mixed = append(mixed, examine(t, v, imaging.Overlay(old, other, image.Point{}, 0.5)))
	}
	for _, leaks := range [][]*findings.Finding{apart, mixed} {
		d := standsUp(t, v, leaks...)
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
	cfg, s, _ := twoVendors(t)
	img := photo(141, 640, 480)
	sub := submit(t, s, file(t, img, "jpeg"), "customer", feb)
	_, leak, _ := issued(t, s, sub.ID, "vendor A")
	_, err := cfg.Registry.Erase(t.Context(), "customer", "", "")
	require.NoError(t, err)
	submit(t, s, savedAnew(t, img, "jpeg", 84), "again", feb)
	now := cfg
	now.Key = watermark.GenerateKey()
	newIssuer(t, now)
	v := newInvestigator(t, investigating(now))
	got := examine(t, v, leak)
	assert.Equal(t, findings.FoundUnreadable, got.Kind, got.Note)
	assert.True(t, got.MarkUnsought())
	d := standsUp(t, v, got)
	assert.Contains(t, strings.Join(d.Sentences(), " "), "“None of these pictures carries our watermark”: not supported")
	assert.True(t, d.Case.Leaks[0].Marked, "it is of no window and no holding")
}

// Opponent's story: only named uploads are searched, and the leak is a copy of another upload of the same picture. The claim that no picture carries
// our watermark was supported.
func TestNamedUploadsSupportNoClaim(t *testing.T) {
	t.Parallel()
	cfg, s, _ := twoVendors(t)
	img := photo(151, 640, 480)
	sub := submit(t, s, file(t, img, "jpeg"), "customer", feb)
	with := investigating(cfg)
	with.Against = []watermark.Submission{sub.ID}
	v := newInvestigator(t, with)
	got := examine(t, v, img)
	require.Equal(t, findings.FoundUnmarked, got.Kind, got.Note)
	all := strings.Join(standsUp(t, v, got).Sentences(), " ")
	assert.Contains(t, all, "“None of these pictures carries our watermark”: not supported. No mark was found, but the file may carry")
	assert.NotContains(t, all, "speaks against it")
}

// Opponent's story: an insider of the exchange lays vendor A's copies beside the plain uploads of the same pictures, which only the exchange had. Vendor A
// was named alone, and "from a vendor" was supported.
func TestSameUploadBesideACopy(t *testing.T) {
	t.Parallel()
	_, s, v := twoVendors(t)
	var leaks []*findings.Finding
	for i := range uint64(2) {
		times := 1 + 2*int(i)*long.Number(0, 1)
		plain := photo(181+i, 400*times, 300*times)
		of := submit(t, s, file(t, plain, "jpeg"), "customer "+string('a'+rune(i)), feb)
		_, marked, id := issued(t, s, of.ID, "vendor A")
		over := func(small image.Image) image.Image {
			if times == 1 {
				return below(400, marked, small)
			}
			return imaging.Paste(marked, imaging.Resize(small, 400, 0, imaging.Lanczos), image.Pt(780, 580))
		}
		got := examine(t, v, over(plain))
		require.Equal(t, []watermark.CopyID{id}, confirmed(got), got.Note)
		assert.Contains(t, got.Note, "also shows upload "+of.ID.String()+" once more")
		leaks = append(leaks, got)
		assert.NotContains(t, examine(t, v, over(marked)).Note, "once more")
	}
	d := standsUp(t, v, leaks...)
	assert.True(t, hasRival(d, "vendor A", ""), "%v", d.Odds.Rivals)
	all := strings.Join(d.Sentences(), " ")
	assert.NotContains(t, all, "No mark of another recipient's copy was found")
	assert.Contains(t, all, "“These pictures come from a vendor”: not supported")
}

// Opponent's story: the same as a report shows its pairs, too small for the upload beside the copy to be found. "From a vendor" was supported.
func TestSameUploadBesideASmallCopy(t *testing.T) {
	t.Parallel()
	_, s, v := twoVendors(t)
	var pairs, alone []*findings.Finding
	for _, seed := range []uint64{501, 504} {
		plain := photo(seed, 480, 360)
		of := submit(t, s, file(t, plain, "jpeg"), fmt.Sprint("customer ", seed), feb)
		_, marked, id := issued(t, s, of.ID, "vendor A")
		small, twin := imaging.Resize(marked, 240, 180, imaging.Lanczos), imaging.Resize(plain, 240, 180, imaging.Lanczos)
		got := examine(t, v, imaging.Paste(imaging.Paste(imaging.New(480, 180, color.White), small, image.Point{}), twin, image.Pt(240, 0)))
		require.Equal(t, []watermark.CopyID{id}, confirmed(got), got.Note)
		pairs, alone = append(pairs, got), append(alone, examine(t, v, small))
	}
	said := func(of []*findings.Finding) string { return strings.Join(standsUp(t, v, of...).Sentences(), " ") }
	assert.Contains(t, said(alone), "“These pictures come from a vendor”: supported")
	assert.Contains(t, said(pairs), "“These pictures come from a vendor”: not supported")
	assert.Contains(t, said(pairs), "“All these pictures are of one month”: not supported")
}

// Opponent's story: the exchange lost a sheet of a picture with few details, of which vendor A has the copy, and another picture that nobody
// else had. The first was found by its mark alone, without a place. So the other one was not beside it, and was not said.
func TestPlaceOfAnUploadFoundByItsMark(t *testing.T) {
	t.Parallel()
	cfg, s, v := twoVendors(t)
	of := submit(t, s, file(t, photo(193, 500, 500), "jpeg"), "customer b", feb)
	_, marked, id := issued(t, s, of.ID, "vendor A")
	matches, err := v.ReadAlone(t.Context(), below(640, photo(191, 640, 480), marked), &watermark.Detection{Found: true, Copy: id, KeyID: cfg.Key.ID()})
	require.NoError(t, err)
	require.Len(t, matches, 1)
	require.NotNil(t, matches[0].Region)
	for i, corner := range (findings.Quad{{0, 480}, {500, 480}, {500, 980}, {0, 980}}) {
		assert.InDeltaSlice(t, corner[:], matches[0].Region[i][:], 2)
	}
}

// Opponent's story: somebody at the exchange, which alone had the plain uploads, laid a twentieth of vendor A's copies into them, in its own
// place, or mixed both. Or it took another recipient's copies away from them. Or it laid a fortieth of another recipient's copies into vendor A's, too little to be found. Copies that are altered as leaks are, and the copies of several recipients averaged, have nearly all of their marks.
func TestPartOfACopy(t *testing.T) {
	t.Parallel()
	_, s, v := twoVendors(t)
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
		plain := photo(221+i, 1200, 900)
		of := submit(t, s, file(t, plain, "jpeg"), "customer "+string('a'+rune(i)), feb)
		_, marked, id := issued(t, s, of.ID, "vendor A")
		copied = file(t, marked, "png")
		if whole = append(whole, examine(t, v, marked)); i == 0 && !long.On { // of another person
			leaks, gaps, against = append(leaks, whole...), append(gaps, whole...), append(against, whole...)
			continue
		}
		_, other, _ := issued(t, s, of.ID, "vendor B")
		patch := imaging.Paste(plain, imaging.Crop(marked, image.Rect(400, 300, 760, 600)), image.Pt(400, 300))
		for _, mixed := range []image.Image{patch, imaging.Overlay(plain, marked, image.Point{}, 0.25)} {
			got := examine(t, v, mixed)
			require.Equal(t, []watermark.CopyID{id}, confirmed(got), got.Note)
			assert.Less(t, share(got), tuning.MinWhole)
			leaks = append(leaks, got)
		}
		minus := imaging.Clone(marked) // twice the copy, less the other copy
		for k, c := range imaging.Clone(other).Pix {
			if k%4 < 3 {
				minus.Pix[k] = uint8(min(max(2*int(minus.Pix[k])-int(c), 0), 255))
			}
		}
		reversed := examine(t, v, minus)
		require.Equal(t, []watermark.CopyID{id}, confirmed(reversed), reversed.Note)
		require.Less(t, reversed.Traces[0].Copies[len(reversed.Traces[0].Copies)-1].Score, float64(tuning.Reversed))
		small := reversed
		for wide := 230; wide == 230 || len(confirmed(small)) > 1; wide -= 10 { // a larger part of the other copy may be found
			small = examine(t, v, imaging.Paste(marked, imaging.Crop(other, image.Rect(430, 330, 430+wide, 530)), image.Pt(430, 330)))
		}
		require.Equal(t, []watermark.CopyID{id}, confirmed(small), small.Note)
		assert.Greater(t, share(small), tuning.MinWhole)
		assert.Positive(t, small.Traces[0].Unmarked)
		gaps, against = append(gaps, small), append(against, reversed)
		got := examine(t, v, imaging.Overlay(marked, other, image.Point{}, 0.5))
		require.Len(t, confirmed(got), 2)
		assert.Greater(t, share(got), tuning.MinWhole)
	}
	for _, name := range []string{"thumb320", "screenshot", "screen_photo"} {
		got, err := v.File(t.Context(), "leak.jpg", leaktest.Leak(t, copied, name))
		require.NoError(t, err)
		assert.Greater(t, share(got), 1.2*tuning.MinWhole, name)
		assert.Zero(t, got.Traces[0].Unmarked, name)
	}
	d := standsUp(t, v, whole...)
	assert.False(t, hasRival(d, "vendor A", ""), "%v", d.Odds.Rivals)
	assert.NotContains(t, strings.Join(d.Sentences(), " "), "than whole copies would")
	for _, of := range [][]*findings.Finding{gaps, against} {
		d = standsUp(t, v, of...)
		assert.True(t, hasRival(d, "vendor A", ""), "%v", d.Odds.Rivals)
		assert.Contains(t, strings.Join(d.Sentences(), " "), "“These pictures come from a vendor”: not supported")
	}
	d = standsUp(t, v, leaks...)
	assert.True(t, hasRival(d, "vendor A", ""), "%v", d.Odds.Rivals)
	all := strings.Join(d.Sentences(), " ")
	assert.Contains(t, all, fmt.Sprint(long.Number(2, 4), " pictures with confirmed copies carry their marks otherwise than whole copies would"))
	assert.NotContains(t, all, "No mark of another recipient's copy was found")
	assert.Contains(t, all, "“These pictures come from a vendor”: not supported")
}
