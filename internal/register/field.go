package register

import (
	"slices"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
)

// windows are the deviations of the Gaussian windows of the smooth field, pixels.
var windows = [...]int{40, 24, 16}

// finish sets r.X and r.Y, the place of each pixel of r.Leak on the canonical original. They are as
// r.H has them, moved by a smooth field if that lowers the difference. A leak under minField pixels
// gets no field. Pixels of a canvas lie beside the original. r.H and r.Scale must be set. The field is fitted to
// shown in place of r.Leak, without the pixels that hidden has; hidden may be nil.
func (o *Original) finish(r *Registration, shown dsp.Plane, hidden []bool) {
	canvas := ground(r.Leak)
	ref := o.at(r.Scale)
	to := scaleTo(o.canon, ref)
	r.X, r.Y = positions(to.Mul(r.H), r.Leak.W, r.Leak.H)
	leak, ref, without := continued(shown, ref, to.Mul(r.H))
	for _, more := range [][]bool{canvas, hidden} {
		if without == nil {
			without = slices.Clone(more)
			continue
		}
		for i, is := range more {
			without[i] = without[i] || is
		}
	}
	for _, div := range bentScales {
		if !r.bend(leak, ref, without, div) {
			break
		}
	}
	if min(r.Leak.W, r.Leak.H) >= minField {
		f := newField(leak, ref, r.X, r.Y, without)
		f.descend()
		r.X, r.Y = f.x, f.y
	}
	for i := range r.X.Pix {
		r.X.Pix[i] = float32((float64(r.X.Pix[i]) - to[2]) / to[0])
		r.Y.Pix[i] = float32((float64(r.Y.Pix[i]) - to[5]) / to[4])
	}
	n := 0
	for i, is := range canvas {
		if is {
			if x, y := r.X.Pix[i], r.Y.Pix[i]; x > 0 && y > 0 && x < float32(o.canon.W) && y < float32(o.canon.H) {
				n++
			}
			r.X.Pix[i], r.Y.Pix[i] = beside, beside
		}
	}
	r.Overlap = max(0, r.Overlap-float64(n)/float64(len(r.X.Pix)))
}

// Again returns r with its map and its smooth field fitted again, without the pixels of r.Leak that hidden has. shown
// is r.Leak with other values there: with what the original has, no detail of what was laid over it is left beside
// them. The map stays as it is if the new map fits worse.
func (o *Original) Again(r *Registration, shown dsp.Plane, hidden []bool) *Registration {
	n := *r
	before, over := o.quality(r.H, shown, finalSide)
	n.Overlap = over
	m := o.descend(shown, r.H)
	if after, over := o.quality(m, shown, finalSide); after >= before {
		n.H, n.Overlap = m, over
		n.Scale = scaleOf(n.H, n.Leak.W, n.Leak.H)
	}
	o.finish(&n, shown, hidden)
	return &n
}

// bend moves r.X and r.Y, positions on ref, by a smooth field that is fitted to pictures 1/div as large. There it
// reaches what lies too far off for a step of the whole leak: lenses, curled paper. The field counts only if it lowers
// the difference by the share minBent, which bend reports. canvas says which pixels of the leak do not count; or nil.
func (r *Registration) bend(leak, ref dsp.Plane, canvas []bool, div int) bool {
	w, h := r.Leak.W/div, r.Leak.H/div
	if min(w, h) < minField {
		return false
	}
	small := dsp.Shrink(ref, side(ref.W, 1/float64(div)), side(ref.H, 1/float64(div)))
	to := scaleTo(ref, small)
	x, y := dsp.Shrink(r.X, w, h), dsp.Shrink(r.Y, w, h)
	rescale(to, x, y)
	var hidden []bool
	if canvas != nil {
		hidden = make([]bool, w*h)
		for i := range hidden {
			hidden[i] = canvas[(i/w*r.Leak.H/h+div/2)*r.Leak.W+i%w*r.Leak.W/w+div/2]
		}
	}
	f := newField(dsp.Shrink(leak, w, h), small, x, y, hidden)
	if !f.settle() {
		return false
	}
	add := func(at, from, to dsp.Plane, scale float64) {
		for i := range to.Pix {
			to.Pix[i] = (to.Pix[i] - from.Pix[i]) / float32(scale)
		}
		for i, v := range dsp.Enlarged(to, at.W, at.H).Pix {
			at.Pix[i] += v
		}
	}
	add(r.X, x, f.x, to[0])
	add(r.Y, y, f.y, to[4])
	return true
}

