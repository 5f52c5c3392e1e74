package register

import (
	"cmp"
	"math"
	"slices"

	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/geometry"
)

// tolerances are how far a match may be off, in canonical pixels, in each of the rounds in which a homography grows.
var tolerances = [...]float64{16, 12, 8, 6, 3.5, 3.5, 3.5}

// A proposal is the similarity that a match alone makes.
type proposal struct {
	pair  int
	score float64
}

// consensus returns up to kept (4) homographies, from leak to original, that many pairs agree on, the best first. pairs
// must be sorted, the best first: only the first proposers (700) propose a similarity. Fewer than 5 pairs give nil.
// There is no random sampling: each match has a scale and a direction and so makes a similarity.
func consensus(pairs []pair) []fitted {
	if len(pairs) < 5 {
		return nil
	}
	var all []proposal
	for i := range min(len(pairs), proposers) {
		if z := zoom(&pairs[i]); z > minZoom && z < maxZoom {
			all = append(all, proposal{i, support(pairs, &pairs[i])})
		}
	}
	best := func(a, b proposal) int { return cmp.Compare(b.score, a.score) }
	slices.SortStableFunc(all, best)
	all = all[:min(len(all), proposed)]
	once := newCounter(pairs)
	for i := range all {
		all[i].score = once.count(pairs, agreeing(pairs, &pairs[all[i].pair]))
	}
	slices.SortStableFunc(all, best)
	return grow(pairs, all[:min(len(all), grown)], once)
}

// A fitted homography, and how many points of the original agree on it.
type fitted struct {
	h       geometry.Mat
	inliers float64
}

// grow makes a homography of each proposal. It returns up to kept (4) homographies that differ and have minInner
// inliers or more, the largest number first. once counts inliers: points of the original, not pairs.
func grow(pairs []pair, from []proposal, once *counter) []fitted {
	var w, h float64 // the largest X and Y of the pairs' places in the leak
	for i := range pairs {
		w, h = max(w, pairs[i].from.X), max(h, pairs[i].from.Y)
	}
	var out []fitted
	for _, p := range from {
		m, ok := growOne(pairs, &pairs[p.pair])
		if !ok {
			continue
		}
		f := fitted{m, once.count(pairs, within(pairs, m, tolerances[len(tolerances)-1]))}
		if f.inliers >= minInner && !slices.ContainsFunc(out, func(o fitted) bool { return near(o.h, m, w, h) }) {
			out = append(out, f)
		}
	}
	slices.SortStableFunc(out, func(a, b fitted) int { return cmp.Compare(b.inliers, a.inliers) })
	return out[:min(len(out), kept)]
}

// growOne fits an affine map to the matches that agree with the similarity of by, and then homographies to ever closer
// matches. It ends early when fewer than 6 agree. growOne returns false if fewer than 4 pairs agree with the similarity.
func growOne(pairs []pair, by *pair) (geometry.Mat, bool) {
	in := agreeing(pairs, by)
	if len(in) < 4 {
		return geometry.Mat{}, false
	}
	m, ok := geometry.FitAffine(points(pairs, in))
	if d := float64(m[0]*m[4]) - float64(m[1]*m[3]); !ok || !(math.Abs(d) > 0.02 && math.Abs(d) < 400) {
		m = similarity(by)
	}
	for _, tol := range tolerances {
		in = within(pairs, m, tol)
		if len(in) < 6 {
			break
		}
		if next, ok := geometry.FitHomographyRidge(points(pairs, in), ridge); ok {
			m = next
		}
	}
	return m, true
}

// near reports whether two maps of a w x h picture differ by less than distinct pixels at every corner.
func near(a, b geometry.Mat, w, h float64) bool {
	p, q := a.Corners(w, h), b.Corners(w, h)
	for i := range p {
		if !(math.Abs(p[i].X-q[i].X) < distinct && math.Abs(p[i].Y-q[i].Y) < distinct) {
			return false
		}
	}
	return true
}

// zoom returns the original's pixels per pixel of the leak, by the levels of the two features of p.
func zoom(p *pair) float64 { return levelScales[p.to.level] / levelScales[p.from.level] }

// similarity returns the map from leak to original that the places, directions and levels of p alone give.
func similarity(p *pair) geometry.Mat {
	c, s := rotation(p)
	z := zoom(p)
	c, s = float64(z*c), float64(z*s)
	return geometry.Similarity(p.from.Point, p.to.Point, c, s)
}

