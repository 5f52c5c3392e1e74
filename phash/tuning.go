package phash

// This file has every number of the package that was chosen, with its unit and the experiment that fixed it. Numbers of
// the reference, of formats and of kernels lie where they are used.

// What the authors of PDQ recommend (facebook/ThreatExchange, pdq/README.md, "Matching").
const (
	// MatchRadius is the distance in bits up to which two hashes match.
	MatchRadius = 31
	// MinQuality is the smallest quality, of 100, at which a hash may be matched on.
	MinQuality = 50
)

// Limits of pictures.
const (
	MaxPixels = 1 << 28 // pixels of a picture whose every pixel is looked at; chosen, not measured: 1 GB as NRGBA
	minSide   = 5       // pixels, as in the reference: a picture with a smaller side has the hash 0
)

// Overprint, in the reduced picture. Chosen on stamped pictures of 19 uploads (bench match whole; docs/matching.md): a
// lower step takes the prints of documents for stamps, a higher step leaves the edges of letters.
const (
	overprintStep   = 75   // levels of Cb and Cr together by which overprint differs from the mean around it
	overprintAround = 64   // pixels, radius of that mean
	fillAround      = 8    // pixels, first radius from which the paint is mixed; doubled until all is painted
	strokeAround    = 8    // pixels, radius within which the share of marked pixels parts strokes from fields
	maxStrokes      = 7    // tenths of the pixels around that strokes may fill
	minOverprint    = 1000 // overprint of less than 1/1000 of the pixels does not matter
	maxOverprint    = 4    // more than 1/4 of the pixels are the picture itself
)

// chunkLen is how many entries lie in one piece of a list: memory grows by as many. Chosen.
const chunkLen = 1 << 12
