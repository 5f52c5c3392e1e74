package geometry

import "math"

// A Pair is a point and where it is seen to go.
type Pair struct{ From, To Point }

// Miss returns the square of the distance by which m maps From beside To.
func (p *Pair) Miss(m Mat) float64 {
	q := m.Apply(p.From)
	dx, dy := q.X-p.To.X, q.Y-p.To.Y
	return float64(dx*dx) + float64(dy*dy)
}

// FitHomography returns the homography from From to To of smallest squared algebraic error after normalisation (Hartley
// and Zisserman, "Multiple View Geometry", algorithm 4.2). It returns false for fewer than four pairs, or if pairs are
// not in general position. A few wrong pairs spoil the result: see [Robust].
func FitHomography(pairs []Pair) (Mat, bool) { return FitHomographyRidge(pairs, 0) }

// FitHomographyRidge is [FitHomography] with ridge times the number of pairs added to the squares
// of the two perspective terms: few or noisy pairs stay affine. A ridge of 0 adds nothing.
func FitHomographyRidge(pairs []Pair, ridge float64) (Mat, bool) {
	if len(pairs) < 4 {
		return Mat{}, false
	}
	na, nb := normaliser(pairs, func(p Pair) Point { return p.From }), normaliser(pairs, func(p Pair) Point { return p.To })
	ata, atb := square(8), make([]float64, 8)
	for _, pr := range pairs {
		p, q := na.Apply(pr.From), nb.Apply(pr.To)
		accumulate(ata, atb, []float64{p.X, p.Y, 1, 0, 0, 0, -float64(q.X * p.X), -float64(q.X * p.Y)}, q.X)
		accumulate(ata, atb, []float64{0, 0, 0, p.X, p.Y, 1, -float64(q.Y * p.X), -float64(q.Y * p.Y)}, q.Y)
	}
	for i := 6; i < 8; i++ {
		ata[i][i] += float64(ridge * float64(len(pairs)))
	}
	h, solved := Solve(ata, atb)
	inv, ok := nb.Inverse()
	if !solved || !ok {
		return Mat{}, false
	}
	return unit(inv.Mul(Mat{h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7], 1}).Mul(na))
}

// FitAffine returns the affine map from From to To of smallest squared error. It returns false for
// fewer than three pairs, or if all From lie on a line.
func FitAffine(pairs []Pair) (Mat, bool) {
	if len(pairs) < 3 {
		return Mat{}, false
	}
	ata, again, x, y := square(3), square(3), make([]float64, 3), make([]float64, 3)
	c := mean(pairs, func(p Pair) Point { return p.From })
	for _, pr := range pairs {
		row := []float64{pr.From.X - c.X, pr.From.Y - c.Y, 1}
		accumulate(ata, x, row, pr.To.X)
		accumulate(again, y, row, pr.To.Y)
	}
	a, _ := Solve(ata, x)
	b, ok := Solve(again, y) // the same matrix: both are solved, or neither
	if !ok {
		return Mat{}, false
	}
	return Mat{a[0], a[1], a[2], b[0], b[1], b[2], 0, 0, 1}.Mul(Translation(-c.X, -c.Y)), true
}

// FitSimilarity returns the rotation, scale and shift from From to To of smallest squared error. It
// does not mirror. It returns false for fewer than two pairs, or if all From are one point.
func FitSimilarity(pairs []Pair) (Mat, bool) {
	if len(pairs) < 2 {
		return Mat{}, false
	}
	ata, atb := square(4), make([]float64, 4)
	c := mean(pairs, func(p Pair) Point { return p.From })
	for _, pr := range pairs {
		x, y := pr.From.X-c.X, pr.From.Y-c.Y
		accumulate(ata, atb, []float64{x, -y, 1, 0}, pr.To.X)
		accumulate(ata, atb, []float64{y, x, 0, 1}, pr.To.Y)
	}
	s, ok := Solve(ata, atb)
	if !ok {
		return Mat{}, false
	}
	return Mat{s[0], -s[1], s[2], s[1], s[0], s[3], 0, 0, 1}.Mul(Translation(-c.X, -c.Y)), true
}

// Robust draws samples of n pairs, fits each, and finds the largest set of pairs that one fit maps within tolerance
// pixels (RANSAC, Fischler and Bolles, 1981). It refines the fit on that set three times, and returns the map and the
// size of the set. The result is the identity and 0 if there are fewer than n pairs, or no such set. draws is the number
// of samples; the draws are fixed, so the same pairs give the same map. fit returns false for samples that it cannot fit.
func Robust(pairs []Pair, n, draws int, tolerance float64, fit func([]Pair) (Mat, bool)) (Mat, int) {
	if len(pairs) < n {
		return Identity(), 0
	}
	rng := uint64(0x9e3779b97f4a7c15)
	sample := make([]Pair, n)
	var best []Pair
	for range draws {
		for i := range sample {
			rng = rng*6364136223846793005 + 1442695040888963407
			sample[i] = pairs[(rng>>33)%uint64(len(pairs))]
		}
		m, ok := fit(sample)
		if !ok {
			continue
		}
		if in := within(pairs, m, tolerance); len(in) > len(best) {
			best = in
		}
	}
	m := Identity()
	for range 3 {
		if len(best) < n {
			return Identity(), 0
		}
		next, ok := fit(best)
		if !ok {
			return Identity(), 0
		}
		m = next
		best = within(pairs, m, tolerance)
	}
	return m, len(best)
}

// within returns the pairs that m maps to within tolerance pixels.
func within(pairs []Pair, m Mat, tolerance float64) []Pair {
	var in []Pair
	for _, p := range pairs {
		if p.Miss(m) <= float64(tolerance*tolerance) {
			in = append(in, p)
		}
	}
	return in
}

// unit scales m to a lower right entry of 1. It returns false if an entry is then infinite or no number.
func unit(m Mat) (Mat, bool) {
	if math.Abs(m[8]) < 1e-12 {
		return Mat{}, false
	}
	for i := range m {
		m[i] /= m[8]
		if math.IsNaN(m[i]) || math.IsInf(m[i], 0) {
			return Mat{}, false
		}
	}
	m[8] = 1
	return m, true
}

func square(n int) [][]float64 {
	a := make([][]float64, n)
	for i := range a {
		a[i] = make([]float64, n)
	}
	return a
}

// accumulate adds one equation row · x = y to the normal equations of a fit: to matrix ata and right side atb.
func accumulate(ata [][]float64, atb []float64, row []float64, y float64) {
	for i, v := range row {
		for j, w := range row {
			ata[i][j] += float64(v * w)
		}
		atb[i] += float64(v * y)
	}
}

// mean returns the mean of one point of each pair: the point that function of returns. There must be a pair.
func mean(pairs []Pair, of func(Pair) Point) Point {
	var c Point
	for _, p := range pairs {
		q := of(p)
		c.X += q.X
		c.Y += q.Y
	}
	n := float64(len(pairs))
	return Point{c.X / n, c.Y / n}
}

// normaliser returns the map that moves the mean of the points to the origin and their mean
// distance to sqrt 2. of picks the point of each pair.
func normaliser(pairs []Pair, of func(Pair) Point) Mat {
	c := mean(pairs, of)
	d := 0.0
	for _, p := range pairs {
		q := of(p)
		d += math.Sqrt(float64((q.X-c.X)*(q.X-c.X)) + float64((q.Y-c.Y)*(q.Y-c.Y)))
	}
	s := math.Sqrt2 / (d/float64(len(pairs)) + 1e-9)
	return Mat{s, 0, -float64(s * c.X), 0, s, -float64(s * c.Y), 0, 0, 1}
}
