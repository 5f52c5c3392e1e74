package register

// The constants of registering. The trials of tracing (bench, trace.go: 1,258 of 1,260 leaks name their copy) and of
// lookalikes (bench, match_lookalikes.go) fixed them together. Each value by itself was chosen, not measured. Canonical
// pixels are pixels of the original at a long side of canonicalSide.

// Registration: the order of the ways to register.
const (
	canonicalSide = 1024 // max long side in pixels at which pictures are compared
	minPicture    = 16   // short side in pixels below which there is nothing to register
	fairStretch   = 0.5  // quality of a plain stretch from which it is refined
	minScore      = 0.8  // quality of a plain stretch from which features are not tried
	minQuality    = 0.1  // quality below which nothing aligns
	maxAspect     = 0.04 // share by which the aspect ratio of a plain stretch may differ from the original's
	lowPass       = 0.45 // deviation of the Gaussian before shrinking, pixels of the result
)

// Places that local features find. 153 leaks of 99 uploads, each through one of 63 attacks, were laid on their uploads:
// 151 had a place, and fitted there as well as after a full search. The other two were negatives of a clear stretch. Of
// 99 unrelated pairs none passed these numbers. Repeat it with bench match places.
const (
	minPlace       = 0.15 // quality of a place from which it is refined; unrelated pictures have 0.45 at most, mostly under 0.14
	goodPlace      = 0.5  // quality of a refined place at which the search ends; unrelated pictures have 0.4 at most
	surePlace      = -12  // log10 NFA of a place up to which a leak is searched for in any case; of 141 unrelated pairs 2 selfies have less
	relatedStretch = 0.3  // the same for a plain stretch, quality; unrelated pictures have 0.27 at most
)

// Quality of a map.
const (
	stretchSide  = 128 // long side in pixels at which the quality of stretches is measured
	searchSide   = 256 // long side in pixels at which the quality of guesses is measured
	finalSide    = 400 // long side in pixels at which quality before and after refinement is measured
	blankPower   = 0.1 // power, grey levels squared, below which the leak is blank; the place is covered if
	coveredPower = 4   // the original has more power than this
)

// Features: corners and their patches.
const (
	levelStep = 1.3 // scale between two levels of the pyramid
	maxLevels = 9   // levels of the pyramid
	minLevel  = 32  // short side in pixels of the smallest level
	margin    = 8   // pixels from a level's edge to the first corner
	minEdge   = 0.3 // det/trace of a corner's structure tensor, grey levels squared
	minNorm   = 16  // norm of a descriptor before it is made 1, grey levels
	cells     = 8   // cells each way that share the features among them

	patch     = 8             // samples across a descriptor
	patchStep = 4             // pixels of the level between two samples
	dims      = patch * patch // numbers in a descriptor
)

// Matches of features.
const (
	minDot    = 0.5  // product of the two descriptors of a match
	maxRatio  = 0.85 // distance of a match in parts of that to the second best elsewhere
	elsewhere = 8    // pixels of the feature's level from which a place is elsewhere
	maxSure   = 1200 // unambiguous matches that are kept

	atOnce = 4 // features of the leak that are compared at a time: what dsp.Combine is fast with

	repeatDot    = 0.8  // product from which an ambiguous match is kept, as in repeated text
	maxRepeated  = 500  // ambiguous matches that are kept
	repeatWeight = 0.25 // weight of each of the two places of an ambiguous match
)

// Search: passes over features.
const (
	minLong     = 560  // long side in pixels below which a leak is enlarged for features
	minShort    = 200  // short side in pixels below which it is
	maxEnlarged = 6    // times that a leak is enlarged for its short side
	fairScore   = 0.35 // score of a guess that ends the search after its pass, together with
	fairInliers = 8    // this many features that agree
	sureInliers = 30   // features of a guess that ends the search at once, together with
	sureQuality = 0.5  // this quality
	minScaleOf  = 0.08 // min scale of a guess, pixels of the leak per canonical pixel
	maxScaleOf  = 12   // max scale of a guess
)

