package blind

import (
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/mark/pattern"
	"github.com/kycmark/kycmark/internal/mark/spectrum"
)

// A shift is where on the torus the pilots agree.
type shift struct {
	z       float64 // peak over RMS, at most sqrt(2 PilotN) = 8; noise stays below about 5.4
	t       geometry.Point
	sign    float32 // -1 for an inverted picture
	flipped bool    // turned by 180 degrees
	chance  float64 // ln of the probability of as much at one shift by chance; 0 below minAgreement
}

// lnShifts is the natural logarithm of the number of shifts that findShift may return: half mark pixels along
// both axes, upright or turned, positive or negative.
var lnShifts = 2*dsp.Ln(2*pattern.Torus) + 2*math.Ln2

// A shiftFinder is the memory that finding shifts takes. It serves one search at a time.
type shiftFinder struct {
	tones []complex64
	tmp   []complex64
	turns [2 * pattern.Torus][2]float64 // cosine and sine of a turn's parts
}

// newShiftFinder allocates the memory of a search for shifts and tabulates the turns.
func newShiftFinder() *shiftFinder {
	on := &shiftFinder{tones: make([]complex64, 2*pattern.PilotN), tmp: make([]complex64, 2*dsp.ColumnBatch*shiftGrid)}
	for i := range on.turns {
		on.turns[i][0], on.turns[i][1] = dsp.Cis(float64(i) / (2 * pattern.Torus))
	}
	return on
}

// newShiftGrid returns the grid on which the pilots and their mirror images are summed:
// shiftGrid x shiftGrid shifts of the torus.
func newShiftGrid(kd *pattern.Keys) *dsp.ToneGrid {
	var at [2 * pattern.PilotN][2]int
	for k, p := range kd.Pilots {
		at[2*k], at[2*k+1] = [2]int{p.KX, p.KY}, [2]int{-p.KX, -p.KY}
	}
	return dsp.NewToneGrid(shiftGrid, at[:])
}

// findShift returns the shift of the torus at which the given complex pilot amplitudes agree best, to half a mark
// pixel. Its z is 0 if all amplitudes are 0. It compares the pattern upright and turned by 180 degrees: one transform
// serves both, the first in its real, the second in its imaginary part. on is scratch memory; c is not changed.
func (kd *Keys) findShift(on *shiftFinder, c *[pattern.PilotN]complex64) shift {
	v := kd.Aligned(c)
	u := kd.Aligned(conjugate(c))
	energy := 0.0
	for k, a := range v {
		b := u[k]
		on.tones[2*k] = complex(real(a)-imag(b), imag(a)+real(b))
		on.tones[2*k+1] = complex(real(a)+imag(b), real(b)-imag(a))
		energy += float64(float64(real(a))*float64(real(a))) + float64(float64(imag(a))*float64(imag(a)))
	}
	rms := math.Sqrt(energy/2) + 1e-20
	usual := float32(2 * usualAgreement * rms)
	best := on.strongest(kd.shifts(), usual)
	if best.bar <= usual {
		best = on.strongest(kd.shifts(), 0)
	}
	var top shift
	for _, s := range best.kept {
		amp := &v
		if s.flipped {
			amp = &u
		}
		t, sum := kd.refineShift(on, amp, s.x*shiftStep, s.y*shiftStep, s.sum)
		if z := math.Abs(sum) / rms; z > top.z {
			top = shift{z: z, t: t, sign: 1, flipped: s.flipped}
			if sum < 0 {
				top.sign = -1
			}
		}
	}
	if top.z >= minAgreement {
		top.chance = pattern.LnAgreement(c, float64(top.z*rms))
	}
	return top
}

