package pattern

// The format v1. These constants are read by every detector that is to read marks of this version: they never change
// under this version number. The units are mark pixels: a torus of torus x torus of them is laid over each picture, its
// long side about 1024 mark pixels.
const (
	Torus = 1024 // mark pixels, width and height of the pattern before it repeats
	Cell  = 4    // mark pixels a chip
	Cells = Torus / Cell

	PilotN     = 32 // sinusoids that carry the synchronisation
	PilotLow   = 0.032
	PilotHigh  = 0.100 // cycles a mark pixel, annulus of the pilots
	PilotApart = 6     // lattice steps between any two pilots or their negatives
	PilotShare = 0.32  // of the blind part's energy

	BandLow  = 0.030 // cycles a mark pixel, band of the chips
	BandHigh = 0.120

	PlaceScale = 0.1 // largest |ln| of the pattern's scale against 1024 a long side

	tracerShare = 0.30 // of the luma mark's energy
	tracerLow   = 5    // cycles a long side, band of the tracer
	TracerHigh  = 400
	TracerSize  = 1024 // samples, side of the tracer's cosine transform
)
