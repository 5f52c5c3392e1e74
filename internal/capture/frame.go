package capture

import (
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/geometry"
)

// What a piece shows.
type finding uint8

const (
	unseen   finding = iota // out of sight, or the same inside and outside
	endsHere                // something featureless outside
	goesOn                  // something else
)

// A place is a pixel of the leak and where it lies on the original, canonical pixels.
type place struct{ x, y, u, v float64 }

// places returns pixels of the leak at edges of the original, as they are predicted. If edges of placeEdge give too
// few, fainter edges count. The result is nil if these are too few as well. Places are found once.
func (s *prediction) places() []place {
	if s.edged == nil {
		soft := dsp.Gauss(s.Predicted, 1)
		if s.edged = s.edges(soft, placeEdge); len(s.edged) < minPlaces {
			s.edged = s.edges(soft, faintEdge)
		}
		if len(s.edged) < minFaint {
			s.edged = nil
		}
	}
	return s.edged
}

// edges returns the trusted pixels on a grid of placeStep where soft rises by rise grey levels or more in two pixels.
func (s *prediction) edges(soft dsp.Plane, rise float32) (all []place) {
	w := s.Leak.W
	for y := 8; y < s.Leak.H-8; y += placeStep {
		for x := 8; x < w-8; x += placeStep {
			i := y*w + x
			if s.Weight.Pix[i] == 0 {
				continue
			}
			gx, gy := soft.Pix[i+1]-soft.Pix[i-1], soft.Pix[i+w]-soft.Pix[i-w]
			if float32(gx*gx)+float32(gy*gy) >= float32(rise*rise) {
				all = append(all, place{float64(x), float64(y), float64(s.X.Pix[i]), float64(s.Y.Pix[i])})
			}
		}
	}
	return all
}

// upright returns how the leak's axes lie on the original's, by right angles and mirrored: the
// nearest of the eight ways. m is a 2 x 2 matrix of 0, 1 and -1, row by row, from leak to original.
func (s *pose) upright() (m [4]float64) {
	c := geometry.Point{X: float64(s.Leak.W) / 2, Y: float64(s.Leak.H) / 2}
	o, a, b := s.H.Apply(c), s.H.Apply(geometry.Point{X: c.X + 1, Y: c.Y}), s.H.Apply(geometry.Point{X: c.X, Y: c.Y + 1})
	if math.Abs(a.X-o.X) >= math.Abs(a.Y-o.Y) {
		return [4]float64{math.Copysign(1, a.X-o.X), 0, 0, math.Copysign(1, b.Y-o.Y)}
	}
	return [4]float64{0, math.Copysign(1, b.X-o.X), math.Copysign(1, a.Y-o.Y), 0}
}

// onFrame returns the [quantiles] of how far places are off the map that lays the leak's frame on the original's,
// pixels of the leak. The map turns by right angles or mirrors as upright finds.
func (s *pose) onFrame(all []place) (half, nineTenths float64) {
	m := s.upright()
	w, h := float64(s.Leak.W), float64(s.Leak.H)
	kx, ky := float64(s.view.W)/w, float64(s.view.H)/h
	if m[0] == 0 {
		kx, ky = float64(s.view.W)/h, float64(s.view.H)/w
	}
	off := make([]float32, len(all))
	for i, p := range all {
		x, y := p.x+0.5-w/2, p.y+0.5-h/2
		u := float64(kx*(float64(m[0]*x)+float64(m[1]*y))) + float64(s.view.W)/2 - 0.5
		v := float64(ky*(float64(m[2]*x)+float64(m[3]*y))) + float64(s.view.H)/2 - 0.5
		off[i] = float32(math.Hypot((p.u-u)/kx, (p.v-v)/ky))
	}
	return quantiles(off)
}

// onGrid returns the [quantiles] of how far places are off the original's grid of pixels, pixels of the original. The
// grid is moved by the whole numbers of pixels that fit best.
func (s *pose) onGrid(all []place) (half, nineTenths float64) {
	m := s.upright()
	full := s.on.Luma()
	kx, ky := float64(full.W)/float64(s.view.W), float64(full.H)/float64(s.view.H)
	back, ok := s.ToLeak.Inverse()
	if !ok || len(all) == 0 {
		return math.Inf(1), math.Inf(1)
	}
	dx, dy := make([]float32, len(all)), make([]float32, len(all))
	for i, p := range all {
		q := back.Apply(geometry.Point{X: p.x, Y: p.y})
		dx[i] = float32(float64((p.u+0.5)*kx) - 0.5 - float64(m[0]*q.X) - float64(m[1]*q.Y))
		dy[i] = float32(float64((p.v+0.5)*ky) - 0.5 - float64(m[2]*q.X) - float64(m[3]*q.Y))
	}
	tx, ty := math.Round(float64(middle(dx))), math.Round(float64(middle(dy)))
	off := make([]float32, len(all))
	for i := range off {
		off[i] = float32(math.Hypot(float64(dx[i])-tx, float64(dy[i])-ty))
	}
	return quantiles(off)
}

