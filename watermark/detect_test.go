package watermark_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"math"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/watermark"
)

const testID = watermark.CopyID(0x0123456789abcdef)

func detect(t *testing.T, k *watermark.Key, leak image.Image) *watermark.Detection {
	t.Helper()
	d, err := watermark.Detect(t.Context(), k, leak)
	require.NoError(t, err)
	return d
}

func applied(t *testing.T, name string, img *image.NRGBA) *image.NRGBA {
	t.Helper()
	a, err := attack.Find(name)
	require.NoError(t, err)
	return a.Apply(img, 3)
}

// The floor under robustness: each of these must be read from a picture of 900 x
// 640 pixels. The measured rates on real pictures stand in the README.
func TestDetectReadsTheExactIDAfter(t *testing.T) {
	m := largeMarked()
	for _, name := range long.Cases(3, "crop50", "rot5", "thumb320", "mirror", "screenshot", "none", "telegram", "persp3",
		"jpeg50", "resize50", "resize150", "rot90", "aspect10", "gray", "chain_rotcrop") {
		t.Run(name, func(t *testing.T) {
			d := detect(t, key, applied(t, name, m))
			require.True(t, d.Found)
			assert.Equal(t, testID, d.Copy)
			assert.Equal(t, key.ID(), d.KeyID)
			assert.LessOrEqual(t, d.LogPFA, -9.03)
			assert.GreaterOrEqual(t, d.Debug.Checks, 1)
			assert.LessOrEqual(t, d.Debug.Checks, 4)
			assert.Equal(t, name == "mirror", d.Mirrored)
		})
	}
}

// A photograph of a screen lies in perspective, and is shared small. In no part of it alone the mark is seen.
func TestDetectReadsAPhotographOfAScreen(t *testing.T) {
	m := embed(t, testID, specimen.Render(specimen.Passport, specimen.NewPerson(3), 1000))
	screen, err := attack.Find("screen_photo")
	require.NoError(t, err)
	for _, seed := range long.Cases[uint64](1, 0, 1, 2, 3) {
		var b bytes.Buffer
		require.NoError(t, picture.Encode(&b, imaging.Fit(screen.Apply(m, seed), 800, 800, imaging.Lanczos), "jpeg", 60))
		leak, err := picture.Decode(b.Bytes(), picture.Limits{})
		require.NoError(t, err)
		d := detect(t, key, leak.Image)
		require.True(t, d.Found, seed)
		assert.Equal(t, testID, d.Copy)
	}
}

func TestDetectReportsTheGeometry(t *testing.T) {
	m := largeMarked()
	plain := detect(t, key, m)
	require.True(t, plain.Found)
	half := detect(t, key, applied(t, "resize50", m))
	assert.InEpsilon(t, plain.Scale/2, half.Scale, 0.01)
	turned := detect(t, key, applied(t, "rot90", m))
	assert.InDelta(t, 90, math.Abs(math.Remainder(turned.Rotation-plain.Rotation, 360)), 0.5)
	assert.InEpsilon(t, plain.Scale, turned.Scale, 0.01)
	assert.Greater(t, (plain.Quad[2].X-plain.Quad[0].X)*(plain.Quad[2].Y-plain.Quad[0].Y), 0.5*900*640)
	for _, p := range plain.Quad {
		assert.True(t, p.X >= 0 && p.X <= 900 && p.Y >= 0 && p.Y <= 640, "the evidence lies in the picture: %v", p)
	}
}

func TestPlacementIsWhereTheMarkIsRead(t *testing.T) {
	for _, size := range long.Cases(1, [2]int{1500, 1100}, [2]int{900, 700}) {
		m := embed(t, testID, scene(size[0], size[1]))
		corner := image.Pt(size[0]/5, size[1]/6)
		d := detect(t, key, m.SubImage(image.Rectangle{corner, corner.Add(image.Pt(600, 500))}))
		require.True(t, d.Found)
		inv, ok := watermark.Placement(key, sub, size[0], size[1]).Inverse()
		require.True(t, ok)
		for _, p := range []geometry.Point{{X: 100, Y: 100}, {X: 300, Y: 250}} {
			q := shiftOnto(inv, geometry.Mat(d.Debug.Transform), p, size)
			assert.InDelta(t, p.X+float64(corner.X), q.X, 1)
			assert.InDelta(t, p.Y+float64(corner.Y), q.Y, 1)
		}
	}
}