// rotation returns the angle by which p turns from leak to original, as cosine and sine.
func rotation(p *pair) (c, s float64) {
	return float64(p.from.cos*p.to.cos) + float64(p.from.sin*p.to.sin),
		float64(p.from.cos*p.to.sin) - float64(p.from.sin*p.to.cos)
}

// An agreement says how well pairs agree with the similarity of one.
type agreement struct {
	m     geometry.Mat
	c, s  float64
	steps int // levels from the leak's to the original's
}

// newAgreement returns the agreement with the similarity that by alone makes.
func newAgreement(by *pair) agreement {
	c, s := rotation(by)
	return agreement{similarity(by), c, s, by.to.level - by.from.level}
}

// miss returns the squared distance, canonical pixels, by which the similarity misses the place of
// p in the original. It is infinite if scale or direction differ.
func (a *agreement) miss(p *pair) float64 {
	if d := p.to.level - p.from.level - a.steps; d < -1 || d > 1 {
		return math.Inf(1)
	}
	if c, s := rotation(p); float64(c*a.c)+float64(s*a.s) < nearAngle {
		return math.Inf(1)
	}
	dx := float64(a.m[0]*p.from.X) + float64(a.m[1]*p.from.Y) + a.m[2] - p.to.X
	dy := float64(a.m[3]*p.from.X) + float64(a.m[4]*p.from.Y) + a.m[5] - p.to.Y
	return float64(dx*dx) + float64(dy*dy)
}

// support returns how well pairs agree with the similarity that the pair by gives: the sum of their weights, each less
// the farther its pair is off. A pair that is firstTol pixels off or more does not count.
func support(pairs []pair, by *pair) float64 {
	a := newAgreement(by)
	sum := 0.0
	for i := range pairs {
		if e := a.miss(&pairs[i]); e < firstTol*firstTol {
			sum += float64(pairs[i].weight * (1 - e/(firstTol*firstTol)))
		}
	}
	return sum
}

// agreeing returns the indices of the pairs that the similarity of the pair by maps to within firstTol pixels.
func agreeing(pairs []pair, by *pair) []int {
	a := newAgreement(by)
	var in []int
	for i := range pairs {
		if a.miss(&pairs[i]) < firstTol*firstTol {
			in = append(in, i)
		}
	}
	return in
}

// within returns the numbers of the pairs that m maps to within tol pixels.
func within(pairs []pair, m geometry.Mat, tol float64) []int {
	var in []int
	for i := range pairs {
		if p := pairs[i].points(); p.Miss(m) < float64(tol*tol) {
			in = append(in, i)
		}
	}
	return in
}

func points(pairs []pair, in []int) []geometry.Pair {
	return each.Of(in, func(k int) geometry.Pair { return pairs[k].points() })
}

// A counter counts points of the original once each: without it flat leaks collapse
// onto one point that many features match.
type counter struct {
	point []int // of each pair
	sums  []float64
}

// newCounter numbers the points of the original that the pairs lead to. Pairs whose points round to
// the same whole pixel get the same number. A counter serves one goroutine.
func newCounter(pairs []pair) *counter {
	order := make([]int, len(pairs))
	for i := range order {
		order[i] = i
	}
	at := func(i int) (int, int) {
		return int(math.Floor(pairs[i].to.X + 0.5)), int(math.Floor(pairs[i].to.Y + 0.5))
	}
	compare := func(a, b int) int {
		ax, ay := at(a)
		bx, by := at(b)
		return cmp.Or(cmp.Compare(ax, bx), cmp.Compare(ay, by))
	}
	slices.SortStableFunc(order, compare)
	c := &counter{point: make([]int, len(pairs)), sums: make([]float64, len(pairs))}
	n := 0
	for i, k := range order {
		if i > 0 && compare(order[i-1], k) != 0 {
			n++
		}
		c.point[k] = n
	}
	return c
}

// count returns the sum of the weights of the pairs numbered in. A point of the original counts at most 1.
func (c *counter) count(pairs []pair, in []int) float64 {
	clear(c.sums)
	for _, i := range in {
		c.sums[c.point[i]] += pairs[i].weight
	}
	total := 0.0
	for _, s := range c.sums {
		total += min(s, 1)
	}
	return total
}
