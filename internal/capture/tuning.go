package capture

import "math"

// The constants that decide what a leak shows. The trials of lookalikes (bench, match_lookalikes.go) fixed them
// together: of 10,350 other persons' documents none is "same" (docs/matching.md). Each value by itself was chosen, not
// measured, unless two numbers in brackets follow.
//
// [a, b]: with 20 % less of the value, a of 660 leaks have another [Likeness.Verdict]; with 20 % more, b have. Of the
// 660, 90 are the upload's own, 120 other captures of the card and 450 other persons' (match lookalikes --side 720
// --documents 90 --near 5 --again 2 --seed 8013). Values that change little there are kept: they turn lookalikes down,
// and a branch that does so needs all 10,350 before it can go.

// Frame: the sides at which an upload ends.
const (
	alongSide   = 96   // places along a side of the frame at which the leak is sampled across that side
	sideMargin  = 0.04 // share of a side that is left out at each end
	reach       = 12   // pixels of the leak that are sampled inside and outside of a side
	minReach    = 5    // pixels of the leak that must lie outside of a side
	perPixel    = 4    // samples a pixel of the leak
	pieces      = 6    // parts of a side; where the picture ends is found for each part by itself
	minPieces   = 3    // parts that must end at the frame before the side does
	edgeWidth   = 3    // pixels of the leak on either side of an edge that its blur covers
	minStep     = 6.0  // grey levels between the picture and its surround from which there is an edge
	maxStep     = 60.0 // grey levels of such a step from which all places weigh alike
	surroundOff = 9.0  // grey levels by which the surround may vary along a part of a side
	surroundRim = 4.0  // grey levels by which the surround may differ near and far from the side: a shadow
	edgeOff     = 1.0  // pixels of the leak by which an edge may lie beside the frame
	minSides    = 3    // sides of the frame at which the leak must end
	minEnds     = 12   // pieces of sides at which the leak must end, of 24
	maxAgainst  = 0.4  // pieces at which the leak shows something else, in parts of the pieces at which it ends
	exactEnds   = 6    // pieces at two sides or more that are enough if the leak ends at them exactly
	exactOff    = 0.2  // pixels of the leak, quadratic mean, by which such ends lie beside the frame: 0.12 at most in 45 leaks (persp3), 0.3 or more in other captures
)

// Noise: what the sensor of the original's camera left.
const (
	noiseSide  = 1600 // long side in pixels of the original in which noise is looked for: leaks are mostly shrunk, and finer noise does not survive that
	whiteBlock = 16   // side in pixels of the original's blocks that are tested for noise
	minEnergy  = 0.05 // energy of a coefficient, grey levels squared, below which it is from a codec or a drawing
	maxEnergy  = 64   // energy of a coefficient, grey levels squared, above which it is from no sensor
	secondMax  = 1.5  // energy of a block's second octave in parts of its finest, above which the block is no noise
	thirdMax   = 1.6  // energy of a block's third octave in parts of its finest, above which the block is no noise
	pooledMin  = 0.85 // min of both ratios, over all blocks together
	pooledMax  = 1.1  // max of both ratios, over all blocks together
	minBlocks  = 20   // blocks of noise without which nothing is said
	minGain    = 0.25 // share of the original's noise that the leak must show; print carries at most a tenth
	minZ       = 8.0  // deviations of the null by which it must agree
	shifts     = 8    // places beside the right place that make up the null
	shiftBy    = 5    // pixels of the leak between them
	noiseHigh  = 1.5  // deviation of the high-pass before comparing, pixels of the leak
)

// Overlays: stamps, lines of text and bars that were laid over the picture.
const (
	overlayOff   = 12.0 // grey levels by which a pixel must differ from the prediction to count, plus
	overlayRMS   = 2.0  // this many residuals RMS
	overlayRing  = 0.25 // share of the largest difference near by, below which a difference is ringing of a codec or filter
	overlayReach = 3    // pixels of the leak that ringing reaches
	minOverlaid  = 560  // long side in pixels of leaks in which strokes are sharp enough to tell
	overlayRest  = 0.02 // share of the differing pixels that a single shade may leave unexplained
)

