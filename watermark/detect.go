package watermark

import (
	"context"
	"fmt"
	"image"
	"math"
	"slices"

	"github.com/kycmark/kycmark/internal/convcode"
	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
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

// workSide is the long side at which a leak is searched; it is never enlarged.
const workSide = 1024

// leastSide is the shortest side of a leak that is searched at all.
const leastSide = 32

// A reader searches one leak for the mark of one key.
type reader struct {
	ctx      context.Context
	kd       *keyed
	carriers []dsp.Plane // luma, and minus blue difference unless grey
	fields   []dsp.Plane // what is searched: luma, and both together
	mapSize  int
	maps     []*peakMap    // of each field, made when first needed
	tones    []*toneReader // of each field, made when first needed
	f        []frequency
	fft      *dsp.FFT
	checks   int
	bestZ    float64 // best agreement of the pilots seen
	found    *reading
}

// A reading is a decoded message and the map that it was read under.
type reading struct {
	id          CopyID
	correlation float64
	tracked
}

// leakFields shrinks a leak and whitens it: the part of reading that needs no key.
func leakFields(leak image.Image) (c, fields []dsp.Plane, scale [2]float64, err error) {
	p := toNRGBA(leak)
	w, h := p.Rect.Dx(), p.Rect.Dy()
	if min(w, h) < leastSide {
		return nil, nil, scale, fmt.Errorf("%w: %d x %d pixels", ErrTooSmall, w, h)
	}
	ww, wh := w, h
	if side := max(w, h); side > workSide {
		ww, wh = max(1, (w*workSide+side/2)/side), max(1, (h*workSide+side/2)/side)
	}
	if min(ww, wh) < leastSide/2 {
		return nil, nil, scale, fmt.Errorf("%w: %d x %d pixels is too long and thin", ErrTooSmall, w, h)
	}
	c = carriers(dsp.ShrinkNRGBA(p, ww, wh))
	fields = []dsp.Plane{c[0]}
	if len(c) > 1 {
		both := dsp.NewPlane(ww, wh)
		for i := range both.Pix {
			both.Pix[i] = float32(math.Sqrt2 / 2 * (c[0].Pix[i] + c[1].Pix[i]))
		}
		fields = append(fields, both)
	}
	return c, fields, [2]float64{float64(ww) / float64(w), float64(wh) / float64(h)}, nil
}

// read runs the search, cheap and likely stages first, until a message passes.
func (r *reader) read() error {
	f := r.kd.markFrequencies()
	r.f = f[:]
	r.fft = dsp.NewFFT(shiftGrid)
	r.tones = make([]*toneReader, len(r.fields))
	side := max(r.fields[0].W, r.fields[0].H)
	r.mapSize = powerOfTwo(1.25 * float64(side))
	r.maps = make([]*peakMap, len(r.fields))
	for _, stage := range []func() error{r.wholeFrame, r.stretched, r.affine, r.windows} {
		if err := stage(); err != nil || r.done() {
			return err
		}
	}
	return nil
}

func (r *reader) peaks(i int) *peakMap {
	if r.maps[i] == nil {
		r.maps[i] = newPeakMap(r.fields[i], r.mapSize)
	}
	return r.maps[i]
}

func (r *reader) done() bool { return r.found != nil || r.checks >= checkBudget }

func powerOfTwo(least float64) int {
	n := 64
	for float64(n) < least {
		n *= 2
	}
	return n
}

// wholeFrame tries similarities: on the map as it is, with strong peaks cut, and
// with the lower half of the pilots only (thumbnails, blur).
func (r *reader) wholeFrame() error {
	low := slices.Clone(r.f)
	slices.SortStableFunc(low, func(a, b frequency) int {
		d := float64(a.x*a.x) + float64(a.y*a.y) - float64(b.x*b.x) - float64(b.y*b.y)
		return int(math.Copysign(1, d))
	})
	for pass := range 3 {
		f := r.f
		if pass == 2 {
			f = low[:pilotN/2]
		}
		for i := range r.fields {
			m := r.peaks(i)
			if pass > 0 {
				m = m.capped(peakCapLow)
			}
			for j, c := range m.similarities(f, 8, fineStep, scaleHigh, 1) {
				if err := r.ctx.Err(); err != nil {
					return err
				}
				b, _ := m.climb(f, c.b, .001, .0005, .00025)
				r.attempt(i, b, nil, pass > 0 || j > 0, settle)
				if r.done() {
					return nil
				}
			}
		}
	}
	return nil
}

// stretched tries similarities after a stretch along the picture's axes.
func (r *reader) stretched() error {
	for i := len(r.fields) - 1; i >= 0; i-- {
		m := r.peaks(i).capped(peakCapLow)
		wide := m.dilated()
		for _, by := range stretches {
			if err := r.ctx.Err(); err != nil {
				return err
			}
			r.attempt(i, m.stretched(wide, r.f, by).b, nil, true, spreadOut)
			if r.done() {
				return nil
			}
		}
	}
	return nil
}

// affine tries affine maps from pairs of peaks over the whole frame.
func (r *reader) affine() error {
	s := newPairSearch(r.f, 120, scaleHigh)
	for i := len(r.fields) - 1; i >= 0; i-- {
		if err := r.ctx.Err(); err != nil {
			return err
		}
		m := r.peaks(i).capped(peakCapLow)
		for _, c := range s.search(m, 80, 10)[:1] {
			b, score := m.climb(r.f, c.b, .004, .002, .001, .0005)
			if score >= leastScore {
				r.attempt(i, b, nil, false, spreadOut)
			}
		}
		if r.done() {
			return nil
		}
	}
	return nil
}

// leastScore is the peak map's score below which a map is not tried.
const leastScore = 6

// windows tries parts of the frame, for perspective and small remains: the four
// best of each size and field.
func (r *reader) windows() error {
	side := float64(max(r.fields[0].W, r.fields[0].H))
	for _, size := range []struct{ side, top float64 }{{math.Max(192, 0.36*side), 3.0}, {math.Max(160, 0.25*side), 2.2}} {
		s := newPairSearch(r.f, 80, size.top)
		for i := len(r.fields) - 1; i >= 0; i-- {
			best, err := r.windowCandidates(r.fields[i], int(size.side), size.top, s)
			if err != nil {
				return err
			}
			for _, c := range best[:min(4, len(best))] {
				if c.score < leastScore {
					break
				}
				if err := r.ctx.Err(); err != nil {
					return err
				}
				r.attempt(i, c.b, &c.part, true, spreadOut)
				if r.done() {
					return nil
				}
			}
		}
	}
	return nil
}

type windowCandidate struct {
	candidate
	part rect
}

func (r *reader) windowCandidates(z dsp.Plane, side int, top float64, s *pairSearch) ([]windowCandidate, error) {
	var all []windowCandidate
	for _, part := range halfOverlapping(z.W, z.H, side) {
		if err := r.ctx.Err(); err != nil {
			return nil, err
		}
		p := cut(z, part)
		if p.SumSquares() < 0.15*float64(len(p.Pix)) { // covered or blank
			continue
		}
		n := powerOfTwo(1.5 * float64(max(p.W, p.H)))
		m := newPeakMap(p, n).capped(peakCapLow)
		step := 0.015
		if n >= 1024 {
			step = 0.009
		}
		found := s.search(m, 64, 6*float64(n)/float64(max(p.W, p.H)))
		found = append(found[:min(1, len(found))], m.similarities(r.f, 1, step, top, 1)...)
		for _, c := range found {
			c.b, c.score = m.climb(r.f, c.b, .004, .002, .001, .0005)
			all = append(all, windowCandidate{c, part})
		}
	}
	slices.SortStableFunc(all, func(a, b windowCandidate) int { return -int(math.Copysign(1, a.score-b.score)) })
	return all, nil
}

// halfOverlapping covers a w x h frame with squares that overlap by about half.
func halfOverlapping(w, h, side int) []rect {
	starts := func(n int) []int {
		if side >= n {
			return []int{0}
		}
		k := max(2, int(math.Ceil(float64(n-side)/(float64(side)/2)))+1)
		out := make([]int, k)
		for i := range out {
			out[i] = (n - side) * i / (k - 1)
		}
		return out
	}
	var out []rect
	for _, y := range starts(h) {
		for _, x := range starts(w) {
			out = append(out, rect{x, y, min(side, w), min(side, h)})
		}
	}
	return out
}

// Agreement of the pilots on a shift from which a map is refined and read: over
// the whole frame, and where half windows were tried too.
const leastAgreement, leastAgreementParts = 5.2, 5.4

// attempt looks in field i for the shift under the linear map b, and if the pilots
// agree on one, refines the map and reads.
func (r *reader) attempt(i int, b [4]float64, part *rect, quick bool, rounds []round) {
	s, least := r.shiftIn(i, b, part, quick), leastAgreement
	if !quick {
		least = leastAgreementParts
	}
	r.bestZ = math.Max(r.bestZ, s.z)
	if s.z < least {
		return
	}
	z, m := r.fields[i], s.toMatrix(b)
	t := r.kd.track(z, m, s.sign, rounds)
	if t.votes < 40 {
		plain, sumPlain := r.kd.coherent(z, m, s.sign, nil)
		refined, sumRefined := r.kd.coherent(z, t.m, s.sign, t.centre)
		if t.m = refined; sumPlain > sumRefined {
			t.m, t.centre = plain, nil
		}
	}
	r.decode(t, s.sign)
}

// shiftIn finds the shift in the given part of field i, or in the whole and, unless
// quick, in half windows too.
func (r *reader) shiftIn(i int, b [4]float64, part *rect, quick bool) shift {
	z := r.fields[i]
	var f [pilotN]frequency
	for k, q := range r.f {
		f[k] = frequency{float64(b[0]*q.x) + float64(b[1]*q.y), float64(b[2]*q.x) + float64(b[3]*q.y)}
	}
	if part != nil {
		a := cellAmplitudes(cut(z, *part), part.x, part.y, &f, part.w, part.h)
		return r.kd.findShift(r.fft, a.sum(0, 0, a.nx, a.ny))
	}
	if quick {
		if s := r.roughShift(i, &f); s.z < leastAgreement-0.3 {
			return s
		}
		a := cellAmplitudes(z, 0, 0, &f, z.W, z.H)
		return r.kd.findShift(r.fft, &a.c[0])
	}
	const parts = 8
	a := cellAmplitudes(z, 0, 0, &f, max(8, z.W/parts), max(8, z.H/parts))
	best := r.kd.findShift(r.fft, a.sum(0, 0, parts, parts))
	for y := 0; y <= parts/2 && best.z <= 6.5; y += parts / 4 {
		for x := 0; x <= parts/2; x += parts / 4 {
			if s := r.kd.findShift(r.fft, a.sum(x, y, parts/2, parts/2)); s.z > best.z {
				best = s
			}
		}
	}
	return best
}

// roughShift is findShift on interpolated amplitudes.
func (r *reader) roughShift(i int, f *[pilotN]frequency) shift {
	if r.tones[i] == nil {
		r.tones[i] = newToneReader(r.fields[i])
	}
	var c [pilotN]complex64
	for k, q := range f {
		c[k] = r.tones[i].at(q)
	}
	return r.kd.findShift(r.fft, &c)
}

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
		weight := math.Max(meanOverDeviation(s.pilot[:]), 0.05) / (deviation(s.bit[:]) + 1e-12)
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
	for _, bits := range convcode.Decode(in, messageN, checkBudget-r.checks) {
		c := correlation(bits, soft[:], energy)
		if c < minCorrelation {
			return
		}
		r.checks++
		if id, ok := r.kd.payload.parse(bits); ok {
			r.found = &reading{id: id, correlation: c, tracked: t}
			return
		}
	}
}

