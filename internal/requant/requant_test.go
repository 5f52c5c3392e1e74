package requant_test

import (
	"fmt"
	"image"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/requant"
	"github.com/kycmark/kycmark/internal/test/long"
)

// slowDCT is the transform by its definition (ITU-T T.81, A.3.3).
func slowDCT(x [64]float32) (out [64]float32) {
	scale := func(k int) float64 {
		if k == 0 {
			return math.Sqrt(1.0 / 8)
		}
		return 0.5
	}
	for v := range 8 {
		for u := range 8 {
			sum := 0.0
			for i, p := range x {
				sum += float64(p) * math.Cos(float64(2*(i%8)+1)*float64(u)*math.Pi/16) * math.Cos(float64(2*(i/8)+1)*float64(v)*math.Pi/16)
			}
			out[8*v+u] = float32(scale(u) * scale(v) * sum)
		}
	}
	return out
}

func TestTransformIsThatOfJPEG(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 50 {
		var x [64]float32
		for i := range x {
			x[i] = float32(rng.IntN(256))
		}
		got, want := requant.Forward(x), slowDCT(x)
		back := requant.Inverse(got)
		for i := range x {
			require.InDelta(t, want[i], got[i], 2e-3)
			require.InDelta(t, x[i], back[i], 1e-3)
		}
	}
}

// scene is a grey picture with slopes, edges and grain, away from black and white.
func scene(w, h int, seed uint64) dsp.Plane {
	rng := rand.New(rand.NewPCG(seed, 2))
	p := dsp.NewPlane(w, h)
	for y := range h {
		for x := range w {
			v := 110 + 40*math.Sin(float64(x)/37+float64(seed)) + 25*math.Cos(float64(y)/23)
			if (x/29+y/41)%3 == 0 {
				v += 30
			}
			p.Pix[y*w+x] = float32(math.Round(v + 4*rng.NormFloat64()))
		}
	}
	return p
}

// A rounding is how a decoder makes whole numbers of red, green and blue.
type rounding func(luma, sum float64) uint8

func libjpeg(_, v float64) uint8     { return clip(math.Floor(v + 0.5)) }
func standard(luma, v float64) uint8 { return clip(math.Floor(v + luma*257/65536)) }
func clip(v float64) uint8           { return uint8(min(max(v, 0), 255)) }

// opened is luma through a file with the given table, with colour whose cells have cw x ch
// pixels, as a decoder opens it; and luma as decoded.
func opened(luma dsp.Plane, table *requant.Table, cw, ch int, to rounding) (*image.NRGBA, dsp.Plane) {
	out, decoded := image.NewNRGBA(image.Rect(0, 0, luma.W, luma.H)), luma.Clone()
	for by := 0; by < luma.H; by += 8 {
		for bx := 0; bx < luma.W; bx += 8 {
			var b [64]float32
			for i := range b {
				b[i] = luma.Row(min(by+i/8, luma.H-1))[min(bx+i%8, luma.W-1)] - 128
			}
			b = requant.Forward(b)
			for k, q := range table {
				b[k] = q * float32(math.Round(float64(b[k]/q)))
			}
			b = requant.Inverse(b)
			for i, v := range b {
				if y, x := by+i/8, bx+i%8; y < luma.H && x < luma.W {
					decoded.Pix[y*luma.W+x] = float32(clip(math.Round(float64(v) + 128)))
				}
			}
		}
	}
	for i, l := range decoded.Pix {
		x, y := float64(i%luma.W/cw*cw), float64(i/luma.W/ch*ch)
		cb, cr := math.Round(14*math.Sin(x/31)+9*math.Cos(y/17)), math.Round(11*math.Cos(x/19+y/43))
		v := float64(l)
		out.Pix[4*i] = to(v, v+1.402*cr)
		out.Pix[4*i+1] = to(v, v-0.344136*cb-0.714136*cr)
		out.Pix[4*i+2] = to(v, v+1.772*cb)
		out.Pix[4*i+3] = 255
	}
	return out, decoded
}

