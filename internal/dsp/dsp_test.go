package dsp_test

import (
	"image"
	"math"
	"math/cmplx"
	"strconv"
	"testing"
	"testing/quick"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/dsp"
)

// noise is a small deterministic source of test signals in [-1, 1).
type noise uint64

func (n *noise) next() float32 {
	*n = *n*6364136223846793005 + 1442695040888963407
	return float32(int32(*n>>32)) / (1 << 31)
}

func noisePlane(w, h int, seed uint64) dsp.Plane {
	n := noise(seed)
	p := dsp.NewPlane(w, h)
	for i := range p.Pix {
		p.Pix[i] = n.next()
	}
	return p
}

func TestCisAndExpAgreeWithMath(t *testing.T) {
	f := func(x float64) bool {
		x = math.Mod(x, 1000)
		if math.IsNaN(x) {
			return true
		}
		c, s := dsp.Cis(x)
		ws, wc := math.Sincos(2 * math.Pi * (x - math.Floor(x)))
		e := math.Mod(x, 700)
		return math.Abs(c-wc) < 2e-15 && math.Abs(s-ws) < 2e-15 && math.Abs(dsp.Exp(e)/math.Exp(e)-1) < 1e-14
	}
	require.NoError(t, quick.Check(f, &quick.Config{MaxCount: 20000}))
	for k := range 8 {
		c, s := dsp.Cis(float64(k) / 8)
		assert.InDelta(t, 1, c*c+s*s, 1e-15)
	}
	assert.Equal(t, 1.0, dsp.Exp(0))
	assert.Equal(t, 0.0, dsp.Exp(-1e9))
}

func slowDFT(x []complex64) []complex128 {
	n := len(x)
	out := make([]complex128, n)
	for k := range out {
		for j, v := range x {
			out[k] += complex128(v) * cmplx.Rect(1, -2*math.Pi*float64(j*k%n)/float64(n))
		}
	}
	return out
}

func TestFFTAgainstDefinition(t *testing.T) {
	src := noise(1)
	for _, n := range []int{1, 2, 3, 4, 5, 6, 8, 12, 15, 16, 20, 32, 60, 64, 128, 240, 375} {
		x := make([]complex64, n)
		for i := range x {
			x[i] = complex(src.next(), src.next())
		}
		want := slowDFT(x)
		got := append([]complex64(nil), x...)
		f, tmp := dsp.NewFFT(n), make([]complex64, n)
		f.Forward(got, tmp)
		for k := range want {
			assert.InDelta(t, 0, cmplx.Abs(want[k]-complex128(got[k])), 3e-6*float64(n), "n=%d k=%d", n, k)
		}
		f.Inverse(got, tmp)
		for k := range x {
			assert.InDelta(t, 0, cmplx.Abs(complex128(got[k])/complex(float64(n), 0)-complex128(x[k])), 1e-5, "n=%d k=%d", n, k)
		}
	}
	assert.Panics(t, func() { dsp.NewFFT(7) })
}

func TestFFT2RoundTripAndParseval(t *testing.T) {
	for _, c := range []struct{ w, h, pw, ph int }{{16, 16, 16, 16}, {13, 9, 16, 12}, {30, 21, 30, 25}, {5, 40, 6, 40}} {
		p := noisePlane(c.w, c.h, uint64(c.w))
		f := dsp.NewFFT2(c.pw, c.ph)
		s := f.Forward(p)
		sum := 0.0
		for y := range s.H {
			for k := range s.Stride() {
				v := s.C[y*s.Stride()+k]
				g := 2.0
				if k == 0 || k == s.W/2 {
					g = 1
				}
				sum += g * float64(real(v)*real(v)+imag(v)*imag(v))
			}
		}
		assert.InEpsilon(t, p.SumSquares()*float64(c.pw*c.ph), sum, 1e-4)
		q := f.Inverse(s, c.w, c.h)
		for i := range p.Pix {
			require.InDelta(t, p.Pix[i], q.Pix[i], 1e-5, "%v at %d", c, i)
		}
	}
}

