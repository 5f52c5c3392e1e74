// Package spectrum proposes maps under which a key's pilots lie on peaks of a spectrum:
// similarities by a log-polar search, maps with perspective by one over parts of the frame.
package spectrum

import (
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/mark/pattern"
)

// A PeakMap is how far the power of a field stands out of its surroundings at each spatial frequency, in robust
// standard deviations. Only horizontal frequencies >= 0 are kept; the rest is the mirror image.
type PeakMap struct {
	n     int       // samples of the transform, n x n
	g     dsp.Plane // n/2+1 columns; row v holds the vertical frequency v - n/2 bins
	limit float32   // at which values are cut; the smallest is peakMin
}

// NewPeakMap returns the peak map of a field: its power spectrum, n x n with zeros around, over the
// mean around each frequency. n is even and no less than the sides of z. The field's edges are
// faded out. Values are cut to [peakMin, peakCap]. z is not changed.
func NewPeakMap(z dsp.Plane, n int) *PeakMap {
	wx, wy := fadedEdges(z.W), fadedEdges(z.H)
	wz := dsp.NewPlane(z.W, z.H)
	for y := range z.H {
		src, dst := z.Row(y), wz.Row(y)
		for x := range dst {
			dst[x] = float32(float32(src[x]*wx[x]) * wy[y])
		}
	}
	p := dsp.NewFFT2(n, n).Powers(wz)
	local := dsp.LocalPower(p.Clone(), max(9, 15*n/1024|1), 1e-12)
	m := &PeakMap{n: n, g: dsp.NewPlane(n/2+1, n), limit: peakCap}
	for v := range n {
		src, mean, dst := p.Row(v), local.Row(v), m.g.Row((v+n/2)%n)
		for u := range dst {
			dst[u] = src[u]/mean[u] - 1
		}
	}
	s := float32(1/(1.4826*spread(m.g.Pix))) + 0
	for i, v := range m.g.Pix {
		m.g.Pix[i] = pattern.Clip(float32(v*s), peakMin, peakCap)
	}
	return m
}

// fadedEdges returns weights of n samples: 1, and a quarter of a sine over fadedShare of them at each end.
func fadedEdges(n int) []float32 {
	w, over := make([]float32, n), float64(fadedShare*float64(n))
	for i := range w {
		w[i] = 1
		if at := (float64(min(i, n-1-i)) + 0.5) / over; at < 1 {
			_, s := dsp.Cis(at / 4)
			w[i] = float32(s)
		}
	}
	return w
}

// spread returns the median absolute deviation of x from its median, above 0. It looks at every
// 37th value, which is enough and much cheaper. x must not be empty, and is not changed.
func spread(x []float32) float64 {
	s := make([]float32, 0, len(x)/37+1)
	for i := 0; i < len(x); i += 37 {
		s = append(s, x[i])
	}
	m := dsp.Select(s, len(s)/2)
	for i, v := range s {
		s[i] = max(v-m, m-v)
	}
	return float64(dsp.Select(s, len(s)/2)) + 1e-3
}

// Capped returns a copy of the map with its values cut at limit. A few strong peaks of the
// picture then do not outweigh many faint peaks of a mark.
func (m *PeakMap) Capped(limit float32) *PeakMap {
	g := m.g.Clone()
	for i, v := range g.Pix {
		g.Pix[i] = min(v, limit)
	}
	return &PeakMap{m.n, g, limit}
}

// Without returns a copy of the map with 0 around each place where b puts a pilot of f, muteReach bins to each side. b
// is a linear map of frequencies. The peaks of a mark that was read are gone then.
func (m *PeakMap) Without(f []pattern.Frequency, b [4]float64) *PeakMap {
	g := m.g.Clone()
	for _, q := range f {
		x := float64((float64(b[0]*q.X) + float64(b[1]*q.Y)) * float64(m.n))
		y := float64((float64(b[2]*q.X) + float64(b[3]*q.Y)) * float64(m.n))
		if x < 0 {
			x, y = -x, -y
		}
		cx, cy := int(x+0.5), int(math.Floor(y+0.5))+m.n/2
		for v := max(cy-muteReach, 0); v <= min(cy+muteReach, g.H-1); v++ {
			for u := max(cx-muteReach, 0); u <= min(cx+muteReach, g.W-1); u++ {
				g.Pix[v*g.W+u] = 0
			}
		}
	}
	return &PeakMap{m.n, g, m.limit}
}

