package picture

// How copies may differ from their source.
const (
	minCoded   = 60   // lowest quality of a source whose coefficients are marked: pattern.coarse says why
	giveWay    = 3    // steps of quality by which a heavy copy is lowered at most; chosen, not measured
	overweight = 1.13 // times its source's weight that a copy may have; chosen, not measured
)

// Memory of decoding with the Go decoders, bytes a pixel of the result: [format.memory]. Measured at 24 megapixels with
// all kinds of files that ImageMagick writes, by the largest resident size ("kycmark hash"), and rounded up. Of
// progressive JPEGs in four colours 28 were measured. HEIC and AVIF take the rest in a process of their own.
const (
	bytesScans   = 30
	bytesApart   = 26       // a coded pixel, in that process: see package decoders
	bytesProcess = 96 << 20 // of that process itself
)

// Work that a hostile file can ask for. Both are chosen, not measured.
const (
	maxDocument = 16 // times the max pixels of a page that all pages of a document may have together
	maxScanned  = 16 // times the max pixels of a picture that all scans of a JPEG may have together
)
