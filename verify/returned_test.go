package verify_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"io"
	"testing"
	"time"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/oddstest"
	"github.com/kycmark/kycmark/internal/test/sentencecheck"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/recheck"
	"github.com/kycmark/kycmark/verify/internal/tuning"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/odds"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// Customers get their checked pictures back from vendor A, and send these marked copies again. The exchange's own store
// has custody of the second uploads, and leaks them as they are.
func TestLeaksOfReturnedCopies(t *testing.T) {
	t.Parallel()
	for name, again := range map[string]func(t *testing.T, copied []byte) []byte{
		"as issued": func(_ *testing.T, copied []byte) []byte { return copied },
		"jpeg 75":   func(t *testing.T, copied []byte) []byte { return savedAnew(t, decoded(t, copied), "jpeg", 75) },
		"smaller": func(t *testing.T, copied []byte) []byte {
			return savedAnew(t, imaging.Fit(decoded(t, copied), 400, 400, imaging.Lanczos), "jpeg", 84)
		},
		"screenshot": func(t *testing.T, copied []byte) []byte {
			img := decoded(t, copied)
			dx, dy := img.Rect.Dx()/20, img.Rect.Dy()/20
			return savedAnew(t, imaging.Crop(img, image.Rect(dx, dy, img.Rect.Dx()-dx, img.Rect.Dy()-dy)), "png", 0)
		},
	} {
		if !long.On && name != "as issued" {
			continue
		}
		for _, marked := range long.Cases(1, registry.MarkedAtIssue, registry.MarkedAtSubmit) {
			t.Run(name+", read at "+marked, func(t *testing.T) {
				t.Parallel()
				x := newReturns(t, marked, again)
				x.check(t, marked)
			})
			if name != "as issued" {
				break
			}
		}
	}
}

// returns are two customers whose copies came back.
type returns struct {
	registry.Config
	copies []watermark.CopyID
	second []*books.Submission
	files  [][]byte // of the second uploads
	third  []byte   // an upload that did not come back
}

func newReturns(t *testing.T, marked string, again func(*testing.T, []byte) []byte) *returns {
	t.Helper()
	x := &returns{Config: leaktest.Config(t)}
	x.Marked = marked
	s := newIssuer(t, x.Config)
	for _, r := range []books.Recipient{{Name: "vendor A", Kind: books.KindVendor}, {Name: "vendor B", Kind: books.KindVendor}, {Name: "store", Kind: books.KindStore}} {
		require.NoError(t, x.Registry.AddRecipient(t.Context(), r))
	}
	for i := range 2 {
		upload := specimen.Photograph(specimen.Render(specimen.Licence, specimen.NewPerson(uint64(41+i)), 420), uint64(5+i), 480, 360)
		first := submit(t, s, file(t, upload, "jpeg"), fmt.Sprint("customer ", i), feb)
		copied, _, id := issued(t, s, first.ID, "vendor A")
		data := again(t, copied)
		x.copies, x.files = append(x.copies, id), append(x.files, data)
		x.second = append(x.second, submit(t, s, data, fmt.Sprint("customer ", i), feb.AddDate(0, 1, 0)))
	}
	x.third = file(t, specimen.Photograph(specimen.Render(specimen.Passport, specimen.NewPerson(77), 420), 9, 480, 360), "jpeg")
	require.NoError(t, x.Registry.AddCustody(t.Context(), books.Custody{Recipient: "store", From: feb.AddDate(0, 0, 20), To: feb.AddDate(0, 2, 0), Note: "backup"}))
	return x
}

