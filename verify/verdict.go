package verify

import (
	"time"

	"github.com/kycmark/kycmark/watermark"
)

// A Finding is what is concluded of one leak.
type Finding string

// Findings.
const (
	// FoundCopy: the mark of an issued copy was read, and the picture shows that
	// copy's submission. Where the latter could not be checked the verdict says
	// Unconfirmed.
	FoundCopy Finding = "copy"
	// FoundUnmarked: shows a submission and carries no mark, though one would
	// have been seen. Not produced while the power of reading is not measured.
	FoundUnmarked Finding = "unmarked"
	// FoundUnreadable: shows a submission; whether it was marked cannot be said.
	FoundUnreadable Finding = "unreadable"
	// FoundTransplanted: carries an issued copy's mark on another submission.
	FoundTransplanted Finding = "transplanted"
	// FoundLookalike: same template or scene as a submission, another capture.
	FoundLookalike Finding = "lookalike"
	// FoundUnknown: nothing in the registry matches.
	FoundUnknown Finding = "unknown"
	// FoundDamaged: could not be decoded.
	FoundDamaged Finding = "damaged"
)

// A Match is a submission that a leak resembles.
type Match struct {
	Submission watermark.Submission `json:"submission"`
	Distance   int                  `json:"distance"`         // bits of 256, nearest of eight orientations
	Score      *float64             `json:"score"`            // agreement of the pixels, 0..1; null: not compared
	Same       bool                 `json:"same"`             // the pixels are of the same capture
	Submitted  time.Time            `json:"submitted"`        // of the submission
	Reason     string               `json:"reason,omitempty"` // why the pixels were not compared
}

// A Verdict is what was found out about one leak. It is a value: its JSON is the
// line that the command prints and what the report carries.
type Verdict struct {
	File        string               `json:"file"`
	Finding     Finding              `json:"finding"`
	Unconfirmed bool                 `json:"unconfirmed,omitempty"`
	Submission  watermark.Submission `json:"submission,omitzero"`
	Copy        watermark.CopyID     `json:"copy,omitzero"`
	Recipient   string               `json:"recipient,omitempty"`
	Distance    *int                 `json:"distance"`          // to Submission, bits of 256; null: matched otherwise or not at all
	LogP        *float64             `json:"log10_p"`           // of the blind read, search included; null: nothing read
	Power       *float64             `json:"power"`             // null: not measured
	Matches     []Match              `json:"matches"`           // all within the radius, nearest first
	Accused     []watermark.CopyID   `json:"accused"`           // confirmed copies only
	Note        string               `json:"note"`              // one plain sentence
	Error       string               `json:"error,omitempty"`   // why it is damaged
	SHA256      string               `json:"sha256,omitempty"`  // of the file, hex
	Size        int64                `json:"size"`              // bytes
	Format      string               `json:"format,omitempty"`  // "jpeg", …
	Decoder     string               `json:"decoder,omitempty"` // name and version
	Width       int                  `json:"width,omitzero"`    // pixels, upright
	Height      int                  `json:"height,omitzero"`
	Issued      *Copy                `json:"issued,omitempty"`  // the ledger's row of Copy
	Custody     []Custody            `json:"custody,omitempty"` // who could hold Submission unmarked
}

// Label is the finding as people read it: "copy (unconfirmed)" for unconfirmed copies.
func (v *Verdict) Label() string {
	if v.Unconfirmed {
		return string(v.Finding) + " (unconfirmed)"
	}
	return string(v.Finding)
}
