package verify_test

import (
	"crypto/sha256"
	"database/sql"
	"image"
	"image/color"
	"strings"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/watermark"
)

// letter is a page with lines alone, whose pixels show too little of it to confirm a copy.
func letter() *image.NRGBA {
	img := imaging.New(800, 600, color.White)
	for y := 100; y < 500; y += 40 {
		for x := 60; x < 700; x++ {
			if (x/7+y)%5 != 0 {
				img.Set(x, y, color.Black)
			}
		}
	}
	return img
}

// A stolen folder of a vendor has the very files that were issued to it. Opponent's story: the investigator has no mark keys, or no sealing key, or the
// page has too little for its pixels to confirm the mark. Nobody was named, although the ledger has the SHA-256 of each file.
func TestIssuedFiles(t *testing.T) {
	t.Parallel()
	cfg, s, _ := twoVendors(t)
	var files [][]byte
	for i, img := range []image.Image{letter(), passport(1), licence(2)} {
		of := submit(t, s, file(t, img, "png"), "customer "+string('a'+rune(i)), feb)
		data, _, _ := issued(t, s, of.ID, "vendor A")
		issued(t, s, of.ID, "vendor B")
		files = append(files, data)
	}
	for name, change := range map[string]func(*setup){"all": func(*setup) {}, "no mark key": func(c *setup) { c.Keys = nil }, "no sealing key": func(c *setup) { c.SealKey = nil }} {
		with := investigating(cfg)
		change(&with)
		v := newInvestigator(t, with)
		v.SetDetect(noMark)
		var leaks []*findings.Finding
		for _, data := range files {
			got := examineFile(t, v, data)
			require.Equal(t, findings.FoundCopy, got.Kind, "%s: %s", name, got.Note)
			assert.Equal(t, "the same file", got.Mark())
			leaks = append(leaks, got)
		}
		d := standsUp(t, v, leaks...)
		assert.Contains(t, d.Headline, "leaked pictures come from copies issued to vendor A", name)
		assert.Equal(t, name == "all" && !leaks[0].Unlooked(), strings.Contains(strings.Join(d.Sentences(), " "), "“These pictures come from a vendor”: supported"), "what came back with the mark of the letter may not be known")
		d = standsUp(t, v, leaks[1:]...)
		assert.Equal(t, name == "all", strings.Contains(strings.Join(d.Sentences(), " "), "“These pictures come from a vendor”: supported"), name)
		assert.Equal(t, name == "all", len(d.Named) == 1, "%s: whether the uploads are of one person is not known", name)
	}
	v := newInvestigator(t, investigating(cfg))
	v.SetDetect(noMark)
	_, err := cfg.Registry.Erase(t.Context(), "customer b", "", "")
	require.NoError(t, err)
	gone := examineFile(t, v, files[1])
	assert.Equal(t, findings.FoundUnconfirmed, gone.Kind)
	assert.Contains(t, gone.Note, "byte for byte. The upload of that copy was erased from the registry, so that the copy counts for no recipient. It was issued to vendor A on")
	standsUp(t, v, gone)
	forged := examineFile(t, v, files[0])
	forged.Private.Found, forged.Issued[0].SHA256[0] = nil, forged.Issued[0].SHA256[0]+1
	assert.ErrorContains(t, verify.Recheck(forged, true), "issued as the file")
}

// Opponent's story: a customer sends the very file that vendor A had, by vendor B's app, and vendor B's folder leaks. Vendor A was named alone, also if
// that upload was erased since.
func TestIssuedFilesCameBack(t *testing.T) {
	t.Parallel()
	cfg, s, _ := twoVendors(t)
	v := newInvestigator(t, investigating(cfg))
	var back, gone []*findings.Finding
	var files [][]byte
	for i := range uint64(2) {
		of := submit(t, s, file(t, licence(10+i), "jpeg"), "customer "+string('a'+rune(i)), feb)
		data, _, id := issued(t, s, of.ID, "vendor A")
		second := submit(t, s, data, "again "+string('a'+rune(i)), feb.AddDate(0, 1, 0))
		require.NoError(t, cfg.Registry.AddCustody(t.Context(), books.Custody{Recipient: "vendor B", Submissions: []watermark.Submission{second.ID}, To: books.Always, Note: "app"}))
		got := examineFile(t, v, data)
		require.Equal(t, []watermark.CopyID{id}, confirmed(got), got.Note)
		assert.Equal(t, []watermark.Submission{second.ID}, got.Reads[0].Returned)
		back, files = append(back, got), append(files, data)
	}
	d := standsUp(t, v, back...)
	assert.True(t, hasRival(d, "vendor A", "vendor B"), "%v", d.Odds.Rivals)
	for i, data := range files {
		_, err := cfg.Registry.Erase(t.Context(), "again "+string('a'+rune(i)), "", "")
		require.NoError(t, err)
		gone = append(gone, examineFile(t, v, data))
	}
	d = standsUp(t, v, gone...)
	assert.True(t, len(d.Named) == 0 || hasRival(d, "vendor A", ""), "%v", d.Odds.Rivals)
	assert.Contains(t, strings.Join(d.Sentences(), " "), "“These pictures come from a vendor”: not supported")
}

// Opponent's story: customers send vendor A's files, or pictures that were saved anew from them. Of these uploads vendor B gets copies. Vendor
// A's files leak, and the headline said that vendor B fits as well.
func TestHoldersOfOtherFiles(t *testing.T) {
	t.Parallel()
	cfg, s, _ := twoVendors(t)
	v := newInvestigator(t, investigating(cfg))
	var leaks []*findings.Finding
	for i := range uint64(2) {
		of := submit(t, s, file(t, licence(20+i), "jpeg"), "customer "+string('a'+rune(i)), feb)
		data, img, _ := issued(t, s, of.ID, "vendor A")
		var same []watermark.Submission
		if i == 0 || long.On {
			same = append(same, submit(t, s, data, "", feb.AddDate(0, 1, 0)).ID)
			issued(t, s, same[0], "vendor B")
		}
		if i == 1 || long.On {
			anew := submit(t, s, savedAnew(t, img, "jpeg", 70), "", feb.AddDate(0, 2, 0))
			issued(t, s, anew.ID, "vendor B")
		}
		got := examineFile(t, v, data)
		assert.Equal(t, same, got.Reads[0].Returned, got.Note)
		leaks = append(leaks, got)
	}
	d := standsUp(t, v, leaks...)
	assert.Equal(t, []string{"vendor A"}, d.Named)
	assert.NotContains(t, d.Headline+strings.Join(d.Sentences(), " "), "vendor B")
}

// Opponent's story: a forger of the database gives vendor A's copy the SHA-256 of another file.
func TestIssuedFileThatWasEdited(t *testing.T) {
	t.Parallel()
	c := newCase(t)
	leak := file(t, c.first, "png")
	v := c.investigator(t, noMark)
	require.Equal(t, findings.FoundUnmarked, examineFile(t, v, leak).Kind)
	db, err := sql.Open("sqlite", c.path)
	require.NoError(t, err)
	defer db.Close()
	sum := sha256.Sum256(leak)
	_, err = db.Exec("UPDATE copy SET sha256 = ?", sum[:])
	require.NoError(t, err)
	got := examineFile(t, v, leak)
	assert.NotEqual(t, findings.FoundCopy, got.Kind, got.Note)
	assert.Empty(t, got.Recipients)
}
