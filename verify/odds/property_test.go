package odds_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/quick"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/oddstest"
	"github.com/kycmark/kycmark/verify/odds"
)

// drawn is a simulated dump of a seed.
func drawn(seed uint64) *odds.Case {
	rng := rand.New(rand.NewPCG(11, seed))
	w := newWorld(rng)
	return w.dump(w.thefts(4+rng.IntN(16)), rng.IntN(4))
}

// check runs a property on n fixed seeds, and on as many times more as -quickchecks is more than 100.
func check(t *testing.T, n int, property func(seed uint64) bool) {
	t.Helper()
	next := uint64(0)
	require.NoError(t, quick.Check(func() bool { next++; return property(next) }, &quick.Config{MaxCountScale: (float64(n) + 0.5) / 100}))
}

// Names and the order of leaks and holders do not matter.
func TestRelabelling(t *testing.T) {
	check(t, 6, func(seed uint64) bool {
		c := drawn(seed)
		before := weigh(t, c)
		other := strings.NewReplacer("recipient 0", "zebra", "recipient 1", "yak", "recipient 2", "xerus", "recipient 3", "wolf", "recipient 4", "vole", "recipient 5", "urial")
		text, err := json.Marshal(c)
		require.NoError(t, err)
		var d odds.Case
		require.NoError(t, json.Unmarshal([]byte(other.Replace(string(text))), &d))
		slices.Reverse(d.Holders)
		slices.Reverse(d.Leaks)
		after := weigh(t, &d)
		for _, h := range before.Recipients {
			got := of(t, after, other.Replace(h.Name))
			if !assert.InDelta(t, h.Raw, got.Raw, 1e-6, "seed %d: %s", seed, h.Name) {
				return false
			}
		}
		return len(before.Named) == len(after.Named)
	})
}

// A case that went through JSON gives the same verdict, to the byte: that is what
// an auditor recomputes.
func TestVerdictFromJSON(t *testing.T) {
	check(t, 5, func(seed uint64) bool {
		c := drawn(seed)
		text, err := json.Marshal(c)
		require.NoError(t, err)
		var d odds.Case
		require.NoError(t, json.Unmarshal(text, &d))
		a, err := json.Marshal(weigh(t, c))
		require.NoError(t, err)
		b, err := json.Marshal(weigh(t, &d))
		require.NoError(t, err)
		return string(a) == string(b)
	})
}

// More evidence for a recipient never lowers its ratio, and less never raises it.
func TestMonotone(t *testing.T) {
	check(t, 5, func(seed uint64) bool {
		c := drawn(seed)
		before := weigh(t, c)
		r := ""
		for i := range c.Leaks {
			for k := range c.Leaks[i].Copies {
				if r == "" || c.Leaks[i].Copies[k].Recipient == r {
					r = c.Leaks[i].Copies[k].Recipient
					c.Leaks[i].Copies[k].LnE += 1
				}
			}
		}
		if r == "" {
			return true
		}
		return of(t, weigh(t, c), r).Raw >= of(t, before, r).Raw-2e-3
	})
}

// No case, however odd, ends in anything but a verdict or ErrCase, and no ratio is no number.
func TestHostileCases(t *testing.T) {
	nan := math.NaN()
	for name, spoil := range map[string]func(c *odds.Case){
		"evidence is no number":  func(c *odds.Case) { c.Leaks[0].Copies[0].LnE = nan },
		"evidence is infinite":   func(c *odds.Case) { c.Leaks[0].Copies[0].LnE = math.Inf(1) },
		"miss":                   func(c *odds.Case) { c.Leaks[0].Copies[0].Miss = 1.5 },
		"unknown recipient":      func(c *odds.Case) { c.Leaks[0].Copies[0].Recipient = "nobody" },
		"unknown custody":        func(c *odds.Case) { c.Leaks[0].Unmarked = []string{"nobody"} },
		"not in custody":         func(c *odds.Case) { c.Leaks[0].Submitted = c.Cells[100].From; c.Leaks[0].Unmarked = []string{"X"} },
		"a stranger with copies": func(c *odds.Case) { c.Leaks[0].Submission = "" },
		"cells out of order":     func(c *odds.Case) { slices.Reverse(c.Cells) },
		"more than the registry": func(c *odds.Case) { c.Holders[0].Copies[50] = 1_000_000 },
		"fewer cells":            func(c *odds.Case) { c.Holders[0].Copies = c.Holders[0].Copies[:7] },
		"one name twice":         func(c *odds.Case) { c.Holders = append(c.Holders, c.Holders[0]) },
		"negative":               func(c *odds.Case) { c.Cells[3].Submissions = -1 },
		"no cells":               func(c *odds.Case) { c.Cells, c.Holders = nil, nil },
		"too many":               func(c *odds.Case) { c.Leaks = make([]odds.Leak, odds.MaxLeaks+1) },
	} {
		c := newCase(odds.Holder{Name: "X", Copies: over(30, 119, 200), Unmarked: over(february, february, 1000)})
		l := shows(c, 50)
		l.Copies = []odds.Copy{copyOf("X", 5)}
		spoil(c)
		_, err := odds.Weigh(c)
		assert.ErrorIs(t, err, odds.ErrCase, name)
	}
	check(t, 6, func(seed uint64) bool { // extremes that are allowed
		rng := rand.New(rand.NewPCG(13, seed))
		c := drawn(seed)
		for i := range c.Leaks {
			for k := range c.Leaks[i].Copies {
				c.Leaks[i].Copies[k].LnE = []float64{1e300, -1e300, 0, 700, -700}[rng.IntN(5)]
				c.Leaks[i].Copies[k].Miss = []float64{0, 1, 1e-300}[rng.IntN(3)]
			}
		}
		v := weigh(t, c)
		for _, h := range v.Recipients {
			if math.IsNaN(h.LogE) || math.IsNaN(h.Raw) || math.IsInf(h.Raw, 0) {
				return assert.Fail(t, "no number", "%+v", h)
			}
		}
		return true
	})
}

