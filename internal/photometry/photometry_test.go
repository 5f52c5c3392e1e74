package photometry_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/photometry"
)

// scene is a luma plane of shades, grain and print.
func scene(w, h int) dsp.Plane {
	p := dsp.NewPlane(w, h)
	rng := uint32(1)
	for y := range h {
		for x := range w {
			rng = rng*1664525 + 1013904223
			v := 120 + 60*math.Sin(float64(x)/37)*math.Cos(float64(y)/53) + float64(rng>>24)/16
			if y/24%3 == 1 && x/3%4 > 1 {
				v -= 70
			}
			p.Pix[y*w+x] = float32(v)
		}
	}
	return p
}

// stretched is the view of a leak that shows all of a w x h rendition.
func stretched(leak dsp.Plane, w, h int) *photometry.View {
	v := &photometry.View{Leak: leak, X: dsp.NewPlane(leak.W, leak.H), Y: dsp.NewPlane(leak.W, leak.H), W: w, H: h}
	v.Pitch = float64(w) / float64(leak.W)
	for y := range leak.H {
		for x := range leak.W {
			v.X.Row(y)[x] = float32((float64(x)+0.5)*float64(w)/float64(leak.W) - 0.5)
			v.Y.Row(y)[x] = float32((float64(y)+0.5)*float64(h)/float64(leak.H) - 0.5)
		}
	}
	return v
}

// shrunk averages n x n samples.
func shrunk(p dsp.Plane, n int) dsp.Plane {
	out := dsp.NewPlane(p.W/n, p.H/n)
	for y := range out.H {
		for x := range out.W {
			for j := range n {
				for i := range n {
					out.Pix[y*out.W+x] += p.Row(n*y + j)[n*x+i] / float32(n*n)
				}
			}
		}
	}
	return out
}

func TestFitExplainsShrinkingBlurAndTone(t *testing.T) {
	orig := scene(960, 720)
	leak := dsp.Gauss(shrunk(orig, 3), 0.9)
	for i, v := range leak.Pix {
		x := v / 255
		leak.Pix[i] = 20 + 200*x*x
	}
	f, err := photometry.NewSource(orig.Lazy()).Fit(stretched(leak, 960, 720))
	require.NoError(t, err)
	assert.InDelta(t, 0.9, f.Blur, 0.31)
	assert.Less(t, f.RMS, 0.5)
	assert.Greater(t, f.Correlation, 0.8)
	assert.Greater(t, weight(f), 0.9)
}

func weight(f *photometry.Fit) float64 {
	sum := 0.0
	for _, v := range f.Weight.Pix {
		sum += float64(v)
	}
	return sum / float64(len(f.Weight.Pix))
}

func TestFitLeavesWhatWasAdded(t *testing.T) {
	orig := scene(640, 480)
	leak, added := orig.Clone(), dsp.NewPlane(640, 480)
	for i := range added.Pix {
		x, y := i%640, i/640
		added.Pix[i] = float32(1.5 * math.Sin(float64(x)*0.9) * math.Sin(float64(y)*0.7))
		leak.Pix[i] = 0.8*(orig.Pix[i]+added.Pix[i]) + 10
	}
	f, err := photometry.NewSource(orig.Lazy()).Fit(stretched(leak, 640, 480))
	require.NoError(t, err)
	var ab, aa float64
	for i, a := range added.Pix {
		a *= f.Weight.Pix[i] * f.Slope.Pix[i]
		ab += float64(a) * float64(f.Residual.Pix[i])
		aa += float64(a) * float64(a)
	}
	assert.InDelta(t, 0.95, ab/aa, 0.06)
	// and says beforehand how much of it that would be
	own := added.Clone()
	for i := range own.Pix {
		own.Pix[i] *= f.Slope.Pix[i]
	}
	left := f.Unexplained(own)
	var lr, ll float64
	for i, l := range left.Pix {
		lr += float64(l) * float64(f.Residual.Pix[i])
		ll += float64(l) * float64(l)
	}
	assert.InDelta(t, 1, lr/ll, 0.03)
}

