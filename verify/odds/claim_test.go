package odds_test

import (
	"math/big"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/verify/odds"
)

// drawnOf returns a case of n files drawn from all, of which seen show submissions.
func drawnOf(seen, n, all int) *odds.Case {
	c := newCase()
	for i := range n {
		if i < seen {
			shows(c, i%120)
		} else {
			c.Leaks = append(c.Leaks, odds.Leak{})
		}
	}
	c.Claimed, c.Drawn = all, true
	return c
}

// atMost returns the probability that at most k of n files drawn from all are matched, by exact
// fractions and the sum over all that can happen: of good pictures those drawn are found with recall,
// of the others those drawn are matched with wrong.
func atMost(k, n, good, all int, recall, wrong float64) float64 {
	choose := func(n, k int) *big.Int { return new(big.Int).Binomial(int64(n), int64(k)) }
	binomial := func(i, n int, p float64) float64 {
		x, _ := new(big.Float).SetInt(choose(n, i)).Float64()
		for range i {
			x *= p
		}
		for range n - i {
			x *= 1 - p
		}
		return x
	}
	var sum float64
	for ours := max(0, n-(all-good)); ours <= min(n, good); ours++ {
		p, _ := new(big.Rat).SetFrac(new(big.Int).Mul(choose(good, ours), choose(all-good, n-ours)), choose(all, n)).Float64()
		for found := 0; found <= min(k, ours); found++ {
			for wrongly := 0; wrongly <= min(k-found, n-ours); wrongly++ {
				sum += p * binomial(found, ours, recall) * binomial(wrongly, n-ours, wrong)
			}
		}
	}
	return sum
}

// each gives all leaks a recall, and a probability of a false match.
func each(c *odds.Case, recall, wrong float64) {
	for i := range c.Leaks {
		c.Leaks[i].Recall, c.Leaks[i].FalseMatch = recall, wrong
	}
}

// The bounds are those that sums over every outcome give, and no number within them is rejected.
func TestClaimsByBruteForce(t *testing.T) {
	for _, x := range []struct {
		seen, n, all  int
		recall, wrong float64
	}{
		{0, 20, 100, 0.9, 1e-3}, {1, 20, 100, 0.9, 0.05}, {7, 20, 60, 0.6, 1e-3}, {19, 20, 90, 0.99, 0.3}, {20, 20, 90, 0.9, 1e-3}, {3, 12, 13, 0.95, 0.01},
	} {
		c := drawnOf(x.seen, x.n, x.all)
		each(c, x.recall, x.wrong)
		got := weigh(t, c).Claim
		lo, hi := -1, -1
		for good := range x.all + 1 {
			if lo < 0 && 1-atMost(x.seen-1, x.n, good, x.all, 1, x.wrong) > 0.05 {
				lo = good
			}
			if atMost(x.seen, x.n, good, x.all, x.recall, 0) > 0.05 {
				hi = good
			}
		}
		if x.seen == x.n {
			x.recall = 1 // nothing was missed
		}
		assert.Equal(t, odds.Claim{Seen: x.seen, Examined: x.n, Claimed: x.all, Min: lo, Max: hi, Level: 0.95, Recall: x.recall, FalseMatch: x.wrong}, got, "%+v", x)
	}
}

// "None of the 400 is ours" is a statement on all 10,000 only with its bound.
func TestNoneSeenHasAnUpperBound(t *testing.T) {
	c := drawnOf(0, 400, 10_000)
	each(c, 1-1e-12, 0)
	got := weigh(t, c).Claim
	assert.Equal(t, []int{0, 73}, []int{got.Min, got.Max}, "of 73 the draw misses all with 5.03 %, of 74 with 4.83 %")
	each(c, 0.9, 0)
	assert.Equal(t, 81, weigh(t, c).Claim.Max, "what the search misses widens the bound")
	c.Leaks[7].Recall = 0.8
	assert.Equal(t, 91, weigh(t, c).Claim.Max, "the smallest recall counts")
	c.Drawn = false
	assert.Zero(t, weigh(t, c).Claim.Max, "a publisher's selection bounds nothing")
}

// A file of which the search cannot say that it is not ours counts as ours in the upper bound.
func TestOpenFilesRaiseTheUpperBound(t *testing.T) {
	c := drawnOf(0, 400, 10_000)
	c.Leaks[0].Recall = 1e-4 // only named uploads were searched
	c.Leaks[1].Marked = true // a mark of ours on a picture of nothing known
	c.Examined = 403         // three files were no pictures
	got := weigh(t, c).Claim
	assert.Equal(t, 5, got.Open)
	assert.Equal(t, weigh(t, drawnOf(5, 400, 10_000)).Claim.Max, got.Max+2, "403 files bound a little more than 400")
	for i := range c.Leaks {
		c.Leaks[i].Recall = 1e-4
	}
	assert.Equal(t, 10_000, weigh(t, c).Claim.Max, "nothing is bounded")
}

// One match of 400 may be false, but a confirmed mark is not.
func TestFewMatchesMayBeFalse(t *testing.T) {
	c := drawnOf(1, 400, 10_000)
	assert.Zero(t, weigh(t, c).Claim.Min, "0.4 are expected to be matched falsely")
	c.Holders = []odds.Holder{{Name: "R", Copies: over(0, 119, 1000)}}
	c.Leaks[0].Copies = []odds.Copy{{Recipient: "R", LnE: 20, Miss: 1e-3, Confirmed: true}}
	assert.Equal(t, 1, weigh(t, c).Claim.Min)
}

// Among 10^10 pictures, and among a million files, a bound takes no time and stays exact.
func TestClaimsOfAnySize(t *testing.T) {
	c := drawnOf(0, 100, odds.MaxClaimed)
	c.Examined = 1_000_000
	got := weigh(t, c).Claim
	require.Equal(t, 999_900, got.Open)
	assert.InDelta(t, 0.9999*odds.MaxClaimed, got.Max, 1e-4*odds.MaxClaimed)
	c.Leaks, c.Examined = c.Leaks[:0], 0
	for range 10_000 {
		c.Leaks = append(c.Leaks, odds.Leak{Recall: 1})
	}
	assert.InDelta(t, 3e-4*odds.MaxClaimed, weigh(t, c).Claim.Max, 1e-6*odds.MaxClaimed, "the rule of three")
}
