package photometry

import (
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
)

// A toneCurve is a cubic in x = level/128 - 1.
type toneCurve [4]float64

func (c toneCurve) at(level float32) float32 {
	x := float64(min(max(level/128-1, -1.02), 1.02))
	return float32(c[0] + float64(x*(c[1]+float64(x*(c[2]+float64(c[3]*x))))))
}

// slope is the curve's gain, kept within what a picture can be seen through.
func (c toneCurve) slope(level float32) float32 {
	x := float64(min(max(level/128-1, -1.02), 1.02))
	s := (c[1] + float64(x*(float64(2*c[2])+float64(float64(3*c[3])*x)))) / 128
	return float32(math.Min(math.Max(s, 0.05), 4))
}

// pixels of a picture that a tone curve is fitted to.
type toneSample struct {
	at      []int32 // places
	good    []bool  // not covered, as far as detail tells
	trusted []bool  // follow the original's detail
}

// toneSamples is about how many pixels a curve is fitted to.
const toneSamples = 40000

// fitTone returns the curve from base to leak by iterated reweighting, the first
// rounds on trusted pixels only (black boxes would bend it), then on all good ones that
// are not far off by the trusted's measure, and the mean of the lower nine tenths of the
// error on trusted pixels, in levels.
func fitTone(base, leak dsp.Plane, s *toneSample) (toneCurve, float64) {
	var c toneCurve
	n := len(s.at)
	weight, err := make([]float64, n), make([]float32, n)
	for i, t := range s.trusted {
		if t {
			weight[i] = 1
		}
	}
	some := make([]float32, 0, n)
	for round := range 6 {
		c = solveTone(base, leak, s.at, weight)
		some = some[:0]
		for i, at := range s.at {
			err[i] = leak.Pix[at] - c.at(base.Pix[at])
			if s.trusted[i] {
				some = append(some, abs(err[i]))
			}
		}
		scale := float64(2 * (float64(1.48*float64(median(some))) + 0.5))
		for i, e := range err {
			weight[i] = 0
			if s.trusted[i] || s.good[i] && round >= 3 {
				q := float64(e) / scale
				weight[i] = 1 / (1 + float64(q*q))
			}
		}
	}
	some = some[:0]
	for i, e := range err {
		if s.trusted[i] {
			some = append(some, abs(e))
		}
	}
	some = sorted(some)
	some = some[:max(1, len(some)*9/10)]
	sum := 0.0
	for _, v := range some {
		sum += float64(v)
	}
	return c, sum / float64(len(some))
}

// solveTone is the weighed least squares of the cubic, its upper two terms damped.
func solveTone(base, leak dsp.Plane, at []int32, weight []float64) toneCurve {
	var a [4][4]float64
	var b [4]float64
	for i, p := range at {
		w := weight[i]
		if w == 0 {
			continue
		}
		w *= w
		x := float64(base.Pix[p])/128 - 1
		row := [4]float64{1, x, float64(x * x), float64(float64(x*x) * x)}
		for j, v := range row {
			wv := float64(w * v)
			for k := j; k < 4; k++ {
				a[j][k] += float64(wv * row[k])
			}
			b[j] += float64(wv * float64(leak.Pix[p]))
		}
	}
	damp := float64(1e-3 * float64(len(at)))
	m := symmetric(a[:], func(i int) float64 {
		if i >= 2 {
			return damp
		}
		return 1e-6
	})
	x, ok := geometry.Solve(m, b[:])
	if !ok {
		return toneCurve{128, 128}
	}
	return toneCurve(x)
}

// symmetric completes an upper triangle and adds to its diagonal.
func symmetric[T ~[4]float64 | ~[5]float64](a []T, ridge func(i int) float64) [][]float64 {
	m := make([][]float64, len(a))
	for i := range m {
		m[i] = make([]float64, len(a))
		for j := range m[i] {
			m[i][j] = a[min(i, j)][max(i, j)]
		}
		m[i][i] += ridge(i)
	}
	return m
}

func abs(v float32) float32 {
	if v < 0 {
		return -v
	}
	return v
}
