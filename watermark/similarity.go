package watermark

import (
	"cmp"
	"math"
	"slices"

	"github.com/kycmark/kycmark/internal/dsp"
)

// A candidate is a linear map b from the pilots' frequencies (cycles a mark
// pixel) to observed ones (cycles a work pixel), with its score.
type candidate struct {
	b     [4]float64
	score float64
}

// scales is a range of scales, work pixels a mark pixel.
type scales struct{ least, most float64 }

// anyScale is the range of the search over the whole frame.
var anyScale = scales{0.13, 4.6}

// logPolar is a peak map over (angle, log radius): rotation and scale become
// shifts (Ó Ruanaidh and Pun, 1998).
type logPolar struct {
	angles, radii int
	step          float64 // of ln radius
	start         float64 // radius of column 0, cycles a work pixel
	v             []uint8 // levels; and those of a block of columns more, which say nothing
}

// polarBlock is the number of columns that are summed at once.
const polarBlock = 64

// Radii of the pilots of any key, rounded to the lattice, cycles a mark pixel.
const pilotLeast, pilotMost = pilotLow - 1.0/torus, pilotHigh + 1.0/torus

// newLogPolar samples m where pilots can stand at the given scales, its vertical
// frequencies stretched by the given factor.
func newLogPolar(m *peakMap, by scales, step, stretch float64) *logPolar {
	lo, hi := pilotLeast/by.most, pilotMost/by.least
	lp := &logPolar{angles: int(math.Pi / step), radii: int(math.Log(hi/lo)/step) + 2, step: step, start: lo}
	lp.v = make([]uint8, lp.angles*lp.radii+polarBlock)
	ray, gain := make([]float32, lp.radii), dsp.MaxLevel/(m.most-peakLeast)
	radius := make([]float64, lp.radii)
	for j := range radius {
		radius[j] = float64(lo*dsp.Exp(float64(float64(j)*step))) * float64(m.n)
	}
	for a := range lp.angles {
		c, s := dsp.Cis(float64(a) / float64(2*lp.angles))
		s /= stretch
		if c < 0 { // the map's other half
			c, s = -c, -s
		}
		dsp.SampleRay(ray, m.g, radius, c, float64(m.n/2), s)
		dsp.ToLevels(lp.v[a*lp.radii:(a+1)*lp.radii], ray, peakLeast, gain)
	}
	return lp
}

// A polarKey names one of the log-polar maps that a leak keeps.
type polarKey struct {
	field int
	cut   bool
	by    scales
}

func (l *leak) polar(i int, cut bool, by scales) *logPolar {
	k := polarKey{i, cut, by}
	if l.polars[k] == nil {
		l.polars[k] = newLogPolar(l.peaks(i, cut), by, l.step, 1)
	}
	return l.polars[k]
}

// similarities returns the best n rotations and scales within by, mirrored ones
// included, by the sum of the map over all pilots, in robust deviations. It uses the
// memory of on.
func (lp *logPolar) similarities(on *polarSums, f []frequency, n int, by scales) []candidate {
	angle, shift := make([]float64, len(f)), make([]int, len(f))
	for k, q := range f {
		radius := math.Sqrt(float64(q.x*q.x) + float64(q.y*q.y))
		angle[k] = math.Atan2(q.y, q.x)
		shift[k] = int(math.Round(math.Log(radius/pilotLeast) / lp.step))
	}
	cols := int(math.Log(by.most/by.least) / lp.step)
	var out []candidate
	for _, mirrored := range [...]bool{false, true} {
		out = append(out, lp.best(on, angle, shift, cols, n, mirrored)...)
	}
	sortCandidates(out)
	return out[:min(n, len(out))]
}

func sortCandidates(c []candidate) {
	slices.SortStableFunc(c, func(a, b candidate) int { return cmp.Compare(b.score, a.score) })
}

func (lp *logPolar) best(on *polarSums, angle []float64, shift []int, cols, n int, mirrored bool) []candidate {
	on.resize(lp.angles, cols)
	per := float64(lp.angles) / math.Pi
	at := make([]int, len(angle)) // of row 0, then of each in turn
	for k, a := range angle {
		if mirrored {
			a = -a
		}
		turn := int(math.Round(float64(a * per)))
		at[k] = (turn%lp.angles+lp.angles)%lp.angles*lp.radii + shift[k]
	}
	around := lp.angles * lp.radii
	for i := range lp.angles {
		dsp.SumLevels(on.row(i), lp.v, at)
		for k := range at {
			if at[k] += lp.radii; at[k] >= around+shift[k] {
				at[k] -= around
			}
		}
	}
	on.standardise()
	var out []candidate
	for _, p := range on.summits(n) {
		c, s := dsp.Cis(float64(p.row) / float64(2*lp.angles))
		rho := float64(lp.start*dsp.Exp(float64(float64(p.col)*lp.step))) / pilotLeast
		b := [4]float64{float64(rho * c), -float64(rho * s), float64(rho * s), float64(rho * c)}
		if mirrored {
			b[1], b[3] = -b[1], -b[3]
		}
		out = append(out, candidate{b, float64(p.score)})
	}
	return out
}
