package register

import (
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
)

// refine returns a registration by guess g: it shrinks a leak that is finer than the original and
// moves the map to the smallest difference over all pixels. luma is of the leak as given, and back maps its
// pixels to pixels of the leak of the guess. The moved map counts only if quality falls by maxFall
// or less; for a plain stretch it must rise by minRise. X and Y are not set: see finish.
func (o *Original) refine(luma dsp.Lazy, g guess, back geometry.Mat) *Registration {
	if g.invert {
		luma = negative(luma.Make()).Lazy()
	}
	h := g.h.Mul(back)
	r := &Registration{ToLeak: geometry.Identity(), Inverted: g.invert, Inliers: g.inliers}
	k := 1 / scaleOf(h, luma.W, luma.H)
	k = math.Min(k, maxSide*canonicalSide/float64(max(luma.W, luma.H)))
	if w, ht := side(luma.W, k), side(luma.H, k); k < sameScale && w <= luma.W && ht <= luma.H {
		// Unlike area means a Gaussian and cubic convolution have the same response at every phase.
		r.Leak, r.Resized = luma.Soft(float64(lowPass*float64(luma.W)/float64(w)), w, ht), true
		full := dsp.Plane{W: luma.W, H: luma.H}
		r.ToLeak = scaleTo(full, r.Leak)
		h = h.Mul(scaleTo(r.Leak, full))
	} else {
		r.Leak = luma.Make()
	}
	h = unit(h)
	before, over := o.quality(h, r.Leak, finalSide)
	r.H, r.Quality, r.Overlap = h, before, over
	m := o.descend(r.Leak, h)
	worth := before - maxFall
	if g.inliers == 0 {
		worth = before + minRise
	}
	if after, over := o.quality(m, r.Leak, finalSide); after >= worth {
		r.H, r.Quality, r.Overlap = m, after, over
	}
	r.Quality = math.Max(r.Quality, 0)
	r.Scale = scaleOf(r.H, r.Leak.W, r.Leak.H)
	r.Mirrored = turned(r.H, r.Leak)
	return r
}

// turned reports whether map m mirrors, in the middle of p.
func turned(m geometry.Mat, p dsp.Plane) bool {
	x, y := float64(p.W)/2, float64(p.H)/2
	c := m.Apply(geometry.Point{X: x, Y: y})
	a := m.Apply(geometry.Point{X: x + 1, Y: y})
	b := m.Apply(geometry.Point{X: x, Y: y + 1})
	return float64((a.X-c.X)*(b.Y-c.Y))-float64((a.Y-c.Y)*(b.X-c.X)) < 0
}

// unit scales m to a lower right entry of 1. A matrix with a 0 there stays as it is.
func unit(m geometry.Mat) geometry.Mat {
	if d := m[8]; d != 0 && d != 1 {
		for i := range m {
			m[i] /= d
		}
	}
	return m
}

// descend returns h, from pixels of leak t to canonical pixels, moved to the smallest difference:
// first on pictures a quarter as large, then on larger ones. Levels with a short side under minSide
// are left out, and so is the last if t has over fullPixels.
func (o *Original) descend(t dsp.Plane, h geometry.Mat) geometry.Mat {
	s := math.Min(1, scaleOf(h, t.W, t.H))
	for div := coarsest; div >= 1; div /= 2 {
		if div > 1 && min(t.W, t.H)/div < minSide || div == 1 && len(t.Pix) > fullPixels {
			continue
		}
		k := 1 / float64(div)
		small := resize(t, side(t.W, k), side(t.H, k))
		ref := o.scaled(side(o.canon.W, float64(s*k)), side(o.canon.H, float64(s*k)))
		to, from := scaleTo(o.canon, ref), scaleTo(small, t)
		m := unit(to.Mul(h).Mul(from))
		m = newFit(continued(small, ref, m)).minimise(m)
		toInv, ok := to.Inverse()
		fromInv, ok2 := from.Inverse()
		if !ok || !ok2 {
			return h
		}
		h = unit(toInv.Mul(m).Mul(fromInv))
	}
	return h
}

// A fit8 finds the eight numbers of a homography from a leak to an original at the same
// scale. Both are high-passed and brought to the same local contrast.
type fit8 struct {
	t, o, gx, gy  dsp.Plane
	cx, cy, scale float64 // of the coordinates in which steps are taken, -1..1

	seen, seenX, seenY dsp.Plane // o, gx and gy as they lie under t
}

