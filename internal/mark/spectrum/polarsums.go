package spectrum

import (
	"cmp"
	"math"
	"slices"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/mark/pattern"
)

// PolarSums are sums over the pilots at each rotation (rows) and scale (columns), and the
// memory that finding the largest takes. They serve one search at a time.
type PolarSums struct {
	rows, cols, wide int // wide is cols and what makes whole blocks
	v                []int16
	mid, dev         []float32 // of each column
	limit            []int16   // in it, beyond which a sum is worth a look
	sample           []int16
	set              []uint64
	queue            []uint64
}

// resize makes room for sums over rows x cols places. It reuses the memory of the last search.
func (s *PolarSums) resize(rows, cols int) {
	s.rows, s.cols, s.wide = rows, cols, (cols+polarBlock-1)/polarBlock*polarBlock
	s.v = slices.Grow(s.v[:0], rows*s.wide)[:rows*s.wide]
	s.mid = slices.Grow(s.mid[:0], s.wide)[:s.wide]
	s.dev = slices.Grow(s.dev[:0], s.wide)[:s.wide]
	s.limit = slices.Grow(s.limit[:0], s.wide)[:s.wide]
	s.set = slices.Grow(s.set[:0], s.wide/64)[:s.wide/64]
}

func (s *PolarSums) row(i int) []int16 { return s.v[i*s.wide : (i+1)*s.wide] }

// standardise sets mid and dev: each column's median over every seventh row, and its robust
// deviation. A deviation below half of the median deviation of all columns is raised to that.
func (s *PolarSums) standardise() {
	const every, some = 7, dsp.RankLanes // rows that are looked at
	n := (s.rows + every - 1) / every
	s.sample = slices.Grow(s.sample[:0], n*some)[:n*some]
	for j := 0; j < s.wide; j += some {
		for i := range n {
			copy(s.sample[i*some:(i+1)*some], s.row(i * every)[j:])
		}
		mid := dsp.Ranks(s.sample, n/2)
		for i := range n {
			for c, m := range mid {
				v := s.sample[i*some+c]
				s.sample[i*some+c] = max(v-m, m-v)
			}
		}
		for c, d := range dsp.Ranks(s.sample, n/2) {
			s.mid[j+c], s.dev[j+c] = float32(mid[c]), float32(1.4826*float64(d))+0.01
		}
	}
	all := slices.Clone(s.dev[:s.cols])
	bar := 0.5 * dsp.Select(all, len(all)/2)
	for j, d := range s.dev {
		s.dev[j] = max(d, bar)
	}
}

// A summit is a standardised sum that exceeds those around.
type summit struct {
	row, col int
	score    float32
}

// summits returns up to n of the largest standardised sums beyond minSum, the largest first. It leaves out sums within four
// rows and columns of a larger one. It first looks only beyond higher bars, which leave fewer sums and mostly enough.
func (s *PolarSums) summits(n int) []summit {
	const perSummit, rounding = 4, 0.05
	for _, more := range [...]float32{3.5, 3, 2.5} {
		if s.collect(more); len(s.queue) < perSummit*n {
			continue
		}
		if out := s.apart(n); len(out) == n && out[n-1].score > more+rounding {
			return out
		}
	}
	s.collect(minSum)
	return s.apart(n)
}

// collect fills the queue with the places whose standardised sum exceeds bar. An entry of the
// queue has the score in its upper half, so that entries sort by score.
func (s *PolarSums) collect(bar float32) {
	for j, d := range s.dev {
		s.limit[j] = math.MaxInt16
		if j < s.cols {
			s.limit[j] = int16(s.mid[j] + float32(bar*d))
		}
	}
	s.queue = s.queue[:0]
	for i := range s.rows {
		row := s.row(i)
		dsp.Above(s.set, row, s.limit)
		for j := range dsp.SetBits(s.set) {
			score := (float32(row[j]) - s.mid[j]) / s.dev[j]
			s.queue = append(s.queue, uint64(math.Float32bits(score))<<32|uint64(^uint32(i*s.wide+j)))
		}
	}
}

// apart takes up to n summits out of the queue, the highest first. It leaves out places that are
// near a summit it has taken. The queue is sorted then.
func (s *PolarSums) apart(n int) []summit {
	slices.Sort(s.queue)
	var out []summit
	for _, x := range slices.Backward(s.queue) {
		if len(out) == n {
			break
		}
		at := int(^uint32(x))
		top := summit{at / s.wide, at % s.wide, math.Float32frombits(uint32(x >> 32))}
		if !slices.ContainsFunc(out, func(o summit) bool { return s.near(o, top) }) {
			out = append(out, top)
		}
	}
	return out
}

