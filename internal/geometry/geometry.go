// Package geometry holds plane projective maps and their estimation from point pairs. Results are the same on every
// machine: sums in fixed order, products rounded before they are added, and random draws from a fixed sequence.
package geometry

import "math"

// Point is a position in pixels; pixel centres lie on integers.
type Point struct{ X, Y float64 }

// Mat is a 3 x 3 matrix, row by row, acting on homogeneous points.
type Mat [9]float64

func Identity() Mat                { return Mat{1, 0, 0, 0, 1, 0, 0, 0, 1} }
func Translation(x, y float64) Mat { return Mat{1, 0, x, 0, 1, y, 0, 0, 1} }

// Affine returns the map x -> B x + t.
func Affine(b [4]float64, t Point) Mat { return Mat{b[0], b[1], t.X, b[2], b[3], t.Y, 0, 0, 1} }

// Mirror returns the map that mirrors a picture of w pixels a row, left to right.
func Mirror(w int) Mat { return Mat{-1, 0, float64(w - 1), 0, 1, 0, 0, 0, 1} }

// Similarity returns the map that takes from to to, and turns and enlarges the plane around
// them: by the angle and the length of the vector (cos, sin).
func Similarity(from, to Point, cos, sin float64) Mat {
	return Mat{
		cos, -sin, to.X - float64(cos*from.X) + float64(sin*from.Y),
		sin, cos, to.Y - float64(sin*from.X) - float64(cos*from.Y),
		0, 0, 1,
	}
}

// PixelScale maps pixel centres of a raster to pixel centres of a raster that is sx by sy times as fine.
func PixelScale(sx, sy float64) Mat { return Mat{sx, 0, (sx - 1) / 2, 0, sy, (sy - 1) / 2, 0, 0, 1} }

// Mul returns a b: first b, then a.
func (a Mat) Mul(b Mat) Mat {
	var c Mat
	for i := range 3 {
		for j := range 3 {
			c[3*i+j] = float64(a[3*i]*b[j]) + float64(a[3*i+1]*b[3+j]) + float64(a[3*i+2]*b[6+j])
		}
	}
	return c
}

func det2(a, b, c, d float64) float64 { return float64(a*d) - float64(b*c) }

func (a Mat) Det() float64 {
	return float64(a[0]*det2(a[4], a[5], a[7], a[8])) - float64(a[1]*det2(a[3], a[5], a[6], a[8])) + float64(a[2]*det2(a[3], a[4], a[6], a[7]))
}

// Adjugate returns the inverse times the determinant: as a projective map, the inverse.
func (a Mat) Adjugate() Mat {
	return Mat{
		det2(a[4], a[5], a[7], a[8]), -det2(a[1], a[2], a[7], a[8]), det2(a[1], a[2], a[4], a[5]),
		-det2(a[3], a[5], a[6], a[8]), det2(a[0], a[2], a[6], a[8]), -det2(a[0], a[2], a[3], a[5]),
		det2(a[3], a[4], a[6], a[7]), -det2(a[0], a[1], a[6], a[7]), det2(a[0], a[1], a[3], a[4]),
	}
}

// Inverse returns the inverse, scaled to a lower right entry of 1 unless that entry is 0. ok is
// false if the determinant is 0, infinite or no number.
func (a Mat) Inverse() (inv Mat, ok bool) {
	d := a.Det()
	if d == 0 || math.IsNaN(d) || math.IsInf(d, 0) {
		return Mat{}, false
	}
	inv = a.Adjugate()
	s := inv[8]
	if math.Abs(s) < 1e-300 {
		s = d
	}
	for i := range inv {
		inv[i] /= s
	}
	return inv, true
}

// Apply returns the point that a maps p to, divided by its third coordinate. Near the horizon that
// coordinate is taken as 1e-12, so that the point is far away but finite.
func (a Mat) Apply(p Point) Point {
	w := float64(a[6]*p.X) + float64(a[7]*p.Y) + a[8]
	if math.Abs(w) < 1e-12 {
		w = math.Copysign(1e-12, w)
	}
	return Point{
		(float64(a[0]*p.X) + float64(a[1]*p.Y) + a[2]) / w,
		(float64(a[3]*p.X) + float64(a[4]*p.Y) + a[5]) / w,
	}
}

// Corners maps the corners of a rectangle from (0, 0) to (w, h): top left, top right, bottom right, bottom left.
func (a Mat) Corners(w, h float64) [4]Point {
	return [4]Point{a.Apply(Point{}), a.Apply(Point{w, 0}), a.Apply(Point{w, h}), a.Apply(Point{0, h})}
}

// LinearScale returns the root of the factor by which the linear part changes areas, whether it
// mirrors or not. Perspective does not count.
func (a Mat) LinearScale() float64 { return math.Sqrt(math.Abs(det2(a[0], a[1], a[3], a[4]))) }

// Fit returns the size of a w x h picture shrunk to a long side of longest pixels. Each side is
// rounded, and 1 or more. A picture that is not longer keeps its size.
func Fit(w, h, longest int) (int, int) {
	long := max(w, h)
	if long <= longest {
		return w, h
	}
	return max(1, (w*longest+long/2)/long), max(1, (h*longest+long/2)/long)
}

// Solve returns x of the n x n system a x = b, by Gaussian elimination with partial pivoting. a
// holds n rows. Solve overwrites a and b, and x is in the memory of b. It returns nil and false if
// a pivot is below 1e-14, as in singular systems.
func Solve(a [][]float64, b []float64) (x []float64, ok bool) {
	n := len(b)
	for c := range n {
		p := c
		for r := c + 1; r < n; r++ {
			if math.Abs(a[r][c]) > math.Abs(a[p][c]) {
				p = r
			}
		}
		if math.Abs(a[p][c]) < 1e-14 {
			return nil, false
		}
		a[c], a[p], b[c], b[p] = a[p], a[c], b[p], b[c]
		for r := c + 1; r < n; r++ {
			f := a[r][c] / a[c][c]
			for k := c; k < n; k++ {
				a[r][k] -= float64(f * a[c][k])
			}
			b[r] -= float64(f * b[c])
		}
	}
	for c := n - 1; c >= 0; c-- {
		for k := c + 1; k < n; k++ {
			b[c] -= float64(a[c][k] * b[k])
		}
		b[c] /= a[c][c]
	}
	return b, true
}
