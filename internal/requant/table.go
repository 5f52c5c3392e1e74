package requant

import (
	"image"
	"math"
	"slices"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/jpegcoef"
)

// A Table holds the quantisation steps of a JPEG file's luma, in grey levels, row by row of vertical frequency. A step
// is 0 if all coefficients of its frequency are 0, because then the step is unknown.
type Table [side * side]float32

// sight says how closely [Open] looks for combs: coefficients at multiples of a step.
type sight struct {
	minStep float32 // smallest step that is looked for
	notZero float32 // grey levels from which on a coefficient was not rounded to 0
	offComb float32 // grey levels from a multiple of the step, more than rounding of pixels causes
}

// A Leak is a picture as it was opened from a JPEG file. It serves one goroutine at a time.
type Leak struct {
	Table   Table
	pixels  *image.NRGBA
	luma    dsp.Plane // as decoded, 0..255: empty before decode
	clipped []bool    // where luma may be another
}

// decode sets luma and clipped when they are first needed: most tables are not worth reading.
func (l *Leak) decode() {
	if l.luma.Pix == nil {
		l.luma, l.clipped = decodedLuma(l.pixels)
	}
}

func (l *Leak) blocks() (w, h int) { return (l.luma.W + side - 1) / side, (l.luma.H + side - 1) / side }

// Open finds the luma table of the JPEG file that a picture was last opened from, by the combs that coefficients lie on
// (Fan and de Queiroz, "Identification of bitmap compression history", 2003). It tries the standard tables at each
// quality first (ITU-T T.81, table K.1, as scaled by the Independent JPEG Group), then estimates each step by itself.
// Open reports false if a frequency's values lie on no comb: for fine tables, or a picture changed since.
func Open(p *image.NRGBA) (*Leak, bool) { return open(p) }

// OpenFine does what [Open] does, and also finds standard tables with steps down to 4 grey levels.
func OpenFine(p *image.NRGBA) (*Leak, bool) { return open(p, fine) }

// OpenFinest does what [OpenFine] does, and also finds standard tables with steps down to 2 grey levels.
func OpenFinest(p *image.NRGBA) (*Leak, bool) { return open(p, fine, finest) }

// open looks for a standard or other table with coarse steps, then for standard tables at each
// finer sight in turn. finer may be empty. open returns false if it finds no table.
func open(p *image.NRGBA, finer ...sight) (*Leak, bool) {
	values := coefficients(someRows(p))
	t, ok := standardTable(values, coarse)
	if !ok {
		t, ok = ownTable(values)
	}
	for i := 0; i < len(finer) && !ok; i++ {
		t, ok = standardTable(values, finer[i])
	}
	if !ok {
		return nil, false
	}
	return &Leak{Table: t, pixels: p}, true
}

// someRows returns a picture of whole rows of blocks spread evenly over p, about maxBlocks blocks.
func someRows(p *image.NRGBA) *image.NRGBA {
	w, h := p.Rect.Dx(), p.Rect.Dy()/side
	step := max(1, w/side*h/maxBlocks)
	out := image.NewNRGBA(image.Rect(0, 0, w, (h+step-1)/step*side))
	for y := range out.Rect.Dy() {
		copy(out.Pix[y*out.Stride:(y+1)*out.Stride], p.Pix[(y/side*step*side+y%side)*p.Stride:])
	}
	return out
}

// ownTable returns a table whose steps are found each by itself. values are the blocks' coefficients. A step is 0,
// unknown, if nearly all coefficients there are 0. It reports false if the values of a frequency fit no step, or if
// there are under minBlocks blocks. It also reports false if the step of one of the three lowest frequencies is
// unknown. Every table would fit blank paper, which has no values except the means of blocks.
func ownTable(values []block) (t Table, ok bool) {
	if len(values) < minBlocks {
		return t, false
	}
	for _, at := range byFrequency() {
		step, ok := stepOf(values, at)
		if !ok {
			return t, false
		}
		t[at] = step
	}
	return t, t[1] > 0 && t[side] > 0 && t[side+1] > 0
}

// byFrequency lists the places of a block by rising frequency. A picture that is no JPEG fails at the first places.
func byFrequency() []int {
	var order []int
	for sum := range 2*side - 1 {
		for v := range side {
			if u := sum - v; u >= 0 && u < side {
				order = append(order, v*side+u)
			}
		}
	}
	return order
}

// coefficients returns the coefficients of the blocks of p that have no clipped pixel, row by row.
// Blocks cut off by the right or lower edge are left out.
func coefficients(p *image.NRGBA) []block {
	l := Leak{pixels: p}
	l.decode()
	c := newCosines()
	w := l.luma.W / side
	var out []block
	for i := range w * (l.luma.H / side) {
		if l.clips(i%w, i/w) {
			continue
		}
		out = append(out, c.of(l.luma, i%w, i/w))
	}
	return out
}

