package verify_test

import (
	"fmt"
	"image"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// A person who is registered under two references, with two photographs of one passport, is one
// person; another person's passport of the same template is another's.
func TestOneDocumentUnderTwoReferences(t *testing.T) {
	cfg := leaktest.Config(t)
	s := newIssuer(t, cfg)
	var leaks []*verify.Verdict
	for i, name := range []string{"anna_passport", "anna_passport_again", "bruno_passport"} {
		sub := submit(t, s, readFile(t, filepath.Join("../testdata/pictures", name+".jpg")), "", feb)
		l := leakOf(i+1, verify.FoundCopy, "vendor A")
		l.Submission = sub.ID
		l.SetSubject([]string{"ref-1", "ref-2", "ref-3"}[i])
		leaks = append(leaks, l)
	}
	v := newInvestigator(t, investigating(cfg))
	same, notCompared, err := v.SameDocuments(t.Context(), leaks)
	require.NoError(t, err)
	require.Zero(t, notCompared)
	require.Len(t, same, 1)
	require.Equal(t, leaks[0].Submission, same[0].Submissions[0])
	require.Equal(t, leaks[1].Submission, same[0].Submissions[1])
	units := verify.Units(leaks, 0, same...)
	require.Equal(t, units[leaks[0].Submission], units[leaks[1].Submission])
	require.NotEqual(t, units[leaks[0].Submission], units[leaks[2].Submission])

	for _, l := range leaks { // one subject: nothing to compare
		l.SetSubject("ref-1")
	}
	same, notCompared, err = v.SameDocuments(t.Context(), leaks)
	require.NoError(t, err)
	require.Empty(t, same)
	require.Zero(t, notCompared)

	leaks[2].SetSubject("ref-3")
	other := investigating(cfg)
	other.SealKey = registry.GenerateSealKey()
	_, notCompared, err = newInvestigator(t, other).SameDocuments(t.Context(), leaks)
	require.NoError(t, err)
	require.Equal(t, 3, notCompared)
}

// All pages are compared: a person is registered twice, with the pages in another order. A page that three
// persons sent is a form.
func TestOneDocumentOnAnyPage(t *testing.T) {
	cfg := leaktest.Config(t)
	s := newIssuer(t, cfg)
	terms := billOf(9)
	var leaks []*verify.Verdict
	for i, pages := range [][]image.Image{
		{billOf(1), passport(1)}, {passport(1), billOf(1)}, // one person
		{passport(2), terms}, {passport(3), terms}, {terms, passport(4)},
		{billOf(5), passport(5)}, {billOf(6), passport(5)}, // one person, on page 2
	} {
		l := leakOf(i+1, verify.FoundCopy, "vendor A")
		l.Submission = submit(t, s, tiffOf(t, pages...), "", feb).ID
		l.SetSubject(fmt.Sprint("ref-", i))
		leaks = append(leaks, l)
	}
	same, notCompared, err := newInvestigator(t, investigating(cfg)).SameDocuments(t.Context(), leaks)
	require.NoError(t, err)
	require.Zero(t, notCompared)
	require.Len(t, same, 2)
	for i, want := range [][]int{{0, 1}, {5, 6}} {
		require.Equal(t, [2]watermark.Submission{leaks[want[0]].Submission, leaks[want[1]].Submission}, same[i].Submissions)
	}
	require.Equal(t, []int{2, 2}, same[1].Pages)
}
