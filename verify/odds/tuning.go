package odds

// This file has every number of the package that was chosen. The priors and limits that a case
// may set have their defaults in [Options]. The names of tests and experiments say what
// fixed a number; "chosen" marks a number that no measurement fixed.

// What counts as evidence.
const (
	// SureLnE is the natural logarithm of the e-value, 1,000, from which a copy is evidence that
	// may count towards a name. Chosen.
	SureLnE = 6.907755278982137

	// Steps in which evidence is counted, in nats. Ratios above 1 are rounded down to steps of
	// forStep, ratios below 1 up to steps of againstStep: both towards saying nothing. Rounding
	// makes clusters alike, which saves rows of the table. Chosen.
	forStep     = 0.25
	againstStep = 2.0

	// wideHolder is a share of a recipient's copies. A holder of that share of the same
	// submissions unmarked does not count as a possible planter: it is no pattern that all
	// copies lie in what a holder of nearly everything held. A planter who held little leaves
	// marks only there. Chosen.
	wideHolder = 0.9

	// nearlyAll is the share of the rest of a dump from which on a holder is listed as having
	// had the rest. It is below 1 because some leaks may match the wrong submission. Chosen.
	nearlyAll = 0.9
)

// foreign lists, for three equally likely alternatives, the share of the leaks that are not
// copies of the recipient. [model.improbable] compares the absence of marks with these
// alternatives. Chosen.
var foreign = [...]float64{0.25, 0.5, 0.75}

// wholeWindow is the share, 0..1, of all submissions from which on a window says nothing: it is the
// registry. Chosen.
const wholeWindow = 0.95

// Uneven draws.
const (
	evenDraw  = 0.5 // probability that the draw from a part is even. Chosen
	minBlocks = 8   // blocks of time from which on a draw may be uneven: months, or else weeks, or else days. Chosen
	maxEven   = 2   // nats by which an even draw must be more probable for the uneven one to be left out. Chosen
	tiltStep  = 0.5 // steps of densities, in nats: fewer distinct densities are fewer rows of the table. Chosen
)

// shapes are equally probable values of how uneven a draw is: the shape of a gamma distribution of
// the density of a block. The density has the coefficient of variation 1/sqrt(shape). Chosen.
var shapes = [...]float64{1, 4, 16}

// What is searched. These numbers bound the time of a search; all were chosen.
const (
	maxSources   = 3   // sources of a dump
	maxSets      = 40  // sets of copies and custody that become sources; a dump seldom touches more
	maxInTriples = 24  // sources in sets of three: of more sources, the best alone or beside one other
	maxEnds      = 400 // ends of ranges among which the densest is looked for
	maxKept      = 4   // parts of a source beside the whole
	maxBroad     = 16  // the same of the insider and the unlisted holder, the rivals of custody. TestRangesLeftOut
	maxParts     = 3   // other sets that are kept as parts of a source without copies
	fewCells     = 4   // cells with leaks up to which all ranges between them are parts. TestAgainstTheOracle
	maxSensitive = 6   // hypotheses that get a sensitivity, the strongest first
	maxMembers   = 8   // recipients of a coalition, and rivals listed as found together; of more, those with most leaks
	maxGroups    = 4   // of recipients found together that become coalitions
	shortlist    = 12  // of the best explanations on either side that are weighed again for it
)

// maxJoint is the maximum of a product of e-values of several copies: the value stays finite, also with
// options that allow e-values of e^100. Defaults stay far below it. Chosen.
const maxJoint = 1e250

// unlike is the probability that pictures of ours were altered in a way for which their recall was not
// measured. It bounds what unmatched leaks say at 3 times. Chosen: with 0.1, the bound was reached in 109
// of 3,600 dumps of "verdict --thieves --seed 201", and true in 65.
const unlike = 0.3

// otherThief is the minimum log10 ratio of custody and of an insider, 3 times against: a thief may have
// taken what no part of the model describes. Of thieves that are not the model's ("verdict --thieves
// --seed 202"), ratios of 10^-0.5 and less turned out as 10^-0.41 for custody and 10^-0.25 for insiders.
const otherThief = -0.5

// shareSteps is the number of shares of strangers' pictures that are averaged, denser at small shares.
// The mean is within 0.01, log10, for up to 1,000 leaks (TestStrangersByCount).
const shareSteps = 64

// What sums leave out, natural logarithms. TestAgainstTheOracle compares them with sums of all
// terms.
const (
	// little is how far below a sum the bound of a term lies that is left out of the sum. Bounds
	// exceed their terms by what the shares cost, which is as much again.
	little = 7
	// far is how far below its peak the integrand over the shares is left out.
	far = 24
	// restOfRanges is the share of a sum over ranges below which the rest of the ranges is left out.
	restOfRanges = 1e-4
)

// What a draw says of all claimed pictures ([Verdict].Claim).
const (
	maxDoubt   = 0.05  // probability at which a bound stops, one-sided. A convention
	negligible = 1e-20 // terms of a distribution, relative to the largest, that are left out. TestClaimsByBruteForce
	// minFound is the recall, 0..1, below which the search says too little of an unmatched leak: the
	// upper bound then counts the leak as ours. Chosen.
	minFound = 0.5
)
