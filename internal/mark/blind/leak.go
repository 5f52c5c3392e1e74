package blind

import (
	"fmt"
	"image"
	"iter"
	"math"
	"slices"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/mark/pattern"
	"github.com/kycmark/kycmark/internal/mark/spectrum"
	"github.com/kycmark/kycmark/internal/requant"
)

// A leak is a picture shrunk to the canonical size and whitened, and what searches
// under any key look at, made when first needed. It serves one search at a time.
type leak struct {
	carriers []dsp.Plane                  // luma, and minus blue difference unless grey
	cb       dsp.Plane                    // blue difference that is no carrier yet; empty: grey, or it is one
	fields   []dsp.Plane                  // what is searched: luma, and both together
	scale    [2]float64                   // of the shrinking, horizontal and vertical
	maps     [maxFields]*spectrum.PeakMap // of each field
	cut      [maxFields]*spectrum.PeakMap // the same, with strong peaks cut
	tones    [maxFields]*toneReader
	polars   map[polarKey]*spectrum.LogPolar
	step     float64 // of the log-polar maps
	src      *image.NRGBA
	small    *leak // the same at coarseSide, made when first needed
	shifts   *shiftFinder
	sums     *spectrum.PolarSums
}

// maxFields is the number of fields of a coarse leak in colours.
const maxFields = 3

// newLeak shrinks a picture to its canonical size and whitens it. If the picture was last opened from a hard JPEG file,
// the roundings take part in its luma (see reopened). The error wraps ErrTooSmall or ErrTooLarge of package pattern.
func newLeak(img image.Image) (*leak, error) {
	l, err := newPlainLeak(img)
	if err != nil {
		return nil, err
	}
	if luma, ok := reopened(l.src, l.carriers[0]); ok {
		l.carriers[0], l.fields[0] = luma, luma
	}
	l.colour()
	return l, nil
}

// newPlainLeak is newLeak without roundings and, before a call of colour, without colours.
func newPlainLeak(img image.Image) (*leak, error) {
	p, err := pattern.Pixels(img)
	if err != nil {
		return nil, err
	}
	w, h, err := searchedSize(p.Rect.Dx(), p.Rect.Dy())
	if err != nil {
		return nil, err
	}
	return whitened(p, w, h), nil
}

// newGrayLeak is newLeak of a grey picture without roundings. It has no pixels.
func newGrayLeak(img *image.Gray) (*leak, error) {
	p := dsp.NewPlane(img.Rect.Dx(), img.Rect.Dy())
	w, h, err := searchedSize(p.W, p.H)
	if err != nil {
		return nil, err
	}
	for y := range p.H {
		row := p.Row(y)
		for x, v := range img.Pix[y*img.Stride:][:p.W] {
			row[x] = float32(v)
		}
	}
	l := emptyLeak(p.W, p.H, w, h)
	l.carriers = []dsp.Plane{lumaCarrier(dsp.Shrink(p, w, h))}
	l.fields = combined(l.carriers)
	return l, nil
}

// searchedSize returns the canonical size of a leak of w x h pixels. The error wraps ErrTooSmall of package pattern.
func searchedSize(w, h int) (int, int, error) {
	if min(w, h) < minSide {
		return 0, 0, fmt.Errorf("%w: %d x %d pixels", pattern.ErrTooSmall, w, h)
	}
	cw, ch := pattern.CanonicalSize(w, h)
	if min(cw, ch) < minSide/2 {
		return 0, 0, fmt.Errorf("%w: %d x %d pixels is too long and thin", pattern.ErrTooSmall, w, h)
	}
	return cw, ch, nil
}

// emptyLeak returns a leak of sw x sh pixels that is shrunk to w x h, without carriers and fields.
func emptyLeak(sw, sh, w, h int) *leak {
	l := &leak{step: spectrum.FineStep, shifts: newShiftFinder(), sums: new(spectrum.PolarSums)}
	l.scale = [2]float64{float64(w) / float64(sw), float64(h) / float64(sh)}
	l.forget()
	return l
}

// whitened returns a leak made of p, shrunk to w x h pixels, with luma whitened. w and h must not exceed the size of p.
func whitened(p *image.NRGBA, w, h int) *leak {
	l := emptyLeak(p.Rect.Dx(), p.Rect.Dy(), w, h)
	l.src = p
	c := dsp.ShrinkNRGBA(p, w, h)
	y := c.Luma()
	if !c.Gray() {
		l.cb = c.Cb(y)
	}
	l.carriers = []dsp.Plane{lumaCarrier(y)}
	l.fields = combined(l.carriers)
	return l
}

