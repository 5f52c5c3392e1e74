package dsp

import (
	"math"
	"slices"
)

// levels of a grey value that the bilateral filter tells apart.
const bilateralSteps = 8

// Bilateral returns the bilateral filter (Tomasi and Manduchi, 1998) of p over a disc of the given radius: Gaussian
// weights in distance (sigmaSpace, samples) and in value (sigmaValue, grey levels), of every other sample of the disc,
// like a chessboard's: half the work, and marks are read as well. The picture is mirrored at its edges.
func Bilateral(p Plane, radius int, sigmaValue, sigmaSpace float64) Plane {
	out, b := NewPlane(p.W, p.H), newBilateral(p, radius, sigmaValue, sigmaSpace)
	Parallel(p.H, func(from, to int) { b.rows(out, p, from, to) })
	return out
}

// Detail returns p less its [Bilateral].
func Detail(p Plane, radius int, sigmaValue, sigmaSpace float64) Plane {
	return p.Less(Bilateral(p, radius, sigmaValue, sigmaSpace))
}

// A bilateral is the filter of one plane: its taps and its table of weights.
type bilateral struct {
	stride, radius int
	low            float32   // smallest grey value
	span           int32     // index of difference 0 in lut
	lut            []float32 // weight of a difference
	offsets        []int64   // a tap stands for the two samples at +offset and -offset
	weights        []float32
}

// A bilateralStrip is some rows of the picture, mirrored at its edges, and the same in steps of a grey level.
type bilateralStrip struct {
	val []float32
	idx []int32
}

// newBilateral prepares [Bilateral] of p, with the same parameters: the taps of the disc, and the
// weight of each difference of values in steps of 1/bilateralSteps grey level. The table spans the
// values of p alone, so it must not filter another plane.
func newBilateral(p Plane, radius int, sigmaValue, sigmaSpace float64) *bilateral {
	b := &bilateral{stride: p.W + 2*radius, radius: radius}
	for dy := 0; dy <= radius; dy++ {
		for dx := -radius; dx <= radius; dx++ {
			if d := dx*dx + dy*dy; d <= radius*radius && (dy > 0 || dx > 0) && (dx+dy)%2 == 0 {
				b.offsets = append(b.offsets, int64(dy*b.stride+dx))
				b.weights = append(b.weights, float32(Exp(-float64(d)/(2*float64(sigmaSpace*sigmaSpace)))))
			}
		}
	}
	lo, hi := extent(p)
	b.low = lo
	b.span = int32((hi-lo)*bilateralSteps) + 1
	b.lut = make([]float32, 2*b.span+1)
	for i := range b.span + 1 {
		d := float64(i-b.span) / bilateralSteps
		g := float32(Exp(-float64(d*d) / (2 * float64(sigmaValue*sigmaValue))))
		if g < 1e-30 { // next to the centre's 1 it is nothing, but denormal numbers are slow
			g = 0
		}
		b.lut[i], b.lut[2*b.span-i] = g, g
	}
	return b
}

// mirrorRow copies src to dst[r:] and mirrors r samples to either side; the edge sample is repeated: cba|abc...xyz|zyx.
// dst has len(src)+2r samples and src at least one. r may exceed len(src).
func mirrorRow(dst, src []float32, r int) {
	copy(dst[r:], src)
	for i := range r {
		dst[i] = src[mirror(i-r, len(src))]
		dst[r+len(src)+i] = src[mirror(len(src)+i, len(src))]
	}
}

// bilateralRows are filtered from one strip.
const bilateralRows = 64

// rows writes rows [from, to) of the filtered plane p to the same rows of out. Calls for different rows may run at once.
func (b *bilateral) rows(out, p Plane, from, to int) {
	n := b.stride * (bilateralRows + 2*b.radius)
	strip := bilateralStrip{make([]float32, n), make([]int32, n)}
	for ; from < to; from += bilateralRows {
		end := min(to, from+bilateralRows)
		b.fill(&strip, p, from-b.radius, end+b.radius)
		for y := from; y < end; y++ {
			dst, at := out.Row(y), (y-from+b.radius)*b.stride+b.radius
			n := 0
			if len(b.offsets) > 0 {
				n = batched(len(dst), 8)
			}
			if n > 0 {
				bilateralAVX2(&dst[0], &strip.val[at], &strip.idx[at], &b.lut[b.span], &b.offsets[0], &b.weights[0], len(b.offsets), n)
			}
			b.filter(dst[n:], &strip, at+n)
		}
	}
}

// fill sets up the strip with rows [from, to) of p and radius samples to either side. from may be
// negative and to beyond p: rows beyond an edge are mirrored.
func (b *bilateral) fill(s *bilateralStrip, p Plane, from, to int) {
	for y := from; y < to; y++ {
		k := (y - from) * b.stride
		val, idx := s.val[k:k+b.stride], s.idx[k:k+b.stride]
		mirrorRow(val, p.Row(mirror(y, p.H)), b.radius)
		for i := range val {
			idx[i] = int32((val[i] - b.low) * bilateralSteps)
		}
	}
}

// filter writes to dst the filtered samples that begin at index at of the strip. All samples of the
// disc around each must lie in the strip.
func (b *bilateral) filter(dst []float32, s *bilateralStrip, at int) {
	for x := range dst {
		centre := at + x
		c := b.span - s.idx[centre]
		num, den := s.val[centre], float32(1)
		for k, o := range b.offsets {
			i, j, w := centre+int(o), centre-int(o), b.weights[k]
			g, h := b.lut[s.idx[i]+c], b.lut[s.idx[j]+c]
			den += float32(w * (g + h))
			num += float32(w * (float32(g*s.val[i]) + float32(h*s.val[j])))
		}
		dst[x] = num / den
	}
}

// extent returns the smallest and the largest sample of p. Of an empty plane lo is above hi.
func extent(p Plane) (lo, hi float32) {
	lo, hi = math.MaxFloat32, -math.MaxFloat32
	if p.H == 0 {
		return lo, hi
	}
	lows, highs := slices.Clone(p.Row(0)), slices.Clone(p.Row(0))
	for y := range p.H {
		beyond(lows, p.Row(y), false)
		beyond(highs, p.Row(y), true)
	}
	for x := range lows {
		lo, hi = min(lo, lows[x]), max(hi, highs[x])
	}
	return lo, hi
}
