package spectrum

import (
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/mark/pattern"
)

// Pairs proposes affine maps: two observed peaks and two pilots define one,
// tried where the second peak lies near the place that a similarity predicts. It
// returns the best plain and the best mirrored map.
type Pairs struct {
	F     []pattern.Frequency
	pairs [][2]int
	by    Scales
}

// NewPairs draws n pairs of the pilots with frequencies f, the same pairs at every call. The pilots
// of a pair lie at an angle of 40 degrees or more to each other. by are the scales that maps may
// have. f needs two such pilots, else NewPairs never returns.
func NewPairs(f []pattern.Frequency, n int, by Scales) *Pairs {
	s := &Pairs{F: f, by: by}
	rng := uint64(7)
	draw := func() int {
		rng = rng*6364136223846793005 + 1442695040888963407
		return int((rng >> 33) % uint64(len(f)))
	}
	for len(s.pairs) < n {
		a, b := draw(), draw()
		d := math.Atan2(f[a].Y, f[a].X) - math.Atan2(f[b].Y, f[b].X)
		if d = math.Abs(math.Remainder(d, math.Pi)); a != b && d > 0.7 {
			s.pairs = append(s.pairs, [2]int{a, b})
		}
	}
	return s
}

// Observed holds the strongest peaks of a map, in cycles a pixel, each with its mirror
// image. Its map near is what pairs of peaks are judged on.
type Observed struct {
	peaks  []peak
	radius []float64 // of each, cycles a pixel
	near   *PeakMap
	x, y   bands
}

// A peakSet is a set of observed peaks by their number.
type peakSet [(maxObserved + 63) / 64]uint64

// bands cut the axis of frequencies, from -1/2 to 1/2 cycles a pixel, into parts: the
// peaks below each.
type bands [axisBands + 1]peakSet

// bandOf returns the band of the axis in which a frequency lies, in cycles a pixel.
func bandOf(f float64) int { return min(max(int((f+0.5)*axisBands), 0), axisBands-1) }

// newBands files up to maxObserved peaks by one of their coordinates, which at returns, in cycles a
// pixel.
func newBands(pk []peak, at func(peak) float64) (b bands) {
	for i, p := range pk {
		for j := bandOf(at(p)) + 1; j <= axisBands; j++ {
			b[j][i/64] |= 1 << (i % 64)
		}
	}
	return b
}

// within returns the peaks of the bands that lie within reach of the coordinate f, in cycles a
// pixel, and perhaps some more.
func (b *bands) within(f, reach float64) (s peakSet) {
	const slack = 1e-9 // for rounding
	lo, hi := &b[bandOf(f-reach-slack)], &b[bandOf(f+reach+slack)+1]
	for i := range s {
		s[i] = hi[i] &^ lo[i]
	}
	return s
}

// Observe returns up to n of the strongest peaks that lie rmin bins or more from the origin, each
// with its mirror image. n must not exceed maxObserved/2. With fewer than eight such peaks the
// result is empty.
func (m *PeakMap) Observe(n int, rmin float64) *Observed {
	pk := m.strongest(n, rmin)
	if len(pk) < 8 {
		return &Observed{}
	}
	for _, p := range pk[:len(pk):len(pk)] {
		pk = append(pk, peak{-p.x, -p.y})
	}
	radius := make([]float64, len(pk))
	for i := range pk {
		pk[i].x /= float64(m.n)
		pk[i].y /= float64(m.n)
		radius[i] = math.Sqrt(float64(pk[i].x*pk[i].x) + float64(pk[i].y*pk[i].y))
	}
	return &Observed{pk, radius, standardised(m.Dilated()), newBands(pk, func(p peak) float64 { return p.x }), newBands(pk, func(p peak) float64 { return p.y })}
}

// Propose returns the best plain map and the best mirrored map, the better of the two first. A pair
// of pilots and two observed peaks define each map. The score is -Inf if no two peaks fit. Propose
// returns nothing if seen is empty.
func (s *Pairs) Propose(seen *Observed) []Candidate {
	if len(seen.peaks) == 0 {
		return nil
	}
	best := [2]Candidate{{Score: math.Inf(-1)}, {Score: math.Inf(-1)}}
	for _, q := range s.pairs {
		for mir := range best {
			s.propose(seen, q, mir == 1, &best[mir])
		}
	}
	sortCandidates(best[:])
	return best[:]
}

