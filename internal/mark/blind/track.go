package blind

import (
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/mark/pattern"
)

// A round of tracking: windows of n x n cells of the given size are displaced by up to the reach of a grid of shifts;
// those whose pilots then agree better than the threshold vote for a better map.
type round struct {
	cell, n          int
	by               grid
	threshold        float64
	homographyWithin float64 // mark pixels
	similarityFrom   int     // votes
}

var (
	settle = []round{{64, 4, farGrid, 5.0, 4, 4}, {64, 3, nearGrid, 4.5, 2, 4}, {32, 4, fineGrid, 4.5, 2, 4}}
	// spread grows a map that holds in one place over a perspective.
	spreadOut = []round{{64, 4, farGrid, 5.0, 4, 4}, {64, 3, farGrid, 4.5, 4, 4}, {64, 3, farGrid, 4.5, 4, 4}, {64, 3, nearGrid, 4.5, 2, 4}, {32, 4, fineGrid, 4.5, 2, 4}}
)

// A tracked map, the number of windows that voted for it, their centre and the box around them in mark pixels.
type tracked struct {
	m      geometry.Mat
	votes  int
	centre *geometry.Point
	box    [4]float64 // u0, v0, u1, v1
}

// track refines m, a map from pixels of the field z to mark pixels. In each round, windows of the field vote for
// displacements, and the map follows what the votes agree on. sign is -1 for an inverted picture. A round without votes
// leaves the map as it is. votes of the result counts the last round; its centre is nil if no window ever voted. If a
// map has no inverse, track returns what it has.
func (kd *Keys) track(z dsp.Plane, m geometry.Mat, sign float32, rounds []round) tracked {
	t := tracked{m: m}
	var win window
	var flat dsp.Plane
	for i, r := range rounds {
		if i == 0 || t.votes > 0 { // else the map is that of the round before
			var ok bool
			win = markWindow(t.m, z.W, z.H, t.centre)
			if flat, ok = rectify(z, t.m, win); !ok {
				return t
			}
		}
		votes := kd.votes(flat, win, sign, r)
		t.votes = len(votes)
		if len(votes) > 0 {
			t.follow(votes, r)
		}
	}
	return t
}

// A vote is a window's centre, its displacement and how well its pilots agree.
type vote struct {
	geometry.Pair
	q float64
}

// votes returns for each window of the flattened field the displacement, in mark pixels, at which its pilots agree
// best. Windows that agree by the round's threshold or less do not vote. win is where flat lies on the torus; sign is
// -1 for an inverted picture. Windows overlap: they move on by one cell.
func (kd *Keys) votes(flat dsp.Plane, win window, sign float32, r round) (out []vote) {
	a := cellAmplitudes(flat, win.u, win.v, kd.MarkFrequencies(), r.cell, r.cell)
	nx, ny := min(r.n, a.nx), min(r.n, a.ny)
	g := kd.grids[r.by]()
	half := float64(r.cell) / 2
	for y := 0; y+ny <= a.ny; y++ {
		for x := 0; x+nx <= a.nx; x++ {
			d, q := g.best(kd.Aligned(a.sum(x, y, nx, ny)), sign)
			if q <= r.threshold {
				continue
			}
			c := geometry.Point{X: float64(win.u) + float64(float64(2*x+nx)*half), Y: float64(win.v) + float64(float64(2*y+ny)*half)}
			out = append(out, vote{geometry.Pair{From: c, To: geometry.Point{X: c.X + d.X, Y: c.Y + d.Y}}, q})
		}
	}
	return out
}