func TestDecodedLumaIsTheDecoders(t *testing.T) {
	for i, to := range []rounding{libjpeg, standard} {
		table := requant.Scaled(30)
		p, want := opened(scene(160, 120, uint64(i)), &table, 2, 2, to)
		got, clipped := requant.DecodedLuma(p)
		wrong := 0
		for k, v := range got.Pix {
			if v != want.Pix[k] && !clipped[k] {
				wrong++
			}
		}
		assert.Less(t, wrong, len(got.Pix)/100)
	}
}

func TestOpenFindsTheTable(t *testing.T) {
	for _, quality := range long.Cases(4, 5, 20, 40, 60, 10, 15, 30, 50) {
		for _, cell := range [][2]int{{1, 1}, {2, 1}, {2, 2}} {
			for name, to := range map[string]rounding{"libjpeg": libjpeg, "standard": standard} {
				t.Run(fmt.Sprint(quality, cell, name), func(t *testing.T) {
					want := requant.Scaled(quality)
					p, _ := opened(scene(403, 301, 7), &want, cell[0], cell[1], to)
					l, ok := requant.Open(p)
					require.True(t, ok)
					assert.Equal(t, want, l.Table)
				})
			}
		}
	}
}

func TestOpenFineFindsFinerTables(t *testing.T) {
	for _, quality := range []int{20, 60, 70, 75, 80} {
		want := requant.Scaled(quality)
		p, _ := opened(scene(320, 240, 7), &want, 2, 2, libjpeg)
		l, ok := requant.OpenFine(p)
		require.True(t, ok, quality)
		assert.Equal(t, want, l.Table, quality)
		assert.InDelta(t, (want[1]+want[8])/2, l.MeanStep(.06, .07), 1e-6)
		assert.Zero(t, l.MeanStep(.01, .05))
		_, ok = requant.Open(p)
		assert.Equal(t, quality <= 60, ok, quality)
	}
}

func TestOpenFinestFindsTheFinest(t *testing.T) {
	for _, quality := range []int{85, 90} {
		want := requant.Scaled(quality)
		p, _ := opened(scene(160, 120, 7), &want, 2, 2, libjpeg)
		_, ok := requant.OpenFine(p)
		require.False(t, ok)
		l, ok := requant.OpenFinest(p)
		require.True(t, ok)
		assert.Equal(t, want, l.Table)
	}
	none := requant.Table{}
	for i := range none {
		none[i] = 0.01
	}
	p, _ := opened(scene(160, 120, 7), &none, 2, 2, libjpeg)
	_, ok := requant.OpenFinest(p)
	assert.False(t, ok, "not rounded but to pixels")
}

func TestOpenFindsATableOfItsOwn(t *testing.T) {
	var want requant.Table
	for i := range want {
		want[i] = float32(23 + 2*(i%8) + 5*(i/8))
	}
	p, _ := opened(scene(403, 301, 7), &want, 2, 2, libjpeg)
	l, ok := requant.Open(p)
	require.True(t, ok)
	told := 0
	for i, q := range l.Table {
		if q > 0 {
			told++
			assert.Equal(t, want[i], q, i)
		}
	}
	assert.Greater(t, told, 10)
}

func TestOpenKnowsWhatIsNoHardJPEG(t *testing.T) {
	hard, fine := requant.Scaled(20), requant.Scaled(90)
	plain, _ := opened(scene(400, 304, 3), &requant.Table{}, 1, 1, libjpeg)
	for i, v := range scene(400, 304, 3).Pix {
		plain.Pix[4*i], plain.Pix[4*i+1], plain.Pix[4*i+2] = uint8(v), uint8(v), uint8(v)
	}
	whole, _ := opened(scene(400, 304, 3), &hard, 2, 2, libjpeg)
	cropped := image.NewNRGBA(image.Rect(0, 0, 390, 300))
	for y := range 300 {
		copy(cropped.Pix[y*cropped.Stride:(y+1)*cropped.Stride], whole.Pix[whole.PixOffset(3, y+2):])
	}
	saved, _ := opened(scene(400, 304, 3), &fine, 2, 2, libjpeg)
	for name, p := range map[string]*image.NRGBA{
		"never a JPEG": plain, "cropped since": cropped, "fine steps": saved,
		"empty": image.NewNRGBA(image.Rectangle{}), "small": image.NewNRGBA(image.Rect(0, 0, 5, 3)),
	} {
		_, ok := requant.Open(p)
		assert.False(t, ok, name)
		_, ok = requant.OpenFine(p)
		assert.False(t, ok, name)
	}
}

