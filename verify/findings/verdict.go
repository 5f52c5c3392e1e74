package findings

import (
	"slices"
	"time"

	"github.com/kycmark/kycmark/verify/books"
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

// Circumstances are what is known of a dump apart from its files.
type Circumstances struct {
	// Found is when the leaks were found, as the person who examines states it. Custody that was entered later speaks
	// against no holder; it counts for others whatever its date. The zero time: not known, so that no custody speaks
	// against anybody. The ledger keeps the time, and each examination of the same files shows it. Evidence says how it
	// is known (an address, a message), and EvidenceSHA256 is of a file that shows it; both may be empty.
	Found          time.Time
	Evidence       string
	EvidenceSHA256 books.Digest

	// Published says that at Found anybody could take the files where Evidence says; both must be stated. Copies that are
	// confirmed in these files name no recipient anew in other files that are found later, elsewhere.
	Published bool

	// Claimed is how many pictures the holder of the dump claims to have, at most [odds.MaxClaimed] if Drawn; 0: there
	// is no such claim. Drawn says that we drew the dump at random from the claimed pictures. A selection that others
	// made says nothing about the rest.
	Claimed int
	Drawn   bool

	// UploadsPerSubject is how many of the uploads without a subject reference one person has at most. n of them are
	// then of n/UploadsPerSubject persons at least. 0: not known, so that all of them may be of one person.
	UploadsPerSubject int

	// Case is the number of the case, and Examiner the name of the person who examines, as the
	// report states them. Both may be empty.
	Case, Examiner string
}
