package blind

import (
	"math"
	"slices"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/mark/code"
	"github.com/kycmark/kycmark/internal/mark/pattern"
)

// A decoder makes messages of soft bits, for one key.
type decoder struct {
	payload *code.Payload
	want    int // marks at which the search ends
	checks  int // 32-bit checks made
	found   []*reading
	looks   []look
}

// A reading is a decoded message and the map that it was read under.
type reading struct {
	id          uint64
	bits        []uint8
	correlation float64
	logPFA      float64
	tracked
}

// done reports whether the search may end: enough marks were read, or the budget of 32-bit checks is used up.
func (d *decoder) done() bool { return len(d.found) >= d.want || d.checks >= code.CheckBudget }

// read adds to d.found the likeliest message of soft bits whose 32-bit check holds, unless it was read before. It stops
// at a message that correlates by less than code.MinCorrelation, or when the budget of checks is used up. It then adds
// the soft bits to d.looks. They were read under the map t, on which the pilots agree by z. energy is the sum of their
// squares; if it is 0, read does nothing.
func (d *decoder) read(soft *[code.CodedN]float64, energy, z float64, t tracked) {
	if energy == 0 {
		return
	}
	in := make([]float32, code.CodedN)
	for j, v := range soft {
		in[j] = float32(v)
	}
	for _, bits := range code.Decode(in, code.MessageN, code.CheckBudget-d.checks) {
		c := code.Correlation(bits, soft[:], energy)
		if c < code.MinCorrelation {
			break
		}
		if slices.ContainsFunc(d.found, func(f *reading) bool { return slices.Equal(f.bits, bits) }) {
			return // nothing to check
		}
		d.checks++
		if id, ok := d.payload.Parse(bits); ok {
			logPFA := math.Log10(float64(d.checks)) - 32*math.Log10(2)
			d.found = append(d.found, &reading{id: id, bits: bits, correlation: c, logPFA: logPFA, tracked: t})
			return
		}
	}
	if len(d.looks) < maxLooks {
		d.looks = append(d.looks, newLook(soft, energy, z, t))
	}
}

// A window is a rectangle of mark pixels; its corner lies on the chips' grid.
type window struct{ u, v, w, h int }

// markWindow returns the window of mark pixels that a w x h picture covers under m, from picture to
// mark pixels. It is cut to about windowSide a side around the given centre, in mark pixels. A nil
// centre is the middle of the picture. It is at least 64 mark pixels a side.
func markWindow(m geometry.Mat, w, h int, centre *geometry.Point) window {
	lo, hi := geometry.Point{X: math.Inf(1), Y: math.Inf(1)}, geometry.Point{X: math.Inf(-1), Y: math.Inf(-1)}
	for _, p := range m.Corners(float64(w), float64(h)) {
		lo.X, lo.Y, hi.X, hi.Y = math.Min(lo.X, p.X), math.Min(lo.Y, p.Y), math.Max(hi.X, p.X), math.Max(hi.Y, p.Y)
	}
	c := geometry.Point{X: (lo.X + hi.X) / 2, Y: (lo.Y + hi.Y) / 2}
	if centre != nil {
		c = *centre
	}
	u0, u1 := span(lo.X, hi.X, c.X)
	v0, v1 := span(lo.Y, hi.Y, c.Y)
	return window{u0, v0, u1 - u0, v1 - v0}
}

// span returns the ends of a range of whole chips, in mark pixels, that covers [lo, hi]. Of a
// longer range it returns the part within half of windowSide around c. The range is 64 mark pixels
// or wider. Values beyond ±2^24, which only a wild map gives, are cut there first.
func span(lo, hi, c float64) (int, int) {
	const far = 1 << 24
	lo, hi = math.Max(lo, c-windowSide/2), math.Min(hi, c+windowSide/2)
	lo, hi = math.Min(math.Max(lo, -far), far), math.Min(math.Max(hi, -far), far)
	a, b := int(math.Floor(lo/pattern.Cell))*pattern.Cell, int(math.Ceil(hi/pattern.Cell))*pattern.Cell
	return a, min(max(b, a+64), a+windowSide+pattern.Cell)
}

