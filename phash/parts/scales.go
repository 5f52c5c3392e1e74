package parts

import (
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
)

// sigmas are the blurs of an octave's planes, pixels of the octave.
var sigmas = func() (s [intervals + 3]float64) {
	for i := range s {
		s[i] = float64(baseSigma * dsp.Exp(float64(i)*math.Ln2/intervals))
	}
	return s
}()

// An octave is a stack of ever more blurred planes of one size, the last but two twice as blurred as the first.
type octave struct {
	planes [intervals + 3]dsp.Plane
	step   float64 // canonical pixels per pixel
}

// octaves returns the scale space of a canonical plane. Each octave has half the side of the octave
// before. The last has a short side of minSide pixels or more; a smaller plane has no octave.
func octaves(p dsp.Plane) []octave {
	var out []octave
	next := dsp.Gauss(p, math.Sqrt(baseSigma*baseSigma-givenSigma*givenSigma))
	for step := 1.0; min(next.W, next.H) >= minSide; step *= 2 {
		o := octave{step: step}
		o.planes[0] = next
		for i := 1; i < len(o.planes); i++ {
			a, b := sigmas[i-1], sigmas[i]
			o.planes[i] = dsp.Gauss(o.planes[i-1], math.Sqrt(float64(b*b)-float64(a*a)))
		}
		out = append(out, o)
		next = everySecond(o.planes[intervals])
	}
	return out
}

func everySecond(p dsp.Plane) dsp.Plane {
	out := dsp.NewPlane((p.W+1)/2, (p.H+1)/2)
	for y := range out.H {
		src, dst := p.Row(2*y), out.Row(y)
		for x := range dst {
			dst[x] = src[2*x]
		}
	}
	return out
}

// A blob is an extremum of the differences of Gaussians over place and scale.
type blob struct {
	x, y  float64 // pixels of the octave
	sigma float64 // the same
	peak  float32 // grey levels, positive
	plane int     // of the octave, nearest in scale
}

// difference returns sample k of the i-th difference of Gaussians: of plane i+1 less plane i.
func (o *octave) difference(i, k int) float32 { return o.planes[i+1].Pix[k] - o.planes[i].Pix[k] }

// blobs returns the extrema of an octave's differences of Gaussians, without edges. An extremum is
// minPeak grey levels or more, and frame pixels or more from the border.
func (o *octave) blobs() []blob {
	var out []blob
	row := make([]float32, o.planes[0].W) // of a difference
	for i := 1; i <= intervals; i++ {
		w, h := o.planes[i].W, o.planes[i].H
		for y := frame; y < h-frame; y++ {
			finer := o.planes[i].Row(y)
			for x, v := range o.planes[i+1].Row(y) {
				row[x] = v - finer[x]
			}
			for x := frame; x < w-frame; x++ {
				v := row[x]
				switch l, r := row[x-1], row[x+1]; {
				case v >= minPeak && l <= v && r <= v:
				case v <= -minPeak && l >= v && r >= v:
				default:
					continue
				}
				if k := y*w + x; o.extreme(i, k, v) {
					if b, ok := o.refine(i, x, y); ok {
						out = append(out, b)
					}
				}
			}
		}
	}
	return out
}

// extreme reports whether no neighbour in place and scale exceeds v, sample k of difference i; of 26
// neighbours, equal ones are allowed. If v is not above 0, no neighbour may be lower. Difference i is
// neither the first nor the last, and k no border sample.
func (o *octave) extreme(i, k int, v float32) bool {
	w := o.planes[i].W
	for _, d := range [...]int{i, i - 1, i + 1} {
		for r := k - w - 1; r <= k+w-1; r += w {
			a, b := o.planes[d+1].Pix[r:r+3:r+3], o.planes[d].Pix[r:r+3:r+3]
			left, mid, right := a[0]-b[0], a[1]-b[1], a[2]-b[2]
			if lo, hi := min(left, mid, right), max(left, mid, right); v > 0 && hi > v || v <= 0 && lo < v {
				return false
			}
		}
	}
	return true
}

// refine returns the blob at extremum (x, y) of difference i, moved to the tops of the parabolas through its
// neighbours. It returns false for an edge or a saddle, or if the top is more than maxStray samples away in x or y.
func (o *octave) refine(i, x, y int) (blob, bool) {
	w := o.planes[i].W
	k := y*w + x
	p := func(off int) float64 { return float64(o.difference(i, k+off)) }
	v := p(0)
	dxx := p(1) + p(-1) - 2*v
	dyy := p(w) + p(-w) - 2*v
	dxy := (p(w+1) - p(w-1) - p(1-w) + p(-w-1)) / 4
	trace, det := dxx+dyy, float64(dxx*dyy)-float64(dxy*dxy)
	if det <= 0 || float64(trace*trace) >= float64(maxEdge*det) {
		return blob{}, false
	}
	dx, dy := (p(1)-p(-1))/2, (p(w)-p(-w))/2
	ox := -(float64(dyy*dx) - float64(dxy*dy)) / det
	oy := -(float64(dxx*dy) - float64(dxy*dx)) / det
	up, down := float64(o.difference(i+1, k)), float64(o.difference(i-1, k))
	os := 0.0
	if c := up + down - 2*v; math.Abs(c) > 1e-6 {
		os = min(max((down-up)/2/c, -0.5), 0.5)
	}
	if math.Abs(ox) > maxStray || math.Abs(oy) > maxStray {
		return blob{}, false
	}
	return blob{
		x: float64(x) + ox, y: float64(y) + oy, peak: float32(math.Abs(v)), plane: i,
		sigma: float64(sigmas[i] * dsp.Exp(float64(os*math.Ln2/intervals))),
	}, true
}
