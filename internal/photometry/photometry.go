// Package photometry predicts a leaked picture, pixel by pixel, from the original that it was registered to. What is
// left over can be searched for a mark. The original is low-passed to the leak's pixels, blurred, put through a tone
// curve, and fitted locally in gain, offset, shift and sharpness. What the original does not explain, such as stamps, is masked.
//
// All sums run in a fixed order and no product is fused with a sum: the same pictures
// give the same residual on every machine.
package photometry

import (
	"math"
	"sync"

	"github.com/kycmark/kycmark/internal/dsp"
)

// A Source is an original, ready to predict leaks of it. It is safe for concurrent use.
type Source struct {
	luma   dsp.Lazy           // 0..255
	levels []func() dsp.Plane // luma, each half as large as the one before it, made when first needed; the first at each call
}

// NewSource readies an original for predicting leaks of it. luma is at the original's own
// size, 0..255, and must not be changed any more.
func NewSource(luma dsp.Lazy) *Source {
	last := luma.Make
	s := &Source{luma: luma, levels: []func() dsp.Plane{last}}
	for side := min(luma.W, luma.H); side >= 2*minLevel; side /= 2 {
		finer := last
		last = sync.OnceValue(func() dsp.Plane { return dsp.Halve(finer()) })
		s.levels = append(s.levels, last)
	}
	return s
}

// Luma returns the original as given. It must not be changed.
func (s *Source) Luma() dsp.Lazy { return s.luma }

// Halved returns the original halved n times, or as often as it can be. It must not be changed.
func (s *Source) Halved(n int) dsp.Plane { return s.levels[min(n, len(s.levels)-1)]() }

// A View is a leak and where each of its pixels lies on the original.
type View struct {
	Leak    dsp.Plane // luma, 0..255
	X, Y    dsp.Plane // of each pixel of the leak, in pixels of a rendition of the original
	W, H    int       // of that rendition
	Pitch   float64   // pixels of the rendition per pixel of the leak
	Resized bool      // the leak was low-passed by a Gaussian of 0.45 of its pixels and shrunk
}

// at returns the original at the leak's pixels, before any change of tone: averaged over a pixel of
// the leak and sampled by cubic convolution. A coarse leak is predicted from a halved original.
// inside is 1 for pixels more than a pixel inside of the original, 0 for others.
func (s *Source) at(v *View) (out, inside dsp.Plane) {
	fine := s.luma
	k := v.Pitch * float64(max(fine.W, fine.H)) / float64(max(v.W, v.H)) // original's pixels a leak's pixel
	level := 0
	for level+1 < len(s.levels) && k > 4 {
		level, k = level+1, k/2
	}
	from := fine
	if level > 0 {
		from = s.levels[level]().Lazy()
	}
	var src dsp.Plane
	if v.Resized && k > 1.03 {
		src, k = from.Gauss(preBlur*k), 1
	} else {
		src = from.Make()
	}
	// positions are of the whole original: a level that dropped odd edges is a little smaller
	scale := float64(int(1) << level)
	fx, fy := float64(fine.W)/float64(v.W)/scale, float64(fine.H)/float64(v.H)/scale
	out, inside = dsp.NewPlane(v.Leak.W, v.Leak.H), dsp.NewPlane(v.Leak.W, v.Leak.H)
	dsp.Parallel(out.H, func(first, end int) {
		x, y := make([]float64, out.W), make([]float64, out.W)
		for row := first; row < end; row++ {
			ys, in := v.Y.Row(row), inside.Row(row)
			for i, vx := range v.X.Row(row) {
				vy := ys[i]
				x[i], y[i] = float64((float64(vx)+0.5)*fx)-0.5, float64((float64(vy)+0.5)*fy)-0.5
				if vx > 1 && vy > 1 && vx < float32(v.W-2) && vy < float32(v.H-2) {
					in[i] = 1
				}
			}
			Samples(out.Row(row), src, x, y, k)
		}
	})
	return out, inside
}

