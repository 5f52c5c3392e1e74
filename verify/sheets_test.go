package verify_test

import (
	"context"
	"image"
	"strings"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"

	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/watermark"
)

// Opponent's story: the ID of vendor B's copy is read in a small picture over a plain upload, or below it, which shows too little to be sure. The whole
// was "transplanted": the mark was laid onto the plain upload.
func TestMarkReadInASmallPicture(t *testing.T) {
	t.Parallel()
	_, s, v := twoVendors(t)
	small, plain := photo(61, 400, 300), photo(62, 1200, 900)
	of := submit(t, s, file(t, small, "jpeg"), "one", feb)
	large := submit(t, s, file(t, plain, "jpeg"), "two", feb)
	_, _, id := issued(t, s, of.ID, "vendor B")
	v.SetDetect(func(ctx context.Context, k *watermark.Key, img image.Image) (*watermark.Detection, error) {
		if img.Bounds().Dx() > 700 {
			return noMark(ctx, k, img)
		}
		return reads(id)(ctx, k, img)
	})
	thumb := imaging.Resize(small, 160, 0, imaging.Lanczos)
	for _, leak := range long.Cases[image.Image](1, imaging.Paste(plain, thumb, image.Pt(780, 580)), below(1200, plain, thumb)) {
		got := examine(t, v, leak)
		assert.Equal(t, findings.FoundUnconfirmed, got.Kind, got.Note)
		assert.Contains(t, got.Note, "also shows upload "+large.ID.String()+" beside")
		all := strings.Join(standsUp(t, v, got).Sentences(), " ")
		assert.Contains(t, all, "“These pictures are not ours”: refuted")
		assert.NotContains(t, all, "no other upload was matched")
	}
}
