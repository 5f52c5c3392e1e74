package spectrum

// This file has the numbers of the room that were chosen, with their units and what fixed
// them: tuned together with package blind.

// Values of a peak map, in robust standard deviations.
const (
	peakMin = -3
	peakCap = 8   // at which values are cut
	CapLow  = 3.5 // the same for the maps of most searches
)

// fadedShare is the share of a field's side over which each edge is faded out. A window over the whole side takes 1.8 dB
// of the pilots. In 55 of 72 renditions (24 pictures at 240 px, JPEG 10, HEIC 25) the true similarity was among the
// eight best. With that window it was in 43, with a 50th in 56, with a 10th in 52. "kycmark-bench listed" says what is read.
const fadedShare = 0.05

// Steps of rotation (radians) and of ln scale: the smaller what is looked at, the wider its peaks.
const (
	FineStep   = 0.0035 // over the whole frame
	SmallStep  = 0.008  // over its small rendition
	CoarseStep = 0.012  // over parts of it
)

const (
	minSum      = 2 // standardised sum over the pilots from which a similarity is worth a look
	summitApart = 4 // rows and columns within which the greatest sum alone is a summit
	muteReach   = 4 // bins around a pilot that are levelled once its mark was read
)

// The search for perspective, see Parts. 14 drawn photographs of screens were not read without it, though their code was 3 to 10 dB
// louder than reading needs: 11 of them are read. So are 16 of 20 others (other seeds, and the twenty pictures of bench/results).
// With perspective of up to 0.16 it is 10 and 16, but of ten leaks with a strong keystone 2 are read for 4. 0.32 reads no more.
const (
	tiltStep      = 0.07 // of perspective, a long side
	tiltMax       = 0.25 // the same
	deviationStep = 0.03 // of linear maps from a similarity
	deviationMax  = 0.068
	polarEdge     = 20 // radii by which a part may differ from the middle: 0.24 of ln scale

	// The mean of the parts is cut where a mark seldom goes, in robust deviations of one part: texture that repeats is in all.
	jointMin = -0.7
	jointMax = 1.3
)
