package picture

// Copies that look like their source. MinQualityLike is the lowest JPEG quality at which marking
// reads its mark back after shrinking to 1280 pixels. In pictures of Large and more shrinking
// averages the loss away: MinQualityLarge left as many reads (docs/limits.md).
const (
	DefaultQuality  = 92   // JPEG quality that Encode uses for 0; chosen, not measured
	MinQualityLike  = 70   // lowest JPEG quality that EncodeLike takes over from a source
	MinQualityLarge = 50   // the same for pictures of Large and more
	Large           = 2560 // pixels on the long side
)

// MaxPages is how many pages a document may have; chosen, not measured.
const MaxPages = 200

// How copies may differ from their source.
const (
	minCoded   = 60   // lowest quality of a source whose coefficients are marked: pattern.coarse says why
	giveWay    = 3    // steps of quality by which a heavy copy is lowered at most; chosen, not measured
	overweight = 1.13 // times its source's weight that a copy may have; chosen, not measured
)

// Memory that jpegli holds for a picture, measured at 12 megapixels in 4:4:4, the costliest subsampling.
const (
	bytesFitted      = 23        // a pixel, with Huffman codes of its own
	bytesProgressive = 52        // a pixel, in progressive files
	maxHeld          = 256 << 20 // bytes for a picture; above, files become plain baseline, at 10 bytes a pixel
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

// maxPoints is the longest side of a page, in points; chosen, not measured.
const maxPoints = 1 << 20

// maxScans is how many scans a JPEG may have; chosen, not measured: encoders write about ten.
const maxScans = 100

// Work that a hostile TIFF can ask for. All are chosen, not measured.
const (
	maxIFDs   = 512     // directories of a chain that are followed
	maxBlocks = 100_000 // strips or tiles: each costs a decompressor, even if all share their bytes
	freeTile  = 1 << 20 // pixels that a tile may have, no matter how small the picture is
	freeTiles = 1 << 24 // the same of all tiles; else twice the pixels of the picture
)
