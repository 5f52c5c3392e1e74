package findings

import "slices"

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