func (x *returns) check(t *testing.T, marked string) {
	t.Helper()
	v := newInvestigator(t, investigating(x.Config))
	var leaks []*findings.Finding
	for i, data := range x.files {
		if !long.On {
			v.SetDetect(reads(x.copies[i]))
		}
		got, err := v.File(t.Context(), fmt.Sprint("leak", i), data)
		require.NoError(t, err)
		require.Equal(t, "copy", got.Label(), got.Note)
		require.Equal(t, []watermark.CopyID{x.copies[i]}, confirmed(got))
		assert.Contains(t, got.Note, x.second[i].ID.String()+" came in with this mark")
		leaks = append(leaks, got)
	}
	d, err := v.Weigh(t.Context(), leaks)
	require.NoError(t, err)
	assert.Empty(t, d.Odds.Alone(), d.Headline)
	for _, other := range []string{"store", ""} {
		assert.True(t, hasRival(d, "vendor A", other), "%q: %v", other, d.Odds.Rivals)
	}
	assert.Contains(t, d.Headline, "the exchange and store (2)")
	assert.False(t, hasRival(d, "vendor A", "vendor B"))
	var text bytes.Buffer
	require.NoError(t, v.WriteFindings(t.Context(), &text, d, true))
	f, err := recheck.Read(bytes.NewReader(text.Bytes()))
	require.NoError(t, err)
	require.NoError(t, recheck.CheckLeaks(f))
	require.NoError(t, recheck.CheckVerdict(f))
	wrong, err := sentencecheck.Check(text.Bytes())
	require.NoError(t, err)
	require.Empty(t, wrong)

	rows, err := x.Registry.Returns(t.Context(), x.copies[0])
	require.NoError(t, err)
	if marked == registry.MarkedAtIssue {
		require.Empty(t, rows, "no copy of the second upload was issued")
		var opened registry.Opened
		_, err := newIssuer(t, x.Config).Issue(t.Context(), x.second[0].ID, "vendor B", func(*books.Copy, []byte) error { return registry.ErrNothingLeft }, &registry.IssueOptions{Opened: &opened, AllowWeak: true})
		require.ErrorIs(t, err, registry.ErrNothingLeft)
		carries, _, _ := opened.About()
		require.Len(t, carries, 1)
		rows, err = x.Registry.Returns(t.Context(), x.copies[0])
		require.NoError(t, err)
	}
	require.Len(t, rows, 1)
	require.Equal(t, x.second[0].ID, rows[0].Submission)
	checkLedger(t, x.Registry)

	if !long.On {
		return // TestMarkedTwice of watermark reads both marks, TestConclude has pictures with two copies
	}
	// A copy of the second upload carries both marks. It was issued to vendor B alone.
	_, img, id := issued(t, newIssuer(t, x.Config), x.second[1].ID, "vendor B")
	v = newInvestigator(t, investigating(x.Config))
	got := examine(t, v, img)
	require.NoError(t, verify.Recheck(got, true))
	require.Equal(t, "copy", got.Label(), got.Note)
	assert.Equal(t, []watermark.CopyID{id}, confirmed(got), got.Note)
	assert.Contains(t, got.Note, "The picture also carries the mark of copy "+x.copies[1].String()+". The upload came in with this mark")
	d, err = v.Weigh(t.Context(), append(leaks, got))
	require.NoError(t, err)
	text.Reset()
	require.NoError(t, v.WriteFindings(t.Context(), &text, d, true))
	wrong, err = sentencecheck.Check(text.Bytes())
	require.NoError(t, err)
	require.Empty(t, wrong)
}

