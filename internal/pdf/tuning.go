package pdf

// Constants of this package. All are limits or conventions that were chosen, not measured.
const (
	memoryPages = 1 << 14 // of 64 KiB each, for one file: 1 GiB

	defaultMaxPages    = 10_000
	defaultMaxPictures = 10_000
	defaultMaxPixels   = 100_000_000 // of one picture

	maxObjects = 100_000 // examined on a page
	maxDepth   = 8       // of forms within forms
	maxPage    = 1 << 20 // points, a side; PDF ends at 14,400, and thousandths must fit an int32

	// Smaller pictures are lines, bullets, or pixels that count readers.
	minSide   = 4 // pixels
	minPoints = 2 // on the page

	maxGap        = 1          // points between pieces of one picture
	scanSharpness = 300.0 / 72 // pixels a point at which layers are rendered at least: 300 dpi, as scans have
)
