package capture

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/register"
)

// level returns a plane of one level.
func level(v float32, w, h int) dsp.Plane {
	p := dsp.NewPlane(w, h)
	for i := range p.Pix {
		p.Pix[i] = v
	}
	return p
}

// inPlace returns a leak as it lies on the whole of an original, pixel on pixel.
func inPlace(o *Original, leak dsp.Plane) *Sight {
	r := &register.Registration{Leak: leak, X: dsp.NewPlane(leak.W, leak.H), Y: dsp.NewPlane(leak.W, leak.H), Scale: 1, H: geometry.PixelScale(1, 1), ToLeak: geometry.PixelScale(1, 1)}
	for i := range leak.Pix {
		r.X.Pix[i], r.Y.Pix[i] = float32(i%leak.W), float32(i/leak.W)
	}
	return o.sight(r, NewLeak(leak.Lazy()))
}

// Shrinking an original leaves white a little below 255. Ink on it counts all the same.
func TestOtherInkOnShrunkPaper(t *testing.T) {
	for _, size := range [][2]int{{1024, 768}, {1240, 1754}, {1701, 1203}, {2480, 3508}} {
		o := New(level(255, size[0], size[1]).Lazy())
		leak := level(255, o.Canonical().W, o.Canonical().H)
		for y := 100; y < 200; y++ {
			clear(leak.Row(y)[100:200])
		}
		assert.Equal(t, 1.0, inPlace(o, leak).otherInk(o), size)
	}
}

// A place may be no number, and resampling may give levels above white.
func TestTreatmentOfOddLeaks(t *testing.T) {
	o := New(level(90, 64, 64).Lazy())
	s := inPlace(o, level(256, 64, 64))
	s.X.Pix[0], s.Y.Pix[0] = float32(math.NaN()), float32(math.NaN())
	all, small := s.pairs(lumaAlone[:])
	for _, bilevel := range []bool{false, true} {
		for _, reach := range append(reaches[:], 0) {
			_, off := treatmentOf(lumaAlone[:], inLight(all, small, reach), bilevel)
			assert.False(t, math.IsNaN(off))
		}
	}
	all, _ = inPlace(New(level(90, 1, 1).Lazy()), level(90, 1, 1)).pairs(lumaAlone[:])
	assert.Empty(t, all)
}
