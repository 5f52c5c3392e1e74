package verify_test

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/recheck"
	"github.com/kycmark/kycmark/verify/internal/tuning"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// months is a registry of one upload a month, and of six in February: what six leaks of
// it look like, and vendor A could hold unmarked.
func months(t *testing.T, others int) (cfg registry.Config, leaks []*findings.Finding) {
	t.Helper()
	ctx := t.Context()
	cfg = leaktest.Config(t)
	s := newIssuer(t, cfg)
	img := imaging.Resize(passport(1), 90, 0, imaging.Box) // their hashes are not looked at
	enter := func(n int, subject string, at time.Time) *books.Submission {
		img.Pix[4*n] ^= 1 // another file
		return submit(t, s, file(t, img, "png"), subject, at, &registry.SubmitOptions{HashOnly: true})
	}
	require.NoError(t, cfg.Registry.AddRecipient(ctx, books.Recipient{Name: "vendor A", Kind: books.KindVendor}))
	require.NoError(t, cfg.Registry.AddCustody(ctx, books.Custody{Recipient: "vendor A", From: feb.AddDate(0, 0, -13), To: feb.AddDate(0, 0, 14)}))
	for n := range others {
		enter(n, "others", feb.AddDate(0, n+1, 0))
	}
	for n := range 6 {
		sub := enter(others+n, fmt.Sprint("customer ", n), feb.Add(time.Duration(n)*time.Hour))
		l := leakOf(n+1, findings.FoundUnreadable, "")
		var err error
		l.Custody, err = cfg.Registry.Custody(ctx, registry.CustodyFilter{Submission: sub.ID})
		require.NoError(t, err)
		require.NotEmpty(t, l.Custody)
		l.Submission, l.Submitted = sub.ID, sub.Submitted
		leaks = append(leaks, l)
	}
	return cfg, leaks
}

func weighIn(t *testing.T, cfg setup, leaks []*findings.Finding) (*verify.Investigation, *findings.Verdict) {
	t.Helper()
	v := newInvestigator(t, cfg)
	d, err := v.Weigh(t.Context(), leaks)
	require.NoError(t, err)
	return v, d
}

// Six leaks that were held against six uploads of February alone say nothing of February,
// of its holder, nor of a thief with the whole registry; marks speak as ever.
func TestNamedUploadsMakeNoWindow(t *testing.T) {
	t.Parallel()
	issuing, leaks := months(t, 40)
	cfg := investigating(issuing)
	cfg.Found = time.Now().Add(time.Hour)
	leaks = append(leaks, leakOf(7, findings.FoundUnknown, ""), leakOf(8, findings.FoundUnknown, ""))
	_, searched := weighIn(t, cfg, leaks)
	require.NotNil(t, searched.Odds.Window, "otherwise nothing is tested")

	for _, l := range leaks[:6] {
		cfg.Against = append(cfg.Against, l.Submission)
	}
	v, d := weighIn(t, cfg, leaks)
	assert.Contains(t, d.Headline, "6 of the 8 leaked pictures show uploads")
	text := strings.Join(d.Sentences(), "\n")
	assert.Contains(t, text, "Only the named uploads were searched, so the matches say nothing about when or from where pictures were taken.")
	assert.NotContains(t, text, "of all uploads")
	assert.NotContains(t, text, "could hold such uploads unmarked")
	assert.Nil(t, d.Odds.Window)
	require.Len(t, d.Case.Cells, 1)
	assert.Equal(t, 6, d.Case.Cells[0].Submissions)
	assert.Equal(t, 6, d.Case.Holders[0].Unmarked[0])
	var findings bytes.Buffer
	require.NoError(t, v.WriteFindings(t.Context(), &findings, d, false))
	f, err := recheck.Read(&findings)
	require.NoError(t, err)
	assert.NoError(t, recheck.CheckVerdict(f))
	page := reportOf(t, d, false)
	assert.Contains(t, page, "Only the named uploads were searched")
	assert.Contains(t, page, "compared with those of 6 named submissions, and of no other.")
	assert.Contains(t, page, "nothing beside 6 named submissions")
}

// Copies that were found in leaks of named uploads name their recipient; what it could hold
// unmarked is explained by it, as ever.
func TestNamedUploadsNameByMarks(t *testing.T) {
	t.Parallel()
	c, ctx := newCase(t), t.Context()
	c.Found = time.Now().Add(time.Hour)
	s := newIssuer(t, c.issuing)
	other, err := s.Issue(ctx, c.secondID, "vendor A", registry.WriteTo(io.Discard), &registry.IssueOptions{Purpose: "request 8"})
	require.NoError(t, err)
	var leaks []*findings.Finding
	add := func(finding findings.Kind, name string, of watermark.Submission, issued ...books.Copy) {
		l := leakOf(len(leaks)+1, finding, name)
		l.Submission, l.Issued, l.Copies = of, issued, []watermark.CopyID{}
		for _, x := range issued {
			l.Copies = append(l.Copies, x.ID)
		}
		l.Custody, err = c.Registry.Custody(ctx, registry.CustodyFilter{Submission: of})
		require.NoError(t, err)
		leaks, c.Against = append(leaks, l), append(c.Against, of)
	}
	add(findings.FoundCopy, "vendor A", c.firstID, *c.copy)
	add(findings.FoundCopy, "vendor A", c.secondID, *other)
	for n := range 2 {
		add(findings.FoundUnreadable, "", submit(t, s, file(t, passport(uint64(7+n)), "jpeg"), fmt.Sprint("customer ", 7+n), feb).ID)
	}
	_, d := weighIn(t, c.setup, leaks)
	assert.Equal(t, []string{"vendor A"}, d.Named)
	assert.InDelta(t, math.Log10(tuning.MarkTrials/3.), d.Odds.Recipients[0].LogE, 1e-6)
	assert.Equal(t, 4, d.Case.Cells[0].Submissions)
	assert.EqualValues(t, []int{2}, d.Case.Holders[0].Copies)
	assert.Contains(t, d.Weakens[0], "2 uploads in this dump are not explained", "its own custody speaks against vendor A, and explains nothing away")
}

// An upload that is named twice is held against a leak once.
func TestNamedTwice(t *testing.T) {
	t.Parallel()
	c := newCase(t)
	c.Keys, c.Against = nil, []watermark.Submission{c.firstID, c.billID, c.firstID}
	got := c.examine(t, c.first, noMark)
	require.Len(t, got.Matches, 2)
	_, d := weighIn(t, c.setup, []*findings.Finding{got})
	require.Equal(t, "2", d.Record.Parameters["compared with"])
}