// logistic is the distribution function.
func logistic(t float64) float64 { return 1 / (1 + math.Exp(-t)) }

func TestScoreIsTheDerivativeOfTheLogLikelihood(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for range 2000 {
		a := rng.Float64()*16 - 10
		b := a + 0.2 + rng.Float64()*10
		lnP := func(x float64) float64 { return math.Log(logistic(b-x) - logistic(a-x)) }
		const h = 1e-4
		assert.InDelta(t, (lnP(h)-lnP(-h))/(2*h), requant.Score(float32(a), float32(b)), 1e-3, "%v %v", a, b)
	}
	assert.InDelta(t, 1, requant.Score(100, 200), 0, "bounded")
	assert.InDelta(t, -1, requant.Score(-200, -100), 0)
	for _, end := range []float32{16, -16} { // of the table
		for _, v := range []float32{end, math.Nextafter32(end, 0), math.Nextafter32(end, 2*end)} {
			assert.InDelta(t, logistic(float64(v))-0.5, requant.Score(v, 0), 1e-6)
		}
	}
}

func TestInformationIsHowTheMeanScoreGrows(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	for range 300 {
		x, step := rng.Float64()*40-20, 1.05+rng.Float64()*30
		mean := func(shift float64) float64 {
			sum := 0.0
			for k := -100.0; k <= 100; k++ {
				from, to := (k-0.5)*step-x, (k+0.5)*step-x
				p := logistic(to-shift) - logistic(from-shift)
				sum += p * (logistic(from) + logistic(to) - 1)
			}
			return sum
		}
		const h = 1e-3
		want := (mean(h) - mean(-h)) / (2 * h)
		assert.InDelta(t, want, requant.Information(float32(x), float32(step)), 2e-3, "%v %v", x, step)
	}
	assert.InDelta(t, 1.0/3, requant.Information(0.3, 0.01), 1e-3)
}

// pushed is a pattern of the strength of a mark.
func pushed(w, h int, seed uint64) dsp.Plane {
	rng := rand.New(rand.NewPCG(seed, 9))
	p := dsp.NewPlane(w, h)
	for i := range p.Pix {
		p.Pix[i] = float32(rng.NormFloat64())
	}
	p = dsp.Gauss(p, 1.2)
	p.Scale(float32(1.2 / p.RMS()))
	return p
}

func dot(a, b dsp.Plane) (sum float64) {
	for i, v := range a.Pix {
		sum += float64(v) * float64(b.Pix[i])
	}
	return sum
}

func TestReadTellsWhatWasAddedFromWhatWasNot(t *testing.T) {
	original := scene(400, 304, 5)
	mark, probe := pushed(400, 304, 1), pushed(400, 304, 2)
	marked := original.Clone()
	for i, v := range mark.Pix {
		marked.Pix[i] = float32(math.Round(float64(marked.Pix[i] + v)))
	}
	for _, quality := range []int{5, 10, 20} {
		table := requant.Scaled(quality)
		expected := 0.0
		for _, c := range []struct {
			leak   dsp.Plane
			marked bool
		}{{marked, true}, {original, false}} {
			p, _ := opened(c.leak, &table, 2, 2, libjpeg)
			l, ok := requant.Open(p)
			require.True(t, ok)
			r, ok := l.Read(original, probe, 1)
			require.True(t, ok)
			if c.marked {
				expected = dot(r.Response, probe)
				assert.InEpsilon(t, expected, dot(r.Score, mark), 0.25, quality)
				assert.InDelta(t, 0, dot(r.Score, probe)/expected, 0.3, "another mark says nothing")
				continue
			}
			assert.Less(t, math.Abs(dot(r.Score, mark)), 0.3*expected, quality)
		}
	}
}