// Counts of many days are written as runs, and read back.
func TestCountsInJSON(t *testing.T) {
	long := make(odds.Counts, 3000)
	long[1000], long[1001], long[2999] = 7, 7, 12
	for _, c := range []odds.Counts{nil, {0, 0, 3}, long} {
		text, err := json.Marshal(odds.Holder{Name: "X", Copies: c})
		require.NoError(t, err)
		var got odds.Holder
		require.NoError(t, json.Unmarshal(text, &got))
		assert.Equal(t, c, got.Copies)
	}
	text, err := json.Marshal(long)
	require.NoError(t, err)
	assert.Equal(t, `"0*1000 7*2 0*1997 12"`, string(text))
	for _, bad := range []string{`"0*99999"`, `"x"`, `"1*0"`, `"1*"`, `"3*-2"`} {
		assert.Error(t, json.Unmarshal([]byte(bad), &long), bad)
	}
}

func TestCap(t *testing.T) {
	for _, n := range []int{-1, 0, 3} {
		assert.Zero(t, odds.Cap(n))
	}
	for _, n := range []int{4, 300, 3000, 1_000_000} {
		exact := -math.Log10(1 - math.Pow(0.05, 1/float64(n)))
		assert.LessOrEqual(t, odds.Cap(n), exact)
		assert.InDelta(t, exact, odds.Cap(n), 0.25)
	}
	months := oddstest.Months(time.Date(2016, 1, 31, 0, 0, 0, 0, time.UTC), time.Date(2025, 12, 1, 0, 0, 0, 0, time.UTC))
	require.Len(t, months, 120)
	assert.Equal(t, 25, odds.CellOf(months, time.Date(2018, 2, 28, 23, 0, 0, 0, time.UTC)))
	assert.Equal(t, 0, odds.CellOf(months, time.Time{}))
	assert.Equal(t, 119, odds.CellOf(months, time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)))
}

// In small registries one or two recipients lost all or half of their copies, often of the same persons. Who lost
// copies of two persons is named, and nobody else. One mark in ten did not survive.
func TestThievesOfSmallRegistries(t *testing.T) {
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 1))
		pick := func(of ...float64) float64 { return of[rng.IntN(len(of))] }
		persons, months, recipients := 3+rng.IntN(25), 1+rng.IntN(12), 2+rng.IntN(3)
		first := time.Date(2016, 1, 1, 0, 0, 0, 0, time.UTC)
		c := &odds.Case{FoundKnown: true, Cells: oddstest.Months(first, first.AddDate(0, months-1, 0)), MarkTrials: 3_000_000}
		thieves, part := 1+rng.IntN(2), pick(1, 1, 0.5)
		share, lost := make([]float64, recipients), make([]map[int]bool, recipients)
		for r := range recipients {
			share[r], lost[r] = pick(1, 1, 0.5, 0.3), make(map[int]bool)
			c.Holders = append(c.Holders, odds.Holder{Name: string(rune('A' + r)), Copies: make([]int, months)})
		}
		for upload := range 2 * persons {
			cell, has := rng.IntN(months), make([]bool, recipients)
			c.Cells[cell].Submissions++
			for r := range has {
				if has[r] = rng.Float64() < share[r]; has[r] {
					c.Holders[r].Copies[cell]++
				}
			}
			for thief := range thieves {
				if !has[thief] || rng.Float64() > part {
					continue
				}
				l := odds.Leak{Submission: fmt.Sprint(upload), Cluster: fmt.Sprint(upload / 2), Submitted: c.Cells[cell].From}
				l.Marked = rng.Float64() < 0.9
				for r := range has {
					x := copyOf(c.Holders[r].Name, -20+18*rng.Float64())
					switch {
					case r == thief && l.Marked:
						x.LnE, lost[r][upload/2] = 30, true
					case r == thief:
						x.LnE, x.Miss = -0.2, 0.9
					}
					if has[r] {
						l.Copies = append(l.Copies, x)
					}
				}
				c.Leaks = append(c.Leaks, l)
			}
		}
		want := []string{}
		for r := range lost {
			if len(lost[r]) >= 2 {
				want = append(want, c.Holders[r].Name)
			}
		}
		assert.Equal(t, want, weigh(t, c).Named, seed)
	}
}
