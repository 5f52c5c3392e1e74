//go:build long

package watermark_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/watermark"
)

// Of most blocks a hard JPEG leaves their mean alone, of others strong detail. Strong detail that came through says nothing of
// blocks without any: a leak of so few of them must not be said to show that no copy is in it.
func TestPowerAfterHardJPEG(t *testing.T) {
	upload, err := os.ReadFile("../testdata/pictures/farid_selfie.jpg")
	require.NoError(t, err)
	doc, err := picture.OpenDocument(upload, picture.Limits{})
	require.NoError(t, err)
	original, err := doc.Picture(1, picture.Limits{})
	require.NoError(t, err)
	coded, orientation, quality := doc.Steps(1, picture.Limits{})
	j, err := watermark.PrepareJPEG(key, coded, orientation, sub)
	require.NoError(t, err)
	_, file, err := j.Mark(t.Context(), 1000)
	require.NoError(t, err)
	leak, err := picture.Decode(file, picture.Limits{})
	require.NoError(t, err)
	tr, err := watermark.NewTracer(original.Image, issued(1), &watermark.TraceOptions{Submission: sub, JPEG: coded, Orientation: orientation, Quality: quality})
	require.NoError(t, err)
	for _, hard := range []int{5, 8} {
		var b bytes.Buffer
		require.NoError(t, picture.Encode(&b, imaging.Fit(leak.Image, 1000, 1000, imaging.Lanczos), "jpeg", hard))
		hurt, err := picture.Decode(b.Bytes(), picture.Limits{})
		require.NoError(t, err)
		r := traced(t, tr, hurt.Image)
		assert.Greater(t, r.Overlap, 0.9)
		if len(r.Accused) == 0 {
			assert.Less(t, r.Power, 0.99, "quality %d: score %.1f of %.1f", hard, r.Copies[0].Score, r.Expected)
		}
	}
}
