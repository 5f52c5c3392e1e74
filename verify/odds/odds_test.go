package odds_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

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

func spread(months, from, to, each int) []int {
	out := make([]int, months)
	for i := from; i <= to; i++ {
		out[i] = each
	}
	return out
}

func TestDebug(t *testing.T) {
	c := &odds.Case{FoundKnown: true, Cells: registry(120, 1000), MarkTrials: 1_000_000, MatchTrials: 100_000}
	c.Holders = []odds.Holder{
		{Name: "A", Copies: spread(120, 30, 119, 100), Unmarked: spread(120, 25, 25, 1000)},
		{Name: "B", Copies: spread(120, 30, 119, 100)},
		{Name: "C", Copies: spread(120, 30, 119, 100), Unmarked: spread(120, 20, 40, 1000)},
	}
	for i := range 400 {
		l := odds.Leak{Recall: 0.99}
		switch {
		case i < 375:
			l.Submission, l.Cluster = fmt.Sprint(i), fmt.Sprint(i)
			l.Submitted = c.Cells[25].From.Add(time.Hour)
			l.Unmarked = []string{"A", "C"}
		case i < 387:
			l.Submission, l.Cluster = fmt.Sprint(i), fmt.Sprint(i)
			l.Submitted = c.Cells[30+i%70].From.Add(time.Hour)
			l.Copies = []odds.Copy{{Recipient: "A", LnE: 12, Miss: 0.01, Confirmed: true}, {Recipient: "B", LnE: -20, Miss: 0.01, Confirmed: true}}
		}
		c.Leaks = append(c.Leaks, l)
	}
	start := time.Now()
	v, err := odds.Weigh(c)
	require.NoError(t, err)
	out, _ := json.MarshalIndent(v, "", " ")
	t.Log(time.Since(start), string(out))
}
