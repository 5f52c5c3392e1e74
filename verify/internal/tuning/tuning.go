// Package tuning has the limits and thresholds of an investigation, each with the experiment that fixed it.
package tuning

import (
	"time"

	"github.com/kycmark/kycmark/phash"
)

// This file has every number of the package that was chosen, with its unit. The names of tests, experiments and
// documents say what fixed a number; "chosen" marks a number that no measurement fixed.

// The search, in bits of 256. Within the radius [phash.MatchRadius] all candidates are listed, and the nearest
// MaxCompared are compared by their pixels. Beyond it, up to NearRadius, the nearest MaxNear are compared as well, and
// listed only if the pixels align: a picture that was turned by a degree or clipped in the highlights lies there, and
// so do lookalikes. Once a submission of the same pixels is found, candidates further away by more than ClearGap are
// not compared. docs/matching.md has what the search finds with these numbers.
const (
	MaxCompared = 32
	NearRadius  = 64 // bits
	MaxNear     = 8
	ClearGap    = 16 // bits

	// MaxParts is the number of submissions found by their parts that are compared by their
	// pixels. Of one template there may be thousands; what is rarest in the leak comes first.
	MaxParts = 16
	// ClearScore is the share of the [parts.Match.Score] of a submission of the same pixels under which
	// another submission at the same place is not compared. Of 12 leaks of an identity card, in a registry of
	// 20 of one template, others had 0.46 at most. A second upload of the same file has 1.
	ClearScore = 0.5
	// MaxPartNFA is the log10 of the number of false alarms up to which local features bring up a
	// control: the limit of [parts.Match] that a search has by default.
	MaxPartNFA = -1
	// PartMargin is the share of a matched region by which more of the leak is compared:
	// features fix its corners to a few pixels. Chosen.
	PartMargin = 0.05

	// SureWithoutPixels is the distance in bits up to which a hash alone shows a submission positively, if the
	// originals cannot be opened. Between documents of 60 persons on each of the five specimen templates it was 18 at
	// least, and up to 31 in 2 of 100 pairs (TestHashesOfOnePersonsDocument holds the rule on a third of them).
	SureWithoutPixels = 10

	// PartsUpTo is the number of uploads from which local features are not read, so that only whole
	// pictures are found: the features of 20 million take 80 GB of memory.
	PartsUpTo = 20_000_000
	// BulkFeatures is the number of uploads whose features are indexed at once, 4 kB each. Of 30,000 uploads with 200
	// features each takes 11 µs, one by one 18 µs; BenchmarkBuild of package parts has uploads with 50.
	BulkFeatures = 1 << 15
)

// What pixels say.
const (
	// MinAligned is the share of the textured blocks that agree if two pictures align at all.
	// Blocks whose ink is missing in the leak do not agree. Receipts of two shops reach 0.45,
	// because lines of print lie at like distances ("match strangers", docs/matching.md).
	MinAligned        = 0.5
	MinAlignedQuality = 0.4 // quality of the registration, 0..1, if two pictures align at all; chosen
	// A leak with other text in MinExchanged blocks or more is another document of the template. It is a lookalike only
	// if the share MinTwin of the textured blocks agrees. Other persons' specimens have 14 such blocks or more and a
	// share of 0.67 to 0.90 (26 of 30 pairs; of bills 3 have 1 block). Other captures of one card that count as other
	// text have none (2 of 30). Receipts of one shop have 7 to 35 blocks, and 0.5 to 0.9.
	MinExchanged = 5
	MinTwin      = 0.92

	// MinShown is the share of the original that must be seen before a picture counts as the
	// same capture. Documents of one template share their print: thirds of another person's
	// bill agree in every comparable block (TestTemplatePartsConfirmNothing), and a forger who
	// plants a mark chooses the part. A part of more than half leaves less choice.
	MinShown = 0.6
)

// Tracing.
const (
	// TraceLevel is the false-positive rate below which a copy counts as found in a leak. The
	// rate is over all copies of all submissions that the leak is traced against.
	TraceLevel = 1e-9
	// MinReadScore is the score of tracing, [findings.Tracing].Expected, from which on reading alone finds a mark too. Chosen: about six
	// times what an accusation by tracing takes.
	MinReadScore = 40
	// SiblingLevel is the same, in addition, for siblings of the upload shown, and for what lies beside it: little. Chosen.
	SiblingLevel = 1e-12
	// MaxSiblings is the max of uploads compared with the upload that a leak shows, to find its siblings. Chosen.
	MaxSiblings = 6
	// KnownPlace and KnownInliers are log10 of the false alarms and the features of a place that follows from two registrations: more
	// than [register.Original.Find] asks for. Chosen.
	KnownPlace   = -400
	KnownInliers = 100
	// MinPower is the minimum power, 0..1, at which the absence of a mark counts.
	MinPower = 0.999
	// MaxTraced is the maximum number of submissions that a leak is traced against: submissions of the copies that were
	// read, and submissions that the leak shows or resembles. Chosen.
	MaxTraced = 3
	// MaxApart is that maximum on a sheet of several pictures: 3 x 3. Chosen.
	MaxApart = 9
	// MaxOverlap is the share of the smaller of two regions that both may cover and still be two
	// places. Chosen: regions are bounds of corners that are known to a pixel or two.
	MaxOverlap = 0.05
	// MinRest is the min area of what lies beside an upload in a leak, as a share of the upload's area. In less the
	// upload is not looked for once more. Chosen: most bars of screenshots are smaller.
	MinRest = 0.5
	// MinStrip is the min side of what is examined beside an upload, pixels. Chosen: copies were traced down to it.
	MinStrip = 100
	// MinSeen is the min side of what else a leak shows, pixels, from which it may carry a mark. Chosen: none was traced below 90.
	MinSeen = 64
	// MinBeside is the min side of an upload in a leak, pixels, beside which the same upload is found. Chosen: at 180 it is missed (TestSameUploadBesideASmallCopy).
	MinBeside = 360
	// MinWhole is the min share of the expected score that the copies found in a leak reach together. With less, a
	// part of the leak comes from elsewhere. Experiment: TestPartOfACopy of package verify.
	MinWhole = 0.7
	// MinReturned is the min area of an upload in a leak that may derive from it, over that of the copy's own
	// upload. Chosen: places are known to a pixel or two.
	MinReturned = 0.9
	// Reversed is the score of a copy's own part from which on downwards the leak has that part with the opposite sign:
	// the probability is exp(-32) at most for a copy that was not used.
	Reversed = -8
	// Another is the score of a copy from which on the leak may have a part of it, though too little to be found. A copy that
	// was not used has that score with a probability of 3e-7.
	Another = 5
	// FlatShare is the min share of pixels of one colour in a row or column between the pictures of a gallery. Chosen.
	FlatShare = 0.9
)