// Places: where single pixels of the leak lie on the original.
const (
	placeStep   = 3     // pixels of the leak between the places that are compared
	placeEdge   = 10.0  // grey levels over two pixels from which a place is known to parts of a pixel
	faintEdge   = 2.0   // grey levels over two pixels that serve if there are fewer than minPlaces strong edges
	minPlaces   = 300   // places at strong edges that are enough
	minFaint    = 100   // places at faint edges that are enough
	frameMiddle = 0.4   // pixels of the leak by which half of the places may lie beside the map of frame on frame
	frameMax    = 1.2   // pixels of the leak by which nine tenths of the places may
	exactMiddle = 0.1   // frameMiddle for a leak of foreign grain: codecs make grain, but move no frame
	gridMiddle  = 0.08  // pixels of the original by which half of the places may lie beside its grid: 0.073 at most in 128 own crops, under it 2 of 199 scans as straight as the upload to 0.2 pixels (GridStudy)
	gridMax     = 0.3   // pixels of the original by which nine tenths of the places may
	sheetMax    = 0.015 // cutMax for a piece that ends on the frame at two sides: with sheetShade 148 of 200 scans on sheets are found to be the capture, and 0 of 200 second scans that lie as straight (SheetStudy)
	cutMax      = 0.035 // pixels of the leak by which nine tenths of the places of a scaled piece may lie off cutting and scaling
)

// Verdict: what the parts add up to.
const (
	maxChanged = 0.005 // share of the original that may show other detail
	minShown   = 0.6   // share of the original that must be seen if more than maxHidden is covered
	maxHidden  = 0.2   // share of the original's detail that may be covered without asking for minShown

	shadeWindow = 15  // side in pixels of the leak of the square that a shade is the mean of
	shadeLeft   = 0.5 // least share of that square that must be open to view; chosen
	clipped     = 2.5 // grey levels from black and white within which a shade says nothing, in leak and prediction: of 112 own leaks of white pages 112 are the same capture, 98 if the leak alone counts, of 32 others none (WhiteStudy)
	frameShade  = 2.5 // grey levels by which half of the shades may be off in the same frame
	gridShade   = 2.5 // grey levels by which nine tenths may be off on the same grid of pixels
	cutShade    = 0.4 // the same on a scaled piece: of 30 pieces of scans that lie alike by chance the best has 0.43
	cutOver     = 1.0 // pixels of the leak by which a scaled piece may go beyond the original
	maxOver     = 2   // sides beyond which something else may lie. Chosen: a sheet of four
	sheetShade  = 1.0 // cutShade for a piece that ends on the frame at two sides
	minCut      = 0.2 // share of the original that a scaled piece shows, at least
	noiseShade  = 3.0 // grey levels by which nine tenths may be off where noise agrees
)

// Altered: places that show something else, in a leak of the same capture.
const (
	maxPlaces   = 5    // places that differ, at most
	maxOther    = 3    // places that show other detail, at most
	maxAltered  = 0.15 // share of the original in all places together, at most
	minAltered  = 480  // pixels that the original's long side has in the leak, at least
	mostlyShare = 0.85 // share of the comparable blocks that agree, at least

	alteredSpread = 0.3 // share of the leak's parts in which blocks are exchanged, at most; altered leaks have 0.08 or less

	cleanAgree     = 0.985 // share of the comparable blocks outside that agree, at least
	cleanOpposed   = 0.006 // share of them that are opposed or blank, at most
	cleanExchanged = 0.001 // share of them that are exchanged, at most
	maxBend        = 0.15  // pixels of the leak by which nine tenths of the edges lie off the homography, at most

	joinGap      = 0.04 // share of the original's long side between two parts of one line, at most
	wordGap      = 0.15 // the same between two words of one caption
	besideRegion = 6.0  // canonical pixels beside a place that are not compared
	aroundRegion = 10.0 // canonical pixels beside a place in which it may go on
	minDiffering = 60   // pixels of the leak that must differ strongly to bound a place
	bandWide     = 0.6  // share of the width from which a line at an edge is a caption
	bandHigh     = 0.15 // share of the height of a caption at an edge, at most
	bandEdge     = 0.03 // share of the height that may lie between a caption and the edge
	evenRim      = 3.0  // canonical pixels at the rim of a place that do not count
	evenOff      = 6.0  // grey levels by which eight tenths of a bar's pixels lie off their median, at most
	patchHigh    = 0.6  // height of a patch in parts of its width, at least
)

// Rendered: pages that a computer made, and their fields.
const (
	evenSide     = 8    // side of a square, pixels of the original of at most noiseSide
	evenRange    = 1.5  // grey levels between the darkest and the lightest pixel of a square without detail, at most
	evenLevels   = 4    // levels that count: paper, and the colours of bars and boxes
	minEvenShare = 0.35 // share of such squares from which a page is rendered

	fieldSide       = 12    // side in pixels of the leak of a square in which leak and prediction are compared
	fieldStep       = 4     // pixels of the leak from one square to the next
	fieldHigh       = 3.0   // deviation of the high-pass before comparing, pixels of the leak
	minFieldPower   = 200   // power of leak and prediction together from which a square counts, grey levels squared a pixel
	maxFieldOff     = 0.5   // power of the difference in parts of that, at most: under 0.5 in own leaks down to JPEG 30, except in one square of 10,000; above it in 80 squares and more of other customers' pages (RenderedStudy)
	minFieldSquares = 3     // squares beyond it from which a field differs
	fieldBlank      = 0.04  // power of the leak in parts of both below which a square is covered
	minReadable     = 480   // pixels that the original's long side has in the leak, at least; of smaller originals
	nearlyAll       = 0.9   // this share of their own
	maxUnseen       = 0.001 // share of the original's detail that the leak need not show
)

