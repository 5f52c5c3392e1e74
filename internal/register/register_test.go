package register_test

import (
	"context"
	"errors"
	"image"
	"math"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/register"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/specimen"
)

// passport is a photographed passport of an invented person. It must not be changed.
var passport = sync.OnceValue(func() dsp.Plane {
	doc := specimen.Render(specimen.Passport, specimen.NewPerson(1), 1100)
	return luma(specimen.Photograph(doc, 1, 1300, 980))
})

func luma(img *image.NRGBA) dsp.Plane { return dsp.LumaNRGBA(img) }

// view samples p at w x h positions through m (pixels of the view to those of p),
// 2 x 2 samples a pixel, black where there is no p.
func view(p dsp.Plane, m geometry.Mat, w, h int) dsp.Plane {
	const n = 2
	big, line := dsp.NewPlane(n*w, n*h), geometry.Mat{}
	line = m.Mul(geometry.PixelScale(1.0/n, 1.0/n))
	for y := range big.H {
		v := float64(y)
		dsp.SampleCubic(big.Row(y), p, dsp.Line{X: line[0], X0: line[1]*v + line[2], Y: line[3], Y0: line[4]*v + line[5], W: line[6], W0: line[7]*v + line[8]})
	}
	return dsp.Shrink(big, w, h)
}

// similar maps the middle of a w x h view to c, turned by so many turns and
// enlarged.
func similar(w, h int, c geometry.Point, turns, zoom float64) geometry.Mat {
	cos, sin := dsp.Cis(turns)
	cos, sin = zoom*cos, zoom*sin
	m := geometry.Mat{cos, -sin, 0, sin, cos, 0, 0, 0, 1}
	return geometry.Translation(c.X, c.Y).Mul(m).Mul(geometry.Translation(-float64(w-1)/2, -float64(h-1)/2))
}

// misses returns the mean distance in canonical pixels between where r and truth
// (leak pixels to original pixels) have the leak's pixels, where they lie on the
// original.
func misses(t *testing.T, r *register.Registration, truth geometry.Mat, full, canon dsp.Plane) float64 {
	t.Helper()
	inv, ok := r.ToLeak.Inverse()
	require.True(t, ok)
	toCanon := geometry.PixelScale(float64(canon.W)/float64(full.W), float64(canon.H)/float64(full.H))
	m := toCanon.Mul(truth).Mul(inv)
	sum, n := 0.0, 0
	for y := 0; y < r.X.H; y += 3 {
		for x := 0; x < r.X.W; x += 3 {
			p := m.Apply(geometry.Point{X: float64(x), Y: float64(y)})
			if p.X < 10 || p.Y < 10 || p.X > float64(canon.W-11) || p.Y > float64(canon.H-11) {
				continue
			}
			i := y*r.X.W + x
			sum += math.Hypot(float64(r.X.Pix[i])-p.X, float64(r.Y.Pix[i])-p.Y)
			n++
		}
	}
	require.NotZero(t, n)
	return sum / float64(n)
}

