package verify

import (
	"time"

	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// A Finding is what is concluded of one leak.
type Finding string

// Findings.
const (
	// FoundCopy: the mark of an issued copy was read, and the picture shows that
	// copy's submission. Where the latter could not be checked the verdict says
	// Unconfirmed: the mark could have been transplanted.
	FoundCopy Finding = "copy"
	// FoundUnmarked: shows a submission and carries no mark, though one would
	// have been seen. Not produced while the power of reading is not measured.
	FoundUnmarked Finding = "unmarked"
	// FoundUnreadable: shows a submission; whether it was marked cannot be said.
	FoundUnreadable Finding = "unreadable"
	// FoundTransplanted: carries an issued copy's mark on another submission. It
	// says nothing about that copy's recipient.
	FoundTransplanted Finding = "transplanted"
	// FoundLookalike: same template or scene as a submission, another capture.
	FoundLookalike Finding = "lookalike"
	// FoundUnknown: nothing in the registry matches.
	FoundUnknown Finding = "unknown"
	// FoundDamaged: could not be decoded.
	FoundDamaged Finding = "damaged"
)

// What the pixels of a leak say of a submission that it resembles.
const (
	PixelsSame = "same" // the same capture, as far as can be seen
	// PixelsPartial: what can be seen is the same, but too little of the original is
	// there to tell it from another document of its template.
	PixelsPartial = "same in part"
	// PixelsAlike: the same document, but for all that can be seen perhaps another
	// capture of it.
	PixelsAlike     = "same document"
	PixelsDifferent = "different"    // aligned, but other detail in places: a lookalike, or edited
	PixelsUndecided = "undecided"    // too little to see, or too much hidden
	PixelsUnrelated = "unrelated"    // the pictures do not align
	PixelsUnknown   = "not compared" // the original could not be opened, or was too far down the list
)

// A Match is a submission that a leak resembles.
type Match struct {
	Submission watermark.Submission `json:"submission"`
	Distance   int                  `json:"distance"`         // of the hashes, bits of 256, nearest of eight orientations
	Region     *Quad                `json:"region,omitempty"` // where it lies in the leak, if it was found as a part
	Pixels     string               `json:"pixels"`           // one of the constants
	Score      *float64             `json:"score"`            // share of the comparable blocks that agree, 0..1; null: not compared
	Submitted  time.Time            `json:"submitted"`        // of the submission

	bare bool // only the hash of the submission was entered
}

// A Verdict is what was found out about one leak. It is a value: its JSON is the
// line that the command prints and what the report carries.
type Verdict struct {
	File        string               `json:"file"`
	Finding     Finding              `json:"finding"`
	Unconfirmed bool                 `json:"unconfirmed,omitempty"`
	Forgeable   bool                 `json:"forgeable,omitempty"` // Unconfirmed for its key alone: it was compromised before the copy was issued
	Submission  watermark.Submission `json:"submission,omitzero"`
	Copy        watermark.CopyID     `json:"copy,omitzero"`
	Recipient   string               `json:"recipient,omitempty"` // of a confirmed copy, see MayName; "" beside all other reads
	Distance    *int                 `json:"distance"`            // of the hashes to Submission, bits of 256; null: not among the matches
	LogP        *float64             `json:"log10_p"`             // of the blind read, search included; null: nothing read
	Power       *float64             `json:"power"`               // null: not measured
	Matches     []Match              `json:"matches"`             // all within the radius, nearest first, and near ones whose pixels align
	Accused     []watermark.CopyID   `json:"accused"`             // the confirmed copy; or all issued ones, Unconfirmed, where several were read in one leak
	Note        string               `json:"note"`                // one plain sentence
	Error       string               `json:"error,omitempty"`
	SHA256      string               `json:"sha256,omitempty"` // of the file, hex
	Size        int64                `json:"size"`             // bytes
	Format      string               `json:"format,omitempty"`
	Decoder     string               `json:"decoder,omitempty"` // name and version
	Width       int                  `json:"width,omitzero"`    // pixels, upright
	Height      int                  `json:"height,omitzero"`
	KeyID       string               `json:"key_id,omitempty"` // of the mark that was read
	Keys        []registry.KeyState  `json:"keys,omitempty"`   // of the copies that were read, in their present state
	Issued      *registry.Copy       `json:"issued,omitempty"` // the registry's row of Copy; only beside Recipient, for it names the same
	Custody     []registry.Custody   `json:"custody,omitempty"`

	marked  string // the recipient of Copy, confirmed or not: counted, not printed beside the leak
	subject string // of Submission: clusters leaks of one person, never printed unless asked
	mosaic  []byte // PNG, too coarse to recognise anybody
	preview []byte // JPEG
}

// Label is the finding as people read it: "copy (unconfirmed)" for unconfirmed copies.
func (v *Verdict) Label() string {
	if v.Unconfirmed {
		return string(v.Finding) + " (unconfirmed)"
	}
	return string(v.Finding)
}

// MayName is the recipient that may stand beside a leak: that of a confirmed copy,
// else "". Marks that were transplanted, or may have been, say nothing about the
// recipients of the copies that they were taken from.
func (v *Verdict) MayName() string {
	if v.Finding != FoundCopy || v.Unconfirmed {
		return ""
	}
	return v.Recipient
}

// matched reports whether the leak shows a submission of the registry.
func (v *Verdict) matched() bool {
	switch v.Finding {
	case FoundUnmarked, FoundUnreadable, FoundTransplanted:
		return true
	case FoundCopy:
		return !v.Unconfirmed || v.Forgeable
	}
	return false
}
