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
	v             []float32
}

// Radii of the pilots of any key, rounded to the lattice, cycles a mark pixel.
const pilotLeast, pilotMost = pilotLow - 1.0/torus, pilotHigh + 1.0/torus

// newLogPolar samples m where pilots can stand at the given scales, its vertical
// frequencies stretched by the given factor.
func newLogPolar(m *peakMap, by scales, step, stretch float64) *logPolar {
	lo, hi := pilotLeast/by.most, pilotMost/by.least
	lp := &logPolar{angles: int(math.Pi / step), radii: int(math.Log(hi/lo)/step) + 2, step: step, start: lo}
	lp.v = make([]float32, lp.angles*lp.radii)
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
		dsp.SampleRay(lp.v[a*lp.radii:(a+1)*lp.radii], m.g, radius, c, float64(m.n/2), s)
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
// included, by the sum of the map over all pilots.
func (lp *logPolar) similarities(f []frequency, n int, by scales) []candidate {
	angle, shift := make([]float64, len(f)), make([]int, len(f))
	for k, q := range f {
		radius := math.Sqrt(float64(q.x*q.x) + float64(q.y*q.y))
		angle[k] = math.Atan2(q.y, q.x)
		shift[k] = int(math.Round(math.Log(radius/pilotLeast) / lp.step))
	}
	cols := int(math.Log(by.most/by.least) / lp.step)
	var out []candidate
	for _, mirrored := range [...]bool{false, true} {
		out = append(out, lp.best(angle, shift, cols, n, mirrored)...)
	}
	sortCandidates(out)
	return out[:min(n, len(out))]
}

func sortCandidates(c []candidate) {
	slices.SortStableFunc(c, func(a, b candidate) int { return cmp.Compare(b.score, a.score) })
}

func (lp *logPolar) best(angle []float64, shift []int, cols, n int, mirrored bool) []candidate {
	sum := make([]float32, lp.angles*cols)
	per := float64(lp.angles) / math.Pi
	turn := make([]int, len(angle))
	for k, a := range angle {
		if mirrored {
			a = -a
		}
		turn[k] = int(math.Round(float64(a * per)))
	}
	for i := range lp.angles { // row by row, so that it stays in the cache
		dst := sum[i*cols : (i+1)*cols]
		for k, t := range turn {
			src := ((i+t)%lp.angles + lp.angles) % lp.angles
			dsp.AddTo(dst, lp.v[src*lp.radii+shift[k]:])
		}
	}
	normaliseColumns(sum, lp.angles, cols)
	var out []candidate
	for _, at := range summits(sum, lp.angles, cols, n) {
		i, j := at/cols, at%cols
		c, s := dsp.Cis(float64(i) / float64(2*lp.angles))
		rho := float64(lp.start*dsp.Exp(float64(float64(j)*lp.step))) / pilotLeast
		b := [4]float64{float64(rho * c), -float64(rho * s), float64(rho * s), float64(rho * c)}
		if mirrored {
			b[1], b[3] = -b[1], -b[3]
		}
		out = append(out, candidate{b, float64(sum[at])})
	}
	return out
}

// summits returns where the n greatest values of v stand, none within four rows and
// columns of a greater one, the greatest first.
func summits(v []float32, rows, cols, n int) []int {
	const apart = 4
	const around = (2*apart + 1) * (2*apart + 1) // that one rules out, itself included
	var all, out []int
	for i, x := range v {
		if x > leastSum {
			all = append(all, i)
		}
	}
	if most := around * n; len(all) > most { // n are among these: sort no more
		x := make([]float32, len(all))
		for i, at := range all {
			x[i] = v[at]
		}
		least := dsp.Select(x, len(x)-most)
		all = slices.DeleteFunc(all, func(at int) bool { return v[at] < least })
	}
	slices.SortFunc(all, func(a, b int) int { return cmp.Or(cmp.Compare(v[b], v[a]), cmp.Compare(a, b)) })
	taken := make([]bool, len(v))
	for _, at := range all {
		if taken[at] {
			continue
		}
		if out = append(out, at); len(out) == n {
			break
		}
		i, j := at/cols, at%cols
		for di := -apart; di <= apart; di++ {
			row := ((i+di)%rows + rows) % rows * cols
			for q := max(0, j-apart); q < min(cols, j+apart+1); q++ {
				taken[row+q] = true
			}
		}
	}
	return out
}

// leastSum is the standardised sum over the pilots below which no similarity is
// worth a look.
const leastSum = 2

// normaliseColumns subtracts each column's median and divides by its robust
// deviation, at least half of the median one.
func normaliseColumns(v []float32, rows, cols int) {
	mid, dev := make([]float32, cols), make([]float32, cols)
	var s []float32
	for j := range cols {
		s = s[:0]
		for i := 0; i < rows; i += 7 {
			s = append(s, v[i*cols+j])
		}
		mid[j] = dsp.Select(s, len(s)/2)
		for i, x := range s {
			s[i] = max(x-mid[j], mid[j]-x)
		}
		dev[j] = float32(1.4826*dsp.Select(s, len(s)/2)) + 1e-3
	}
	all := slices.Clone(dev)
	slices.Sort(all)
	least := 0.5 * all[len(all)/2]
	for i := range rows {
		row := v[i*cols : (i+1)*cols]
		for j := range row {
			row[j] = (row[j] - mid[j]) / max(dev[j], least)
		}
	}
}
