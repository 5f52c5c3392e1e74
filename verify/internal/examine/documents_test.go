package examine

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/fromfile"
	"github.com/kycmark/kycmark/phash/parts"
	"github.com/kycmark/kycmark/verify/findings"
)

// Opponent's story: a person is registered three times. The second upload is erased while its dump is compared, and the third is
// not found as the same document, since the search ended at the erased page.
func TestErasedPageEndsNoSearch(t *testing.T) {
	p, err := fromfile.Picture("../../../testdata/pictures/anna_passport.jpg", picture.Limits{})
	require.NoError(t, err)
	for erased := 1; erased < 3; erased++ {
		d := documents{subjects: []string{"a", "b", "c"}, pages: []documentPage{{of: 0}, {of: 1}, {of: 2}}, pairs: make(map[[2]int]func() (*findings.SameDocument, error))}
		q, err := parts.Examine(p.Image)
		require.NoError(t, err)
		for i := range d.pages {
			f, err := parts.Extract(p.Image)
			require.NoError(t, err)
			require.NoError(t, d.index.Add(int64(i), f))
			d.queries = append(d.queries, q)
		}
		for k := 1; k < 3; k++ {
			same := &findings.SameDocument{Pixels: findings.PixelsSame, Pages: []int{1, k}}
			if k == erased {
				same = &findings.SameDocument{Pixels: findings.PixelsUnknown}
			}
			d.pairs[[2]int{0, k}] = func() (*findings.SameDocument, error) { return same, nil }
		}
		got, err := d.like(t.Context(), 0)
		require.NoError(t, err)
		require.Len(t, got, 1)
		require.Equal(t, []int{1, 3 - erased}, got[0].Pages)
	}
}
