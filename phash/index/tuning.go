package index

// This file has every number of the package that was chosen, with its unit and the
// experiment that fixed it. Numbers of formats and of kernels lie where they are used.

//go:generate go run -C ../../internal/test/kernels . -out ../../../phash/index/kernels_amd64.s -stubs ../../../phash/index/kernels_amd64.go -pkg index

// Costs in nanoseconds on one core of a server, with the tables in huge pages, measured by bench match search. They
// decide between two ways to the same result: only the time depends on them.
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
)

// Growth of an index. Chosen, not measured, except tailLen.
const (
	tailLen     = 1 << 15   // entries that are scanned (0.04 ms) before they become a segment
	waitTail    = 8         // tails that may pile up before an Add waits for a merge
	mergeRatio  = 4         // a segment has at least so many times the entries of all smaller segments
	hollowShare = 8         // a segment is built anew if 1/8 of its entries were removed
	segmentLen  = 1<<31 - 2 // entries of a segment, whose numbers have 31 bits
	entryChunk  = 1 << 12   // entries by which the memory of new entries grows
	idGroup     = 8         // numbers of hashes that a kernel compares at once
	idBlock     = 8192      // numbers between two looks at what a kernel found
)
