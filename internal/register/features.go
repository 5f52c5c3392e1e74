package register

import (
	"cmp"
	"math"
	"slices"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/geometry"
)

// levelScales are the powers of levelStep.
var levelScales = func() (s [maxLevels]float64) {
	s[0] = 1
	for i := 1; i < maxLevels; i++ {
		s[i] = float64(s[i-1] * levelStep)
	}
	return s
}()

// A feature is a corner with the direction of its gradient.
type feature struct {
	geometry.Point // pixels of the picture
	cos, sin       float64
	level          int // its scale is levelStep to this power
}

// features are the corners of a picture and their descriptors: numbers of zero mean
// and unit length, patch samples row by row, along the direction first.
type features struct {
	at   []feature
	desc []float32 // dims each
}

// extract returns about as many features as wanted, over a pyramid of p. Each level gets its part
// by area, but 40 or more. A picture with a short side under minLevel pixels has none.
func extract(p dsp.Plane, wanted int) *features {
	levels := []dsp.Plane{p}
	total := len(p.Pix)
	for i := 1; i < maxLevels; i++ {
		w, h := int(float64(p.W)/levelScales[i]+0.5), int(float64(p.H)/levelScales[i]+0.5)
		if min(w, h) < minLevel {
			break
		}
		levels = append(levels, dsp.Shrink(p, w, h))
		total += w * h
	}
	f := &features{}
	for i, l := range levels {
		if min(l.W, l.H) < minLevel {
			break
		}
		n := max(40, int(float64(wanted)*float64(len(l.Pix))/float64(total)))
		f.level(l, i, n, float64(l.W)/float64(p.W), float64(l.H)/float64(p.H))
	}
	return f
}

// level adds up to n features of plane l, which is that level of the pyramid. kx and ky are pixels
// of l per pixel of the picture. Spots whose patch has too little contrast are left out.
func (f *features) level(l dsp.Plane, level, n int, kx, ky float64) {
	r := cornerness(l)
	spots := share(peaks(r), r.W, r.H, n)
	if len(spots) == 0 {
		return
	}
	turn, soft := dsp.Gauss(l, 3), dsp.Gauss(l, 1.6)
	for _, s := range spots {
		x, y := float64(s.x)+vertex(r, s, 1), float64(s.y)+vertex(r, s, r.W)
		c, sn := direction(turn, s.x, s.y)
		var d [dims]float32
		if !describe(&d, soft, x, y, c, sn) {
			continue
		}
		f.at = append(f.at, feature{geometry.Point{X: (x+0.5)/kx - 0.5, Y: (y+0.5)/ky - 0.5}, c, sn, level})
		f.desc = append(f.desc, d[:]...)
	}
}

// cornerness returns for each pixel how much it looks like a corner: det/trace of the structure
// tensor there, grey levels squared (Brown et al., 2005).
func cornerness(p dsp.Plane) dsp.Plane {
	gx, gy := dsp.Gradients(dsp.Gauss(p, 1))
	a, b, c := dsp.Gauss(dsp.Product(gx, gx), 1.5), dsp.Gauss(dsp.Product(gx, gy), 1.5), dsp.Gauss(dsp.Product(gy, gy), 1.5)
	for i, v := range a.Pix {
		det := float32(v*c.Pix[i]) - float32(b.Pix[i]*b.Pix[i])
		a.Pix[i] = det / (v + c.Pix[i] + 1e-3)
	}
	return a
}

// A spot is a peak of cornerness.
type spot struct {
	x, y int
	r    float32
	rank int // place among the spots of its cell, 0 for the strongest
}

