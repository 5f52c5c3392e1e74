package verify_test

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/recheck"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// shownTo is a leak with a confirmed copy that a reviewer of vendor A was shown.
func shownTo(n int, reviewer string) *findings.Finding {
	l := leakOf(n, findings.FoundCopy, "vendor A")
	l.Issued[0].Reviewer = reviewer
	return l
}

// Leaks of copies of four reviewers of one vendor: the vendor is named, and no single reviewer.
func TestVerdictOnFourReviewers(t *testing.T) {
	d := weighed(dump{leaks: []*findings.Finding{shownTo(1, "reviewer-1"), shownTo(2, "reviewer-2"), shownTo(3, "reviewer-3"), shownTo(4, "reviewer-4"),
		leakOf(5, findings.FoundCopy, "vendor A")}})
	assert.Equal(t, []string{"vendor A"}, d.Named)
	assert.Empty(t, d.Odds.Reviewers)
	assert.Contains(t, d.Headline, "All 5 leaked pictures come from copies issued to vendor A")
	assert.Contains(t, d.Headline, "4 of the 5 copies of vendor A found here were shown to 4 reviewers of vendor A. The evidence is not enough to name a single reviewer.")
	assert.Empty(t, checked(t, d, verify.Options{Circumstances: findings.Circumstances{Found: found}}))
}

// Opponent's story: a reviewer takes a colleague's copies away from twice the own ones, or lays an eighth of them over these.
func TestReviewerBesideAColleague(t *testing.T) {
	for score, named := range map[float64]int{-2: 1, -40: 0, 6: 0} {
		var leaks []*findings.Finding
		for n := range 2 {
			l := shownTo(n+1, "reviewer-1")
			l.Traces = []findings.Tracing{{Submission: l.Submission, Registered: true, Power: .9999, Expected: 50, Issued: 2, Edits: []findings.Edit{},
				Copies: []findings.TracedCopy{{Copy: l.Copy(), Score: 60, LogP: -300, LogE: 300, Found: true}, {Copy: 77, Score: score}}}}
			leaks = append(leaks, l)
		}
		d := weighed(dump{leaks: leaks})
		assert.Equal(t, []string{"vendor A"}, d.Named)
		assert.Len(t, d.Odds.Reviewers, named, "%v", score)
		assert.Equal(t, named == 1, strings.Contains(d.Headline, "No mark of another recipient's copy was found"), d.Headline)
	}
}

// A vendor's reviewer whose copies of two customers leak is named beside the vendor, through registry, findings and report.
// Once the name is erased, the verdict still says whose reviewer it was.
func TestVerdictNamesAReviewer(t *testing.T) {
	t.Parallel()
	c, ctx := newCase(t), t.Context()
	c.Found = time.Now().Add(time.Hour)
	s := newIssuer(t, c.issuing)
	for _, r := range []string{"Ada Lovelace", "Bea"} {
		require.NoError(t, c.Registry.AddRecipient(ctx, books.Recipient{Name: r, Kind: books.KindReviewer, Of: "vendor A"}))
	}
	require.NoError(t, c.Registry.AddCustody(ctx, books.Custody{Recipient: "Bea", From: feb.AddDate(9, 0, 0), To: feb.AddDate(9, 1, 0)}))
	var leaks []*findings.Finding
	for i, of := range []watermark.Submission{c.firstID, c.secondID} {
		x, err := s.Issue(ctx, of, "Ada Lovelace", registry.WriteTo(io.Discard), &registry.IssueOptions{Purpose: "queue"})
		require.NoError(t, err)
		l := leakOf(i+1, findings.FoundCopy, "vendor A")
		l.Submission, l.Issued, l.Copies = of, []books.Copy{*x}, []watermark.CopyID{x.ID}
		leaks = append(leaks, l)
	}
	v, d := weighIn(t, c.setup, leaks)
	assert.Equal(t, []string{"vendor A"}, d.Named)
	require.Len(t, d.Odds.Reviewers, 1)
	assert.Contains(t, d.Headline, "Both copies of vendor A found here were shown to 1 reviewer of vendor A. The marks name Ada Lovelace. Others at vendor A may have had the same copies.")
	assert.Equal(t, map[string]string{d.Odds.Reviewers[0].Ref: "Ada Lovelace"}, d.History.Reviewers)
	for _, h := range d.Case.Holders {
		assert.NotContains(t, []string{"Ada Lovelace", "Bea", d.Odds.Reviewers[0].Ref}, h.Name)
	}
	for _, reveal := range []bool{false, true} {
		var out bytes.Buffer
		require.NoError(t, v.WriteFindings(ctx, &out, d, reveal))
		f, err := recheck.Read(&out)
		require.NoError(t, err)
		require.NoError(t, recheck.CheckVerdict(f))
		f.Verdict.History.Reviewers[d.Odds.Reviewers[0].Ref] = "Bea"
		assert.ErrorContains(t, recheck.CheckVerdict(f), "headline", "another name is noticed")
	}

	require.NoError(t, c.Registry.EraseRecipient(ctx, "Ada Lovelace", "", ""))
	v, d = weighIn(t, c.setup, leaks)
	assert.Contains(t, d.Headline, "The marks name a reviewer of vendor A (erased).")
	var out bytes.Buffer
	require.NoError(t, v.WriteFindings(ctx, &out, d, true))
	assert.NotContains(t, out.String(), "Ada")
	checkLedger(t, c.Registry)
}