func TestFindsTheMap(t *testing.T) {
	full := passport()
	o := register.New(full.Lazy())
	w, h := full.W, full.H
	mid := geometry.Point{X: float64(w-1) / 2, Y: float64(h-1) / 2}
	type sight struct {
		name     string
		w, h     int
		m        geometry.Mat
		mirrored bool
	}
	for _, c := range long.Cases(4, []sight{
		{"thumbnail", 160, 160 * h / w, geometry.PixelScale(float64(w)/160, float64(h)/float64(160*h/w)), false},
		{"small crop", 300, 200, geometry.Translation(280, 300), false},
		{"turned, mirrored, shrunk", 900, 900, similar(900, 900, mid, 0.4, 1.6).Mul(geometry.Mat{-1, 0, 899, 0, 1, 0, 0, 0, 1}), true},
		{"perspective", w, h, geometry.Mat{0.9, 0.03, 40, -0.02, 0.93, 30, 1e-4, -8e-5, 1}, false},
		{"quarter turn", h, w, geometry.Mat{0, 1, 0, -1, 0, float64(h - 1), 0, 0, 1}, false},
		{"crop", 500, 400, geometry.Translation(300.3, 333.6), false},
		{"whole", w, h, geometry.Identity(), false},
		{"half", w / 2, h / 2, geometry.PixelScale(2, 2), false},
		{"mirror", w, h, geometry.Mat{-1, 0, float64(w - 1), 0, 1, 0, 0, 0, 1}, true},
		{"one degree", w, h, similar(w, h, mid, 1.0/360, 1), false},
		{"turned", 1400, 1400, similar(1400, 1400, mid, 0.13, 1), false},
	}...) {
		leak := view(full, c.m, c.w, c.h)
		r, err := o.Find(context.Background(), register.NewLeak(leak.Lazy()), nil)
		require.NoError(t, err, c.name)
		if !assert.NotNil(t, r, c.name) {
			continue
		}
		miss := misses(t, r, c.m, full, o.Canonical())
		t.Logf("%-26s quality %.2f, overlap %.2f, %d inliers, %.3f px", c.name, r.Quality, r.Overlap, r.Inliers, miss)
		assert.Less(t, miss*min(1, r.Scale), 0.2, c.name)
		assert.Equal(t, c.mirrored, r.Mirrored, c.name)
		assert.False(t, r.Inverted, c.name)
	}
}

// noise returns numbers in -n..n, the same each time.
func noise(n int) func() float32 {
	seed := uint64(1)
	return func() float32 {
		seed = seed*6364136223846793005 + 1442695040888963407
		return float32(int(seed>>40)%(2*n+1) - n)
	}
}

// Water and skin have no corners that stand out of a codec's noise; a piece that was
// cut out of them is found by sliding it over the original.
func TestFindsPiecesWithoutCorners(t *testing.T) {
	full := dsp.NewPlane(900, 700)
	next := noise(100)
	for i := range full.Pix {
		full.Pix[i] = next()
	}
	full = dsp.Gauss(full, 2.5)
	for i := range full.Pix {
		full.Pix[i] = float32(0.4*full.Pix[i]) + 128
	}
	o := register.New(full.Lazy())
	for name, m := range map[string]geometry.Mat{
		"upright": geometry.Translation(310, 205),
		"turned":  {0, 1, 310, -1, 0, 405, 0, 0, 1},
	} {
		leak := view(full, m, 260, 200)
		next := noise(20)
		for i := range leak.Pix {
			leak.Pix[i] += next()
		}
		r, err := o.Find(context.Background(), register.NewLeak(leak.Lazy()), nil)
		require.NoError(t, err, name)
		require.NotNil(t, r, name)
		assert.Zero(t, r.Inliers, name)
		assert.Less(t, misses(t, r, m, full, o.Canonical()), 0.5, name)
	}
}

func TestOddPictures(t *testing.T) {
	full := passport()
	o, leak := register.New(full.Lazy()), register.NewLeak(dsp.Shrink(full, full.W/2, full.H/2).Lazy())
	for _, s := range [][2]int{{0, 0}, {1, 1}, {1, 400}, {400, 1}, {16, 16}, {17, 300}, {40, 40}, {3000, 20}} {
		for _, v := range []float32{0, 255} {
			p := dsp.NewPlane(s[0], s[1])
			for i := range p.Pix {
				p.Pix[i] = v
			}
			r, err := o.Find(context.Background(), register.NewLeak(p.Lazy()), nil)
			require.NoError(t, err)
			assert.Nil(t, r, "%v of %v", s, v)
			odd := register.New(p.Lazy())
			r, err = odd.Find(context.Background(), leak, nil)
			require.NoError(t, err)
			assert.Nil(t, r, "onto %v of %v", s, v)
		}
	}
}

func TestFindEndsWithItsContext(t *testing.T) {
	full := passport()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r, err := register.New(full.Lazy()).Find(ctx, register.NewLeak(full.Window(300, 250, 400, 300).Lazy()), nil)
	require.ErrorIs(t, err, context.Canceled)
	assert.Nil(t, r)
}