// newFit prepares leak t and original o, which are of one scale. Places of the leak without
// detail, and pixels that [continued] made (nil: none), are marked blank.
func newFit(t, o dsp.Plane, made []bool) *fit8 {
	f := &fit8{t: normalised(t, fitBlur, fitFloor), o: normalised(o, fitBlur, fitFloor)}
	f.seen, f.seenX, f.seenY = dsp.NewPlane(t.W, t.H), dsp.NewPlane(t.W, t.H), dsp.NewPlane(t.W, t.H)
	local := dsp.Gauss(dsp.Product(f.t, f.t), blankWindow)
	for i, v := range local.Pix {
		if v < blankShare2 || made != nil && made[i] {
			f.t.Pix[i] = blank
		}
	}
	f.gx, f.gy = dsp.Gradients(f.o)
	for i := range f.o.Pix {
		f.o.Pix[i] += lifted
	}
	f.cx, f.cy, f.scale = float64(t.W-1)/2, float64(t.H-1)/2, 2/float64(max(t.W, t.H))
	return f
}

// normalised returns a picture high-passed and brought to the same contrast everywhere: each
// pixel is divided by the deviation around it. blur, pixels, is the deviation of the Gaussian
// before; floor, grey levels, is added to the divisor, so that flat places do not become noise.
func normalised(p dsp.Plane, blur float64, floor float32) dsp.Plane {
	d := dsp.HighPass(dsp.Gauss(p, blur), fitHigh)
	power := dsp.Gauss(dsp.Product(d, d), 2*fitHigh)
	for i, v := range d.Pix {
		d.Pix[i] = v / (sqrt32(power.Pix[i]) + floor)
	}
	return d
}

// minimise returns the homography near m with the smallest mean of squared differences, each
// limited to 1 (Levenberg and Marquardt). m maps pixels of the leak to pixels of the original of f.
// minimise returns m if it shows nothing of the original.
func (f *fit8) minimise(m geometry.Mat) geometry.Mat {
	norm := geometry.Mat{f.scale, 0, -float64(f.cx * f.scale), 0, f.scale, -float64(f.cy * f.scale), 0, 0, 1}
	inv, ok := norm.Inverse()
	if !ok {
		return m
	}
	h := unit(m.Mul(inv))
	cost, share := f.cost(h, norm)
	if share == 0 {
		return m
	}
	first, damping := share, 1e-3
	for range rounds {
		a, b := f.normal(h, norm)
		next, ok := h, false
		var after float64
		for range 4 {
			if step, solved := damped(&a, &b, damping); solved {
				next = h
				for i := range step {
					next[i] += step[i]
				}
				if after, share = f.cost(next, norm); after < cost && share > first/2 {
					ok = true
					break
				}
			}
			damping *= 10
		}
		if !ok {
			f.cost(h, norm)
			break
		}
		fall := cost - after
		h, cost, damping = next, after, math.Max(damping/10, 1e-5)
		if fall < minFallCost {
			break
		}
	}
	return unit(h.Mul(norm))
}

// cost warps the original to the leak, into f.seen, and returns two numbers. cost is the mean of the squared
// differences, each limited to 1. share is the share of the leak's pixels that are seen and not blank, 0..1. norm maps
// pixels of the leak to coordinates -1..1, and h maps these to pixels of the original.
func (f *fit8) cost(h, norm geometry.Mat) (cost, share float64) {
	warpTo(f.seen, f.o, h.Mul(norm))
	n := 0
	for y := range f.t.H {
		sum := 0.0
		t, s := f.t.Row(y), f.seen.Row(y)
		for x, v := range s {
			if v > lifted/2 && t[x] != blank {
				e := t[x] - (v - lifted)
				sum += float64(min(float32(e*e), 1))
				n++
			}
		}
		cost += sum
	}
	return cost / float64(n+1), float64(n) / float64(len(f.t.Pix))
}

// normal returns the normal equations of a step from h; cost must have been called last at h,
// because normal uses f.seen. It overwrites f.seenX and f.seenY. Matrix a is full and symmetric. Along a row the second coordinate is
// constant, so sums of the gradients' products with powers of the first are enough.
func (f *fit8) normal(h, norm geometry.Mat) (a [8][8]float64, b [8]float64) {
	m := h.Mul(norm)
	warpTo(f.seenX, f.gx, m)
	warpTo(f.seenY, f.gy, m)
	for y := range f.t.H {
		v := float64((float64(y) - f.cy) * f.scale)
		s := f.rowSums(h, v, f.t.Row(y), f.seen.Row(y), f.seenX.Row(y), f.seenY.Row(y))
		s.addTo(&a, &b, v)
	}
	for i := range 8 {
		for j := range i {
			a[i][j] = a[j][i]
		}
	}
	return a, b
}

