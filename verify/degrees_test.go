package verify_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/capture"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/internal/findings"
	"github.com/kycmark/kycmark/verify/odds"
)

// rated is a leak whose match has ratios.
func rated(v *verify.Verdict, r capture.Ratios) *verify.Verdict {
	v.Matches[0].Ratio = &findings.Ratio{Figures: capture.NoFigures(), Ratios: r}
	return v
}

// resembling is a dump of n lookalikes of different submissions with the same ratios.
func resembling(n int, r capture.Ratios) (out []*verify.Verdict) {
	for i := range n {
		v := rated(leakOf(i+1, verify.FoundLookalike, ""), r)
		v.Matches[0].Pixels = verify.PixelsAlike
		out = append(out, v)
	}
	return out
}

func weighRated(leaks []*verify.Verdict) *verify.DumpVerdict {
	return verify.WeighFor(leaks, recipients, verify.Config{Circumstances: verify.Circumstances{Found: found}, Trials: 3000}, 120)
}

// collectorOf is the hypothesis about another collector.
func collectorOf(t *testing.T, d *verify.DumpVerdict) odds.Hypothesis {
	t.Helper()
	for _, h := range d.Hypotheses {
		if h.Kind == odds.Collector {
			return h
		}
	}
	require.Fail(t, "no hypothesis about another collector")
	return odds.Hypothesis{}
}

// The opponent's story: a hundred documents of a template that another service collects too. Each
// looks as another capture does, because trials knew no such template. The dump says no more than
// five templates of trials allow, and nobody is named.
func TestLookalikesDoNotMultiply(t *testing.T) {
	table, err := capture.Recorded()
	require.NoError(t, err)
	last := 0.0
	for _, n := range []int{1, 3, 100} {
		d := weighRated(resembling(n, capture.Ratios{Capture: -1.4, Document: -0.2, Another: 1.2}))
		h := collectorOf(t, d)
		assert.Equal(t, n, h.Pictures)
		assert.GreaterOrEqual(t, h.LogLR, last)
		assert.LessOrEqual(t, h.LogLR, math.Log10(float64(table.Templates)))
		assert.Equal(t, "weak support", h.Words)
		assert.Empty(t, d.Named)
		assert.Zero(t, d.Matched)
		last = h.LogLR
		none := weighRated(resembling(n, capture.Ratios{}))
		require.Len(t, d.Odds.Hypotheses, len(none.Odds.Hypotheses))
		assert.Equal(t, none.Odds, d.Odds, "nothing else changes: neither recipients, custody nor files sent elsewhere")
		assert.Empty(t, checked(t, d, verify.Config{Circumstances: verify.Circumstances{Found: found}}))
	}
}

// By hand: three submissions with 10^0.2 each and a fourth of two leaks, 10^0 and 10^0.6. The fourth
// counts by the mean, (1 + 3.981)/2 = 2.491 or 10^0.396. The product is 10^0.996 = 9.914, and five
// templates make (5 x 9.914 + 1) / (5 + 9.914) = 3.391 of it. A ratio is the smaller of two.
func TestCollectorByHand(t *testing.T) {
	leaks := resembling(3, capture.Ratios{Capture: -0.2, Another: 1})
	for i, r := range []capture.Ratios{{Another: 1}, {Capture: -1, Another: 0.6}} {
		v := rated(leakOf(4, verify.FoundLookalike, ""), r)
		v.SHA256 = v.SHA256[:60] + "aaa" + string(rune('a'+i))
		leaks = append(leaks, v)
	}
	h := collectorOf(t, weighRated(leaks))
	assert.InDelta(t, 0.6+math.Log10((1+math.Pow(10, 0.6))/2), h.Raw, 2e-6)
	assert.InDelta(t, math.Log10(3.391), h.LogLR, 1e-3)
	assert.Equal(t, 5, h.Pictures)
	leaks = append(leaks, again(leaks[0]))
	assert.Equal(t, h.LogLR, collectorOf(t, weighRated(leaks)).LogLR, "a file that is repeated adds nothing")
}

