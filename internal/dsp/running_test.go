package dsp_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/dsp"
)

func TestRunningSumsHaveTheSameBits(t *testing.T) {
	for _, n := range []int{1, 2, 3, 16, 61} {
		src, zeros := hostilePlane(dsp.Lanes, n+7, uint64(n)), make([]float32, dsp.Lanes)
		counts := make([]float32, n)
		for i := range counts {
			counts[i] = float32(1 + i%5)
		}
		requireSame(t, func() []float32 {
			var sum [dsp.Lanes]float32
			out := make([]float32, n*dsp.Lanes)
			dsp.Slide(&sum, dsp.Strip{Pix: src.Pix, Step: dsp.Lanes}, dsp.Strip{Pix: zeros}, min(n, 3))
			add, sub := dsp.Strip{Pix: src.Row(7), Step: dsp.Lanes}, dsp.Strip{Pix: src.Pix, Step: dsp.Lanes}
			add.Pix = src.Pix[7*dsp.Lanes:]
			dsp.Means(&sum, dsp.Strip{Pix: out, Step: dsp.Lanes}, add, sub, counts)
			return append(out, sum[:]...)
		}, n)
	}
}

func TestStripsAreBounded(t *testing.T) {
	var sum [dsp.Lanes]float32
	three := dsp.Strip{Pix: make([]float32, 3*dsp.Lanes), Step: dsp.Lanes}
	require.Panics(t, func() { dsp.Slide(&sum, three, three, 4) }, "reads beyond the end must not reach a kernel")
	require.Panics(t, func() { dsp.Means(&sum, three, three, three, make([]float32, 4)) })
	require.Panics(t, func() { dsp.Luma(make([]float32, 9), make([]uint8, 35)) })
}

func TestLumaHasTheSameBits(t *testing.T) {
	n := noise(3)
	for _, w := range []int{1, 7, 8, 9, 64, 1003} {
		src := make([]uint8, 4*w)
		for i := range src {
			src[i] = uint8(n.next() * 128)
		}
		requireSame(t, func() []float32 {
			dst := make([]float32, w)
			dsp.Luma(dst, src)
			return dst
		}, w)
	}
	all := make([]float32, 1)
	dsp.Luma(all, []uint8{255, 255, 255, 0})
	require.InDelta(t, 255, all[0], 1e-3)
}

func TestOpaque(t *testing.T) {
	for _, w := range []int{0, 1, 7, 8, 9, 40} {
		src := make([]uint8, 4*w)
		for i := range src {
			src[i] = 255
			if i%4 != 3 {
				src[i] = uint8(i)
			}
		}
		require.True(t, dsp.Opaque(src), w)
		for x := range w {
			src[4*x+3] = 254
			require.False(t, dsp.Opaque(src), fmt.Sprint(w, x))
			src[4*x+3] = 255
		}
	}
}