// rowSums are weighed sums over a row: of the products aa, ab, bb, ac, bc, cc of
// the gradients times powers of u, and of the gradients times the difference.
type rowSums struct {
	p [6][3]float64
	e [3][2]float64
}

// rowSums returns the sums over one row. v is the second coordinate of the row, -1..1; t, seen,
// gx and gy are the rows of the leak, the warped original and its gradients.
func (f *fit8) rowSums(h geometry.Mat, v float64, t, seen, gx, gy []float32) *rowSums {
	r := &rowSums{}
	x0, y0, d0 := float64(h[1]*v)+h[2], float64(h[4]*v)+h[5], float64(h[7]*v)+1
	t, gx, gy = t[:len(seen)], gx[:len(seen)], gy[:len(seen)]
	for x, s := range seen {
		if s <= lifted/2 || t[x] == blank {
			continue
		}
		e := float64(t[x] - (s - lifted))
		k := e / fitScale
		w := 1 + float64(k*k)
		w = 1 / float64(w*w)
		if w < 0.02 {
			continue
		}
		u := float64((float64(x) - f.cx) * f.scale)
		d := 1 / (float64(h[6]*u) + d0)
		mx, my := float64((float64(h[0]*u)+x0)*d), float64((float64(h[3]*u)+y0)*d)
		a, b := float64(float64(gx[x])*d), float64(float64(gy[x])*d)
		c := -(float64(a*mx) + float64(b*my))
		wa, wb, wc := float64(w*a), float64(w*b), float64(w*c)
		addPowers(&r.p[0], float64(wa*a), u)
		addPowers(&r.p[1], float64(wa*b), u)
		addPowers(&r.p[2], float64(wb*b), u)
		addPowers(&r.p[3], float64(wa*c), u)
		addPowers(&r.p[4], float64(wb*c), u)
		addPowers(&r.p[5], float64(wc*c), u)
		addLinear(&r.e[0], float64(wa*e), u)
		addLinear(&r.e[1], float64(wb*e), u)
		addLinear(&r.e[2], float64(wc*e), u)
	}
	return r
}

func addPowers(p *[3]float64, q, u float64) {
	qu := float64(q * u)
	p[0] += q
	p[1] += qu
	p[2] += float64(qu * u)
}

func addLinear(e *[2]float64, q, u float64) {
	e[0] += q
	e[1] += float64(q * u)
}

// addTo adds a row's sums to the upper triangle of a and to b. v is the second coordinate of the
// row, -1..1. The unknowns are the entries of the homography except the last, row by row.
func (s *rowSums) addTo(a *[8][8]float64, b *[8]float64, v float64) {
	pair := [3][3]int{{0, 1, 3}, {1, 2, 4}, {3, 4, 5}} // of gradients, to index of p
	grad := [8]int{0, 0, 0, 1, 1, 1, 2, 2}
	pow := [8]int{1, 0, 0, 1, 0, 0, 1, 0} // of u
	fac := [8]float64{1, v, 1, 1, v, 1, 1, v}
	for i := range 8 {
		for j := i; j < 8; j++ {
			p := s.p[pair[grad[i]][grad[j]]][pow[i]+pow[j]]
			a[i][j] += float64(float64(fac[i]*fac[j]) * p)
		}
		b[i] += float64(fac[i] * s.e[grad[i]][pow[i]])
	}
}

// damped returns x of (a + damping (diag a + 1e-6 I)) x = b, a Levenberg-Marquardt step. damping, 0 or more, shortens
// the step. a must be full, not one triangle; a and b stay unchanged. It returns zeros and false for a singular system.
func damped(a *[8][8]float64, b *[8]float64, damping float64) ([8]float64, bool) {
	rows, rhs := make([][]float64, 8), make([]float64, 8)
	for i := range rows {
		rows[i] = make([]float64, 8)
		copy(rows[i], a[i][:])
		rows[i][i] += float64(damping * (a[i][i] + 1e-6))
		rhs[i] = b[i]
	}
	var out [8]float64
	x, ok := geometry.Solve(rows, rhs)
	if !ok {
		return out, false
	}
	copy(out[:], x)
	return out, true
}
