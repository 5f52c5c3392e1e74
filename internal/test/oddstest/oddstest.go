// Package oddstest makes cells of time for cases of tests and of the bench.
package oddstest

import (
	"time"

	"github.com/kycmark/kycmark/verify/odds"
)

// Months returns the calendar months of UTC from the month of first to the month of last, at most [odds.MaxCells], as
// cells without counts. It returns nil if last lies before the month of first.
func Months(first, last time.Time) []odds.Cell {
	first, last = first.UTC(), last.UTC()
	var out []odds.Cell
	for y, m := first.Year(), first.Month(); len(out) < odds.MaxCells; m++ {
		from := time.Date(y, m, 1, 0, 0, 0, 0, time.UTC)
		if from.After(last) {
			break
		}
		out = append(out, odds.Cell{From: from})
	}
	return out
}
