package trace

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/mark/code"
	"github.com/kycmark/kycmark/internal/mark/pattern"
)

// streamOf is the sign stream of a test.
func streamOf(n byte) *code.Stream {
	k := make([]byte, code.KeySize)
	k[0] = n
	return code.NewStream(k)
}

func TestScoresAgainstTheSignsOfATracer(t *testing.T) {
	f := newFrame(1024, 700)
	c := dsp.NewPlane(pattern.TracerSize, pattern.TracerSize)
	for i := range c.Pix {
		c.Pix[i] = float32(math.Sin(float64(i)))
	}
	q := f.quantised(c, pattern.TracerHigh)
	require.Zero(t, len(q.q)%32)
	got := q.scores([]*code.Stream{streamOf(1), streamOf(2)})
	for i, s := range []*code.Stream{streamOf(1), streamOf(2)} {
		at, sum := 0, 0.0
		signs := make([]float32, pattern.TracerSize)
		for v := range pattern.TracerSize { // as tracerOf draws them
			_, n := pattern.TracerSpan(v)
			if n <= 0 {
				continue
			}
			s.Signs(signs[:n])
			for _, sg := range signs[:n] {
				sum += float64(sg) * float64(q.q[at])
				at++
			}
			at = (at + 31) / 32 * 32
		}
		assert.InDelta(t, sum/math.Sqrt(q.square), got[i], 1e-9)
	}
	assert.Empty(t, f.quantised(dsp.NewPlane(pattern.TracerSize, pattern.TracerSize), pattern.TracerHigh).q)
}

func TestATracersOwnCoefficientsScoreHighest(t *testing.T) {
	f := newFrame(pattern.TracerSize, pattern.TracerSize)
	own := pattern.TracerOf(streamOf(5), pattern.TracerSize, pattern.TracerSize)
	q := f.quantised(dsp.DCT2(own, pattern.TracerSize), pattern.TracerHigh)
	z := q.scores([]*code.Stream{streamOf(5), streamOf(6)})
	assert.Greater(t, z[0], 50.0)
	assert.Less(t, math.Abs(z[1]), 5.0)
}

func TestEValuesOfOthersHaveAMeanOfOneAtMost(t *testing.T) {
	// A tracer's score of others is close to normal, so the mean of the first factor is
	// close to 1; that of the payload is the trellis's business.
	e := &evidence{expected: 2, payload: 3}
	for j := range e.soft {
		e.soft[j] = math.Cos(float64(7 * j))
	}
	norm := 0.0
	for _, v := range e.soft {
		norm += v * v
	}
	for j := range e.soft {
		e.soft[j] /= math.Sqrt(norm)
	}
	null := &codeNull{soft: &e.soft}
	s := streamOf(9)
	const trials = 40000
	sum, largest := 0.0, 0.0
	for range trials {
		z := 0.0
		for range 12 {
			z += s.Unit()
		}
		bits := make([]uint8, code.MessageN)
		for i := range bits {
			bits[i] = uint8(s.Uint32() >> 31)
		}
		payload := 0.0
		for j, c := range code.Encode(bits) {
			payload += float64(c) * e.soft[j]
		}
		x := math.Pow(10, e.logE(z-6, payload, 1, null))
		sum += x
		largest = max(largest, x)
	}
	mean := sum / trials
	assert.Less(t, mean, 1.15)
	assert.Greater(t, mean, 0.3) // no e-value at all would have a mean of 0
	assert.Greater(t, largest, 20.0)
}

func TestLogFisher(t *testing.T) {
	assert.Zero(t, logFisher(-3, -3))
	assert.InDelta(t, math.Log10(9*math.Exp(-8)), logFisher(4, 0), 1e-9)
	assert.InDelta(t, logFisher(0, payloadCap), logFisher(0, 17), 1e-12)
	assert.Less(t, logFisher(5, 5), logFisher(5, 4))
}

func TestNeededScoreAccusesJust(t *testing.T) {
	z := needed(1e-9, 1000)
	assert.InDelta(t, -9, logFisher(z, 0)+math.Log10(2000), 1e-6)
	assert.InDelta(t, 8, z, 0.3)
	assert.InDelta(t, 0.5, normalCDF(0), 1e-7)
	assert.InDelta(t, 0.9990324, normalCDF(3.1), 1e-6)
	assert.InDelta(t, 0.0227501, normalCDF(-2), 1e-6)
}