// Consensus: homographies that many matches agree on.
const (
	proposers = 700    // matches that propose a similarity
	proposed  = 120    // proposals that are looked at twice
	grown     = 24     // proposals that grow into homographies
	kept      = 4      // distinct homographies of a look
	firstTol  = 24.0   // canonical pixels within which a similarity's matches lie
	minZoom   = 0.08   // min scale of a similarity
	maxZoom   = 6.0    // max scale of a similarity
	nearAngle = 0.8776 // cosine of half a radian: directions that agree
	minInner  = 3      // distinct points of the original that a homography needs
	distinct  = 12.0   // pixels between corners of homographies that differ
	ridge     = 1e-4   // damping of the perspective terms
)

// Sliding a piece over the original.
const (
	minSlide   = 24  // short side in pixels below which a piece is not slid
	maxSlide   = 0.9 // long side of a piece in parts of the original's
	minPeak    = 7.0 // peak of the correlation in deviations over all places
	slideBlur  = 0.6 // deviation of the blur before sliding, pixels
	slideFloor = 1   // grey levels added to the local deviation
	minAgreed  = 0.2 // quality of a guess by sliding
)

// Refinement of a homography over all pixels.
const (
	sameScale  = 0.97              // scale above which leaks that are finer are not resampled
	maxSide    = 1.5               // long side of the resampled leak in parts of canonicalSide
	maxFall    = 0.01              // fall of the quality beyond which a refinement is dropped
	minRise    = 0.003             // rise of the quality below which a plain stretch is left as it is
	fullPixels = 700 * 700         // pixels of the largest leak that is refined at full size
	minSide    = 40                // short side in pixels of the smallest level that is refined on
	levels     = 3                 // levels of refinement: 1/4, 1/2, 1/1
	coarsest   = 1 << (levels - 1) // divisor of the smallest level

	fitBlur     = 1.0   // deviation of the blur before comparing, pixels
	fitHigh     = 8.0   // deviation of the high-pass before comparing, pixels
	fitFloor    = 4     // grey levels added to the local deviation
	fitScale    = 0.7   // difference at which a pixel's weight is a quarter, in local deviations
	lifted      = 64    // added to the original so that 0 means outside
	blank       = 1e6   // value of the leak's pixels that have no detail: covered, or nothing to go by
	blankWindow = 2.0   // deviation in pixels of the window in which detail is looked for
	blankShare2 = 0.003 // power of the normalised leak below which there is no detail
	rounds      = 12    // steps on a level
	minFallCost = 1e-5  // fall of the cost that is worth another step
)

// Field: smooth shifts that take up what is no plane.
const (
	rim         = 2    // pixels about the original's edge that may show what surrounds it
	minSurround = 50   // the leak is continued if at least this part of its pixels, a fiftieth, lies beside the original
	fieldHigh   = 10   // deviation of the high-pass before comparing, pixels
	maxDiffer   = 30   // grey levels beyond which a difference counts no more
	maxStep     = 2    // pixels that a step may move
	minField    = 64   // short side in pixels of the smallest leak that a field is fitted to
	fieldFloor  = 0.5  // damping of a step, plus
	fieldShare  = 0.02 // this share of the mean trace
)

// Bent leaks: lenses and curled paper. Chosen. The shipped pictures through lenses of 2 and 4 % show what they do
// (bench match lookalikes --attacks x_lens2,x_lens4 --pictures DIR).
const (
	minBent     = 0.03  // share by which a field must lower the difference to count: leaks that are not bent keep their bits
	minBentStep = 0.005 // share by which a step must lower it to be followed by another
	bentSteps   = 12    // steps of one window, at most
)

// bentScales are the divisors of the pictures to which fields of bent leaks are fitted. bentWindows are the deviations
// of their windows, pixels of these pictures.
var (
	bentScales  = [...]int{4, 2}
	bentWindows = [...]int{32, 20}
)

// The canvas of a picture that was turned. Chosen.
const (
	minLeg        = 4    // pixels of a leg of a canvas's corner; narrower corners change nothing
	groundLevel   = 8    // grey levels by which a canvas may differ from its corner along the sides
	groundRinging = 32   // the same for all but maxOff of its pixels: JPEG beside black on white
	groundRim     = 2    // pixels about the picture's edge that show both
	maxOff        = 0.01 // share
)
