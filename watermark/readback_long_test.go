//go:build long

package watermark

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// gratings draws a picture in which few pilots survive, but whose code correlates at the place
// where the mark was put: up to 31 gratings, steps and noise.
func gratings(seed uint64) image.Image {
	r := rand.New(rand.NewPCG(seed, 3))
	w, h := 500+r.IntN(600), 400+r.IntN(300)
	k, amp, noise := 12+r.IntN(20), 6+r.Float64()*10, 4+r.Float64()*5
	type grating struct{ fx, fy, phase float64 }
	all := make([]grating, k)
	for i := range all {
		a := r.Float64() * math.Pi
		f := 0.02 + 0.25*r.Float64()
		all[i] = grating{f * math.Cos(a), f * math.Sin(a), r.Float64() * 7}
	}
	kind := r.IntN(3)
	p := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			v := 60.
			for _, g := range all {
				v += amp / math.Sqrt(float64(k)) * 2 * math.Sin(2*math.Pi*(g.fx*float64(x)+g.fy*float64(y))+g.phase)
			}
			switch kind {
			case 1:
				v = 60 + math.Copysign(amp, v-60)
			case 2:
				v += float64((x/16*7+y/16*13)%5) * amp / 4
			}
			u := uint8(min(max(v+80+noise*r.NormFloat64(), 0), 255))
			p.SetNRGBA(x, y, color.NRGBA{u, u, u, 255})
		}
	}
	return p
}

// A mark that is not weak is read by the key alone, out of what a messenger makes of the copy. In
// the gratings of seed 131 the code correlates at the known place by 12 dB over the bar, and no
// search finds the mark.
func TestLongWhatIsNotWeakIsRead(t *testing.T) {
	for _, seed := range []uint64{131, 7} {
		key := newKey([32]byte{byte(seed)})
		m, err := Mark(t.Context(), key, 7, gratings(seed), &Options{Submission: Submission{1}})
		require.NoError(t, err)
		var buf bytes.Buffer
		require.NoError(t, jpeg.Encode(&buf, m.Image, &jpeg.Options{Quality: messengerQuality}))
		leak, err := jpeg.Decode(&buf)
		require.NoError(t, err)
		d, err := Detect(t.Context(), key, leak)
		require.NoError(t, err)
		assert.Equal(t, !m.Weak, d.Found && d.Copy == 7, "seed %d, margin %.1f dB", seed, m.MarginDB)
		assert.Equal(t, seed == 131, m.Weak, "seed %d", seed)
	}
}
