package watermark

import (
	"context"
	"fmt"
	"image"
	"math"
	"slices"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/mark/code"
)

// The promise on false positives. A message is looked at only if it correlates
// with the soft bits by at least minCorrelation, and at most checkBudget messages
// a picture and key are looked at: each passes the 32-bit keyed check by chance
// with probability 2^-32, so a picture without a mark of the key reads as marked
// with probability 4 x 2^-32 = 9.3e-10 at most.
const (
	checkBudget    = 4
	minCorrelation = 0.62
)

// leastSide is the shortest side of a leak that is searched at all.
const leastSide = 32

// A leak is a picture shrunk to the canonical size and whitened, and what searches
// under any key look at, made when first needed. It serves one search at a time.
type leak struct {
	carriers []dsp.Plane // luma, and minus blue difference unless grey
	fields   []dsp.Plane // what is searched: luma, and both together
	scale    [2]float64  // of the shrinking, horizontal and vertical
	maps     []*peakMap  // of each field
	cut      []*peakMap  // the same, with strong peaks cut
	seen     []*observed // their strongest peaks
	tones    []*toneReader
	polars   map[polarKey]*logPolar
	step     float64 // of the log-polar maps
	src      *image.NRGBA
	small    *leak // the same at coarseSide, made when first needed
	shifts   *shiftFinder
	sums     *polarSums
}

func newLeak(img image.Image) (*leak, error) {
	p, err := toNRGBA(img)
	if err != nil {
		return nil, err
	}
	w, h := p.Rect.Dx(), p.Rect.Dy()
	if min(w, h) < leastSide {
		return nil, fmt.Errorf("%w: %d x %d pixels", ErrTooSmall, w, h)
	}
	ww, wh := canonicalSize(w, h)
	if min(ww, wh) < leastSide/2 {
		return nil, fmt.Errorf("%w: %d x %d pixels is too long and thin", ErrTooSmall, w, h)
	}
	l := whitened(p, ww, wh)
	if luma, ok := reopened(p, l.carriers[0]); ok {
		l.carriers[0] = luma
		l.fields = combined(l.carriers)
	}
	return l, nil
}

// whitened shrinks p to w x h pixels and whitens it.
func whitened(p *image.NRGBA, w, h int) *leak {
	l := &leak{src: p, step: fineStep, carriers: carriers(dsp.ShrinkNRGBA(p, w, h)), shifts: newShiftFinder(), sums: new(polarSums)}
	l.scale = [2]float64{float64(w) / float64(p.Rect.Dx()), float64(h) / float64(p.Rect.Dy())}
	l.fields = combined(l.carriers)
	l.forget()
	return l
}

// combined returns what is searched of carriers: luma, and both together.
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

// coarseSide is the long side at which the leak is looked at once more, as a part of
// the picture: at 1:1 the mark on a small part of a large picture is so coarse that
// the front end, made for the canonical scale, takes it for the picture. What a part
// of up to half of the area holds of the pattern is left at this side.
const coarseSide = 400

// coarse returns the leak at coarseSide, or as it is where that is not less, with one
// field more: minus the blue difference alone, since over texture luma holds so
// little of the mark that it only adds noise.
func (l *leak) coarse() *leak {
	w, h, side := l.fields[0].W, l.fields[0].H, l.side()
	if l.small != nil {
		return l.small
	}
	s := *l
	if side > coarseSide && min(w, h)*coarseSide/side >= leastSide {
		s = *whitened(l.src, max(1, w*coarseSide/side), max(1, h*coarseSide/side))
	}
	s.fields = slices.Clone(s.fields)
	if len(s.carriers) > 1 {
		s.fields = append(s.fields, s.carriers[1])
	}
	s.forget()
	s.step = smallStep
	l.small = &s
	return l.small
}

// forget drops what was made of the fields.
func (l *leak) forget() {
	l.tones = make([]*toneReader, len(l.fields))
	l.forgetMaps()
}

// forgetMaps drops the peak maps and what was made of them.
func (l *leak) forgetMaps() {
	n := len(l.fields)
	l.maps, l.cut, l.seen, l.polars = make([]*peakMap, n), make([]*peakMap, n), make([]*observed, n), map[polarKey]*logPolar{}
}

// side is the long side of the canonical picture.
func (l *leak) side() int { return max(l.fields[0].W, l.fields[0].H) }

