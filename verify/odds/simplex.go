package odds

import (
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
)

// The mean of a likelihood over the shares of up to three sources, p ~ Dirichlet(1/2,
// ...): Jeffreys' prior of a multinomial (Jeffreys 1946), which costs a source that is
// not needed about half of ln n and no more (Krichevsky and Trofimov 1981).
//
// The squares of the coordinates of a point drawn uniformly from a circle or a sphere are
// Dirichlet(1/2, 1/2) and (1/2, 1/2, 1/2). On the circle the rule is the mean over equidistant
// angles. On the sphere it is that mean at each Gauss-Legendre node in the height. With as
// many nodes as factors the rule is exact for a product (Davis and Rabinowitz, "Methods of
// Numerical Integration", 2.9 and 5.6). A product of n factors has no peak narrower than 1/(2 sqrt n)
// in angle, so that nodes of this spacing suffice beyond: the error of the trapezoidal
// rule is then 2 exp(-2 pi^2) = 5e-9 of the peak.

// rows are the distinct kinds of clusters: how many of each, and for each column (a
// source with a part of its holdings) how probable it makes such a cluster.
type rows struct {
	count []float64   // clusters, by row
	col   [][]float64 // by column, then row; the maximum of each row is from 1/2 up to 1
	ln    [][]float64 // natural logarithms of the same, -Inf for 0
	rule  rule
}

// joined returns the rows of one to three columns alone, and the indices of these columns in the
// result. Rows that are equal, or that a power of 2 makes equal, are joined into one. shift is added
// to the natural logarithm of a product over all clusters of the result: the sum is that of r.
func (r *rows) joined(columns []int) (out *rows, cols []int, shift float64) {
	out, cols = &rows{rule: r.rule, col: make([][]float64, len(columns))}, []int{0, 1, 2}[:len(columns)]
	index := make(map[[3]float64]int)
	exponents := 0.0
	for t, n := range r.count {
		if n == 0 {
			continue
		}
		var key [3]float64
		top := 0.0
		for h, c := range columns {
			key[h] = r.col[c][t]
			top = max(top, key[h])
		}
		_, e := math.Frexp(top)
		exponents += float64(n * float64(e))
		for h := range columns {
			key[h] = math.Ldexp(key[h], -e)
		}
		k, known := index[key]
		if !known {
			k = len(out.count)
			index[key] = k
			out.count = append(out.count, 0)
			for h := range columns {
				out.col[h] = append(out.col[h], key[h])
			}
		}
		out.count[k] += n
	}
	return out, cols, float64(exponents * math.Ln2)
}

// n returns the number of clusters, which is the sum of the counts of all rows.
func (r *rows) n() float64 {
	n := 0.0
	for _, c := range r.count {
		n += c
	}
	return n
}

// rule holds the nodes for products of up to some number of factors.
type rule struct {
	square []float64 // cos^2 of the angles in a quarter circle
	height []float64 // squared, ascending
	weight []float64 // of the heights; their sum is 1
}

// newRule returns the nodes for a product of n factors: as many as make the rule exact, or fewer
// from where on the error is below 1e-8. n must be at least 1.
func newRule(n float64) rule {
	peak := math.Ceil(math.Pi * math.Sqrt(n))
	var r rule
	angles := int(min(math.Floor(n/2)+1, peak+8))
	for j := range angles {
		c, _ := dsp.Cis((float64(j) + 0.5) / float64(4*angles))
		r.square = append(r.square, float64(c*c))
	}
	nodes := int(min(n+1, 2*peak+16))
	nodes += nodes % 2
	r.height, r.weight = gaussLegendre(nodes)
	return r
}

