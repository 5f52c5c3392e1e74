package pdf

// Constants of this package. All are limits or conventions that were chosen, not measured.
const (
	memoryPages = 1 << 14 // of 64 KiB each, for one file: 1 GiB

	defaultMaxPages  = 10_000
	defaultMaxPixels = 100_000_000 // of one picture

	maxObjects = 100_000 // examined on a page
	maxDepth   = 8       // of forms within forms
	maxPage    = 1 << 20 // points, a side; PDF ends at 14,400, and thousandths must fit an int32

	// Smaller pictures are lines, bullets, or pixels that count readers.
	minSide   = 4 // pixels
	minPoints = 2 // on the page

	// Pages that are no scans are rendered at the resolution of their sharpest picture, between these. Marks do not
	// decide: from 100 to 300 dpi all were read in screenshots of 600 pixels and more. A page of text then takes 215,
	// 375 (150 dpi), 555 (200 dpi) and 966 kB. 200 dpi keeps print of 6 points legible (TestResolutionStudy).
	minDPI = 200 // dots an inch
	maxDPI = 300
	// A rendered page has at most so many pixels: an A4 page at 300 dpi has 8.7 million.
	maxRendered = 10_000_000
	maxSide     = 16_384 // pixels
	minShown    = 600    // pixels: with less on the longer side the mark of a picture is weak
	minMarked   = 160    // pixels: with less on the longer side, as in a logo, a mark is hardly ever read
	minPage     = 1      // points, a side

	// A picture fills a page if its corners lie within edge of the page's side, or edgePoints, of its corners.
	edge       = 0.005
	edgePoints = 2
	fine       = 1 << 20 // parts of a page's side in which PDFium gives places

	// A picture is what its page shows if both are alike at lookSide pixels a side. Their values, of 255,
	// differ by at most lookMean in the mean, and at most one in lookFew by more than lookFar times that. The page is
	// rendered at the picture's size, or at a whole fraction of it with at most lookPixels. JPEGs differ by
	// 0.2 to 0.5, other pictures by at most 0.4, CMYK by 6.
	lookPixels = 1_000_000
	lookSide   = 128
	lookMean   = 2
	lookFar    = 16
	lookFew    = 200
	// The numbers of a picture and what its profile makes of them differ by at most profileMean. ProPhoto RGB: 10.
	profileMean = 32
)