// colour adds the blue difference, unless the leak is grey or has it already.
func (l *leak) colour() {
	if l.cb.Pix != nil {
		l.carriers, l.cb = append(l.carriers, blueCarrier(l.cb)), dsp.Plane{}
		l.fields = combined(l.carriers)
	}
}

// combined returns the fields that are searched, made of one or two carriers: luma alone, and the sum of both carriers
// scaled to the same variance. A grey picture has luma alone. The first field shares the carrier's memory.
func combined(carriers []dsp.Plane) []dsp.Plane {
	if len(carriers) == 1 {
		return carriers
	}
	both := dsp.NewPlane(carriers[0].W, carriers[0].H)
	for i := range both.Pix {
		both.Pix[i] = float32(math.Sqrt2 / 2 * (carriers[0].Pix[i] + carriers[1].Pix[i]))
	}
	return []dsp.Plane{carriers[0], both}
}

// coarse returns the leak with a long side of coarseSide pixels, made at the first call and kept. A leak that is not
// longer, or would become narrower than minSide, keeps its size. A colour leak has one field more, minus the blue
// difference alone. Over texture luma holds so little of the mark that it only adds noise.
func (l *leak) coarse() *leak {
	w, h, side := l.fields[0].W, l.fields[0].H, l.side()
	if l.small != nil {
		return l.small
	}
	s := *l
	if side > coarseSide && min(w, h)*coarseSide/side >= minSide {
		s = *whitened(l.src, max(1, w*coarseSide/side), max(1, h*coarseSide/side))
		s.colour()
	}
	s.fields = slices.Clone(s.fields)
	if len(s.carriers) > 1 {
		s.fields = append(s.fields, s.carriers[1])
	}
	s.forget()
	s.step = spectrum.SmallStep
	l.small = &s
	return l.small
}

// halved returns a leak with carriers of half the size, which still hold the band of a mark: reading there takes a
// quarter of the time. A leak of less than halvedSide is returned as it is.
func (l *leak) halved() *leak {
	if l.side() < halvedSide {
		return l
	}
	s := &leak{step: l.step, shifts: l.shifts, sums: l.sums, scale: [2]float64{l.scale[0] / 2, l.scale[1] / 2}}
	for _, z := range l.carriers {
		s.carriers = append(s.carriers, dsp.Halve(z))
	}
	s.fields = combined(s.carriers)
	s.forget()
	return s
}

// forget drops all that was computed from the fields and kept: call it after the fields change.
func (l *leak) forget() {
	l.tones = [maxFields]*toneReader{}
	l.forgetMaps()
}

func (l *leak) forgetMaps() {
	l.maps, l.cut, l.polars = [maxFields]*spectrum.PeakMap{}, [maxFields]*spectrum.PeakMap{}, map[polarKey]*spectrum.LogPolar{}
}

func (l *leak) side() int { return max(l.fields[0].W, l.fields[0].H) }

// peaks returns the peak map of field i of the leak: as it is or, if cut is true, with strong peaks
// cut at spectrum.CapLow. Both are computed at the first call and kept.
func (l *leak) peaks(i int, cut bool) *spectrum.PeakMap {
	if l.maps[i] == nil {
		l.maps[i] = spectrum.NewPeakMap(l.fields[i], mapSize(l.side()))
	}
	if !cut {
		return l.maps[i]
	}
	if l.cut[i] == nil {
		l.cut[i] = l.maps[i].Capped(spectrum.CapLow)
	}
	return l.cut[i]
}

// tone returns what interpolates the transform of field i at any frequency. It is kept.
func (l *leak) tone(i int) *toneReader {
	if l.tones[i] == nil {
		l.tones[i] = newToneReader(l.fields[i])
	}
	return l.tones[i]
}

// mapSize returns the size of the transform of a field, or of a part of a field, with the given long side. The
// transform is padded by half, so that a peak between two bins loses little.
func mapSize(side int) int { return dsp.FastEven(side + side/2) }

// A polarKey names one of the log-polar maps that a leak keeps.
type polarKey struct {
	field int
	cut   bool
	by    spectrum.Scales
}

// polar returns the log-polar map of the peaks of field i, cut or not, over the given scales. It is kept.
func (l *leak) polar(i int, cut bool, by spectrum.Scales) *spectrum.LogPolar {
	k := polarKey{i, cut, by}
	if l.polars[k] == nil {
		l.polars[k] = spectrum.NewLogPolar(l.peaks(i, cut), by, l.step, spectrum.Plain)
	}
	return l.polars[k]
}

