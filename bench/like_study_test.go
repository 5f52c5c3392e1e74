//go:build study

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/bench/hard"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/fromfile"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/watermark"
)

// The figures of docs/limits.md on how copies are written:
//
//	KYCMARK_SHARED=... go -C bench test -tags study -timeout 2h -v -run Study .

func sharedPictures(t *testing.T, globs ...string) (paths []string) {
	for _, g := range globs {
		found, err := filepath.Glob(filepath.Join(os.Getenv("KYCMARK_SHARED"), "pictures", g))
		require.NoError(t, err)
		paths = append(paths, found...)
	}
	require.NotEmpty(t, paths, "KYCMARK_SHARED names no pictures")
	return paths
}

func markedCopy(t *testing.T, img *picture.Picture, side int) *watermark.Marked {
	m, err := watermark.Mark(t.Context(), leaktest.Key(), 1234, picture.Fit(img.Image, side), &watermark.Options{Submission: watermark.Submission(img.SHA256[:16])})
	require.NoError(t, err)
	return m
}

// TestQualityFloorStudy counts the reads that are left when a copy is compressed
// before it leaks.
func TestQualityFloorStudy(t *testing.T) {
	attacks := []string{"jpeg20", "resize25", "thumb320", "crop10", "crop25", "whatsapp_twice", "rot5", "blur4", "screenshot"}
	for _, c := range []struct {
		name     string
		pictures []string
	}{
		{"small", sharedPictures(t, "photos/blurred_face_small.jpg", "documents/idcard_france_1994_specimen.jpg", "documents/passport_france_specimen.jpg", "documents/licence_arizona_sample.jpg")},
		{"large", sharedPictures(t, "photos/selfie_daylight_20mp.jpg", "photos/smooth_sky_8mp.jpg", "photos/phone_two_men_8mp.jpg")},
	} {
		read := map[int]int{}
		for _, path := range c.pictures {
			pic, err := fromfile.Picture(path, picture.Limits{})
			require.NoError(t, err)
			m := markedCopy(t, pic, 2700)
			for _, quality := range []int{40, 50, 60, 70, 92} {
				var b bytes.Buffer
				require.NoError(t, picture.Encode(&b, m.Image, "jpeg", quality))
				file, err := picture.Decode(b.Bytes(), picture.Limits{})
				require.NoError(t, err)
				for _, name := range attacks {
					a, err := hard.Find(name)
					require.NoError(t, err)
					d, err := watermark.Detect(t.Context(), leaktest.Key(), a.Apply(file.Image, 1))
					if err == nil && d.Found && d.Copy == 1234 {
						read[quality]++
					}
				}
			}
			t.Logf("%s, up to %s: read %v of %d pictures x %d attacks", c.name, filepath.Base(path), read, len(c.pictures), len(attacks))
		}
	}
}

// TestSizeStudy compares marked copies with the plain pictures, written by the
// same encoder at the quality of the source.
func TestSizeStudy(t *testing.T) {
	for _, path := range sharedPictures(t, "documents/*.jp*g", "photos/*.jpg", "odd/jpeg_*.jpg") {
		pic, err := fromfile.Picture(path, picture.Limits{})
		if err != nil || strings.Contains(path, "cmyk") {
			continue
		}
		var plain, marked bytes.Buffer
		require.NoError(t, picture.EncodeLike(&plain, pic.Image, pic.Source, picture.LikeOptions{Quality: pic.Source.LikeQuality(pic.Image.Rect)}))
		require.NoError(t, picture.EncodeLike(&marked, markedCopy(t, pic, 0).Image, pic.Source, picture.LikeOptions{}))
		got, err := picture.Decode(marked.Bytes(), picture.Limits{})
		require.NoError(t, err)
		ratio := float64(marked.Len()) / float64(plain.Len())
		assert.InDelta(t, 1, ratio, 0.15, path)
		t.Logf("%-40s %v, quality %d -> %d, %.3f of the plain one, %.3f of the source", filepath.Base(path), pic.Source.Subsampling,
			pic.Source.Quality, got.Source.Quality, ratio, float64(marked.Len())/float64(pic.Size))
	}
}