// gaussLegendre returns the squares of the positive nodes, ascending, and their weights, of
// the rule with n nodes on -1..1. n is even. The nodes are found by Newton's method on the
// recurrence of Legendre's polynomials.
func gaussLegendre(n int) (squares, weights []float64) {
	for i := n/2 - 1; i >= 0; i-- {
		x, _ := dsp.Cis((float64(i) + 0.75) / (2*float64(n) + 1))
		var slope float64
		for range 8 {
			p, q := 1.0, 0.0
			for k := 1; k <= n; k++ {
				p, q = (float64(float64(float64(2*k-1)*x)*p)-float64(float64(k-1)*q))/float64(k), p
			}
			slope = float64(float64(n)*(float64(x*p)-q)) / (float64(x*x) - 1)
			x -= p / slope
		}
		squares = append(squares, float64(x*x))
		weights = append(weights, 2/float64((1-float64(x*x))*float64(slope*slope)))
	}
	return squares, weights
}

// lnAt returns the natural logarithm of the product over all clusters of the mixture of one to
// three columns. p has the shares of the columns in the same order; the shares of missing columns
// must be 0. It is -Inf if the mixture makes a cluster impossible.
func (r *rows) lnAt(cols []int, p [3]float64) float64 {
	product, exponent, sum := 1.0, 0, 0.0
	a, b, c := three(r.col, cols)
	for t, m := range r.count {
		f := float64(p[0]*a[t]) + float64(p[1]*b[t]) + float64(p[2]*c[t])
		if f <= 0 {
			if m > 0 {
				return math.Inf(-1)
			}
			continue
		}
		if m > 4 {
			sum += float64(m * ln(f))
			continue
		}
		for range int(m) {
			product *= f
			if product < 1e-200 {
				var e int
				product, e = math.Frexp(product)
				exponent += e
			}
		}
	}
	if product <= 0 {
		return math.Inf(-1)
	}
	return sum + ln(product) + float64(float64(exponent)*math.Ln2)
}

// lnMean returns the natural logarithm of the mean of the product (see [rows.lnAt]) over
// Dirichlet(1/2) shares of one to three columns. peak holds shares near the maximum: the sum begins
// there.
func (r *rows) lnMean(cols []int, peak [3]float64) float64 {
	switch len(cols) {
	case 1:
		return r.lnAt(cols, [3]float64{1})
	case 2:
		var s sum
		r.line(cols, 0, nearest(r.rule.square, peak[0]), 0, &s)
		return s.ln() - ln(float64(len(r.rule.square)))
	}
	return r.sphere(cols, peak)
}

// sum adds numbers given by their logarithms.
type sum struct {
	top, rest float64 // rest times e**top
	any       bool
}

// add adds a number, given by its natural logarithm; -Inf adds nothing. The zero sum is empty.
func (s *sum) add(ln float64) {
	switch {
	case math.IsInf(ln, -1):
	case !s.any:
		s.top, s.rest, s.any = ln, 1, true
	case ln > s.top:
		s.rest = 1 + float64(s.rest*exp(s.top-ln))
		s.top = ln
	default:
		s.rest += exp(ln - s.top)
	}
}

// ln returns the natural logarithm of the sum; -Inf if nothing was added.
func (s *sum) ln() float64 {
	if !s.any {
		return math.Inf(-1)
	}
	return s.top + ln(s.rest)
}

