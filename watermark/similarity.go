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

// Range of the search, work pixels a mark pixel.
const scaleLow, scaleHigh = 0.27, 4.6

// logPolar is a peak map over (angle, log radius): rotation and scale become
// shifts (Ó Ruanaidh and Pun, 1998).
type logPolar struct {
	angles, radii int
	step          float64 // of ln radius
	start         float64 // radius of column 0, cycles a work pixel
	v             []float32
}

// newLogPolar samples m, its vertical frequencies stretched by the given factor.
func newLogPolar(m *peakMap, lo, hi, step, stretch float64) *logPolar {
	lp := &logPolar{angles: int(math.Pi / step), radii: int(math.Log(hi/lo)/step) + 2, step: step, start: lo}
	lp.v = make([]float32, lp.angles*lp.radii)
	radius := make([]float64, lp.radii)
	for j := range radius {
		radius[j] = float64(lo*dsp.Exp(float64(float64(j)*step))) * float64(m.n)
	}
	for a := range lp.angles {
		c, s := dsp.Cis(float64(a) / float64(2*lp.angles))
		s /= stretch
		row := lp.v[a*lp.radii : (a+1)*lp.radii]
		for j, r := range radius {
			row[j] = m.at(float64(r*c), float64(r*s))
		}
	}
	return lp
}

// similarities returns the best n rotations and scales, mirrored ones included,
// by the sum of the map over all pilots.
func (m *peakMap) similarities(f []frequency, n int, step, scaleMost, stretch float64) []candidate {
	radius, angle := make([]float64, len(f)), make([]float64, len(f))
	least, most := math.Inf(1), 0.0
	for k, q := range f {
		radius[k] = math.Sqrt(float64(q.x*q.x) + float64(q.y*q.y))
		angle[k] = math.Atan2(q.y, q.x)
		least, most = math.Min(least, radius[k]), math.Max(most, radius[k])
	}
	lp := newLogPolar(m, least/scaleMost*0.999, most/scaleLow*1.001, step, stretch)
	shift, reach := make([]int, len(f)), 0
	for k := range f {
		shift[k] = int(math.Round(math.Log(radius[k]/least) / step))
		reach = max(reach, shift[k])
	}
	cols := min(int(math.Log(scaleMost/scaleLow)/step), lp.radii-reach-1)
	var out []candidate
	for _, mirrored := range [...]bool{false, true} {
		out = append(out, lp.best(angle, shift, cols, n, least, mirrored)...)
	}
	sortCandidates(out)
	return out[:min(n, len(out))]
}

func sortCandidates(c []candidate) {
	slices.SortStableFunc(c, func(a, b candidate) int { return cmp.Compare(b.score, a.score) })
}

func (lp *logPolar) best(angle []float64, shift []int, cols, n int, least float64, mirrored bool) []candidate {
	sum := make([]float32, lp.angles*cols)
	per := float64(lp.angles) / math.Pi
	for k := range angle {
		a := angle[k]
		if mirrored {
			a = -a
		}
		turn := int(math.Round(float64(a * per)))
		for i := range lp.angles {
			src := ((i+turn)%lp.angles + lp.angles) % lp.angles
			from := lp.v[src*lp.radii+shift[k]:]
			dst := sum[i*cols : (i+1)*cols]
			for j, v := range from[:cols] {
				dst[j] += v
			}
		}
	}
	normaliseColumns(sum, lp.angles, cols)
	var out []candidate
	for range n {
		at := 0
		for i, v := range sum {
			if v > sum[at] {
				at = i
			}
		}
		i, j := at/cols, at%cols
		c, s := dsp.Cis(float64(i) / float64(2*lp.angles))
		rho := float64(lp.start*dsp.Exp(float64(float64(j)*lp.step))) / least
		b := [4]float64{float64(rho * c), -float64(rho * s), float64(rho * s), float64(rho * c)}
		if mirrored {
			b[1], b[3] = -b[1], -b[3]
		}
		out = append(out, candidate{b, float64(sum[at])})
		for di := -4; di <= 4; di++ { // leave the surroundings to others
			row := ((i+di)%lp.angles + lp.angles) % lp.angles * cols
			for q := max(0, j-4); q < min(cols, j+5); q++ {
				sum[row+q] = -9
			}
		}
	}
	return out
}

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
		slices.Sort(s)
		mid[j] = s[len(s)/2]
		for i, x := range s {
			s[i] = max(x-mid[j], mid[j]-x)
		}
		slices.Sort(s)
		dev[j] = float32(1.4826*s[len(s)/2]) + 1e-3
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
