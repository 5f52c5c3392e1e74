package watermark_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"image/jpeg"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/specimen"
	"github.com/kycmark/kycmark/watermark"
)

// A mark in coefficients is read and traced like others, and its file has the same bytes on every machine.
func TestJPEG(t *testing.T) {
	var b bytes.Buffer
	img := scene(601, 431)
	require.NoError(t, jpeg.Encode(&b, img, &jpeg.Options{Quality: 90}))
	j, err := watermark.PrepareJPEG(key, b.Bytes(), 1, sub)
	require.NoError(t, err)
	m, file, err := j.Mark(t.Context(), 1042)
	require.NoError(t, err)
	assert.False(t, m.Weak)
	assert.Nil(t, m.Image)
	assert.InDelta(t, 45, m.PSNR, 3)
	assert.Greater(t, m.SSIM, 0.986)
	assert.Less(t, float64(len(file)), 1.08*float64(b.Len()))

	original, err := picture.Decode(b.Bytes(), picture.Limits{})
	require.NoError(t, err)
	leak, err := picture.Decode(file, picture.Limits{})
	require.NoError(t, err)
	found, err := watermark.Detect(t.Context(), key, leak.Image)
	require.NoError(t, err)
	assert.Equal(t, watermark.CopyID(1042), found.Copy)
	tr := tracer(t, original.Image, issued(200))
	for _, name := range []string{"none", "jpeg20", "rot17"} {
		assert.Equal(t, []watermark.CopyID{1042}, traced(t, tr, applied(t, name, leak.Image)).Accused, name)
	}
}

// The bytes of a marked file must not depend on the machine.
func TestJPEGVector(t *testing.T) {
	file, err := os.ReadFile("../testdata/pictures/stranger_coast.jpg")
	require.NoError(t, err)
	j, err := watermark.PrepareJPEG(key, file, 6, sub)
	require.NoError(t, err)
	_, marked, err := j.Mark(t.Context(), 1042)
	require.NoError(t, err)
	sum := sha256.Sum256(marked)
	assert.Equal(t, "5659535ae6031aa80e5a357e2823772b507251236762cff854aa5d0d7a8f9957", hex.EncodeToString(sum[:]))
}

// Rounding to steps of quantisation adds to the error of a mark: the PSNR floor counts for the file.
func TestJPEGFloor(t *testing.T) {
	img := specimen.Render(specimen.IDCard, specimen.NewPerson(85), 500)
	for _, quality := range []int{70, 85, 95} {
		var b bytes.Buffer
		require.NoError(t, picture.Encode(&b, img, "jpeg", quality))
		j, err := watermark.PrepareJPEG(key, b.Bytes(), 1, sub)
		require.NoError(t, err)
		m, _, err := j.Mark(t.Context(), 7)
		require.NoError(t, err)
		assert.GreaterOrEqual(t, m.PSNR, 42.0, quality)
		assert.Less(t, m.PSNR, 42.3, quality)
	}
}

func TestJPEGOfNoSize(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, jpeg.Encode(&b, scene(200, 200), nil))
	_, err := watermark.PrepareJPEG(key, b.Bytes(), 1, sub)
	assert.ErrorIs(t, err, watermark.ErrTooSmall)
	_, err = watermark.PrepareJPEG(key, b.Bytes()[:b.Len()/2], 1, sub)
	assert.ErrorIs(t, err, watermark.ErrCoefficients)
}