// rectify samples z on the mark pixels of win, at the pixels of z that m maps there. m maps work
// pixels, in which z lies, to mark pixels. Samples outside of z are zero. If z is much finer than
// the mark's pixels, z is blurred first. It returns false if m has no inverse.
func rectify(z dsp.Plane, m geometry.Mat, win window) (dsp.Plane, bool) {
	inv, ok := m.Inverse()
	if !ok {
		return dsp.Plane{}, false
	}
	cubic := true
	if s := m.LinearScale(); s < 0.7 { // work pixels are finer: low-pass first
		z = dsp.Gauss(z, math.Min(0.45/s, 8))
		cubic = false
	}
	out := dsp.NewPlane(win.w, win.h)
	dsp.Parallel(win.h, func(from, to int) {
		for y := from; y < to; y++ {
			v := float64(win.v + y)
			l := dsp.Line{
				X: inv[0], X0: float64(inv[1]*v) + inv[2], Y: inv[3], Y0: float64(inv[4]*v) + inv[5],
				W: inv[6], W0: float64(inv[7]*v) + inv[8], U: float64(win.u),
			}
			if cubic {
				dsp.SampleCubic(out.Row(y), z, l)
			} else {
				dsp.SampleLinear(out.Row(y), z, l)
			}
		}
	})
	return out, true
}

// amplitudes are complex pilot amplitudes, one set a cell: cells of cw x ch
// samples, the last of a row or column taking what is left.
type amplitudes struct {
	nx, ny int
	c      [][pattern.PilotN]complex64
}

// cellAmplitudes returns the sums of z exp(-2 pi i f.x) for each pilot's frequency f, in cycles a
// sample, over each cell of cw x ch samples. x is counted from (x0, y0), the place of z's first
// sample, so that phases fit a larger plane with z as a part.
func cellAmplitudes(z dsp.Plane, x0, y0 int, f *[pattern.PilotN]pattern.Frequency, cw, ch int) amplitudes {
	c, nx, ny := dsp.ToneCells(z, x0, y0, f[:], cw, ch)
	a := amplitudes{nx: nx, ny: ny, c: make([][pattern.PilotN]complex64, nx*ny)}
	for i := range a.c {
		copy(a.c[i][:], c[i*pattern.PilotN:])
	}
	return a
}

// softBits are the soft coded bits of one carrier and its pilots' real amplitudes.
type softBits struct {
	bit   [code.CodedN]float64
	pilot [pattern.PilotN]float64
}

// soft despreads the payload of the carrier z under m, from work to mark pixels: it sums the chips
// of each coded bit with their keyed signs. sign is -1 for an inverted picture. centre is the
// middle of the window that is read, in mark pixels, nil for the picture's own middle. pitch is in mark
// pixels a sample, 1 or 2, at which the message is read. It returns false if m has no inverse.
func (kd *Keys) soft(z dsp.Plane, m geometry.Mat, sign float32, centre *geometry.Point, pitch int) (softBits, bool) {
	var out softBits
	win := markWindow(m, z.W, z.H, centre)
	cell := pattern.Cell // samples a chip
	if pitch > 1 {
		to := 1 / float64(pitch)
		m = geometry.Affine([4]float64{to, 0, 0, to}, geometry.Point{}).Mul(m)
		win = window{win.u / pitch, win.v / pitch, win.w / pitch, win.h / pitch}
		cell /= pitch
	}
	r, ok := rectify(z, m, win)
	if !ok {
		return out, false
	}
	weight := kd.coherence(r, win, sign, pitch, &out)
	matchedBand(r, kd.Band, pitch, cell)
	nx, ny := win.w/cell, win.h/cell
	sum := 0.0
	for j := range ny {
		for i := range nx {
			v := float64(r.Pix[j*cell*r.W+i*cell])
			sum += float64(v * v)
		}
	}
	g := float32(1 / (math.Sqrt(sum/float64(nx*ny)) + 1e-12))
	for j := range ny {
		row := ((j + win.v/cell) & (pattern.Cells - 1)) * pattern.Cells
		for i := range nx {
			at := row + (i+win.u/cell)&(pattern.Cells-1)
			v := pattern.Clip(g*r.Pix[j*cell*r.W+i*cell], -4, 4)
			out.bit[kd.Bit[at]] += float64(float32(v*kd.Sign[at]) * float32(sign*weight.at(i, j, nx, ny)))
		}
	}
	return out, true
}

