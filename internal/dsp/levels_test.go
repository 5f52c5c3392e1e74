package dsp_test

import (
	"bytes"
	"image"
	"image/draw"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/dsp"
)

// bothKernels runs f with the plain kernels and with the processor's own.
func bothKernels(f func()) {
	dsp.Plain(f)
	f()
}

func TestToLevels(t *testing.T) {
	for _, n := range []int{0, 1, 31, 32, 33, 100} {
		src := noisePlane(n+1, 1, 1).Pix[1:]
		for i, v := range src {
			src[i] = min(max(v, -3), 8)
		}
		if n > 2 {
			src[0], src[1] = -3, 8
		}
		const low, gain = -3, float32(dsp.MaxLevel) / 11
		bothKernels(func() {
			dst := make([]uint8, n)
			dsp.ToLevels(dst, src, low, gain)
			for i, v := range src {
				require.InDelta(t, (float64(v)-low)*float64(gain), float64(dst[i]), 0.5001)
			}
		})
	}
}

func TestSumLevels(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	src := make([]uint8, 1000)
	for i := range src {
		src[i] = uint8(rng.IntN(dsp.MaxLevel + 1))
	}
	for _, n := range []int{0, 1, 7, 8, 63, 64, 65, 80, 200} {
		for _, rows := range []int{0, 2, 16, 32, 256} {
			at := make([]int, rows)
			for k := range at {
				at[k] = rng.IntN(len(src) - n)
			}
			want := make([]int16, n)
			for _, a := range at {
				for i := range want {
					want[i] += int16(src[a+i])
				}
			}
			bothKernels(func() {
				got := slices.Repeat([]int16{-1}, n)
				dsp.SumLevels(got, src, at)
				require.Equal(t, want, got, "%d columns, %d rows", n, rows)
			})
		}
	}
	full := slices.Repeat([]uint8{dsp.MaxLevel}, 128)
	bothKernels(func() {
		got := make([]int16, 70)
		dsp.SumLevels(got, full, make([]int, 256))
		require.Equal(t, slices.Repeat([]int16{256 * dsp.MaxLevel}, 70), got)
	})
	bothKernels(func() { require.Panics(t, func() { dsp.SumLevels(make([]int16, 64), full, []int{0, 65}) }) })
}

func TestRanks(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, rows := range []int{1, 2, 9, 128, 300} {
		for _, most := range []int{1, 5, 4096} {
			x := make([]int16, rows*dsp.RankLanes)
			for i := range x {
				x[i] = int16(rng.IntN(most))
			}
			for _, k := range []int{0, rows / 2, rows - 1} {
				var want [dsp.RankLanes]int16
				for c := range want {
					var column []int16
					for r := range rows {
						column = append(column, x[r*dsp.RankLanes+c])
					}
					slices.Sort(column)
					want[c] = column[k]
				}
				bothKernels(func() { require.Equal(t, want, dsp.Ranks(x, k), "%d of %d rows", k, rows) })
			}
		}
	}
}

func TestAbove(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, n := range []int{0, 1, 63, 64, 65, 200} {
		x, limit := make([]int16, n), make([]int16, n)
		var want []int
		for i := range x {
			x[i], limit[i] = int16(rng.IntN(5)-2), int16(rng.IntN(5)-2)
			if i%7 == 0 {
				x[i], limit[i] = 32767, -32768
			}
			if x[i] > limit[i] {
				want = append(want, i)
			}
		}
		bothKernels(func() {
			set := slices.Repeat([]uint64{^uint64(0)}, (n+63)/64)
			dsp.Above(set, x, limit)
			require.Equal(t, want, slices.Collect(dsp.SetBits(set)))
			for i := range dsp.SetBits(set) {
				require.Equal(t, want[0], i)
				break
			}
		})
	}
}

// FromYCbCr gives the colours of package image/draw, of pictures whose colours are of any size, and of parts of them.
func TestFromYCbCr(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	bothKernels(func() {
		for ratio := image.YCbCrSubsampleRatio444; ratio <= image.YCbCrSubsampleRatio410; ratio++ {
			whole := image.NewYCbCr(image.Rect(0, 0, 1403, 803), ratio) // enough for several processors
			for _, plane := range [][]uint8{whole.Y, whole.Cb, whole.Cr} {
				for x := range plane {
					plane[x] = uint8(min(max(r.IntN(300)-20, 0), 255)) // ends of the range are frequent
				}
			}
			for _, part := range []image.Rectangle{whole.Rect, image.Rect(1, 1, 60, 20), image.Rect(2, 3, 9, 5), image.Rect(5, 2, 6, 3), {}} {
				src := whole.SubImage(part).(*image.YCbCr)
				want, got := image.NewRGBA(image.Rect(0, 0, part.Dx(), part.Dy())), image.NewRGBA(image.Rect(0, 0, part.Dx(), part.Dy()))
				draw.Draw(want, want.Rect, src, part.Min, draw.Src)
				dsp.FromYCbCr(got, src)
				require.True(t, bytes.Equal(want.Pix, got.Pix), "%v, %v", ratio, part)
			}
		}
	})
}
