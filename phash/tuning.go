package phash

// This file has every number of the package that was chosen, with its unit and the
// experiment that fixed it. Numbers of the reference, of formats and of kernels lie where
// they are used.

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

// Overprint, in the reduced picture. Chosen on stamped pictures of 19 uploads (bench match
// whole; docs/matching.md): a lower step takes the prints of documents for stamps, a
// higher step leaves the edges of letters.
const (
	overprintStep   = 75   // levels of Cb and Cr together by which overprint differs from the mean around it
	overprintAround = 64   // pixels, radius of that mean
	fillAround      = 8    // pixels, first radius from which the paint is mixed; doubled until all is painted
	strokeAround    = 8    // pixels, radius within which the share of marked pixels parts strokes from fields
	maxStrokes      = 7    // tenths of the pixels around that strokes may fill
	minOverprint    = 1000 // overprint of less than 1/1000 of the pixels does not matter
	maxOverprint    = 4    // more than 1/4 of the pixels are the picture itself
)

// Costs in nanoseconds on one core of a server, with the tables in huge pages, measured by
// bench match search. They decide between two ways to the same result: only the time
// depends on them.
const (
	costProbe     = 9.0  // of looking up one value of a band
	costCandidate = 12.0 // of fetching and comparing a hash found in a table
	costScanned   = 1.3  // of comparing a hash in a scan
)

// Tables. Only time and memory depend on these numbers; bench match search measured them,
// from 10 thousand to 10 million hashes.
const (
	minIndexed = 4096 // hashes: fewer are scanned in less time than tables are read
	maxFlips   = 4    // bits in which the looked-up values of a band differ from the query's
	minWidth   = 10   // bits of a band
	maxWidth   = 30   // bits of a band: a table of 2^30 values takes 0.8 GB
	tableShare = 32   // bytes a hash that the tables may take beside the lists
	maxForget  = 256  // numbers of a list in which a removed hash is overwritten
	halfRadius = 45   // bits: up to this radius half of a hash shows that an unrelated hash is too far
)

// Growth of an index. Chosen, not measured, except tailLen.
const (
	tailLen     = 1 << 15   // entries that are scanned (0.04 ms) before they become a segment
	waitTail    = 8         // tails that may pile up before an Add waits for a merge
	mergeRatio  = 4         // a segment has at least so many times the entries of all smaller segments
	hollowShare = 8         // a segment is built anew if 1/8 of its entries were removed
	segmentLen  = 1<<31 - 2 // entries of a segment, whose numbers have 31 bits
	entryChunk  = 1 << 12   // entries by which the memory of new entries grows
	scanGroup   = 8         // hashes that a kernel compares at once
	scanBlock   = 8192      // hashes between two looks at what a kernel found
)