// A lookalike that fits an altered upload better speaks for nothing: the ratio is 1, and no sentence
// is said.
func TestAmbiguousLookalikesSayNothing(t *testing.T) {
	for _, r := range []capture.Ratios{{}, {Capture: 0.8, Another: 1.5}, {Capture: -1.5, Another: -1}, {Capture: -0.1, Another: 0.1}} {
		d := weighRated(resembling(2, r))
		assert.Less(t, collectorOf(t, d).LogLR, math.Log10(2))
		assert.GreaterOrEqual(t, collectorOf(t, d).LogLR, 0.0)
		for _, s := range d.Said {
			assert.NotEqual(t, "collector", s.Code)
		}
	}
}

// An unmarked picture enters with its ratio: of three, the smallest. It makes false matches as
// frequent, rounded up, and never rarer than trials without ratios say. Marks are not weighed by it.
func TestUnmarkedEntersWithItsRatio(t *testing.T) {
	base := weighRated([]*verify.Verdict{leakOf(1, verify.FoundUnmarked, "")}).Case.Leaks[0].FalseMatch
	for _, c := range []struct {
		finding verify.Finding
		ratios  capture.Ratios
		want    float64
	}{
		{verify.FoundUnmarked, capture.Ratios{Capture: 1, Document: 1.5, Stranger: 1.6}, 0.1},
		{verify.FoundUnreadable, capture.Ratios{Capture: 1.5, Document: 0.9, Stranger: 1.6}, 0.177828}, // 10^-0.75
		{verify.FoundUnmarked, capture.Ratios{Capture: -1, Document: 1, Stranger: 1}, 1},
		{verify.FoundUnmarked, capture.Ratios{Capture: 9, Document: 9, Stranger: 9}, base},
		{verify.FoundTransplanted, capture.Ratios{}, base},
	} {
		d := weighRated([]*verify.Verdict{rated(leakOf(1, c.finding, ""), c.ratios)})
		assert.Equal(t, c.want, d.Case.Leaks[0].FalseMatch, c)
	}
}

// Twenty unmarked pictures of one month: worse ratios never make anything that is said of custody
// surer, and name nobody.
func TestAmbiguousMatchesAreLessSure(t *testing.T) {
	last := math.Inf(1)
	for _, lr := range []float64{2, 1, 0.5, 0, -1} {
		var leaks []*verify.Verdict
		for i := range 20 {
			v := rated(leakOf(i+1, verify.FoundUnmarked, "", holds("vendor B", found.AddDate(-1, 0, 0))), capture.Ratios{Capture: lr, Document: lr, Stranger: lr})
			leaks = append(leaks, v)
		}
		d := weighRated(leaks)
		assert.Empty(t, d.Named)
		for _, h := range d.Odds.Hypotheses {
			if h.Kind == odds.Custody {
				assert.LessOrEqual(t, h.LogLR, last+1e-9)
				last = h.LogLR
			}
		}
	}
	assert.Less(t, last, math.Inf(1), "a custody was weighed")
}

// In a real investigation each match that aligns has ratios, which follow from its figures. What is the
// same capture is supported against all alternatives, and the report gives the degrees in words.
func TestMatchesHaveRatios(t *testing.T) {
	_, verdicts := examined(t)
	table, err := capture.Recorded()
	require.NoError(t, err)
	same := 0
	for name, v := range verdicts {
		for _, m := range v.Matches {
			if m.Ratio == nil {
				assert.NotEqual(t, verify.PixelsSame, m.Pixels, name)
				continue
			}
			want, err := table.Of(m.Ratio.Figures)
			require.NoError(t, err, name)
			assert.Equal(t, want, m.Ratio.Ratios, name)
			if m.Pixels == verify.PixelsSame {
				same++
				assert.Greater(t, math.Min(m.Ratio.Capture, math.Min(m.Ratio.Document, m.Ratio.Stranger)), 0.0, "%s: %+v", name, m.Ratio)
			}
		}
	}
	assert.Greater(t, same, 3)
	_, _, report := richDump(t)
	assert.Contains(t, report, "this very capture: moderate support against another capture of the document")
}
