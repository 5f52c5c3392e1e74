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

// Steps of rotation (radians) and of ln scale: the smaller what is looked at, the wider its
// peaks.
const (
	FineStep   = 0.0035 // over the whole frame
	SmallStep  = 0.008  // over its small rendition
	CoarseStep = 0.012  // over parts of it
)

const (
	minSum        = 2    // standardised sum over the pilots from which a similarity is worth a look
	summitApart   = 4    // rows and columns within which the greatest sum alone is a summit
	muteReach     = 4    // bins around a pilot that are levelled once its mark was read
	pairTolerance = 0.16 // how far the second peak of a pair may lie from its prediction, in shares of its radius
	maxObserved   = 160  // peaks, mirror images included
	axisBands     = 64   // parts of an axis that peaks are filed in; decides the cost alone
)
