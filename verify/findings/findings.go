package findings

import (
	"github.com/kycmark/kycmark/verify/odds"
	"github.com/kycmark/kycmark/watermark"
)

// A Finding is what was found out about one leak. Its JSON is the line that the command prints, and an element of a
// findings file.
type Finding struct {
	File string `json:"file"` // as it was given
	Conclusion
	Strength
	Evidence
	Accused []watermark.CopyID `json:"accused"`        // the confirmed copies; if several copies were read that cannot all be there, all of these, and the finding is Unconfirmed
	Note    string             `json:"note"`           // plain sentences
	Said    []Said             `json:"said,omitempty"` // the sentences of Note
	Error   string             `json:"error,omitempty"`
	Picture
	KeyID string `json:"key_id,omitempty"` // of the mark that was read
	Rows
}

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
	// NotCompared is the number of submissions that leaks show whose originals were not compared
	// with each other.
	NotCompared int `json:"documents_not_compared,omitempty"`
	// Travel says how the confirmed copies travelled, by the record: receipts, and who else had them.
	Travel []Travel `json:"travel,omitempty"`
	// Earlier are the investigations of some of the same files that the ledger has from before.
	Earlier []Earlier `json:"earlier,omitempty"`
	// Published are the investigations of other files that were published before, with the same copies.
	Published []Earlier `json:"published,omitempty"`
	Record    Record    `json:"record"`
}
