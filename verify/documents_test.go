package verify_test

import (
	"fmt"
	"image"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/watermark"
)

// All pages are compared: a person is registered twice, with the pages in another order. A page that three
// persons sent is a form.
func TestOneDocumentOnAnyPage(t *testing.T) {
	t.Parallel()
	cfg := leaktest.Config(t)
	s := newIssuer(t, cfg)
	terms := billOf(9)
	var leaks []*findings.Finding
	for i, pages := range long.Cases(5, [][]image.Image{
		{billOf(1), passport(1)}, {passport(1), billOf(1)}, // one person
		{specimen.Landscape(2, 360, 270), terms}, {specimen.Landscape(3, 360, 270), terms}, {terms, passport(4)},
		{billOf(5), passport(5)}, {billOf(6), passport(5)}, // one person, on page 2
	}...) {
		l := leakOf(i+1, findings.FoundCopy, "vendor A")
		l.Submission = submit(t, s, tiffOf(t, pages...), "", feb).ID
		verify.SetSubject(l, fmt.Sprint("ref-", i))
		leaks = append(leaks, l)
	}
	same, notCompared, err := newInvestigator(t, investigating(cfg)).SameDocuments(t.Context(), leaks)
	require.NoError(t, err)
	require.Zero(t, notCompared)
	require.Len(t, same, long.Number(1, 2))
	for i, want := range long.Cases(1, []int{0, 1}, []int{5, 6}) {
		require.Equal(t, [2]watermark.Submission{leaks[want[0]].Submission, leaks[want[1]].Submission}, same[i].Submissions)
	}
	if long.On {
		require.Equal(t, []int{2, 2}, same[1].Pages)
	}
}
