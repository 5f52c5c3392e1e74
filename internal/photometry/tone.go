package photometry

import (
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
)

// A toneCurve is a cubic in x = level/128 - 1.
type toneCurve [4]float64

// at returns the level that the curve makes of a level, 0..255.
func (c toneCurve) at(level float32) float32 { return c.of(toneOf(level)) }

// toneOf returns a level, 0..255, as the variable of curves: -1 for black, 1 for white.
func toneOf(level float32) float64 { return float64(min(max(level/128-1, -1.02), 1.02)) }

// of returns the level that the curve makes of x, which is from toneOf.
func (c toneCurve) of(x float64) float32 {
	return float32(c[0] + float64(x*(c[1]+float64(x*(c[2]+float64(c[3]*x))))))
}

// slope returns the gain of the curve at a level, 0..255, cut to [0.05, 4]: through other gains no picture is seen.
func (c toneCurve) slope(level float32) float32 {
	x := toneOf(level)
	s := (c[1] + float64(x*(float64(2*c[2])+float64(float64(3*c[3])*x)))) / 128
	return float32(min(max(s, 0.05), 4))
}

// A toneSample is the pixels of a picture that a tone curve is fitted to.
type toneSample struct {
	at      []int32   // places
	leak    []float32 // the leak's levels there
	good    []bool    // not covered, as far as detail tells
	trusted []bool    // follow the original's detail
}

// A toneFit is what fits of several curves to one sample need again and again.
type toneFit struct {
	*toneSample
	base   []float32 // the original's levels
	tone   []float64 // the same as curves take them
	weight []float64
	err    []float32
	some   []float32
	spare  []uint32
}

// newToneFit allocates what fits of several curves to the sample s share.
func newToneFit(s *toneSample) *toneFit {
	n := len(s.at)
	return &toneFit{
		toneSample: s, base: make([]float32, n), tone: make([]float64, n), weight: make([]float64, n),
		err: make([]float32, n), some: make([]float32, 0, n), spare: make([]uint32, 2*n),
	}
}

// fit returns the tone curve from base to the leak, by iterated reweighting, and its error. The first rounds use
// trusted pixels only, since black boxes would bend the curve. The later rounds use all good pixels that are close by
// the measure of the trusted ones. The error is the mean of the lower 90 % of trusted pixels' errors, in grey levels.
func (f *toneFit) fit(base dsp.Plane) (toneCurve, float64) {
	var c toneCurve
	for i, at := range f.at {
		f.base[i], f.tone[i], f.weight[i] = base.Pix[at], toneOf(base.Pix[at]), 0
		if f.trusted[i] {
			f.weight[i] = 1
		}
	}
	for round := range 6 {
		c = f.solve()
		f.some = f.some[:0]
		for i, x := range f.tone {
			f.err[i] = f.leak[i] - c.of(x)
			if f.trusted[i] {
				f.some = append(f.some, abs(f.err[i]))
			}
		}
		scale := float64(2 * (float64(1.48*float64(median(f.some))) + 0.5))
		for i, e := range f.err {
			f.weight[i] = 0
			if f.trusted[i] || f.good[i] && round >= 3 {
				q := float64(e) / scale
				f.weight[i] = 1 / (1 + float64(q*q))
			}
		}
	}
	f.some = f.some[:0]
	for i, e := range f.err {
		if f.trusted[i] {
			f.some = append(f.some, abs(e))
		}
	}
	some := f.sorted(f.some)
	some = some[:max(1, len(some)*9/10)]
	sum := 0.0
	for _, v := range some {
		sum += float64(v)
	}
	return c, sum / float64(len(some))
}

// sorted sorts x in place, by its digits, and returns x. No value may be below 0: the bits of such
// numbers are in their order. x must not be longer than the sample.
func (f *toneFit) sorted(x []float32) []float32 {
	const digit, values = 11, 1 << 11
	from, to := f.spare[:len(x)], f.spare[len(x):2*len(x)]
	var count [3][values]int
	for i, v := range x {
		b := math.Float32bits(v)
		from[i] = b
		for d := range count {
			count[d][b>>(digit*d)%values]++
		}
	}
	for d := range count {
		at := 0
		for k, n := range count[d] {
			count[d][k] = at
			at += n
		}
		for _, b := range from {
			k := b >> (digit * d) % values
			to[count[d][k]] = b
			count[d][k]++
		}
		from, to = to, from
	}
	for i, b := range from {
		x[i] = math.Float32frombits(b)
	}
	return x
}

// solve returns the cubic of smallest weighted squared error for the present weights. Its two upper terms are damped,
// so that few levels do not bend the curve. If there is no solution, it returns the curve that changes nothing.
func (f *toneFit) solve() toneCurve {
	var a00, a01, a02, a03, a11, a12, a13, a22, a23, a33, b0, b1, b2, b3 float64
	for i, w := range f.weight {
		if w == 0 {
			continue
		}
		w = float64(w * w)
		x, l := float64(f.base[i])/128-1, float64(f.leak[i])
		x2 := float64(x * x)
		x3 := float64(x2 * x)
		w1, w2, w3 := float64(w*x), float64(w*x2), float64(w*x3)
		a00, a01, a02, a03, b0 = a00+w, a01+w1, a02+w2, a03+w3, b0+float64(w*l)
		a11, a12, a13, b1 = a11+float64(w1*x), a12+float64(w1*x2), a13+float64(w1*x3), b1+float64(w1*l)
		a22, a23, b2 = a22+float64(w2*x2), a23+float64(w2*x3), b2+float64(w2*l)
		a33, b3 = a33+float64(w3*x3), b3+float64(w3*l)
	}
	damp := float64(1e-3 * float64(len(f.at)))
	m := [][]float64{{a00 + 1e-6, a01, a02, a03}, {a01, a11 + 1e-6, a12, a13}, {a02, a12, a22 + damp, a23}, {a03, a13, a23, a33 + damp}}
	x, ok := geometry.Solve(m, []float64{b0, b1, b2, b3})
	if !ok {
		return toneCurve{128, 128}
	}
	return toneCurve(x)
}

func abs(v float32) float32 { return math.Float32frombits(math.Float32bits(v) &^ (1 << 31)) }
