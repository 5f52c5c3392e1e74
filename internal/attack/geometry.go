package attack

import (
	"image"
	"math"
	"math/rand/v2"

	"github.com/disintegration/imaging"
)

// cropTo keeps a rectangle of the given share of the area, somewhere, with sides
// 0.8-1.25 of the picture's own ratio.
func cropTo(area float64) step {
	return func(r *rand.Rand, p *image.NRGBA) *image.NRGBA {
		w, h := p.Rect.Dx(), p.Rect.Dy()
		ratio := uniform(r, .8, 1.25)
		cw := min(w, max(1, int(float64(w)*math.Sqrt(area)/ratio)))
		ch := min(h, max(1, int(float64(h)*math.Sqrt(area)*ratio)))
		y, x := r.IntN(h-ch+1), r.IntN(w-cw+1)
		return imaging.Crop(p, image.Rect(x, y, x+cw, y+ch))
	}
}

// uniform draws from lo to hi.
func uniform(r *rand.Rand, lo, hi float64) float64 { return lo + (hi-lo)*r.Float64() }

// turn rotates by deg degrees against the clock on a canvas that grows.
func turn(deg float64) step {
	return func(_ *rand.Rand, p *image.NRGBA) *image.NRGBA { return rotate(p, deg, true) }
}

// turnInside rotates on a canvas of the same size: the corners are lost.
func turnInside(deg float64) step {
	return func(_ *rand.Rand, p *image.NRGBA) *image.NRGBA { return rotate(p, deg, false) }
}

// turnWithin rotates on a growing canvas by an angle from -deg to deg.
func turnWithin(deg float64) step {
	return func(r *rand.Rand, p *image.NRGBA) *image.NRGBA {
		return rotate(p, uniform(r, -deg, deg), true)
	}
}

func rotate(p *image.NRGBA, deg float64, grow bool) *image.NRGBA {
	w, h := float64(p.Rect.Dx()), float64(p.Rect.Dy())
	s, c := math.Sincos(deg * math.Pi / 180)
	outW, outH := w, h
	if grow {
		outW = max(1, math.Floor(h*math.Abs(s)+w*math.Abs(c)))
		outH = max(1, math.Floor(h*math.Abs(c)+w*math.Abs(s)))
	}
	m := mat3{
		c, s, outW/2 - c*w/2 - s*h/2,
		-s, c, outH/2 + s*w/2 - c*h/2,
		0, 0, 1,
	}
	return warp(p, m, int(outW), int(outH), rgb{})
}

func quarter(_ *rand.Rand, p *image.NRGBA) *image.NRGBA { return imaging.Rotate90(p) }
func half(_ *rand.Rand, p *image.NRGBA) *image.NRGBA    { return imaging.Rotate180(p) }
func mirror(_ *rand.Rand, p *image.NRGBA) *image.NRGBA  { return imaging.FlipH(p) }

// affine stretches by sx and sy and shears to the right with the height.
func affine(sx, sy, shear float64) step {
	return func(_ *rand.Rand, p *image.NRGBA) *image.NRGBA {
		w, h := float64(p.Rect.Dx()), float64(p.Rect.Dy())
		m := mat3{sx, shear, 0, 0, sy, 0, 0, 0, 1}
		return warp(p, m, max(1, int(w*sx+h*math.Abs(shear))), max(1, int(h*sy)), rgb{})
	}
}

// tilt moves each corner by up to amount of the sides.
func tilt(amount float64) step {
	return func(r *rand.Rand, p *image.NRGBA) *image.NRGBA { return perspective(r, p, amount) }
}

func perspective(r *rand.Rand, p *image.NRGBA, amount float64) *image.NRGBA {
	w, h := float64(p.Rect.Dx()), float64(p.Rect.Dy())
	quad := [4][2]float64{{0, 0}, {w, 0}, {w, h}, {0, h}}
	left, top := math.Inf(1), math.Inf(1)
	for i := range quad {
		quad[i][0] += w * uniform(r, -amount, amount)
		quad[i][1] += h * uniform(r, -amount, amount)
		left, top = min(left, quad[i][0]), min(top, quad[i][1])
	}
	var right, bottom float64
	for i := range quad {
		quad[i][0] -= left
		quad[i][1] -= top
		right, bottom = max(right, quad[i][0]), max(bottom, quad[i][1])
	}
	m := ontoQuad(quad).mul(mat3{1 / w, 0, 0, 0, 1 / h, 0, 0, 0, 1})
	return warp(p, m, int(math.Ceil(right)), int(math.Ceil(bottom)), rgb{40, 40, 40})
}

// ontoQuad maps the unit square onto a convex quadrilateral, corner by corner
// (Heckbert, Fundamentals of Texture Mapping and Image Warping, 1989, 2.2.3).
func ontoQuad(q [4][2]float64) mat3 {
	dx1, dy1 := q[1][0]-q[2][0], q[1][1]-q[2][1]
	dx2, dy2 := q[3][0]-q[2][0], q[3][1]-q[2][1]
	sx, sy := q[0][0]-q[1][0]+q[2][0]-q[3][0], q[0][1]-q[1][1]+q[2][1]-q[3][1]
	det := dx1*dy2 - dx2*dy1
	g, h := (sx*dy2-dx2*sy)/det, (dx1*sy-sx*dy1)/det
	return mat3{
		q[1][0] - q[0][0] + g*q[1][0], q[3][0] - q[0][0] + h*q[3][0], q[0][0],
		q[1][1] - q[0][1] + g*q[1][1], q[3][1] - q[0][1] + h*q[3][1], q[0][1],
		g, h, 1,
	}
}
