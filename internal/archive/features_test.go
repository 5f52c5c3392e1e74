package archive_test

import (
	"bytes"
	"image"
	"os"
	"path/filepath"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/archive"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/phash/parts"
)

func pictureEntry(t *testing.T, name string, img image.Image) archive.Entry {
	t.Helper()
	h, quality, err := phash.Sum(phash.PDQ, img)
	require.NoError(t, err)
	f, err := parts.Extract(img)
	require.NoError(t, err)
	return archive.Entry{Name: name, Hash: h, Quality: quality, Features: f}
}

// shown are the names of the pictures that img shows a part of.
func shown(t *testing.T, a *archive.Archive, img image.Image) (names []string) {
	t.Helper()
	q, err := parts.Examine(img)
	require.NoError(t, err)
	found, err := a.Features.Search(t.Context(), q, &parts.SearchOptions{MaxLogNFA: -10})
	require.NoError(t, err)
	for _, m := range found {
		names = append(names, a.Name(m.Ref))
	}
	return names
}

// Features are kept, replaced and erased with their pictures.
func TestFeatures(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "x")
	a, err := archive.Create(dir, phash.PDQ, true, false)
	require.NoError(t, err)
	card := specimen.Photograph(specimen.Render(specimen.Licence, specimen.NewPerson(1), 800), 1, 1000, 750)
	coast := specimen.Landscape(7, 900, 600)
	part := imaging.Crop(card, image.Rect(250, 200, 800, 560))
	_, err = a.Add([]archive.Entry{pictureEntry(t, "card", card), pictureEntry(t, "coast", coast)})
	require.NoError(t, err)
	for range 2 {
		a = reopen(t, a, dir)
		require.Equal(t, 2, a.Features.Len())
		assert.Equal(t, []string{"card"}, shown(t, a, part))
	}
	_, err = a.Add([]archive.Entry{pictureEntry(t, "card", specimen.Landscape(9, 900, 600))})
	require.NoError(t, err)
	a = reopen(t, a, dir)
	assert.Empty(t, shown(t, a, part), "another picture of that name")
	require.Equal(t, 1, a.Remove(map[string]bool{"coast": true}))
	a = reopen(t, a, dir)
	assert.Equal(t, 1, a.Features.Len())

	h := pictureEntry(t, "card", coast)
	h.Features = nil // a hash from a list
	_, err = a.Add([]archive.Entry{h})
	require.NoError(t, err)
	assert.Zero(t, a.Features.Len(), "features of what the hash replaced")
	require.NoError(t, a.Close())

	files, err := filepath.Glob(filepath.Join(dir, "features-*"))
	require.NoError(t, err)
	require.Len(t, files, 1, "older ones are removed")
	data, err := os.ReadFile(files[0])
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(files[0], bytes.Replace(data, data[40:44], []byte("evil"), 1), 0o600))
	_, err = archive.Open(dir)
	require.ErrorIs(t, err, parts.ErrSnapshot)
}