// Finer: detail of a leak within pixels of the original. Half of the pictures of SharpStudy fixed these numbers.
const (
	minFinerScale  = 1.4   // pixels of the leak to a pixel of the original, at least
	maxFinerSide   = 2.0   // pixels of the leak to half a pixel of the original, from which the leak is halved
	finerBlock     = 16    // side of a block, pixels of the original
	finerRim       = 3     // pixels around a block that filters take
	maxFinerBlocks = 300   // blocks that are looked at
	minFinerBlocks = 40    // blocks without which nothing is said
	minFinerPower  = 16.0  // power of the second differences of a textured block, grey levels squared a pixel
	finerFollows   = 0.9   // correlation of leak and original in a block that the leak shows
	minFiner       = 0.005 // share of detail that does not follow, at least
	maxBeat        = 0.05  // beat of an enlarged picture, at least
	finerAlike     = 18.0  // weight of the correlation of the finest detail, less 1
	finerGain      = 9.0   // weight of the logarithm of the gain of this detail
	maxFinerGain   = 1.2   // gain that counts, at most: sharpening gives more
	minKeeps       = -4.5  // sum of these and of the logarithm of share/minFiner, at least

	muchFiner, maxMuch           = 0.01, 0.035 // share from which, and up to which, gain alone says that the leak keeps detail
	keptGain, maxKept            = 0.84, 1.12  // gain from which, and up to which, it does: noise and sharpening give more
	minPerhaps, perhapsBeat      = 0.004, 0.06 // share from which, and beat up to which, a leak is perhaps finer
	perhapsGain, muchPerhapsGain = 0.78, 0.7   // gain from which it is; the same from a share of muchFiner
)

// Likeness: blocks of detail that agree or not.
const (
	wideBlock  = 16  // side of a block, pixels of the leak
	smallBlock = 8   // side of a block of a small leak
	smallLeak  = 560 // long side in pixels up to which a leak is small

	detailFine   = 1.2 // deviation in pixels of the finer of the two Gaussians that detail lies between
	detailCoarse = 3.0 // deviation in pixels of the coarser
	margins      = 2   // cells around a covered cell that count as covered
	minDetail    = 3.0 // deviation of a textured block, grey levels
	coveredGain  = 0.2 // detail of the leak below which a cell is covered, in parts of the expected detail
	blockGain    = 0.3 // gain of a block that agrees, in parts of the typical gain
	tolerance    = 0.5 // difference of a pixel that agrees, in parts of the expected detail, plus
	noisy        = 1.5 // this many times the noise
	agreeShare   = 0.7 // share of a block's detail from which the block agrees
	opposedShare = 0.4 // share of a block's detail below which the block is opposed

	minArea        = 20000 // pixels of blocks that must be comparable [0, 0]
	minExchanged   = 8     // exchanged blocks of another document [1, 1]
	exchangedShare = 0.012 // share of the comparable blocks that are exchanged in another document [0, 0]
	minSpread      = 0.15  // share of the leak's parts over which they spread [1, 0]
	blankShare     = 0.02  // share of the textured blocks that are exchanged or blank in another document [7, 11]
	blankOpposed   = 0.008 // share of the comparable blocks that are opposed then: filters wipe out thin print [1, 7]
	blankSpread    = 0.15  // share of the leak's parts over which exchanged and blank blocks spread [3, 10]
	ownGrain       = 0.7   // correlation of grain from which [0, 0]
	ownExchanged   = 0.022 // this takes the place of exchangedShare [0, 0]
)

// Grain: what little there is in flat blocks.
const (
	grainFine   = 0.5 // deviation in pixels of the finer of the two Gaussians that grain lies between
	grainCoarse = 1.4 // deviation in pixels of the coarser
	minFlat     = 100 // flat blocks without which grain says nothing [2, 0]
	maxFlat     = 2.0 // detail of a flat block, grey levels
	minGrain    = 0.3 // grain of a flat block, grey levels
	dark        = 10  // grey level below which a block is not compared, in either picture
	bright      = 245 // grey level above which it is not
)

// A foreignGrain is a sort of grain that is not the original's: limits of the numbers of a
// [Grain], and of its gain, which is how much of the original's grain the leak shows.
type foreignGrain struct{ minEven, minPower, maxPower, maxSame, maxGain float64 }

