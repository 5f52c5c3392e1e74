package pages

import (
	"flag"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/skip"
)

var write = flag.String("pages", "", "write each page as a PNG to this `folder`")

// Each template shows fields of its own for each person, and the same fields each time.
func TestFields(t *testing.T) {
	assert.Len(t, Names(), 12)
	for _, name := range Names() {
		a, b := Fill(name, 1, 0), Fill(name, 2, 0)
		assert.NotEqual(t, a.HTML, b.HTML, name)
		assert.Equal(t, a, Fill(name, 1, 0), name)
		assert.NotContains(t, a.HTML, "{{", name)
	}
	for _, name := range Tuned {
		assert.True(t, slices.Contains(Names(), name), name)
	}
}

// The pages in verify/testdata/pages are of:
//
//	go test ./internal/test/pages -run Rendered -pages ../../../verify/testdata/pages
func TestRendered(t *testing.T) {
	if _, err := Program(); err != nil || testing.Short() {
		skip.Test(t, "pages are rendered by chromium, without -short")
	}
	b, err := NewBrowser(t.Context())
	require.NoError(t, err)
	names := []string{"letter_employer", "terms"}
	for _, name := range names {
		for seed := range uint64(2) {
			p := Fill(name, 1+seed, 0)
			p.Device = 0.7
			img, err := b.Render(p)
			require.NoError(t, err)
			require.InDelta(t, 0.7*float64(p.W), img.Rect.Dx(), 1)
			require.InDelta(t, 0.7*float64(p.H), img.Rect.Dy(), 1)
			if *write == "" {
				continue
			}
			f, err := os.Create(filepath.Join(*write, name+[]string{"_a", "_b"}[seed]+".png"))
			require.NoError(t, err)
			require.NoError(t, (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(f, img))
			require.NoError(t, f.Close())
		}
	}
}
