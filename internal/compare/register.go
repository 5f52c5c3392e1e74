package compare

import (
	"math"
	"slices"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
)

// registerSide is the long side in pixels beyond which registering gains nothing.
const registerSide = 256

// rounds of Gauss-Newton on each level, at most.
const rounds = 12

// register refines start by an affine map in the original's frame, from the
// coarsest level up.
func register(orig, leak *Picture, start geometry.Mat) geometry.Mat {
	m := start
	for level := len(orig.levels) - 1; level >= 0; level-- {
		if l := orig.levels[level]; max(l.W, l.H) > registerSide && level < len(orig.levels)-1 {
			break
		}
		next := registerLevel(orig, level, leak, m)
		if strayed(start, next, orig) {
			break
		}
		m = next
	}
	return m
}

// mostStray is how far registering may move a corner, in parts of the leak's size
// as the original's frame maps onto it.
const mostStray = 0.12

// strayed reports whether a map has moved a corner of the original too far from
// where the start had it.
func strayed(start, m geometry.Mat, orig *Picture) bool {
	w, h := float64(orig.w), float64(orig.h)
	far := float64(mostStray * float64(math.Max(w, h)*scaleOf(start, w, h)))
	for _, c := range [4]geometry.Point{{}, {X: w}, {Y: h}, {X: w, Y: h}} {
		p, q := start.Apply(c), m.Apply(c)
		if !(math.Abs(p.X-q.X) <= far && math.Abs(p.Y-q.Y) <= far) {
			return true
		}
	}
	return false
}

func registerLevel(orig *Picture, level int, leak *Picture, m geometry.Mat) geometry.Mat {
	t := dsp.Gauss(orig.levels[level], 1)
	to := orig.toLevel(level)
	from, ok := to.Inverse()
	if !ok {
		return m
	}
	best, bestErr := m, math.Inf(1)
	for range rounds {
		w, mask, _ := warped(orig, level, leak, m)
		step, err, ok := gaussNewton(t, dsp.Gauss(w, 1), mask)
		if !ok || err >= bestErr*0.9999 {
			break
		}
		best, bestErr = m, err
		m = m.Mul(from).Mul(step).Mul(to)
		if small(step, t.W, t.H) {
			return m
		}
	}
	return best
}

// small reports whether a step moves no corner by more than a fiftieth of a pixel.
func small(step geometry.Mat, w, h int) bool {
	for _, c := range [4]geometry.Point{{}, {X: float64(w)}, {Y: float64(h)}, {X: float64(w), Y: float64(h)}} {
		p := step.Apply(c)
		if math.Abs(p.X-c.X) > 0.02 || math.Abs(p.Y-c.Y) > 0.02 {
			return false
		}
	}
	return true
}

// gaussNewton returns the affine step that lowers the squared difference between
// the template t and the leak w, after the best gain and offset, with pixels
// weighed by 1/(1 + (residual/scale)^2); and the mean of the residuals, limited,
// in units of the template's deviation.
func gaussNewton(t, w dsp.Plane, mask []bool) (step geometry.Mat, err float64, ok bool) {
	gain, offset, dev, ok := gainOffset(t, w, mask)
	if !ok {
		return geometry.Identity(), 0, false
	}
	scale := residualScale(t, w, mask, gain, offset)
	var ata [6][6]float64
	var atb [6]float64
	cx, cy := float64(t.W)/2, float64(t.H)/2
	n, sum := 0, 0.0
	for y := 1; y < t.H-1; y++ {
		for x := 1; x < t.W-1; x++ {
			i := y*t.W + x
			if !mask[i] || !mask[i-1] || !mask[i+1] || !mask[i-t.W] || !mask[i+t.W] {
				continue
			}
			gx := float64(gain * float64(w.Pix[i+1]-w.Pix[i-1]) / 2)
			gy := float64(gain * float64(w.Pix[i+t.W]-w.Pix[i-t.W]) / 2)
			r := float64(t.Pix[i]) - float64(gain*float64(w.Pix[i])) - offset
			q := r / scale
			wt := 1 / (1 + float64(q*q))
			n++
			sum += math.Min(math.Abs(r)/dev, 1)
			dx, dy := float64(x)-cx, float64(y)-cy
			row := [6]float64{float64(gx * dx), float64(gx * dy), gx, float64(gy * dx), float64(gy * dy), gy}
			for a := range row {
				wa := float64(wt * row[a])
				for b := a; b < 6; b++ {
					ata[a][b] += float64(wa * row[b])
				}
				atb[a] += float64(wa * r)
			}
		}
	}
	if n < 64 {
		return geometry.Identity(), 0, false
	}
	p, ok := solveSymmetric(ata, atb)
	if !ok {
		return geometry.Identity(), 0, false
	}
	m := geometry.Mat{1 + p[0], p[1], p[2], p[3], 1 + p[4], p[5], 0, 0, 1}
	return geometry.Translation(cx, cy).Mul(m).Mul(geometry.Translation(-cx, -cy)), sum / float64(n), true
}

func solveSymmetric(ata [6][6]float64, atb [6]float64) ([]float64, bool) {
	rows := make([][]float64, 6)
	for a := range rows {
		rows[a] = make([]float64, 6)
		for b := range rows[a] {
			rows[a][b] = ata[min(a, b)][max(a, b)]
		}
		rows[a][a] += 1e-6 * (1 + rows[a][a])
	}
	return geometry.Solve(rows, atb[:])
}

// gainOffset is the regression of t on w over the mask, and t's deviation.
func gainOffset(t, w dsp.Plane, mask []bool) (gain, offset, dev float64, ok bool) {
	var n, st, sw, sww, stw, stt float64
	for i, in := range mask {
		if in {
			a, b := float64(t.Pix[i]), float64(w.Pix[i])
			n++
			st += a
			sw += b
			stt += float64(a * a)
			sww += float64(b * b)
			stw += float64(a * b)
		}
	}
	if n < 64 {
		return 0, 0, 0, false
	}
	vw, vt := sww/n-float64(sw/n*(sw/n)), stt/n-float64(st/n*(st/n))
	cov := stw/n - float64(sw/n*(st/n))
	if vw < 1 || vt < 1 {
		return 0, 0, 0, false
	}
	gain = cov / vw
	if gain <= 0 { // no relation yet: keep the contrasts alike
		gain = math.Sqrt(vt / vw)
	}
	return gain, st/n - float64(gain*(sw/n)), math.Sqrt(vt), true
}

// residualScale is 1.5 times the median absolute residual, at least one level.
func residualScale(t, w dsp.Plane, mask []bool, gain, offset float64) float64 {
	var abs []float64
	for i := 0; i < len(mask); i += 3 {
		if mask[i] {
			abs = append(abs, math.Abs(float64(t.Pix[i])-float64(gain*float64(w.Pix[i]))-offset))
		}
	}
	if len(abs) == 0 {
		return 1
	}
	slices.Sort(abs)
	return math.Max(1, 1.5*abs[len(abs)/2])
}
