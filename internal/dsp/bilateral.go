package dsp

import "math"

// levels of a grey value that the bilateral filter tells apart.
const bilateralSteps = 8

// Bilateral returns the bilateral filter (Tomasi and Manduchi, 1998) of p over a
// disc of the given radius: Gaussian weights in distance (sigmaSpace, samples)
// and in value (sigmaValue, grey levels), of every other sample of the disc, like a
// chessboard's: half the work, and marks are read as well. The picture is mirrored
// at its edges.
func Bilateral(p Plane, radius int, sigmaValue, sigmaSpace float64) Plane {
	b := newBilateral(p, radius, sigmaValue, sigmaSpace)
	out := NewPlane(p.W, p.H)
	Parallel(p.H, func(from, to int) { b.rows(out, from, to) })
	return out
}

type bilateral struct {
	w, stride, radius int
	val               []float32 // the picture, mirrored at its edges
	idx               []int32   // the same in steps of a grey level
	span              int32     // index of difference 0 in lut
	lut               []float32 // weight of a difference
	taps              []bilateralTap
}

// A bilateralTap stands for the two samples at +offset and -offset.
type bilateralTap struct {
	offset int
	weight float32
}

func newBilateral(p Plane, radius int, sigmaValue, sigmaSpace float64) *bilateral {
	b := &bilateral{w: p.W, stride: p.W + 2*radius, radius: radius}
	for dy := 0; dy <= radius; dy++ {
		for dx := -radius; dx <= radius; dx++ {
			if d := dx*dx + dy*dy; d <= radius*radius && (dy > 0 || dx > 0) && (dx+dy)%2 == 0 {
				b.taps = append(b.taps, bilateralTap{dy*b.stride + dx, float32(Exp(-float64(d) / (2 * float64(sigmaSpace*sigmaSpace))))})
			}
		}
	}
	lo, hi := extent(p)
	b.span = int32((hi-lo)*bilateralSteps) + 1
	b.lut = make([]float32, 2*b.span+1)
	for i := range b.lut {
		d := float64(int32(i)-b.span) / bilateralSteps
		b.lut[i] = float32(Exp(-float64(d*d) / (2 * float64(sigmaValue*sigmaValue))))
	}
	b.val = make([]float32, b.stride*(p.H+2*radius))
	b.idx = make([]int32, len(b.val))
	for y := range p.H + 2*radius {
		src := p.Row(mirror(y-radius, p.H))
		for x := range b.stride {
			v := src[mirror(x-radius, p.W)]
			b.val[y*b.stride+x] = v
			b.idx[y*b.stride+x] = int32((v - lo) * bilateralSteps)
		}
	}
	return b
}

func (b *bilateral) rows(out Plane, from, to int) {
	num, den, centre := make([]float32, b.w), make([]float32, b.w), make([]int32, b.w)
	for y := from; y < to; y++ {
		c0 := (y+b.radius)*b.stride + b.radius
		for x := range centre {
			centre[x] = b.span - b.idx[c0+x]
			num[x], den[x] = b.val[c0+x], 1
		}
		for _, t := range b.taps {
			i, j := c0+t.offset, c0-t.offset
			vi, ii, vj, ij := b.val[i:i+b.w], b.idx[i:i+b.w], b.val[j:j+b.w], b.idx[j:j+b.w]
			for x, c := range centre {
				g, h := b.lut[ii[x]+c], b.lut[ij[x]+c]
				den[x] += float32(t.weight * (g + h))
				num[x] += float32(t.weight * (float32(g*vi[x]) + float32(h*vj[x])))
			}
		}
		dst := out.Row(y)
		for x := range dst {
			dst[x] = num[x] / den[x]
		}
	}
}

func extent(p Plane) (lo, hi float32) {
	lo, hi = math.MaxFloat32, -math.MaxFloat32
	for _, v := range p.Pix {
		lo, hi = min(lo, v), max(hi, v)
	}
	return lo, hi
}