// Without the first sort 3 of the 660 verdicts change, without the second none, without the
// third 11. 20 % less or more of one of their numbers changes 2 at most.
var foreignGrains = []foreignGrain{
	{0.3, 0.25, 1.5, 0.15, math.Inf(1)},        // about as much grain as in the original
	{0.5, 0.1, math.Inf(1), 0.05, math.Inf(1)}, // little, even grain, as a codec leaves it
	{0.15, 1, math.Inf(1), 0.15, 0.35},         // more grain than in the original
}

// Tone: blocks that became lighter and darker.
const (
	toneSteps  = 32   // steps of the original's grey levels
	minTone    = 64   // pixels of a step from which it counts
	minShift   = 14   // grey levels by which a pixel differs, or
	rangeShift = 0.15 // share of the leak's range, if that is more
	minMoved   = 0.04 // share of a block's pixels that are lighter, and share that are darker, in an exchanged block
	minBlank   = 0.1  // share of a block's pixels that are darker, up to which the block is blank
	parts      = 6    // parts of the leak each way over which exchanged blocks may spread
	minOfPart  = 4    // comparable blocks of a part that counts
)

// Treated: what applications that scan documents make of a picture. Half of the documents of ScansStudy fixed these numbers.
const (
	paper            = 200   // level of what is as light as around
	pairStep         = 3     // pixels of the leak between the levels that are compared
	levelStep        = 2     // grey levels by which a level is raised and lowered, to see how a mark fared
	fewPairs         = 4000  // levels by which a stretch is looked for
	minStretch       = 40    // grey levels of the shortest stretch, and the most below black at which it begins
	maxStretch       = 400   // level at which a stretch ends, at most
	steep            = 12    // grey levels on either side of a threshold
	lightSide        = 256   // long side in pixels at which light is looked for
	clearlyTreated   = 0.75  // mean error with a light in parts of that without, at most
	cutOffShade      = 8     // grey levels by which nine tenths of the shades are off without a treatment, from which a mere stretch is a treatment
	midGrey          = 64    // grey levels from black and white from which a level is grey
	maxGrey          = 0.02  // share of grey pixels of a black and white picture, at most, and
	maxGreyEdges     = 0.1   // the same in parts of the black or the white pixels: print of a program has more at its edges
	sureInk          = 40    // grey levels from a threshold at which ink or paper is sure
	sureAround       = 5     // side in pixels of the leak of a square that is sure as a whole
	sureLight        = 100   // light from which they are
	rounded          = 0.01  // grey levels that shrinking may leave between white and 255
	treatedAgree     = 0.95  // cleanAgree of a treated leak
	treatedOpposed   = 0.02  // cleanOpposed
	treatedExchanged = 0.005 // cleanExchanged
	edgesAgree       = 0.92  // the same in black and white
	edgesOpposed     = 0.03
	edgesExchanged   = 0.006
	maxOtherInk      = 0.0015 // ink in the place of paper, or the reverse, in parts of either, at most
	edgesShown       = 0.57   // share of all blocks of the original that agree, below which
	fewOtherInk      = 0.0005 // is the most other ink
	edgesFew         = 0.3    // share of all blocks under which nothing is sure

	inkSide     = 1700 // long side in pixels at which ink is compared, at most
	inkAround   = 3    // side in pixels of a square around a pixel: ink at its rim lies in its place
	inkWindow   = 31   // side in pixels of the square in which the lightest level is paper, and the darkest is ground
	inkFlat     = 6.0  // grey levels from those levels that are paper and ground
	inkPrint    = 40.0 // grey levels by which print differs from the mean of that square
	inkThin     = 7    // pixels that strokes are thinner than: a threshold makes larger patches of its own
	inkBeside   = 25   // side in pixels of the square around a pixel of such a patch, if white, in which thin white may be noise
	inkRim      = 2    // pixels at the rim of a square in which strokes beside it may show
	inkPrinted  = 60.0 // grey levels in a square from which it has print, which must be seen
	maxLost     = 20   // pixels of a lost place, less one, from which it is a letter: of a line in 2 squares it has 15, of letters of 8 pixels 23
	minInk      = 16   // pixels of a square in the wrong place from which it shows other ink
	fitSide     = 16   // side in pixels of a square in which thresholds are tried
	fitStep     = 8    // grey levels between them
	minMisfit   = 46   // pixels of such a square that the best of them leaves over, and
	maxMisfit   = 0.3  // the same in parts of the ink of both, from which it misfits
	inkReadable = 1100 // minReadable in black and white, of all originals
)

// reaches are the lights that are tried.
var reaches = [...]float64{0.0125, 0.025, 0.05}
