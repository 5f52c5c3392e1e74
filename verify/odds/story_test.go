package odds_test

import (
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/oddstest"
	"github.com/kycmark/kycmark/verify/odds"
)

func registry(months, each int) []odds.Cell {
	first := time.Date(2016, 1, 1, 0, 0, 0, 0, time.UTC)
	cells := oddstest.Months(first, first.AddDate(0, months-1, 0))
	for i := range cells {
		cells[i].Submissions = each
	}
	return cells
}

// over is a count for each of 120 cells, each from one up to and including another.
func over(from, to, each int) []int {
	out := make([]int, 120)
	for i := from; i <= to; i++ {
		out[i] = each
	}
	return out
}

func newCase(holders ...odds.Holder) *odds.Case {
	return &odds.Case{FoundKnown: true, Cells: registry(120, 1000), Holders: holders, MarkTrials: 3_000_000}
}

// shows adds a leak of a submission of some month, of a person of its own.
func shows(c *odds.Case, cell int, custody ...string) *odds.Leak {
	n := fmt.Sprint(len(c.Leaks))
	c.Leaks = append(c.Leaks, odds.Leak{Submission: n, Cluster: n, Submitted: c.Cells[cell].From.Add(time.Hour), Unmarked: custody})
	return &c.Leaks[len(c.Leaks)-1]
}

func copyOf(recipient string, lnE float64) odds.Copy {
	return odds.Copy{ID: "1", Recipient: recipient, LnE: lnE, Miss: 0.001, Confirmed: true}
}

func weigh(t *testing.T, c *odds.Case) *odds.Verdict {
	t.Helper()
	v, err := odds.Weigh(c)
	require.NoError(t, err)
	for _, r := range v.Recipients {
		assert.GreaterOrEqual(t, r.LogE, 0.0)
		assert.LessOrEqual(t, r.LogE, odds.Cap(c.MarkTrials)+1e-9, "the cap")
		assert.Equal(t, math.Round(r.LogE*1e6)/1e6, r.LogE, "whole millionths")
	}
	return v
}

func of(t *testing.T, v *odds.Verdict, name string) odds.Recipient {
	t.Helper()
	for _, r := range v.Recipients {
		if r.Name == name {
			return r
		}
	}
	require.Fail(t, "no such recipient", "%s", name)
	return odds.Recipient{}
}

const february = 25 // of 2018

// Leaks from anywhere have no window, however chance throws them together.
func TestNoWindow(t *testing.T) {
	c := newCase(odds.Holder{Name: "X", Unmarked: over(february, february, 1000)})
	for i := range 60 {
		shows(c, i*37%120)
	}
	assert.Nil(t, weigh(t, c).Window)
}

// A range that holds all submissions says nothing, and leaks with marks that count for no recipient
// have no part in a window.
func TestEmptyWindows(t *testing.T) {
	c := newCase()
	c.Cells = c.Cells[:1]
	for range 16 {
		shows(c, 0)
	}
	assert.Nil(t, weigh(t, c).Window, "one month")
	c = newCase()
	for i := range c.Cells {
		if i != february {
			c.Cells[i].Submissions = 0
		}
	}
	for range 16 {
		shows(c, february)
	}
	assert.Nil(t, weigh(t, c).Window, "all other months are empty")
	c = newCase()
	for i := range 16 {
		shows(c, february)
		c.Leaks[i].Marked = i < 13
	}
	w := weigh(t, c).Window
	if assert.NotNil(t, w) {
		assert.Equal(t, [2]int{3, 3}, [2]int{w.Leaks, w.Of})
	}
}