// Dilated returns the map with each value replaced by the highest of the 3 x 3 around it: for maps that are a bin off.
func (m *PeakMap) Dilated() *PeakMap { return &PeakMap{m.n, dsp.Dilate(m.g, 3), m.limit} }

// at returns the map at a frequency (x, y) in bins from the origin, interpolated between four bins;
// 0 beyond the map and at its edges. A frequency with x < 0 means its mirror image.
func (m *PeakMap) at(x, y float64) float32 {
	if x < 0 {
		x, y = -x, -y
	}
	y += float64(m.n / 2)
	if ix, iy := int(x), int(y); y < 1 || iy >= m.n-2 || ix >= m.g.W-2 {
		return 0
	}
	return sampleLinear(m.g, x, y)
}

// score returns the sum of the map at the places where the linear map b puts the pilots of f. The sum is divided by the
// root of their number: in noise it is about a standard normal variable. Pilots beyond the map add 0.
func (m *PeakMap) score(f []pattern.Frequency, b [4]float64) float64 {
	sum := 0.0
	for _, q := range f {
		sum += float64(m.pilot(q, &b))
	}
	return sum / math.Sqrt(float64(len(f)))
}

// pilot returns the map at the place where the linear map b puts the pilot q, 0 beyond the map.
func (m *PeakMap) pilot(q pattern.Frequency, b *[4]float64) float32 {
	n := float64(m.n)
	return m.at(float64((float64(b[0]*q.X)+float64(b[1]*q.Y))*n), float64((float64(b[2]*q.X)+float64(b[3]*q.Y))*n))
}

// Climb improves the linear map b of the pilots' frequencies f by small scalings, rotations,
// stretches and shears. Each of steps is their size, as a share of b: up to ten rounds of each, or
// until no change raises the score. It returns the best map and its score.
func (m *PeakMap) Climb(f []pattern.Frequency, b [4]float64, steps ...float64) ([4]float64, float64) {
	times := [...]float64{1, -1, 2, -2, 3, -3}
	const round = 4 * len(times)
	best := m.score(f, b)
	for _, st := range steps {
		vain := 0 // tries since the last that helped
		for try := 0; try < 10*round && vain < round; try++ {
			vain++
			c := nudge(b, try/len(times)%4, float64(times[try%len(times)]*st))
			if v := m.score(f, c); v > best+1e-6 {
				best, b, vain = v, c, 0
			}
		}
	}
	return b, best
}

// nudge returns b + h D b, where D is one of the four generators of the linear maps: 0 scales, 1
// rotates, 2 stretches, 3 shears. h is the size of the step.
func nudge(b [4]float64, d int, h float64) [4]float64 {
	u0, u1, v0, v1 := float64(h*b[0]), float64(h*b[1]), float64(h*b[2]), float64(h*b[3])
	switch d {
	case 0: // scale
		return [4]float64{b[0] + u0, b[1] + u1, b[2] + v0, b[3] + v1}
	case 1: // rotate
		return [4]float64{b[0] - v0, b[1] - v1, b[2] + u0, b[3] + u1}
	case 2: // stretch
		return [4]float64{b[0] + u0, b[1] + u1, b[2] - v0, b[3] - v1}
	default: // shear
		return [4]float64{b[0] + v0, b[1] + v1, b[2] + u0, b[3] + u1}
	}
}

// Transpose turns a linear map of frequencies into the map of positions that causes it, and back.
func Transpose(b [4]float64) [4]float64 { return [4]float64{b[0], b[2], b[1], b[3]} }

// ToMap returns the map of positions, work to mark pixels, that belongs to the linear map b of frequencies and the shift t.
func ToMap(b [4]float64, t geometry.Point) geometry.Mat { return geometry.Affine(Transpose(b), t) }

// sampleLinear returns p at (x, y), interpolated between the four samples around. All four must lie inside p.
func sampleLinear(p dsp.Plane, x, y float64) float32 {
	ix, iy := int(x), int(y)
	a, b := float32(x-float64(ix)), float32(y-float64(iy))
	at := iy*p.W + ix
	t := p.Pix[at] + float32(a*(p.Pix[at+1]-p.Pix[at]))
	at += p.W
	u := p.Pix[at] + float32(a*(p.Pix[at+1]-p.Pix[at]))
	return t + float32(b*(u-t))
}
