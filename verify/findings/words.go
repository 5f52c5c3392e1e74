package findings

import "slices"

// A Kind is the conclusion about one leak in one word.
type Kind string

// Label returns the kind as people read it.
func (k Kind) Label() string {
	if k == FoundUnconfirmed {
		return "copy (unconfirmed)"
	}
	return string(k)
}

// Examined reports whether a file with this finding could be read as a picture.
func (k Kind) Examined() bool {
	switch k {
	case FoundDamaged, FoundUnsupported, FoundUnopened, FoundMissing, FoundNoPicture:
		return false
	}
	return true
}

// Kinds of findings.
const (
	// FoundCopy: the mark of an issued copy was read, or found by tracing, and the picture shows that copy's submission.
	FoundCopy Kind = "copy"
	// FoundUnconfirmed: the mark of an issued copy, on a picture that could not be shown to be of that copy's
	// submission. The mark may have been laid onto it. It counts for no recipient.
	FoundUnconfirmed Kind = "copy-unconfirmed"
	// FoundUnmarked: shows a submission and carries no mark, though one would have been
	// found with a probability of 0.999 at least.
	FoundUnmarked Kind = "unmarked"
	// FoundUnreadable: shows a submission; whether it was marked cannot be said.
	FoundUnreadable Kind = "unreadable"
	// FoundTransplanted: carries an issued copy's mark on another submission, or its ID without the part of the mark
	// that is this copy's alone. It says nothing about that copy's recipient.
	FoundTransplanted Kind = "transplanted"
	// FoundUnissued: carries a mark under one of the keys, with a copy ID that the registry does
	// not list under that key. No mark of an issued copy was found. If the picture also shows a
	// submission, [Conclusion].Submission is set. It says nothing about any recipient.
	FoundUnissued Kind = "unissued"
	// FoundLookalike: the document of a submission in another capture, or with small changes.
	FoundLookalike Kind = "lookalike"
	// FoundIncomplete: may show an upload that could not be compared, since its original is missing,
	// altered or not readable. Nothing follows from the leak.
	FoundIncomplete Kind = "incomplete"
	// FoundUnknown: nothing in the registry matches.
	FoundUnknown Kind = "unknown"
	// FoundDamaged: a picture that could not be decoded.
	FoundDamaged Kind = "damaged"
	// FoundUnsupported: a picture of a format that is not read, or with too many pixels.
	FoundUnsupported Kind = "unsupported"
	// FoundUnopened: an archive or a file that could not be opened or read, such as an
	// encrypted archive. What it holds is not known.
	FoundUnopened Kind = "unopened"
	// FoundMissing: there is no such file.
	FoundMissing Kind = "missing"
	// FoundNoPicture: a file of another kind, such as text. It counts for nothing.
	FoundNoPicture Kind = "no picture"
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
	// PixelsTemplate: the layout of the submission with other detail: another document of its template.
	PixelsTemplate  = "same template"
	PixelsUndecided = "undecided"    // too little to see, or too much hidden
	PixelsUnrelated = "unrelated"    // the pictures do not align
	PixelsUnknown   = "not compared" // the original could not be opened, or was too far down the list
)

// meanings say in one line what each finding means for one picture, in the order of a report. The
// report and the help of the command have these lines.
var meanings = []Meaning{
	{FoundCopy, "carries the invisible mark of an issued copy, and shows the very upload that this copy was made of"},
	{FoundUnconfirmed, "carries the mark of an issued copy, but could not be confirmed to show that copy’s upload: it counts for no recipient"},
	{FoundUnissued, "carries a mark under a key of the registry, with a copy ID that the registry does not list: it counts for no recipient"},
	{FoundUnmarked, "shows an upload and carries no mark under any key that was tried, though a mark would very probably have been found"},
	{FoundUnreadable, "shows an upload; whether it was marked cannot be said"},
	{FoundTransplanted, "carries a mark that belongs to a copy of another upload, or only a part of that mark: it counts for no recipient"},
	{FoundLookalike, "resembles an upload, but is not shown to be the same capture"},
	{FoundIncomplete, "may show an upload whose original, records or registry could not be read: nothing follows"},
	{FoundUnknown, "matches no upload that was searched"},
	{FoundDamaged, "a picture that could not be decoded"},
	{FoundUnsupported, "a picture of a format or size that is not supported"},
	{FoundUnopened, "an archive or a file that could not be opened or read: what it holds is not known"},
	{FoundMissing, "there is no such file"},
	{FoundNoPicture, "a file of another kind, which counts for nothing"},
}

// A Meaning is what a finding means for one picture.
type Meaning struct {
	Kind Kind
	Says string // one line
}

// Meanings returns what each finding means for one picture, in the order of a report.
func Meanings() []Meaning { return slices.Clone(meanings) }

// PixelsRecaptured is the word for two originals that show the same detail with other grain: one
// document that was photographed twice, as far as can be seen.
const PixelsRecaptured = "same detail, other grain"