// peaks is the peak map of field i, strong peaks cut or not.
func (l *leak) peaks(i int, cut bool) *peakMap {
	if l.maps[i] == nil {
		l.maps[i] = newPeakMap(l.fields[i], mapSize(l.side()))
	}
	if !cut {
		return l.maps[i]
	}
	if l.cut[i] == nil {
		l.cut[i] = l.maps[i].capped(peakCapLow)
	}
	return l.cut[i]
}

// seenIn returns the strongest peaks of field i.
func (l *leak) seenIn(i int) *observed {
	if l.seen[i] == nil {
		l.seen[i] = l.peaks(i, true).observe(80, 10)
	}
	return l.seen[i]
}

func (l *leak) tone(i int) *toneReader {
	if l.tones[i] == nil {
		l.tones[i] = newToneReader(l.fields[i])
	}
	return l.tones[i]
}

// A reader searches one leak for the marks of one key.
type reader struct {
	*leak
	ctx    context.Context
	kd     *keyed
	f      []frequency
	checks int
	bestZ  float64 // best agreement of the pilots seen
	want   int     // marks at which the search ends
	found  []*reading

	rankings map[fieldRanking][]candidate
	left     map[ranking][]hit // that were found worth a look and not read
}

// A reading is a decoded message and the map that it was read under.
type reading struct {
	id          CopyID
	bits        []uint8
	correlation float64
	checks      int // made up to this one
	tracked
}

func newReader(ctx context.Context, l *leak, key *Key) *reader {
	kd := key.keyed()
	return &reader{leak: l, ctx: ctx, kd: kd, f: kd.markFrequencies()[:], want: 1}
}

// search runs the stages of all readers side by side, until one has found a mark: then
// the others have been searched for as thoroughly, and are looked for along with it.
func search(readers []*reader) error {
	for _, try := range stages {
		if err := try(readers); err != nil {
			return err
		}
		if slices.ContainsFunc(readers, func(r *reader) bool { return len(r.found) > 0 }) {
			break
		}
	}
	return alongside(readers)
}

// readOn looks on after a mark was read, for obvious marks of the same key in other
// places of the torus: those of a copy that was marked again.
func (r *reader) readOn() error {
	for len(r.found) == r.want && r.checks < checkBudget {
		r.mute(r.found[len(r.found)-1])
		r.want++
		for _, try := range [...]func(*reader) error{(*reader).likely, (*reader).obvious} {
			if err := try(r); err != nil {
				return err
			}
			if r.done() {
				break
			}
		}
	}
	return nil
}

// mute takes the pilots of a mark that was read out of the maps.
func (r *reader) mute(found *reading) {
	own := *r.leak
	own.forgetMaps()
	m := found.m
	for i := range r.fields {
		own.maps[i] = r.leak.peaks(i, false).without(r.f, [4]float64{m[0], m[3], m[1], m[4]})
	}
	r.leak, r.rankings, r.left = &own, nil, nil
}

func (r *reader) done() bool { return len(r.found) >= r.want || r.checks >= checkBudget }

// mapSize is that of the transform of a field or part with the given long side:
// padded by half, so that a peak between two bins loses little.
func mapSize(side int) int { return dsp.FastEven(side + side/2) }

// decode adds up the carriers' soft bits, each weighed by what the pilots say of
// its strength (maximum ratio combining), and checks the likeliest messages.
func (r *reader) decode(t tracked, sign float32) {
	var soft [codedN]float64
	read, ok := make([]softBits, len(r.carriers)), make([]bool, len(r.carriers))
	dsp.Parallel(len(read), func(from, to int) {
		for i := from; i < to; i++ {
			read[i], ok[i] = r.kd.soft(r.carriers[i], t.m, sign, t.centre)
		}
	})
	for i, s := range read {
		if !ok[i] {
			return
		}
		weight := carrierWeight(meanOverDeviation(s.pilot[:])) / (deviation(s.bit[:]) + 1e-12)
		for j, v := range s.bit {
			soft[j] += float64(v * weight)
		}
	}
	in := make([]float32, codedN)
	energy := 0.0
	for j, v := range soft {
		in[j] = float32(v)
		energy += float64(v * v)
	}
	for _, bits := range code.Decode(in, messageN, checkBudget-r.checks) {
		c := correlation(bits, soft[:], energy)
		if c < minCorrelation {
			return
		}
		if slices.ContainsFunc(r.found, func(f *reading) bool { return slices.Equal(f.bits, bits) }) {
			return // read before: nothing to check
		}
		r.checks++
		if id, ok := r.kd.payload.parse(bits); ok {
			r.found = append(r.found, &reading{id, bits, c, r.checks, t})
			return
		}
	}
}

