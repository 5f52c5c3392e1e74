package verify

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/kycmark/kycmark/internal/test/oddstest"
	"github.com/kycmark/kycmark/verify/internal/weigh"
	"github.com/kycmark/kycmark/verify/internal/words"
	"github.com/kycmark/kycmark/verify/odds"
)

func TestVerbalScale(t *testing.T) {
	for lr, want := range map[float64]string{
		0: "no support", 0.2: "no support", 0.4: "weak support", 1: "moderate support",
		2: "moderately strong support", 3: "strong support", 3.99: "strong support", 4: "very strong support", 7: "extremely strong support",
	} {
		assert.Equal(t, want, words.InWords(lr), "%v", lr)
	}
}

// Every code has words, and none that a report may not use.
func TestCodesHaveCarefulWords(t *testing.T) {
	first := time.Date(2018, 1, 1, 0, 0, 0, 0, time.UTC)
	c := &odds.Case{Cells: oddstest.Months(first, first.AddDate(0, 3, 0))}
	var all []string
	for _, code := range []string{odds.NoConfirmed, odds.NoLeak, odds.TooMany} {
		assert.NotEmpty(t, words.Notes[code], code)
	}
	all = slices.AppendSeq(all, maps.Values(words.Notes))
	for _, code := range []string{odds.FewClusters, odds.Dates, odds.Exposed, odds.SmallRatio, odds.FewTrials} {
		all = append(all, words.Write(words.Clauses[code], weigh.ReasonFigures(odds.Withheld{Clusters: 1, Needed: 2})))
	}
	for _, text := range all {
		for _, never := range []string{"prove", "guilty", "leaked by", "certain", "impossible", "innocent", "none is ours", "NaN", "%!"} {
			assert.NotContains(t, strings.ToLower(text), strings.ToLower(never))
		}
	}
	assert.Equal(t, "2018-02-01 to 2018-04-01", weigh.Dates(c, 1, 3))
}
