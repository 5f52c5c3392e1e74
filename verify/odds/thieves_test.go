package odds_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/kycmark/kycmark/verify/odds"
)

// Thieves that are not drawn from the model's prior. What they leave speaks against no holder who
// lost nothing.

// tiled is a registry of ten years of days. n vendors had its months in turn, each some in a row.
// bounds are the months at which their contracts begin, and the end.
func tiled(rng *rand.Rand, n int) (c *odds.Case, bounds []int) {
	first := time.Date(2016, 1, 1, 0, 0, 0, 0, time.UTC)
	c = &odds.Case{FoundKnown: true, MarkTrials: 3_000_000, MatchTrials: 3_000_000}
	for t := first; t.Year() < 2026; t = t.AddDate(0, 0, 1) {
		c.Cells = append(c.Cells, odds.Cell{From: t, Submissions: 30})
	}
	bounds = []int{0, 120}
	for _, m := range rng.Perm(119)[:n-1] {
		bounds = append(bounds, m+1)
	}
	slices.Sort(bounds)
	for i := range n {
		h := odds.Holder{Name: fmt.Sprint("vendor ", i), Unmarked: make([]int, len(c.Cells))}
		for k := range c.Cells {
			if m := monthOf(c, k); m >= bounds[i] && m < bounds[i+1] {
				h.Unmarked[k] = 30
			}
		}
		c.Holders = append(c.Holders, h)
	}
	return c, bounds
}

// monthOf is the number of the month in which a cell lies, from the first on.
func monthOf(c *odds.Case, cell int) int {
	t := c.Cells[cell].From
	return 12*(t.Year()-2016) + int(t.Month()) - 1
}

// leakOf adds a leak of a day, covered by the custody of all who had that day.
func leakOf(c *odds.Case, cell int) {
	var custody []string
	for _, h := range c.Holders {
		if h.Unmarked[cell] > 0 {
			custody = append(custody, h.Name)
		}
	}
	shows(c, cell, custody...)
}

// blamed is the highest log10 ratio of custody.
func blamed(v *odds.Verdict) float64 {
	top := 0.0
	for _, h := range v.Hypotheses {
		if h.Kind == odds.Custody {
			top = math.Max(top, h.LogLR)
		}
	}
	return top
}

// An insider takes one vendor's folder. That is the likeliest thing to take, and the very data that a
// leak at the vendor leaves: the ratio is at most the number of folders over tau.
func TestThiefOfAFolder(t *testing.T) {
	rng := rand.New(rand.NewPCG(18, 2))
	for _, n := range []int{1, 2, 10, 40} {
		c, bounds := tiled(rng, n)
		v := rng.IntN(n)
		var cells []int
		for k := range c.Cells {
			if m := monthOf(c, k); m >= bounds[v] && m < bounds[v+1] {
				cells = append(cells, k)
			}
		}
		for _, leaks := range []int{20, 300} {
			c.Leaks = nil
			for range leaks {
				leakOf(c, cells[rng.IntN(len(cells))])
			}
			got := weigh(t, c)
			assert.LessOrEqual(t, blamed(got), math.Log10(float64(n)/0.8)+0.01, "%d vendors, %d leaks", n, leaks)
			t.Logf("%d vendors, %d leaks: %.2f", n, leaks, blamed(got))
		}
	}
}

// A thief takes the folder of a vendor with a list of 40 customers of all times, and another source is
// one of four vendors with about the same ten months. The list does not count for more than a folder.
func TestThiefOfASmallFolderBesideLargeOnes(t *testing.T) {
	rng := rand.New(rand.NewPCG(18, 5))
	c, _ := tiled(rng, 1)
	c.Holders = nil
	for i := range 4 {
		h := odds.Holder{Name: fmt.Sprint("wide ", i), Unmarked: make([]int, len(c.Cells))}
		for k := range c.Cells {
			if m := monthOf(c, k); m >= 40-i && m < 50+i {
				h.Unmarked[k] = 30
			}
		}
		c.Holders = append(c.Holders, h)
	}
	list := odds.Holder{Name: "list", Unmarked: make([]int, len(c.Cells))}
	var cells []int
	for range 40 {
		k := rng.IntN(len(c.Cells))
		list.Unmarked[k]++
		cells = append(cells, k)
	}
	c.Holders = append(c.Holders, list)
	for k := 0; len(c.Leaks) < 60; k = (k + 7) % len(c.Cells) {
		if c.Holders[0].Unmarked[k] > 0 {
			shows(c, k, "wide 0", "wide 1", "wide 2", "wide 3")
		}
	}
	for _, k := range cells[:6] {
		custody := []string{"list"}
		for _, h := range c.Holders[:4] {
			if h.Unmarked[k] > 0 {
				custody = append(custody, h.Name)
			}
		}
		shows(c, k, custody...)
	}
	for _, h := range weigh(t, c).Hypotheses {
		if h.Kind == odds.Custody {
			t.Logf("%s: %.2f", h.Holders[0], h.LogLR)
			assert.LessOrEqual(t, h.LogLR, math.Log10(5/0.8)+0.01, h.Holders[0])
		}
	}
}

// An insider takes the days from 5 February to 9 March, or any range of days. Whoever held February
// is not blamed.
func TestThiefOfDays(t *testing.T) {
	rng := rand.New(rand.NewPCG(18, 3))
	c, _ := tiled(rng, 1)
	c.Holders[0].Unmarked = make([]int, len(c.Cells))
	begin := 0
	for k, cell := range c.Cells {
		if monthOf(c, k) == february {
			c.Holders[0].Unmarked[k] = 30
		}
		if cell.From.Equal(time.Date(2018, 2, 5, 0, 0, 0, 0, time.UTC)) {
			begin = k
		}
	}
	for range 60 {
		leakOf(c, begin+rng.IntN(33))
	}
	assert.Less(t, blamed(weigh(t, c)), 1.0, "5 February to 9 March")
	wrong := 0
	for range 60 {
		c, _ := tiled(rng, 6)
		length := int(math.Exp(math.Log(3) + rng.Float64()*math.Log(1825./3)))
		from := rng.IntN(len(c.Cells) - length)
		for range 60 {
			leakOf(c, from+rng.IntN(length))
		}
		if blamed(weigh(t, c)) >= 2 {
			wrong++
		}
	}
	assert.Zero(t, wrong, "of 60 dumps")
}

// Another service had the same customers in the same weeks: 20 of its 400 pictures are files that
// they also sent to us, all of one month.
func TestAnotherService(t *testing.T) {
	rng := rand.New(rand.NewPCG(18, 4))
	for _, n := range []int{1, 60} {
		c, _ := tiled(rng, n)
		c.Holders[0].Unmarked = make([]int, len(c.Cells))
		for k := range c.Cells {
			if monthOf(c, k) == february {
				c.Holders[0].Unmarked[k] = 30
			}
		}
		for k := 0; len(c.Leaks) < 20; k = (k + 7) % len(c.Cells) {
			if monthOf(c, k) == february {
				leakOf(c, k)
			}
		}
		for range 380 {
			c.Leaks = append(c.Leaks, odds.Leak{Recall: 0.99})
		}
		got := weigh(t, c)
		h := of(t, got, odds.Custody, "vendor 0")
		t.Logf("%d vendors: %.2f against %v", n, h.LogLR, h.Strongest)
		assert.Less(t, h.LogLR, 2.0)
	}
}