// A month's custody, and nothing but unmarked leaks of that month: who held them, and how seldom a random draw from
// the registry has such a window. Nobody is named for it.
func TestFebruary(t *testing.T) {
	for _, n := range []int{3, 8, 20, 375} {
		c := newCase(odds.Holder{Name: "wide", Unmarked: over(20, 40, 1000)}, odds.Holder{Name: "X", Copies: over(30, 119, 200), Unmarked: over(february, february, 1000)},
			odds.Holder{Name: "other", Unmarked: over(february, february, 400)})
		for i := range n {
			shows(c, february, "wide", "X")
			if i%2 == 0 {
				c.Leaks[i].Unmarked = append(c.Leaks[i].Unmarked, "other")
			}
		}
		v := weigh(t, c)
		w := v.Window
		require.NotNil(t, w, n)
		assert.Equal(t, [2]int{february, february}, [2]int{w.From, w.To})
		assert.Equal(t, []string{"wide", "X"}, w.Holders)
		assert.Equal(t, []int{n, n, n, n, 1000, 120_000}, []int{w.Leaks, w.Of, w.Clusters, w.OfClusters, w.Submissions, w.OfSubmissions})
		chance := math.Log10(120 * 121 / 2)
		for i := range n {
			chance += math.Log10(float64(1000-i) / float64(120_000-i))
		}
		assert.InDelta(t, chance, w.Chance, 1e-4)
		assert.Empty(t, v.Named, "custody names nobody in a headline")
		c.FoundKnown = false
		assert.Empty(t, weigh(t, c).Window.Holders, "custody of unknown leaks is no fact against anybody")
		for i := range c.Leaks {
			c.Leaks[i].Cluster = "one"
		}
		assert.Nil(t, weigh(t, c).Window, "one person is no pattern")
	}
}

// How often leaks from anywhere have a window: in 1 dump of 100 at most, whatever their number.
func TestWindowsByChance(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	for _, cells := range []int{12, 60, 120} {
		for _, n := range []int{2, 5, 20, 400} {
			hits, dumps := 0, long.Number(200, 400)
			for range dumps {
				c := newCase()
				c.Cells = registry(cells, 1000)
				for range n {
					shows(c, rng.IntN(cells))
				}
				if weigh(t, c).Window != nil {
					hits++
				}
			}
			mean := float64(dumps) / 100
			assert.LessOrEqual(t, float64(hits), mean+3*math.Sqrt(mean), "%d leaks in %d cells", n, cells) // three standard deviations above the mean
		}
	}
}

// The probability of a draw, against the sum over all draws of a small registry.
func TestDrawsByBruteForce(t *testing.T) {
	for all := 1; all <= 9; all++ {
		for good := 0; good <= all; good++ {
			for n := 0; n <= all; n++ {
				at, draws := make([]float64, n+1), 0.0
				for set := range 1 << all {
					if bits.OnesCount(uint(set)) == n {
						at[bits.OnesCount(uint(set&(1<<good-1)))]++
						draws++
					}
				}
				sum := 0.0
				for k := n; k >= 0; k-- {
					sum += at[k] / draws
					assert.InDelta(t, sum, math.Exp(odds.LnTail(k, n, good, all)), 1e-9)
				}
			}
		}
	}
}

// A source of two of 100,000 leaks has a share of its own; and the mean of the e-value over innocents is 1 at most.
func TestSharesReachSmallSources(t *testing.T) {
	small := make([]float64, odds.MaxLeaks)
	for i := range small {
		small[i] = 0.001
	}
	small[3], small[77_777] = 1e9, 1e9
	assert.Greater(t, odds.LnShares(small)/math.Ln10, 4.0)
	rng := rand.New(rand.NewPCG(7, 11))
	mean, tail := 0.0, 0
	for range 20_000 {
		e := make([]float64, 1+rng.IntN(20))
		for i := range e {
			s := 0.2 + rng.Float64()
			e[i] = math.Exp(s*rng.NormFloat64() - s*s/2)
		}
		v := math.Exp(odds.LnShares(e))
		if mean += v / 20_000; v >= 100 {
			tail++
		}
	}
	assert.Less(t, mean, 1.1)
	assert.LessOrEqual(t, tail, 200)
}

