package parts

import (
	_ "embed" // the axes
	"encoding/binary"
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
)

const (
	cells      = 4                      // across a descriptor's patch
	angles     = 8                      // bins of a cell
	dims       = cells * cells * angles // numbers of a histogram
	perCell    = 4                      // samples across a cell
	across     = cells*perCell + 2      // the same across a patch, with one more at each edge
	cellSigmas = 4.0                    // a cell's side, deviations of the blob

	turnBins   = 36
	turnRadius = 4.5 // deviations of the blob
	turnSigma  = 1.5 // the same
)

// A histogram counts gradients by place and direction (Lowe, "Distinctive image features from scale-invariant
// keypoints", 2004, section 6): cells row by row, of eight directions each, the square roots of shares (Arandjelovic
// and Zisserman, "Three things everyone should know to improve object retrieval", 2012).
type histogram [dims]float32

// A weight is what a sample adds to up to four cells.
type weight struct {
	cell [4]int8
	w    [4]float32
	n    int
}

// weights has the weight of each sample of a patch, row by row.
var weights = func() (out [cells * perCell * cells * perCell]weight) {
	n := cells * perCell
	for i := range out {
		x, y := (float64(i%n)+0.5)/perCell-0.5, (float64(i/n)+0.5)/perCell-0.5
		dx, dy := x-(cells-1)/2.0, y-(cells-1)/2.0
		soft := dsp.Exp(-(float64(dx*dx) + float64(dy*dy)) / (2 * cells * cells / 4))
		fx, fy := math.Floor(x), math.Floor(y)
		for k := range 4 {
			cx, cy := int(fx)+k%2, int(fy)+k/2
			if cx < 0 || cy < 0 || cx >= cells || cy >= cells {
				continue
			}
			w := float64((1 - math.Abs(x-float64(cx))) * (1 - math.Abs(y-float64(cy))))
			o := &out[i]
			o.cell[o.n], o.w[o.n] = int8(cy*cells+cx), float32(float64(w*soft))
			o.n++
		}
	}
	return out
}()

// eighths returns the direction of (x, y) in eighths of a circle, 0..8: 0 along x, 2 along y. The
// result is within 0.005 of the true direction, and 0 for (0, 0). Only basic operations are used,
// which are the same on every machine. It has tables in place of branches, which no processor could foresee.
func eighths(x, y float32) float32 {
	ax, ay := max(x, -x), max(y, -y)
	lo, hi := min(ax, ay), max(ax, ay)
	if hi == 0 {
		return 0
	}
	t := lo / hi
	a := float32(t * (1 + float32(0.348*(1-t))))
	a = turned(a, 2, ay > ax)
	a = turned(a, 4, x < 0)
	return turned(a, 8, y < 0)
}

// turned returns a or, if it counts from the other end, end less a.
func turned(a, end float32, fromEnd bool) float32 {
	i := 0
	if fromEnd {
		i = 1
	}
	return [2]float32{a, end - a}[i]
}

// describe replaces h by the histogram of gradients around blob b of octave o, normalised. (cos, sin) is the direction
// that counts as 0 and that the patch is turned to. A cell of the patch is cellSigmas deviations of the blob wide.
func describe(h *histogram, o *octave, b *blob, cos, sin float64) {
	var patch [across * across]float32
	p := o.planes[b.plane]
	step := float64(b.sigma * cellSigmas / perCell)
	for j := range across {
		v := float64((float64(j) - (across-1)/2.0) * step)
		for i := range across {
			u := float64((float64(i) - (across-1)/2.0) * step)
			patch[j*across+i] = sample(p, b.x+float64(cos*u)-float64(sin*v), b.y+float64(sin*u)+float64(cos*v))
		}
	}
	*h = histogram{}
	k := 0
	for j := 1; j < across-1; j++ {
		for i := 1; i < across-1; i++ {
			c := j*across + i
			gx, gy := patch[c+1]-patch[c-1], patch[c+across]-patch[c-across]
			h.add(&weights[k], gx, gy)
			k++
		}
	}
	h.normalise()
}

