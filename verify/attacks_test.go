package verify_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/watermark"
)

// What a dump's words must not say of findings that seem plain.

// Custody is a fact: how many of the uploads each party could hold, how seldom a random draw lies so close in time, and
// that the exchange itself and a thief who took that time are not told apart.
func TestCustodyIsSaidInWholeNumbers(t *testing.T) {
	leaks := many(20, func(n int) *findings.Finding {
		l := leakOf(n, findings.FoundUnreadable, "", holds("vendor A", found.AddDate(-1, 0, 0)))
		l.Submitted = l.Submitted.AddDate(0, 0, n%20)
		return l
	})
	d := verify.WeighFor(leaks, recipients, verify.Options{Circumstances: findings.Circumstances{Found: found}}, 60)
	require.NotNil(t, d.Odds.Window)
	require.Contains(t, d.Headline, "Inconclusive")
	says := strings.Join(d.Sentences(), " ")
	require.Regexp(t, `Of 20 pictures on which no mark was found, 20 show uploads of \S+ to \S+. That time holds \S+ % of all uploads. `+
		`If pictures of 20 persons were drawn at random from all uploads, 20 or more would lie in one such time at most once in \S+ draws.`, says)
	require.Contains(t, says, "vendor A could hold the uploads of all these 20 pictures unmarked. Of all uploads of that time vendor A could hold 100.0 %. The exchange held them also. A thief who took just this time, from any of them, fits as well.")
}

// On each of twenty pictures a mark may have been missed, on all of them not: the sentences say so.
func TestAbsenceOnMany(t *testing.T) {
	var leaks []*findings.Finding
	var issued []books.Copy
	for n := range 22 {
		l := leakOf(n+1, findings.FoundUnreadable, "")
		if n < 2 {
			l = leakOf(n+1, findings.FoundCopy, "vendor A")
		}
		x := books.Copy{ID: watermark.CopyID(n + 1), Submission: l.Submission, Recipient: "vendor A"}
		traced := findings.TracedCopy{Copy: x.ID, LogP: -0.1, LogE: -0.8}
		if n < 2 {
			traced = findings.TracedCopy{Copy: x.ID, LogP: -30, LogE: 28, Found: true}
		}
		l.Traces = []findings.Tracing{{Submission: l.Submission, Registered: true, Power: 0.85, Copies: []findings.TracedCopy{traced}}}
		leaks, issued = append(leaks, l), append(issued, x)
	}
	got := verify.WeighFor(leaks, recipients, verify.Options{}, 120, issued...)
	require.Equal(t, []string{"vendor A"}, got.Named)
	require.Contains(t, strings.Join(got.Weakens, " "), "20 uploads in this dump are not explained, or not wholly, by copies of vendor A with their marks")
	says := strings.Join(got.Sentences(), " ")
	require.Contains(t, says, "nothing follows from its absence on a single picture.")
	got = verify.WeighFor(leaks[:4], recipients, verify.Options{}, 120, issued...)
	require.NotContains(t, strings.Join(got.Sentences(), " "), "not explained, or not wholly")
}