// shiftOnto maps a crop's pixel into the picture, at that repeat of the pattern
// that lies inside.
func shiftOnto(toPicture, crop geometry.Mat, p geometry.Point, size [2]int) geometry.Point {
	u := crop.Apply(p)
	for dy := -2.0; dy <= 2; dy++ {
		for dx := -2.0; dx <= 2; dx++ {
			q := toPicture.Apply(geometry.Point{X: u.X + dx*watermark.Torus, Y: u.Y + dy*watermark.Torus})
			if q.X > 0 && q.Y > 0 && q.X < float64(size[0]) && q.Y < float64(size[1]) {
				return q
			}
		}
	}
	return geometry.Point{}
}

func TestUnmarkedAndForeignPicturesAreNotFound(t *testing.T) {
	src := scene(330, 250)
	other := others[0]
	foreign, err := watermark.Embed(other, testID, src, nil)
	require.NoError(t, err)
	for name, img := range map[string]*image.NRGBA{"unmarked": src, "foreign": foreign, "clear": image.NewNRGBA(image.Rect(0, 0, 120, 120)), "black": uniform(120, 120, 0), "white": uniform(150, 100, 255)} {
		if name != "foreign" && !long.On {
			continue // each is a search that finds nothing, as those of FuzzDetectSizes are
		}
		d := detect(t, key, img)
		assert.False(t, d.Found, name)
		assert.Zero(t, d.Copy, name)
		assert.Zero(t, d.LogPFA, name)
		assert.LessOrEqual(t, d.Debug.Checks, 4, name)
	}
	assert.True(t, detect(t, other, foreign).Found)
}

func uniform(w, h int, v uint8) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i := range img.Pix {
		img.Pix[i] = v
		if i%4 == 3 {
			img.Pix[i] = 255
		}
	}
	return img
}

func TestDetectRefusesAndStops(t *testing.T) {
	for _, size := range [][2]int{{0, 0}, {1, 1}, {31, 500}, {50000, 40}} {
		_, err := watermark.Detect(t.Context(), key, image.NewNRGBA(image.Rect(0, 0, size[0], size[1])))
		assert.ErrorIs(t, err, watermark.ErrTooSmall, size)
	}
	_, err := watermark.Detect(t.Context(), key, image.White) // of endless size
	assert.ErrorIs(t, err, watermark.ErrTooLarge)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = watermark.Detect(ctx, key, scene(300, 200))
	assert.ErrorIs(t, err, context.Canceled)
}

func TestMarkReadsBackOrSaysWeak(t *testing.T) {
	m, err := watermark.Mark(t.Context(), key, testID, large(), &watermark.Options{Submission: sub})
	require.NoError(t, err)
	assert.False(t, m.Weak)
	assert.Equal(t, 1.0, m.Strength)
	assert.Greater(t, m.MarginDB, 3.0)
	assert.GreaterOrEqual(t, m.PSNR, 44.0)
	assert.GreaterOrEqual(t, m.SSIM, 0.985)
	assert.Equal(t, largeMarked().Pix, m.Image.Pix)

	// on a nearly white picture SSIM allows less than the strength asked for
	fainter, err := watermark.Mark(t.Context(), key, testID, uniform(360, 240, 253), nil)
	require.NoError(t, err)
	assert.False(t, fainter.Weak)
	assert.Less(t, fainter.Strength, 1.0)
	assert.GreaterOrEqual(t, fainter.SSIM, 0.985)

	// at a hundredth of the budget rounding leaves nothing to read
	for _, src := range long.Cases(1, uniform(320, 240, 0), scene(320, 240)) {
		weak, err := watermark.Mark(t.Context(), key, testID, src, &watermark.Options{Strength: 0.01})
		require.NoError(t, err)
		assert.True(t, weak.Weak)
		assert.Zero(t, weak.MarginDB)
		assert.InDelta(t, 0.014, weak.Strength, 1e-9)
	}
}

