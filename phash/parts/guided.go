package parts

import (
	"encoding/binary"
	"image"
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
)

// A grid finds features of a leak by their place.
type grid struct {
	w, h  int
	start []int32 // of each square in index, and one more
	index []int32
	asked []asked
}

// newGrid returns a grid of the features of a leak, sorted into squares of gridSide pixels. It
// keeps the slice all: near gives places in this slice.
func newGrid(all []asked) *grid {
	g := &grid{asked: all, w: 1, h: 1}
	for i := range all {
		g.w, g.h = max(g.w, int(all[i].x)/gridSide+1), max(g.h, int(all[i].y)/gridSide+1)
	}
	g.start, g.index = make([]int32, g.w*g.h+1), make([]int32, len(all))
	for i := range all {
		g.start[g.square(&all[i])+1]++
	}
	for i := range g.w * g.h {
		g.start[i+1] += g.start[i]
	}
	next := append([]int32(nil), g.start...)
	for i := range all {
		s := g.square(&all[i])
		g.index[next[s]] = int32(i)
		next[s]++
	}
	return g
}

// square returns the number of the square in which a lies, row by row: outside of the grid, of the nearest square.
func (g *grid) square(a *asked) int {
	return min(max(int(a.y), 0)/gridSide, g.h-1)*g.w + min(max(int(a.x), 0)/gridSide, g.w-1)
}

// near calls f for each feature of the leak within r canonical pixels of p. i is the feature's
// place in the slice that the grid was made of.
func (g *grid) near(p geometry.Point, r float64, f func(i int, a *asked)) {
	x0, x1 := max(0, int(p.X-r)/gridSide), min(g.w-1, int(p.X+r)/gridSide)
	y0, y1 := max(0, int(p.Y-r)/gridSide), min(g.h-1, int(p.Y+r)/gridSide)
	for y := y0; y <= y1; y++ {
		for x := x0; x <= x1; x++ {
			for _, i := range g.index[g.start[y*g.w+x]:g.start[y*g.w+x+1]] {
				a := &g.asked[i]
				dx, dy := float64(a.x)-p.X, float64(a.y)-p.Y
				if float64(dx*dx)+float64(dy*dy) <= float64(r*r) {
					f(int(i), a)
				}
			}
		}
	}
}

// A verifier looks for a candidate's features where a map has them.
type verifier struct {
	*search
	upload []feature
	tests  float64 // log10 of the hypotheses that are tried on the whole index
}

// agreed is what a map from leak to upload finds: the pairs of features, log10 of the
// number of false alarms, and the score of the match.
type agreed struct {
	m      geometry.Mat
	pairs  []pair
	logNFA float64
	score  float64
}

// guided looks in the leak for every feature of the upload that map by, from leak to upload, puts inside the leak. A
// feature may be up to tol canonical pixels of the upload off its place. It must agree in direction and scale, and no
// two features share a feature of the leak. The number of false alarms (Desolneux, Moisan and Morel, "Meaningful
// alignments", 2000) is the number of hypotheses times the chance that features of strangers agree as often. logNFA is
// +Inf if the map has no inverse or too little agrees.
func (v *verifier) guided(by fitted, tol float64) (a agreed) {
	m := by.Mat
	a.m, a.logNFA = m, math.Inf(1)
	back, ok := m.Inverse()
	if !ok {
		return a
	}
	zoom := m.LinearScale() // pixels of the upload per pixel of the leak
	level := int(math.Floor(float64(intervals*dsp.Ln(zoom)/math.Ln2) + 0.5))
	turn := turnOf(m)
	radius := math.Max(tol/zoom, minNear)
	var t tally
	taken, clusters := map[int]bool{}, map[[2]int]bool{}
	for k := range v.upload {
		f := &v.upload[k]
		p := back.Apply(geometry.Point{X: float64(f.x), Y: float64(f.y)})
		if p.X < 0 || p.Y < 0 || p.X > float64(v.q.width) || p.Y > float64(v.q.height) {
			continue
		}
		if l := int(f.level) - level; l < -1 || l >= levelSteps+1 {
			continue // too fine for the leak
		}
		best, at, there := maxMatched+1, -1, 0
		v.grid.near(p, radius, func(i int, c *asked) {
			if off(int(f.level)-int(c.level), level) > nearLevel || offTurn(int(f.turn)-int(c.turn), turn) > nearTurn {
				return
			}
			there++
			if d := f.distance(&c.descriptor); d < best && !taken[i] {
				best, at = d, i
			}
		})
		if c := [2]int{int(f.x) / cluster, int(f.y) / cluster}; !clusters[c] {
			t.add(there, best)
			clusters[c] = at >= 0
		}
		if at >= 0 {
			taken[at] = true
			w := v.rarity[at][best]
			a.pairs = append(a.pairs, pairOf(&v.asked[at].feature, f, uint16(at), uint8(k), w))
			a.score += float64(w)
		}
	}
	a.logNFA = v.tests + t.logChance(by.takes)
	return a
}