func TestInverseDCT2AgainstDefinition(t *testing.T) {
	const n = 16
	c := noisePlane(n, n, 3)
	got := dsp.InverseDCT2(c, n, n)
	require.Equal(t, got.Window(0, 0, 11, 5), dsp.InverseDCT2(c, 11, 5))
	s := func(k int) float64 {
		if k == 0 {
			return math.Sqrt(1.0 / n)
		}
		return math.Sqrt(2.0 / n)
	}
	for y := range n {
		for x := range n {
			want := 0.0
			for v := range n {
				for u := range n {
					want += s(u) * s(v) * float64(c.Pix[v*n+u]) * math.Cos(math.Pi*float64((2*x+1)*u)/(2*n)) * math.Cos(math.Pi*float64((2*y+1)*v)/(2*n))
				}
			}
			require.InDelta(t, want, got.Pix[y*n+x], 1e-5)
		}
	}
}

func TestDCT2UndoesItsInverse(t *testing.T) {
	p := noisePlane(32, 32, 4)
	back := dsp.DCT2(dsp.InverseDCT2(p, 32, 32), 32)
	for i, v := range p.Pix {
		require.InDelta(t, v, back.Pix[i], 1e-5)
	}
	part := noisePlane(21, 13, 5) // the rest is zero
	full := dsp.NewPlane(32, 32)
	for y := range part.H {
		copy(full.Row(y), part.Row(y))
	}
	assert.Equal(t, dsp.DCT2(full, 32), dsp.DCT2(part, 32))
}

func TestLumaNRGBAIsThatOfThePlanes(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 37, 131))
	n := noise(8)
	for i := range img.Pix {
		img.Pix[i] = uint8(128 + 127*n.next())
	}
	assert.Equal(t, dsp.ShrinkNRGBA(img, 37, 131).Luma(), dsp.LumaNRGBA(img))
	for i := 3; i < len(img.Pix); i += 4 { // but for one pixel in the last rows
		img.Pix[i] = 255
	}
	img.Pix[len(img.Pix)-1] = 3
	assert.Equal(t, dsp.ShrinkNRGBA(img, 37, 131).Luma(), dsp.LumaNRGBA(img))
}

// What is made of a picture row by row is what its whole luma gives, also where few rows are mirrored many times.
func TestLazyLumaIsThatOfThePlane(t *testing.T) {
	for _, size := range []image.Point{{1, 1}, {3, 2}, {40, 7}, {37, 131}, {1100, 1000}} {
		img, n := image.NewNRGBA(image.Rectangle{Max: size}), noise(9)
		for i := range img.Pix {
			img.Pix[i] = uint8(128 + 127*n.next())
			if i%4 == 3 && i < len(img.Pix)/2 {
				img.Pix[i] = 255
			}
		}
		p, lazy, y := dsp.LumaNRGBA(img), dsp.LazyLuma(img), 0
		for row := range lazy.Rows {
			require.Equal(t, p.Row(y), row)
			y++
		}
		require.Equal(t, size.Y, y)
		w, h := (size.X+2)/3, (size.Y+1)/2
		require.Equal(t, dsp.Shrink(p, w, h), lazy.Shrink(w, h))
		for _, sigma := range []float64{0.4, 1.3, 6} {
			require.Equal(t, dsp.Gauss(p, sigma), lazy.Gauss(sigma))
			require.Equal(t, p.Lazy().Soft(sigma, w, h), lazy.Soft(sigma, w, h))
		}
	}
}

func TestLnAgreesWithMath(t *testing.T) {
	f := func(x float64) bool {
		x = math.Abs(x)
		if x == 0 || math.IsNaN(x) {
			return math.IsInf(dsp.Ln(0), -1)
		}
		return math.Abs(dsp.Ln(x)-math.Log(x)) <= 1e-14*math.Max(1, math.Abs(math.Log(x)))
	}
	require.NoError(t, quick.Check(f, nil))
	for _, x := range []float64{1e-300, 0.5, math.Sqrt2, 1, 2, 1e300} {
		assert.True(t, f(x), x)
	}
}

func mirror(i, n int) int {
	for i < 0 || i >= n {
		if i < 0 {
			i = -1 - i
		} else {
			i = 2*n - 1 - i
		}
	}
	return i
}

