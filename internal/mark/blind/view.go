package blind

import (
	"context"
	"image"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/mark/pattern"
)

// A View is a leak as readers see it, for the trials of bench/nulls: they read at places where
// no mark is. It serves one goroutine.
type View struct {
	W, H   int // of the shrunk leak, work pixels
	Fields int // planes that are searched
	leak   *leak
}

// NewView shrinks and whitens a leak. It returns the errors of [Detect].
func NewView(img image.Image) (*View, error) {
	l, err := newLeak(img)
	if err != nil {
		return nil, err
	}
	return &View{l.fields[0].W, l.fields[0].H, len(l.fields), l}, nil
}

// Rectified calls f with each carrier at the mark pixels that it covers under m, from work to mark pixels: as it is sampled,
// and as decoding filters it. (x, y) is the first mark pixel. It calls nothing if m has no inverse.
func (v *View) Rectified(m geometry.Mat, f func(sampled, filtered dsp.Plane, x, y int)) {
	for _, z := range v.leak.carriers {
		win := markWindow(m, z.W, z.H, nil)
		if r, ok := rectify(z, m, win); ok {
			y := r.Clone()
			matchedBand(y, pattern.NewResponseTable(), 1, 2)
			f(r, y, win.u, win.v)
		}
	}
}

// Soft returns the soft bits that a reader sees at the map m, from work to mark pixels, of unit norm. It returns nil if m
// has no inverse.
func (v *View) Soft(kd *Keys, m geometry.Mat) []float64 {
	soft, energy := newReader(context.Background(), v.leak, kd).soft(tracked{m: m}, 1)
	if energy == 0 {
		return nil
	}
	l := newLook(&soft, energy, 0, tracked{})
	return l.soft[:]
}

// Amplitude interpolates the complex amplitude of a field, 0 <= field < Fields, at a frequency in cycles a work pixel.
func (v *View) Amplitude(field int, f pattern.Frequency) complex64 { return v.leak.tone(field).at(f) }

// Agreement returns how well the amplitudes of the pilots agree on a place: 8 at most, noise below about 5.4.
func (kd *Keys) Agreement(c *[pattern.PilotN]complex64) float64 {
	return kd.findShift(newShiftFinder(), c).z
}