// add adds a sample of gradient (gx, gy) to the cells of w, by the weights of w. The size of the
// gradient is shared between the two of the eight directions that are next to its own.
func (h *histogram) add(w *weight, gx, gy float32) {
	m := sqrt32(float32(gx*gx) + float32(gy*gy))
	a := eighths(gx, gy)
	lo := int(a)
	t := a - float32(lo)
	first, second := lo&(angles-1), (lo+1)&(angles-1)
	m1 := float32(m * t)
	m0 := m - m1
	for i := range w.n {
		c := int(w.cell[i]) * angles
		h[c+first] += float32(w.w[i] * m0)
		h[c+second] += float32(w.w[i] * m1)
	}
}

// normalise replaces each number of h by the square root of its share in the sum. A histogram of zeros stays as it is.
func (h *histogram) normalise() {
	var sum float32
	for _, v := range h {
		sum += v
	}
	g := 1 / (sum + 1e-6)
	for i, v := range h {
		h[i] = sqrt32(float32(v * g))
	}
}

// sample returns p at (x, y), pixels of p, by bilinear interpolation. A place beyond an edge has
// the value of the nearest place on that edge.
func sample(p dsp.Plane, x, y float64) float32 {
	x, y = min(max(x, 0), float64(p.W-1)), min(max(y, 0), float64(p.H-1))
	x0, y0 := int(x), int(y)
	tx, ty := float32(x-float64(x0)), float32(y-float64(y0))
	k, right, down := y0*p.W+x0, 1, p.W
	if x0 == p.W-1 {
		right = 0
	}
	if y0 == p.H-1 {
		down = 0
	}
	a := p.Pix[k] + float32(tx*(p.Pix[k+right]-p.Pix[k]))
	b := p.Pix[k+down] + float32(tx*(p.Pix[k+down+right]-p.Pix[k+down]))
	return a + float32(ty*(b-a))
}

// turnWeights has the weights of gradients by their squared distance from the blob, in sixteenths of the blob's variance.
var turnWeights = func() (w [16*turnRadius*turnRadius + 2]float32) {
	for i := range w {
		w[i] = float32(dsp.Exp(-float64(i) / 16 / (2 * turnSigma * turnSigma)))
	}
	return w
}()

// turns appends to out up to limit directions of blob b of octave o, in turns, 0..1. The first is
// the highest peak of the histogram of gradients. Lower peaks follow, down to share times the
// highest. If the histogram has no peak, turns appends the direction 0.
func turns(out []float64, o *octave, b *blob, share float32, limit int) []float64 {
	h := turnHistogram(o, b)
	var top float32
	for _, v := range h {
		top = max(top, v)
	}
	start := len(out)
	for below := top; len(out) < start+limit; {
		best, at := float32(0), -1
		for i, v := range h {
			if v >= h[(i+1)%turnBins] && v > h[(i+turnBins-1)%turnBins] && v <= below && v > best {
				best, at = v, i
			}
		}
		if at < 0 || best < float32(share*top) {
			break
		}
		l, r := h[(at+turnBins-1)%turnBins], h[(at+1)%turnBins]
		off := 0.0
		if c := float64(l) + float64(r) - 2*float64(best); c < -1e-9 {
			off = (float64(l) - float64(r)) / 2 / c
		}
		t := (float64(at) + 0.5 + off) / turnBins
		out = append(out, t-math.Floor(t))
		below = math.Nextafter32(best, 0)
	}
	if len(out) == start {
		out = append(out, 0)
	}
	return out
}