func TestFiltersAgainstDefinition(t *testing.T) {
	p := noisePlane(19, 75, 5) // more rows than the bilateral filter takes at once
	box, lo, hi := dsp.Box(p, 5), dsp.Erode(p, 5), dsp.Dilate(p, 3)
	const grey = 40 // values are told apart in eighths of a grey level
	q := p.Clone()
	q.Scale(grey)
	bil := dsp.Bilateral(q, 2, 0.7*grey, 1.5)
	for y := range p.H {
		for x := range p.W {
			sum, least, most := 0.0, float32(9), float32(-9)
			num, den := 0.0, 0.0
			for dy := -2; dy <= 2; dy++ {
				for dx := -2; dx <= 2; dx++ {
					v := p.Pix[mirror(y+dy, p.H)*p.W+mirror(x+dx, p.W)]
					sum += float64(v)
					inside := y+dy >= 0 && y+dy < p.H && x+dx >= 0 && x+dx < p.W
					if inside {
						least = min(least, v)
					}
					if inside && max(dx, -dx) <= 1 && max(dy, -dy) <= 1 {
						most = max(most, v)
					}
					if d := float64(dx*dx + dy*dy); d <= 4 && (dx+dy)%2 == 0 {
						dv := float64(v - p.Pix[y*p.W+x])
						g := math.Exp(-d/4.5) * math.Exp(-dv*dv/0.98)
						num, den = num+g*float64(v), den+g
					}
				}
			}
			i := y*p.W + x
			require.InDelta(t, sum/25, box.Pix[i], 1e-6)
			require.Equal(t, least, lo.Pix[i])
			require.Equal(t, most, hi.Pix[i])
			require.InDelta(t, num/den, bil.Pix[i]/grey, 2e-3)
		}
	}
	flat := dsp.NewPlane(9, 7)
	for i := range flat.Pix {
		flat.Pix[i] = 3
	}
	for i, v := range dsp.Gauss(flat, 1.3).Pix {
		require.InDelta(t, 3, v, 1e-5, i)
	}
}

func TestShrinkIsTheAreaMean(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 23, 17))
	n := noise(8)
	for i := range img.Pix {
		img.Pix[i] = uint8(127 + 127*n.next())
		if i%4 == 3 && i%3 != 0 {
			img.Pix[i] = 255
		}
	}
	for _, c := range [][2]int{{23, 17}, {10, 7}, {7, 17}, {1, 1}} {
		got := dsp.ShrinkNRGBA(img, c[0], c[1])
		for y := range c[1] {
			for x := range c[0] {
				require.InDelta(t, areaMean(img, x, y, c[0], c[1]), got.G.Pix[y*c[0]+x], 1e-3, "%v at %d,%d", c, x, y)
			}
		}
	}
}

// areaMean is green over white under sample (x, y) of a w x h grid.
func areaMean(img *image.NRGBA, x, y, w, h int) float64 {
	sw, sh := img.Rect.Dx(), img.Rect.Dy()
	overlap := func(i, k, from, to int) float64 {
		a, b := float64(i*from)/float64(to), float64((i+1)*from)/float64(to)
		return max(0, min(b, float64(k+1))-max(a, float64(k)))
	}
	sum, area := 0.0, 0.0
	for j := range sh {
		for i := range sw {
			g := overlap(x, i, sw, w) * overlap(y, j, sh, h)
			c := img.NRGBAAt(i, j)
			sum += g * (255 + float64(c.A)/255*(float64(c.G)-255))
			area += g
		}
	}
	return sum / area
}

func TestEnlargerKeepsLinesAndConstants(t *testing.T) {
	p := dsp.NewPlane(8, 6)
	for y := range 6 {
		for x := range 8 {
			p.Pix[y*8+x] = float32(2*x + 3*y)
		}
	}
	e := dsp.NewEnlarger(p, 24, 18)
	row := make([]float32, 24)
	for y := 6; y < 12; y++ {
		e.Row(y, row)
		for x := 6; x < 18; x++ {
			want := 2*((float64(x)+0.5)/3-0.5) + 3*((float64(y)+0.5)/3-0.5)
			require.InDelta(t, want, row[x], 0.35, "cubic convolution with a=-3/4 is not exact on lines but close")
		}
	}
	same := dsp.NewEnlarger(p, 8, 6)
	row = make([]float32, 8)
	for y := range 6 {
		same.Row(y, row)
		require.Equal(t, p.Row(y), row)
	}
}