// settle moves f.x and f.y by smooth fields of the windows bentWindows, each as often as a step lowers the
// difference. It reports whether the difference fell by the share minBent in all.
func (f *field) settle() bool {
	left := 1.0 // of the difference
	for _, sigma := range bentWindows {
		if 3*sigma > min(f.t.W, f.t.H) {
			continue
		}
		s := f.compare(sigma)
		for range bentSteps {
			x, y := f.x, f.y
			f.step(s)
			next := f.compare(sigma)
			if next.cost >= s.cost {
				f.x, f.y = x, y
				break
			}
			fall := 1 - next.cost/s.cost
			left *= 1 - fall
			if s = next; fall < minBentStep {
				break
			}
		}
	}
	return left <= 1-minBent
}

// beside is a position on no original, canonical pixels.
const beside = -16

// Under returns the original as it lies under the leak of r, which was registered onto it: for
// each pixel of r.Leak the grey level of the original there, 0..255. seen says which pixels lie
// on the original, more than two of its pixels from its edges.
func (o *Original) Under(r *Registration) (under dsp.Plane, seen []bool) {
	ref := o.at(r.Scale)
	to := scaleTo(o.canon, ref)
	x, y := r.X.Clone(), r.Y.Clone()
	rescale(to, x, y)
	under, seen = dsp.NewPlane(x.W, x.H), make([]bool, len(x.Pix))
	remap(under, seen, ref, x, y)
	return under, seen
}

// rescale moves the positions x and y from one picture to the same picture at another size, as to maps its pixels.
func rescale(to geometry.Mat, x, y dsp.Plane) {
	for i := range x.Pix {
		x.Pix[i] = float32(float64(to[0]*float64(x.Pix[i])) + to[2])
		y.Pix[i] = float32(float64(to[4]*float64(y.Pix[i])) + to[5])
	}
}

// positions returns the planes of X and Y to which m maps the pixels of a w x h picture.
func positions(m geometry.Mat, w, h int) (x, y dsp.Plane) {
	x, y = dsp.NewPlane(w, h), dsp.NewPlane(w, h)
	for j := range h {
		l := row(m, j)
		xs, ys := x.Row(j), y.Row(j)
		for i := range xs {
			u := float64(i)
			d := float64(l.W*u) + l.W0
			xs[i], ys[i] = float32((float64(l.X*u)+l.X0)/d), float32((float64(l.Y*u)+l.Y0)/d)
		}
	}
	return x, y
}

// A field is a leak (high-passed), an original of the same scale, and where each pixel of the leak lies on it.
type field struct {
	t, o, x, y dsp.Plane
	canvas     []bool // pixels of the leak that do not count; or nil
}

// newField readies a leak and an original of the same scale. x and y are where the leak's pixels lie; they are not changed.
func newField(leak, original, x, y dsp.Plane, canvas []bool) *field {
	return &field{t: dsp.HighPass(dsp.Gauss(leak, 1), fieldHigh), o: dsp.Gauss(original, 1), x: x, y: y, canvas: canvas}
}

// descend moves f.x and f.y by smooth fields of ever smaller windows (Lucas and Kanade, 1981), as
// long as the difference falls. A move that does not lower the difference is taken back. Windows of
// over a third of the leak's short side are left out.
func (f *field) descend() {
	bx, by, best := f.x, f.y, -1.0
	for i := 0; i <= len(windows); i++ {
		sigma := windows[min(i, len(windows)-1)]
		if 3*sigma > min(f.t.W, f.t.H) {
			continue
		}
		s := f.compare(sigma)
		if best >= 0 && !(s.cost < best) {
			break
		}
		bx, by, best = f.x, f.y, s.cost
		if i < len(windows) {
			f.step(s)
		}
	}
	f.x, f.y = bx, by
}