func TestMarksName(t *testing.T) {
	build := func(marked int, lnE float64) *odds.Case {
		c := newCase(odds.Holder{Name: "X", Copies: over(30, 119, 200)}, odds.Holder{Name: "Y", Copies: over(30, 119, 200)})
		for i := range 30 {
			l := shows(c, 30+i)
			l.Copies = []odds.Copy{copyOf("X", -20), copyOf("Y", -20)}
			if i < marked {
				l.Copies[0].LnE = lnE
			}
		}
		return c
	}
	for marked, want := range map[int][]string{0: {}, 1: {}, 2: {"X"}, 3: {"X"}, 30: {"X"}} {
		v := weigh(t, build(marked, 20))
		assert.Equal(t, want, v.Named, marked)
		assert.Equal(t, marked, of(t, v, "X").Clusters)
		assert.Zero(t, of(t, v, "Y").Clusters)
		assert.LessOrEqual(t, of(t, v, "Y").LogE, 0.0)
		if marked == 1 {
			require.Len(t, v.Withheld, 1)
			assert.Equal(t, odds.Withheld{Name: "X", Code: odds.FewClusters, Clusters: 1, Needed: 2}, v.Withheld[0])
		}
	}
	last := -1.0
	for _, e := range []float64{0, 2, 5, 7, 9, 13, 20} { // monotone in the evidence
		got := of(t, weigh(t, build(4, e)), "X").Raw
		assert.GreaterOrEqual(t, got, last-1e-6, e)
		last = got
	}
	last = -1.0
	for _, n := range []int{0, 1, 2, 5, 10} { // and in the number of clusters
		got := of(t, weigh(t, build(n, 9)), "X").Raw
		assert.GreaterOrEqual(t, got, last-1e-6, n)
		last = got
	}
	weak := build(2, 20)
	weak.MarkTrials = 10
	v := weigh(t, weak)
	assert.Empty(t, v.Named, "nothing is validated, nobody is named")
	assert.True(t, of(t, v, "X").Capped)
	unconfirmed := build(5, 20)
	for i := range unconfirmed.Leaks {
		unconfirmed.Leaks[i].Copies[0].Confirmed = false
	}
	v = weigh(t, unconfirmed)
	assert.Empty(t, v.Named)
	assert.LessOrEqual(t, of(t, v, "X").LogE, 0.0, "what is not confirmed counts for nobody")
}

// Leaks of one person, of one copy, or of nobody knows whom, count once.
func TestClustersCountOnce(t *testing.T) {
	build := func(cluster string) *odds.Case {
		c := newCase(odds.Holder{Name: "X", Copies: over(30, 119, 200)})
		for range 10 {
			l := shows(c, 40)
			l.Cluster, l.Submission = cluster, "one"
			l.Copies = []odds.Copy{copyOf("X", 9)}
		}
		return c
	}
	one := build("p")
	one.Leaks = one.Leaks[:1]
	want := of(t, weigh(t, one), "X")
	for _, cluster := range []string{"p", ""} {
		v := weigh(t, build(cluster))
		got := of(t, v, "X")
		assert.InDelta(t, want.Raw, got.Raw, 1e-6)
		assert.Equal(t, 1, got.Clusters)
		assert.Equal(t, 10, got.Pictures)
		assert.Empty(t, v.Named)
	}
}

