package markfile_test

import (
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/oddjpeg"
	"github.com/kycmark/kycmark/testdata"
	"github.com/kycmark/kycmark/watermark"
	"github.com/kycmark/kycmark/watermark/markfile"
)

// uploads returns n JPEGs: shipped pictures, then documents of KYCMARK_SHARED. Without the tag long they are small.
func uploads(t *testing.T, n int) (out map[string][]byte) {
	out = map[string][]byte{}
	for _, e := range testdata.Manifest() {
		data, err := testdata.Pictures.ReadFile(e.File)
		require.NoError(t, err)
		if !long.On {
			data = smaller(t, data, 640)
		}
		if len(out) < n {
			out[e.File] = data
		}
	}
	names, err := filepath.Glob(filepath.Join(os.Getenv("KYCMARK_SHARED"), "pictures", "documents", "*.jp*g"))
	require.NoError(t, err)
	for _, name := range names {
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		if len(out) < n {
			out[name] = data
		}
	}
	return out
}

// Of a damaged copy the mark is read and traced. With the tag long it is 20 pictures; -v prints the figures that
// docs/limits.md states.
func TestDamagedCopies(t *testing.T) {
	key := watermark.GenerateKey()
	kinds := []struct {
		name         string
		damage       func(file []byte, r *rand.Rand) []byte
		read, traced float64 // shares, at least
	}{
		{"half missing", func(f []byte, _ *rand.Rand) []byte { return oddjpeg.Cut(f, .5, 0) }, .6, .95},
		{"last 2 bytes missing", func(f []byte, _ *rand.Rand) []byte { return oddjpeg.Cut(f, 0, 2) }, 1, 1},
		{"a false marker", oddjpeg.FalseMarker, .95, 1},
		{"one wrong word", oddjpeg.WrongWord, .95, .95},
		{"last tenth missing", func(f []byte, _ *rand.Rand) []byte { return oddjpeg.Cut(f, .1, 0) }, .95, 1},
		{"80 % missing", func(f []byte, _ *rand.Rand) []byte { return oddjpeg.Cut(f, .8, 0) }, .9, .95},
		{"90 % missing", func(f []byte, _ *rand.Rand) []byte { return oddjpeg.Cut(f, .9, 0) }, .8, .7},
		{"94 % missing", func(f []byte, _ *rand.Rand) []byte { return oddjpeg.Cut(f, .94, 0) }, 0, 0},
	}
	kinds = kinds[:long.Number(3, len(kinds))]
	all := uploads(t, long.Number(1, 20))
	read, traced, cropped := make([]int, len(kinds)), make([]int, len(kinds)), make([]int, len(kinds))
	r := rand.New(rand.NewPCG(50, 3))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		upload := all[name]
		id := watermark.NewCopyID()
		made, err := markfile.Mark(t.Context(), key, id, upload, nil)
		require.NoError(t, err, name)
		original, err := picture.Decode(upload, picture.Limits{})
		require.NoError(t, err)
		candidates := []watermark.Candidate{{Copy: id, Key: key}}
		for range 99 {
			candidates = append(candidates, watermark.Candidate{Copy: watermark.NewCopyID(), Key: key})
		}
		opts := &watermark.TraceOptions{Submission: made.Submission}
		opts.JPEG, opts.Orientation, opts.Quality = picture.OnePage(upload).Steps(1, picture.Limits{})
		for i, k := range kinds {
			leak, err := picture.Decode(k.damage(made.File, r), picture.Limits{})
			if err != nil { // too little is left
				continue
			}
			if leak.Image.Rect.Dy() < original.Image.Rect.Dy() {
				cropped[i]++
			}
			if found, err := watermark.Detect(t.Context(), key, leak.Image); err == nil && found.Found {
				assert.Equal(t, id, found.Copy)
				read[i]++
			}
			if result, err := watermark.Trace(t.Context(), leak.Image, original.Image, candidates, opts); err == nil && len(result.Accused) > 0 {
				assert.Equal(t, []watermark.CopyID{id}, result.Accused)
				traced[i]++
			}
		}
	}
	for i, k := range kinds {
		t.Logf("%-20s of %d pictures %d lack rows, %d are read, %d traced", k.name, len(all), cropped[i], read[i], traced[i])
		assert.GreaterOrEqual(t, float64(read[i])/float64(len(all)), k.read, k.name)
		assert.GreaterOrEqual(t, float64(traced[i])/float64(len(all)), k.traced, k.name)
	}
}