// near tells whether two places are within four rows, which go round, and columns.
func (s *PolarSums) near(a, b summit) bool {
	rows, cols := max(a.row-b.row, b.row-a.row), max(a.col-b.col, b.col-a.col)
	return min(rows, s.rows-rows) <= summitApart && cols <= summitApart
}

// A Candidate is a linear map b from the pilots' frequencies (cycles a mark
// pixel) to observed ones (cycles a work pixel), with its score.
type Candidate struct {
	B     [4]float64
	Score float64
}

// Scales is a range of scales, work pixels a mark pixel.
type Scales struct{ Min, Max float64 }

// LogPolar is a peak map over (angle, log radius): rotation and scale become shifts (Ó Ruanaidh and Pun, 1998).
type LogPolar struct {
	angles, radii int
	step          float64 // of ln radius
	start         float64 // radius of column 0, cycles a work pixel
	after         [4]float64
	v             []uint8 // levels, and a block of columns more that say nothing
}

// polarBlock is the number of columns that are summed at once.
const polarBlock = 64

// Radii of the pilots of any key, rounded to the lattice, cycles a mark pixel.
const pilotMin, pilotMax = pattern.PilotLow - 1.0/pattern.Torus, pattern.PilotHigh + 1.0/pattern.Torus

// NewLogPolar samples m over half a turn of angles and over the radii at which pilots can lie at
// the scales by. step is the distance of angles in radians and of radii in ln. after is the
// linear map that follows the similarities, Plain for none: frequencies are looked for where it moves them.
func NewLogPolar(m *PeakMap, by Scales, step float64, after [4]float64) *LogPolar {
	lo, hi := pilotMin/by.Max, pilotMax/by.Min
	lp := &LogPolar{angles: int(math.Pi / step), radii: int(math.Log(hi/lo)/step) + 2, step: step, start: lo, after: after}
	lp.v = make([]uint8, lp.angles*lp.radii+polarBlock)
	ray, gain := make([]float32, lp.radii), dsp.MaxLevel/(m.limit-peakMin)
	radius := make([]float64, lp.radii)
	for j := range radius {
		radius[j] = float64(lo*dsp.Exp(float64(float64(j)*step))) * float64(m.n)
	}
	for a := range lp.angles {
		x, y := dsp.Cis(float64(a) / float64(2*lp.angles))
		c, s := float64(after[0]*x)+float64(after[1]*y), float64(after[2]*x)+float64(after[3]*y)
		if c < 0 { // the map's other half
			c, s = -c, -s
		}
		dsp.SampleRay(ray, m.g, radius, c, float64(m.n/2), s)
		dsp.ToLevels(lp.v[a*lp.radii:(a+1)*lp.radii], ray, peakMin, gain)
	}
	return lp
}

// Plain is the linear map that changes nothing.
var Plain = [4]float64{1, 0, 0, 1}

// Similarities returns the best n rotations and scales, or fewer, mirrored ones included, by the
// sum of the map over all pilots, highest score first. Scores are in robust deviations. f are the
// pilots' frequencies. by must be the scales that lp was made for. It uses the memory of on.
func (lp *LogPolar) Similarities(on *PolarSums, f []pattern.Frequency, n int, by Scales) []Candidate {
	angle, shift := make([]float64, len(f)), make([]int, len(f))
	for k, q := range f {
		radius := math.Sqrt(float64(q.X*q.X) + float64(q.Y*q.Y))
		angle[k] = math.Atan2(q.Y, q.X)
		shift[k] = int(math.Round(math.Log(radius/pilotMin) / lp.step))
	}
	cols := int(math.Log(by.Max/by.Min) / lp.step)
	var out []Candidate
	for _, mirrored := range [...]bool{false, true} {
		out = append(out, lp.best(on, angle, shift, cols, n, mirrored)...)
	}
	slices.SortStableFunc(out, func(a, b Candidate) int { return cmp.Compare(b.Score, a.Score) })
	return out[:min(n, len(out))]
}

// best returns up to n similarities at summits of the sums over all pilots, highest first. A pilot
// is given by its angle in radians and by its shift in columns of ln radius. cols is the number of
// scales. mirrored says whether angles count the other way. on is scratch memory.
func (lp *LogPolar) best(on *PolarSums, angle []float64, shift []int, cols, n int, mirrored bool) []Candidate {
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
	var out []Candidate
	for _, p := range on.summits(n) {
		c, s := dsp.Cis(float64(p.row) / float64(2*lp.angles))
		rho := float64(lp.start*dsp.Exp(float64(float64(p.col)*lp.step))) / pilotMin
		b := [4]float64{float64(rho * c), -float64(rho * s), float64(rho * s), float64(rho * c)}
		if mirrored {
			b[1], b[3] = -b[1], -b[3]
		}
		out = append(out, Candidate{compose(lp.after, b), float64(p.score)})
	}
	return out
}
