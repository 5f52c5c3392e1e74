package photometry

// The constants of predicting a leak. The trials of tracing (bench, trace.go: 1,258 of 1,260 leaks name their copy) and
// the vectors of traces fixed them together. Each value by itself was chosen, not measured. Pixels are the leak's.

// Prediction: the original at the leak's pixels.
const (
	minLevel = 64   // short side in pixels of the original at which halving ends
	preBlur  = 0.45 // deviation in pixels of the low-pass of a leak that was shrunk for registering
)

// Fit: which pixels are trusted, and the tone curve.
const (
	window        = 15    // side in pixels of the square of local correlation
	textured      = 60    // variance, grey levels squared, from which the original's detail says something
	follows       = 0.6   // local correlation from which a pixel is trusted
	strays        = 0.35  // local correlation below which a pixel is covered
	minPixels     = 200   // pixels that must show the original
	toneSamples   = 40000 // pixels that a tone curve is fitted to, about
	varianceReach = 6     // deviation in pixels of the window of the residual's variance
	clipped       = 4     // grey levels from black or white at which compression leaves what tone cut off
)

// Detail, compared where it is about as strong as a mark.
const (
	strongDetail = 8.0 // deviation in pixels of the high-pass for all detail
	faintDetail  = 2.0 // deviation in pixels of the high-pass for faint detail: shorter, so that tails of edges do not count
	detailReach  = 3.0 // deviation in pixels of the window of faint detail's power
	faint        = 0.5 // grey levels of detail that count half
)

// Local fit: how much of the residual looks like an offset, a gain, a shift or a change of
// sharpness of the prediction around each pixel.
const (
	localStep = 3 // pixels between the places at which the local fit is solved
	localN    = 5 // unknowns of a local fit

	offsetRidge = 0.02 // added to the offset's equation, squares a pixel
	localRidge  = 1.0  // added to the other equations

	// Reach is the deviation in pixels of the window in which a fit is local: what is coarser has been taken away.
	Reach = 10.0
)

// Changes: where the leak shows something else.
const (
	changeCell  = 8   // side in pixels of the cells that are joined
	changeShare = 0.5 // share of a cell's pixels that must differ
	changeCells = 3   // cells of the smallest change
	changeScore = 4   // score of the faintest change
	flatDetail  = 2.0 // grey levels of detail below which a pixel is flat
	flatShare   = 0.5 // share of a change's pixels that must be flat for it to be covered
)