// softSum adds up soft bits of carriers under t, weighed by what the pilots say of strength (maximum ratio combining).
// energy is the sum of their squares, 0 if t has no inverse. sign is -1 for an inverted picture, and pitch as in soft.
func (kd *Keys) softSum(
	carriers []dsp.Plane, t tracked, sign float32, pitch int,
) (sum [code.CodedN]float64, energy float64) {
	read, ok := make([]softBits, len(carriers)), make([]bool, len(carriers))
	dsp.Parallel(len(read), func(from, to int) {
		for i := from; i < to; i++ {
			read[i], ok[i] = kd.soft(carriers[i], t.m, sign, t.centre, pitch)
		}
	})
	for i, s := range read {
		if !ok[i] {
			return sum, 0
		}
		mean, off := moments(s.pilot[:])
		_, dev := moments(s.bit[:])
		weight := carrierWeight(mean/(off+1e-12)) / (dev + 1e-12) // no division by zero
		for j, v := range s.bit {
			sum[j] += float64(v * weight)
		}
	}
	for _, v := range sum {
		energy += float64(v * v)
	}
	return sum, energy
}

// carrierWeight returns how much a carrier counts, 0 or more. seen is the mean of its pilots' amplitudes over their
// deviation, which is off by 0.18 by chance; below minCarrier it counts as minCarrier. The weight is seen for a clear
// mark and less for values near chance, since the carrier may show no mark at all.
func carrierWeight(seen float64) float64 {
	seen = math.Max(seen, minCarrier)
	return seen * float64(seen*seen) / (float64(seen*seen) + chanceCarrier)
}

// moments returns the mean of x and its standard deviation. x must not be empty.
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

// matchedBand filters r, of pitch mark pixels a sample, in place by the matched filter of the chips: it multiplies the
// spectrum by the response of the chips' band and divides it by the local power. Only two rows of each step, an even number,
// are filtered: see [dsp.FFT2.InverseRows].
func matchedBand(r dsp.Plane, band *pattern.ResponseTable, pitch, step int) {
	const local = 25 // bins
	width := dsp.FastEven(r.W)
	f := dsp.NewFFT2(width, dsp.FastLen(r.H))
	n := min(width/2+1, int(responseEnd*float64(width*pitch))+2+local) // the columns of the band, and of its local power
	s := f.ForwardLow(r, n)
	g := dsp.LocalPower(s.Powers(r.Pix, n), local, 1e-3)
	for v := range s.H {
		fy := float64(min(v, s.H-v)) / float64(s.H*pitch)
		row := g.Row(v)
		inside := 0 // bins of the row within the band
		if w := responseEnd*responseEnd - float64(fy*fy); w > 0 {
			inside = min(len(row), int(math.Sqrt(w)*float64(s.W*pitch))+2)
		}
		for u, m := range row[:inside] {
			fx := float64(u) / float64(s.W*pitch)
			row[u] = band.At(math.Sqrt(float64(fx*fx)+float64(fy*fy))) / m
		}
		clear(row[inside:])
	}
	s.Weigh(g)
	f.InverseRows(r, s, step)
}

// responseEnd is the frequency from which on a responseTable holds nothing.
const responseEnd = float64(len(pattern.ResponseTable{})-1) / 4096

// weights is how far each 32 x 32 cell of a window is to be believed.
type weights struct {
	nx, ny int
	w      []float32
}

