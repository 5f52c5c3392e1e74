package verify

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/verify/odds"
)

func TestVerbalScale(t *testing.T) {
	for lr, want := range map[float64]string{
		0: "no support either way", 0.2: "no support either way", 0.4: "weak support", 1: "moderate support",
		2: "moderately strong support", 3: "strong support", 3.99: "strong support", 4: "very strong support", 7: "extremely strong support",
		-0.2: "no support either way", -3: "strong support for the alternative",
	} {
		assert.Equal(t, want, inWords(lr), "%v", lr)
	}
}

// Every code has words, and none that a report may not use.
func TestCodesHaveCarefulWords(t *testing.T) {
	first := time.Date(2018, 1, 1, 0, 0, 0, 0, time.UTC)
	c := &odds.Case{Cells: odds.Months(first, first.AddDate(0, 3, 0))}
	var all []string
	for _, code := range []string{odds.NoConfirmed, odds.NoLeak, odds.NotAgainst, odds.NotTold, odds.SameAsHeld, odds.IssuerHad, odds.IssuerHadNo, odds.OwnersSent, odds.Unissued, odds.Collector} {
		assert.NotEmpty(t, notes[code], code)
	}
	all = slices.AppendSeq(all, maps.Values(notes))
	for _, code := range []string{odds.FewClusters, odds.SameCopies, odds.SmallRatio, odds.FewTrials} {
		all = append(all, write(reasons[code], reasonFigures(odds.Withheld{Clusters: 1, Needed: 2, Other: "backup"})))
	}
	for _, kind := range []string{odds.Copies, odds.Custody, odds.Planted, odds.Unlisted, odds.Insider, odds.Elsewhere} {
		for _, x := range []odds.Explanation{{From: -1}, {From: 1, To: 1, Removed: true}, {From: -1, Set: odds.Copies, SetHolders: []string{"Z"}}, {From: -1, Set: odds.Custody, SetHolders: []string{"Z"}}} {
			x.Kind, x.Holders = kind, []string{"X", "Y"}
			all = append(all, explanation(x, c))
		}
	}
	for _, text := range all {
		for _, never := range []string{"prove", "guilty", "leaked by", "certain", "impossible", "innocent", "none is ours", "NaN", "%!"} {
			assert.NotContains(t, strings.ToLower(text), strings.ToLower(never))
		}
	}
	assert.Equal(t, "copies issued to X, marks removed, from 2018-02-01", explanation(odds.Explanation{Kind: odds.Copies, Holders: []string{"X"}, Removed: true, From: 1, To: 1}, c))
	assert.Equal(t, "2018-02-01 to 2018-04-01", dates(c, 1, 3))
}

// Findings that may be wrong are named only if the ratio would be another one.
func TestWrongFindingsThatMatter(t *testing.T) {
	for _, c := range []struct {
		said        string // code
		lr, without float64
		wrong       int
		ifWrong     float64
	}{{"sensitivity-cap", 5.6, 5.6, 2, 5.6}, {"sensitivity", 5.6, 3.1, 1, 3.1}, {"sensitivity-cap sensitivity-wrong", 5.6, 5.6, 2, 4.2}} {
		var h odds.Hypothesis
		require.NoError(t, json.Unmarshal(fmt.Appendf(nil, `{"kind": "copies", "name": "a", "clusters": 30, "capped": true, "log10_lr": %v,
			"sensitivity": {"leak": 0, "without_log10_lr": %v, "wrong": %d, "if_wrong_log10_lr": %v}}`, c.lr, c.without, c.wrong, c.ifWrong), &h))
		w := &weighing{DumpVerdict: DumpVerdict{Hypotheses: []odds.Hypothesis{h}, Case: &odds.Case{Leaks: make([]odds.Leak, 1)}, Of: []int{0}, Verdicts: []*Verdict{new(Verdict)}}}
		var said []string
		for _, r := range dumpSentences {
			if strings.HasPrefix(r.code, "sensitivity") && len(r.when(w)) > 0 {
				said = append(said, r.code)
			}
		}
		assert.Equal(t, c.said, strings.Join(said, " "))
	}
}
