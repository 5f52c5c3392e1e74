package requant

// This file has the numbers of the package that were chosen, with their units. What fixed
// each is not recorded, and no single number was measured at +-20 %. TestSmallPictureStudy
// of internal/mark/blind repeats the readings without an original.

// Parameters of the table's estimate.
const (
	maxStep   = 255   // of baseline JPEG
	maxOff    = 0.25  // of the share of coefficients that are farther off by chance
	minValues = 0.004 // share of coefficients that are not 0, from which on there is a comb
	minTold   = 50    // coefficients that are not 0, for a standard table
	minBlocks = 400   // for a table of its own
	maxBlocks = 4000  // that are looked at
)

// How closely combs are looked at.
var (
	coarse = sight{8, 4, 2.5} // finer steps leave little that differences do not tell
	fine   = sight{4, 1.5, 1} // rounded pixels make 0.3
	finest = sight{2, 0.9, 0.55}
)

// Reading against a known original.
const (
	maxSampled = 600  // blocks that errors are estimated from
	minShare   = 1e-4 // of a mark's energy, for a frequency to be read

	unlike     = 4 // times the predicted square of scores, from which on a block shows something else
	unlikeBase = 6 // squares beside that

	minKept  = 0.5 // share of blocks that show the original
	maxRatio = 1.6 // of the scores' squares to what is predicted
	minRatio = 0.7 // that is believed: less is a leak without a mark
	minSteps = 4   // in deviations of what lies between prediction and leak, the mean over a mark's energy
	maxWrong = 8   // grey levels by which coefficients may be predicted wrong

	nearWhite = 252 // luma beyond which a mark is cut
	nearBlack = 3
)

// spreads are deviations that predictions may be wrong by, beside the mark, grey levels.
var spreads = [...]float32{0.25, 0.35, 0.5, 0.7, 1, 1.4, 2, 2.8, 4, 5.6, 8, 11, 16, 22, 32}

// clippedRounds is how often clipped pixels are filled in.
const clippedRounds = 3

// Parameters of predicting a leak that was resized.
const (
	refinements = 8
	still       = 0.02 // original's pixels by which a part moves, below which it is found
	maxMoved    = 4    // pixels of the leak by which a part may be moved
	mixtures    = 4
	maxOffBy    = 10   // grey levels: a pixel that is off by more counts as if by so many
	ridge       = 1e-3 // squares a pixel, added to the sum of squares of each predictor
)

// Parameters of a reading without an original.
const (
	smoothed   = 25   // grey levels, tolerance of the filter that predicts
	smoothSpan = 0.75 // deviation of its window, of its radius

	slack    = 0.25 // of a step, what rounding alone may well set a prediction off by
	minOff   = 0.15 // of a step, scale where all is as predicted
	around   = 0.35 // share of a scale from the errors of neighbouring blocks
	beside   = 0.35 // share of a scale from the errors of neighbouring frequencies
	diagonal = 0.6  // weight of a block at a corner against one at an edge
)