func TestChangesAreFoundWhereTheyAre(t *testing.T) {
	orig := scene(640, 480)
	leak := orig.Clone()
	for y := 200; y < 280; y++ {
		for x := 100; x < 260; x++ {
			leak.Row(y)[x] = 5 // a black box
		}
	}
	for y := 330; y < 400; y++ { // other print
		for x := 420; x < 520; x++ {
			leak.Row(y)[x] = orig.Row(y - 200)[x-150]
		}
	}
	v := stretched(leak, 640, 480)
	f, err := photometry.NewSource(orig.Lazy()).Fit(v)
	require.NoError(t, err)
	got := f.Changes(v)
	require.Len(t, got, 2)
	box, text := got[0], got[1]
	assert.True(t, box.Covered)
	assert.InDelta(t, 100, box.X0, 16)
	assert.InDelta(t, 260, box.X1, 16)
	assert.InDelta(t, 200, box.Y0, 16)
	assert.InDelta(t, 280, box.Y1, 16)
	assert.False(t, text.Covered)
	assert.InDelta(t, 420, text.X0, 24)
	assert.InDelta(t, 400, text.Y1, 24)
	assert.Greater(t, box.Score, 4.0)

	plain := stretched(dsp.Gauss(orig, 1), 640, 480)
	f, err = photometry.NewSource(orig.Lazy()).Fit(plain)
	require.NoError(t, err)
	assert.Empty(t, f.Changes(plain))
}

func TestNothingToSee(t *testing.T) {
	orig := scene(320, 240)
	v := stretched(scene(64, 48), 320, 240)
	for i := range v.X.Pix {
		v.X.Pix[i] = -500
	}
	_, err := photometry.NewSource(orig.Lazy()).Fit(v)
	require.ErrorIs(t, err, photometry.ErrNothing)
	v.X.Pix[0] = float32(math.NaN())
	_, err = photometry.NewSource(orig.Lazy()).Fit(v)
	require.ErrorIs(t, err, photometry.ErrNothing)
}

func TestSampleAveragesAreas(t *testing.T) {
	p := scene(40, 30)
	// 3 x 3 around the middle of a sample is a plain mean
	mean := float32(0)
	for j := 9; j <= 11; j++ {
		for i := 14; i <= 16; i++ {
			mean += p.Row(j)[i] / 9
		}
	}
	assert.InDelta(t, mean, photometry.Sample(p, 15, 10, 3), 1e-3)
	// 2 x 2 at a corner of samples, too
	mean = (p.Row(10)[15] + p.Row(10)[16] + p.Row(11)[15] + p.Row(11)[16]) / 4
	assert.InDelta(t, mean, photometry.Sample(p, 15.5, 10.5, 2), 1e-3)
	assert.InDelta(t, p.Row(10)[15], photometry.Sample(p, 15, 10, 1), 1e-3)
	assert.InDelta(t, p.Pix[0], photometry.Sample(p, -300, -300, 2.5), 1e-3)
	assert.Zero(t, photometry.Sample(p, math.Inf(1), 0, 1))
}

// Samples has the bits of Sample inside of a plane, at its edges and beyond, also of planes with less than four samples a side.
func TestSamplesAreThoseOfSample(t *testing.T) {
	for _, size := range [][2]int{{40, 30}, {4, 4}, {3, 9}, {1, 1}} {
		p := scene(size[0], size[1])
		var x, y []float64
		for i := range 500 {
			x, y = append(x, float64(i%47)*0.93-2), append(y, float64(i%37)*0.89-2)
		}
		x[7], y[8], x[9], y[10] = math.NaN(), math.Inf(1), -1e9, 1
		for _, k := range []float64{1, 2.5} {
			got, want := make([]float32, len(x)), make([]float32, len(x))
			for i := range x {
				want[i] = photometry.Sample(p, x[i], y[i], k)
			}
			photometry.Samples(got, p, x, y, k)
			require.Equal(t, want, got, "%v %g", size, k)
		}
	}
}

func BenchmarkFit(b *testing.B) {
	orig := scene(2048, 1536)
	leak := shrunk(orig, 2)
	s, v := photometry.NewSource(orig.Lazy()), stretched(leak, 1024, 768)
	v.Pitch = 1
	for b.Loop() {
		if _, err := s.Fit(v); err != nil {
			b.Fatal(err)
		}
	}
}
