package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/cli/pictures"
	"github.com/kycmark/kycmark/internal/cli/ui"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/phash"
)

// Hashes of JPEGs that were read reduced are those of all their pixels, but for a few bits: a search finds an upload
// whichever way it was hashed. The limits are a little above the worst of 200 pictures.
func TestHashesOfReducedPictures(t *testing.T) {
	var files []string
	for _, folder := range []string{"../../testdata/pictures", os.Getenv("KYCMARK_SHARED") + "/pictures/photos", os.Getenv("KYCMARK_SHARED") + "/pictures/documents"} {
		found, err := filepath.Glob(filepath.Join(folder, "*.jp*g"))
		require.NoError(t, err)
		files = append(files, found...)
	}
	limit := map[phash.Kind]int{phash.PDQ: 4, phash.Area: 8, phash.Difference: 5}
	reduced, step := 0, long.Number(4, 1)
	for i, file := range files {
		if i%step > 0 {
			continue
		}
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		small, err := ui.ForHashes(picture.OnePage(data), 1, picture.Limits{})
		require.NoError(t, err)
		if small.Nearest == nil {
			continue
		}
		reduced++
		all, err := picture.Decode(data, picture.Limits{})
		require.NoError(t, err)
		for _, kind := range pictures.HashKinds {
			want, quality, err := phash.Sum(kind, all.Image)
			require.NoError(t, err)
			got, _, err := ui.Sum(kind, small)
			require.NoError(t, err)
			if quality >= phash.MinQuality {
				assert.LessOrEqual(t, got.Distance(want), max(limit[kind], 3), "%s of %s", kind, file)
			}
		}
	}
	assert.GreaterOrEqual(t, reduced, 15/step)
}
