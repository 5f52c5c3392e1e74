package dsp_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/dsp"
)

// share is how much of [k, k+1) lies under sample i where from samples become to.
func share(i, k, from, to int) float64 {
	a, b := float64(i*from)/float64(to), float64((i+1)*from)/float64(to)
	return max(0, min(b, float64(k+1))-max(a, float64(k)))
}

func TestShrinkOfAPlaneIsTheAreaMean(t *testing.T) {
	p := noisePlane(23, 17, 3)
	for _, c := range [][2]int{{23, 17}, {22, 16}, {10, 7}, {7, 17}, {1, 1}} {
		got := dsp.Shrink(p, c[0], c[1])
		for y := range c[1] {
			for x := range c[0] {
				sum, area := 0.0, 0.0
				for j := range p.H {
					for i := range p.W {
						g := share(x, i, p.W, c[0]) * share(y, j, p.H, c[1])
						sum, area = sum+g*float64(p.Pix[j*p.W+i]), area+g
					}
				}
				require.InDelta(t, sum/area, got.Pix[y*c[0]+x], 1e-5, "%v at %d,%d", c, x, y)
			}
		}
		requireSame(t, func() []float32 { return dsp.Shrink(p, c[0], c[1]).Pix }, c)
	}
	same := dsp.Shrink(p, p.W, p.H)
	same.Pix[0]++
	require.NotEqual(t, p.Pix[0], same.Pix[0], "a copy")
}

func TestGradientsAgainstDefinition(t *testing.T) {
	sobel := [3][3]float64{{-1, 0, 1}, {-2, 0, 2}, {-1, 0, 1}}
	for _, c := range [][2]int{{19, 11}, {1, 5}, {6, 1}, {1, 1}, {2, 2}} {
		p := noisePlane(c[0], c[1], 4)
		right, down := dsp.Gradients(p)
		for y := range p.H {
			for x := range p.W {
				var gx, gy float64
				for j := -1; j <= 1; j++ {
					for i := -1; i <= 1; i++ {
						v := float64(p.Row(min(max(y+j, 0), p.H-1))[min(max(x+i, 0), p.W-1)])
						gx += sobel[j+1][i+1] / 8 * v
						gy += sobel[i+1][j+1] / 8 * v
					}
				}
				require.InDelta(t, gx, right.Row(y)[x], 1e-5)
				require.InDelta(t, gy, down.Row(y)[x], 1e-5)
			}
		}
	}
	requireSame(t, func() []float32 {
		right, down := dsp.Gradients(hostilePlane(37, 9, 2))
		return slices.Concat(right.Pix, down.Pix)
	})
}
