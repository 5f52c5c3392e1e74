package dsp_test

import (
	"fmt"
	"image"
	"math"
	"math/cmplx"
	"os"
	"slices"
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
	radii := []float64{0, 0.5, 1, 3.25, 7, 20, 33.3, 50, 63.5, 61.9, 62, 900}
	for _, dir := range [][2]float64{{1, 0}, {0, 1}, {0, -1}, {0.6, -0.8}, {0.6, 0.8}} {
		requireSame(t, func() []float32 {
			dst := make([]float32, len(radii))
			dsp.SampleRay(dst, p, radii, dir[0], 32, dir[1])
			return dst
		}, dir)
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

func TestEnlargerHasTheSameBits(t *testing.T) {
	for _, c := range [][4]int{{1, 1, 5, 4}, {3, 2, 40, 9}, {20, 9, 20, 9}, {31, 17, 100, 60}, {64, 3, 65, 80}} {
		p := hostilePlane(c[0], c[1], 3)
		read := func(e *dsp.Enlarger) func() []float32 {
			return func() []float32 {
				out := dsp.NewPlane(c[2], c[3])
				for y := range c[3] {
					e.Row(y, out.Row(y))
				}
				return out.Pix
			}
		}
		requireSame(t, func() []float32 { return read(dsp.NewEnlarger(p, c[2], c[3]))() }, c)
		requireSame(t, func() []float32 { return read(dsp.NewScaler(p, c[2], 0.31, 0.2))() }, "scaler", c)
	}
}

func TestShrinkHasTheSameBits(t *testing.T) {
	for _, opaque := range []bool{true, false} {
		for _, c := range [][4]int{{1, 1, 1, 1}, {23, 17, 23, 17}, {64, 9, 17, 4}, {100, 31, 33, 31}, {100, 5, 23, 2}, {100, 5, 15, 5}, {90, 3, 10, 1}, {41, 8, 40, 2}, {9, 9, 1, 1}} {
			img := image.NewNRGBA(image.Rect(0, 0, c[0], c[1]))
			n := noise(8)
			for i := range img.Pix {
				img.Pix[i] = uint8(127 + 127*n.next())
				if i%4 == 3 && (opaque || i/4%37 != 36) {
					img.Pix[i] = 255
				}
			}
			requireSame(t, func() []float32 {
				p := dsp.ShrinkNRGBA(img, c[2], c[3])
				return slices.Concat(p.R.Pix, p.G.Pix, p.B.Pix)
			}, c, opaque)
		}
	}
}

func TestRowsHaveTheSameBits(t *testing.T) {
	for _, n := range []int{0, 1, 7, 8, 9, 31, 64} {
		a, b := hostilePlane(n+1, 1, 1).Pix[1:], hostilePlane(n+3, 1, 2).Pix[3:]
		run := func(f func(dst []float32)) func() []float32 {
			return func() []float32 {
				dst := slices.Clone(a)
				f(dst)
				return dst
			}
		}
		requireSame(t, run(func(dst []float32) { dsp.AddScaled(dst, b, 0.37) }), n)
		requireSame(t, run(func(dst []float32) { dsp.Plane{W: n, H: 1, Pix: dst}.Scale(1.7) }), n)
		requireSame(t, func() []float32 {
			p := dsp.Plane{W: n, H: 1, Pix: a}
			return dsp.RGB{R: p, G: dsp.Plane{W: n, H: 1, Pix: b}, B: p}.Luma().Pix
		}, n)

		src := make([]uint8, 4*n)
		for i := range src {
			src[i] = uint8(37 * i)
		}
		requireSame(t, func() []float32 {
			dst := make([]uint8, 4*n)
			dsp.AddLumaChroma(dst, src, a, b, 0.344, 1.772)
			out := make([]float32, len(dst))
			for i, v := range dst {
				out[i] = float32(v)
			}
			return out
		}, n)
	}
}

func TestAddLumaChromaRoundsAndCuts(t *testing.T) {
	luma, chroma := make([]float32, 9), make([]float32, 9)
	src, dst := make([]uint8, 36), make([]uint8, 36)
	for i := range src {
		src[i] = 100
	}
	copy(luma, []float32{0, 0.49, 0.5, -0.5, -0.51, 200, -200, 1e9, -1e9})
	dsp.AddLumaChroma(dst, src, luma, chroma, 1, 1)
	for i, want := range []uint8{100, 100, 101, 100, 99, 255, 0, 255, 0} {
		require.Equal(t, []uint8{want, want, want, 100}, dst[4*i:4*i+4])
	}
	clear(luma)
	chroma[0] = 10
	dsp.AddLumaChroma(dst, src, luma, chroma, 0.5, 2)
	require.Equal(t, []uint8{100, 105, 80, 100}, dst[:4])
}

func TestToneCellsHaveTheSameBits(t *testing.T) {
	for _, c := range [][4]int{{1, 1, 4, 4}, {37, 20, 8, 8}, {64, 33, 32, 32}, {31, 9, 40, 40}, {40, 40, 7, 5}} {
		for _, grid := range []float64{1024, 1000} {
			for _, n := range []int{1, 16, 21, 32} {
				src := noise(n)
				f := make([]dsp.Tone, n)
				for i := range f {
					f[i] = dsp.Tone{X: math.Round(100*float64(src.next())) / grid, Y: math.Round(100*float64(src.next())) / grid}
				}
				p := hostilePlane(c[0], c[1], 3)
				requireSame(t, func() []float32 {
					sums, _, _ := dsp.ToneCells(p, -7, 1300, f, c[2], c[3])
					return floats(sums)
				}, c, grid, n)
			}
		}
	}
}

func TestToneCellsAgainstDefinition(t *testing.T) {
	const x0, y0, cw, ch = 5, -9, 6, 4
	p := noisePlane(21, 11, 3)
	for _, f := range [][]dsp.Tone{{{X: 31. / 1024, Y: -77. / 1024}, {X: -1. / 1024}}, {{X: 0.03, Y: 0.1}, {X: -0.4, Y: 0.031}}} {
		got, nx, ny := dsp.ToneCells(p, x0, y0, f, cw, ch)
		require.Equal(t, []int{3, 2}, []int{nx, ny})
		want := make([]complex128, len(got))
		for y := range p.H {
			for x := range p.W {
				for k, q := range f {
					i := (min(y/ch, ny-1)*nx + min(x/cw, nx-1)) * len(f)
					want[i+k] += complex(float64(p.Pix[y*p.W+x]), 0) * cmplx.Rect(1, -2*math.Pi*(q.X*float64(x+x0)+q.Y*float64(y+y0)))
				}
			}
		}
		for i, v := range want {
			require.InDelta(t, 0, cmplx.Abs(v-complex128(got[i])), 1e-5)
		}
	}
}

func TestFiltersHaveTheSameBits(t *testing.T) {
	for _, c := range [][2]int{{1, 1}, {3, 40}, {8, 9}, {16, 16}, {17, 33}, {40, 7}, {67, 50}} {
		p, q := hostilePlane(c[0], c[1], 3), noisePlane(c[0], c[1], 3)
		q.Scale(60)
		for name, f := range map[string]func() dsp.Plane{
			"box3":      func() dsp.Plane { return dsp.Box(p, 3) },
			"box9":      func() dsp.Plane { return dsp.Box(p, 9) },
			"gauss0.7":  func() dsp.Plane { return dsp.Gauss(p, 0.7) },
			"gauss3":    func() dsp.Plane { return dsp.Gauss(p, 3) },
			"erode":     func() dsp.Plane { return dsp.Erode(p, 5) },
			"dilate":    func() dsp.Plane { return dsp.Dilate(p, 3) },
			"bilateral": func() dsp.Plane { return dsp.Bilateral(q, 5, 6, 4) },
			"detail":    func() dsp.Plane { return dsp.Detail(q, 5, 6, 4) },
			"level":     func() dsp.Plane { return leveled(p.Clone()) },
		} {
			requireSame(t, func() []float32 { return f().Pix }, name, c)
		}
	}
}

// leveled is Level in the memory of p.
func leveled(p dsp.Plane) dsp.Plane {
	dsp.Level(p, dsp.NewPlane(p.W, p.H), 2, 0.5, 3)
	return p
}

func TestDCT2HasTheSameBits(t *testing.T) {
	for _, n := range []int{1, 2, 4, 8, 16, 64} {
		requireSame(t, func() []float32 { return dsp.DCT2(hostilePlane(n-n/3, n-n/4, 3), n).Pix }, n)
		requireSame(t, func() []float32 {
			c := hostilePlane(n, n, 3)
			clear(c.Pix[n*n/2:]) // rows of zeros
			return dsp.InverseDCT2(c, n, n-n/4).Pix
		}, n)
	}
}

func TestSpectraHaveTheSameBits(t *testing.T) {
	for _, c := range [][2]int{{2, 1}, {6, 5}, {16, 8}, {30, 25}, {64, 48}} {
		s := func() dsp.Spectrum {
			return dsp.NewFFT2(c[0], c[1]).Forward(noisePlane(c[0], c[1], 7))
		}
		requireSame(t, func() []float32 { return s().Powers(nil, s().Stride()).Pix }, c)
		requireSame(t, func() []float32 {
			s := s()
			s.Weigh(hostilePlane(s.Stride(), s.H, 1))
			return floats(s.C)
		}, c)
		requireSame(t, func() []float32 { return []float32{dsp.MaxAbs(s().C)} }, c)
		requireSame(t, func() []float32 { return dsp.LocalPower(s().Powers(nil, s().Stride()), 9, 1e-3).Pix }, c)
	}
}

func TestPowersAreThoseOfTheSpectrum(t *testing.T) {
	for _, c := range []struct{ w, h, pw, ph int }{{1, 1, 2, 1}, {7, 33, 8, 36}, {33, 17, 40, 45}, {64, 31, 64, 32}} {
		p := noisePlane(c.w, c.h, 5)
		whole := dsp.NewFFT2(c.pw, c.ph).Forward(p).Powers(nil, c.pw/2+1)
		require.Equal(t, whole, dsp.NewFFT2(c.pw, c.ph).Powers(p))
		n := c.pw/4 + 1 // columns
		low := dsp.NewFFT2(c.pw, c.ph).ForwardLow(p, n)
		require.Equal(t, whole.Window(0, 0, n, c.ph), low.Powers(nil, n))
		low.Weigh(dsp.NewPlane(n, c.ph))
		require.Zero(t, dsp.MaxAbs(low.C))
	}
}

// The local power of the whole spectrum, of which half is held, is a mean over windows that
// go round, twice.
func TestLocalPowerAgainstDefinition(t *testing.T) {
	const w, h, n, floor = 20, 12, 7, 1e-3
	p := dsp.NewFFT2(w, h).Powers(noisePlane(w, h, 3))
	p.Pix[3*p.W+4] *= 50
	whole := func(u, v int) float64 {
		if u = (u%w + w) % w; u > w/2 {
			u, v = w-u, -v
		}
		return float64(p.Pix[(v%h+h)%h*p.W+u])
	}
	mean := func(u, v int, f func(u, v int) float64) (sum float64) {
		for j := -n / 2; j <= n/2; j++ {
			for i := -n / 2; i <= n/2; i++ {
				sum += f(u+i, v+j) / (n * n)
			}
		}
		return sum
	}
	want, most := make([]float64, len(p.Pix)), 0.0
	for i := range want {
		want[i] = mean(i%p.W, i/p.W, func(u, v int) float64 { return math.Min(whole(u, v), 3*mean(u, v, whole)) })
		most = math.Max(most, want[i])
	}
	got := dsp.LocalPower(p, n, floor)
	for i := range want {
		require.InEpsilon(t, want[i]+floor*most, got.Pix[i], 1e-5, i)
	}
}

func TestToneGridSumsTones(t *testing.T) {
	for _, n := range []int{16, 64, 256} {
		src := noise(n)
		at := [][2]int{{0, 0}, {-3, 5}, {3, -5}, {n/2 - 1, n/4 + 5}, {1, 5}} // some of one butterfly
		for len(at) < 20 {
			at = append(at, [2]int{int(float32(n) * src.next()), int(float32(n) * src.next())})
		}
		c, tmp := make([]complex64, len(at)), make([]complex64, 2*n*dsp.ColumnBatch)
		for k := range c {
			c[k] = complex(src.next(), src.next())
		}
		g := dsp.NewToneGrid(n, at)
		sums := func() (all []float32) {
			g.EachColumns(c, tmp, func(x int, got []complex64) {
				require.Equal(t, len(all)/(2*n), x)
				require.Len(t, got, n*dsp.ColumnBatch)
				all = append(all, floats(got)...)
			})
			return all
		}
		requireSame(t, sums, n)
		for i, v := range sums() {
			x, y := i/2/(n*dsp.ColumnBatch)*dsp.ColumnBatch+i/2%dsp.ColumnBatch, i/2/dsp.ColumnBatch%n
			var want complex128
			for k, p := range at {
				turn := float64((p[0]*x+p[1]*y)%n) / float64(n)
				want += complex128(c[k]) * cmplx.Exp(complex(0, -2*math.Pi*turn))
			}
			require.InDelta(t, []float64{real(want), imag(want)}[i%2], v, 2e-5, "%d (%d, %d)", n, x, y)
		}
	}
}

func TestSelect(t *testing.T) {
	src := noise(3)
	for n := 1; n < 60; n++ {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(math.Round(20 * float64(src.next()))) // many are equal
		}
		sorted := slices.Sorted(slices.Values(x))
		for k := range n {
			require.Equal(t, sorted[k], dsp.Select(slices.Clone(x), k))
		}
	}
	require.Equal(t, float32(3), dsp.MaxAbs([]complex64{1, complex(0, -3), 2}))
}

func TestSampleRayInterpolates(t *testing.T) {
	p, dst := dsp.NewPlane(20, 30), make([]float32, 9)
	for i := range p.Pix {
		p.Pix[i] = float32(i%20) + 100*float32(i/20)
	}
	r := []float64{0, 1, 2.5, 5, 10, 15.5, 17.5, 23, 40}
	dsp.SampleRay(dst, p, r, 1, 15, -0.5)
	for i, r := range r {
		want := r + 100*(15-r/2)
		if r >= 18 {
			want = 0
		}
		require.InDelta(t, want, dst[i], 1e-3, r)
	}
}

func TestArgMax(t *testing.T) {
	require.Equal(t, -1, dsp.ArgMax(nil))
	for n := 1; n < 70; n++ {
		for at := range n {
			x := make([]float32, n)
			for i := range x {
				x[i] = -5 - float32(i*37%11)
			}
			x[at] = -1
			if at+3 < n {
				x[at+3] = -1
			}
			require.Equal(t, at, dsp.ArgMax(x))
			dsp.Plain(func() { require.Equal(t, at, dsp.ArgMax(x)) })
		}
	}
}
