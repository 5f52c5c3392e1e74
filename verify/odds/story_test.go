package odds_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/verify/odds"
)

func registry(months, each int) []odds.Cell {
	first := time.Date(2016, 1, 1, 0, 0, 0, 0, time.UTC)
	cells := odds.Months(first, first.AddDate(0, months-1, 0))
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
	return &odds.Case{FoundKnown: true, Cells: registry(120, 1000), Holders: holders, MarkTrials: 3_000_000, MatchTrials: 3_000_000}
}

// shows adds a leak of a submission of some month, of a person of its own.
func shows(c *odds.Case, cell int, custody ...string) *odds.Leak {
	n := fmt.Sprint(len(c.Leaks))
	c.Leaks = append(c.Leaks, odds.Leak{Submission: n, Cluster: n, Submitted: c.Cells[cell].From.Add(time.Hour), Recall: 0.99, Unmarked: custody})
	return &c.Leaks[len(c.Leaks)-1]
}

func copyOf(recipient string, lnE float64) odds.Copy {
	return odds.Copy{ID: "1", Recipient: recipient, LnE: lnE, Miss: 0.001, Confirmed: true}
}

func weigh(t *testing.T, c *odds.Case) *odds.Verdict {
	t.Helper()
	v, err := odds.Weigh(c)
	require.NoError(t, err)
	for _, h := range v.Hypotheses {
		top := odds.Cap(c.MatchTrials)
		if h.Kind == odds.Copies {
			top = odds.Cap(c.MarkTrials)
		}
		assert.LessOrEqual(t, math.Abs(h.LogLR), top+1e-9, "the cap")
		assert.Equal(t, math.Round(h.LogLR*1e6)/1e6, h.LogLR, "whole millionths")
	}
	return v
}

func of(t *testing.T, v *odds.Verdict, kind, name string) odds.Hypothesis {
	t.Helper()
	for _, h := range v.Hypotheses {
		if h.Kind == kind && (h.Name == name || len(h.Holders) > 0 && h.Holders[0] == name) {
			return h
		}
	}
	require.Fail(t, "no such hypothesis", "%s %s", kind, name)
	return odds.Hypothesis{}
}

const february = 25 // of 2018

// A month's custody, and nothing but unmarked leaks of that month: against a thief who takes what one
// of the listed holders had the ratio is at most their number over tau, however many the leaks.
func TestFebruary(t *testing.T) {
	for _, n := range []int{3, 8, 20, 375} {
		c := newCase(odds.Holder{Name: "X", Copies: over(30, 119, 200), Unmarked: over(february, february, 1000)})
		for range n {
			shows(c, february, "X")
		}
		v := weigh(t, c)
		h := of(t, v, odds.Custody, "X")
		assert.LessOrEqual(t, h.LogLR, math.Log10(2/0.8)+1e-6)
		if n >= 8 {
			assert.Equal(t, [2]int{february, february}, [2]int{v.Window.From, v.Window.To})
			assert.Equal(t, []string{"X"}, v.Window.Holders)
		}
		assert.Empty(t, v.Named, "custody names nobody in a headline")
	}
}

// The strongest custody is compared with one kind of thief at a time. Against a thief of the very
// folder it earns nothing; so its ratio against a thief of any folder is their number.
func TestAgainstWhom(t *testing.T) {
	var holders []odds.Holder
	for i := range 12 {
		holders = append(holders, odds.Holder{Name: name(i), Unmarked: over(20+i, 20+i, 1000)})
	}
	c := newCase(holders...)
	for range 20 {
		shows(c, february, name(5))
	}
	v := weigh(t, c)
	require.NotNil(t, v.Against)
	assert.Equal(t, []string{name(5)}, v.Against.Holders)
	assert.Equal(t, 12, v.Against.Folders)
	ratio := map[string]float64{}
	for _, r := range v.Against.Rows {
		ratio[r.Thief] = r.LogLR
	}
	assert.Equal(t, odds.Cap(c.MatchTrials), ratio[odds.Scattered], "more than may be stated")
	assert.InDelta(t, math.Log10(5./3*120), ratio[odds.OfUnit], 0.01, "a cell of a month is also a day and a week")
	assert.Greater(t, ratio[odds.OfRange], ratio[odds.OfUnit])
	assert.InDelta(t, math.Log10(12), ratio[odds.OfFolder], 0.01)
	assert.Greater(t, ratio[odds.Elsewhere], 2.0)
	assert.LessOrEqual(t, of(t, v, odds.Custody, name(5)).LogLR, math.Log10(12/0.8)+1e-6)
	for i := range c.Leaks {
		c.Leaks[i].Unmarked = nil
	}
	assert.Nil(t, weigh(t, c).Against, "no custody explains any")
}

