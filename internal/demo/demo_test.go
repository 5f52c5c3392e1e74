package demo_test

import (
	"bytes"
	"crypto/sha256"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/demo"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/compare"
	"github.com/kycmark/kycmark/internal/test/fromfile"
	"github.com/kycmark/kycmark/watermark"
)

// TestLeaks lets one recipient be handed JPEG 60 of the later uploads: leaks are
// made of copies whatever marks them.
func TestLeaks(t *testing.T) {
	dir := t.TempDir()
	uploads, copies, leaks := filepath.Join(dir, "u"), filepath.Join(dir, "c"), filepath.Join(dir, "l")
	entries, err := demo.WriteUploads(uploads)
	require.NoError(t, err)
	require.Len(t, entries, 12)
	require.NoError(t, os.Mkdir(copies, 0o700))
	for _, e := range entries[6:10] {
		data, err := os.ReadFile(demo.UploadPath(uploads, e))
		require.NoError(t, err)
		p, err := picture.Decode(data, picture.Limits{})
		require.NoError(t, err)
		var buf bytes.Buffer
		require.NoError(t, picture.Encode(&buf, p.Image, "jpeg", 60))
		sum := sha256.Sum256(data)
		name := watermark.Submission(sum[:16]).String() + ".jpg"
		require.NoError(t, os.WriteFile(filepath.Join(copies, name), buf.Bytes(), 0o600))
	}

	made, err := demo.WriteLeaks(leaks, uploads, copies)
	require.NoError(t, err)
	damaged := 0
	for _, leak := range made {
		_, err := fromfile.Picture(filepath.Join(leaks, leak.File), picture.Limits{})
		if err != nil {
			assert.ErrorIs(t, err, picture.ErrFormat, leak.File)
			damaged++
		}
	}
	require.Equal(t, 1, damaged)
	files, err := os.ReadDir(leaks)
	require.NoError(t, err)
	require.Len(t, files, len(made))

	// The transplanted one looks like the upload that it was laid upon.
	onto, err := fromfile.Picture(demo.UploadPath(uploads, entries[1]), picture.Limits{})
	require.NoError(t, err)
	got, err := fromfile.Picture(filepath.Join(leaks, "5-transplanted.jpg"), picture.Limits{})
	require.NoError(t, err)
	require.Equal(t, onto.Image.Rect, got.Image.Rect)
	require.Greater(t, compare.PSNR(got.Image, onto.Image), 25.0)
}

func TestLeaksNeedCopies(t *testing.T) {
	dir := t.TempDir()
	_, err := demo.WriteUploads(filepath.Join(dir, "u"))
	require.NoError(t, err)
	_, err = demo.WriteLeaks(filepath.Join(dir, "l"), filepath.Join(dir, "u"), filepath.Join(dir, "none"))
	require.ErrorIs(t, err, fs.ErrNotExist)
}
