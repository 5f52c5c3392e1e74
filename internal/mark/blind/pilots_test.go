package blind

import (
	"math"
	"math/cmplx"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/mark/code"
	"github.com/kycmark/kycmark/internal/mark/pattern"
)

func testKeys(b byte) *Keys { return NewKeys(pattern.NewKeys(&[code.SecretSize]byte{b, 1, 2, 3})) }

func TestPatternHasUnitPowerAndItsPilots(t *testing.T) {
	kd := testKeys(1)
	p := kd.Pattern(kd.Payload.Encode(42), nil, nil)
	assert.InDelta(t, 1, p.RMS(), 0.01) // chips and pilots share their band, so their powers do not add up to the digit
	a := cellAmplitudes(p, 0, 0, kd.MarkFrequencies(), pattern.Torus, pattern.Torus)
	want := math.Sqrt(2*pattern.PilotShare/pattern.PilotN) / 2 * pattern.Torus * pattern.Torus
	for k, v := range kd.Aligned(&a.c[0]) {
		// chips share the band: their power a bin is a hundredth of a pilot's
		assert.InEpsilon(t, want, float64(real(v)), 0.35, "pilot %d", k)
	}
	for i, p := range kd.Pilots {
		r := math.Hypot(float64(p.KX), float64(p.KY)) / pattern.Torus
		assert.True(t, r > pattern.PilotLow-0.001 && r < pattern.PilotHigh+0.001)
		for _, q := range kd.Pilots[:i] {
			assert.Greater(t, math.Hypot(float64(p.KX-q.KX), float64(p.KY-q.KY)), float64(pattern.PilotApart))
		}
	}
}

func TestCellAmplitudesAgainstDefinition(t *testing.T) {
	kd := testKeys(3)
	z := dsp.NewPlane(37, 21)
	for i := range z.Pix {
		z.Pix[i] = float32(math.Sin(float64(i * i)))
	}
	f := kd.MarkFrequencies()
	a := cellAmplitudes(z, 5, -3, f, 16, 10)
	require.Equal(t, 2, a.nx)
	require.Equal(t, 2, a.ny)
	for k := range f {
		var want [4]complex128
		for y := range z.H {
			for x := range z.W {
				s, c := math.Sincos(-2 * math.Pi * (f[k].X*float64(x+5) + f[k].Y*float64(y-3)))
				want[min(y/10, 1)*2+min(x/16, 1)] += complex(c, s) * complex(float64(z.Pix[y*z.W+x]), 0)
			}
		}
		for i := range want {
			assert.InDelta(t, real(want[i]), real(a.c[i][k]), 1e-3)
			assert.InDelta(t, imag(want[i]), imag(a.c[i][k]), 1e-3)
		}
	}
}

func TestShiftIsFoundPlainTurnedAndInverted(t *testing.T) {
	kd := testKeys(4)
	p := kd.Pattern(kd.Payload.Encode(7), nil, nil)
	shifts := newShiftFinder()
	for _, turned := range []bool{false, true} {
		for _, sign := range []float32{1, -1} {
			m := geometry.Mat{1, 0, 100, 0, 1, 300, 0, 0, 1}
			if turned {
				m = geometry.Mat{-1, 0, 100, 0, -1, 300, 0, 0, 1}
			}
			z := pattern.Lay(p, m, 512, 400)
			z.Scale(sign)
			a := cellAmplitudes(z, 0, 0, kd.MarkFrequencies(), 512, 400)
			s := kd.findShift(shifts, &a.c[0])
			assert.Greater(t, s.z, 7.0)
			assert.Equal(t, turned, s.flipped)
			assert.Equal(t, sign, s.sign)
			got := s.toMatrix([4]float64{1, 0, 0, 1})
			assert.InDelta(t, 100, math.Mod(got[2]+pattern.Torus, pattern.Torus), 2)
			assert.InDelta(t, 300, math.Mod(got[5]+pattern.Torus, pattern.Torus), 2)
		}
	}
}

func TestToneReaderIsNearTheDefinition(t *testing.T) {
	kd := testKeys(4)
	z := pattern.Lay(kd.Pattern(kd.Payload.Encode(7), nil, nil), geometry.Mat{1.3, 0.4, 100, -0.4, 1.3, 300, 0, 0, 1}, 300, 200)
	r := newToneReader(z)
	f := kd.MarkFrequencies()
	for k := range f {
		f[k] = pattern.Frequency{X: float64(1.3*f[k].X) - float64(0.4*f[k].Y), Y: float64(0.4*f[k].X) + float64(1.3*f[k].Y)}
	}
	a := cellAmplitudes(z, 0, 0, f, 300, 200)
	for k, q := range f {
		want, got := complex128(a.c[0][k]), complex128(r.at(q))
		assert.InDelta(t, 0, cmplx.Abs(want-got), 0.08*cmplx.Abs(want)+20, "pilot %d", k)
		got = complex128(r.at(pattern.Frequency{X: -q.X, Y: -q.Y}))
		assert.InDelta(t, 0, cmplx.Abs(cmplx.Conj(want)-got), 0.08*cmplx.Abs(want)+20, "pilot %d", k)
	}
}