// standardised cuts the values of m at 6 and brings them to mean 0 and deviation 1, in place,
// so that sums over pilots compare between maps. It returns m.
func standardised(m *PeakMap) *PeakMap {
	sum, sq := 0.0, 0.0
	for i, v := range m.g.Pix {
		v = min(v, 6)
		m.g.Pix[i] = v
		sum += float64(v)
		sq += float64(float64(v) * float64(v))
	}
	n := float64(len(m.g.Pix))
	mean := sum / n
	dev := math.Sqrt(math.Max(sq/n-float64(mean*mean), 1e-12))
	for i, v := range m.g.Pix {
		m.g.Pix[i] = float32((float64(v) - mean) / dev)
	}
	return m
}

// propose tries the pair q of pilots, by their numbers in F, on all pairs of peaks. It replaces
// best by a map whose score is higher. mirrored says whether the leak is taken for a mirror image.
func (s *Pairs) propose(seen *Observed, q [2]int, mirrored bool, best *Candidate) {
	a, b := s.F[q[0]], s.F[q[1]]
	ra2 := float64(a.X*a.X) + float64(a.Y*a.Y)
	ra, rb := math.Sqrt(ra2), math.Sqrt(float64(b.X*b.X)+float64(b.Y*b.Y))
	det := float64(a.X*b.Y) - float64(a.Y*b.X)
	mx, my, nx, ny := a.X, a.Y, b.X, b.Y
	if mirrored {
		my, ny = -my, -ny
	}
	for i, p := range seen.peaks[:len(seen.peaks)/2] { // their mirror images give the same maps, turned
		rho := seen.radius[i] / ra
		if rho < 1/s.by.Max || rho > 1/s.by.Min {
			continue
		}
		cr := (float64(p.x*mx) + float64(p.y*my)) / ra2
		si := (float64(p.y*mx) - float64(p.x*my)) / ra2
		qx, qy := float64(cr*nx)-float64(si*ny), float64(si*nx)+float64(cr*ny)
		rad := float64(pairTolerance * float64(rho*rb))
		near := seen.x.within(qx, rad)
		for i, w := range seen.y.within(qy, rad) {
			near[i] &= w
		}
		for i := range dsp.SetBits(near[:]) {
			o := seen.peaks[i]
			dx, dy := o.x-qx, o.y-qy
			if float64(dx*dx)+float64(dy*dy) > float64(rad*rad) {
				continue
			}
			m := [4]float64{
				(float64(p.x*b.Y) - float64(o.x*a.Y)) / det, (float64(o.x*a.X) - float64(p.x*b.X)) / det,
				(float64(p.y*b.Y) - float64(o.y*a.Y)) / det, (float64(o.y*a.X) - float64(p.y*b.X)) / det,
			}
			if z := seen.near.quick(s.F, m); z > best.Score {
				*best = Candidate{m, z}
			}
		}
	}
}

// quick returns a coarse score of the map b, from the pilots' frequencies f to the leak's: the sum
// of the peak map over the pilots at the nearest bins, over the root of their number and four. It
// gives up after half of the pilots if their sum is below 8. Pilots beyond the map do not count.
func (m *PeakMap) quick(f []pattern.Frequency, b [4]float64) float64 {
	sum, seen, half := 0.0, 0, float64(m.n/2)
	for k, q := range f {
		x := float64((float64(b[0]*q.X) + float64(b[1]*q.Y)) * float64(m.n))
		y := float64((float64(b[2]*q.X) + float64(b[3]*q.Y)) * float64(m.n))
		if x < 0 {
			x, y = -x, -y
		}
		ix, iy := int(x+0.5), int(y+half+0.5)
		if ix >= m.g.W || iy < 1 || iy >= m.n-1 {
			continue
		}
		sum += float64(m.g.Pix[iy*m.g.W+ix])
		seen++
		if k == len(f)/2-1 && sum < 8 {
			break
		}
	}
	return sum / math.Sqrt(float64(seen+4))
}
