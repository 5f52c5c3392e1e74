package watermark_test

import (
	"image"
	"image/draw"
	"math"
	"os"
	"runtime/debug"
	"sync"
	"testing"
	"testing/quick"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/compare"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/watermark"
)

// TestMain collects garbage less often than programs do: that took a twentieth of the processor time.
func TestMain(m *testing.M) {
	debug.SetGCPercent(400)
	os.Exit(m.Run())
}

// scene is a picture by integer formulas: sky, noise, edges and text-like bars.
func scene(w, h int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	rng := uint32(1)
	for y := range h {
		for x := range w {
			rng = rng*1664525 + 1013904223
			n := int(rng>>24) - 128
			c := [3]int{120 + 90*y/h, 150 + 60*y/h, 210 - 40*x/w}
			switch {
			case y > h/2 && x < w/2: // texture
				c = [3]int{90 + n/3 + 20*(x/16%2), 110 + n/3, 60 + n/4}
			case y > h/2 && y/12%2 == 0 && x/5%3 > 0: // lines of text
				c = [3]int{30, 30, 35}
			case y > h/2:
				c = [3]int{236, 233, 225}
			}
			i := img.PixOffset(x, y)
			for k := range 3 {
				img.Pix[i+k] = uint8(min(max(c[k]+n/64, 0), 255))
			}
			img.Pix[i+3] = 255
		}
	}
	return img
}

var (
	key = mustKey("KYCMARK-SECRET-KEY-1-AEBAGBAFAYDQQCIKBMGA2DQPCAIREEYUCULBOGAZDINRYHI6D4QK4ILMFY")
	sub = watermark.Submission{1, 2, 3}

	// Other keys, fixed too: a test whose outcome is a matter of chance has to be
	// the same matter of chance each time.
	others = []*watermark.Key{
		mustKey("KYCMARK-SECRET-KEY-1-AEDQOBYAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAADJPVNR4"),
		mustKey("KYCMARK-SECRET-KEY-1-AIDQOBYAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAANXEAJYY"),
		mustKey("KYCMARK-SECRET-KEY-1-AMDQOBYAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA4HZYNQ"),
	}
)

func mustKey(s string) *watermark.Key {
	k, err := watermark.ParseKey(s)
	if err != nil {
		panic(err)
	}
	return k
}

func embed(t *testing.T, id watermark.CopyID, src image.Image) *image.NRGBA {
	t.Helper()
	m, err := watermark.Embed(key, id, src, &watermark.Options{Submission: sub})
	require.NoError(t, err)
	return m
}

// large is the picture of most searches, and largeMarked its copy testID. Tests share both, and change neither.
var (
	large       = sync.OnceValue(func() *image.NRGBA { return scene(900, 640) })
	largeMarked = sync.OnceValue(func() *image.NRGBA { return mustEmbed(testID, large()) })
)

// mustEmbed is embed for pictures that tests share.
func mustEmbed(id watermark.CopyID, src image.Image) *image.NRGBA {
	m, err := watermark.Embed(key, id, src, &watermark.Options{Submission: sub})
	if err != nil {
		panic(err)
	}
	return m
}

// embedStrong is embed for a lossy file.
func embedStrong(t *testing.T, id watermark.CopyID, src image.Image) *image.NRGBA {
	t.Helper()
	m, err := watermark.Embed(key, id, src, &watermark.Options{Submission: sub, Manner: watermark.Lossy})
	require.NoError(t, err)
	return m
}

func TestEmbedIsFaintAndDependsOnWhatItShould(t *testing.T) {
	assert.GreaterOrEqual(t, compare.PSNR(large(), largeMarked()), 44.0)
	assert.GreaterOrEqual(t, compare.SSIM(large(), largeMarked()), 0.985)
	src := scene(360, 240)
	a := embed(t, 1, src)
	assert.Equal(t, src.Rect, a.Rect)
	assert.Equal(t, a.Pix, embed(t, 1, src).Pix)
	assert.NotEqual(t, a.Pix, embed(t, 2, src).Pix)
	assert.Equal(t, scene(360, 240).Pix, src.Pix, "the source is not touched")
	b, err := watermark.Embed(key, 1, src, &watermark.Options{Submission: watermark.Submission{9}})
	require.NoError(t, err)
	assert.NotEqual(t, a.Pix, b.Pix)
	weak, err := watermark.Embed(key, 1, src, &watermark.Options{Submission: sub, Strength: 0.5})
	require.NoError(t, err)
	assert.Greater(t, compare.PSNR(src, weak), compare.PSNR(src, a)+4)
}

