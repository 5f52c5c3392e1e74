//go:build long

package verify_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"strings"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/recheck"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/watermark"
)

// A sheet of three copies of one vendor and one copy of another accuses both, each for its own uploads. Copies of two uploads
// of one photograph, laid over each other, accuse both recipients.
func TestSheetsAndUploadsOfOnePhotograph(t *testing.T) {
	t.Parallel()
	cfg := leaktest.Config(t)
	s := newIssuer(t, cfg)
	vendors(t, cfg.Registry, "vendor G", "vendor H")
	sheet := imaging.New(1340, 1000, color.Gray{Y: 60})
	var ids []watermark.CopyID
	var first image.Image
	for i, to := range []string{"vendor G", "vendor G", "vendor G", "vendor H"} {
		upload := specimen.Photograph(specimen.Render(specimen.Licence, specimen.NewPerson(uint64(60+i)), 560), uint64(5+i), 640, 480)
		of := submit(t, s, file(t, upload, "jpeg"), fmt.Sprint("person ", i), feb)
		_, img, id := issued(t, s, of.ID, to)
		if i == 0 {
			first = upload
		} else if i == 3 {
			img = imaging.Sharpen(img, 0.4) // the clearest
		}
		ids = append(ids, id)
		sheet = imaging.Paste(sheet, img, image.Pt(20+660*(i%2), 10+490*(i/2)))
	}
	with := investigating(cfg)
	with.References, with.Found = 0, feb.AddDate(20, 0, 0)
	v := newInvestigator(t, with)
	got := examine(t, v, sheet)
	require.Equal(t, "copy", got.Label(), got.Note)
	assert.ElementsMatch(t, ids, confirmed(got), got.Note)
	assert.Len(t, got.Issued, 4)
	assert.Len(t, got.Beside, 3)
	assert.ElementsMatch(t, []string{"vendor G", "vendor H"}, got.Recipients)
	d, err := v.Weigh(t.Context(), []*findings.Finding{got})
	require.NoError(t, err)
	assert.Equal(t, []string{"vendor G"}, d.Named, d.Headline)
	assert.Contains(t, strings.Join(d.Details, " "), "4 copies of 4 uploads")
	for _, r := range d.Odds.Recipients {
		assert.Equal(t, map[string]int{"vendor G": 3, "vendor H": 1}[r.Name], r.Clusters, r.Name)
	}
	var page, text bytes.Buffer
	require.NoError(t, v.WriteReport(t.Context(), &page, d, true))
	assert.Equal(t, 4, strings.Count(page.String(), "; in the exhibit from ("))
	assert.Equal(t, 3, strings.Count(page.String(), "recorded as issued to <bdi>vendor G</bdi> on "))
	require.NoError(t, v.WriteFindings(t.Context(), &text, d, true))
	f := readFindings(t, text.String())
	require.NoError(t, recheck.CheckLeaks(f))
	require.NoError(t, recheck.CheckVerdict(f))
	for _, edit := range []func(){
		func() { f.Leaks[0].Beside = f.Leaks[0].Beside[1:] },
		func() { f.Leaks[0].Beside[0].Cluster = "subject 1" },
		func() { f.Leaks[0].Beside[0].Submitted = feb.AddDate(0, 0, 1) },
		func() { f.Leaks[0].Issued[1].Recipient = "vendor H" },
		func() { f.Leaks[0].Recipients = f.Leaks[0].Recipients[:1] },
		func() { f.Verdict.Case.Leaks[1].Beside = false },
	} {
		f = readFindings(t, text.String())
		edit()
		assert.False(t, recheck.CheckLeaks(f) == nil && recheck.CheckVerdict(f) == nil)
	}

	again := submit(t, s, file(t, first, "png"), "person 0", feb.AddDate(0, 0, 3))
	_, h, idH := issued(t, s, again.ID, "vendor H")
	g := imaging.Crop(sheet, image.Rect(20, 10, 660, 490))
	v = newInvestigator(t, with)
	got = examine(t, v, imaging.Overlay(g, h, image.Point{}, 0.6))
	require.Equal(t, "copy", got.Label(), got.Note)
	assert.ElementsMatch(t, []watermark.CopyID{ids[0], idH}, confirmed(got), got.Note)
	assert.ElementsMatch(t, []string{"vendor G", "vendor H"}, got.Recipients)
	assert.NotContains(t, got.Note, "marked again")
}

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
	got := examine(t, v, sheet(copies[1]))
	assert.Equal(t, "copy", got.Label(), got.Note)
	assert.ElementsMatch(t, ids[:], confirmed(got))
	assert.Len(t, got.Issued, 2)
	got = examine(t, v, sheet(upload))
	assert.Equal(t, "copy", got.Label(), got.Note)
	assert.Equal(t, ids[:1], confirmed(got))

	forged, soft := imaging.Resize(stranger(), 480, 360, imaging.Lanczos), imaging.Blur(copies[1], 5)
	for i, p := range forged.Pix {
		forged.Pix[i] = uint8(min(max(int(p)+2*(int(copies[1].Pix[i])-int(soft.Pix[i])), 0), 255))
	}
	got = examine(t, v, sheet(forged))
	assert.Equal(t, findings.FoundCopy, got.Kind, got.Note)
	assert.NotContains(t, confirmed(got), ids[1], got.Note)
}
