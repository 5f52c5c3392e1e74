package picture

import (
	"bytes"
	"image"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture/jpeg"
	"github.com/kycmark/kycmark/internal/picture/pdf"
)

// grey returns a small picture as a file of a format.
func grey(t testing.TB, format string) []byte {
	img := image.NewGray(image.Rect(0, 0, 19, 11))
	for i := range img.Pix {
		img.Pix[i] = byte(i)
	}
	var b bytes.Buffer
	require.NoError(t, EncodeLike(&b, img, Source{Format: format}, LikeOptions{}))
	return b.Bytes()
}

// A JPEG loses its metadata, and gets the orientation that is asked for.
func TestPlainJPEG(t *testing.T) {
	file := grey(t, "jpeg")
	plain, err := jpeg.Plain(file, 1, nil)
	require.NoError(t, err)
	with, err := jpeg.Insert(Source{ICC: make([]byte, 200)}, plain, []byte("MM\x00*secret"), image.Rectangle{})
	require.NoError(t, err)
	again, err := jpeg.Plain(with, 1, nil)
	require.NoError(t, err)
	require.Equal(t, plain, again)
	want, err := Decode(file, Limits{})
	require.NoError(t, err)
	for o := 1; o <= 8; o++ {
		turned, err := jpeg.Plain(with, o, nil)
		require.NoError(t, err)
		pic, err := Decode(turned, Limits{})
		require.NoError(t, err)
		assert.Equal(t, o, pic.Orientation)
		assert.Equal(t, Upright(want.Image, o), pic.Image)
	}
	_, err = jpeg.Plain(plain[:40], 1, nil)
	require.ErrorIs(t, err, ErrFormat)
}

// What cannot be put into a PDF is an error, and nothing is written.
func TestJoinPDFRefuses(t *testing.T) {
	interlaced := grey(t, "png")
	interlaced[28] = 1
	for _, file := range [][]byte{nil, []byte("no picture"), interlaced, grey(t, "tiff"), grey(t, "jpeg")[:60]} {
		var out bytes.Buffer
		require.Error(t, pdf.Join(&out, []PDFPage{{File: file, Width: 9, Height: 9}}))
		require.Zero(t, out.Len())
	}
}

// FuzzPlainJPEG: whatever the bytes, an error or a JPEG without metadata and with the same pixels.
func FuzzPlainJPEG(f *testing.F) {
	f.Add(grey(f, "jpeg"))
	f.Add([]byte("\xff\xd8\xff\xe0\x00\x02\xff\xff\xda\x00\x02"))
	f.Fuzz(func(t *testing.T, data []byte) {
		plain, err := jpeg.Plain(data, 1, nil)
		if err != nil {
			require.ErrorIs(t, err, ErrFormat)
			return
		}
		again, err := jpeg.Plain(plain, 1, nil)
		require.NoError(t, err)
		require.Equal(t, plain, again)
		lim := Limits{MaxPixels: 1 << 16}
		if before, err := Decode(data, lim); err == nil && before.Orientation == 1 {
			if after, err := Decode(plain, lim); assert.NoError(t, err) {
				assert.Equal(t, before.Image, after.Image)
			}
		}
	})
}