// Samples writes [Sample] of p at each of the positions (x, y) to dst.
func Samples(dst []float32, p dsp.Plane, x, y []float64, k float64) {
	if k <= 1.03 {
		dsp.SampleCubicAt(dst, p, x, y)
	}
	for i, x := range x {
		if k > 1.03 || !(x >= 1 && y[i] >= 1 && x < float64(p.W-2) && y[i] < float64(p.H-2)) {
			dst[i] = Sample(p, x, y[i], k)
		}
	}
}

// Sample returns p at a position: averaged over the k x k samples around it, 1 < k <= 4,
// or by cubic convolution if k is at most 1.03. Samples beyond an edge repeat the edge.
func Sample(p dsp.Plane, x, y, k float64) float32 {
	if k > 1.03 {
		return sampleArea(p, x, y, min(k, 4))
	}
	return sampleCubic(p, x, y)
}

// sampleArea returns the mean of p over the k x k samples around (x, y), 1 <= k <= 4, with
// fractional edges. Samples beyond an edge repeat the edge. A place farther than 1e6 pixels away
// gives 0. Shrinking by area does the same, at any phase.
func sampleArea(p dsp.Plane, x, y, k float64) float32 {
	if !(x > -1e6 && y > -1e6 && x < 1e6 && y < 1e6) {
		return 0
	}
	x0, nx, wx := areaTaps(x, k)
	y0, ny, wy := areaTaps(y, k)
	var sum float32
	inside := x0 >= 0 && x0+nx <= p.W
	for j := range ny {
		r := p.Row(min(max(y0+j, 0), p.H-1))
		var v float32
		if inside {
			for i, s := range r[x0 : x0+nx] {
				v += float32(wx[i] * s)
			}
		} else {
			for i := range nx {
				v += float32(wx[i] * r[min(max(x0+i, 0), p.W-1)])
			}
		}
		sum += float32(wy[j] * v)
	}
	return sum
}

// areaTaps returns the samples that [x - k/2, x + k/2] covers, n of them from first on, and their weights, of sum 1.
func areaTaps(x, k float64) (first, n int, w [6]float32) {
	lo, hi := x+0.5-k/2, x+0.5+k/2
	f := math.Floor(lo)
	first = int(f)
	n = min(max(1, int(math.Ceil(hi))-first), len(w))
	for i := range n {
		a := max(lo, f+float64(i))
		b := min(hi, f+float64(i+1))
		w[i] = float32((b - a) / k)
	}
	return first, n, w
}

// sampleCubic returns p at (x, y) by cubic convolution. Samples beyond an edge repeat the edge. A
// place farther than 1e6 pixels away gives 0.
func sampleCubic(p dsp.Plane, x, y float64) float32 {
	if !(x > -1e6 && y > -1e6 && x < 1e6 && y < 1e6) {
		return 0
	}
	fx, fy := math.Floor(x), math.Floor(y)
	ix, iy := int(fx)-1, int(fy)-1
	wx, wy := dsp.Bicubic(float32(x-fx)), dsp.Bicubic(float32(y-fy))
	var sum float32
	for j := range 4 {
		r := p.Row(min(max(iy+j, 0), p.H-1))
		var v float32
		for i := range 4 {
			v += float32(wx[i] * r[min(max(ix+i, 0), p.W-1)])
		}
		sum += float32(wy[j] * v)
	}
	return sum
}

// median returns the middle value of x, 0 if x is empty. No value may be below 0. median reorders x.
func median(x []float32) float32 {
	if len(x) == 0 {
		return 0
	}
	k := len(x) / 2
	if len(x) < 1<<12 {
		return dsp.Select(x, k)
	}
	const low = 20 // bits by which such numbers are not sorted roughly
	var count [1 << (32 - low)]int
	for _, v := range x {
		count[math.Float32bits(v)>>low]++
	}
	b := uint32(0)
	for ; k >= count[b]; b++ {
		k -= count[b]
	}
	n := 0
	for _, v := range x {
		if math.Float32bits(v)>>low == b {
			x[n] = v
			n++
		}
	}
	return dsp.Select(x[:n], k)
}
