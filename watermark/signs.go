package watermark

import (
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/keystream"
)

// coefficients are those of a tracer as whole numbers, so that sums over signs are
// exact in any order: row by row as the signs are drawn, each row filled up to whole
// words of 32 signs by zeros.
type coefficients struct {
	q      []int32
	square float64 // sum of squares
	unit   float64 // value of one
}

// quantum is the greatest coefficient: sums of 64 bytes of them stay within 32 bits.
const quantum = 1 << 21

// quantised takes the tracer's coefficients out of the spectrum c, amplitudes 1/f
// applied, up to frequency end in cycles a long side.
func (f *frame) quantised(c dsp.Plane, end float64) coefficients {
	x, low := make([]float64, 0, 1<<19), int(4*end*end)
	for v, sp := range f.spans {
		for u := sp.first; u < sp.first+sp.n; u++ {
			a := 0.0
			if r2 := u*u + v*v; r2 < low {
				a = float64(c.Pix[v*tracerSize+u]) / math.Sqrt(float64(r2))
			}
			x = append(x, a)
		}
		for len(x)%32 != 0 {
			x = append(x, 0)
		}
	}
	return quantise(x)
}

// quantise makes whole numbers of x, none where all of them are 0.
func quantise(x []float64) coefficients {
	most := 0.0
	for _, v := range x {
		most = math.Max(most, math.Abs(v))
	}
	if most == 0 {
		return coefficients{}
	}
	out := coefficients{q: make([]int32, len(x)), unit: most / quantum}
	g := quantum / most
	for i, v := range x {
		out.q[i] = int32(math.Round(float64(g * v)))
		out.square += float64(float64(out.q[i]) * float64(out.q[i]))
	}
	return out
}

// Copies are scored so many at once, and their signs read in runs of so many bytes.
const (
	scoredAtOnce = 128
	signRun      = 64
)

// scores returns sum q s / |q| of each stream's signs. A stream's own signs are what
// its tracer was made of; those of others are fair coins, whatever q is, so that
// P(score >= z) <= exp(-z^2/2) for them (Hoeffding, 1963).
func (c coefficients) scores(streams []*keystream.Stream) []float64 {
	out := make([]float64, len(streams))
	if c.square == 0 {
		return out
	}
	dsp.Parallel((len(streams)+scoredAtOnce-1)/scoredAtOnce, func(from, to int) {
		for i := from; i < to; i++ {
			lo, hi := i*scoredAtOnce, min((i+1)*scoredAtOnce, len(streams))
			c.scoreSome(out[lo:hi], streams[lo:hi])
		}
	})
	return out
}

func (c coefficients) scoreSome(out []float64, streams []*keystream.Stream) {
	n := len(c.q) / 8
	bits := make([]byte, n*len(streams))
	for i, s := range streams {
		s.Bytes(bits[i*n : (i+1)*n])
	}
	sums := make([]int64, len(streams))
	tables := make([]int32, signRun*256)
	for from := 0; from < n; from += signRun {
		run := min(signRun, n-from)
		if !c.tabulate(tables, from, run) {
			continue
		}
		for i := range sums {
			total := int32(0)
			for j, b := range bits[i*n+from : i*n+from+run] {
				total += tables[j<<8|int(b)]
			}
			sums[i] += int64(total)
		}
	}
	norm := math.Sqrt(c.square)
	for i, s := range sums {
		out[i] = float64(s) / norm
	}
}

// tabulate writes the sums of eight coefficients under each byte of signs, a bit set
// being -1, the first sign the most significant. It reports whether any is not zero.
func (c coefficients) tabulate(tables []int32, from, run int) bool {
	any := false
	for j := range run {
		q := c.q[(from+j)*8 : (from+j)*8+8 : (from+j)*8+8]
		t := tables[j<<8 : j<<8+256 : j<<8+256]
		sum := int32(0)
		for _, v := range q {
			sum += v
			any = any || v != 0
		}
		t[0] = sum
		for k := range 8 {
			bit := 1 << k
			v := 2 * q[7-k]
			for b := range bit {
				t[bit|b] = t[b] - v
			}
		}
	}
	return any
}