// turnHistogram adds up the gradients around b by direction, in 36 bins; bin 0 begins at direction
// 0. A gradient counts by its size, and less the farther it is from b, up to turnRadius deviations
// of the blob. Neighbouring bins are then mixed three times.
func turnHistogram(o *octave, b *blob) (h [turnBins]float32) {
	p := o.planes[b.plane]
	r := int(float64(turnRadius * b.sigma))
	x0, y0 := int(b.x+0.5), int(b.y+0.5)
	g := 16 / float64(b.sigma*b.sigma)
	for y := max(1, y0-r); y <= min(p.H-2, y0+r); y++ {
		up, row, down := p.Row(y-1), p.Row(y), p.Row(y+1)
		dy := float64(y) - b.y
		dy = float64(dy * dy)
		for x := max(1, x0-r); x <= min(p.W-2, x0+r); x++ {
			dx := float64(x) - b.x
			k := int(float64((float64(dx*dx) + dy) * g))
			if k >= len(turnWeights) {
				continue
			}
			gx, gy := row[x+1]-row[x-1], down[x]-up[x]
			m := sqrt32(float32(gx*gx) + float32(gy*gy))
			a := float32(eighths(gx, gy) * (turnBins / 8.0))
			i := min(int(a), turnBins-1)
			h[i] += float32(m * turnWeights[k])
		}
	}
	for range 3 { // soften
		last, first := h[turnBins-1], h[0]
		for i := range h {
			next := first
			if i+1 < turnBins {
				next = h[i+1]
			}
			v := h[i]
			h[i] = float32(0.25*last) + float32(0.5*v) + float32(0.25*next)
			last = v
		}
	}
	return h
}

func sqrt32(v float32) float32 { return float32(math.Sqrt(float64(v))) }

// axesFile holds the mean histogram and the axes as little-endian float32: dims numbers of the mean, then for each
// dimension of a histogram its share in each of the axes. The axes are linear discriminants, as in Strecha et al.,
// "LDAHash", 2012, the best first. Along them histograms of different places differ most, and histograms of one place
// in several pictures differ by a deviation of 1. TestLearn learns the axes from specimens alone.
//
//go:embed axes.bin
var axesFile []byte

// words is the length of a descriptor.
const words = 2

// A descriptor holds the signs of a histogram along the axes, that of axis i in bit i%64 of word i/64.
type descriptor [words]uint64

// axes are the numbers of axesFile.
type axes struct {
	mean  histogram
	share dsp.Plane // a row of shares for each dimension of the histogram
}

var learned = readAxes(axesFile)

// readAxes returns the axes that data, the bytes of axesFile, holds. It returns axes of zeros if data has another length.
func readAxes(data []byte) *axes {
	a := &axes{share: dsp.NewPlane(dims, dims)}
	next := func(h []float32) {
		for i := range h {
			h[i] = math.Float32frombits(binary.LittleEndian.Uint32(data))
			data = data[4:]
		}
	}
	if len(data) != 4*dims*(dims+1) {
		return a
	}
	next(a.mean[:])
	next(a.share.Pix)
	return a
}

// project sets the coordinates along the axes, and the descriptors, of the histograms of all features.
func (a *axes) project(all []*found) {
	along, off := dsp.NewPlane(dims, len(all)), make([]float32, 0, dims*len(all))
	for _, f := range all {
		for i, v := range f.h {
			off = append(off, v-a.mean[i])
		}
	}
	dsp.Combine(along, a.share, off)
	for i, f := range all {
		f.along = histogram(along.Row(i))
		f.descriptor = f.along.bits()
	}
}

// bits returns the signs of the coordinates y: a bit is set if the coordinate is above 0.
func (y *histogram) bits() (d descriptor) {
	for i, v := range y {
		if v > 0 {
			d[i/64] |= 1 << (i % 64)
		}
	}
	return d
}

// mirrored returns the histogram that the picture's mirror image has at the same place.
func (h *histogram) mirrored() (m histogram) {
	for y := range cells {
		for x := range cells {
			for a := range angles {
				m[((cells-1-y)*cells+x)*angles+(angles-a)%angles] = h[(y*cells+x)*angles+a]
			}
		}
	}
	return m
}