// line adds to s the nodes of one quarter circle, each times e**lnWeight. height is the share of
// the third column on it. The logarithm of the product is concave along it, so that the search
// climbs from the node start to the maximum. Nodes more than [far] below the maximum, or below what
// s holds, are left out. It returns the index of the maximum and its natural logarithm, without
// lnWeight.
func (r *rows) line(cols []int, height float64, start int, lnWeight float64, s *sum) (int, float64) {
	at := func(j int) float64 {
		if j < 0 || j >= len(r.rule.square) {
			return math.Inf(-1)
		}
		q := r.rule.square[j]
		return r.lnAt(cols, [3]float64{float64((1 - height) * q), float64((1 - height) * (1 - q)), height})
	}
	best, value := start, at(start)
	step, ahead, behind := -1, at(start-1), 0.0 // the values at the neighbours of best, in the direction of step and behind
	if !(ahead > value) {
		step, ahead, behind = 1, at(start+1), ahead
	}
	for ahead > value {
		best, value, behind = best+step, ahead, value
		ahead = at(best + step)
	}
	if math.IsInf(value, -1) {
		return best, value
	}
	floor := value
	if s.any {
		floor = max(floor, s.top-lnWeight)
	}
	floor -= far
	if value < floor {
		return best, value
	}
	s.add(value + lnWeight)
	for _, way := range [2]int{-1, 1} {
		v := ahead
		if way != step {
			v = behind
		}
		for j := best + way; v >= floor; v = at(j) {
			s.add(v + lnWeight)
			j += way
		}
	}
	return best, value
}

// sphere returns [rows.lnMean] of three columns. It adds lines of equal height, from the height of
// peak outwards in both directions, until the maximum of a line lies far below. The maximum of a
// line is concave in the height, which is the third share.
func (r *rows) sphere(cols []int, peak [3]float64) float64 {
	var s sum
	first := nearest(r.rule.height, peak[2])
	angle := 0
	if rest := 1 - peak[2]; rest > 0 {
		angle = nearest(r.rule.square, peak[0]/rest)
	}
	top := math.Inf(-1)
	for _, step := range [2]int{1, -1} {
		at, last := angle, math.Inf(-1)
		k := first
		if step < 0 {
			k--
		}
		for ; k >= 0 && k < len(r.rule.height); k += step {
			var value float64
			at, value = r.line(cols, r.rule.height[k], at, ln(r.rule.weight[k]), &s)
			if step > 0 && k == first {
				angle = at
			}
			top = max(top, value)
			if value < top-far-8 && value < last || math.IsInf(value, -1) {
				break
			}
			last = value
		}
	}
	return s.ln() - ln(float64(len(r.rule.square)))
}

// nearest returns the index of the element of xs nearest to x, the first of equals. It is 0 for an
// empty xs.
func nearest(xs []float64, x float64) int {
	best := 0
	for i, v := range xs {
		if math.Abs(v-x) < math.Abs(xs[best]-x) {
			best = i
		}
	}
	return best
}

// lnMax bounds the product of the mixture of one to three columns from above over all shares. It
// returns the bound, a natural logarithm, and the shares p at which the product is about largest.
// Expectation maximisation improves p, in at most the given number of steps. It ends earlier if the
// bound is at most need, or within 0.05 of the value.
//
// Any shares p give the bound ln F(p) + n ln max_h D_h. Here D_h is the mean over clusters of v_h /
// sum p v. The bound holds since the logarithm is concave (the dual of mixture likelihoods:
// Lindsay, Ann. Statist. 11, 1983).
func (r *rows) lnMax(cols []int, steps int, need float64) (bound float64, p [3]float64) {
	k := len(cols)
	if k == 1 {
		return r.lnAt(cols, [3]float64{1}), [3]float64{1}
	}
	for h := range k {
		p[h] = 1 / float64(k)
	}
	n := r.n()
	bound = math.Inf(1)
	for range steps {
		var d [3]float64
		for t, m := range r.count {
			f := 0.0
			for h, c := range cols {
				f += float64(p[h] * r.col[c][t])
			}
			if f <= 0 {
				return math.Inf(-1), p
			}
			m /= f
			for h, c := range cols {
				d[h] += float64(m * r.col[c][t])
			}
		}
		value, top := r.lnAt(cols, p), 0.0
		for h := range k {
			top = max(top, d[h]/n)
		}
		gap := float64(n * ln(top))
		bound = min(bound, value+gap)
		if gap < 0.05 || bound <= need {
			return bound, p
		}
		for h := range k {
			p[h] = float64(p[h]*d[h]) / n
		}
	}
	return bound, p
}