// Two parties held all submissions that leaked: one just these, another those of half a year as well. Their ratios are
// equal. The party whose holdings explain the leaks better is compared with thieves, not the first by name.
func TestAgainstWhomOfTwo(t *testing.T) {
	c := newCase(odds.Holder{Name: "A", Unmarked: over(february-3, february+3, 1000)}, odds.Holder{Name: "X", Unmarked: over(february, february+1, 1000)})
	for i := range 30 {
		shows(c, february+i%2, "A", "X")
	}
	shows(c, 5)
	shows(c, february) // missing from both lists
	v := weigh(t, c)
	require.Equal(t, of(t, v, odds.Custody, "A").LogLR, of(t, v, odds.Custody, "X").LogLR)
	require.NotNil(t, v.Against)
	assert.Equal(t, []string{"X"}, v.Against.Holders)
}

// Two holders of the same pictures are one explanation: nothing tells them apart.
func TestHoldersOfTheSame(t *testing.T) {
	c := newCase(odds.Holder{Name: "X", Unmarked: over(february, february, 1000)}, odds.Holder{Name: "Y", Unmarked: over(february, february, 1000)})
	for range 20 {
		shows(c, february, "X", "Y")
	}
	h := of(t, weigh(t, c), odds.Custody, "X")
	assert.Equal(t, []string{"X", "Y"}, h.Holders)
	assert.LessOrEqual(t, h.LogLR, math.Log10(1/0.8)+1e-6, "they are one folder")
}

// A small custody within a large one: the leaks lie in both, and the ratio between them
// does not grow with their number as (N_Y/N_X)^n would.
func TestNestedCustody(t *testing.T) {
	var last float64
	for _, n := range []int{5, 20, 300} {
		c := newCase(odds.Holder{Name: "small", Unmarked: over(february, february, 1000)}, odds.Holder{Name: "large", Unmarked: over(20, 31, 1000)})
		for range n {
			shows(c, february, "small", "large")
		}
		v := weigh(t, c)
		small, large := of(t, v, odds.Custody, "small"), of(t, v, odds.Custody, "large")
		assert.Less(t, small.LogLR, math.Log10(2/0.8), "of two folders")
		assert.Greater(t, large.LogLR, -math.Log10(2/0.8)-0.7)
		assert.Equal(t, []string{"large"}, small.Strongest[0].Holders)
		assert.Equal(t, []string{"small", "large"}, v.Window.Holders)
		if last != 0 {
			assert.InDelta(t, last, small.LogLR, 0.25)
		}
		last = small.LogLR
	}
}

// A scattered custody, as a list of requests is, is bounded in the same way: somebody may
// have found it laid out.
func TestListedCustody(t *testing.T) {
	c := newCase(odds.Holder{Name: "X", Unmarked: over(0, 119, 10)})
	for i := range 40 {
		shows(c, i*3, "X")
	}
	h := of(t, weigh(t, c), odds.Custody, "X")
	assert.LessOrEqual(t, h.LogLR, math.Log10(1/0.8)+1e-6)
}

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

func TestCustodyOfUnknownLeaksIsNoEvidence(t *testing.T) {
	c := newCase(odds.Holder{Name: "X", Unmarked: over(february, february, 1000)})
	for range 20 {
		shows(c, february, "X")
	}
	c.FoundKnown = false
	v := weigh(t, c)
	for _, h := range v.Hypotheses {
		assert.NotEqual(t, odds.Custody, h.Kind)
	}
	assert.Empty(t, v.Window.Holders)
}

