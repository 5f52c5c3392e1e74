package odds_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/verify/odds"
)

// heldAt adds n leaks of different persons, each of another month, of uploads that the holders could hold unmarked.
func heldAt(c *odds.Case, n int, holders ...string) {
	for i := range n {
		shows(c, (i*37+len(c.Leaks))%120, holders...)
	}
}

// Two vendors capture all uploads, half each. Twenty leaks of the uploads of one of them are no chance, and the verdict
// says that it held these. It names nobody.
func TestVendorHadItFirst(t *testing.T) {
	half := func(name string) odds.Holder { return odds.Holder{Name: name, Unmarked: over(0, 119, 500)} }
	c := newCase(half("vendor-a"), half("vendor-b"))
	heldAt(c, 20, "vendor-a")
	v := weigh(t, c)
	require.NotNil(t, v.Holding)
	assert.Equal(t, []string{"vendor-a"}, v.Holding.Holders)
	assert.Empty(t, v.Holding.Others)
	assert.Equal(t, []int{20, 20, 20, 20}, []int{v.Holding.Leaks, v.Holding.Of, v.Holding.Clusters, v.Holding.OfClusters})
	assert.InDelta(t, 20*math.Log10(.5)+math.Log10(2), v.Holding.Chance, 1e-5)
	assert.Equal(t, []float64{.5}, v.Holding.Shares)
	assert.Empty(t, v.Named, "custody names nobody in a headline")
	assert.Nil(t, v.Window)

	heldAt(c, 20, "vendor-a")
	heldAt(c, 2, "vendor-b") // two of another source, or matched wrongly
	v = weigh(t, c)
	require.NotNil(t, v.Holding)
	assert.Equal(t, []int{40, 42}, []int{v.Holding.Leaks, v.Holding.Of})
	assert.Equal(t, []string{"vendor-a"}, v.Holding.Holders)

	for i := range c.Leaks {
		c.Leaks[i].Cluster = "one"
	}
	assert.Nil(t, weigh(t, c).Holding, "one person is no pattern")
	c.FoundKnown = false
	assert.Nil(t, weigh(t, c).Holding, "custody of unknown leaks is no fact against anybody")
}

// Each picture came in twice: by vendor-a, and in another month by vendor-b. Which of the two leaked is not known, so that neither holder nor month
// follows. Without the second uploads both do.
func TestPicturesThatCameInTwice(t *testing.T) {
	for _, twice := range []bool{false, true} {
		held := newCase(odds.Holder{Name: "vendor-a", Unmarked: over(0, 119, 500)}, odds.Holder{Name: "vendor-b", Unmarked: over(0, 119, 500)})
		month := newCase(odds.Holder{Name: "vendor-b", Unmarked: over(0, 119, 500)})
		for i := range 20 {
			for c, k := range map[*odds.Case]int{held: i * 37 % 120, month: february} {
				cluster := shows(c, k).Cluster
				if c == held {
					c.Leaks[len(c.Leaks)-1].Unmarked = []string{"vendor-a"}
				}
				if twice {
					again := shows(c, (i*37+60)%120, "vendor-b")
					again.Beside, again.Cluster = true, cluster
				}
			}
		}
		a, b := weigh(t, held), weigh(t, month)
		assert.Equal(t, twice, a.Holding == nil)
		assert.Equal(t, twice, b.Window == nil)
		assert.Equal(t, []int{20, 20}, []int{a.Matched, b.Matched}, "a picture counts once")
	}
}

// Opponent's story: crops leak of all uploads alike, and only vendor-a's originals were kept to search for crops. The findings said that all
// leaks are vendor-a's, or of its months.
func TestUploadsThatAreNotSearched(t *testing.T) {
	all := newCase(odds.Holder{Name: "vendor-a", Unmarked: over(0, 119, 500)}, odds.Holder{Name: "vendor-b", Unmarked: over(0, 119, 500)})
	heldAt(all, 20, "vendor-a")
	month := newCase(odds.Holder{Name: "vendor-a", Unmarked: over(february, february, 1000)})
	for range 8 {
		shows(month, february)
	}
	require.NotNil(t, weigh(t, all).Holding)
	require.NotNil(t, weigh(t, month).Window)
	for _, c := range []*odds.Case{all, month} {
		total := 0
		for _, x := range c.Cells {
			total += x.Submissions
		}
		c.Unsearched = total - 1000
	}
	assert.Nil(t, weigh(t, all).Holding)
	assert.Nil(t, weigh(t, month).Window)
	month.Unsearched += 999 // fewer are searched than are seen
	assert.Nil(t, weigh(t, month).Window)
}

