package verify

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/verify/odds"
)

// At the cap several custodies have one ratio. Beside a window stands one that covers it,
// in the sentences and on the first page.
func TestWindowOfTheCustodyThatCoversIt(t *testing.T) {
	custody := func(name string) odds.Hypothesis {
		return odds.Hypothesis{Kind: odds.Custody, Holders: []string{name}, LogLR: 2.8, Capped: true, Words: inWords(2.8)}
	}
	d := &DumpVerdict{Hypotheses: []odds.Hypothesis{custody("elsewhere"), custody("vendor A"), custody("vendor B")},
		Odds: &odds.Verdict{Window: &odds.Window{Supported: 2.8, Corrected: 2.8, Clusters: 9, Holders: []string{"vendor A"}}}}
	_, h := d.window()
	require.NotNil(t, h)
	assert.Equal(t, []string{"vendor A"}, h.Holders)
	on := reportView{DumpVerdict: d}.Strengths()
	require.Len(t, on, 1)
	assert.Contains(t, on[0].Says, "what vendor A could hold unmarked")
}