// clips reports whether a pixel of the block in column bx and row by is clipped. decode must have been called.
func (l *Leak) clips(bx, by int) bool {
	for y := by * side; y < min((by+1)*side, l.luma.H); y++ {
		if slices.Contains(l.clipped[y*l.luma.W+bx*side:y*l.luma.W+min((bx+1)*side, l.luma.W)], true) {
			return true
		}
	}
	return false
}

// scaled returns the standard table at a quality of 1 to 100.
func scaled(quality int) (t Table) {
	steps := jpegcoef.Examples(quality)
	for i := range t {
		t[i] = float32(steps[0].Step(i%side, i/side))
	}
	return t
}

// standardTable returns the standard table, of qualities 1 to 99, whose combs fit the values best. It tries only tables
// whose steps are all s.minStep or more. It stops after the first run of qualities that fit, which has the coarsest
// steps, because finer combs can contain a coarser comb. It reports false if no table fits.
func standardTable(values []block, s sight) (best Table, ok bool) {
	lowest := math.Inf(1)
	for quality := 1; quality < 100; quality++ {
		t := scaled(quality)
		if slices.Min(t[:]) < s.minStep {
			break
		}
		miss, on := s.onCombs(values, &t)
		switch {
		case on && miss < lowest:
			best, lowest, ok = t, miss, true
		case !on && ok:
			return best, true
		}
	}
	return best, ok
}

// onCombs reports whether hardly any value is far from a multiple of its step, and enough values
// are not 0. miss is the mean squared distance of the near values, in grey levels squared. The
// means of blocks do not count, because areas of one shade share them.
func (s sight) onCombs(values []block, t *Table) (miss float64, ok bool) {
	told, far, chance := 0, 0, 0.0
	for i := range values {
		for k, v := range values[i] {
			if k == 0 || v > -s.notZero && v < s.notZero {
				continue
			}
			told++
			chance += 1 - 2*float64(s.offComb)/float64(t[k])
			v -= float32(t[k] * nearest(v/t[k]))
			if v > s.offComb || v < -s.offComb {
				far++
				continue
			}
			miss += float64(float64(v) * float64(v))
		}
		if i&63 == 63 && told > minTold && float64(far) > 2*maxOff*chance {
			return 0, false
		}
	}
	return miss / float64(max(told-far, 1)), told >= minTold && float64(far) <= maxOff*chance
}

// stepOf returns the largest step, in whole grey levels, that the coefficients at place at of the
// blocks are multiples of. The step is 0 if nearly all coefficients there are 0. stepOf reports
// false if no step of coarse.minStep or more fits.
func stepOf(values []block, at int) (float32, bool) {
	var x []float32
	for i := range values {
		if v := float32(math.Abs(float64(values[i][at]))); v > coarse.notZero {
			x = append(x, v)
		}
	}
	if float64(len(x)) <= minValues*float64(len(values)) {
		return 0, true
	}
	best, lowest := 0, math.Inf(1)
	for q := maxStep; q >= int(coarse.minStep); q-- {
		miss, ok := comb(x, float32(q))
		switch {
		case ok && miss < lowest:
			best, lowest = q, miss
		case !ok && best > 0:
			return float32(best), true
		}
	}
	return float32(best), best > 0
}

// comb returns the mean squared distance between the values x and the nearest multiple of q that is not 0, over the
// values near one. It reports whether more values are near than chance explains.
func comb(x []float32, q float32) (miss float64, ok bool) {
	far, allowed := 0, int(maxOff*(1-2*float64(coarse.offComb)/float64(q))*float64(len(x)))
	for _, v := range x {
		d := v - float32(q*max(1, nearest(v/q)))
		if d > coarse.offComb || d < -coarse.offComb {
			if far++; far > allowed {
				return 0, false
			}
			continue
		}
		miss += float64(float64(d) * float64(d))
	}
	return miss / float64(len(x)-far), true
}

func nearest(v float32) float32 { return float32(math.Floor(float64(v) + 0.5)) }

// Left returns what a JPEG file with the leak's steps leaves of a mark that was added to the luma p: p with the
// mark less p, both rounded to the steps. Nothing is left of frequencies whose step is not known, since all their
// values are 0. Both planes have the leak's size and are not changed.
func (l *Leak) Left(p, mark dsp.Plane) dsp.Plane {
	out, c := dsp.NewPlane(p.W, p.H), newCosines()
	for by := range (p.H + side - 1) / side {
		for bx := range (p.W + side - 1) / side {
			var plain, marked block
			plain.load(p, bx, by)
			marked.load(mark, bx, by)
			c.forward(&plain)
			c.forward(&marked)
			for k, q := range l.Table {
				if q == 0 {
					marked[k] = 0
					continue
				}
				rounded := func(x float32) float64 { return math.Round(float64(x / q)) }
				marked[k] = q * float32(rounded(plain[k]+marked[k])-rounded(plain[k]))
			}
			c.inverse(&marked)
			marked.store(out, bx, by)
		}
	}
	return out
}

func (l *Leak) Shows(p dsp.Plane) bool { return l.pixels.Rect.Dx() == p.W && l.pixels.Rect.Dy() == p.H }
