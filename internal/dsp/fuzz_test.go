package dsp_test

import (
	"image"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/dsp"
)

// An input is what a fuzzed kernel works on: slices of n elements or a few more, which
// begin offset elements behind the start of their memory.
type input struct {
	n, offset int
	noise
}

func (in *input) floats(n int) []float32 {
	x := make([]float32, in.offset+n)
	for i := range x {
		x[i] = in.hostile()
	}
	return x[in.offset:]
}

func (in *input) bytes(n int) []uint8 {
	x := make([]uint8, in.offset+n)
	for i := range x {
		if x[i] = uint8(127.5 + 127.5*in.next()); in.noise>>58 == 0 {
			x[i] = 255
		}
	}
	return x[in.offset:]
}

func (in *input) shorts(n int) []int16 {
	x := make([]int16, in.offset+n)
	for i := range x {
		x[i] = int16(2048 + 2047*in.next())
	}
	return x[in.offset:]
}

// below draws a number of 0 to n-1.
func (in *input) below(n int) int { return min(int(float32(n)*(in.next()+1)/2), n-1) }

func (in *input) plane(w, h int) dsp.Plane { return dsp.Plane{W: w, H: h, Pix: in.floats(w * h)} }

// picture returns a plane of about n samples, at least 1 x 1.
func (in *input) picture() dsp.Plane {
	w := 1 + in.below(in.n+1)
	return in.plane(w, 1+in.n/w)
}

func (in *input) line() dsp.Line {
	v := func() float64 { return float64(in.next()) }
	return dsp.Line{X: v(), X0: 20 * v(), X1: v(), Y: v(), Y0: 20 * v(), Y1: v(), W: v() / 1000, W0: 1, U: 10 * v()}
}

func asFloats[T uint8 | int16 | uint64](x []T) []float32 {
	out := make([]float32, 0, 4*len(x))
	for _, v := range x {
		for k := range 4 { // sixteen bits each: a float holds them all
			out = append(out, float32(uint64(v)>>(16*k)&0xffff))
		}
	}
	return out
}