// Absence of marks counts once for the whole dump: however many pictures show that no
// mark is there, the recipient's copies are not excluded by more than 1/rho.
func TestAbsenceCountsOnce(t *testing.T) {
	for _, n := range []int{1, 5, 50, 500} {
		c := newCase(odds.Holder{Name: "X", Copies: over(february, february, 1000), Unmarked: over(february, february, 1000)})
		for range n {
			l := shows(c, february, "X")
			l.Copies = []odds.Copy{copyOf("X", -20)}
		}
		c.Options.Rho = []float64{0.05}
		v := weigh(t, c)
		assert.LessOrEqual(t, of(t, v, odds.Custody, "X").LogLR, math.Log10(1/0.05)+0.05, n)
		assert.GreaterOrEqual(t, of(t, v, odds.Copies, "X").LogLR, math.Log10(0.05)-1e-6, n)
	}
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
		assert.Equal(t, marked, of(t, v, odds.Copies, "X").Clusters)
		assert.Zero(t, of(t, v, odds.Copies, "Y").Clusters)
		assert.LessOrEqual(t, of(t, v, odds.Copies, "Y").LogLR, 0.0)
		if marked == 1 {
			require.Len(t, v.Withheld, 1)
			assert.Equal(t, odds.Withheld{Name: "X", Code: odds.FewClusters, Clusters: 1, Needed: 2}, v.Withheld[0])
		}
	}
	last := -1.0
	for _, e := range []float64{0, 2, 5, 7, 9, 13, 20} { // monotone in the evidence
		got := of(t, weigh(t, build(4, e)), odds.Copies, "X").Raw
		assert.GreaterOrEqual(t, got, last-1e-6, e)
		last = got
	}
	last = -1.0
	for _, n := range []int{0, 1, 2, 5, 10} { // and in the number of clusters
		got := of(t, weigh(t, build(n, 9)), odds.Copies, "X").Raw
		assert.GreaterOrEqual(t, got, last-1e-6, n)
		last = got
	}
	weak := build(2, 20)
	weak.MarkTrials = 10
	v := weigh(t, weak)
	assert.Empty(t, v.Named, "nothing is validated, nobody is named")
	assert.True(t, of(t, v, odds.Copies, "X").Capped)
	unconfirmed := build(5, 20)
	for i := range unconfirmed.Leaks {
		unconfirmed.Leaks[i].Copies[0].Confirmed = false
	}
	v = weigh(t, unconfirmed)
	assert.Empty(t, v.Named)
	assert.LessOrEqual(t, of(t, v, odds.Copies, "X").LogLR, 0.0, "what is not confirmed counts for nobody")
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
	want := of(t, weigh(t, one), odds.Copies, "X")
	for _, cluster := range []string{"p", ""} {
		v := weigh(t, build(cluster))
		got := of(t, v, odds.Copies, "X")
		assert.InDelta(t, want.Raw, got.Raw, 1e-6)
		assert.Equal(t, 1, got.Clusters)
		assert.Equal(t, 10, got.Pictures)
		assert.Empty(t, v.Named)
		require.Len(t, v.Flags, 1)
		assert.Equal(t, odds.FlagRepeated, v.Flags[0].Kind)
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
	assert.LessOrEqual(t, of(t, v, odds.Copies, "Z").LogLR, 0.0)
	for i := range c.Leaks { // nothing is gained by more leaks of one theft
		if c.Leaks[i].Copies[1].LnE > 0 {
			c.Leaks[i].Copies[0], c.Leaks[i].Copies[1] = copyOf("X", 30), copyOf("Y", -20)
		}
	}
	v = weigh(t, c)
	assert.Equal(t, []string{"X"}, v.Named)
	assert.LessOrEqual(t, of(t, v, odds.Copies, "Y").LogLR, 0.0)
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
	h := of(t, v, odds.Copies, "X")
	assert.Equal(t, []string{"X"}, v.Named)
	assert.Equal(t, []odds.Rival{{Name: "X", Other: "Y", Why: odds.RivalHeld, Clusters: 6, Of: 6}}, v.Rivals)
	assert.Empty(t, v.Alone())
	assert.Greater(t, h.LogLR, 5.0, "the copies are there")
	require.NotNil(t, h.Planting)
	assert.Less(t, *h.Planting, 1.0, "who put them there is not known")
	assert.Equal(t, []string{"Y"}, h.Planters)
	require.Len(t, v.Flags, 1)
	assert.Equal(t, odds.Flag{Kind: odds.FlagAlsoHeld, Name: "X", Others: []string{"Y"}, Leaks: 6}, v.Flags[0])
	v = weigh(t, build(6, 1))
	assert.Equal(t, []odds.Rival{{Name: "X", Other: "Y", Why: odds.RivalHeld, Clusters: 6, Of: 7}}, v.Rivals, "one that Y did not have is one cluster")
	v = weigh(t, build(6, 2))
	assert.Equal(t, []string{"X"}, v.Alone())
	assert.Greater(t, *of(t, v, odds.Copies, "X").Planting, 2.0)
	assert.Empty(t, v.Flags)
}

