package requant

import (
	"math"
	"slices"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
)

// Coarse reports whether the leak's steps are coarse enough for [Leak.Read] to tell more than the difference of the
// pictures. mark is an example of the mark, in grey levels, and strength the factor by which the mark may be stronger.
// Coarse assumes the smallest errors of prediction.
func (l *Leak) Coarse(mark dsp.Plane, strength float64) bool {
	r := l.reader(dsp.Plane{}, mark, strength)
	for k := range r.spread {
		r.spread[k] = spreads[0]
	}
	steps, _ := r.fitness()
	return steps >= minSteps
}

// Predict returns the leak as it was before a mark and rounding, and the part of the original that it shows. The leak
// must be a resized part of the original. near is where to look for the part, in pixels of the original; if known is
// true, near is the part itself. The prediction is a mixture of common kernels, found by least squares, because any
// resizing program mixes pixels much like such a mixture. The squares are distances to the nearest picture that can
// have been rounded to the leak, not to the leak itself.
func (l *Leak) Predict(original dsp.Plane, near dsp.Rect, known bool) (dsp.Plane, dsp.Rect) {
	l.decode()
	m := newMixer(l, original)
	part, far := near, maxMoved*math.Max(near.W/float64(l.luma.W), near.H/float64(l.luma.H))
	for n := 0; n < refinements && !known; n++ {
		next := m.refined(part)
		if !(apart(next, near) < far) {
			part = near // hardly any detail to go by
			break
		}
		known = apart(next, part) < still
		part = next
	}
	return m.mixed(part), part
}

func apart(a, b dsp.Rect) float64 {
	return max(math.Abs(a.X-b.X), math.Abs(a.Y-b.Y), math.Abs(a.W-b.W), math.Abs(a.H-b.H))
}

// A mixer predicts a leak from its original.
type mixer struct {
	*Leak
	original dsp.Plane
	cosines  cosines
	w        int     // blocks in a row
	rounded  []block // the leak's coefficients, each moved to the nearest multiple of its step
}

// newMixer returns a mixer of a leak that was decoded, and of its original.
func newMixer(l *Leak, original dsp.Plane) *mixer {
	w, h := l.blocks()
	m := &mixer{Leak: l, original: original, cosines: newCosines(), w: w, rounded: make([]block, w*h)}
	dsp.Parallel(len(m.rounded), func(from, to int) {
		for i := from; i < to; i++ {
			b := &m.rounded[i]
			*b = m.cosines.of(l.luma, i%m.w, i/m.w)
			for k, q := range l.Table {
				if q > 0 {
					b[k] = float32(q * nearest(b[k]/q))
				}
			}
		}
	})
	return m
}

// resized returns the part of the original at the leak's size, by kernel k.
func (m *mixer) resized(part dsp.Rect, k dsp.Kernel) dsp.Plane {
	return dsp.Resize(m.original, part, m.luma.W, m.luma.H, k)
}

// refined returns part, a rectangle of the original, moved and stretched by one step of least
// squares so that it explains the leak better.
func (m *mixer) refined(part dsp.Rect) dsp.Rect {
	p := m.resized(part, dsp.Area)
	c := newRegression(append(moves(p), ones(p))).on(m.left(p))
	x, y := part.W/float64(p.W), part.H/float64(p.H)
	return dsp.Rect{
		X: part.X + float64(x*(c[0]-c[1])), W: part.W + float64(2*x*c[1]),
		Y: part.Y + float64(y*(c[2]-c[3])), H: part.H + float64(2*y*c[3]),
	}
}

// mixed returns the mixture of kernels, of the leak's size, that explains the leak best from that
// part of the original. Brightness, contrast and small moves are fitted with it.
func (m *mixer) mixed(part dsp.Rect) dsp.Plane {
	p := m.resized(part, dsp.Area)
	by := append(moves(p), ones(p), p.Clone())
	for _, k := range [...]dsp.Kernel{dsp.Linear, dsp.Cubic, dsp.Lanczos} {
		q := m.resized(part, k)
		for i, v := range p.Pix {
			q.Pix[i] -= v
		}
		by = append(by, q)
	}
	r := newRegression(by)
	for range mixtures {
		weights := r.on(m.left(p))
		dsp.Parallel(len(p.Pix), func(from, to int) {
			for k, g := range weights {
				dsp.AddScaled(p.Pix[from:to], by[k].Pix[from:to], float32(g))
			}
		})
	}
	return p
}