// onLine returns the [quantiles] of how far places are off a map, pixels of the leak. The map only cuts, scales and
// moves the original, each axis by itself. It is the best fit by least squares.
func (s *pose) onLine(all []place) (half, nineTenths float64) {
	m := s.upright()
	var x, y line
	for _, p := range all {
		x.add(float64(m[0]*p.x)+float64(m[1]*p.y), p.u)
		y.add(float64(m[2]*p.x)+float64(m[3]*p.y), p.v)
	}
	return quantiles(each.Of(all, func(p place) float32 {
		return float32(math.Hypot(x.off(float64(m[0]*p.x)+float64(m[1]*p.y), p.u), y.off(float64(m[2]*p.x)+float64(m[3]*p.y), p.v)))
	}))
}

// isPiece reports whether the leak shows nothing beyond the original. Another capture of the card
// that was not cut mostly shows more on some side. A collage has other pictures beyond up to two sides, and ends on the
// frame of the original at the others. on is the number of sides where the leak ends on that frame.
func (s *pose) isPiece() (is bool, on int) {
	inv, ok := s.H.Inverse()
	if !ok {
		return false, 0
	}
	lowX, lowY, highX, highY := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, q := range inv.Mul(geometry.Translation(-0.5, -0.5)).Corners(float64(s.view.W), float64(s.view.H)) {
		lowX, lowY, highX, highY = math.Min(lowX, q.X), math.Min(lowY, q.Y), math.Max(highX, q.X), math.Max(highY, q.Y)
	}
	over := 0
	for _, beyond := range [4]float64{lowX + 0.5, lowY + 0.5, float64(s.Leak.W) - 0.5 - highX, float64(s.Leak.H) - 0.5 - highY} {
		switch {
		case beyond > cutOver:
			over++
		case beyond >= -cutOver:
			on++
		}
	}
	return over == 0 || over <= maxOver && over+on == 4, on
}

// A line is the sums of points through which a straight line is laid.
type line struct{ n, x, y, xx, xy float64 }

func (l *line) add(x, y float64) {
	l.n, l.x, l.y, l.xx, l.xy = l.n+1, l.x+x, l.y+y, l.xx+float64(x*x), l.xy+float64(x*y)
}

// off returns how far x is from the place at which the line has the value y.
func (l *line) off(x, y float64) float64 {
	rise := (float64(l.n*l.xy) - float64(l.x*l.y)) / (float64(l.n*l.xx) - float64(l.x*l.x))
	return (y-l.y/l.n)/rise - (x - l.x/l.n)
}

// quantiles returns the median of off and its ninth decile, infinity if off is empty. It reorders off.
func quantiles(off []float32) (half, nineTenths float64) {
	if len(off) == 0 {
		return math.Inf(1), math.Inf(1)
	}
	half = float64(dsp.Select(off, len(off)/2))
	return half, float64(dsp.Select(off, len(off)*9/10))
}

// A noiseProof is how much of the original's noise is in a leak.
type noiseProof struct {
	blocks        int
	second, third float64 // energies of octaves of the original there, in parts of the finest
	gain          float64 // 1 where all of it is there
	z             float64 // in deviations of the null
}

// octaves returns the mean energy of a coefficient, grey levels squared, in the three finest
// octaves of a square (Haar, 1910), the finest first. The square has 16 pixels a side, from (x, y)
// of p. White noise has equal energies; what went through a lens has rising energies.
func octaves(p dsp.Plane, x, y int) (e [3]float64) {
	var b [whiteBlock * whiteBlock]float32
	for j := range whiteBlock {
		copy(b[j*whiteBlock:], p.Row(y + j)[x:x+whiteBlock])
	}
	side := whiteBlock
	for k := range e {
		half := side / 2
		var next [whiteBlock * whiteBlock / 4]float32
		sum := 0.0
		for j := range half {
			for i := range half {
				at := 2*j*side + 2*i
				a, c, d, f := b[at], b[at+1], b[at+side], b[at+side+1]
				h, v, g := (a-c+d-f)/2, (a+c-d-f)/2, (a-c-d+f)/2
				sum += float64(h*h) + float64(v*v) + float64(g*g)
				next[j*half+i] = (a + c + d + f) / 2
			}
		}
		e[k] = sum / float64(3*half*half)
		copy(b[:half*half], next[:half*half])
		side = half
	}
	return e
}