// fuzzed call every kernel of kernels_amd64.s, through the functions that use them.
var fuzzed = []struct {
	name string
	run  func(in *input) []float32
}{
	{"radix2 radix3 radix4 radix5 last4 copyBlock interleave split", func(in *input) []float32 {
		p := in.picture()
		f := dsp.NewFFT2(dsp.FastEven(p.W), dsp.FastLen(p.H))
		s := f.Forward(p)
		spectrum := floats(s.C)
		return append(spectrum, f.Inverse(s, p.W, p.H).Pix...)
	}},
	{"sparse4", func(in *input) (all []float32) {
		n, at := []int{16, 64}[in.below(2)], make([][2]int, 1+in.n%20)
		c := make([]complex64, len(at))
		for k := range at {
			at[k], c[k] = [2]int{in.below(2*n) - n, in.below(2*n) - n}, complex(in.next(), in.next())
		}
		g := dsp.NewToneGrid(n, at)
		g.EachColumns(c, make([]complex64, 2*n*dsp.ColumnBatch), func(_ int, sums []complex64) { all = append(all, floats(sums)...) })
		return all
	}},
	{"maxAbs", func(in *input) []float32 {
		x := in.floats(2 * in.n)
		c := make([]complex64, in.offset+in.n)[in.offset:]
		for i := range c {
			c[i] = complex(x[2*i], x[2*i+1])
		}
		return []float32{dsp.MaxAbs(c)}
	}},
	{"positions cubic", func(in *input) []float32 {
		dst := make([]float32, in.offset+in.n)[in.offset:]
		dsp.SampleCubic(dst, in.plane(4+in.below(40), 4+in.below(40)), in.line())
		return dst
	}},
	{"positions linear", func(in *input) []float32 {
		dst := make([]float32, in.offset+in.n)[in.offset:]
		dsp.SampleLinear(dst, in.plane(4+in.below(40), 4+in.below(40)), in.line())
		return dst
	}},
	{"positions of a list", func(in *input) []float32 {
		r := make([]float64, in.n)
		for i := range r {
			r[i] = float64(in.below(50))
		}
		dst := make([]float32, len(r))
		dsp.SampleRay(dst, in.plane(30, 30), r, math.Abs(float64(in.next())), 15, float64(in.next()))
		return dst
	}},
	{"widen weighted", func(in *input) []float32 {
		p := in.picture()
		w, h := p.W+in.below(40), p.H+in.below(9)
		e, out := dsp.NewEnlarger(p, w, h), dsp.NewPlane(w, h)
		for y := range h {
			e.Row(y, out.Row(y))
		}
		return out.Pix
	}},
	{"addRow", func(in *input) []float32 {
		dst := make([]uint8, in.offset+4*in.n)[in.offset:]
		dsp.AddLumaChroma(dst, in.bytes(4*in.n), in.floats(in.n), in.floats(in.n), in.next(), in.next())
		return asFloats(dst)
	}},
	{"shrinkRow", func(in *input) []float32 {
		w, h := 1+in.n, 3
		img := &image.NRGBA{Pix: in.bytes(4 * w * h), Stride: 4 * w, Rect: image.Rect(0, 0, w, h)}
		for i := 3; i < len(img.Pix) && in.offset%3 > 0; i += 4 {
			img.Pix[i] = 255
		}
		c := dsp.ShrinkNRGBA(img, 1+in.below(w), 1+in.below(h))
		return append(append(c.R.Pix, c.G.Pix...), c.B.Pix...)
	}},
	{"addScaled", func(in *input) []float32 {
		dst := in.floats(in.n)
		dsp.AddScaled(dst, in.floats(in.n+3), in.next())
		return dst
	}},
	{"combine", func(in *input) []float32 {
		src := in.plane(1+in.below(50), 1+in.below(9))
		dst := dsp.NewPlane(src.W, 1+in.below(11))
		for i := range dst.Pix {
			dst.Pix[i] = 7
		}
		dsp.Combine(dst, src, in.floats(dst.H*src.H))
		return dst.Pix
	}},
	{"max", func(in *input) []float32 { return dsp.Dilate(in.picture(), 5).Pix }},
	{"min", func(in *input) []float32 { return dsp.Erode(in.picture(), 3).Pix }},
	{"toneRows", func(in *input) []float32 {
		f := make([]dsp.Tone, 1+in.below(33))
		for k := range f {
			f[k] = dsp.Tone{X: float64(in.next()) / 2, Y: float64(in.next()) / 2}
		}
		c, _, _ := dsp.ToneCells(in.picture(), in.below(99), in.below(99), f, 1+in.below(40), 1+in.below(40))
		return floats(c)
	}},
	{"bilateral", func(in *input) []float32 {
		p := in.picture()
		for i := range p.Pix {
			p.Pix[i] = 100 * in.next()
		}
		return dsp.Bilateral(p, 1+in.below(5), 6, 4).Pix
	}},
	{"level", func(in *input) []float32 { return leveled(in.picture()).Pix }},
	{"symmetric64", func(in *input) []float32 {
		src, dst, out := make([]float64, in.n+2), make([]float64, in.n), make([]float32, in.n)
		for i := range src {
			src[i] = float64(in.next())
		}
		dsp.Symmetric64(dst, src, []int64{1, 1, 0, 2}, []float64{0.5, 0.25})
		for i, v := range dst {
			out[i] = float32(v)
		}
		return out
	}},
	{"symmetric", func(in *input) []float32 { return dsp.Gauss(in.picture(), 0.3+float64(in.below(4))).Pix }},
	{"box intoColumns intoRows", func(in *input) []float32 { return dsp.Box(in.picture(), 1+2*in.below(9)).Pix }},
	{"means slide", func(in *input) []float32 {
		var sum [dsp.Lanes]float32
		src, counts, out := in.floats((in.n+9)*dsp.Lanes), in.floats(in.n), make([]float32, (in.n+1)*dsp.Lanes)
		add, sub := dsp.Strip{Pix: src[8*dsp.Lanes:], Step: dsp.Lanes}, dsp.Strip{Pix: src, Step: dsp.Lanes}
		for i := range counts {
			counts[i] = float32(1 + in.below(9))
		}
		dsp.Slide(&sum, add, sub, in.below(in.n+1))
		dsp.Means(&sum, dsp.Strip{Pix: out, Step: dsp.Lanes}, add, sub, counts)
		return append(out, sum[:]...)
	}},
	{"luma", func(in *input) []float32 {
		dst := make([]float32, in.offset+in.n)[in.offset:]
		dsp.Luma(dst, in.bytes(4*in.n+in.below(9)))
		return dst
	}},
	{"sumLevels", func(in *input) []float32 {
		src, at, dst := in.bytes(in.n+99), make([]int, 2*in.below(20)), make([]int16, in.n)
		for i := range src {
			src[i] &= dsp.MaxLevel
		}
		for i := range at {
			at[i] = in.below(100)
		}
		dsp.SumLevels(dst, src, at)
		return asFloats(dst)
	}},
	{"ranks", func(in *input) []float32 {
		rows := 1 + in.n
		ranks := dsp.Ranks(in.shorts(rows*dsp.RankLanes), in.below(rows))
		return asFloats(ranks[:])
	}},
	{"above", func(in *input) []float32 {
		set := make([]uint64, (in.n+63)/64)
		dsp.Above(set, in.shorts(in.n), in.shorts(in.n))
		return asFloats(set)
	}},
}

