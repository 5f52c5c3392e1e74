package findings

import (
	"slices"

	"github.com/kycmark/kycmark/verify/odds"
)

// A Verdict is what is concluded of a dump as a whole.
type Verdict struct {
	Text
	Tally
	Odds    *odds.Verdict `json:"odds"` // what [odds.Weigh] says of Case; without a window if only named uploads were searched
	Case    *odds.Case    `json:"case"` // all that the odds were computed from
	Of      []int         `json:"of"`   // for each leak of Case its place among the leaks
	History History       `json:"history"`
	// SameDocuments are pairs of the submissions that leaks show whose originals show the same document.
	SameDocuments []SameDocument `json:"same_documents,omitempty"`
	// NotCompared is the number of submissions that leaks show whose originals were not compared with each other.
	NotCompared int `json:"documents_not_compared,omitempty"`
	// Travel says how the confirmed copies travelled, by the record: receipts, and who else had them.
	Travel []Travel `json:"travel,omitempty"`
	// Earlier are the investigations of some of the same files that the ledger has from before.
	Earlier []Earlier `json:"earlier,omitempty"`
	// Published are the investigations of other files that were published before, with the same copies.
	Published []Earlier  `json:"published,omitempty"`
	Record    Record     `json:"record"`
	Findings  []*Finding `json:"-"` // of the leaks, in the order in which they were given
}

// ViewOf returns the view of a leak that a leak of the case is about.
func (d *Verdict) ViewOf(i int) *Finding {
	all := d.Findings[d.Of[i]].Views()
	if k := slices.IndexFunc(all, func(x *Finding) bool { return x.Submission.String() == d.Case.Leaks[i].Submission }); k >= 0 {
		return all[k]
	}
	return all[0]
}

// Readable returns the number of leaks that could be decoded as pictures.
func (d *Verdict) Readable() int {
	n := d.Leaks
	for kind, count := range d.Counts {
		if !Kind(kind).Examined() {
			n -= count
		}
	}
	return n
}