// In place the marked picture is the same and takes the memory of the source; without, and
// where marking fails, the source stays as it is.
func TestMarkInPlace(t *testing.T) {
	plain := scene(360, 240)
	src := scene(360, 240)
	want, err := watermark.Mark(t.Context(), key, testID, src, nil)
	require.NoError(t, err)
	require.Equal(t, plain.Pix, src.Pix)
	require.NotEqual(t, plain.Pix, want.Image.Pix)

	o, err := watermark.Prepare(key, src, nil)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = o.MarkInPlace(ctx, testID)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, plain.Pix, src.Pix)

	o, err = watermark.Prepare(key, src, nil)
	require.NoError(t, err)
	got, err := o.MarkInPlace(t.Context(), testID)
	require.NoError(t, err)
	assert.Same(t, src, got.Image)
	assert.Equal(t, want.Image.Pix, got.Image.Pix)
	want.Image, got.Image = nil, nil
	assert.Equal(t, want, got)
}

func FuzzDetectSizes(f *testing.F) {
	f.Add(uint8(64), uint8(40), uint32(1))
	f.Add(uint8(32), uint8(255), uint32(0))
	f.Add(uint8(0), uint8(1), uint32(9))
	f.Add(uint8(90), uint8(80), uint32(6))
	f.Add(uint8(133), uint8(40), uint32(7))
	f.Fuzz(func(t *testing.T, w, h uint8, seed uint32) {
		img := image.NewNRGBA(image.Rect(0, 0, int(w)%100, int(h)%100)) // small: each takes a full search
		kind := seed % 4
		for i := range img.Pix {
			switch kind {
			case 0: // uniform
				img.Pix[i] = uint8(seed >> 8)
			case 1: // steps
				img.Pix[i] = uint8(i / 64 * 16)
			case 2: // clear in places
				img.Pix[i] = uint8(seed >> (i % 24))
			default:
				seed = seed*1664525 + 1013904223
				img.Pix[i] = uint8(seed >> 24)
			}
		}
		d, err := watermark.Detect(t.Context(), key, img)
		if err != nil {
			require.ErrorIs(t, err, watermark.ErrTooSmall)
			return
		}
		require.False(t, d.Found)
	})
}

func Example() {
	key := watermark.GenerateKey()
	id := watermark.NewCopyID()
	m, err := watermark.Mark(context.Background(), key, id, scene(640, 480), nil)
	if err != nil {
		panic(err)
	}
	d, err := watermark.Detect(context.Background(), key, m.Image)
	if err != nil {
		panic(err)
	}
	fmt.Println(d.Found, d.Copy == id)
	// Output: true true
}

// A copy that its recipient marked again, as an upload of theirs, gives both marks;
// so do two keys; and no key finds what another laid.
func TestDetectAllWithoutKeys(t *testing.T) {
	all, err := watermark.DetectAll(t.Context(), scene(500, 400))
	require.NoError(t, err)
	require.Empty(t, all)
}

func TestDetectAllFindsEveryMark(t *testing.T) {
	const first, second, third = watermark.CopyID(0xa1), watermark.CopyID(0xb2), watermark.CopyID(0xc3)
	other, stranger := others[0], others[1]
	m := embed(t, first, small())
	for _, again := range []struct {
		key *watermark.Key
		id  watermark.CopyID
	}{{key, second}, {other, third}} {
		var err error
		m, err = watermark.Embed(again.key, again.id, m, nil)
		require.NoError(t, err)
	}
	all, err := watermark.DetectAll(t.Context(), applied(t, "jpeg75", m), key, other, stranger)
	require.NoError(t, err)
	got := map[watermark.CopyID]string{}
	for i, d := range all {
		got[d.Copy] = d.KeyID
		assert.True(t, d.Found)
		if i > 0 {
			assert.LessOrEqual(t, d.Correlation, all[i-1].Correlation, "strongest first")
		}
	}
	assert.Equal(t, map[watermark.CopyID]string{first: key.ID(), second: key.ID(), third: other.ID()}, got)

	_, err = watermark.DetectAll(t.Context(), scene(20, 300), key)
	assert.ErrorIs(t, err, watermark.ErrTooSmall)
}