func TestFindIsTheSameEachTime(t *testing.T) {
	full := passport()
	leak := view(full, similar(700, 700, geometry.Point{X: 600, Y: 500}, 0.2, 1.1), 700, 700)
	var first *register.Registration
	for range 2 {
		r, err := register.New(full.Lazy()).Find(context.Background(), register.NewLeak(leak.Lazy()), nil)
		require.NoError(t, err)
		require.NotNil(t, r)
		if first == nil {
			first = r
		}
		assert.Equal(t, first, r)
	}
}

// A known place saves the search, unless it is wrong and sure. No place is a reason to end.
func TestFindFromAPlace(t *testing.T) {
	full := passport()
	o := register.New(full.Lazy())
	truth := similar(700, 700, geometry.Point{X: 600, Y: 500}, 0.2, 1.1)
	leak := view(full, truth, 700, 700)
	wrong := truth.Mul(geometry.Translation(200, 150))
	for name, c := range map[string]struct {
		place *register.Place
		found bool
	}{
		"right":           {&register.Place{Map: truth, LogNFA: -5, Inliers: 10}, true},
		"a little off":    {&register.Place{Map: truth.Mul(geometry.Translation(4, 3)), LogNFA: -5, Inliers: 10}, true},
		"wrong, not sure": {&register.Place{Map: wrong, LogNFA: -5, Inliers: 10}, false},
		"wrong, sure":     {&register.Place{Map: wrong, LogNFA: -50, Inliers: 10}, true},
		"none":            {&register.Place{LogNFA: math.Inf(1)}, false},
		"not known":       {nil, true},
	} {
		r, err := o.Find(t.Context(), register.NewLeak(leak.Lazy()), func() (*register.Place, error) { return c.place, nil })
		require.NoError(t, err, name)
		if require.Equal(t, c.found, r != nil, name); c.found {
			assert.Less(t, misses(t, r, truth, full, o.Canonical()), 0.2, name)
		}
	}
	failed := errors.New("no features")
	_, err := o.Find(t.Context(), register.NewLeak(leak.Lazy()), func() (*register.Place, error) { return nil, failed })
	require.ErrorIs(t, err, failed)
	r, err := o.Find(t.Context(), register.NewLeak(full.Lazy()), func() (*register.Place, error) { return nil, failed })
	require.NoError(t, err, "a clear stretch asks for no place")
	assert.NotNil(t, r)
}

// A lens, or a page that curls, moves pixels by many times what a plane and small steps take up.
func TestFindsBentLeaks(t *testing.T) {
	full := passport()
	o := register.New(full.Lazy())
	w, h := float64(full.W-1), float64(full.H-1)
	for name, bent := range map[string]func(u, v float64) (float64, float64){ // of coordinates -1..1 of the leak's width
		"lens": func(u, v float64) (float64, float64) { k := 0.96 + 0.04*(u*u+v*v); return k * u, k * v },
		"swirl": func(u, v float64) (float64, float64) {
			s, c := math.Sincos(0.06 * (1 - u*u - v*v))
			return c*u - s*v, s*u + c*v
		},
		"curl": func(u, v float64) (float64, float64) { return u, v + 0.02*math.Cos(3*u) },
	} {
		if name != "lens" && !long.On {
			continue
		}
		leak := dsp.NewPlane(full.W, full.H)
		at := func(x, y int) (float64, float64) {
			u, v := bent(2*float64(x)/w-1, (2*float64(y)-h)/w)
			return (u + 1) / 2 * w, (v*w + h) / 2
		}
		for i := range leak.Pix {
			x, y := at(i%full.W, i/full.W)
			x, y = max(0, min(x, w-1)), max(0, min(y, h-1))
			ix, iy := int(x), int(y)
			a, b := full.Row(iy)[ix:], full.Row(iy + 1)[ix:]
			fx, fy := float32(x)-float32(ix), float32(y)-float32(iy)
			leak.Pix[i] = (1-fy)*((1-fx)*a[0]+fx*a[1]) + fy*((1-fx)*b[0]+fx*b[1])
		}
		r, err := o.Find(t.Context(), register.NewLeak(leak.Lazy()), nil)
		require.NoError(t, err, name)
		require.NotNil(t, r, name)
		canon, off := o.Canonical(), []float64{}
		for y := 20; y < r.X.H-20; y += 5 {
			for x := 20; x < r.X.W-20; x += 5 {
				p, q := at(x*(full.W-1)/(r.X.W-1), y*(full.H-1)/(r.X.H-1))
				p, q = p*float64(canon.W)/float64(full.W), q*float64(canon.H)/float64(full.H)
				if p < 20 || q < 20 || p > float64(canon.W-20) || q > float64(canon.H-20) {
					continue
				}
				off = append(off, math.Hypot(float64(r.X.Row(y)[x])-p, float64(r.Y.Row(y)[x])-q))
			}
		}
		slices.Sort(off)
		assert.Less(t, off[len(off)*3/4], 3.0, "%s: canonical pixels by which three quarters are off, at most", name) // flat places pin down nothing
	}
}

