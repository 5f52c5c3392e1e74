package dsp_test

import (
	"fmt"
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/dsp"
)

// hostile draws zeros of both signs, denormals and huge numbers among others.
func (n *noise) hostile() float32 {
	v := n.next()
	switch uint64(*n) >> 60 {
	case 0:
		return 0
	case 1:
		return float32(math.Copysign(0, -1))
	case 2:
		return v * 1e-39
	case 3:
		return v * 1e15
	}
	return v * 100
}

func hostilePlane(w, h int, seed uint64) dsp.Plane {
	n := noise(seed)
	p := dsp.NewPlane(w, h)
	for i := range p.Pix {
		p.Pix[i] = n.hostile()
	}
	return p
}

// requireSame runs f with and without the processor's own kernels and requires
// results of the same bits.
func requireSame(t *testing.T, f func() []float32, what ...any) {
	t.Helper()
	var want []float32
	dsp.Plain(func() { want = f() })
	got := f()
	require.Len(t, got, len(want))
	for i := range want {
		if a, b := math.Float32bits(want[i]), math.Float32bits(got[i]); a != b {
			require.Failf(t, "other bits", "%v: sample %d is %v (%x), plainly %v (%x)", what, i, got[i], b, want[i], a)
		}
	}
}

func floats(c []complex64) []float32 {
	out := make([]float32, 0, 2*len(c))
	for _, v := range c {
		out = append(out, real(v), imag(v))
	}
	return out
}

func TestFFTHasTheSameBits(t *testing.T) {
	if !dsp.HasKernels() {
		t.Log("no kernels for this processor: plain against plain")
	}
	for _, n := range []int{1, 2, 4, 6, 8, 16, 20, 36, 60, 64, 100, 160, 375, 512} {
		requireSame(t, func() []float32 {
			src := noise(n)
			x := make([]complex64, n+1)[1:] // unaligned
			for i := range x {
				x[i] = complex(src.hostile(), src.hostile())
			}
			dsp.NewFFT(n).Forward(x, make([]complex64, n))
			return floats(x)
		}, n)
	}
}

func TestFFT2HasTheSameBits(t *testing.T) {
	for _, c := range []struct{ w, h, pw, ph int }{
		{1, 1, 2, 1}, {2, 17, 2, 18}, {7, 33, 8, 36}, {16, 16, 16, 16}, {21, 5, 24, 5}, {33, 40, 40, 45}, {50, 64, 54, 81}, {64, 31, 64, 32}, {97, 30, 100, 60},
	} {
		requireSame(t, func() []float32 {
			s := dsp.NewFFT2(c.pw, c.ph).Forward(hostilePlane(c.w, c.h, 9))
			return floats(s.C)
		}, "forward", fmt.Sprint(c))
		requireSame(t, func() []float32 {
			f := dsp.NewFFT2(c.pw, c.ph)
			s := f.Forward(noisePlane(c.w, c.h, 9))
			for i := range s.C {
				if i%s.Stride() >= s.Stride()/2 { // columns of zeros
					s.C[i] = 0
				}
			}
			return f.Inverse(s, c.w, c.h).Pix
		}, "inverse", fmt.Sprint(c))
	}
}

// An assembler takes registers 16 to 31 for a sign that AVX-512 is meant.
func TestKernelsNeedNoMoreThanAVX2(t *testing.T) {
	text, err := os.ReadFile("kernels_amd64.s")
	require.NoError(t, err)
	require.NotRegexp(t, `\b([XY](1[6-9]|2[0-9]|3[01])|[ZK][0-9]+)\b`, string(text))
	require.NotRegexp(t, `VFN?M(ADD|SUB)`, string(text), "fused products round once")
}

func TestSamplesHaveTheSameBits(t *testing.T) {
	p := hostilePlane(64, 64, 4)
	for _, w := range []float64{0, 1e-3} {
		l := dsp.Line{X: 0.9, X0: -7.3, X1: 0.25, Y: 0.41, Y0: 5.2, Y1: 0.125, W: w, W0: 1, U: -5}
		for _, n := range []int{1, 3, 7, 8, 64, 77, 131} {
			for name, f := range map[string]func([]float32){
				"cubic":  func(dst []float32) { dsp.SampleCubic(dst, p, l) },
				"linear": func(dst []float32) { dsp.SampleLinear(dst, p, l) },
				"torus":  func(dst []float32) { dsp.NewTorus(p).SampleCubic(dst, l) },
			} {
				requireSame(t, func() []float32 {
					dst := make([]float32, n+1)[1:]
					f(dst)
					return dst
				}, name, n, w)
			}
		}
	}
	for _, side := range []int{1, 3, 4, 5} {
		dst := []float32{1, 1, 1, 1, 1, 1, 1, 1}
		dsp.SampleCubic(dst, noisePlane(side, side, 1), dsp.Line{X: 1, W0: 1})
		require.Equal(t, make([]float32, 8), dst, "no taps inside")
	}
}

func TestTorusSamplesItself(t *testing.T) {
	p, dst := noisePlane(16, 16, 1), make([]float32, 40)
	dsp.NewTorus(p).SampleCubic(dst, dsp.Line{X: 1, Y: 0, Y0: -3, W0: 1, U: -20})
	for i, v := range dst {
		require.Equal(t, p.Pix[13*16+(i-20)&15], v)
	}
}