// carrierWeight is the strength of a carrier that its pilots tell, less where it may as
// well be chance: the mean of pilotN amplitudes over their deviation is off by 0.18.
func carrierWeight(seen float64) float64 {
	const chance = 0.1
	seen = math.Max(seen, 0.05)
	return seen * float64(seen*seen) / (float64(seen*seen) + chance)
}

// correlation is that of a message's code with the soft bits, -1..1.
func correlation(bits []uint8, soft []float64, energy float64) float64 {
	sum := 0.0
	for j, c := range code.Encode(bits) {
		sum += float64(float64(c) * soft[j])
	}
	return sum / math.Sqrt(float64(energy*codedN)+1e-20)
}

func moments(x []float64) (mean, dev float64) {
	for _, v := range x {
		mean += v
	}
	mean /= float64(len(x))
	sq := 0.0
	for _, v := range x {
		sq += float64((v - mean) * (v - mean))
	}
	return mean, math.Sqrt(sq / float64(len(x)))
}

func deviation(x []float64) float64 {
	_, d := moments(x)
	return d
}

func meanOverDeviation(x []float64) float64 {
	m, d := moments(x)
	return m / (d + 1e-12)
}

// report puts a reading, or that there is none, in terms of the leak's own pixels.
func (r *reader) report(keyID string, found *reading) *Detection {
	d := &Detection{KeyID: keyID, Checks: r.checks, Sync: r.bestZ}
	if found == nil {
		return d
	}
	d.Checks = found.checks
	d.LogPFA = math.Log10(float64(d.Checks)) - 32*math.Log10(2)
	d.Found, d.Copy, d.Correlation = true, found.id, found.correlation
	m := found.m.Mul(geometry.PixelScale(r.scale[0], r.scale[1]))
	inv, ok := m.Inverse()
	if !ok {
		return d
	}
	b := found.box
	if b == [4]float64{} {
		w := markWindow(found.m, r.carriers[0].W, r.carriers[0].H, found.centre)
		b = [4]float64{float64(w.u), float64(w.v), float64(w.u + w.w), float64(w.v + w.h)}
	}
	lo, hi := Point{math.Inf(1), math.Inf(1)}, Point{math.Inf(-1), math.Inf(-1)}
	for _, c := range [4]geometry.Point{{X: b[0], Y: b[1]}, {X: b[2], Y: b[1]}, {X: b[2], Y: b[3]}, {X: b[0], Y: b[3]}} {
		p := inv.Apply(c)
		lo, hi = Point{math.Min(lo.X, p.X), math.Min(lo.Y, p.Y)}, Point{math.Max(hi.X, p.X), math.Max(hi.Y, p.Y)}
	}
	w, h := float64(r.carriers[0].W)/r.scale[0], float64(r.carriers[0].H)/r.scale[1]
	within := func(v, most float64) float64 { return math.Min(math.Max(v, 0), most) }
	lo, hi = Point{within(lo.X, w), within(lo.Y, h)}, Point{within(hi.X, w), within(hi.Y, h)}
	d.Quad = [4]Point{lo, {hi.X, lo.Y}, hi, {lo.X, hi.Y}}
	// the linear part at the middle of the evidence, mark to leak
	c := geometry.Point{X: (b[0] + b[2]) / 2, Y: (b[1] + b[3]) / 2}
	o, px, py := inv.Apply(c), inv.Apply(geometry.Point{X: c.X + 1, Y: c.Y}), inv.Apply(geometry.Point{X: c.X, Y: c.Y + 1})
	ax, ay, bx, by := px.X-o.X, px.Y-o.Y, py.X-o.X, py.Y-o.Y
	det := float64(ax*by) - float64(ay*bx)
	d.Scale, d.Mirrored = math.Sqrt(math.Abs(det)), det < 0
	d.Rotation = math.Atan2(ay, ax) * 180 / math.Pi
	d.Transform = [9]float64(m)
	return d
}