// compared is what comes of comparing a field's leak and original at its positions: the warped original, high-passed, its
// difference from the leak in the original's grey levels (0 outside of the original), and the mean of that difference.
type compared struct {
	window  int
	o, diff dsp.Plane
	seen    []bool
	cost    float64
}

// compare warps the original to the leak and returns what the difference is. sigma, pixels of the leak, is the
// deviation of the windows in which contrast is matched. Pixels beside the original, or of the canvas, do not count.
func (f *field) compare(sigma int) *compared {
	s := &compared{window: sigma}
	w := dsp.NewPlane(f.t.W, f.t.H)
	s.seen = make([]bool, len(w.Pix))
	remap(w, s.seen, f.o, f.x, f.y)
	for i, is := range f.canvas {
		s.seen[i] = s.seen[i] && !is
	}
	s.o = dsp.HighPass(w, fieldHigh)
	to, oo := s.sums(f.t, s.o), s.sums(s.o, s.o)
	for i, v := range to.Pix {
		to.Pix[i] = min(max(v/(oo.Pix[i]+1), 0.1), 4)
	}
	gains := newSpread(to, f.t.W, cellOf(sigma))
	s.diff = dsp.NewPlane(f.t.W, f.t.H)
	n := 0
	for y := range f.t.H {
		sum := 0.0
		t, o, diff, seen := f.t.Row(y), s.o.Row(y), s.diff.Row(y), s.seen[y*f.t.W:(y+1)*f.t.W]
		for x, g := range gains.row(y) {
			if !seen[x] {
				continue
			}
			d := t[x] - float32(g*o[x])
			diff[x] = min(max(d/g, -maxDiffer), maxDiffer)
			sum += float64(min(max(d, -d), maxDiffer))
			n++
		}
		s.cost += sum
	}
	s.cost /= float64(n + 1)
	return s
}

// cellOf is the side of the squares in which sums are taken before they are blurred.
func cellOf(sigma int) int { return max(1, sigma/8) }

// sums returns the sum of the products of a and b in each cell, divided by the pixels of a full
// cell. The sums are blurred by a Gaussian of the window. Pixels that are not seen add 0.
func (s *compared) sums(a, b dsp.Plane) dsp.Plane {
	cell := cellOf(s.window)
	out := dsp.NewPlane((a.W+cell-1)/cell, (a.H+cell-1)/cell)
	dsp.Shared(out.H, 2*len(a.Pix), func(from, to int) {
		for y := from * cell; y < min(to*cell, a.H); y++ {
			dst, seen, p, q := out.Row(y/cell), s.seen[y*a.W:(y+1)*a.W], a.Row(y), b.Row(y)
			seen, q = seen[:len(p)], q[:len(p)] // so that the loop checks no bounds
			for k := range dst {
				sum := dst[k]
				for x := k * cell; x < min((k+1)*cell, len(p)); x++ {
					if seen[x] {
						sum += float32(p[x] * q[x])
					}
				}
				dst[k] = sum
			}
		}
	})
	out.Scale(1 / float32(cell*cell))
	return dsp.Gauss(out, float64(s.window)/float64(cell))
}

// step moves the positions by the smooth field that lowers the difference most: in each window
// by one shift, in proportion to the gradients (Lucas and Kanade, 1981).
func (f *field) step(s *compared) {
	cell := cellOf(s.window)
	gx, gy := dsp.Gradients(s.o)
	xx, xy, yy, xe, ye := s.sums(gx, gx), s.sums(gx, gy), s.sums(gy, gy), s.sums(gx, s.diff), s.sums(gy, s.diff)
	trace := 0.0
	for i, v := range xx.Pix {
		trace += float64(v) + float64(yy.Pix[i])
	}
	damp := float32(fieldFloor + float64(fieldShare*trace/float64(len(xx.Pix))))
	for i := range xx.Pix {
		a, b, c, p, q := xx.Pix[i]+damp, xy.Pix[i], yy.Pix[i]+damp, xe.Pix[i], ye.Pix[i]
		det := float32(a*c) - float32(b*b)
		xe.Pix[i] = min(max((float32(c*p)-float32(b*q))/det, -maxStep), maxStep)
		ye.Pix[i] = min(max((float32(a*q)-float32(b*p))/det, -maxStep), maxStep)
	}
	f.move(xe, ye, cell)
}

