package spectrum

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/mark/code"
	"github.com/kycmark/kycmark/internal/mark/pattern"
)

func TestSummitsAgainstDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, c := range []struct{ rows, cols, n int }{{90, 70, 1}, {90, 70, 8}, {50, 64, 300}, {9, 130, 40}, {300, 200, 2}, {300, 200, 20}, {300, 200, 200}} {
		var s PolarSums
		s.resize(c.rows, c.cols)
		for i := range c.rows {
			for j := range s.row(i) {
				s.row(i)[j] = int16(2000 + 60*rng.NormFloat64() + float64(j))
			}
		}
		s.row(c.rows - 1)[5] = 4000 // its surroundings go round
		s.standardise()
		var all []summit
		for j := range c.cols {
			var some []float64
			for i := 0; i < c.rows; i += 7 {
				some = append(some, float64(s.row(i)[j]))
			}
			slices.Sort(some)
			k := len(some) / 2
			mid := some[k]
			for i, v := range some {
				some[i] = math.Abs(v - mid)
			}
			slices.Sort(some)
			assert.Equal(t, float32(mid), s.mid[j])
			assert.GreaterOrEqual(t, s.dev[j], float32(1.4826*some[k]))
			for i := range c.rows {
				if v := (float32(s.row(i)[j]) - s.mid[j]) / s.dev[j]; v > minSum {
					all = append(all, summit{i, j, v})
				}
			}
		}
		slices.SortFunc(all, func(a, b summit) int {
			return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.row, b.row), cmp.Compare(a.col, b.col))
		})
		var want []summit
		for _, v := range all {
			near := func(o summit) bool {
				d := ((o.row-v.row)%c.rows + c.rows) % c.rows
				return min(d, c.rows-d) <= 4 && max(o.col-v.col, v.col-o.col) <= 4
			}
			if len(want) < c.n && !slices.ContainsFunc(want, near) {
				want = append(want, v)
			}
		}
		got := s.summits(c.n)
		require.Equal(t, want, got)
		require.Equal(t, summit{c.rows - 1, 5, got[0].score}, got[0])
	}
}

// noisyPeaks returns a peak map of noise that holds a peak of the given height where b puts each pilot of f.
func noisyPeaks(rng *rand.Rand, f []pattern.Frequency, b [4]float64, height float32) *PeakMap {
	const n = 512
	m := &PeakMap{n: n, g: dsp.NewPlane(n/2+1, n), limit: CapLow}
	for i := range m.g.Pix {
		m.g.Pix[i] = float32(rng.NormFloat64())
	}
	for _, q := range f {
		x, y := (b[0]*q.X+b[1]*q.Y)*n, (b[2]*q.X+b[3]*q.Y)*n
		if x < 0 {
			x, y = -x, -y
		}
		for i := range 9 {
			m.g.Pix[(int(y+n/2+0.5)+i/3-1)*m.g.W+max(int(x+0.5)+i%3-1, 0)] += height
		}
	}
	for i, v := range m.g.Pix {
		m.g.Pix[i] = pattern.Clip(v, peakMin, CapLow)
	}
	return m
}

// upright returns b, or b turned by half, which has the same spectrum, whichever is nearer to want.
func upright(b, want [4]float64) [4]float64 {
	if b[0]*want[0]+b[1]*want[1] < 0 {
		for i := range b {
			b[i] = -b[i]
		}
	}
	return b
}

// The strongest similarity of a map that holds the pilots at one is that one.
func TestSimilaritiesFindThePilots(t *testing.T) {
	f := pattern.NewKeys(&[code.SecretSize]byte{1, 1, 2, 3}).MarkFrequencies()[:]
	rng := rand.New(rand.NewPCG(2, 2))
	for _, want := range [][4]float64{{0.9, -0.5, 0.5, 0.9}, {0.7, 0.7, 0.7, -0.7}, {-2, 0.3, -0.3, -2}} {
		by := Scales{0.3, 3}
		got := NewLogPolar(noisyPeaks(rng, f, want, CapLow), by, FineStep, Plain).Similarities(new(PolarSums), f, 1, by)
		require.Len(t, got, 1)
		b := upright(got[0].B, want)
		assert.InDeltaSlice(t, want[:], b[:], 0.02*math.Hypot(want[0], want[1]))
	}
}
