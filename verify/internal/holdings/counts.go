// Package holdings counts what each recipient of a registry had, by days.
package holdings

import (
	"time"

	"github.com/kycmark/kycmark/verify/books"
)

// Holdings counts the submissions that a leak can be matched with, and how many of them each
// recipient had, by days. Submitted and Issued count all submissions and copies.
type Holdings struct {
	Days        []time.Time      // with submissions, erased ones too: their begins, UTC, ascending
	Submissions []int            // by day, like the counts by recipient
	Copies      map[string][]int // by recipient: submissions issued to it as a marked copy
	Unmarked    map[string][]int // by recipient: submissions that it could hold unmarked

	Submitted []books.Issued            // all submissions, erased ones too, by days of UTC
	Issued    map[string][]books.Issued // by recipient: copies, of erased ones too, by the day of their issue
	Facts     []books.Custody           // the facts that count, in the order of entry
}

// Extend lengthens the counts to a number of days with zeros, as no submission counts on them. Days is left as it is.
func (h *Holdings) Extend(days int) {
	extend := func(counts []int) []int { return append(counts, make([]int, max(0, days-len(counts)))...) }
	h.Submissions = extend(h.Submissions)
	for _, by := range []map[string][]int{h.Copies, h.Unmarked} {
		for name, counts := range by {
			by[name] = extend(counts)
		}
	}
}
