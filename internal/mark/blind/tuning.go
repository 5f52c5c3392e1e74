package blind

import (
	"github.com/kycmark/kycmark/internal/mark/pattern"
	"github.com/kycmark/kycmark/internal/mark/spectrum"
)

// This file has the numbers of the room that were chosen, with their units and what fixed them. Most were tuned
// together on 18 pictures under 63 attacks, before the first release; docs/robustness.md has the rates on other
// pictures. No single number was measured at +-20 %, unless its comment says so.

// Agreement of the pilots on a place is the peak over the RMS of their sum, at most 8. Noise
// stays below about 5.4 (TestTrials of bench/nulls: below 5.6).
const (
	minAgreement      = 5.3 // from which a map is refined and read
	minAgreementParts = 5.4 // the same if half windows were tried too: more places, more chance
	plainAgreement    = 5.7 // from which every refinement of a map is read, not the best alone
	sureAgreement     = 6.0 // from which a map is read at once, not at the end of its stage

	// nearAgreement is the agreement on interpolated amplitudes from which the exact
	// amplitudes are worth their cost: the two differ by 0.04 if the pilots agree.
	nearAgreement = minAgreement - 0.5

	usualAgreement = 3.6 // that shiftsKept places nearly always exceed; decides the cost alone
)

// Scales, in pixels of the shrunk leak a mark pixel.
var anyScale = spectrum.Scales{Min: 0.13, Max: 4.6} // of the search over the whole frame

const (
	stretchedMin = 0.27                      // min scale of a stretched picture
	wholeSlack   = pattern.PlaceScale + 0.04 // |ln| of a scale against the whole picture's: the placement's own, and cut edges
	partMin      = 1.1                       // scale of a part against the whole picture's: four fifths of its area
	partMax      = 6.5                       // the same: 3 % of its area
)

// skimmed is the number of stages of [Skim]: a fifth of the processor time of all.
const skimmed = 3

// Work of the stages; chosen together, not measured one by one.
const (
	lesserHits  = 2   // maps below sureAgreement that a stage reads at its end
	enoughVotes = 40  // windows from which the votes alone refine a map
	shiftGrid   = 256 // places a side at which the torus of shifts is sampled: every fourth mark pixel
	shiftStep   = pattern.Torus / shiftGrid
	maxLooks    = 200  // soft bits that are kept during a search: 0.5 MB
	maxCompared = 24   // looks that are compared with a list: where the pilots agree best
	shiftsKept  = 6    // best places that are refined
	waveSteps   = 4096 // values of a turn that climbAffine knows
)

// The search for perspective, fixed with that of package spectrum. Of 14 photographs there parts of 0.42 read 10, of 0.36 11, of 0.3 7.
const (
	tiltedSide   = 192  // pixels, min side of a part
	tiltedPart   = 0.36 // side of a part against the leak's
	tiltedMin    = 0.45 // scale against a whole picture's
	tiltedMax    = 1.35 // the same
	tiltedClimbs = 48   // tilts that are improved
	tiltedTries  = 12   // tilts that are tried, at most
	// minTilted is the min score of a tilt that is tried. In 278 tilted leaks of 24 pictures the mark was read by the tilt with
	// the highest score, 16.7 or more. In the pictures without a mark it was 10.3 or less (TestTiltedStudy), and in 36 pictures 10.7.
	minTilted = 11
)

// stretches along the picture's axes that are tried one by one; each catches about 6 % to
// either side, so that together they reach from 0.82 to 1.22.
var stretches = [...]float64{0.93, 1.075, 0.87, 1.15}

// Sizes, in pixels of the shrunk leak unless said.
const (
	minSide      = 32   // min short side of a leak that is searched
	maxFrequency = 0.48 // cycles a pixel, beyond which pixels hold no pilot
	windowSide   = 1280 // mark pixels of the largest window that is read: more than one torus repeats
	weightCell   = 32   // mark pixels of a cell that is weighed by its pilots

	// coarseSide is the long side at which the leak is looked at once more, as a part of the picture. At full size the mark
	// on a small part of a large picture is coarse: the front end, made for the canonical scale, takes it for the picture.
	coarseSide = 400

	// halvedSide is the long side from which half the pixels still hold the band of a mark.
	halvedSide = 640
)

// Weight of a carrier: the mean of its pilots' amplitudes over their deviation, which chance alone puts at 0.18.
const (
	minCarrier    = 0.05
	chanceCarrier = 0.1 // square at which a carrier has half its weight
)

// Leaks of hard JPEG files (see reopened), fixed by TestSmallPictureStudy.
const (
	maxReopened = 1 << 21 // pixels of the largest leak that is read by its roundings: larger leaks carry a mark well enough
	minMeanStep = 8       // mean step over the band of a mark; finer steps are like noise
	waves       = 125     // radii of the smoothing filter a long side: a wave of a mark, in the mean
	minWave     = 4       // pixels of the leak
	maxWave     = 10      // pixels of the leak
	quietScores = 0.3     // of the RMS of all scores, the local RMS below which none is lifted
	plainShare  = 0.5     // weight of the plain residual beside the scores
)
