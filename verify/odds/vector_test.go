package odds_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/oddstest"
	"github.com/kycmark/kycmark/verify/odds"
)

// pinned is a dump made of integers alone, of every kind of source.
func pinned() *odds.Case {
	first := time.Date(2016, 1, 1, 0, 0, 0, 0, time.UTC)
	c := &odds.Case{FoundKnown: true, Cells: oddstest.Months(first, first.AddDate(0, 59, 0)), MarkTrials: 1_256_742}
	for k := range c.Cells {
		c.Cells[k].Submissions = 300 + k*k%97
	}
	for h := range 4 {
		x := odds.Holder{Name: fmt.Sprint("holder ", h), Copies: make([]int, 60), Unmarked: make([]int, 60)}
		for k := range 60 {
			if k >= 10*h {
				x.Copies[k] = 30 + 7*h
			}
			if k >= 20+2*h && k <= 30-h {
				x.Unmarked[k] = c.Cells[k].Submissions
			}
		}
		c.Holders = append(c.Holders, x)
	}
	for i := range 90 {
		l := odds.Leak{}
		if i%9 != 0 {
			k := 22 + i%7
			if i%4 == 0 {
				k = 30 + i%29
			}
			l.Submission, l.Cluster, l.Submitted = fmt.Sprint(i), fmt.Sprint(i/2), c.Cells[k].From
			for h, x := range c.Holders {
				if x.Unmarked[k] > 0 {
					l.Unmarked = append(l.Unmarked, x.Name)
				}
				if x.Copies[k] > 0 && i%4 == 0 {
					e := odds.Copy{ID: fmt.Sprint(h, i), Recipient: x.Name, LnE: float64(-3 * (h + i%3)), Miss: float64(1+i%5) / 64, Confirmed: true}
					if h == 2 && i%8 == 0 {
						e.LnE = float64(i % 31)
					}
					l.Copies = append(l.Copies, e)
				}
			}
		}
		c.Leaks = append(c.Leaks, l)
	}
	return c
}

// A verdict is the same to the bit on every processor. GOAMD64=v3 fuses products and sums as arm64 does.
func TestVerdictVector(t *testing.T) {
	v, err := odds.Weigh(pinned())
	require.NoError(t, err)
	text, err := json.Marshal(v)
	require.NoError(t, err)
	digest := sha256.Sum256(text)
	require.Equal(t, "85e11e438d1781372e0e33dc553e2f1ada90745abc62da4999f0130c473dad5f", hex.EncodeToString(digest[:]), "the verdict: %s", text)
}