func FuzzKernels(f *testing.F) {
	for k := range fuzzed {
		for i, n := range []uint16{0, 1, 3, 4, 7, 8, 9, 15, 16, 17, 31, 63, 64, 65, 100, 128, 200, 400} {
			f.Add(uint8(k), n, uint8(i), uint64(n)+1)
		}
	}
	f.Fuzz(func(t *testing.T, kernel uint8, n uint16, offset uint8, seed uint64) {
		k := fuzzed[int(kernel)%len(fuzzed)]
		requireSame(t, func() []float32 {
			return k.run(&input{int(n) % 700, int(offset) % 9, noise(seed)})
		}, k.name, n, offset, seed)
	})
}

// A kernel reads and writes whole batches: a slice that is too short must stop before it.
func TestShortSlicesPanic(t *testing.T) {
	floats, bytes, at := func(n int) []float32 { return make([]float32, n) }, func(n int) []uint8 { return make([]uint8, n) }, []int{0, 0}
	tones, numbers := dsp.NewToneGrid(16, [][2]int{{1, 2}}), func(n int) []complex64 { return make([]complex64, n) }
	strip := func(rows int) dsp.Strip { return dsp.Strip{Pix: floats(rows * dsp.Lanes), Step: dsp.Lanes} }
	var sum [dsp.Lanes]float32
	for name, f := range map[string]func(){
		"FFT":                   func() { dsp.NewFFT(64).Forward(numbers(63)[:63:63], numbers(64)) },
		"FFT, spare":            func() { dsp.NewFFT(64).Forward(numbers(64), numbers(63)[:63:63]) },
		"ToneGrid":              func() { tones.EachColumns(numbers(1), numbers(2*16*8 - 1)[:255:255], func(int, []complex64) {}) },
		"ToneGrid, tones":       func() { tones.EachColumns(nil, numbers(2*16*8), func(int, []complex64) {}) },
		"AddScaled":             func() { dsp.AddScaled(floats(16), floats(15)[:15:15], 1) },
		"Combine":               func() { dsp.Combine(dsp.NewPlane(16, 4), dsp.NewPlane(16, 2), floats(7)[:7:7]) },
		"Combine, from":         func() { dsp.Combine(dsp.NewPlane(16, 4), dsp.Plane{W: 16, H: 2, Pix: floats(31)[:31:31]}, floats(8)) },
		"AddLumaChroma":         func() { dsp.AddLumaChroma(bytes(63)[:63:63], bytes(64), floats(16), floats(16), 1, 1) },
		"AddLumaChroma, from":   func() { dsp.AddLumaChroma(bytes(64), bytes(63)[:63:63], floats(16), floats(16), 1, 1) },
		"AddLumaChroma, colour": func() { dsp.AddLumaChroma(bytes(64), bytes(64), floats(16), floats(15)[:15:15], 1, 1) },
		"Luma":                  func() { dsp.Luma(floats(16), bytes(63)[:63:63]) },
		"Means":                 func() { dsp.Means(&sum, strip(3), strip(4), strip(4), floats(4)) },
		"Slide":                 func() { dsp.Slide(&sum, strip(4), strip(3), 4) },
		"ToLevels":              func() { dsp.ToLevels(bytes(64), floats(63)[:63:63], 0, 1) },
		"SumLevels":             func() { dsp.SumLevels(make([]int16, 64), bytes(63)[:63:63], at) },
		"Above":                 func() { dsp.Above(make([]uint64, 1), make([]int16, 128), make([]int16, 128)) },
		"Above, limit":          func() { dsp.Above(make([]uint64, 2), make([]int16, 128), make([]int16, 127)[:127:127]) },
		"Shrinker":              func() { dsp.NewShrinker(32, 1, 32, 1).Add(bytes(124)[:124:124]) },
		"Luma of planes": func() {
			p := dsp.NewPlane(16, 1)
			dsp.RGB{R: p, G: dsp.Plane{W: 16, H: 1, Pix: floats(15)[:15:15]}, B: p}.Luma()
		},
		"SampleCubic": func() {
			p := dsp.Plane{W: 64, H: 64, Pix: floats(4)}
			dsp.SampleCubic(floats(16), p, dsp.Line{X: 1, X0: 2, Y0: 2, W0: 1})
		},
	} {
		require.Panics(t, f, name)
		dsp.Plain(func() { require.Panics(t, f, "plain "+name) })
	}
}
