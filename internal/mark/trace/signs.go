package trace

import (
	"math"
	"slices"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/mark/code"
	"github.com/kycmark/kycmark/internal/mark/pattern"
)

// coefficients are a tracer's coefficients as whole numbers, so that sums over signs are exact in any order. They lie
// row by row as the signs are drawn, each row filled up to whole words of 32 signs by zeros.
type coefficients struct {
	q      []int32
	square float64 // sum of squares
	unit   float64 // value of one
}

// quantised returns the tracer's coefficients of the spectrum c as whole numbers, each times its amplitude 1/f in the
// tracer. Those from frequency end on, in cycles a long side, are 0, so that the places of all others stay the same.
func (f *frame) quantised(c dsp.Plane, end float64) coefficients {
	x, low := make([]float64, 0, 1<<19), int(4*end*end)
	for v, sp := range f.spans {
		for u := sp.first; u < sp.first+sp.n; u++ {
			a := 0.0
			if r2 := u*u + v*v; r2 < low {
				a = float64(c.Pix[v*pattern.TracerSize+u]) / math.Sqrt(float64(r2))
			}
			x = append(x, a)
		}
		for len(x)%32 != 0 {
			x = append(x, 0)
		}
	}
	return quantise(x)
}

// quantise returns x as whole numbers, and their unit. The largest in size becomes quantum or
// -quantum. It returns no coefficients if all of x are 0.
func quantise(x []float64) coefficients {
	top := 0.0
	for _, v := range x {
		top = max(top, math.Abs(v))
	}
	if top == 0 {
		return coefficients{}
	}
	out := coefficients{q: make([]int32, len(x)), unit: top / quantum}
	g := quantum / top
	for i, v := range x {
		out.q[i] = int32(math.Round(float64(g * v)))
		out.square += float64(float64(out.q[i]) * float64(out.q[i]))
	}
	return out
}

// scores returns sum q s / |q| over each stream's signs s, and 0 for all without coefficients. It draws the signs, so
// the streams must be fresh. A stream's own signs are what its tracer was made of. The signs of others are fair coins,
// whatever q is, so that P(score >= z) <= exp(-z^2/2) for them (Hoeffding, 1963).
func (c coefficients) scores(streams []*code.Stream) []float64 {
	out := make([]float64, len(streams))
	if c.square == 0 {
		return out
	}
	sums := make([]int64, len(streams))
	dsp.Parallel(len(streams), func(from, to int) {
		if to-from <= fewCopies {
			c.addEach(sums[from:to], streams[from:to])
		} else {
			c.addTabulated(sums[from:to], streams[from:to])
		}
	})
	norm := math.Sqrt(c.square)
	for i, s := range sums {
		out[i] = float64(s) / norm
	}
	return out
}

// addEach sets each sum to that of the coefficients under the signs of its stream, one by one: cheapest for few.
func (c coefficients) addEach(sums []int64, streams []*code.Stream) {
	bits := make([]byte, len(c.q)/8)
	for i, s := range streams {
		s.Bytes(bits)
		total := int64(0)
		for j, b := range bits {
			sum := int32(0)
			for k, v := range c.q[8*j : 8*j+8] {
				minus := -int32(b >> (7 - k) & 1)
				sum += (v ^ minus) - minus
			}
			total += int64(sum)
		}
		sums[i] = total
	}
}

// addTabulated does what addEach does for sums that are 0, eight coefficients at a time, from tables of their sums
// under each byte of signs: cheapest for many streams. It may draw more signs than there are coefficients.
func (c coefficients) addTabulated(sums []int64, streams []*code.Stream) {
	bits := make([]byte, signBlock*len(streams))
	tables := new([signRun][256]int32)
	for block := 0; block < len(c.q)/8; block += signBlock {
		for i, s := range streams {
			s.Bytes(bits[i*signBlock : (i+1)*signBlock])
		}
		for from := 0; from < signBlock; from += signRun {
			if !c.tabulate(tables, block+from) {
				continue
			}
			for i := range sums {
				total := int32(0)
				for j, b := range (*[signRun]byte)(bits[i*signBlock+from:]) {
					total += tables[j][b]
				}
				sums[i] += int64(total)
			}
		}
	}
}

// tabulate writes the sums of eight coefficients under each byte of signs. A set bit is -1,
// the first sign the most significant. from is the first byte of signs. Beyond the last
// coefficient sums are 0. It reports whether any coefficient is not 0.
func (c coefficients) tabulate(tables *[signRun][256]int32, from int) bool {
	first := min(from*8, len(c.q))
	q := c.q[first:min(first+signRun*8, len(c.q))]
	if !slices.ContainsFunc(q, func(v int32) bool { return v != 0 }) {
		return false
	}
	for j := range tables {
		t := &tables[j]
		var eight [8]int32
		copy(eight[:], q[min(8*j, len(q)):])
		t[0] = 0
		for _, v := range eight {
			t[0] += v
		}
		for k := range 8 {
			bit := 1 << k
			v := 2 * eight[7-k]
			for b := range bit {
				t[bit|b] = t[b] - v
			}
		}
	}
	return true
}
