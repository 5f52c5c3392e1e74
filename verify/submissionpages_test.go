package verify_test

import (
	"bytes"
	"image"
	"math"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/picture/tiff"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/recheck"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// tiffOf is a TIFF of these pages.
func tiffOf(t *testing.T, pages ...image.Image) []byte {
	t.Helper()
	var files [][]byte
	for _, p := range pages {
		files = append(files, file(t, p, "tiff"))
	}
	var b bytes.Buffer
	require.NoError(t, tiff.Join(&b, files))
	return b.Bytes()
}

// pagesOf decodes all pages of a file.
func pagesOf(t *testing.T, data []byte) (out []*image.NRGBA) {
	t.Helper()
	d, err := picture.OpenDocument(data, picture.Limits{})
	require.NoError(t, err)
	for k := range d.Pages() {
		pic, err := picture.Decode(d.Page(k+1), picture.Limits{})
		require.NoError(t, err)
		out = append(out, pic.Image)
	}
	return out
}

var blankBill = sync.OnceValue(func() *specimen.Blank { return specimen.NewBlank(specimen.Bill, 400) })

func billOf(person uint64) *image.NRGBA { return blankBill().Fill(specimen.NewPerson(person)) }

// issueTo hands a copy of a submission to vendor A and returns its row and its pages.
func issueTo(t *testing.T, s *registry.Issuer, of watermark.Submission) (*books.Copy, []*image.NRGBA) {
	t.Helper()
	var out bytes.Buffer
	c, err := s.Issue(t.Context(), of, "vendor A", registry.WriteTo(&out), &registry.IssueOptions{Purpose: "request 7"})
	require.NoError(t, err)
	require.EqualValues(t, out.Len(), c.Size)
	return c, pagesOf(t, out.Bytes())
}

// A document of two pages is one submission: a leak of page 2 is traced to the copy of the document.
func TestLeakOfPageTwo(t *testing.T) {
	t.Parallel()
	cfg := leaktest.Config(t)
	require.NoError(t, cfg.Registry.AddRecipient(t.Context(), books.Recipient{Name: "vendor A", Kind: books.KindVendor}))
	s := newIssuer(t, cfg)
	doc := submit(t, s, tiffOf(t, passport(1), billOf(1)), "customer 1", feb)
	require.Equal(t, 2, doc.Pages)
	other := submit(t, s, file(t, licence(2), "jpeg"), "customer 2", feb)
	c, marked := issueTo(t, s, doc.ID)
	require.Equal(t, doc.ID, c.Submission)
	require.Equal(t, "tiff", c.Format)
	require.Len(t, marked, 2)

	v := newInvestigator(t, investigating(cfg))
	got := examine(t, v, leaked(t, marked[1], "telegram"))
	require.Equal(t, []any{"copy", c.ID, 2}, []any{got.Label(), got.Copy(), got.Page}, "read blind")
	v.SetDetect(noMark) // the others are traced
	all := []*findings.Finding{got}
	for i, leak := range []struct {
		img   image.Image
		page  int
		label string
	}{
		{leaked(t, billOf(1), "telegram"), 2, "unmarked"},
		{leaked(t, marked[0], "telegram"), 1, "copy"},
		{leaked(t, passport(1), "telegram"), 1, "unmarked"},
		{leaked(t, licence(2), "telegram"), 0, "unmarked"},
	}[:long.Number(1, 4)] {
		got := examine(t, v, leak.img)
		require.Equal(t, leak.label, got.Label(), "%d: %s", i, got.Note)
		assert.Equal(t, leak.page, got.Page, i)
		want := doc.ID
		if leak.page == 0 {
			want = other.ID
		}
		assert.Equal(t, want, got.Submission, i)
		if leak.label == "copy" {
			assert.Equal(t, c.ID, got.Copy())
			assert.Equal(t, "vendor A", got.MayName())
		}
		all = append(all, got)
	}
	d, err := v.Weigh(t.Context(), all)
	require.NoError(t, err)
	var file, report bytes.Buffer
	require.NoError(t, v.WriteFindings(t.Context(), &file, d, true))
	assert.NoError(t, valid(schema(t), file.String()))
	f, err := recheck.Read(bytes.NewReader(file.Bytes()))
	require.NoError(t, err)
	require.NoError(t, recheck.CheckLeaks(f))
	f.Leaks[0].Page = 1
	require.Error(t, recheck.CheckLeaks(f), "another page than the matches say")
	require.NoError(t, v.WriteReport(t.Context(), &report, d, true))
	assert.Contains(t, report.String(), "page 2")

	cfg2 := untraced(cfg) // TestAgainst traces
	cfg2.Against = []watermark.Submission{doc.ID}
	named := newInvestigator(t, cfg2)
	named.SetDetect(noMark)
	got = examine(t, named, leaked(t, marked[1], "telegram"))
	assert.Equal(t, []any{doc.ID, 2}, []any{got.Submission, got.Page}, got.Note)

	ids, err := cfg.Registry.Erase(t.Context(), "customer 1", "desk", "letter 5")
	require.NoError(t, err)
	require.Equal(t, []watermark.Submission{doc.ID}, ids)
	checkLedger(t, cfg.Registry)
	anew := newInvestigator(t, investigating(cfg))
	anew.SetDetect(noMark)
	for _, v := range []*verify.Investigation{v, anew} {
		got := examine(t, v, leaked(t, billOf(1), "telegram"))
		assert.Equal(t, findings.FoundUnknown, got.Kind, "nothing of page 2 is left")
	}
}

// The terms of a bank that two customers sent make them neither one person, nor do they accuse.
func TestPageOfTwoCustomers(t *testing.T) {
	t.Parallel()
	cfg := leaktest.Config(t)
	for _, name := range []string{"vendor A", "vendor B"} {
		require.NoError(t, cfg.Registry.AddRecipient(t.Context(), books.Recipient{Name: name, Kind: books.KindVendor}))
	}
	s := newIssuer(t, cfg)
	terms := billOf(9)
	one := submit(t, s, tiffOf(t, passport(1), terms), "customer 1", feb)
	submit(t, s, file(t, terms, "tiff"), "customer 2", feb)
	c, marked := issueTo(t, s, one.ID)
	v := newInvestigator(t, investigating(cfg))
	v.SetDetect(noMark)
	copied, plain := examine(t, v, marked[1]), examine(t, v, leaked(t, terms, "telegram"))
	require.Equal(t, "copy", copied.Label(), copied.Note)
	require.Equal(t, []watermark.CopyID{c.ID}, confirmed(copied))
	require.Equal(t, []any{one.ID, 2}, []any{copied.Submission, copied.Page})
	require.Equal(t, "unreadable", plain.Label(), "it may come from either upload")
	require.Contains(t, plain.Note, "2 uploads have this page in common")
	require.Empty(t, confirmed(plain))
	require.Len(t, plain.Matches, 2)
	first := examine(t, newInvestigator(t, untraced(cfg)), leaked(t, passport(1), "telegram"))
	d, err := v.Weigh(t.Context(), []*findings.Finding{copied, plain, first})
	require.NoError(t, err)
	require.Empty(t, d.SameDocuments)
}

// The marks of two pages of a copy lie in different places, so that the average of pages shows none.
func TestPagesHaveMarksOfTheirOwn(t *testing.T) {
	blank := image.NewNRGBA(image.Rect(0, 0, 640, 480))
	for i := range blank.Pix {
		blank.Pix[i] = 200
	}
	of := [16]byte{1, 2, 3}
	var marks [4][]int
	for k := range marks {
		marked, err := watermark.Embed(leaktest.Key(), 77, blank, &watermark.Options{Submission: watermark.Submission(of).Page(k + 1), Manner: watermark.Lossy}) // without dither, which all pages share
		require.NoError(t, err)
		for i := 0; i < len(blank.Pix); i += 4 {
			marks[k] = append(marks[k], int(marked.Pix[i+1])-200)
		}
	}
	dot := func(a, b []int) (sum float64) {
		for i := range a {
			sum += float64(a[i] * b[i])
		}
		return sum
	}
	for k := 1; k < len(marks); k++ {
		r := dot(marks[0], marks[k]) / math.Sqrt(dot(marks[0], marks[0])*dot(marks[k], marks[k]))
		assert.InDelta(t, 0, r, 0.1, "page %d", k+1)
	}
}