// Of two holders each is looked at by itself: what neither has is no pattern of either.
func TestPlantersAreNotAdded(t *testing.T) {
	c := newCase(odds.Holder{Name: "X", Copies: over(30, 119, 200)}, odds.Holder{Name: "Y", Unmarked: over(60, 69, 1000)}, odds.Holder{Name: "Z", Unmarked: over(80, 89, 1000)})
	for i := range 6 {
		l := shows(c, 61, "Y")
		if i%2 == 0 {
			l = shows(c, 82, "Z")
		}
		l.Copies = []odds.Copy{copyOf("X", 13)}
	}
	v := weigh(t, c)
	assert.Equal(t, []string{"X"}, v.Named)
	for _, r := range v.Rivals {
		assert.NotEqual(t, odds.RivalHeld, r.Why)
	}
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

// Who held nearly everything could have laid any mark: that it held these is no
// pattern. It is flagged, and the report says so.
func TestWideHolder(t *testing.T) {
	c := newCase(odds.Holder{Name: "X", Copies: over(30, 119, 200)}, odds.Holder{Name: "backup", Unmarked: over(0, 119, 1000)})
	for range 4 {
		l := shows(c, 61, "backup")
		l.Copies = []odds.Copy{copyOf("X", 13)}
	}
	v := weigh(t, c)
	assert.Equal(t, []string{"X"}, v.Alone())
	assert.Equal(t, []odds.Flag{{Kind: odds.FlagAlsoHeld, Name: "X", Others: []string{"backup"}, Leaks: 4}}, v.Flags)
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
	assert.Equal(t, []odds.Flag{{Kind: odds.FlagOnly, Name: "X", Leaks: 5}}, v.Flags)
	assert.Empty(t, v.Named)
	assert.LessOrEqual(t, of(t, v, odds.Copies, "X").LogLR, 0.0)
}

func TestDumpsThatShowNothing(t *testing.T) {
	empty := newCase(odds.Holder{Name: "X", Copies: over(30, 119, 200), Unmarked: over(3, 5, 1000)})
	v := weigh(t, empty)
	for _, h := range v.Hypotheses {
		assert.InDelta(t, 0, h.LogLR, 1e-6, h.Kind)
	}
	assert.Nil(t, v.Window)
	strangers := newCase(empty.Holders...)
	for range 60 {
		strangers.Leaks = append(strangers.Leaks, odds.Leak{Recall: 0.99})
	}
	v = weigh(t, strangers)
	assert.Empty(t, v.Named)
	assert.Zero(t, v.Matched)
	assert.InDelta(t, -math.Log10(0.3+0.7*0.01), v.AllElsewhere, 1e-5, "the search may have missed all for one cause")
	assert.Nil(t, v.Window)
	none := &odds.Case{}
	v = weigh(t, none)
	assert.NotEmpty(t, v.Hypotheses)
	none.Leaks = make([]odds.Leak, 3)
	weigh(t, none)
}

// An innocent recipient who joins the list changes next to nothing for the others: one more set
// that a thief may find laid out, and one more alternative.
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
	assert.LessOrEqual(t, of(t, after, odds.Copies, "X").Raw, of(t, before, odds.Copies, "X").Raw+0.01)
	assert.LessOrEqual(t, of(t, after, odds.Custody, "X").Raw, of(t, before, odds.Custody, "X").Raw+math.Log10(4./2)+0.01, "four folders, and not two")
	assert.Equal(t, []string{"X"}, after.Named)
}

func TestClaims(t *testing.T) {
	c := newCase()
	for i := range 400 {
		if i < 387 {
			shows(c, i%120)
		} else {
			c.Leaks = append(c.Leaks, odds.Leak{})
		}
	}
	c.Claimed = 10_000
	assert.Equal(t, odds.Claim{Seen: 387, Examined: 400, Claimed: 10_000, Min: 387, Level: 1}, weigh(t, c).Claim, "a blackmailer's selection")
	c.Drawn = true
	got := weigh(t, c).Claim
	assert.Equal(t, 0.95, got.Level)
	assert.Equal(t, 9_492, got.Min, "drawn by us: P(at least 387) is 0.0500132 for 9,492 and less below")
	c.Claimed = 300
	_, err := odds.Weigh(c)
	require.ErrorIs(t, err, odds.ErrCase)
}
