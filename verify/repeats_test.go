package verify_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/recheck"
	"github.com/kycmark/kycmark/verify/odds"
)

// Files that a dump has again and again weigh as they do once, whatever they show, and sentences count them once.
func TestRepetitionsAddNothing(t *testing.T) {
	leaks := many(8, func(n int) *findings.Finding {
		return subject(leakOf(n, findings.FoundUnreadable, "", holds("vendor A", found.AddDate(-1, 0, 0))), "")
	})
	for n, l := range leaks[1:] { // one subject has two pictures
		verify.SetSubject(l, []string{"p", "p", "q", "r", "s", "t", "u"}[n])
	}
	leaks = append(leaks, leakOf(9, findings.FoundCopy, "vendor A"), subject(leakOf(10, findings.FoundCopy, "vendor A"), "p"),
		leakOf(11, findings.FoundTransplanted, "vendor B"), leakOf(12, findings.FoundUnknown, ""), leakOf(13, findings.FoundUnknown, ""))
	want := weighed(dump{leaks: leaks})
	for _, i := range []int{1, 1, 1, 3, 8, 9, 10, 11, 11, 11, 11} {
		leaks = append(leaks, again(leaks[i]))
	}
	got := weighed(dump{leaks: leaks})
	assert.Equal(t, 11, got.Repeated)
	assert.Equal(t, want.Odds.Clusters, got.Odds.Clusters)
	for i, r := range got.Odds.Recipients {
		assert.Equal(t, want.Odds.Recipients[i], r)
	}
	assert.Equal(t, want.Odds.Window, got.Odds.Window)
	assert.Equal(t, want.Headline, got.Headline)
	assert.Equal(t, want.Weakens, got.Weakens)
	assert.Equal(t, append([]string{"11 pictures repeat others byte for byte and add nothing."}, want.Details...), got.Details)
	assert.Len(t, got.Case.Leaks, 13+4, "what matches nothing was examined")
	i := len(want.Case.Leaks) - 1
	require.Equal(t, odds.Leak{}, want.Case.Leaks[i])
	assert.Equal(t, got.Case.Leaks[11].Cluster, got.Case.Leaks[13].Cluster)
	assert.NotEmpty(t, got.Case.Leaks[11].Cluster)
	assert.Empty(t, got.Case.Leaks[12].Cluster)

	got.Record.Parameters = verify.Method()
	got.Record.Parameters["leaks found on"] = "2026-05-01T00:00:00Z"
	text, err := verify.Encode(unredacted(got))
	require.NoError(t, err)
	assert.NoError(t, recheck.CheckVerdict(readFindings(t, string(text))))
}
