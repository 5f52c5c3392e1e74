package spectrum

import (
	"math"
	"slices"

	"github.com/kycmark/kycmark/internal/dsp"
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

// summits returns up to n of the largest standardised sums beyond minSum, the largest first. It
// leaves out sums within four rows and columns of a larger one. It first looks only beyond higher
// bars, which leave fewer sums and mostly enough.
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
// near a summit it has taken. The queue is then in another order, and some of it is lost.
func (s *PolarSums) apart(n int) []summit {
	q := s.queue
	for i := len(q)/2 - 1; i >= 0; i-- {
		sink(q, i)
	}
	var out []summit
	for len(q) > 0 && len(out) < n {
		at := int(^uint32(q[0]))
		top := summit{at / s.wide, at % s.wide, math.Float32frombits(uint32(q[0] >> 32))}
		q[0] = q[len(q)-1]
		q = q[:len(q)-1]
		sink(q, 0)
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

// sink moves q[i] down to where no child exceeds it, in a heap that is otherwise in order.
func sink(q []uint64, i int) {
	for {
		c := 2*i + 1
		if c >= len(q) {
			return
		}
		if c+1 < len(q) && q[c+1] > q[c] {
			c++
		}
		if q[i] >= q[c] {
			return
		}
		q[i], q[c] = q[c], q[i]
		i = c
	}
}