// Two recipients had copies of the same persons, and each lost all of them. Both are named: a person's leak from one
// of them does not explain the leak from the other.
func TestTwoThievesOfTheSamePersons(t *testing.T) {
	c := newCase(odds.Holder{Name: "X", Copies: over(30, 119, 200)}, odds.Holder{Name: "Y", Copies: over(30, 119, 200)}, odds.Holder{Name: "Z", Copies: over(30, 119, 200)})
	for i := range 6 {
		for _, marked := range []string{"X", "Y"} {
			l := shows(c, 30+i)
			l.Submission, l.Cluster = fmt.Sprint("s", i), fmt.Sprint("p", i)
			for _, name := range []string{"X", "Y", "Z"} {
				lnE := -20.0
				if name == marked {
					lnE = 30
				}
				l.Copies = append(l.Copies, copyOf(name, lnE))
			}
		}
	}
	v := weigh(t, c)
	assert.Equal(t, []string{"X", "Y"}, v.Named)
	assert.Equal(t, 6, v.Clusters)
	assert.LessOrEqual(t, of(t, v, "Z").LogE, 0.0)
	for i := range c.Leaks { // nothing is gained by more leaks of one theft
		if c.Leaks[i].Copies[1].LnE > 0 {
			c.Leaks[i].Copies[0], c.Leaks[i].Copies[1] = copyOf("X", 30), copyOf("Y", -20)
		}
	}
	v = weigh(t, c)
	assert.Equal(t, []string{"X"}, v.Named)
	assert.LessOrEqual(t, of(t, v, "Y").LogE, 0.0)
}

// Marks on pictures that another listed holder also had: with the copies in hand that holder
// could have laid them. The copies are there all the same, but their recipient is not named alone.
func TestPlanting(t *testing.T) {
	build := func(held, free int) *odds.Case {
		c := newCase(odds.Holder{Name: "X", Copies: over(30, 119, 200)}, odds.Holder{Name: "Y", Unmarked: over(60, 80, 1000)})
		for i := range held + free {
			l := shows(c, 61)
			if i < held {
				l.Unmarked = []string{"Y"}
			} else {
				l.Submitted = c.Cells[40].From
			}
			l.Copies = []odds.Copy{copyOf("X", 13)}
		}
		return c
	}
	v := weigh(t, build(6, 0))
	h := of(t, v, "X")
	assert.Equal(t, []string{"X"}, v.Named)
	assert.Equal(t, []odds.Rival{{Name: "X", Other: "Y", Why: odds.RivalHeld, Clusters: 6, Of: 6}}, v.Rivals)
	assert.Empty(t, v.Alone())
	assert.Greater(t, h.LogE, 5.0, "the copies are there")
	assert.Equal(t, []odds.AlsoHeld{{Name: "X", Others: []string{"Y"}, Leaks: 6}}, v.AlsoHeld)
	v = weigh(t, build(6, 1))
	assert.Equal(t, []odds.Rival{{Name: "X", Other: "Y", Why: odds.RivalHeld, Clusters: 6, Of: 7}}, v.Rivals, "one that Y did not have is one cluster")
	v = weigh(t, build(6, 2))
	assert.Equal(t, []string{"X"}, v.Alone())
	assert.Empty(t, v.AlsoHeld)
}

// Neither of two holders had what is marked, but both together had all of it: a count says so, since they may have
// worked together. One that nobody else held is no pattern.
func TestPlantersTogether(t *testing.T) {
	c := newCase(odds.Holder{Name: "X", Copies: over(30, 119, 200)}, odds.Holder{Name: "Y", Unmarked: over(60, 69, 1000)}, odds.Holder{Name: "Z", Unmarked: over(80, 89, 1000)})
	for i := range 6 {
		cell, holder := 61, "Y"
		if i%2 == 0 {
			cell, holder = 82, "Z"
		}
		shows(c, cell, holder).Copies = []odds.Copy{copyOf("X", 13)}
	}
	v := weigh(t, c)
	assert.Equal(t, []string{"X"}, v.Named)
	assert.Equal(t, []odds.Rival{{Name: "X", Other: "Y", Why: odds.RivalPlanting, Clusters: 3, Of: 6}, {Name: "X", Other: "Z", Why: odds.RivalPlanting, Clusters: 3, Of: 6}}, v.Rivals)
	for range 2 {
		shows(c, 40).Copies = []odds.Copy{copyOf("X", 13)}
	}
	assert.Equal(t, []string{"X"}, weigh(t, c).Alone())
}