// What surrounds a picture does not move its edge: a page, a frame, a desk.
func TestSurroundMovesNoEdge(t *testing.T) {
	type surround struct {
		template specimen.Template
		width    int
		zoom     float64 // of the original in the leak
		turns    float64
		around   float32
		line     int // width of a white line along the original's edge, pixels
	}
	for _, c := range long.Cases(2, []surround{
		{specimen.Bill, 480, 1, 0, 30, 0},
		{specimen.Passport, 600, 1.5, 0.003, 0, 0},
		{specimen.Residence, 640, 1, 0, 128, 1},
		{specimen.IDCard, 640, 1.3, 0.004, 20, 0},
		{specimen.Bill, 640, 0.8, 0, 100, 3},
	}...) {
		full := luma(specimen.Render(c.template, specimen.NewPerson(3), c.width))
		edge := func(x, y int) int { return min(x, y, full.W-1-x, full.H-1-y) }
		for y := range full.H {
			for x := range full.W {
				if edge(x, y) < c.line {
					full.Row(y)[x] = 255
				}
			}
		}
		w, h := int(c.zoom*float64(full.W))+140, int(c.zoom*float64(full.H))+160
		m := similar(w, h, geometry.Point{X: float64(full.W-1)/2 + 7, Y: float64(full.H-1)/2 - 9}, c.turns, 1/c.zoom)
		leak := view(full, m, w, h)
		for y := range h {
			for x := range w {
				if p := m.Apply(geometry.Point{X: float64(x), Y: float64(y)}); p.X < -.5 || p.Y < -.5 || p.X > float64(full.W)-.5 || p.Y > float64(full.H)-.5 {
					leak.Row(y)[x] = c.around
				}
			}
		}
		o := register.New(full.Lazy())
		r, err := o.Find(t.Context(), register.NewLeak(leak.Lazy()), nil)
		require.NoError(t, err)
		require.NotNil(t, r)
		inv, ok := r.ToLeak.Inverse()
		require.True(t, ok)
		canon := o.Canonical()
		truth := geometry.PixelScale(float64(canon.W)/float64(full.W), float64(canon.H)/float64(full.H)).Mul(m).Mul(inv)
		var off []float64
		for i, x := range r.X.Pix {
			p := truth.Apply(geometry.Point{X: float64(i % r.X.W), Y: float64(i / r.X.W)})
			if in := min(p.X, p.Y, float64(canon.W-1)-p.X, float64(canon.H-1)-p.Y); in > 0 && in < 12 {
				off = append(off, r.Scale*math.Hypot(float64(x)-p.X, float64(r.Y.Pix[i])-p.Y))
			}
		}
		slices.Sort(off)
		t.Logf("%v: half %.3f, nine tenths %.3f", c.template, off[len(off)/2], off[len(off)*9/10])
		assert.Less(t, off[len(off)/2], 0.1, "%v, pixels of the leak by which half of the places along the edge are off", c.template)
	}
}
