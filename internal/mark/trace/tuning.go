package trace

// This file has the numbers of the room that were chosen, with their units and what fixed
// them. None of them can accuse a copy that was not used: the p of the tracer holds
// whatever they are. They decide how many copies that were used are found.

// Evidence of a copy.
const (
	payloadCap     = 6   // z at which the payload's part in a p ends: beside a strong codeword others exceed exp(-z^2/2) from 5.8 on
	maxExpected    = 40  // score that a mark is predicted at most: more gains nothing, and loses if it is too high
	maxCorrelation = 0.9 // the same of the payload's correlation
)

// Shares of the predicted strength over which each factor of an e-value is averaged, since
// the prediction has an error of its own. A share of 0 bounds what a wrong one costs.
var (
	tracerShares  = [...]float64{0, 0.15, 0.4, 0.7, 1.1}
	payloadShares = [...]float64{0, 0.4, 0.6, 0.8, 1}
)

// How far the score of a mark may lie from what is predicted. Predictions are off by a factor whose logarithm has this
// bias and deviation. Both are larger the less of the mark lies where the original's own detail says how it fared, as
// on blank pages through hard compression. docs/robustness.md has the trials.
const (
	predictionBias   = -0.05
	predictionSpread = 0.25
	untoldBias       = -0.8 // times the share that the original says nothing about
	untoldSpread     = 0.8  // the same
	mayCarry         = 0.9  // parts of pattern.MinCarried that a probe has at least if a copy of the same file may have all of it; chosen
	passedReach      = 8    // samples of the frame, deviation of the window over which a leak's detail is compared with what the channel lets through
	untoldReach      = 6    // pixels of the leak, deviation of the window over which powers are compared
)

// laidShade is by how much nine tenths of a leak's shades may differ from what the original predicts, grey levels. It
// is for leaks that their mark alone shows to be of the original. Detail of copies, with the mark, laid onto photographs
// of others has 54 and more, and laid onto receipts, where it can be read, 31 and more (28 that are traced). Copies after
// the attacks overlay, capture, chain and hard have 18 at most, and 22, 25 and 45 where hues were turned (140 leaks of
// eight real pictures that it decides). TestTraceOfDetailLaidOntoAnotherPicture holds one of each kind.
const laidShade = 25

// The trace's frame.
const (
	minTraced     = 8  // pixels, min short side of a leak
	bandsAnOctave = 5  // radial bands, from two cycles a long side on
	bandN         = 47 // bands up to the corner of the transform
	outlier       = 4  // deviations at which a residual is cut
)

// Leaks of hard JPEG files, which are read by their roundings.
const (
	maxRounded = 1 << 22 // pixels of the largest leak that is read so: larger leaks carry a mark well enough
	sameCorner = 4.0     // canonical pixels between the corners of leak and original, as hard JPEGs are registered
	crooked    = 1.5     // pixels of the leak by which its sides may lie beside a rectangle's, or beside the original's edges
	enlarged   = 0.97    // original's pixels a leak's pixel, below which nothing is predicted
	finest     = 8       // the same, from which on the original is halved first
	minPromise = 0.7     // expected of roundings in parts of what is expected of differences, from which roundings count: differences promise too much of a thumbnail
)

// Windows of a leak in which the marks of the accused copies should show. Of 377 leaks of whole copies, 63 attacks on six real
// pictures, the mark was missing in a window of four, after filters that take marks away. Where 6 % of a copy was the upload
// or another copy, 91 of 108 leaks had such a window (TestGapsStudy of watermark).
const (
	windowScore = 9   // z that a window should have in the mean, which says how many windows there are
	maxWindows  = 8   // windows a side
	windowSteps = 4   // windows begin so many times in the side of one
	windowDue   = 10  // deviations that a window should have at least, to say anything
	windowSeen  = 2.5 // deviations below which the marks are missing
)

// Survival of a mark, where the roundings of a leak were not read.
const (
	coarsest    = 2.5   // samples of the frame a pixel of the leak, above which survival is not measured ("kycmark-bench survival")
	minSurvival = 0.001 // that is stated: less is chance
)

// Sums over signs; cost alone.
const (
	quantum   = 1 << 21 // largest coefficient as a whole number: sums of a run stay within 32 bits
	signRun   = 32      // bytes of signs that are tabulated at a time: 32 kB of tables
	signBlock = 1 << 10 // bytes that are drawn at a time, of each stream
	fewCopies = 8       // up to which tables cost more than they save
)