// A dump salted with somebody's leaked copies: what these do not explain came from
// elsewhere, and whoever had that may have had the copies, too.
func TestRestOfADump(t *testing.T) {
	build := func(rest int, custody ...string) *odds.Case {
		c := newCase(odds.Holder{Name: "X", Copies: over(30, 119, 200), Unmarked: over(0, 9, 1000)}, odds.Holder{Name: "Y", Copies: over(30, 119, 200), Unmarked: over(60, 80, 1000)})
		for i := range 3 + rest {
			l := shows(c, 50)
			if i < 3 {
				l.Copies = []odds.Copy{copyOf("X", 13)}
				continue
			}
			l.Unmarked, l.Submitted = custody, c.Cells[61].From
			l.Copies = []odds.Copy{copyOf("Y", -20)}
			if i%2 == 0 {
				l.Copies = append(l.Copies, copyOf("X", -20)) // would have been seen
			}
		}
		return c
	}
	assert.Equal(t, []string{"X"}, weigh(t, build(1, "Y")).Alone(), "one picture is no pattern")
	v := weigh(t, build(4, "Y"))
	assert.Equal(t, []string{"X"}, v.Named)
	assert.Equal(t, []odds.Rival{{Name: "X", Other: "Y", Why: odds.RivalRest, Clusters: 4, Of: 4}}, v.Rivals)
	v = weigh(t, build(4))
	assert.Equal(t, []odds.Rival{{Name: "X", Other: "Y", Why: odds.RivalRest, Clusters: 4, Of: 4}}, v.Rivals, "Y had copies of them")
	c := build(4)
	for i := range c.Leaks {
		if c.Leaks[i].Copies = c.Leaks[i].Copies[:min(1, len(c.Leaks[i].Copies))]; i >= 3 {
			c.Leaks[i].Copies = nil
		}
	}
	assert.Equal(t, []odds.Rival{{Name: "X", Why: odds.RivalRest, Of: 4}}, weigh(t, c).Rivals, "nobody is known to have had them")
	for i := range c.Leaks[3:] {
		c.Leaks[3+i].Submitted, c.Leaks[3+i].Unmarked = c.Cells[5].From, []string{"X"}
	}
	assert.Equal(t, []odds.Rival{{Name: "X", Why: odds.RivalRest, Of: 4}}, weigh(t, c).Rivals, "that X held them speaks against X alone, and so does not make it the only source")
}

// X had copies of passports alone. The dump has their selfies as well, or pictures of customers without references, which X
// never had: who had these may have had the copies, too. That persons count once must not hide it.
func TestRestOfTheSamePersons(t *testing.T) {
	for name, cluster := range map[string]func(i int) string{"selfies": func(i int) string { return fmt.Sprint(i) }, "no references": func(int) string { return "" }} {
		c := newCase(odds.Holder{Name: "X", Copies: over(30, 119, 200)})
		for range 2 {
			shows(c, 50).Copies = []odds.Copy{copyOf("X", 13)}
		}
		require.Equal(t, []string{"X"}, weigh(t, c).Alone())
		for i := range 2 {
			shows(c, 50).Cluster = cluster(i)
		}
		assert.Equal(t, []odds.Rival{{Name: "X", Why: odds.RivalRest, Of: 2}}, weigh(t, c).Rivals, name)
	}
}

