package blind

import (
	"context"
	"image"
	"math"

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

// Chips are what one carrier shows at the places of W x H chips from chip (U, V) on, row by
// row: of unit RMS, cut at 4, and 0 beyond the leak.
type Chips struct {
	U, V, W, H int
	Value      []float32
}

// Chips samples the carriers at the chips' places under m, from work to mark pixels, as decoding
// does, and returns one entry a carrier. It returns nothing if m has no inverse.
func (v *View) Chips(m geometry.Mat) []Chips {
	var out []Chips
	for _, z := range v.leak.carriers {
		win := markWindow(m, z.W, z.H, nil)
		r, ok := rectify(z, m, win)
		if !ok {
			continue // only singular maps: no similarity is singular
		}
		y := r.Clone()
		matchedBand(y, pattern.NewResponseTable(), 1, 2)
		g := Chips{U: win.u / pattern.Cell, V: win.v / pattern.Cell, W: win.w / pattern.Cell, H: win.h / pattern.Cell}
		g.Value = make([]float32, g.W*g.H)
		sum := 0.0
		for i := range g.Value {
			at := i/g.W*pattern.Cell*y.W + i%g.W*pattern.Cell
			if g.Value[i] = y.Pix[at]; r.Pix[at] == 0 { // beyond the leak is nothing but the filter's ringing
				g.Value[i] = 0
			}
			sum += float64(g.Value[i]) * float64(g.Value[i])
		}
		f := float32(1 / (math.Sqrt(sum/float64(len(g.Value))) + 1e-12))
		for i, c := range g.Value {
			g.Value[i] = pattern.Clip(f*c, -4, 4)
		}
		out = append(out, g)
	}
	return out
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

// Amplitude interpolates the complex amplitude of a field, 0 <= field < Fields, at a
// frequency in cycles a work pixel.
func (v *View) Amplitude(field int, f pattern.Frequency) complex64 { return v.leak.tone(field).at(f) }

// Agreement returns how well the amplitudes of the pilots agree on a place: 8 at most, noise
// below about 5.4.
func (kd *Keys) Agreement(c *[pattern.PilotN]complex64) float64 {
	return kd.findShift(newShiftFinder(), c).z
}
