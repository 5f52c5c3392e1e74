//go:build long

package verify_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/leaktest"
)

// Pages of two customers are no one document: nobody has sent both.
func TestPagesOfTwoCustomersAreTwoDocuments(t *testing.T) {
	t.Parallel()
	cfg := leaktest.Config(t)
	s := newIssuer(t, cfg)
	submit(t, s, file(t, page(t, "letter_employer_a"), "png"), "", feb)
	submit(t, s, file(t, page(t, "letter_employer_b"), "png"), "", feb)
	v := newInvestigator(t, untraced(cfg))
	var leaks []*findings.Finding
	for _, name := range []string{"letter_employer_a", "letter_employer_b"} {
		leaks = append(leaks, examine(t, v, page(t, name)))
		assert.Equal(t, findings.PixelsSame, leaks[len(leaks)-1].Matches[0].Pixels)
	}
	leaks[0].File, leaks[1].File = "dump.zip!letters.pdf#page 1", "dump.zip!letters.pdf#page 2"
	d, err := v.Weigh(t.Context(), leaks)
	require.NoError(t, err)
	var report bytes.Buffer
	require.NoError(t, v.WriteReport(t.Context(), &report, d, false))
	assert.Contains(t, report.String(), "<h1>Report on 1 leaked file</h1>")
	assert.Contains(t, report.String(), "1 file was given, with 2 pages that count one by one: 2 were examined as pictures.")
	assert.Empty(t, d.SameDocuments)
	assert.Zero(t, d.NotCompared)
}
