package watermark

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/mark/blind"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/long"
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
func TestWhatIsNotWeakIsRead(t *testing.T) {
	for _, seed := range long.Cases[uint64](1, 131, 7) {
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

// An upload that carries a mark already: both marks are read, the second first.
func TestMarkedTwice(t *testing.T) {
	key := newKey([32]byte{1})
	for _, file := range long.Cases(1, "kenji_licence", "hana_bill") {
		data, err := os.ReadFile("../testdata/pictures/" + file + ".jpg")
		require.NoError(t, err)
		pic, err := picture.Decode(data, picture.Limits{})
		require.NoError(t, err)
		first, err := Mark(t.Context(), key, 0xabc1, picture.Fit(pic.Image, 1600), &Options{Submission: Submission{1}})
		require.NoError(t, err)
		second, err := Mark(t.Context(), key, 0xabc2, first.Image, &Options{Submission: Submission{2}})
		require.NoError(t, err)
		assert.False(t, second.Weak, file)
		all, err := DetectAll(t.Context(), second.Image, key)
		require.NoError(t, err)
		require.Len(t, all, 2, file)
		assert.Equal(t, CopyID(0xabc2), all[0].Copy, file)
		assert.Equal(t, CopyID(0xabc1), all[1].Copy, file)
	}
}

// readBacks marks a picture at a share of the strength, and returns the clear mark that the read-back sees after a
// messenger, if it sees one, and what the whole search reads. It must read a clear mark. ok is false if the picture carries no mark.
func readBacks(t *testing.T, p image.Image, seed byte, share float64) (clear, whole *blind.Detection, ok bool) {
	o, err := Prepare(newKey([32]byte{seed}), p, &Options{Submission: Submission{seed}})
	if err != nil {
		return nil, nil, false
	}
	const id = 0xfeedfacecafe1234
	m, err := o.similar(id, share, false)
	require.NoError(t, err)
	small := o.deliver(m, nil)
	clear, _, err = o.readClear(t.Context(), id, small)
	require.NoError(t, err)
	leak, err := compressed(small, messengerQuality)
	require.NoError(t, err)
	whole, err = blind.Detect(t.Context(), leak, o.kd)
	require.NoError(t, err)
	if clear != nil {
		assert.Equal(t, [2]any{whole.Found, whole.ID}, [2]any{true, uint64(id)}, "seed %d, share %.2f", seed, share)
		assert.GreaterOrEqual(t, margin(whole.Correlation), float64(thinMargin), "seed %d, share %.2f", seed, share)
	}
	if whole.Found {
		other, err := o.readBack(t.Context(), id+1, small)
		require.NoError(t, err)
		assert.Equal(t, whole, other, "another ID takes the whole search")
	}
	return clear, whole, true
}

// A read-back that ends early tells what the whole search does, of clear marks, faint ones and none.
func TestClear(t *testing.T) {
	early, not := 0, 0
	for n, file := range long.Cases(1, "anna_passport", "bruno_selfie") {
		data, err := os.ReadFile("../testdata/pictures/" + file + ".jpg")
		require.NoError(t, err)
		pic, err := picture.Decode(data, picture.Limits{})
		require.NoError(t, err)
		for _, share := range []float64{1, 0.5, 0.1} {
			clear, whole, ok := readBacks(t, picture.Fit(pic.Image, 1000), byte(n), share)
			require.True(t, ok)
			switch {
			case clear != nil:
				early++
			case !whole.Found:
				not++
			}
		}
	}
	assert.Positive(t, early)
	assert.Positive(t, not)
}

// A picture so long and thin that no SSIM can be computed at the canonical size is an error.
func TestTooThinToCompare(t *testing.T) {
	p := image.NewNRGBA(image.Rect(0, 0, 240, 30_000))
	r := rand.New(rand.NewPCG(1, 2))
	for i := range p.Pix {
		p.Pix[i] = uint8(100 + r.IntN(50))
		if i%4 == 3 {
			p.Pix[i] = 255
		}
	}
	_, err := Mark(t.Context(), newKey([32]byte{1}), 7, p, nil)
	assert.ErrorIs(t, err, ErrTooSmall)
}