// coherence returns how much each cell of a rectified window counts, 0.25 to 1: by how well the
// pilots around the cell lie in phase with the mark. It also adds the pilots' real amplitudes to
// out.pilot. win is where r lies on the mark, in samples of pitch mark pixels; sign is -1 for an inverted picture.
func (kd *Keys) coherence(r dsp.Plane, win window, sign float32, pitch int, out *softBits) weights {
	f := kd.MarkFrequencies()
	for k := range f {
		f[k].X *= float64(pitch)
		f[k].Y *= float64(pitch)
	}
	a := cellAmplitudes(r, win.u, win.v, f, weightCell/pitch, weightCell/pitch)
	seen, noise := dsp.NewPlane(a.nx, a.ny), dsp.NewPlane(a.nx, a.ny)
	for i := range a.c {
		al := kd.Aligned(&a.c[i])
		for k, c := range al {
			seen.Pix[i] += float32(sign * real(c))
			noise.Pix[i] += float32(real(c)*real(c)) + float32(imag(c)*imag(c))
			out.pilot[k] += float64(sign * real(c))
		}
	}
	seen, noise = dsp.Box(seen, 5), dsp.Box(noise, 5)
	w := weights{a.nx, a.ny, make([]float32, len(a.c))}
	for i := range w.w { // box means of 25 cells: sums are 25 times, the root of them 5
		q := 5 * seen.Pix[i] / float32(math.Sqrt(math.Max(float64(noise.Pix[i]), 0)/2)+1e-9)
		w.w[i] = pattern.Clip(q/3, 0.25, 1)
	}
	return w
}

// at returns the weight, 0.25 to 1, at chip (i, j) of nx x ny chips, interpolated between the middles of the cells.
func (w weights) at(i, j, nx, ny int) float32 {
	x, y := (float32(i)+0.5)*float32(w.nx)/float32(nx)-0.5, (float32(j)+0.5)*float32(w.ny)/float32(ny)-0.5
	x, y = pattern.Clip(x, 0, float32(w.nx-1)), pattern.Clip(y, 0, float32(w.ny-1))
	ix, iy := min(int(x), max(w.nx-2, 0)), min(int(y), max(w.ny-2, 0))
	a, b := x-float32(ix), y-float32(iy)
	jx, jy := min(ix+1, w.nx-1), min(iy+1, w.ny-1)
	t := w.w[iy*w.nx+ix] + float32(a*(w.w[iy*w.nx+jx]-w.w[iy*w.nx+ix]))
	u := w.w[jy*w.nx+ix] + float32(a*(w.w[jy*w.nx+jx]-w.w[jy*w.nx+ix]))
	return t + float32(b*(u-t))
}

// EvenOut returns gains of coded bits and of pilots, about 1: each brings its bit or pilot to the mean of what the
// reader sees of all in z. z is a carrier of the marked picture, place its map to mark pixels, and coded the signs that
// the bits were marked with. Gains are cut to 0.4..1.9 for bits and 0.5..1.7 for pilots.
func (kd *Keys) EvenOut(z dsp.Plane, place geometry.Mat, coded []float32) (bits, pilots []float32) {
	s, _ := kd.soft(z, place, 1, nil, 1) // a placement is never singular
	for j := range s.bit {
		s.bit[j] = float64(s.bit[j] * float64(coded[j]))
	}
	return levelGain(s.bit[:], 0.4, 1.9), levelGain(s.pilot[:], 0.5, 1.7)
}

// levelGain returns for each value the factor by which to mark it to bring it to the mean of all: 1
// plus its shortfall as a share of the mean, cut to [lo, hi]. x must not be empty.
func levelGain(x []float64, lo, hi float32) []float32 {
	mean, _ := moments(x)
	out := make([]float32, len(x))
	for i, v := range x {
		out[i] = pattern.Clip(1+float32((mean-v)/math.Max(math.Abs(mean), 1e-6)), lo, hi)
	}
	return out
}