// All of a registry leaks. A few customers with many pictures each count once, but what they sent is in the registry as often: no
// day is a window, and nobody's holding stands out.
func TestAllOfARegistry(t *testing.T) {
	for _, old := range []string{"", "old"} {
		c := newCase(odds.Holder{Name: "vendor-a", Unmarked: over(february, february, 8)}, odds.Holder{Name: "vendor-b", Unmarked: over(0, 119, 1)})
		for i := range c.Cells {
			c.Cells[i].Submissions = 4
			for k := range 4 {
				l := shows(c, i)
				if k == 0 {
					l.Unmarked = []string{"vendor-b"}
				} else {
					l.Cluster = old
				}
			}
		}
		c.Cells[february].Submissions = 8
		for range 4 {
			shows(c, february)
		}
		for i := range c.Leaks {
			if l := &c.Leaks[i]; l.Submitted.Equal(c.Cells[february].From.Add(time.Hour)) {
				l.Cluster, l.Unmarked = l.Submission, append(l.Unmarked, "vendor-a")
			}
		}
		v := weigh(t, c)
		assert.Nil(t, v.Window)
		assert.Nil(t, v.Holding)
	}
}

// X handed half of its copies to Y and the other half to Z: no copy is known to have been with X alone.
func TestCopiesThroughSeveral(t *testing.T) {
	c := newCase(odds.Holder{Name: "X", Copies: over(30, 119, 200)}, odds.Holder{Name: "Y"}, odds.Holder{Name: "Z"})
	for i := range 6 {
		l := shows(c, 61)
		l.Copies = []odds.Copy{copyOf("X", 13)}
		l.Copies[0].Others = []string{[]string{"Y", "Z"}[i%2]}
	}
	v := weigh(t, c)
	assert.Equal(t, []string{"X"}, v.Named)
	assert.Equal(t, []odds.Rival{{Name: "X", Other: "Y", Why: odds.RivalHad, Clusters: 3, Of: 6}, {Name: "X", Other: "Z", Why: odds.RivalHad, Clusters: 3, Of: 6}}, v.Rivals)
	for i := range 2 { // these were with X alone
		c.Leaks[i].Copies[0].Others = nil
	}
	assert.Equal(t, []string{"X"}, weigh(t, c).Alone())
}

// Opponent's story: Y had two of X's copies by the record, and downloaded two more that were published in January. X was named alone for
// the first two, since Y was not recorded to have had the others.
func TestPublicCopiesRuleNobodyOut(t *testing.T) {
	c := newCase(odds.Holder{Name: "X", Copies: over(30, 119, 200)}, odds.Holder{Name: "Y"})
	for i := range 4 {
		l := shows(c, 61)
		if l.Copies = []odds.Copy{copyOf("X", 13)}; i < 2 {
			l.Copies[0].Others = []string{"Y"}
		} else {
			l.Copies[0].Public = c.Cells[70].From
		}
	}
	v := weigh(t, c)
	assert.Equal(t, []string{"X"}, v.Named)
	assert.Equal(t, []odds.Rival{{Name: "X", Other: "Y", Why: odds.RivalHad, Clusters: 2, Of: 2}}, v.Rivals)
}

// Opponent's story: a messenger's small pictures show ten more uploads. X got copies of these after the find, which explained them away.
func TestCopiesAfterTheFindExplainNothing(t *testing.T) {
	c := newCase(odds.Holder{Name: "X", Copies: over(30, 119, 200)})
	for i := range 12 {
		l := shows(c, 61)
		if l.Copies = []odds.Copy{copyOf("X", 13)}; i > 1 {
			l.Copies = []odds.Copy{{ID: "1", Recipient: "X", Late: true}}
		}
	}
	assert.Equal(t, []odds.Rival{{Name: "X", Why: odds.RivalRest, Of: 10}}, weigh(t, c).Rivals)
	for i := range c.Leaks {
		c.Leaks[i].Copies[0].Undated = c.Leaks[i].Copies[0].Late // that it was before is not proven
	}
	assert.Empty(t, weigh(t, c).Rivals)
}