func TestSoftResamplesABlurredPlane(t *testing.T) {
	for _, c := range [][4]int{{40, 30, 40, 30}, {101, 67, 31, 20}, {64, 9, 17, 4}, {20, 30, 50, 71}} {
		p, sigma := noisePlane(c[0], c[1], 5), 0.45*float64(c[0])/float64(c[2])
		want := dsp.NewPlane(c[2], c[3])
		e := dsp.NewEnlarger(dsp.Gauss(p, sigma), c[2], c[3])
		for y := range c[3] {
			e.Row(y, want.Row(y))
		}
		require.Equal(t, want, p.Lazy().Soft(sigma, c[2], c[3]))
	}
}

var kernels = []dsp.Kernel{dsp.Area, dsp.Linear, dsp.Cubic, dsp.Lanczos}

func TestResizeKeepsConstantsAndPixels(t *testing.T) {
	flat, p := dsp.NewPlane(50, 41), noisePlane(50, 41, 9)
	for i := range flat.Pix {
		flat.Pix[i] = 77
	}
	for _, k := range kernels {
		for _, r := range []dsp.Rect{{W: 50, H: 41}, {X: -3, Y: 2.3, W: 60, H: 31.7}, {X: 20.25, Y: 8, W: 7, H: 9}} {
			for _, v := range dsp.Resize(flat, r, 17, 12, k).Pix {
				require.InDelta(t, 77, v, 1e-4)
			}
		}
		got := dsp.Resize(p, dsp.Rect{X: 4, Y: 7, W: 30, H: 20}, 30, 20, k)
		for y := range got.H {
			for x, v := range got.Row(y) {
				require.InDelta(t, p.Row(y + 7)[x+4], v, 1e-6, "whole samples stay")
			}
		}
	}
}

func TestResizeByArea(t *testing.T) {
	p := noisePlane(90, 64, 4)
	want, got := dsp.NewPlane(30, 16), dsp.Resize(p, dsp.Rect{W: 90, H: 64}, 30, 16, dsp.Area)
	for i := range p.Pix {
		want.Pix[i/90/4*30+i%90/3] += p.Pix[i] / 12
	}
	for i, v := range want.Pix {
		require.InDelta(t, v, got.Pix[i], 1e-5)
	}
}

func TestResizeKeepsSlopes(t *testing.T) {
	p := dsp.NewPlane(120, 80)
	for i := range p.Pix {
		p.Pix[i] = float32(i%120) - 2*float32(i/120)
	}
	r := dsp.Rect{X: 20.3, Y: 15.8, W: 70, H: 44}
	for _, k := range kernels {
		for _, side := range []int{13, 100} {
			got := dsp.Resize(p, r, side, side, k)
			for i, v := range got.Pix {
				x := r.X + (float64(i%side)+0.5)*r.W/float64(side) - 0.5
				y := r.Y + (float64(i/side)+0.5)*r.H/float64(side) - 0.5
				require.InDelta(t, x-2*y, v, 0.15)
			}
		}
	}
}

func BenchmarkFFT2(b *testing.B) {
	for _, n := range []int{512, 1024, 2048} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			p, f := noisePlane(n, n, 1), dsp.NewFFT2(n, n)
			plainAndOwn(b, 4*n*n, func() { f.Forward(p) })
		})
	}
}

func BenchmarkBilateral(b *testing.B) {
	p := noisePlane(1024, 768, 1)
	p.Scale(100)
	plainAndOwn(b, 4*len(p.Pix), func() { dsp.Bilateral(p, 5, 6, 4) })
}