// follow moves the map to what the votes of round r, one or more, agree on. Twelve votes spread over two cells or more
// allow a homography, r.similarityFrom votes over one cell a similarity. If no such map fits enough votes, the map
// stays. Fewer votes give their weighted mean shift. follow also sets centre and box, but not votes.
func (t *tracked) follow(votes []vote, r round) {
	size := float64(r.cell)
	pairs := make([]geometry.Pair, len(votes))
	box := [4]float64{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)}
	var cx, cy, dx, dy, q1, q2 float64
	for i, v := range votes {
		pairs[i] = v.Pair
		box = [4]float64{math.Min(box[0], v.From.X), math.Min(box[1], v.From.Y), math.Max(box[2], v.From.X), math.Max(box[3], v.From.Y)}
		w := float64(v.q * v.q)
		cx += float64(v.q * v.From.X)
		cy += float64(v.q * v.From.Y)
		dx += float64(w * (v.To.X - v.From.X))
		dy += float64(w * (v.To.Y - v.From.Y))
		q1 += v.q
		q2 += w
	}
	extent := math.Min(box[2]-box[0], box[3]-box[1])
	correction := geometry.Translation(dx/q2, dy/q2)
	switch {
	case len(pairs) >= 12 && extent >= 2*size:
		correction = geometry.Identity()
		if h, n := geometry.Robust(pairs, 4, 300, r.homographyWithin, geometry.FitHomography); n >= 8 && math.Max(math.Abs(h[6]), math.Abs(h[7])) < 1e-3 {
			correction = h
		}
	case len(pairs) >= r.similarityFrom && extent >= size:
		correction = geometry.Identity()
		if s, n := geometry.Robust(pairs, 2, 100, 3, geometry.FitSimilarity); n >= 3 {
			correction = s
		}
	}
	t.m = correction.Mul(t.m)
	t.centre = &geometry.Point{X: cx / q1, Y: cy / q1}
	half := float64(float64(r.n) * size / 2)
	t.box = [4]float64{box[0] - half, box[1] - half, box[2] + half, box[3] + half}
}

// A grid names a set of small shifts, up to a reach in steps, mark pixels.
type grid int

const (
	farGrid grid = iota
	nearGrid
	fineGrid
	gridN
)

var reaches, steps = [gridN]float64{36, 14, 6}, [gridN]float64{2, 1, 0.5}

// displacements are the pilots' phases over a grid of small shifts.
type displacements struct {
	at       []geometry.Point
	cos, sin dsp.Plane // a row a pilot, a column a shift
}

// newDisplacements tabulates the phases of the pilots at all displacements within reach along
// both axes, at multiples of step. Both are in mark pixels.
func newDisplacements(kd *pattern.Keys, reach, step float64) *displacements {
	var g displacements
	n := int(reach / step)
	for j := -n; j <= n; j++ {
		for i := -n; i <= n; i++ {
			g.at = append(g.at, geometry.Point{X: float64(float64(i) * step), Y: float64(float64(j) * step)})
		}
	}
	g.cos, g.sin = dsp.NewPlane(len(g.at), pattern.PilotN), dsp.NewPlane(len(g.at), pattern.PilotN)
	for k, f := range kd.MarkFrequencies() {
		cos, sin := g.cos.Row(k), g.sin.Row(k)
		for i, d := range g.at {
			c, s := dsp.Cis(float64(f.X*d.X) + float64(f.Y*d.Y))
			cos[i], sin[i] = float32(c), float32(s)
		}
	}
	return &g
}

// best returns the shift in mark pixels at which the sum of the pilots c, turned back by that
// shift, is largest. It also returns that sum over the RMS of c. sign is -1 for an inverted
// picture. Without amplitudes the sum is 0 and the shift means nothing.
func (g *displacements) best(c [pattern.PilotN]complex64, sign float32) (geometry.Point, float64) {
	energy := 1e-12
	for _, v := range c {
		energy += float64(float64(real(v))*float64(real(v))) + float64(float64(imag(v))*float64(imag(v)))
	}
	sums, room := make([]float32, len(g.at)), make([]float32, len(g.at))
	for k, v := range c {
		dsp.AddTwo(sums, g.cos.Row(k), g.sin.Row(k), real(v), imag(v), room)
	}
	top, at := float32(math.Inf(-1)), 0
	for i, s := range sums {
		if s *= sign; s > top {
			top, at = s, i
		}
	}
	return g.at[at], float64(top) / math.Sqrt(energy/2)
}