// peaks returns the pixels of cornerness above minEdge that no pixel of the 5 x 5 around exceeds,
// the strongest first. Pixels within margin of an edge are left out.
func peaks(r dsp.Plane) []spot {
	top := dsp.Dilate(r, 5)
	var out []spot
	for y := margin; y < r.H-margin; y++ {
		a, b := r.Row(y), top.Row(y)
		for x := margin; x < r.W-margin; x++ {
			if v := a[x]; v > minEdge && v >= b[x] {
				out = append(out, spot{x: x, y: y, r: v})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b spot) int { return cmp.Compare(b.r, a.r) })
	return out
}

// share returns n of the spots of a w x h picture, or all if there are no more. s must be sorted by
// strength; share sets ranks and reorders s. It drops first what is not among the strongest spots
// of a cell, so that every part of the picture keeps some.
func share(s []spot, w, h, n int) []spot {
	var count [cells * cells]int
	for i := range s {
		c := s[i].y*cells/h*cells + s[i].x*cells/w
		s[i].rank = count[c]
		count[c]++
	}
	if len(s) <= n {
		return s
	}
	each := max(2, 2*n/(cells*cells))
	slices.SortStableFunc(s, func(a, b spot) int {
		switch la, lb := a.rank >= each, b.rank >= each; {
		case la == lb:
			return cmp.Compare(b.r, a.r)
		case lb:
			return -1
		}
		return 1
	})
	return s[:n]
}

// vertex returns by how many pixels, -0.5..0.5, the top of the parabola through spot s and its two neighbours in r lies
// off s. step is 1 along rows and the width along columns. A straight line gives 0.
func vertex(r dsp.Plane, s spot, step int) float64 {
	i := s.y*r.W + s.x
	m, c, p := float64(r.Pix[i-step]), float64(r.Pix[i]), float64(r.Pix[i+step])
	d := m - 2*c + p
	if math.Abs(d) <= 1e-6 {
		return 0
	}
	return min(max(0.5*(m-p)/d, -0.5), 0.5)
}

// direction returns cosine and sine of the direction of the gradient at (x, y); 1 and 0 if there is no gradient.
func direction(p dsp.Plane, x, y int) (cos, sin float64) {
	a, b, c := p.Row(y - 1)[x-1:x+2], p.Row(y)[x-1:x+2], p.Row(y + 1)[x-1:x+2]
	gx := float64(a[2]-a[0]) + 2*float64(b[2]-b[0]) + float64(c[2]-c[0])
	gy := float64(c[0]-a[0]) + 2*float64(c[1]-a[1]) + float64(c[2]-a[2])
	n := math.Sqrt(float64(gx*gx) + float64(gy*gy))
	if n < 1e-9 {
		return 1, 0
	}
	return gx / n, gy / n
}

// describe fills d with the patch of p around (x, y), turned by the angle of the cosine and sine, at mean 0 and length
// 1. It reports whether the patch has enough contrast (norm above minNorm, grey levels) to be recognised.
func describe(d *[dims]float32, p dsp.Plane, x, y, cos, sin float64) bool {
	var sum float32
	for j := range patch {
		v := (float64(j) - (patch-1)/2.0) * patchStep
		for i := range patch {
			u := (float64(i) - (patch-1)/2.0) * patchStep
			s := reflected(p, x+float64(cos*u)-float64(sin*v), y+float64(sin*u)+float64(cos*v))
			d[j*patch+i] = s
			sum += s
		}
	}
	mean := sum / dims
	var power float32
	for i := range d {
		d[i] -= mean
		power += float32(d[i] * d[i])
	}
	norm := sqrt32(power)
	for i := range d {
		d[i] /= norm + 1e-3
	}
	return norm > minNorm
}

// reflected returns p at (x, y) by bilinear interpolation, with p mirrored at its edges.
func reflected(p dsp.Plane, x, y float64) float32 {
	fx, fy := math.Floor(x), math.Floor(y)
	tx, ty := float32(x-fx), float32(y-fy)
	x0, x1, y0, y1 := int(fx), int(fx)+1, int(fy), int(fy)+1
	if x0 < 0 || y0 < 0 || x1 >= p.W || y1 >= p.H {
		x0, x1, y0, y1 = fold(x0, p.W), fold(x1, p.W), fold(y0, p.H), fold(y1, p.H)
	}
	a, b := p.Row(y0), p.Row(y1)
	t := a[x0] + float32(tx*(a[x1]-a[x0]))
	u := b[x0] + float32(tx*(b[x1]-b[x0]))
	return t + float32(ty*(u-t))
}

// fold mirrors index i at the ends of [0, n), so that -1 becomes 0 and n becomes n-1. An index
// beyond 2n on the right, which mirroring does not bring inside, becomes 0.
func fold(i, n int) int {
	if i < 0 {
		i = -1 - i
	}
	if i >= n {
		i = 2*n - 1 - i
	}
	return min(max(i, 0), n-1)
}

// A look is how a leak may have been changed so that its features change too.
type look struct{ mirror, invert bool }

// as returns the features that the mirrored or inverted picture of width w has. A mirrored patch
// has its rows in reverse; an inverted patch is negative, its gradient turned by half a circle.
// Without a change it returns f itself, otherwise a copy.
func (f *features) as(l look, w int) *features {
	if l == (look{}) {
		return f
	}
	out := &features{at: slices.Clone(f.at), desc: make([]float32, len(f.desc))}
	for i := range out.at {
		a := &out.at[i]
		if l.mirror {
			a.X, a.cos = float64(w-1)-a.X, -a.cos
		}
		if l.invert {
			a.cos, a.sin = -a.cos, -a.sin
		}
		src, dst := f.desc[i*dims:(i+1)*dims], out.desc[i*dims:(i+1)*dims]
		for j := range patch {
			for k := range patch {
				u, v := k, j
				if l.mirror {
					v = patch - 1 - v
				}
				if l.invert {
					u, v = patch-1-u, patch-1-v
				}
				s := src[v*patch+u]
				if l.invert {
					s = -s
				}
				dst[j*patch+k] = s
			}
		}
	}
	return out
}

// A pair is a feature of the leak and one of the original that may be the same.
type pair struct {
	from, to feature
	weight   float64
}

func (p *pair) points() geometry.Pair { return geometry.Pair{From: p.from.Point, To: p.to.Point} }

// neighbours are a feature's two best places in the original.
type neighbours struct {
	from, best, second int
	dot, next          float32
}

// ratio returns the distance of the best descriptor in parts of the distance of the second
// best: near 1 if the match is ambiguous.
func (n *neighbours) ratio() float64 {
	return math.Sqrt(max(2-2*float64(n.dot), 1e-6) / max(2-2*float64(n.next), 1e-6))
}

// match returns pairs of features p of the leak with features q of the original. Unambiguous pairs come first, the
// surest first, with weight 1. Each ambiguous feature gives two pairs of weight repeatWeight, to its two best places.
// match returns nil for fewer than 4 features p or 8 features q.
func match(p, q *features) []pair {
	if len(p.at) < 4 || len(q.at) < 8 {
		return nil
	}
	var sure, repeated []neighbours
	for _, n := range nearest(p, q) {
		switch {
		case n.dot > minDot && n.ratio() < maxRatio:
			sure = append(sure, n)
		case n.dot > repeatDot:
			repeated = append(repeated, n)
		}
	}
	slices.SortStableFunc(sure, func(a, b neighbours) int { return cmp.Compare(a.ratio(), b.ratio()) })
	slices.SortStableFunc(repeated, func(a, b neighbours) int { return cmp.Compare(b.dot, a.dot) })
	sure, repeated = sure[:min(len(sure), maxSure)], repeated[:min(len(repeated), maxRepeated)]
	return slices.Concat(
		each.Of(sure, func(n neighbours) pair { return pair{p.at[n.from], q.at[n.best], 1} }),
		each.Of(repeated, func(n neighbours) pair { return pair{p.at[n.from], q.at[n.best], repeatWeight} }),
		each.Of(repeated, func(n neighbours) pair { return pair{p.at[n.from], q.at[n.second], repeatWeight} }))
}

// nearest returns, for each feature of p, the feature of q with the largest product of descriptors. It also returns the
// feature with the largest product elsewhere: see secondBest. q must have a feature.
func nearest(p, q *features) []neighbours {
	n := len(q.at)
	columns := dsp.NewPlane(n, dims) // of descriptors, dimension by dimension
	for i := range n {
		for k := range dims {
			columns.Pix[k*n+i] = q.desc[i*dims+k]
		}
	}
	out := make([]neighbours, len(p.at))
	dsp.Shared(len(out), len(out)*len(q.desc), func(from, to int) {
		all := dsp.NewPlane(n, atOnce)
		for ; from < to; from += atOnce {
			some := dsp.Plane{W: n, H: min(atOnce, to-from), Pix: all.Pix}
			dsp.Combine(some, columns, p.desc[from*dims:])
			for j := range some.H {
				dots := some.Row(j)
				b := dsp.ArgMax(dots)
				s, next := secondBest(dots, q, b)
				out[from+j] = neighbours{from + j, b, s, dots[b], next}
			}
		}
	})
	return out
}

// secondBest returns the feature of q with the largest product, and that product, among the features that lie elsewhere
// than feature b. dots has the product of each feature of q. If no feature lies elsewhere, secondBest returns b and -1.
func secondBest(dots []float32, q *features, b int) (int, float32) {
	at := q.at[b]
	far := elsewhere * levelScales[at.level]
	far = float64(far * far)
	second, next := b, float32(-1)
	for i, d := range dots {
		if d > next {
			if dx, dy := q.at[i].X-at.X, q.at[i].Y-at.Y; float64(dx*dx)+float64(dy*dy) > far {
				second, next = i, d
			}
		}
	}
	return second, next
}
