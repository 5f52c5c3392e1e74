package odds_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/kycmark/kycmark/verify/odds"
)

func big(n, holders int) *odds.Case {
	rng := rand.New(rand.NewPCG(1, 2))
	c := &odds.Case{FoundKnown: true, Cells: registry(120, 100_000), MarkTrials: 1_000_000, MatchTrials: 100_000}
	for h := range holders {
		f := rng.IntN(100)
		c.Holders = append(c.Holders, odds.Holder{Name: fmt.Sprint("h", h), Copies: spread(120, 0, 119, 50_000), Unmarked: spread(120, f, f+rng.IntN(20), 100_000)})
	}
	for i := range n {
		l := odds.Leak{Recall: []float64{0.9, 0.95, 0.99}[rng.IntN(3)]}
		if rng.IntN(10) > 0 {
			k := rng.IntN(120)
			l.Submission, l.Cluster = fmt.Sprint(i), fmt.Sprint(i)
			l.Submitted = c.Cells[k].From.Add(time.Hour)
			for h, x := range c.Holders {
				if x.Unmarked[k] > 0 {
					l.Unmarked = append(l.Unmarked, x.Name)
				}
				if rng.IntN(2) == 0 {
					e := -1 - 10*rng.Float64()
					if h < 2 && rng.IntN(3) == 0 {
						e = 20 * rng.Float64()
					}
					l.Copies = append(l.Copies, odds.Copy{Recipient: x.Name, LnE: e, Miss: 0.3 * rng.Float64(), Confirmed: true})
				}
			}
		}
		c.Leaks = append(c.Leaks, l)
	}
	return c
}

func TestPerf(t *testing.T) {
	for _, k := range [][2]int{{400, 6}, {10000, 6}, {400, 30}} {
		c := big(k[0], k[1])
		s := time.Now()
		v, err := odds.Weigh(c)
		t.Log(k, time.Since(s), err, v.Named, len(v.Hypotheses), c.Size())
	}
}
