package verify

import (
	"slices"
	"time"

	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// A Finding is what is concluded of one leak.
type Finding string

// Findings.
const (
	// FoundCopy: the mark of an issued copy was read, or found by tracing, and the
	// picture shows that copy's submission. Where the latter could not be checked the verdict says
	// Unconfirmed: the mark could have been transplanted.
	FoundCopy Finding = "copy"
	// FoundUnmarked: shows a submission and carries no mark, though one would have been
	// found with a probability of 0.999 at least.
	FoundUnmarked Finding = "unmarked"
	// FoundUnreadable: shows a submission; whether it was marked cannot be said.
	FoundUnreadable Finding = "unreadable"
	// FoundTransplanted: carries an issued copy's mark on another submission, or its ID
	// without the part of the mark that is this copy's alone. It says nothing about that
	// copy's recipient.
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
	Distance   int                  `json:"distance"`            // of the hashes, bits of 256, nearest of eight orientations
	Region     *Quad                `json:"region,omitempty"`    // where it lies in the leak, if it was found as a part
	Pixels     string               `json:"pixels"`              // one of the constants
	Score      *float64             `json:"score"`               // share of the comparable blocks that agree, 0..1; null: not compared
	Submitted  time.Time            `json:"submitted"`           // of the submission
	HashOnly   bool                 `json:"hash_only,omitempty"` // of the submission its hash alone was entered
}

// A Verdict is what was found out about one leak. It is a value: its JSON is the
// line that the command prints and what the report carries.
type Verdict struct {
	File        string               `json:"file"`
	Finding     Finding              `json:"finding"`
	Unconfirmed bool                 `json:"unconfirmed,omitempty"`
	Forgeable   bool                 `json:"forgeable,omitempty"` // Unconfirmed for its key alone: it was compromised before the copy was issued
	Submission  watermark.Submission `json:"submission,omitzero"`
	Submitted   time.Time            `json:"submitted,omitzero"` // of Submission, where the leak shows it
	Cluster     string               `json:"cluster,omitempty"`  // numbers the subject of Submission within a dump: [Investigator.Weigh] sets it
	Copy        watermark.CopyID     `json:"copy,omitzero"`
	Recipient   string               `json:"recipient,omitempty"`  // of a confirmed copy, see MayName; "" beside all other reads
	Distance    *int                 `json:"distance"`             // of the hashes to Submission, bits of 256; null: not among the matches
	LogP        *float64             `json:"log10_p"`              // the less of the next two where tracing found the mark, else the first; null: no mark
	BlindLogP   *float64             `json:"blind_log10_p"`        // of the blind read, search included; null: nothing read
	TraceLogP   *float64             `json:"trace_log10_p"`        // of the same copy, traced, corrected for the number of copies; null: not traced
	Power       *float64             `json:"power"`                // of tracing against Submission: that a mark would have been found; null: not traced
	Edits       []Edit               `json:"edits"`                // where the leak shows something else than Submission
	Traces      []Tracing            `json:"traces"`               // against each submission that it was traced against
	Reads       []Reading            `json:"reads,omitempty"`      // all marks that were read, or found by tracing
	TooFlat     bool                 `json:"too_flat,omitempty"`   // shows too little for its hash to be searched
	Searched    *Searched            `json:"searched,omitempty"`   // what the search went by; nil: there was none
	Recall      *Recall              `json:"recall,omitempty"`     // of the search, for leaks like this one; nil: the finding is another than unknown, or it was not searched
	Matches     []Match              `json:"matches"`              // all within the radius, nearest first, and near ones whose pixels align
	References  []Reference          `json:"references,omitempty"` // uploads of other subjects that the leak was held against for comparison
	Accused     []watermark.CopyID   `json:"accused"`              // the confirmed copies; or all issued ones, Unconfirmed, where several were read in one leak and cannot all be there
	Note        string               `json:"note"`                 // plain sentences
	Error       string               `json:"error,omitempty"`
	SHA256      string               `json:"sha256,omitempty"` // of the file, hex
	Size        int64                `json:"size"`             // bytes
	Format      string               `json:"format,omitempty"`
	Decoder     string               `json:"decoder,omitempty"` // name and version
	Width       int                  `json:"width,omitzero"`    // pixels, upright
	Height      int                  `json:"height,omitzero"`
	Pages       int                  `json:"pages,omitempty"`  // of the file, or frames, of which only the first was examined; 0: it has one
	KeyID       string               `json:"key_id,omitempty"` // of the mark that was read
	Keys        []registry.KeyState  `json:"keys,omitempty"`   // of the copies that were read, in their present state
	Issued      []registry.Copy      `json:"issued,omitempty"` // the registry's rows of the confirmed copies
	Custody     []registry.Custody   `json:"custody,omitempty"`

	marked  []string // the recipients of the copies found, confirmed or not: counted, not printed beside the leak
	subject string   // of Submission: clusters leaks of one person, never printed unless asked
	mosaic  []byte   // PNG, too coarse to recognise anybody
	preview []byte   // JPEG
}

// Label is the finding as people read it: "copy (unconfirmed)" for unconfirmed copies.
func (v *Verdict) Label() string {
	if v.Unconfirmed {
		return string(v.Finding) + " (unconfirmed)"
	}
	return string(v.Finding)
}

// MayName is the recipient that may stand beside a leak: that of a confirmed copy,
// else ""; where several are merged in it, that of the strongest. Marks that were
// transplanted, or may have been, say nothing about the recipients of the copies that
// they were taken from.
func (v *Verdict) MayName() string {
	if names := v.MayNames(); len(names) > 0 {
		return names[0]
	}
	return ""
}

// MayNames are the recipients of all confirmed copies, each once, strongest first.
func (v *Verdict) MayNames() []string {
	if v.Finding != FoundCopy || v.Unconfirmed {
		return nil
	}
	var names []string
	for _, c := range v.Issued {
		if !slices.Contains(names, c.Recipient) {
			names = append(names, c.Recipient)
		}
	}
	if len(names) == 0 && v.Recipient != "" {
		names = append(names, v.Recipient)
	}
	return names
}

// Weighed reports whether the leak counts in a dump's verdict and among the pictures that
// somebody claims to have. What says nothing of where pictures came from does not: damaged
// files, marks that are not confirmed, and lookalikes, which may be other captures or
// ours, turned or cut.
func (v *Verdict) Weighed() bool {
	switch v.Finding {
	case FoundDamaged, FoundLookalike:
		return false
	}
	return v.Finding != FoundCopy || v.matched()
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
