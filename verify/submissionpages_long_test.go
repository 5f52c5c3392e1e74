//go:build long

package verify_test

import (
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/leaktest"
)

// Pages that show the same picture, in colour and in grey, have marks of their own: a leak of either is a copy, not a
// mark that was moved, and not unmarked. Pages of the same pixels have the same mark: their average is the page itself.
func TestPagesAlike(t *testing.T) {
	t.Parallel()
	cfg := leaktest.Config(t)
	require.NoError(t, cfg.Registry.AddRecipient(t.Context(), books.Recipient{Name: "vendor A", Kind: books.KindVendor}))
	s := newIssuer(t, cfg)
	page := passport(1)
	doc := submit(t, s, tiffOf(t, page, imaging.Grayscale(page), page), "customer 1", feb)
	c, marked := issueTo(t, s, doc.ID)
	require.Equal(t, marked[0].Pix, marked[2].Pix)
	v := newInvestigator(t, investigating(cfg))
	for _, detect := range []bool{true, false} {
		if !detect {
			v.SetDetect(noMark)
		}
		for k, img := range marked[:2] {
			got := examine(t, v, leaked(t, img, "telegram"))
			assert.Equal(t, []any{"copy", c.ID, k + 1}, []any{got.Label(), got.Copy(), got.Page}, got.Note)
		}
	}
	got := examine(t, v, leaked(t, imaging.Grayscale(page), "telegram"))
	assert.Equal(t, "unmarked", got.Label(), got.Note)
}