// Opponent's story: of 46 uploads that a thief drew, 28 have copies under a key that is not at hand, so that nothing is said of them. The other 18
// are the vendor's own captures, which never had copies, or are of the one month whose originals are not lost. "At most once in
// N draws" counted 18 draws.
func TestLeaksThatCouldNotBeJudgedAreDraws(t *testing.T) {
	held := newCase(odds.Holder{Name: "vendor-a", Unmarked: over(0, 119, 300)})
	heldAt(held, 18, "vendor-a")
	month := newCase()
	for range 4 {
		shows(month, february)
	}
	require.NotNil(t, weigh(t, held).Holding)
	require.NotNil(t, weigh(t, month).Window)
	held.Unjudged, month.Unjudged = 3, 2
	assert.NotNil(t, weigh(t, held).Holding)
	assert.NotNil(t, weigh(t, month).Window)
	held.Unjudged, month.Unjudged = 28, 400
	assert.Nil(t, weigh(t, held).Holding)
	assert.Nil(t, weigh(t, month).Window)
}

// Holding every upload, or every upload of some time, is no evidence: any leak of that time is held so.
func TestHoldingEverythingIsNoEvidence(t *testing.T) {
	c := newCase(odds.Holder{Name: "the only vendor", Unmarked: over(0, 119, 1000)})
	heldAt(c, 400, "the only vendor")
	assert.Nil(t, weigh(t, c).Holding)

	c = newCase(odds.Holder{Name: "before", Unmarked: over(0, 59, 1000)}, odds.Holder{Name: "since", Unmarked: over(60, 119, 1000)})
	for i := range 400 {
		shows(c, i%60, "before")
	}
	v := weigh(t, c)
	assert.Nil(t, v.Holding, "the vendor was changed: that is a time")
	require.NotNil(t, v.Window)
	assert.Equal(t, []string{"before"}, v.Window.Holders)

	c = newCase(odds.Holder{Name: "half", Unmarked: over(0, 119, 500)})
	heldAt(c, 1400, "half")
	heldAt(c, 600) // half as many as of the others: what the search misses, or what a country has, may do that
	assert.Nil(t, weigh(t, c).Holding, "the other uploads leaked as well")

	c = newCase(odds.Holder{Name: "nearly all", Unmarked: over(0, 119, 950)})
	heldAt(c, 60, "nearly all")
	assert.Nil(t, weigh(t, c).Holding, "0.95 to the 60th is no rare thing")
}

// Whoever had these uploads as well stands beside the vendor: with the same list, with custody of any date, or with
// marked copies, whose marks can have been removed.
func TestHoldingListsAllWhoHadThese(t *testing.T) {
	c := newCase(odds.Holder{Name: "vendor-a", Unmarked: over(0, 119, 500)}, odds.Holder{Name: "vendor-b", Unmarked: over(0, 119, 500)},
		odds.Holder{Name: "sub", Unmarked: over(0, 119, 700)}, odds.Holder{Name: "nine tenths", Unmarked: over(0, 119, 480)},
		odds.Holder{Name: "late", Held: over(0, 119, 500)}, odds.Holder{Name: "marked", Copies: over(0, 119, 500)}, odds.Holder{Name: "few", Copies: over(0, 119, 20)})
	heldAt(c, 40, "vendor-a", "sub")
	for i := range c.Leaks {
		l := &c.Leaks[i]
		l.Copies = append(l.Copies, odds.Copy{ID: "m", Recipient: "marked", Miss: 1})
		if i%10 != 0 {
			l.Unmarked = append(l.Unmarked, "nine tenths")
		} else {
			l.Copies = append(l.Copies, odds.Copy{ID: "f", Recipient: "few", Miss: 1})
		}
		l.Held = append(append([]string{}, l.Unmarked...), "late")
	}
	v := weigh(t, c)
	require.NotNil(t, v.Holding)
	assert.Equal(t, []string{"vendor-a", "sub"}, v.Holding.Holders)
	assert.Equal(t, []float64{.5, .7}, v.Holding.Shares)
	assert.Equal(t, []string{"nine tenths", "late", "marked"}, v.Holding.Others)

	c = newCase(odds.Holder{Name: "late", Held: over(0, 119, 500)})
	heldAt(c, 40)
	for i := range c.Leaks {
		c.Leaks[i].Held = []string{"late"}
	}
	assert.Nil(t, weigh(t, c).Holding, "entered after the find")
}

// The exchange's own leaks, of three vendors' uploads: how often a vendor is said to have held these. The bound is
// 1 dump of 10,000.
func TestHoldingsByChance(t *testing.T) {
	rng := rand.New(rand.NewPCG(53, 53))
	hits, dumps := 0, long.Number(3_000, 30_000)
	for range dumps {
		var holders []odds.Holder
		left, shares := 1000, []int{1 + rng.IntN(900), 1 + rng.IntN(400), 1000}
		for i := range shares {
			shares[i] = min(shares[i], left)
			left -= shares[i]
			holders = append(holders, odds.Holder{Name: fmt.Sprint("vendor ", i), Unmarked: over(0, 119, shares[i])})
		}
		c := newCase(holders...)
		for range 2 + rng.IntN(60) {
			k, at := 0, rng.IntN(1000)
			for ; at >= shares[k]; k++ {
				at -= shares[k]
			}
			shows(c, rng.IntN(120), holders[k].Name)
		}
		if weigh(t, c).Holding != nil {
			hits++
		}
	}
	t.Logf("%d of %d", hits, dumps)
	assert.LessOrEqual(t, hits, dumps/10_000+1)
}