// move shifts the positions by ux and uy, pixels of the leak, into new planes. ux and uy have a value a
// cell, cell pixels a side. The positions of neighbouring pixels say how far a pixel of the leak reaches on the original.
func (f *field) move(ux, uy dsp.Plane, cell int) {
	x, y := f.x.Clone(), f.y.Clone()
	w, h := f.t.W, f.t.H
	dsp.Shared(h, 8*w*h, func(from, to int) {
		ux, uy := newSpread(ux, w, cell), newSpread(uy, w, cell)
		for j := from; j < to; j++ {
			us, vs := ux.row(j), uy.row(j)
			up, down := max(j-1, 0), min(j+1, h-1)
			ky := 1 / float32(down-up)
			xs, ys, xUp, xDown, yUp, yDown := f.x.Row(j), f.y.Row(j), f.x.Row(up), f.x.Row(down), f.y.Row(up), f.y.Row(down)
			toX, toY := x.Row(j), y.Row(j)
			for i := range w {
				l, r := max(i-1, 0), min(i+1, w-1)
				kx := 1 / float32(r-l)
				u, v := kx*us[i], ky*vs[i]
				toX[i] += float32((xs[r]-xs[l])*u) + float32((xDown[i]-xUp[i])*v)
				toY[i] += float32((ys[r]-ys[l])*u) + float32((yDown[i]-yUp[i])*v)
			}
		}
	})
	f.x, f.y = x, y
}

// A spread interpolates a plane of cells at pixels, row by row. Before the middle of the first cell
// and beyond the last, the value stays the same. It serves one goroutine.
type spread struct {
	cells     dsp.Plane
	cell      int       // side, pixels
	ends      []int     // where the pixels end that lie beyond the middle of a cell and before the next
	beyond    []float32 // of each pixel of a row, as [between] has it
	line, out []float32 // cells and pixels of a row
}

// newSpread returns the spread of p, cell pixels a side, over rows of w pixels.
func newSpread(p dsp.Plane, w, cell int) *spread {
	s := &spread{p, cell, make([]int, p.W), make([]float32, w), make([]float32, p.W+1), make([]float32, w)}
	for x := range w {
		i, t := between(x, cell, p.W)
		s.ends[i], s.beyond[x] = x+1, t
	}
	return s
}

// row returns row y of pixels, which holds until the next call.
func (s *spread) row(y int) []float32 {
	i, t := between(y, s.cell, s.cells.H)
	a, b := s.cells.Row(i), s.cells.Row(min(i+1, s.cells.H-1))
	for x, v := range a {
		s.line[x] = v + float32(t*(b[x]-v))
	}
	s.line[len(a)] = s.line[len(a)-1]
	x := 0
	for i, end := range s.ends {
		v, next := s.line[i], s.line[i+1]
		for ; x < end; x++ {
			s.out[x] = v + float32(s.beyond[x]*(next-v))
		}
	}
	return s.out
}

// between returns the cell whose middle lies before pixel i, of n cells of cell pixels each. It also returns how far
// the pixel lies from that middle to the next, 0..1. Beyond the first and last middle it returns that cell and 0.
func between(i, cell, n int) (int, float32) {
	twice := 2*i + 1 - cell // offset from the first cell's middle, half pixels
	if twice <= 0 {
		return 0, 0
	}
	c := twice / (2 * cell)
	if c >= n-1 {
		return n - 1, 0
	}
	return c, float32(twice-2*cell*c) / float32(2*cell)
}
