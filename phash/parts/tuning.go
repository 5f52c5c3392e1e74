package parts

// This file has every number of the package that was chosen, with its unit. Features at rest depend on the numbers of
// the first block: another value makes other features, and needs another version. bench match parts measures what all
// values together find (docs/matching.md); what 20 % more or less of one value costs was not measured. "Chosen" marks a
// value without a source or an experiment of its own. "Canonical" pixels are of a picture reduced to uploadSide or leakSide.

// Features of a picture.
const (
	uploadSide = 768  // pixels of the long side at which an upload is looked at
	leakSide   = 1280 // the same of a leak, which may show the upload in a part
	maxPixels  = 1 << 28
	maxSide    = 1<<16 - 1 // pixels; the form at rest

	intervals  = 3    // scales an octave (Lowe, 2004, section 3.2)
	baseSigma  = 1.6  // blur of an octave's first plane, pixels of the octave (the same, 3.3)
	givenSigma = 0.5  // blur that a picture is taken to have, pixels (the same)
	minSide    = 20   // pixels of the short side of an octave; chosen
	minPeak    = 1.0  // of a difference of Gaussians, grey levels
	maxEdge    = 12.1 // (r+1)^2/r of a blob's curvatures, r = 10 (the same, 4.1)
	frame      = 5    // pixels of an octave at its edges, without blobs; chosen
	maxStray   = 0.6  // of a refined position, samples (the same, section 4: 0.5)

	gridX, gridY = 8, 6 // parts of a picture that share its features
	alike        = 22   // bits within which two features of a picture are alike
	apart        = 3    // canonical pixels between alike features, at least; chosen
)

// shares are the parts of an upload's features that the octaves get, finest first. What an
// octave cannot fill goes to the others.
var shares = [...]float64{0.40, 0.32, 0.18, 0.10}

// Features of a leak.
const (
	maxAsked    = 3000 // features of a leak that are asked for
	turnShare   = 0.8  // share of the strongest direction from which a direction is asked for (Lowe, 2004, section 5)
	maxTurns    = 2    // directions of a blob
	minLong     = 480  // pixels of a leak's long side, below which the leak is enlarged
	minShort    = 240  // the same of its short side
	enlarged    = 2    // times
	marginParts = 24   // steps of a margin to a deviation; chosen
)

// The index. Time and memory depend on these numbers, and which rare matches are found.
const (
	maxAddress = 24      // signs that choose a bucket, at most: with 20, 22 and 24 among 300 uploads the same leaks were found
	minAddress = 6       // the same, at least; chosen
	perBucket  = 4       // log2 of about how many postings a bucket has
	maxUploads = 1 << 18 // of a segment, which is built in one go; postings can name 1<<24
	maxRecent  = 512     // uploads that a search indexes anew after an addition, at most; chosen

	maxProbes  = 128     // buckets of a segment that a feature looks into, at most
	allProbes  = 96000   // of a leak's features together, about: a small crop can afford more each
	minProbes  = 32      // of a feature
	flippable  = 12      // signs of an address that may have changed, the least sure signs
	maxCost    = 16.0    // of a bucket: the squared deviations by which its signs would have moved
	maxScan    = 1 << 15 // postings of a segment that a feature looks at, about; chosen
	signsApart = 8       // of 32 signs, in which a match differs at most
	maxApart   = 34      // of all signs, the same
)

// The search.
const (
	usualCandidates = 64      // uploads that are looked at closely for each part of a leak
	maxCandidates   = 1 << 16 // limit of the option

	rounds    = 5    // in which parts of the leak are explained
	maxHits   = 512  // of a feature that are kept, the nearest
	fewAsked  = 1000 // features of a leak: a leak with fewer has moreOfFew times the candidates in the same time
	moreOfFew = 3
	minVotes  = 2  // hits of an upload that is looked at
	shortlist = 16 // uploads, times candidates, whose hits are compared by direction and scale

	turnParts  = 16 // of the circle, in which a candidate's hits are counted
	levelParts = 16 // of scale, two steps each
)

// The verification of a candidate.
const (
	maxPairs  = 256  // hits of an upload that are weighed
	seeds     = 48   // of these, that propose a similarity
	grown     = 4    // proposals that grow
	nearTurn  = 4    // steps within which directions agree
	nearLevel = 2    // the same of scale
	nearby    = 8.0  // canonical pixels of the upload within which places agree at the seed
	farther   = 0.2  // the same, more for each pixel from the seed: its direction and scale are rough
	farthest  = 60.0 // the same, at most
	ridge     = 1e-4 // of the fit of a homography; chosen
	minZoom   = 0.04 // pixels of the upload per pixel of the leak, canonical; chosen
	maxZoom   = 25.0 // the same
	maxSkew   = 3.0  // ratio of the scales along the two axes of a map; chosen
	surely    = -12  // log10 NFA from which no other seed is tried: time alone

	affineFrom     = 8  // pairs from which a map is affine
	homographyFrom = 20 // pairs from which a map is a homography

	gridSide = 16  // canonical pixels of the leak: the squares by which features are looked up
	minNear  = 2.5 // the same, within which a feature is looked for at its place, at least
	cluster  = 20  // canonical pixels of the upload, within which features found together count once
)

// fits are the tolerances, canonical pixels of the upload, of the rounds in which a map grows.
var fits = [...]float64{30, 18, 10, 7}

// Chance: fitted to features of photos and documents.
const (
	chanceSlope = 0.18 // growth of log10 of chance with a bit: 1e-3 at 44 bits, 2e-6 at 29
	minChance   = 1e-5 // bounds what a single feature says
	kinship     = 10   // how many times likelier features look alike if place, direction and scale agree
	maxMatched  = 44   // signs in which a feature differs that is looked for at its place
)

// within are the distances, in signs, by which found features are counted.
var within = [...]int{16, 20, 24, 28, 32, 36, 40, maxMatched}