// Controls.
const (
	// DefaultReferences is the number of controls of a dump unless [verify.Config] says otherwise. The
	// local features of a leak take a quarter of a second of processor time, once. Each control
	// that shows something of the leak takes about a third of a second more.
	DefaultReferences    = 20
	DefaultEach          = 4     // controls of one leak, at most, by default
	MaxReferences        = 1_000 // controls of one leak, at most
	MaxReferencesOfADump = 1_000_000

	// MaxChance is the maximum probability that chance gives all parts of marks of a dump, for these to refute a claim. Chosen.
	MaxChance = 1e-3
	// FalseRead bounds the probability that a picture without a mark of a key is read as marked
	// under that key with any ID: 4 checks of 32 bits (docs/falsepositives.md).
	FalseRead = 9.3e-10

	// DecoyCopies is how many copies that were never issued are scored in a leak. A thousand take a tenth of a second.
	DecoyCopies = 1000
)

// Two uploads of one document (TestSameDocumentStudy).
const (
	// MaxDocuments is the number of submissions of a dump whose originals are compared with each
	// other. Each takes about a second of processor time. Chosen.
	MaxDocuments = 500
	// MaxDocumentPages is the same of pages. The first pages are compared in any case. Chosen.
	MaxDocumentPages = 1000
	// MaxDocumentNFA is the log10 of the number of false alarms of [parts.Match] above which two
	// originals are not compared. Two captures of one document had -350 or less in one of both
	// directions, two persons' cards of one template -115 to -218.
	MaxDocumentNFA = -200
	// MaxPortraitNFA is the same for an upload that covers less than [MinRest] of the other. Four portraits of 340 to 360 pixels,
	// cut out of photographs of 1,200 to 2,000, had -16 to -56 (TestUploadThatIsPartOfAnother has -56).
	MaxPortraitNFA = -10
	// MinDocumentScore is the min share of the comparable blocks that must agree in two captures of
	// one document. Two persons' bills reach 0.98, but have exchanged blocks.
	MinDocumentScore = 0.94
)

// The case of a dump.
const (
	// MaxUnconfirmed is the maximum natural logarithm of the e-value of a copy that the leak is
	// not found to be. It is below the limit (ln 1,000) from which a copy counts towards a name.
	MaxUnconfirmed = 6.9
	// SameFile is the natural logarithm of the e-value of a copy whose file the leak is: ln 2^128, the number of files
	// that must be made to find two with one SHA-256 (NIST SP 800-107). Package odds lowers it.
	SameFile = 88.722839
)

// Trials that validated the code without a false identification. Each is a unit, so they bound a rate of errors.
const (
	// MarkTrials is the number of real pictures that were marked, each under one of 30 keys, leaked
	// through one attack, traced against 1,000 copies and read blind ("kycmark-bench units"). No other
	// copy was found and no other ID read, also in the upload leaked the same way. It caps every likelihood ratio: see [odds.Case].
	MarkTrials = TrialsOfThings + TrialsOfCameras + TrialsOfPeople + TrialsOfReceipts

	TrialsOfThings, TrialsOfCameras, TrialsOfPeople, TrialsOfReceipts = 439, 222, 98, 153

	// MaxPower is the maximum power that is stated: 3 in 629 bounds the rate of misses, since no mark
	// was missed in so many pictures with a power of MinPower ("kycmark-bench units").
	MaxPower = 1 - 3.0/629
)

// Sizes and limits; chosen.
const (
	DefaultMaxFiles = 2_000_000 // of a dump; one archive may have half
	MaxAgainst      = 1_000     // submissions in [verify.Options].Against
	MaxPDF          = 4         // times MaxBytes of [verify.Config] that a PDF may have, which holds many pictures
	MaxLooked       = 16        // pictures in another picture's file that are compared with it. Chosen: a comparison takes up to a second
	CachedBytes     = 128 << 20 // of originals that are kept, about: five of 2 megapixels each, or one of 12. At least so many
	CachedShare     = 16        // one of so many parts of the memory of pictures, for originals that are kept: opening one takes a third of a leak's time
	PreparedBytes   = 12 << 20  // of an original beyond its pixels: canonical renditions, features, what a tracer keeps
	MosaicSide      = 9         // fields of a mosaic's long side: enough to tell pictures apart, not persons
	PreviewSide     = 240       // pixels of a preview's long side
	OpenedPixel     = 6         // bytes a pixel that an upload takes when it was decoded
)

// Dates. Custody that was entered less than LateEntry before the stated find is marked on the first
// page: a leak may be known in a company for weeks before it is examined. Chosen.
const LateEntry = 30 * 24 * time.Hour

// Searched is the kind of hash by which submissions are found.
const Searched = phash.Area