func TestReadRefusesAnotherPictureAndFineSteps(t *testing.T) {
	probe := pushed(400, 304, 2)
	table := requant.Scaled(10)
	p, _ := opened(scene(400, 304, 6), &table, 2, 2, libjpeg)
	l, ok := requant.Open(p)
	require.True(t, ok)
	_, ok = l.Read(scene(400, 304, 40), probe, 1)
	assert.False(t, ok, "another picture")
	probe.Scale(60)
	_, ok = l.Read(scene(400, 304, 6), probe, 1)
	assert.False(t, ok, "steps that are fine beside the mark")
}

// Without the original, too, roundings tell of a mark, and more than what a filter that
// takes the leak for the original plus noise leaves over.
func TestReadAloneTellsMoreThanDifferences(t *testing.T) {
	original := scene(400, 304, 5)
	mark := pushed(400, 304, 1)
	marked := original.Clone()
	for i, v := range mark.Pix {
		marked.Pix[i] = float32(math.Round(float64(marked.Pix[i] + v)))
	}
	cosine := func(a, b dsp.Plane) float64 { return dot(a, b) / math.Sqrt(dot(a, a)*dot(b, b)) }
	for _, quality := range []int{20, 30, 75} {
		table := requant.Scaled(quality)
		p, luma := opened(marked, &table, 2, 2, libjpeg)
		l, ok := requant.OpenFine(p)
		require.True(t, ok)
		score := l.ReadAlone(5)
		plain := dsp.Bilateral(luma, 5, 25, 3.75)
		for i, v := range luma.Pix {
			plain.Pix[i] = v - plain.Pix[i]
		}
		assert.Greater(t, cosine(score, mark), 1.1*cosine(plain, mark), quality)
		for seed := range uint64(5) {
			assert.InDelta(t, 0, cosine(score, pushed(400, 304, 20+seed)), .015, "another mark says nothing")
		}
		assert.Equal(t, score, l.ReadAlone(5))
	}
}

func BenchmarkReadAlone(b *testing.B) {
	table := requant.Scaled(20)
	p, _ := opened(scene(1024, 768, 5), &table, 2, 2, libjpeg)
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			requant.OpenFine(p)
		}
	})
	l, ok := requant.OpenFine(p)
	require.True(b, ok)
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			l.ReadAlone(8)
		}
	})
	fine, _ := opened(scene(1024, 768, 5), &requant.Table{}, 1, 1, libjpeg)
	for i, v := range scene(1024, 768, 5).Pix {
		fine.Pix[4*i], fine.Pix[4*i+1], fine.Pix[4*i+2] = uint8(v), uint8(v), uint8(v)
	}
	b.Run("open other", func(b *testing.B) {
		for b.Loop() {
			requant.OpenFine(fine)
		}
	})
}