// Customers sent vendor A's copies again, and vendor B got copies of these uploads, which carry both marks. On a sheet, vendor
// A's mark counts where it lies without vendor B's, and only there.
func TestSheetsOfReturnedCopies(t *testing.T) {
	t.Parallel()
	cfg := leaktest.Config(t)
	s := newIssuer(t, cfg)
	vendors(t, cfg.Registry, "vendor A", "vendor B", "vendor C")
	upload := specimen.Photograph(specimen.Render(specimen.Licence, specimen.NewPerson(60), 420), 5, 480, 360)
	first := submit(t, s, file(t, upload, "jpeg"), "customer", feb)
	_, a, idA := issued(t, s, first.ID, "vendor A")
	_, c, idC := issued(t, s, first.ID, "vendor C")
	second := submit(t, s, savedAnew(t, a, "jpeg", 80), "customer", feb.AddDate(0, 1, 0))
	_, b, idB := issued(t, s, second.ID, "vendor B")
	for name, x := range map[string]struct {
		shows []image.Image
		want  []watermark.CopyID
	}{
		"copies of both":            {[]image.Image{a, b}, []watermark.CopyID{idA, idB}},
		"one copy twice":            {[]image.Image{b, b}, []watermark.CopyID{idB}},
		"unmarked upload":           {[]image.Image{upload, b}, []watermark.CopyID{idB}},
		"another copy":              {[]image.Image{b, c}, []watermark.CopyID{idB, idC}},
		"all, one smaller":          {[]image.Image{upload, b, c, imaging.Resize(a, 400, 0, imaging.Lanczos)}, []watermark.CopyID{idA, idB, idC}},
		"unmarked ones":             {[]image.Image{upload, b, upload}, []watermark.CopyID{idB}},
		"three times, once smaller": {[]image.Image{b, upload, imaging.Resize(b, 400, 0, imaging.Lanczos), b}, []watermark.CopyID{idB}},
	} {
		if !long.On && name != "copies of both" { // what brings a mark along is a row of TestConclude
			continue
		}
		t.Run(name, func(t *testing.T) {
			with := investigating(cfg)
			with.References = 0
			v := newInvestigator(t, with)
			sheet := imaging.New(long.Number(510, 1010), 750, color.Gray{Y: 60})
			for i, img := range x.shows {
				sheet = imaging.Paste(sheet, img, image.Pt(15+500*(i/2), 8+375*(i%2)))
			}
			got := examine(t, v, sheet)
			assert.Equal(t, "copy", got.Label(), got.Note)
			assert.ElementsMatch(t, x.want, confirmed(got), got.Note)
			standsUp(t, v, got)
		})
	}
}

// vendor A leaks copies that did not come back, beside one that did: it is named alone.
func TestFewReturnedCopiesMakeNoRival(t *testing.T) {
	l := func(back bool) odds.Copy {
		return odds.Copy{ID: "1", Recipient: "vendor A", LnE: 20, Confirmed: true, Returned: back}
	}
	c := &odds.Case{Cells: oddstest.Months(feb, feb), Holders: []odds.Holder{{Name: "vendor A", Copies: []int{4}}}, MarkTrials: tuning.MarkTrials}
	c.Cells[0].Submissions = 4
	for i := range 4 {
		c.Leaks = append(c.Leaks, odds.Leak{Submission: fmt.Sprint(i), Submitted: feb, Cluster: fmt.Sprint(i), Copies: []odds.Copy{l(i < 2)}})
	}
	v, err := odds.Weigh(c)
	require.NoError(t, err)
	require.Equal(t, []string{"vendor A"}, v.Alone())
	c.Leaks[2].Copies[0].Returned = true
	v, err = odds.Weigh(c)
	require.NoError(t, err)
	require.Equal(t, []odds.Rival{{Name: "vendor A", Why: odds.RivalReturned, Clusters: 3, Of: 4}}, v.Rivals)
}

// Uploads that came in marked are refused by the policy, and unmarked ones are not.
func TestMarkedUploadsAreRefused(t *testing.T) {
	t.Parallel()
	x := newReturns(t, registry.MarkedAtIssue, func(t *testing.T, b []byte) []byte { return savedAnew(t, decoded(t, b), "jpeg", 80) })
	x.Marked = registry.MarkedRefused
	s := newIssuer(t, x.Config)
	_, err := s.Issue(t.Context(), x.second[1].ID, "vendor A", registry.WriteTo(io.Discard), nil)
	require.ErrorIs(t, err, registry.ErrRefused)
	require.ErrorContains(t, err, x.copies[1].String())
	_, _, err = s.Submit(t.Context(), bytes.NewReader(savedAnew(t, decoded(t, x.files[0]), "jpeg", 60)), "", time.Time{}, nil)
	require.ErrorIs(t, err, registry.ErrRefused)
	sub, _, err := s.Submit(t.Context(), bytes.NewReader(x.third), "", time.Time{}, nil)
	require.NoError(t, err)
	carries, err := x.Registry.Carried(t.Context(), sub.ID)
	require.NoError(t, err)
	require.Empty(t, carries)
	x.Marked = "never"
	_, err = registry.NewIssuer(x.Config)
	require.ErrorIs(t, err, registry.ErrInput)
}
