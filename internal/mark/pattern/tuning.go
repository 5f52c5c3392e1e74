package pattern

// This file has the numbers that a marker may change without another format: how strong a
// mark is, and where. Butteraugli fixed them: docs/format.md has the measurements, and
// TestVisibilityStudy repeats those on flats and on noise. Every change of one changes marks,
// and with them testdata/v1.

// Sizes of pictures.
const (
	canonicalSide = 1024 // pixels, long side at which masks and patterns are made
	minLong       = 320  // pixels, sides of the smallest picture marked
	minShort      = 240
)

// The visibility budget at strength 1, grey levels RMS unless said.
const (
	flatTypical  = 0.54
	flatLow      = 0.25
	flatHigh     = 0.80
	slopeLow     = 0.3
	textureSide  = 1800 // pixels
	patternLimit = 1.55 // RMS; the rare peaks beyond are what is seen first, and hardly read
	chromaLimit  = 1.8  // the same of the blue difference, which makes the maximum on large smooth pictures
	chromaLevel  = 1.03 // grey levels RMS in the blue difference
	psnrFloor    = 44.3 // dB over R, G and B of the canonical picture, from a megapixel on
	psnrSmall    = 42.0 // below, where pixels are few and seen smaller
)

// Parameters of the mask, in pixels of the canonical picture and grey levels.
const (
	maskHighPass  = 2.0
	maskActivity  = 7 // window of the activity
	maskErode     = 5 // texture must not lend strength to the flats beside it
	maskTexture   = 10.0
	maskWhite     = 0.45  // bare paper hides more, half of the mark being clipped,
	maskWhiteFrom = 250.0 // but tinted paper does not
	maskWhiteOver = 4.0
	maskSmooth    = 0.62 // of the mark where a large picture has no grain at all
	maskGrain     = 0.6  // grey levels between neighbours, from which on it has enough
)

// maskLuminance is how much more of a mark hides on flats of 0, 16, 32 ... 256
// grey levels than on mid-grey: the inverse of the Butteraugli distance of one and
// the same mark there (TestVisibilityStudy). It is cut at 1.6, since displays and editors
// lift the dark. It is nearer to 1 in the bright, since the coarse mark of a large picture
// is seen there.
var maskLuminance = [...]float32{1.6, 1.6, 1.44, 1.23, 1.11, 1.05, 1.02, 1.00, 1.00, 1.00, 1.01, 1.02, 1.03, 1.04, 1.04, 1.05, 1.05}
