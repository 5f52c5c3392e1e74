package register

import (
	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
)

// continued returns leak t and original o, both continued beside the original as they end near its edge. The high-pass
// of a pixel in the original then sees nothing of what surrounds the picture: a page, a frame, a desk. m maps pixels of
// t to pixels of o. Pixels within rim of the edge are replaced too, because m may be off by as much. made says which
// pixels of leak were replaced. If hardly any of t lies beside the original, continued returns t, o and nil.
func continued(t, o dsp.Plane, m geometry.Mat) (leak, original dsp.Plane, made []bool) {
	back, ok := m.Inverse()
	right, bottom := float32(o.W-1), float32(o.H-1)
	x, y := positions(m, t.W, t.H)
	within := func(i int, d float32) bool {
		u, v := x.Pix[i], y.Pix[i]
		return u >= d && v >= d && u <= right-d && v <= bottom-d
	}
	around := 0
	for i := range x.Pix {
		if !within(i, -rim) {
			around++
		}
	}
	if !ok || around*minSurround < len(x.Pix) {
		return t, o, nil
	}
	leak, made = t.Clone(), make([]bool, len(t.Pix))
	for i, u := range x.Pix {
		if within(i, rim) {
			continue
		}
		made[i] = true
		p := back.Apply(geometry.Point{X: float64(min(max(u, rim), right-rim)), Y: float64(min(max(y.Pix[i], rim), bottom-rim))})
		if px, py := min(max(p.X, 0), float64(t.W-1)), min(max(p.Y, 0), float64(t.H-1)); px >= 0 && py >= 0 {
			leak.Pix[i] = t.Row(int(py + 0.5))[int(px+0.5)]
		}
	}
	original = dsp.NewPlane(o.W, o.H)
	for v := range o.H {
		from, to := o.Row(min(max(v, rim), o.H-1-rim)), original.Row(v)
		for u := range to {
			to[u] = from[min(max(u, rim), o.W-1-rim)]
		}
	}
	return leak, original, made
}