func TestEmbedTakesAnyPicture(t *testing.T) {
	src := scene(360, 240)
	offset := image.NewNRGBA(image.Rect(-7, 5, 353, 245))
	copy(offset.Pix, src.Pix)
	assert.Equal(t, embed(t, 1, src).Pix, embed(t, 1, offset).Pix)

	glass := scene(360, 240)
	for i := 3; i < len(glass.Pix); i += 4 {
		glass.Pix[i] = uint8(i / 4 % 256)
	}
	m := embed(t, 1, glass)
	for i := 3; i < len(m.Pix); i += 4 {
		require.Equal(t, glass.Pix[i], m.Pix[i], "alpha stays")
	}

	grey := image.NewGray(image.Rect(0, 0, 360, 240))
	for i := range grey.Pix {
		grey.Pix[i] = src.Pix[4*i]
	}
	m = embed(t, 1, grey)
	for i := 0; i < len(m.Pix); i += 4 {
		require.True(t, m.Pix[i] == m.Pix[i+1] && m.Pix[i] == m.Pix[i+2], "grey stays grey")
	}
	for _, v := range []uint8{0, 255} { // nothing to hide in: clipping eats half of it
		for i := range grey.Pix {
			grey.Pix[i] = v
		}
		assert.Less(t, compare.PSNR(toNRGBA(grey), embed(t, 1, grey)), math.Inf(1))
	}
}

func toNRGBA(src image.Image) *image.NRGBA {
	out := image.NewNRGBA(src.Bounds())
	draw.Draw(out, out.Rect, src, src.Bounds().Min, draw.Src)
	return out
}

func TestEmbedRefuses(t *testing.T) {
	for _, size := range [][2]int{{0, 0}, {1, 1}, {2000, 100}, {239, 500}, {300, 300}} {
		_, err := watermark.Embed(key, 1, image.NewNRGBA(image.Rect(0, 0, size[0], size[1])), nil)
		assert.ErrorIs(t, err, watermark.ErrTooSmall, size)
	}
	_, err := watermark.Embed(key, 1, image.White, nil) // of endless size
	assert.ErrorIs(t, err, watermark.ErrTooLarge)
	for _, s := range []float64{-1, 2, math.NaN(), math.Inf(1)} {
		_, err := watermark.Embed(key, 1, scene(360, 240), &watermark.Options{Strength: s})
		assert.ErrorIs(t, err, watermark.ErrStrength, s)
	}
}

// What is left of a strip once a messenger has shrunk it cannot be read.
func TestMarkRefusesStrips(t *testing.T) {
	_, err := watermark.Mark(t.Context(), key, 1, scene(12000, 240), nil)
	require.ErrorIs(t, err, watermark.ErrTooSmall)
	require.ErrorContains(t, err, "long and thin, a messenger leaves 1280 x 25 pixels")
}

func TestOneOriginalServesManyCopiesAtOnce(t *testing.T) {
	src := scene(360, 240)
	o, err := watermark.Prepare(key, src, &watermark.Options{Submission: sub})
	require.NoError(t, err)
	got := make([]*image.NRGBA, 3)
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() { got[i] = o.Embed(watermark.CopyID(i)) })
	}
	wg.Wait()
	for i := range got {
		assert.Equal(t, embed(t, watermark.CopyID(i), src).Pix, got[i].Pix)
	}
}

func TestAnySizeEmbeds(t *testing.T) {
	f := func(a, b uint8) bool {
		w, h := 320+int(a), 240+int(b)
		m, err := watermark.Embed(key, 5, scene(w, h), nil)
		return err == nil && m.Rect.Dx() == w && m.Rect.Dy() == h
	}
	require.NoError(t, quick.Check(f, &quick.Config{MaxCount: long.Number(2, 10)}))
}

func BenchmarkEmbed(b *testing.B) {
	for name, size := range map[string][2]int{"1MP": {1200, 900}, "12MP": {4000, 3000}} {
		src := scene(size[0], size[1])
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(size[0] * size[1]))
			for b.Loop() {
				if _, err := watermark.Embed(key, 1, src, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A messenger rounds a faint mark of a large blank picture away: it gets the strong mark.
func TestLargeBlankPicturesAreMarked(t *testing.T) {
	blank := image.NewNRGBA(image.Rect(0, 0, 4000, 3000))
	for i := range blank.Pix {
		if blank.Pix[i] = uint8(178 + 13*(i/16000)/3000); i%4 == 3 {
			blank.Pix[i] = 255
		}
	}
	m, err := watermark.Mark(t.Context(), key, 1, blank, &watermark.Options{Submission: sub})
	require.NoError(t, err)
	assert.False(t, m.Weak)
}

// Grain hides the coarse mark of a large picture; where there is none it is fainter, and still there.
func TestLargeSmoothPicturesAreMarkedFainter(t *testing.T) {
	smooth := uniform(3200, 2400, 120)
	grain := uniform(3200, 2400, 120)
	for i := range grain.Pix {
		if i%4 != 3 {
			grain.Pix[i] += uint8(i / 4 * 7919 >> 3 & 1) // the same in the three colours
		}
	}
	changed := func(src *image.NRGBA) (n int) { // red has luma only
		for i, v := range embed(t, 1, src).Pix {
			if i%4 == 0 && v != src.Pix[i] {
				n++
			}
		}
		return n
	}
	n := changed(smooth)
	assert.Positive(t, n, "less than half a level is not rounded away")
	assert.Less(t, float64(n), 0.82*float64(changed(grain)))
}