// coherent returns m after a climb in its six affine parameters, and the sum of the pilots over the whole frame under
// that map: for maps that few windows vote for. m leads from pixels of z to mark pixels. centre is the middle of the
// window, nil for the picture's own. If m has no inverse, it returns m and 0.
func (kd *Keys) coherent(z dsp.Plane, m geometry.Mat, sign float32, centre *geometry.Point) (geometry.Mat, float64) {
	win := markWindow(m, z.W, z.H, centre)
	flat, ok := rectify(z, m, win)
	if !ok {
		return m, 0
	}
	const size = 64
	a := cellAmplitudes(flat, win.u, win.v, kd.MarkFrequencies(), size, size)
	cells := make([]cellSum, 0, len(a.c))
	var mx, my float64
	for i := range a.c {
		c := cellSum{at: geometry.Point{X: float64(i%a.nx*size + size/2), Y: float64(i/a.nx*size + size/2)}, c: kd.Aligned(&a.c[i])}
		mx += c.at.X
		my += c.at.Y
		cells = append(cells, c)
	}
	n := float64(len(cells))
	spread := 0.0
	for i := range cells {
		cells[i].at.X -= mx / n
		cells[i].at.Y -= my / n
		spread += float64(cells[i].at.X*cells[i].at.X) + float64(cells[i].at.Y*cells[i].at.Y)
	}
	q, best := climbAffine(cells, kd.MarkFrequencies(), float64(sign), math.Sqrt(spread/n)+1)
	d := geometry.Mat{1 + q[2], q[3], q[0], q[4], 1 + q[5], q[1], 0, 0, 1}
	o := geometry.Translation(mx/n+float64(win.u), my/n+float64(win.v))
	back := geometry.Translation(-(mx/n + float64(win.u)), -(my/n + float64(win.v)))
	return o.Mul(d).Mul(back).Mul(m), best
}

type cellSum struct {
	at geometry.Point
	c  [pattern.PilotN]complex64
}

// climbAffine raises the sum of the pilots f over the cells by coordinate ascent in the six affine parameters, from 0
// on: shifts in mark pixels, and linear terms that move a place at distance size by as much. It returns the parameters,
// as affineSum takes them, and the sum. Steps go from 2 down to 1/4 mark pixel. sign is -1 for an inverted picture.
func climbAffine(cells []cellSum, f *[pattern.PilotN]pattern.Frequency, sign, size float64) (q [6]float64, best float64) {
	waves := new([waveSteps]complex64) // exp(2 pi i t) for t of 0, 1/waveSteps, ...
	for i := range waves {
		waves[i] = pattern.UnitTurn(float64(i) / waveSteps)
	}
	best = affineSum(cells, f, waves, q, sign)
	for _, step := range [...]float64{2, 1, 0.5, 0.25} {
		for range 6 {
			improved := false
			for d := range q {
				h := step
				if d >= 2 {
					h /= size
				}
				for _, s := range [...]float64{h, -h} {
					for {
						q[d] += s
						if v := affineSum(cells, f, waves, q, sign); v > best+1e-9 {
							best, improved = v, true
							continue
						}
						q[d] -= s
						break
					}
				}
			}
			if !improved {
				break
			}
		}
	}
	return q, best
}

// affineSum returns the real part of the sum of the pilots over all cells, times sign. The affine
// map q displaces each cell by q[0] + q[2] x + q[3] y across and q[1] + q[4] x + q[5] y down, in
// mark pixels. f are the pilots' frequencies and waves the table of climbAffine.
func affineSum(cells []cellSum, f *[pattern.PilotN]pattern.Frequency, waves *[waveSteps]complex64, q [6]float64, sign float64) float64 {
	sum := 0.0
	for i := range cells {
		p := cells[i].at
		dx := q[0] + float64(q[2]*p.X) + float64(q[3]*p.Y)
		dy := q[1] + float64(q[4]*p.X) + float64(q[5]*p.Y)
		for k, v := range cells[i].c {
			t := waves[int(math.Floor(float64((float64(f[k].X*dx)+float64(f[k].Y*dy))*waveSteps)+0.5))&(waveSteps-1)]
			sum += float64(float64(real(v))*float64(real(t))) + float64(float64(imag(v))*float64(imag(t)))
		}
	}
	return sum * sign
}
