package blind

import (
	"cmp"
	"image"
	"math"
	"slices"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/mark/code"
	"github.com/kycmark/kycmark/internal/mark/pattern"
)

// A look is what was seen at one place where the pilots agree, and not read.
type look struct {
	soft [code.CodedN]float64 // soft bits, of unit norm
	z    float64              // agreement of the pilots
	tracked
}

// newLook returns the look of soft bits with the given sum of squares, which must not be 0.
func newLook(soft *[code.CodedN]float64, energy, z float64, t tracked) look {
	l := look{z: z, tracked: t}
	norm := math.Sqrt(energy)
	for j, v := range soft {
		l.soft[j] = v / norm
	}
	return l
}

// Unread is what a search saw under one key and could not read by the mark's own check. It is immutable.
type Unread struct {
	kd    *Keys
	looks []look // places that were given, then the best agreement first
	found []uint64
	Sync  float64 // strongest agreement of the pilots on a place
	LogP  float64 // log10 P(the pilots agree so in a picture without a mark of the key), search included
	frame
}

// unread returns what r saw and did not read.
func (r *reader) unread() *Unread {
	u := &Unread{kd: r.kd, looks: slices.Clone(r.looks), Sync: r.bestZ, LogP: r.logChance(), frame: r.frame()}
	slices.SortStableFunc(u.looks, func(a, b look) int { return cmp.Compare(b.z, a.z) })
	u.looks = slices.Clip(u.looks[:min(len(u.looks), maxCompared)])
	for _, f := range r.found {
		u.found = append(u.found, f.id)
	}
	return u
}

// A Place is where a leak may carry a mark, whatever its pilots say.
type Place struct {
	Map      geometry.Mat // pixels of the leak to mark pixels
	Inverted bool         // the leak is dark for light
}

// At returns u with places of the leak img before all others. The places must not depend on the chips of the key. A map
// without an inverse is left out. The error is that of [Detect].
func (u *Unread) At(img image.Image, places ...Place) (*Unread, error) {
	l, err := newLeak(img)
	if err != nil {
		return nil, err
	}
	out := *u
	out.looks = nil
	for _, p := range places {
		sign, t := float32(1), tracked{m: p.Map.Mul(geometry.PixelScale(1/l.scale[0], 1/l.scale[1]))}
		if p.Inverted {
			sign = -1
		}
		if soft, energy := u.kd.softSum(l.carriers, t, sign, 1); energy > 0 {
			out.looks = append(out.looks, newLook(&soft, energy, 0, t))
		}
	}
	out.looks = append(out.looks, u.looks...)
	return &out, nil
}

// Looks returns the number of places that were not read.
func (u *Unread) Looks() int { return len(u.looks) }

// Among compares the looks with the messages that were issued under the key, in turn, up to the first that shows marks
// not read before. It returns these. The k-th look may be wrong with a share of 1/(k(k+1)) of code.ListedPFA. What orders
// the looks, the agreement of the pilots, says nothing of messages, whose keys are others.
func (u *Unread) Among(book *code.Book) (all []*Detection) {
	known := slices.Clone(u.found)
	for k, l := range u.looks {
		for _, s := range book.Shown(l.soft[:], float64((k+1)*(k+2))) {
			if id, ok := u.kd.Payload.Parse(s.Message); ok && !slices.Contains(known, id) {
				known = append(known, id)
				d := u.report(&reading{id: id, correlation: s.Sum / math.Sqrt(code.CodedN), logPFA: s.LogPFA, tracked: l.tracked})
				d.Sync = l.z
				all = append(all, d)
			}
		}
		if len(all) > 0 {
			break
		}
	}
	return all
}

// A View is a leak as readers see it, for the trials of bench/nulls. It serves one goroutine.
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

// Soft returns the soft bits, of unit norm, that a reader sees at m, from work to mark pixels: nil if m has no inverse.
func (v *View) Soft(kd *Keys, m geometry.Mat) []float64 {
	soft, energy := kd.softSum(v.leak.carriers, tracked{m: m}, 1, 1)
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