// A part of a picture that was resized by any kernel and rounded is found and predicted
// nearly as well as if both were known.
func TestPredictFindsPartAndKernel(t *testing.T) {
	original, table := dsp.Gauss(scene(900, 700, 8), 0.8), requant.Scaled(40)
	rms := func(a, b dsp.Plane) float64 {
		d := a.Clone()
		for i, v := range b.Pix {
			d.Pix[i] -= v
		}
		return d.RMS()
	}
	for _, k := range []dsp.Kernel{dsp.Area, dsp.Linear, dsp.Cubic, dsp.Lanczos} {
		for _, part := range []dsp.Rect{{W: 900, H: 700}, {X: 61, Y: 40, W: 790, H: 610}} {
			leak := dsp.Resize(original, part, 240, 186, k)
			p, decoded := opened(leak, &table, 2, 2, libjpeg)
			l, ok := requant.OpenFine(p)
			require.True(t, ok)
			got, at := l.Predict(original, part, true)
			assert.Equal(t, part, at)
			assert.Less(t, rms(got, leak), 0.2*rms(decoded, leak), "kernel %d of %v", k, part)
			got, at = l.Predict(original, dsp.Rect{X: part.X + 3, Y: part.Y - 2, W: part.W - 4, H: part.H + 3}, false)
			assert.InDelta(t, part.X, at.X, 0.8)
			assert.InDelta(t, part.Y, at.Y, 0.8)
			assert.InDelta(t, part.W, at.W, 0.8)
			assert.InDelta(t, part.H, at.H, 0.8)
			assert.Less(t, rms(got, leak), 0.3*rms(decoded, leak), "kernel %d of about %v", k, part)
		}
	}
}

// A leak without any detail gives nothing to go by.
func TestPredictStaysWhereItIsPut(t *testing.T) {
	table := requant.Scaled(20)
	p, _ := opened(dsp.Resize(scene(400, 304, 5), dsp.Rect{W: 400, H: 304}, 96, 73, dsp.Area), &table, 2, 2, libjpeg)
	l, ok := requant.OpenFine(p)
	require.True(t, ok)
	near := dsp.Rect{X: 10, Y: 10, W: 380, H: 280}
	for _, original := range []dsp.Plane{dsp.NewPlane(400, 304), scene(400, 304, 77)} {
		got, part := l.Predict(original, near, false)
		assert.InDelta(t, near.X, part.X, 16)
		assert.InDelta(t, near.Y, part.Y, 16)
		assert.InDelta(t, near.W, part.W, 16)
		assert.InDelta(t, near.H, part.H, 16)
		for _, v := range got.Pix {
			require.False(t, math.IsNaN(float64(v)))
		}
	}
}

func TestCoarseIsBesideTheMark(t *testing.T) {
	p, _ := opened(scene(400, 304, 5), &requant.Table{}, 2, 2, libjpeg)
	_, ok := requant.OpenFine(p)
	require.False(t, ok, "not rounded")
	table := requant.Scaled(60)
	p, _ = opened(scene(400, 304, 5), &table, 2, 2, libjpeg)
	l, ok := requant.OpenFine(p)
	require.True(t, ok)
	assert.True(t, l.Coarse(pushed(400, 304, 1), 1))
	assert.False(t, l.Coarse(pushed(400, 304, 1), 30))
}

// Any pixels can be asked for roundings, and what is read of them is finite.
func FuzzLeak(f *testing.F) {
	for _, quality := range []int{5, 20, 60} {
		table := requant.Scaled(quality)
		p, _ := opened(scene(48, 40, 5), &table, 2, 2, libjpeg)
		f.Add(uint8(48), p.Pix)
	}
	f.Add(uint8(9), []byte{0, 255})
	f.Fuzz(func(t *testing.T, width uint8, pix []byte) {
		w := 8 + int(width)%57
		h := min(64, max(8, len(pix)/(4*w)))
		p := image.NewNRGBA(image.Rect(0, 0, w, h))
		copy(p.Pix, pix)
		l, ok := requant.OpenFinest(p)
		if !ok {
			return
		}
		finite := func(p dsp.Plane) {
			for _, v := range p.Pix {
				require.False(t, math.IsNaN(float64(v)) || math.IsInf(float64(v), 0))
			}
		}
		original, mark := scene(w, h, 5), pushed(w, h, 1)
		if r, ok := l.Read(original, mark, 1); ok {
			finite(r.Score)
			finite(r.Response)
		}
		finite(l.ReadAlone(2))
		l.Coarse(mark, 1)
		predicted, _ := l.Predict(scene(2*w, 2*h, 5), dsp.Rect{W: float64(2 * w), H: float64(2 * h)}, false)
		finite(predicted)
	})
}