// noise looks for the original's noise in the leak, in blocks in which the original shows only
// noise. Whatever is printed went through a lens, so that its finest octave is the weakest; noise
// did not. The result is 0 if there are no such blocks. Noise is looked for once.
func (s *prediction) noise() (n noiseProof) {
	if s.sensor != nil {
		return *s.sensor
	}
	defer func() { s.sensor = &n }()
	inv, ok := s.H.Inverse()
	if !ok {
		return n
	}
	full := s.on.coarse()
	kx, ky := float64(s.view.W)/float64(full.W), float64(s.view.H)/float64(full.H)
	pred, seen := dsp.HighPass(s.Predicted, noiseHigh), dsp.HighPass(s.Leak, noiseHigh)
	var sums [3]float64
	var cov [shifts + 1]float64
	for y := 0; y+whiteBlock <= full.H; y += whiteBlock {
		for x := 0; x+whiteBlock <= full.W; x += whiteBlock {
			c := geometry.Point{X: float64((float64(x)+whiteBlock/2)*kx) - 0.5, Y: float64((float64(y)+whiteBlock/2)*ky) - 0.5}
			r, ok := s.square(inv, c)
			if !ok {
				continue
			}
			e := octaves(full, x, y)
			if e[0] < minEnergy || e[0] > maxEnergy || e[1] > secondMax*e[0] || e[2] > thirdMax*e[0] {
				continue
			}
			n.blocks++
			for k := range sums {
				sums[k] += e[k]
			}
			r.covary(pred, seen, &cov)
		}
	}
	if n.blocks == 0 {
		return n
	}
	n.second, n.third = sums[1]/sums[0], sums[2]/sums[0]
	null := 0.0
	for _, v := range cov[1:] {
		null += float64(v * v)
	}
	n.gain = cov[0] / float64(n.blocks)
	n.z = cov[0] / math.Sqrt(null/shifts+1e-12)
	return n
}

// A square of the leak.
type square struct{ x, y, side int }

// square returns where a block of the original lies in the leak. c is the middle of the block, canonical pixels, and
// inv maps canonical pixels to pixels of the leak. ok is false if the square is under 4 pixels a side or too near an
// edge for covary. ok is also false if the fit does not trust one of its corners.
func (s *prediction) square(inv geometry.Mat, c geometry.Point) (r square, ok bool) {
	q := inv.Apply(c)
	side := int((whiteBlock - 4) * s.Scale * float64(s.view.W) / float64(s.on.coarse().W))
	x, y := int(q.X+0.5)-side/2, int(q.Y+0.5)-side/2
	const room = 2 * shiftBy
	if side < 4 || !(x >= room && y >= room && x+side+room <= s.Leak.W && y+side+room <= s.Leak.H) {
		return r, false
	}
	for j := y; j < y+side; j += side - 1 {
		for i := x; i < x+side; i += side - 1 {
			if s.Weight.Pix[j*s.Leak.W+i] == 0 {
				return r, false
			}
		}
	}
	return square{x, y, side}, true
}

// covary adds to into the covariances of a and b over the square, each divided by the power of a
// and cut to [-2, 2]. into[0] is of a and b as they lie. The others have b moved aside by shiftBy
// pixels in eight directions: what chance gives.
func (r square) covary(a, b dsp.Plane, into *[shifts + 1]float64) {
	moves := [shifts + 1][2]int{{}, {shiftBy, 0}, {-shiftBy, 0}, {0, shiftBy}, {0, -shiftBy}, {shiftBy, shiftBy}, {-shiftBy, shiftBy}, {shiftBy, -shiftBy}, {-shiftBy, -shiftBy}}
	power := 1e-3
	for y := r.y; y < r.y+r.side; y++ {
		for _, v := range a.Pix[y*a.W+r.x:][:r.side] {
			power += float64(v * v)
		}
	}
	for k, m := range moves {
		sum := 0.0
		for y := r.y; y < r.y+r.side; y++ {
			p, q := a.Pix[y*a.W+r.x:][:r.side], b.Pix[(y+m[1])*b.W+r.x+m[0]:][:r.side]
			for i, v := range p {
				sum += float64(v * q[i])
			}
		}
		into[k] += min(max(sum/power, -2), 2)
	}
}