// Who held nearly everything could have laid any mark: that it held these is no
// pattern. It is listed, and the report says so.
func TestWideHolder(t *testing.T) {
	c := newCase(odds.Holder{Name: "X", Copies: over(30, 119, 200)}, odds.Holder{Name: "backup", Unmarked: over(0, 119, 1000)})
	for range 4 {
		l := shows(c, 61, "backup")
		l.Copies = []odds.Copy{copyOf("X", 13)}
	}
	v := weigh(t, c)
	assert.Equal(t, []string{"X"}, v.Alone())
	assert.Equal(t, []odds.AlsoHeld{{Name: "X", Others: []string{"backup"}, Leaks: 4}}, v.AlsoHeld)
	c.Holders[1].Unmarked = over(0, 119, 950)
	assert.Equal(t, []string{"X"}, weigh(t, c).Alone(), "0.95^4 is 0.81")
	for range 10 {
		l := shows(c, 61, "backup")
		l.Copies = []odds.Copy{copyOf("X", 13)}
	}
	assert.Empty(t, weigh(t, c).Alone(), "0.95^14 is 0.49")
	for i := range c.Leaks { // but who is recorded to have had these very copies counts
		c.Leaks[i].Copies[0].Others = []string{"backup"}
	}
	v = weigh(t, c)
	assert.Equal(t, []string{"X"}, v.Named)
	assert.Empty(t, v.Alone())
	assert.Equal(t, []odds.Rival{{Name: "X", Other: "backup", Why: odds.RivalHad, Clusters: 14, Of: 14}}, v.Rivals)
	for i := range c.Leaks { // and copies that were public before name no recipient anew
		if i > 0 {
			c.Leaks[i].Copies[0].Public = c.Cells[61].From
		}
	}
	v = weigh(t, c)
	assert.Empty(t, v.Named)
	require.Len(t, v.Withheld, 1)
	assert.Equal(t, odds.Exposed, v.Withheld[0].Code)
}

func TestTransplants(t *testing.T) {
	c := newCase(odds.Holder{Name: "X", Copies: over(30, 119, 200)})
	for range 5 {
		l := shows(c, 50)
		l.Transplanted = []string{"X"}
	}
	v := weigh(t, c)
	assert.Empty(t, v.Named)
	assert.LessOrEqual(t, of(t, v, "X").LogE, 0.0)
}

func TestDumpsThatShowNothing(t *testing.T) {
	empty := newCase(odds.Holder{Name: "X", Copies: over(30, 119, 200), Unmarked: over(3, 5, 1000)})
	v := weigh(t, empty)
	assert.Equal(t, []odds.Recipient{{Name: "X", Code: odds.NoLeak}}, v.Recipients)
	assert.Nil(t, v.Window)
	strangers := newCase(empty.Holders...)
	for range 60 {
		strangers.Leaks = append(strangers.Leaks, odds.Leak{})
	}
	v = weigh(t, strangers)
	assert.Empty(t, v.Named)
	assert.Zero(t, v.Matched)
	assert.Nil(t, v.Window)
	none := &odds.Case{}
	v = weigh(t, none)
	assert.Empty(t, v.Recipients)
	none.Leaks = make([]odds.Leak, 3)
	weigh(t, none)
}

// An innocent recipient who joins the list changes nothing for the others but the number of recipients.
func TestInnocentRecipient(t *testing.T) {
	c := newCase(odds.Holder{Name: "X", Copies: over(30, 119, 200), Unmarked: over(february, february, 1000)})
	for i := range 20 {
		shows(c, february, "X")
		if i < 4 {
			l := shows(c, 40+i)
			l.Copies = []odds.Copy{copyOf("X", 9)}
		}
	}
	before := weigh(t, c)
	c.Holders = append(c.Holders, odds.Holder{Name: "Z", Copies: over(30, 119, 200), Unmarked: over(50, 60, 1000)})
	for i := range c.Leaks {
		if len(c.Leaks[i].Copies) > 0 {
			c.Leaks[i].Copies = append(c.Leaks[i].Copies, copyOf("Z", -20))
		}
	}
	after := weigh(t, c)
	assert.Equal(t, of(t, before, "X"), of(t, after, "X"))
	assert.Equal(t, []string{"X"}, after.Named)
}