// A leak that was last opened from a hard JPEG file is not a picture plus noise. A mark
// shows in which of its coefficients were rounded to something else than what is around
// them. In the plain residual the other coefficients look as if nothing had been added.

// reopened returns the whitened luma of a leak that was last opened from a hard JPEG file: what the
// roundings show, plus a share of the plain residual, which says more if little was rounded. plain
// is the leak's luma carrier and gives the size; it is not changed. It returns false if p has more
// than maxReopened pixels, shows no such file, or was rounded in steps too small to matter.
func reopened(p *image.NRGBA, plain dsp.Plane) (dsp.Plane, bool) {
	w, h := p.Rect.Dx(), p.Rect.Dy()
	if w*h > maxReopened {
		return dsp.Plane{}, false
	}
	l, ok := requant.OpenFine(p)
	pitch := pattern.Torus / float64(max(w, h))
	if !ok || l.MeanStep(float64(pattern.BandLow*pitch), float64(pattern.BandHigh*pitch)) < minMeanStep {
		return dsp.Plane{}, false
	}
	wave := min(max((max(w, h)+waves/2)/waves, minWave), maxWave)
	s := l.ReadAlone(wave)
	if s.W != plain.W || s.H != plain.H {
		s = dsp.Shrink(s, plain.W, plain.H)
	}
	level(s, dsp.NewPlane(s.W, s.H), float64(quietScores*s.RMS()))
	whiten(s)
	for i, v := range plain.Pix {
		s.Pix[i] += float32(plainShare * v)
	}
	s.Scale(float32(1 / (s.RMS() + 1e-20)))
	return s, true
}

// Carriers returns the planes in which a reader looks for a mark, whitened and of unit RMS: luma, and minus the blue
// difference unless the picture is grey. c is a picture of 0..255 at its canonical size; it is not changed. Each plane
// is made when its turn comes: two at once take 12 MB more. They can be had once.
func Carriers(c dsp.RGB) iter.Seq[dsp.Plane] {
	channels, carrier := []dsp.Plane{c.Luma()}, []func(dsp.Plane) dsp.Plane{lumaCarrier, blueCarrier}
	if !c.Gray() {
		channels = append(channels, c.Cb(channels[0]))
	}
	return func(yield func(dsp.Plane) bool) {
		for i, p := range channels {
			channels[i] = dsp.Plane{} // frees p
			if !yield(carrier[i](p)) {
				return
			}
		}
	}
}

func lumaCarrier(luma dsp.Plane) dsp.Plane { return whiten(residual(luma, 6, 0.5)) }

func blueCarrier(cb dsp.Plane) dsp.Plane {
	z := whiten(residual(cb, 4, 0.3))
	z.Scale(-1)
	return z
}

// residual returns the detail of p that an edge-preserving filter takes away, divided by its local
// RMS and cut to -3..3. So text edges do not leak over the paper beside them. sigma is the filter's
// tolerance, and quiet is added to the RMS so that flat parts are not lifted, both in grey levels. It destroys p.
func residual(p dsp.Plane, sigma, quiet float64) dsp.Plane {
	const radius, space = 5, 4
	d := dsp.Detail(p, radius, sigma, space)
	level(d, p, quiet)
	return d
}

// level divides p by its local RMS plus quiet, in place, and cuts the quotients at 3: strong edges then count no more than
// faint texture. quiet, in the units of p, keeps flat parts from being lifted. room has the size of p, and is destroyed.
func level(p, room dsp.Plane, quiet float64) {
	const local, limit = 4, 3
	dsp.Level(p, room, local, quiet, limit)
}

// whiten divides the spectrum of p by the root of the local mean power, in place, and scales p to unit
// RMS. No frequency of the picture stands out then. It returns p.
func whiten(p dsp.Plane) dsp.Plane {
	f := dsp.NewFFT2(dsp.FastEven(p.W), dsp.FastLen(p.H))
	s := f.Forward(p)
	m := dsp.LocalPower(s.Powers(p.Pix, s.Stride()), max(9, min(s.W, s.H)/40|1), 1e-4)
	for i, v := range m.Pix {
		m.Pix[i] = float32(1 / math.Sqrt(float64(v)))
	}
	s.Weigh(m)
	f.InverseTo(p, s)
	p.Scale(float32(1 / (p.RMS() + 1e-20)))
	return p
}
