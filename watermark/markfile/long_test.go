//go:build long

package markfile_test

import (
	"bytes"
	"image"
	"image/png"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/watermark"
	"github.com/kycmark/kycmark/watermark/markfile"
)

// A plain picture carries no mark: its copy is refused, and comes with the reason.
func TestLongWeak(t *testing.T) {
	var plain bytes.Buffer
	require.NoError(t, png.Encode(&plain, image.NewGray(image.Rect(0, 0, 400, 300))))
	made, err := markfile.Mark(t.Context(), watermark.GenerateKey(), 1, plain.Bytes(), nil)
	require.ErrorIs(t, err, markfile.ErrWeak)
	assert.True(t, made.Weak)
	assert.Equal(t, "png", made.Format)
}