// strongest sums the tones that findShift has put into on, at all places of the grid. It returns the shiftsKept places
// with the largest absolute sums above bar, upright or turned. Fewer exceed a high bar: the rest of kept is then zero.
func (on *shiftFinder) strongest(grid *dsp.ToneGrid, bar float32) bestShifts {
	best := bestShifts{floor: bar, bar: bar}
	grid.EachColumns(on.tones, on.tmp, func(x int, t []complex64) {
		const lines = 16
		for y := 0; y < shiftGrid; y += lines {
			block := t[y*dsp.ColumnBatch : (y+lines)*dsp.ColumnBatch]
			if dsp.MaxAbs(block) <= best.bar {
				continue
			}
			for i, d := range block {
				best.offer(real(d), x+i%dsp.ColumnBatch, y+i/dsp.ColumnBatch, false)
				best.offer(imag(d), x+i%dsp.ColumnBatch, y+i/dsp.ColumnBatch, true)
			}
		}
	})
	return best
}

// bestShifts keeps the strongest places of the grid. A further place must exceed bar, which is the
// weakest sum kept, or floor if that is larger.
type bestShifts struct {
	kept       [shiftsKept]gridShift
	floor, bar float32
}

type gridShift struct {
	sum     float32
	x, y    int
	flipped bool
}

// offer keeps the place (x, y) of the grid if the size of its sum exceeds the bar. The sum, which
// is negative for an inverted picture, replaces the weakest place that is kept. The bar rises to
// the new weakest. flipped says that the pattern is turned by 180 degrees.
func (b *bestShifts) offer(sum float32, x, y int, flipped bool) {
	if sum <= b.bar && -sum <= b.bar {
		return
	}
	weakest := 0
	for i, s := range b.kept {
		if abs(s.sum) < abs(b.kept[weakest].sum) {
			weakest = i
		}
	}
	b.kept[weakest] = gridShift{sum, x, y, flipped}
	b.bar = abs(b.kept[0].sum)
	for _, s := range b.kept[1:] {
		b.bar = min(b.bar, abs(s.sum))
	}
	b.bar = max(b.bar, b.floor)
}

func abs(v float32) float32 { return max(v, -v) }

// refineShift climbs from the shift (x, y), in mark pixels, to where the sum of the pilots is largest, in steps of 2, 1
// and 1/2 mark pixels. It returns that shift and the sum there. start is the sum at (x, y): only its sign counts,
// negative for an inverted picture, whose sum is climbed downwards. amp are the aligned amplitudes.
func (kd *Keys) refineShift(on *shiftFinder, amp *[pattern.PilotN]complex64, x, y int, start float32) (geometry.Point, float64) {
	sign := 1.0
	if start < 0 {
		sign = -1
	}
	x, y = 2*x, 2*y // half mark pixels
	best := sign * kd.pilotSum(on, amp, x, y)
	for _, step := range [...]int{4, 2, 1} {
		for _, d := range [...][2]int{{step, 0}, {-step, 0}, {0, step}, {0, -step}, {step, 0}, {-step, 0}, {0, step}, {0, -step}} {
			if s := sign * kd.pilotSum(on, amp, x+d[0], y+d[1]); s > best {
				best, x, y = s, x+d[0], y+d[1]
			}
		}
	}
	return geometry.Point{X: float64(x) / 2, Y: float64(y) / 2}, sign * best
}

// pilotSum returns the real part of the sum of the aligned amplitudes amp, turned back as if the pattern lay at (x, y).
// x and y are in half mark pixels, of either sign. on holds the table of turns.
func (kd *Keys) pilotSum(on *shiftFinder, amp *[pattern.PilotN]complex64, x, y int) float64 {
	sum := 0.0
	for k, p := range kd.Pilots {
		t := &on.turns[(p.KX*x+p.KY*y)&(2*pattern.Torus-1)]
		sum += float64(float64(real(amp[k]))*t[0]) + float64(float64(imag(amp[k]))*t[1])
	}
	return sum
}

// conjugate returns the complex conjugates of amplitudes. A picture turned by 180 degrees has these amplitudes.
func conjugate(c *[pattern.PilotN]complex64) *[pattern.PilotN]complex64 {
	var out [pattern.PilotN]complex64
	for k, v := range c {
		out[k] = complex(real(v), -imag(v))
	}
	return &out
}

// toMatrix is on for the linear map b of frequencies, from mark to work.
func (s shift) toMatrix(b [4]float64) geometry.Mat { return s.on(spectrum.ToMap(b, geometry.Point{})) }

