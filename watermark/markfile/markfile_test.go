package markfile_test

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/watermark"
	"github.com/kycmark/kycmark/watermark/markfile"
)

func TestMark(t *testing.T) {
	upload, err := os.ReadFile("../../testdata/pictures/elif_licence.jpg")
	require.NoError(t, err)
	key, id := watermark.GenerateKey(), watermark.NewCopyID()
	made, err := markfile.Mark(t.Context(), key, id, upload, nil)
	require.NoError(t, err)
	again, err := markfile.Mark(t.Context(), key, id, upload, &markfile.Options{Submission: made.Submission, Format: "jpeg"})
	require.NoError(t, err)
	assert.True(t, bytes.Equal(made.File, again.File), "the defaults are these")
	assert.Equal(t, 1, made.Pages)

	low, err := markfile.Mark(t.Context(), key, id, upload, &markfile.Options{Quality: 1})
	require.ErrorIs(t, err, markfile.ErrWeak)
	assert.True(t, low.Unread, "it was looked for in the file")
	low, err = markfile.Mark(t.Context(), key, id, upload, &markfile.Options{Quality: 1, AllowWeak: true})
	require.NoError(t, err)
	marks, err := markfile.Read(t.Context(), low.File, nil, key)
	require.NoError(t, err)
	assert.Empty(t, marks)

	_, err = markfile.Mark(t.Context(), key, id, upload, &markfile.Options{Format: "webp"})
	assert.ErrorContains(t, err, "webp")
	_, err = markfile.Mark(t.Context(), key, id, upload[:len(upload)/2], nil)
	assert.ErrorContains(t, err, "truncated")
	_, err = markfile.Mark(t.Context(), key, id, upload, &markfile.Options{MaxPixels: 1000})
	assert.ErrorContains(t, err, "pixels")
	_, err = markfile.Read(t.Context(), []byte("text"), nil, key)
	assert.ErrorContains(t, err, "not a picture")
}

// A plain picture carries no mark: its copy is refused, and comes with the reason.
func TestWeak(t *testing.T) {
	var plain bytes.Buffer
	require.NoError(t, png.Encode(&plain, image.NewGray(image.Rect(0, 0, 400, 300))))
	made, err := markfile.Mark(t.Context(), watermark.GenerateKey(), 1, plain.Bytes(), nil)
	require.ErrorIs(t, err, markfile.ErrWeak)
	assert.True(t, made.Weak)
	assert.Equal(t, "png", made.Format)
}

func TestREADME(t *testing.T) {
	example, err := os.ReadFile("example_test.go")
	require.NoError(t, err)
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	shown := strings.Split(string(example), "\t// README\n")
	require.Len(t, shown, 3)
	assert.Contains(t, string(readme), "```go\n"+strings.ReplaceAll("\n"+shown[1], "\n\t", "\n")[1:]+"```\n")
}
