package edits

import (
	"image"
	"math"
	"math/rand/v2"

	"github.com/kycmark/kycmark/internal/attack"
	"github.com/kycmark/kycmark/internal/geometry"
)

// Turn returns the step that rotates by deg degrees against the clock, on a growing canvas.
func Turn(deg float64) attack.Step {
	return attack.Plain(func(p *image.NRGBA) *image.NRGBA { return Rotate(p, deg, true) })
}

// TurnWithin returns the step that rotates on a growing canvas by an angle from -deg to deg.
func TurnWithin(deg float64) attack.Step {
	return func(r *rand.Rand, p *image.NRGBA) *image.NRGBA {
		return Rotate(p, attack.Uniform(r, -deg, deg), true)
	}
}

// Rotate turns p by deg degrees against the clock about its middle. If grow is set, the result
// is as large as the turned picture, else as large as p. The corners are black.
func Rotate(p *image.NRGBA, deg float64, grow bool) *image.NRGBA {
	w, h := float64(p.Rect.Dx()), float64(p.Rect.Dy())
	s, c := math.Sincos(deg * math.Pi / 180)
	outW, outH := w, h
	if grow {
		outW = max(1, math.Floor(h*math.Abs(s)+w*math.Abs(c)))
		outH = max(1, math.Floor(h*math.Abs(c)+w*math.Abs(s)))
	}
	m := geometry.Mat{
		c, s, outW/2 - c*w/2 - s*h/2,
		-s, c, outH/2 + s*w/2 - c*h/2,
		0, 0, 1,
	}
	return Warp(p, m, int(outW), int(outH), attack.Grey(0))
}

// Tilt returns the step that moves each corner by random distances, up to the given share of the
// sides, which warps the picture in perspective. The result just holds the picture, on dark grey.
func Tilt(share float64) attack.Step {
	return func(r *rand.Rand, p *image.NRGBA) *image.NRGBA {
		w, h := float64(p.Rect.Dx()), float64(p.Rect.Dy())
		quad := [4][2]float64{{0, 0}, {w, 0}, {w, h}, {0, h}}
		left, top := math.Inf(1), math.Inf(1)
		for i := range quad {
			quad[i][0] += w * attack.Uniform(r, -share, share)
			quad[i][1] += h * attack.Uniform(r, -share, share)
			left, top = min(left, quad[i][0]), min(top, quad[i][1])
		}
		var right, bottom float64
		for i := range quad {
			quad[i][0] -= left
			quad[i][1] -= top
			right, bottom = max(right, quad[i][0]), max(bottom, quad[i][1])
		}
		return Warp(p, OntoQuad(w, h, quad), int(math.Ceil(right)), int(math.Ceil(bottom)), attack.Grey(40))
	}
}

// OntoQuad returns the map of a picture of w x h pixels onto the quadrilateral q, corner by corner:
// top left, top right, bottom right, bottom left (Heckbert, Fundamentals of Texture Mapping and
// Image Warping, 1989, 2.2.3). q must be convex, which is not checked.
func OntoQuad(w, h float64, q [4][2]float64) geometry.Mat {
	dx1, dy1 := q[1][0]-q[2][0], q[1][1]-q[2][1]
	dx2, dy2 := q[3][0]-q[2][0], q[3][1]-q[2][1]
	sx, sy := q[0][0]-q[1][0]+q[2][0]-q[3][0], q[0][1]-q[1][1]+q[2][1]-q[3][1]
	det := dx1*dy2 - dx2*dy1
	u, v := (sx*dy2-dx2*sy)/det, (dx1*sy-sx*dy1)/det
	square := geometry.Mat{
		q[1][0] - q[0][0] + u*q[1][0], q[3][0] - q[0][0] + v*q[3][0], q[0][0],
		q[1][1] - q[0][1] + u*q[1][1], q[3][1] - q[0][1] + v*q[3][1], q[0][1],
		u, v, 1,
	}
	return square.Mul(geometry.Mat{1 / w, 0, 0, 0, 1 / h, 0, 0, 0, 1})
}