// on returns the map m from work to mark pixels, completed by the shift: turned by 180 degrees about the origin of the mark
// if the shift is flipped, then moved.
func (s shift) on(m geometry.Mat) geometry.Mat {
	turn := geometry.Translation(s.t.X, s.t.Y)
	if s.flipped {
		turn[0], turn[4] = -1, -1
	}
	return turn.Mul(m)
}

// sum adds up the pilots' amplitudes over the block of cells [x, x+w) x [y, y+h), counted in cells.
// Cells beyond the last row or column are left out. a is not changed.
func (a amplitudes) sum(x, y, w, h int) *[pattern.PilotN]complex64 {
	var out [pattern.PilotN]complex64
	for j := y; j < min(y+h, a.ny); j++ {
		for i := x; i < min(x+w, a.nx); i++ {
			for k, v := range a.c[j*a.nx+i] {
				out[k] += v
			}
		}
	}
	return &out
}

// A tone reader interpolates the transform of a field at any frequency, about the
// field's middle, where it varies least: fit to sort out hopeless maps cheaply.
type toneReader struct {
	s      dsp.Spectrum
	cx, cy float64
}

// newToneReader returns the reader of the transform of z. It transforms z padded to twice its size,
// and moves the origin of its phases to the middle of z, where interpolated phases vary least.
func newToneReader(z dsp.Plane) *toneReader {
	w, h := dsp.FastEven(2*z.W), dsp.FastLen(2*z.H)
	t := &toneReader{s: dsp.NewFFT2(w, h).Forward(z), cx: float64(z.W-1) / 2, cy: float64(z.H-1) / 2}
	st := t.s.Stride()
	turnX := make([]complex64, st)
	for u := range turnX {
		turnX[u] = pattern.UnitTurn(float64(float64(u) * t.cx / float64(w)))
	}
	for v := range h {
		fy := v
		if v > h/2 {
			fy -= h
		}
		turnY := pattern.UnitTurn(float64(float64(fy) * t.cy / float64(h)))
		row := t.s.C[v*st : (v+1)*st]
		for u := range row {
			row[u] = dsp.Mul(dsp.Mul(row[u], turnX[u]), turnY)
		}
	}
	return t
}

// taps returns four neighbouring coefficients of row v, columns u to u+3. Rows repeat, so that v may be any number. u must
// be -1 or more: column -1 is the complex conjugate of column 1 in the opposite row. u+3 must lie in the half spectrum.
func (t *toneReader) taps(u, v int) (c [4]complex64) {
	h, st := t.s.H, t.s.Stride()
	if v %= h; v < 0 {
		v += h
	}
	if u >= 0 {
		return [4]complex64(t.s.C[v*st+u:])
	}
	opposite := t.s.C[(h-v)%h*st+1]
	copy(c[1:], t.s.C[v*st:])
	c[0] = complex(real(opposite), -imag(opposite))
	return c
}

// at returns the sum of z exp(-2 pi i f.x) over the field z, interpolated between 4 x 4 coefficients. f is in cycles a
// pixel of the field; the result is 0 for frequencies at or beyond the end of the spectrum in X.
func (t *toneReader) at(f pattern.Frequency) complex64 {
	x, y := float64(f.X*float64(t.s.W)), float64(f.Y*float64(t.s.H))
	flip := x < 0
	if flip {
		x, y = -x, -y
	}
	ix, iy := int(x), int(math.Floor(y))
	if ix+2 >= t.s.Stride() {
		return 0
	}
	wx, wy := dsp.Bicubic(float32(x-float64(ix))), dsp.Bicubic(float32(y-float64(iy)))
	var sum complex64
	for j := range 4 {
		row := t.taps(ix-1, iy-1+j)
		for i, c := range row {
			g := float32(wx[i] * wy[j])
			sum += complex(float32(g*real(c)), float32(g*imag(c)))
		}
	}
	if flip {
		sum = complex(real(sum), -imag(sum))
	}
	return dsp.Mul(sum, pattern.UnitTurn(-(float64(f.X*t.cx) + float64(f.Y*t.cy))))
}
