package pattern

// This file has the numbers that a marker may change without another format: how strong a mark is, and where.
// Butteraugli fixed them: docs/format.md has the measurements, and TestVisibilityStudy repeats those on flats and on
// noise. Every change of one changes marks, and with them testdata/v1.

// Sizes of pictures.
const (
	canonicalSide = 1024 // pixels, long side at which masks and patterns are made
	minLong       = 320  // pixels, sides of the smallest picture marked
	minShort      = 240
)

// The visibility budget at strength 1.
const (
	slopeLow    = 0.3
	textureSide = 1800 // pixels
	blueSide    = 2000 // pixels: larger pictures have less blue difference
	chromaLimit = 1.8  // RMS of the blue difference; the rare peaks beyond are what is seen first, and hardly read
	psnrFloor   = 44.3 // dB over R, G and B of the canonical picture, from a megapixel on
	psnrSmall   = 42.0 // below, where pixels are few and seen smaller
)

// A manner is how strong marks are made at strength 1, in grey levels RMS unless said.
type manner struct {
	flatTypical, flatLow, flatHigh float64 // luma in flats of mid-grey: see flatGain
	patternLimit                   float32 // RMS of luma, as chromaLimit
	chromaLevel                    float32 // of the blue difference, where its mask is 1
	chromaMask                     bool    // the blue difference has a mask
	dither                         bool    // pixels are rounded by a dither
}

// ofCopies has low peaks, and less blue difference where it is seen. In coefficients it was
// chosen on 14 JPEGs and five hard attacks each: a 3-norm of 0.79, a maximum of 2.05, and 62 of 70 marks read.
// Without a blue difference the 3-norm falls by a tenth only, but 20 of 30 marks are read for 30: crops and photographed screens
// rest on it. In pixels, 10 pictures as PNG and 12 hard attacks each: 0.82, 1.76, and 104 of 120.
//
// In lossy files most of the distance is the encoder's, so lossy is stronger. Ten photographs as WebP 80, 14 attacks each: 121 of 140 marks
// are read at a 3-norm of 1.32. Eight as JPEG 80: 98 of 112 at 0.91. More luma (0.726) reads 124
// and 101 at 1.36 and 0.94. More blue difference reads more at less distance, but people saw it on walls.
//
// raised is for copies whose mark has less room: JPEGs of coarse steps, and grey pictures, which have no blue difference.
//
// In pictures of more than 1,834 pixels luma of flats falls no further. Beyond blueSide the blue difference falls, since Butteraugli
// sees it first in large pictures, above all without grain. Twelve photographs of 9 to 22 megapixels, 9 hard attacks on each: of
// 108 marks 75 are read with a list, at a maximum of 2.09, 2.83 at most. With luma that falls and a blue difference that does not: 67, 2.35, 3.86.
//
// probed is as much of luma in pixels as coefficients have behind their limit: P(|x| < limit) of its pattern.
var (
	lossy    = manner{flatTypical: 0.665, flatLow: 0.66, flatHigh: 0.99, patternLimit: 1, chromaLevel: 1.03, chromaMask: true}
	ofCopies = manner{flatTypical: 0.605, flatLow: 0.60, flatHigh: 0.90, patternLimit: 1, chromaLevel: 0.72, chromaMask: true, dither: true}
	raised   = ofCopies.times(raise)
	probed   = manner{flatTypical: 0.47, flatLow: 0.217, flatHigh: 0.70, patternLimit: 1.55, chromaLevel: 0.72}
)

func (m manner) times(g float64) manner {
	m.flatTypical, m.flatLow, m.flatHigh = float64(g*m.flatTypical), float64(g*m.flatLow), float64(g*m.flatHigh)
	m.chromaLevel = float32(g * float64(m.chromaLevel))
	return m
}

// A JPEG of coarse steps leaves little of a mark. So the step of DC of its copies is at most firstStep times what a mark as weak as probed
// adds to DC in flats: a step as large as ofCopies allows leaves nothing where a large picture has no grain. The mark is made raise times
// as strong. Ten real JPEGs of quality 50 to 65, 14 attacks on each: 122 of 140 marks are
// read, the 3-norm is 0.94, the weight 0.98 of the source. With neither: 95, 0.93, 0.98. In pixels, written with quality 70:
// 124, 1.22, 1.03. A finer step of the blue difference reads 1 more. Of quality 45 fewer are read than in pixels: 31 for 42 of 56.
//
// Grey pictures have no blue difference, on which crops and photographed screens rest. Ten grey files, of receipts, a payslip and photographs,
// raised and not: 93 and 86 of 140 marks are read; the 3-norm is 0.82 and 0.78, 1.01 and 0.97 at most.
const (
	firstStep = 1.93
	raise     = 1.2
)

// MinCarried is the share of a copy's own part of the mark that the steps of a JPEG must leave in its coefficients. Steps
// are coarse beside that part, and blank paper has few coefficients. Copies with less are marked in pixels. Of 118 real files of
// quality 40 to 69 all have 0.39 and more, except two blank pages of 35 megapixels (0.02).
const MinCarried = 0.33

// Parameters of the mask of the blue difference, which follow the distances of one blue mark on flats and on noise
// (TestColourVisibilityStudy). Texture hides it even better than luma: half is seen in noise of one level. On yellow, skin
// and saturated red or green it is seen more. In the dark it is seen less than the mask says, since displays lift the dark.
const (
	chromaTexture  = 0.5  // slope over texture
	chromaDark     = 0.3  // more, below chromaDarkEnd
	chromaDarkFrom = 64.0 // grey levels
	chromaDarkEnd  = 16.0
	chromaYellow   = 0.008  // more visible, for each level of blue difference below 0, up to yellowMax
	chromaRed      = 0.0048 // for each level by which red differs from luma, up to redMax
	yellowMax      = 60.0
	redMax         = 56.0
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

// maskLuminance is how much more of a mark hides on flats of 0, 16, 32 ... 256 grey levels than on mid-grey: the inverse of
// the Butteraugli distance of one and the same mark there (TestVisibilityStudy). It is cut at 1.6, since displays and
// editors lift the dark. It is nearer to 1 in the bright, since the coarse mark of a large picture is seen there.
var maskLuminance = [...]float32{1.6, 1.6, 1.44, 1.23, 1.11, 1.05, 1.02, 1.00, 1.00, 1.00, 1.01, 1.02, 1.03, 1.04, 1.04, 1.05, 1.05}