// moves returns how the pixels of p change under four small moves. They are: left by a
// pixel, wider by a pixel at both sides, up by a pixel, higher by a pixel at both ends.
func moves(p dsp.Plane) []dsp.Plane {
	left, up := dsp.Gradients(p)
	wide, high := left.Clone(), up.Clone()
	for y := range p.H {
		v := float32(2*y+1-p.H) / float32(p.H)
		w, h := wide.Row(y), high.Row(y)
		for x := range w {
			w[x] *= float32(2*x+1-p.W) / float32(p.W)
			h[x] *= v
		}
	}
	return []dsp.Plane{left, wide, up, high}
}

func ones(p dsp.Plane) dsp.Plane {
	return dsp.Plane{W: p.W, H: p.H, Pix: slices.Repeat([]float32{1}, len(p.Pix))}
}

// left returns what must be added to p so that p rounds to the leak: the smallest change,
// at most maxOffBy grey levels a pixel.
func (m *mixer) left(p dsp.Plane) dsp.Plane {
	out := dsp.NewPlane(p.W, p.H)
	dsp.Parallel(len(m.rounded), func(from, to int) {
		for i := from; i < to; i++ {
			x := m.cosines.of(p, i%m.w, i/m.w)
			for k, q := range m.Table {
				if q == 0 {
					x[k] = 0
					continue
				}
				n := m.rounded[i][k]
				x[k] = min(max(x[k], n-q/2), n+q/2) - x[k]
			}
			m.cosines.inverse(&x)
			for k, v := range x {
				x[k] = min(max(v, -maxOffBy), maxOffBy)
			}
			x.store(out, i%m.w, i/m.w)
		}
	})
	return out
}

// A regression explains a plane as a weighted sum of the planes by (ridge regression).
// normal is the matrix of its normal equations.
type regression struct {
	by     []dsp.Plane
	normal [][]float64
}

// newRegression prepares the regression on the planes by, all of one size.
func newRegression(by []dsp.Plane) *regression {
	r := &regression{by: by, normal: make([][]float64, len(by))}
	for i, p := range by {
		r.normal[i] = make([]float64, len(by))
		copy(r.normal[i], dots(p, by[:i+1]))
		for j := range i {
			r.normal[j][i] = r.normal[i][j]
		}
		r.normal[i][i] += float64(ridge * float64(len(p.Pix)))
	}
	return r
}

// on returns the weight of each plane in the sum that is nearest to p: zeros if the equations have no solution.
func (r *regression) on(p dsp.Plane) []float64 {
	a := make([][]float64, len(r.by))
	for i := range a {
		a[i] = slices.Clone(r.normal[i])
	}
	c, ok := geometry.Solve(a, dots(p, r.by))
	if !ok {
		return make([]float64, len(r.by))
	}
	return c
}

// dots returns, for each plane of by, the sum of the products of its pixels and p's.
func dots(p dsp.Plane, by []dsp.Plane) []float64 {
	out := make([]float64, len(by))
	dsp.Parallel((len(by)+3)/4, func(from, to int) {
		for j := 4 * from; j < min(4*to, len(by)); j += 4 {
			s := fourDots(p.Pix, by[j].Pix, by[min(j+1, len(by)-1)].Pix, by[min(j+2, len(by)-1)].Pix, by[min(j+3, len(by)-1)].Pix)
			copy(out[j:], s[:])
		}
	})
	return out
}

// fourDots returns the sums of the products of x with a, b, c and d, each in the order of the
// samples. One sum alone would wait for each of its additions.
func fourDots(x, a, b, c, d []float32) [4]float64 {
	var sa, sb, sc, sd float64
	a, b, c, d = a[:len(x)], b[:len(x)], c[:len(x)], d[:len(x)]
	for i, v := range x {
		v := float64(v)
		sa += float64(v * float64(a[i]))
		sb += float64(v * float64(b[i]))
		sc += float64(v * float64(c[i]))
		sd += float64(v * float64(d[i]))
	}
	return [4]float64{sa, sb, sc, sd}
}