// plainAndOwn runs a benchmark with the plain kernels and with the processor's own.
func plainAndOwn(b *testing.B, bytes int, f func()) {
	b.Run("plain", func(b *testing.B) {
		dsp.Plain(func() {
			b.SetBytes(int64(bytes))
			for b.Loop() {
				f()
			}
		})
	})
	b.Run("own", func(b *testing.B) {
		b.SetBytes(int64(bytes))
		for b.Loop() {
			f()
		}
	})
}

func BenchmarkSampleTorus(b *testing.B) {
	t, dst := dsp.NewTorus(noisePlane(1024, 1024, 1)), make([]float32, 1024)
	plainAndOwn(b, 4*1024*768, func() {
		for y := range 768 {
			t.SampleCubic(dst, dsp.Line{X: 0.7, X0: float64(y), Y: 0.7, Y0: float64(y), W0: 1})
		}
	})
}

func BenchmarkFilters(b *testing.B) {
	p := noisePlane(1024, 768, 1)
	for _, f := range []struct {
		name string
		f    func()
	}{
		{"Box21", func() { dsp.Box(p, 21) }},
		{"Gauss4", func() { dsp.Gauss(p, 4) }},
		{"Dilate3", func() { dsp.Dilate(p, 3) }},
		{"Erode5", func() { dsp.Erode(p, 5) }},
	} {
		b.Run(f.name, func(b *testing.B) { plainAndOwn(b, 4*len(p.Pix), f.f) })
	}
}

func BenchmarkInverseDCT2(b *testing.B) {
	p := noisePlane(1024, 1024, 1)
	clear(p.Pix[800*1024:])
	plainAndOwn(b, 4*len(p.Pix), func() { dsp.InverseDCT2(p, p.W, p.H) })
}

func BenchmarkToneCells(b *testing.B) {
	p, n := noisePlane(1024, 768, 1), noise(1)
	lattice, free := make([]dsp.Tone, 32), make([]dsp.Tone, 32)
	for k := range lattice {
		free[k] = dsp.Tone{X: 0.1 * float64(n.next()), Y: 0.1 * float64(n.next())}
		lattice[k] = dsp.Tone{X: math.Round(1024*free[k].X) / 1024, Y: math.Round(1024*free[k].Y) / 1024}
	}
	b.Run("lattice32", func(b *testing.B) {
		plainAndOwn(b, 4*len(p.Pix), func() { dsp.ToneCells(p, 0, 0, lattice, 32, 32) })
	})
	b.Run("free", func(b *testing.B) {
		plainAndOwn(b, 4*len(p.Pix), func() { dsp.ToneCells(p, 0, 0, free, 1024, 768) })
	})
}

func BenchmarkRows(b *testing.B) {
	img := image.NewNRGBA(image.Rect(0, 0, 4000, 3000))
	for i := range img.Pix {
		img.Pix[i] = uint8(i) | uint8(i%4/3*255)
	}
	b.Run("Shrink", func(b *testing.B) {
		plainAndOwn(b, len(img.Pix), func() { dsp.ShrinkNRGBA(img, 1024, 768) })
	})
	p, out := noisePlane(1024, 768, 1), make([]uint8, 4*4000)
	luma, chroma := make([]float32, 4000), make([]float32, 4000)
	b.Run("EnlargeAndAdd", func(b *testing.B) {
		plainAndOwn(b, len(img.Pix), func() {
			el, ec := dsp.NewEnlarger(p, 4000, 3000), dsp.NewEnlarger(p, 4000, 3000)
			for y := range 3000 {
				el.Row(y, luma)
				ec.Row(y, chroma)
				dsp.AddLumaChroma(out, img.Pix[y*img.Stride:(y+1)*img.Stride], luma, chroma, 0.344, 1.772)
			}
		})
	})
	b.Run("SumLevels", func(b *testing.B) {
		levels, sums, at := make([]uint8, 8192), make([]int16, len(luma)), make([]int, 32)
		for k := range at {
			at[k] = 100 * k
		}
		plainAndOwn(b, len(at)*len(sums), func() { dsp.SumLevels(sums, levels, at) })
	})
}

func BenchmarkDCT2(b *testing.B) {
	p := noisePlane(1024, 720, 3)
	for b.Loop() {
		dsp.DCT2(p, 1024)
	}
}
