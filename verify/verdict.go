package verify

import (
	"slices"

	"github.com/kycmark/kycmark/verify/internal/findings"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// A Finding is what is concluded of one leak.
type Finding = findings.Finding

// Findings.
const (
	// FoundCopy: the mark of an issued copy was read, or found by tracing, and the
	// picture shows that copy's submission. If the picture could not be shown to do that, the
	// verdict is Unconfirmed: the mark could have been transplanted.
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
	// FoundUnissued: carries a mark under one of the keys, with a copy ID that the registry does
	// not list under that key. No mark of an issued copy was found. If the picture also shows a
	// submission, [Verdict].Submission is set. It says nothing about any recipient.
	FoundUnissued Finding = "unissued"
	// FoundLookalike: the document of a submission in another capture, or with small changes.
	FoundLookalike Finding = "lookalike"
	// FoundIncomplete: may show an upload that could not be compared, since its original is missing,
	// altered or not readable. Nothing follows from the leak.
	FoundIncomplete Finding = "incomplete"
	// FoundUnknown: nothing in the registry matches.
	FoundUnknown Finding = "unknown"
	// FoundDamaged: a picture that could not be decoded.
	FoundDamaged Finding = "damaged"
	// FoundUnsupported: a picture of a format that is not read, or with too many pixels.
	FoundUnsupported Finding = "unsupported"
	// FoundUnopened: an archive or a file that could not be opened or read, such as an
	// encrypted archive. What it holds is not known.
	FoundUnopened Finding = "unopened"
	// FoundMissing: there is no such file.
	FoundMissing Finding = "missing"
	// FoundNoPicture: a file of another kind, such as text. It counts for nothing.
	FoundNoPicture Finding = "no picture"
)

// What the pixels of a leak say of a submission that it resembles.
const (
	PixelsSame = "same" // the same capture, as far as can be seen
	// PixelsAltered: the same capture, except in the few places that [Match].Altered lists.
	PixelsAltered = "same, altered"
	// PixelsPartial: what can be seen is the same, but too little of the original is
	// there to tell it from another document of its template.
	PixelsPartial = "same in part"
	// PixelsAlike: the same document, perhaps in another capture.
	PixelsAlike = "same document"
	// PixelsEdges: a black and white picture with the edges of the submission, in its frame. Nothing else of it is left.
	PixelsEdges = "same edges"
	// PixelsPage: a page that a computer made, of the submission's template. Either the fields in [Match].Altered differ, or
	// not all of the page can be read. Only fields tell such a page from another customer's.
	PixelsPage = "same page"
	// PixelsSharper: the same capture with more real detail than the submission has. The leak does not derive from it.
	PixelsSharper   = "sharper"
	PixelsDifferent = "different" // aligned, but other detail in places: a lookalike, or edited
	// PixelsTemplate: the layout of the submission with other detail: another document of its
	// template.
	PixelsTemplate  = "same template"
	PixelsUndecided = "undecided"    // too little to see, or too much hidden
	PixelsUnrelated = "unrelated"    // the pictures do not align
	PixelsUnknown   = "not compared" // the original could not be opened, or was too far down the list
)

// The parts of a verdict, which its JSON holds side by side.
type (
	// A Match is a submission that a leak resembles.
	Match = findings.Match
	// A Tracing is the result of tracing a leak against one original.
	Tracing = findings.Tracing
	// An Edit is a region in which a leak shows something else than its original.
	Edit = findings.Edit
)

// A Verdict is what was found out about one leak. It is a value: its JSON is the line
// that the command prints and an element of a findings file. Conclusion, Strength,
// Accused, Note and KeyID follow from Evidence, Picture and Rows: see [Verdict.conclude].
type Verdict struct {
	File string `json:"file"`
	findings.Conclusion
	findings.Strength
	findings.Evidence
	Accused []watermark.CopyID `json:"accused"`        // the confirmed copies; if several copies were read that cannot all be there, all of these, and the verdict is Unconfirmed
	Note    string             `json:"note"`           // plain sentences
	Said    []findings.Said    `json:"said,omitempty"` // the sentences of Note
	Error   string             `json:"error,omitempty"`
	findings.Picture
	KeyID string `json:"key_id,omitempty"` // of the mark that was read
	findings.Rows

	found   []registry.Copy                 // the registry's rows of all copies that were read, confirmed or not; nil after reading from JSON
	marked  []string                        // recipients of the copies that were read, confirmed or not: counted, never printed beside the leak
	subject string                          // of Submission: clusters the leaks of one person, and is printed only on request
	others  map[watermark.Submission]string // the same of the submissions in Beside
	leak    look                            // of the file
	upload  look                            // of the original of Submission
}

// Examined reports whether the file could be read as a picture. If not, the finding says why.
func (v *Verdict) Examined() bool {
	return !slices.Contains(notExamined, v.Finding)
}

// Label returns the finding as people read it. [findings.Tally].Counts counts leaks by it.
func (v *Verdict) Label() string {
	if v.Unconfirmed {
		return string(v.Finding) + " (unconfirmed)"
	}
	return string(v.Finding)
}

// Mark says how the mark of the leak was found. The p of a single leak is left out: it is far smaller than trials can
// bear out.
func (v *Verdict) Mark() string {
	traced := v.foundByTrace()
	switch {
	case traced && v.BlindLogP != nil:
		return "read and traced"
	case traced:
		return "traced"
	case v.BlindLogP != nil:
		return "read"
	}
	return ""
}

// MayName returns the recipient that may be named beside a leak: of its confirmed copy, of several the strongest.
// Marks that were or may have been transplanted say nothing about recipients.
func (v *Verdict) MayName() string {
	if names := v.MayNames(); len(names) > 0 {
		return names[0]
	}
	return ""
}

// MayNames returns the recipients of all confirmed copies, each once, strongest first.
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

// confirmedCopies returns the confirmed copies in leaks, each once.
func confirmedCopies(leaks []*Verdict) (out []registry.Copy) {
	once := make(map[watermark.CopyID]bool)
	for _, l := range leaks {
		if l.MayName() == "" {
			continue
		}
		for _, c := range l.Issued {
			if !once[c.ID] {
				once[c.ID] = true
				out = append(out, c)
			}
		}
	}
	return out
}

// damaged reports whether the leak carries a part of a mark, and no copy was found: it speaks for and against no
// recipient or holder.
func (v *Verdict) damaged() bool {
	return v.Finding == FoundUnreadable && len(v.Reads) == 0 && marked(traceOf(v.Traces, v.Submission))
}

// Weighed reports whether the leak counts in a dump's verdict, and among the pictures that are claimed. Leaks that
// say nothing about where pictures came from do not count. A mark that the registry does not list counts only if the
// picture shows a submission.
func (v *Verdict) Weighed() bool {
	switch v.Finding {
	case FoundLookalike, FoundIncomplete:
		return false
	case FoundCopy, FoundUnissued:
		return v.matched()
	}
	return v.Examined()
}

// restsOnRecords reports whether the registry's records of recipients, custody and investigations concern the leak.
func (v *Verdict) restsOnRecords() bool { return v.matched() || len(v.Reads) > 0 }

// withoutRecords returns what is left of a verdict if the registry's records cannot be read.
func (v *Verdict) withoutRecords(g given) *Verdict {
	out := &Verdict{File: v.File, Picture: v.Picture, leak: v.leak}
	out.Pages, out.Searched = v.Pages, v.Searched
	out.conclude(v.evidence(g).damaged())
	return out
}

// matched reports whether the leak counts as showing v.Submission. An unconfirmed copy for other reasons than its key
// or its state does not match, although its Submission is set.
func (v *Verdict) matched() bool {
	switch v.Finding {
	case FoundUnmarked, FoundUnreadable, FoundTransplanted:
		return true
	case FoundCopy:
		return !v.Unconfirmed || v.Forgeable || v.Void
	case FoundUnissued:
		return v.Submission != watermark.Submission{}
	}
	return false
}
