package picture_test

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/picture/codec"
)

func encode(t *testing.T, img image.Image, format string, quality int) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, picture.Encode(&b, img, format, quality))
	return b.Bytes()
}

func TestEncodeAndBack(t *testing.T) {
	for _, img := range []*image.NRGBA{pattern(31, 17), translucent(31, 17), pattern(1, 1)} {
		for format, want := range map[string]*image.NRGBA{"png": img, "tiff": img, "bmp": picture.Flatten(img)} {
			p := decode(t, encode(t, img, format, 0))
			assert.Equal(t, format, p.Format)
			samePixels(t, want, p.Image)
		}
	}
	squares := blocks(4, 3)
	p := decode(t, encode(t, squares, "jpeg", 0))
	assert.Equal(t, "jpeg", p.Format)
	assert.Less(t, meanDifference(squares, p.Image), 1.0)
}

func TestEncodeTakesAnyImage(t *testing.T) {
	whole := pattern(20, 10)
	part := whole.SubImage(image.Rect(5, 3, 15, 9))
	want := asNRGBA(part)
	samePixels(t, want, decode(t, encode(t, part, "png", 0)).Image)
	samePixels(t, want, decode(t, encode(t, foreign{part}, "png", 0)).Image)

	ycc := image.NewYCbCr(image.Rect(0, 0, 8, 8), image.YCbCrSubsampleRatio420)
	for i := range ycc.Y {
		ycc.Y[i], ycc.Cb[i/4], ycc.Cr[i/4] = byte(i*3), 100, 150
	}
	got := decode(t, encode(t, ycc, "png", 0)).Image
	for i := range 64 {
		assert.Equal(t, color.NRGBAModel.Convert(ycc.At(i%8, i/8)), got.NRGBAAt(i%8, i/8))
	}
}

// foreign hides the type of an image.
type foreign struct{ image.Image }

func TestJPEGQuality(t *testing.T) {
	img := pattern(64, 64)
	standard := encode(t, img, "jpeg", 0)
	assert.True(t, bytes.Equal(encode(t, img, "jpeg", codec.DefaultQuality), standard))
	assert.Less(t, len(encode(t, img, "jpeg", 30)), len(standard))
	assert.Greater(t, len(encode(t, img, "jpeg", 100)), len(standard))
	for _, q := range []int{-1, 101} {
		assert.Error(t, picture.Encode(&bytes.Buffer{}, img, "jpeg", q))
	}
}

func TestAlphaLiesOnWhite(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 16, 16)) // transparent black
	for _, format := range []string{"jpeg", "bmp"} {
		got := decode(t, encode(t, img, format, 95)).Image
		assert.Equal(t, color.NRGBA{255, 255, 255, 255}, got.NRGBAAt(8, 8), format)
	}
	assert.Equal(t, color.NRGBA{}, img.NRGBAAt(8, 8), "the picture given is left alone")
}

func TestEncodeErrors(t *testing.T) {
	for _, format := range []string{"webp", "gif", "heic", "JPEG", ""} {
		err := picture.Encode(&bytes.Buffer{}, pattern(2, 2), format, 0)
		assert.ErrorIs(t, err, picture.ErrFormat, format)
	}
	assert.ErrorIs(t, picture.Encode(&bytes.Buffer{}, image.NewNRGBA(image.Rectangle{}), "png", 0), picture.ErrFormat)
	for _, format := range []string{"png", "jpeg", "tiff", "bmp"} {
		assert.ErrorIs(t, picture.Encode(full{}, pattern(2, 2), format, 0), errFull, format)
	}
}

var errFull = errors.New("disk full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestFormatOf(t *testing.T) {
	for path, want := range map[string]string{
		"a.jpg": "jpeg", "b/c.JPEG": "jpeg", "x.png": "png", "x.tar.TIF": "tiff", "x.tiff": "tiff", "x.bmp": "bmp",
	} {
		got, err := picture.FormatOf(path)
		assert.NoError(t, err, path)
		assert.Equal(t, want, got, path)
	}
	for _, path := range []string{"a", "a.heic", "a.gif", "dir.png/a", ".jpg.txt", ""} {
		_, err := picture.FormatOf(path)
		assert.ErrorIs(t, err, picture.ErrFormat, path)
	}
}

func TestFlatten(t *testing.T) {
	opaque := pattern(5, 5)
	assert.Same(t, opaque, picture.Flatten(opaque))
	img := image.NewNRGBA(image.Rect(0, 0, 256, 1))
	for a := range 256 {
		img.SetNRGBA(a, 0, color.NRGBA{0, 100, 255, uint8(a)})
	}
	flat := picture.Flatten(img.SubImage(image.Rect(1, 0, 256, 1)).(*image.NRGBA))
	require.Equal(t, image.Rect(0, 0, 255, 1), flat.Rect)
	for x := range 255 {
		a := float64(x + 1)
		got := flat.NRGBAAt(x, 0)
		assert.InDelta(t, 255-a, got.R, 0.5)
		assert.InDelta(t, 255-a*155/255, got.G, 0.5)
		assert.Equal(t, color.NRGBA{got.R, got.G, 255, 255}, got)
	}
}

func TestFit(t *testing.T) {
	img := pattern(100, 40)
	assert.Same(t, img, picture.Fit(img, 100))
	assert.Same(t, img, picture.Fit(img, 0))
	for _, c := range []struct{ w, h, side, wantW, wantH int }{
		{100, 40, 50, 50, 20}, {40, 100, 50, 20, 50}, {101, 40, 50, 50, 20}, {1000, 1, 10, 10, 1}, {3, 3, 1, 1, 1},
	} {
		assert.Equal(t, image.Rect(0, 0, c.wantW, c.wantH), picture.Fit(pattern(c.w, c.h), c.side).Rect)
	}
	half := picture.Fit(blocks(4, 4), 32)
	for i := range 16 {
		want := pattern(4, 4).NRGBAAt(i%4, i/4)
		assert.Equal(t, want, half.NRGBAAt(8*(i%4)+3, 8*(i/4)+3))
	}
	part := blocks(4, 4).SubImage(image.Rect(16, 16, 64, 64)).(*image.NRGBA)
	assert.Equal(t, pattern(4, 4).NRGBAAt(1, 1), picture.Fit(part, 24).NRGBAAt(0, 0))
}