// A tally counts how often features are found where they should be.
type tally struct {
	visible int
	there   int              // features of the leak that they were compared with
	found   [len(within)]int // by the distance that they are within
}

// add counts a visible feature of the upload. there is how many features of the leak lie at its place with its
// direction and scale. distance is how many signs of the nearest free one differ, and maxMatched+1 without one.
func (t *tally) add(there, distance int) {
	t.visible++
	t.there += there
	for i, d := range within {
		if distance <= d {
			t.found[i]++
		}
	}
}

// logChance returns log10 of the false alarms of one hypothesis: how many of the distances of
// within are expected to show features of strangers as often. The hypothesis was fitted to takes
// features, which do not count. The result is +Inf if no more than takes features were found.
func (t *tally) logChance(takes int) float64 {
	lowest := math.Inf(1)
	for i, d := range within {
		if t.found[i] <= takes {
			continue
		}
		p := math.Max(float64(chance[d]*kinship)*float64(t.there)/float64(t.visible), minChance)
		lowest = math.Min(lowest, logTail(t.visible-takes, t.found[i]-takes, math.Min(p, 0.5)))
	}
	return lowest + log10(float64(len(within)))
}

// turnOf returns the angle by which the linear part of m turns, steps.
func turnOf(m geometry.Mat) int {
	c, s := m[0]+m[4], m[3]-m[1]
	return int(eighths(float32(c), float32(s))*(turnSteps/8)+0.5) & (turnSteps - 1)
}

// result returns agreement a with upload u as a match. Maps and corners are turned from canonical pixels to pixels of
// leak and upload as given, and a mirrored leak is turned back. result returns false if the map has no inverse.
func (r *search) result(u *upload, a *agreed) (Match, bool) {
	size := image.Pt(int(binary.LittleEndian.Uint32(u.data[4:])), int(binary.LittleEndian.Uint32(u.data[8:]))) // of the upload
	cw, ch := geometry.Fit(size.X, size.Y, uploadSide)
	fromLeak := geometry.PixelScale(r.q.scale, r.q.scale)
	if r.mirrored {
		fromLeak = geometry.Mirror(r.q.width).Mul(fromLeak)
	}
	m := geometry.PixelScale(float64(size.X)/float64(cw), float64(size.Y)/float64(ch)).Mul(a.m).Mul(fromLeak)
	back, ok := m.Inverse()
	if !ok {
		return Match{}, false
	}
	return Match{
		Ref: u.ref, Score: a.score, LogNFA: a.logNFA, Inliers: len(a.pairs), Map: m,
		Leak:   corners(back, size.X, size.Y),
		Upload: corners(m, r.q.size.X, r.q.size.Y), Mirrored: r.mirrored,
	}, true
}

// corners returns where m maps the corner pixels of a w x h picture, as [Match] lists corners.
func corners(m geometry.Mat, w, h int) (c [4][2]float64) {
	for i, q := range m.Corners(float64(w-1), float64(h-1)) {
		c[i] = [2]float64{q.X, q.Y}
	}
	return c
}

// inside reports whether (x, y) lies in the quadrilateral q, whose corners are in order around it.
// A place on an edge may count either way.
func inside(q *[4][2]float64, x, y float64) bool {
	in := false
	for i := range q {
		a, b := q[i], q[(i+3)%4]
		if (a[1] > y) != (b[1] > y) && x < float64((b[0]-a[0])*(y-a[1]))/(b[1]-a[1])+a[0] {
			in = !in
		}
	}
	return in
}