// correlation is that of a message's code with the soft bits, -1..1.
func correlation(bits []uint8, soft []float64, energy float64) float64 {
	sum := 0.0
	for j, c := range convcode.Encode(bits) {
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

// report puts a reading in terms of the leak's own pixels.
func (r *reader) report(keyID string, scale [2]float64) *Detection {
	d := &Detection{KeyID: keyID, Checks: r.checks, Sync: r.bestZ}
	d.LogPFA = math.Log10(float64(max(r.checks, 1))) - 32*math.Log10(2)
	if r.found == nil {
		d.LogPFA = 0
		return d
	}
	d.Found, d.Copy, d.Correlation = true, r.found.id, r.found.correlation
	toWork := geometry.PixelScale(scale[0], scale[1])
	m := r.found.m.Mul(toWork)
	inv, ok := m.Inverse()
	if !ok {
		return d
	}
	b := r.found.box
	if b == [4]float64{} {
		w := markWindow(r.found.m, r.carriers[0].W, r.carriers[0].H, r.found.centre)
		b = [4]float64{float64(w.u), float64(w.v), float64(w.u + w.w), float64(w.v + w.h)}
	}
	for i, c := range [4]geometry.Point{{X: b[0], Y: b[1]}, {X: b[2], Y: b[1]}, {X: b[2], Y: b[3]}, {X: b[0], Y: b[3]}} {
		p := inv.Apply(c)
		d.Quad[i] = Point{p.X, p.Y}
	}
	// the linear part at the middle of the evidence, mark to leak
	c := geometry.Point{X: (b[0] + b[2]) / 2, Y: (b[1] + b[3]) / 2}
	o, px, py := inv.Apply(c), inv.Apply(geometry.Point{X: c.X + 1, Y: c.Y}), inv.Apply(geometry.Point{X: c.X, Y: c.Y + 1})
	ax, ay, bx, by := px.X-o.X, px.Y-o.Y, py.X-o.X, py.Y-o.Y
	det := ax*by - ay*bx
	d.Scale, d.Mirrored = math.Sqrt(math.Abs(det)), det < 0
	d.Rotation = math.Atan2(ay, ax) * 180 / math.Pi
	d.Transform = [9]float64(m)
	return d
}
