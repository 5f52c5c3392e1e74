package picture_test

import (
	"bytes"
	"encoding/binary"
	"image"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture"
	longtest "github.com/kycmark/kycmark/internal/test/long"
)

// A JPEG of any orientation comes reduced as it comes whole: its nearest pixels are those of all pixels, and the
// means of its halves are theirs.
func TestReduced(t *testing.T) {
	const step = 300
	data := testdata(t, "../../../testdata/pictures/stranger_coast.jpg")
	for _, orientation := range longtest.Cases(3, 1, 6, 2, 3, 4, 5, 7, 8) {
		doc := picture.OnePage(withSegment(data, 0xe1, exif(binary.BigEndian, orientation)))
		whole, err := doc.Picture(1, picture.Limits{})
		require.NoError(t, err)
		got, err := doc.Reduced(1, picture.Limits{}, step)
		require.NoError(t, err)
		require.NotNil(t, got.Nearest)
		assert.NotEqual(t, whole.Decoder, got.Decoder)
		assert.Equal(t, whole.SHA256, got.SHA256)
		size := whole.Image.Rect.Size()
		require.Equal(t, size, got.Whole)
		require.Equal(t, image.Rect(0, 0, size.X/2, size.Y/2), got.Image.Rect)
		off, worst := 0, uint8(0)
		for y := range step {
			for x := range step {
				a, b := got.Nearest.NRGBAAt(x, y), whole.Image.NRGBAAt(x*size.X/step, y*size.Y/step)
				if a != b {
					off++
				}
				worst = max(worst, max(a.G, b.G)-min(a.G, b.G))
			}
		}
		assert.LessOrEqual(t, worst, uint8(2), "orientation %d", orientation)
		assert.Less(t, off, step*step/50, "orientation %d", orientation)
		for _, left := range []bool{false, true} {
			assert.InDelta(t, half(whole.Image, left), half(got.Image, left), 0.5, "orientation %d", orientation)
		}
	}
}

// half is the mean of green in the left half or the upper half.
func half(m *image.NRGBA, left bool) float64 {
	w, h, sum := m.Rect.Dx(), m.Rect.Dy(), 0
	if left {
		w /= 2
	} else {
		h /= 2
	}
	for y := range h {
		for x := range w {
			sum += int(m.NRGBAAt(x, y).G)
		}
	}
	return float64(sum) / float64(w*h)
}

// What cannot be read from coefficients is decoded, and refused, as ever.
func TestNotReduced(t *testing.T) {
	data := testdata(t, "../../../testdata/pictures/stranger_coast.jpg")
	end := len(data) - 2
	damaged := bytes.Clone(data)
	copy(damaged[end-600:], bytes.Repeat([]byte{0x55}, 500))
	for name, tt := range map[string]struct {
		data []byte
		lim  picture.Limits
		step int
	}{
		"png":            {data: pngBytes(pattern(900, 700)), step: 300},
		"small":          {data: jpegBytes(pattern(900, 700)), step: 300},
		"less than step": {data: data, step: 1500},
		"damaged":        {data: damaged, step: 300},
		"cut off":        {data: data[:end], step: 300},
		"pixels":         {data: data, step: 300, lim: picture.Limits{MaxPixels: 1_499_999}},
		"bytes":          {data: data, step: 300, lim: picture.Limits{MaxBytes: int64(end)}},
	} {
		doc := picture.OnePage(tt.data)
		want, wantErr := doc.Picture(1, tt.lim)
		got, err := doc.Reduced(1, tt.lim, tt.step)
		assert.Equal(t, wantErr, err, name)
		assert.Equal(t, want, got, name)
	}
}
