package verify_test

import (
	"context"
	"fmt"
	"image"
	"strings"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/stories"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// twoVendors is stories.TwoVendors with an investigation that finds marks by tracing alone.
func twoVendors(t *testing.T) (registry.Config, *registry.Issuer, *verify.Investigation) {
	t.Helper()
	cfg, s, v := stories.TwoVendors(t)
	v.SetDetect(noMark)
	return cfg, s, v
}

// Opponent's story: a customer sends in a crop of vendor A's copy, of which vendor B gets copies. Vendor A's whole copy leaks. The
// headline said that each party that had the crop fits as well.
func TestReturnedCropOfACopy(t *testing.T) {
	t.Parallel()
	_, s, v := twoVendors(t)
	var leaks []*findings.Finding
	for i := range uint64(2) {
		first := submit(t, s, file(t, photo(64+i, 800, 600), "jpeg"), fmt.Sprint("one ", i), feb)
		_, marked, id := issued(t, s, first.ID, "vendor A")
		crop := imaging.CropCenter(marked, 440, 330)
		second := submit(t, s, file(t, crop, "jpeg"), fmt.Sprint("two ", i), feb)
		issued(t, s, second.ID, "vendor B")
		got := examine(t, v, marked)
		require.Equal(t, []watermark.CopyID{id}, confirmed(got), got.Note)
		leaks = append(leaks, got)
		if i > 0 {
			continue
		}
		v.SetDetect(reads(id))
		part := examine(t, v, crop)
		require.NotEmpty(t, part.Reads, part.Note)
		assert.Contains(t, part.Reads[0].Returned, second.ID, "the crop itself may be of either")
		v.SetDetect(noMark)
	}
	d := standsUp(t, v, leaks...)
	assert.NotContains(t, strings.Join(d.Sentences(), " "), "vendor B", "vendor B never had the whole picture")
	assert.False(t, hasRival(d, "vendor A", "vendor B"), "%v", d.Odds.Rivals)
}

// Opponent's story: a small picture over a plain upload has a mark that is not listed, or that was laid onto it. The picture was "unmarked", and the claim
// that no picture carries our watermark was supported. Or it is a plain upload over vendor A's copy: all were "from a vendor".
func TestMarkInAPictureInAPicture(t *testing.T) {
	t.Parallel()
	_, s, v := twoVendors(t)
	small, plain := photo(61, 400, 300), photo(62, 1200, 900)
	inset := submit(t, s, file(t, small, "jpeg"), "one", feb)
	large := submit(t, s, file(t, plain, "jpeg"), "two", feb)
	third := submit(t, s, file(t, photo(63, 400, 300), "jpeg"), "three", feb)
	_, marked, of := issued(t, s, large.ID, "vendor A")
	_, _, laid := issued(t, s, third.ID, "vendor B")
	leak := imaging.Paste(plain, small, image.Pt(780, 580))
	for id, want := range map[watermark.CopyID]findings.Kind{laid + 1: findings.FoundUnissued, laid: findings.FoundTransplanted} {
		if want == findings.FoundUnissued && !long.On {
			continue
		}
		v.SetDetect(func(ctx context.Context, k *watermark.Key, img image.Image) (*watermark.Detection, error) {
			if img.Bounds().Dx() > 700 {
				return noMark(ctx, k, img)
			}
			return reads(id)(ctx, k, img)
		})
		got := examine(t, v, leak)
		require.Equal(t, want, got.Kind, got.Note)
		assert.Contains(t, []watermark.Submission{inset.ID, large.ID}, got.Submission)
		all := strings.Join(standsUp(t, v, got).Sentences(), " ")
		assert.Contains(t, all, "“None of these pictures carries our watermark”: refuted")
	}
	v.SetDetect(noMark)
	for name, over := range map[string]image.Image{"also shows upload ": small, "also shows what looks like upload ": imaging.Blur(small, 3)} {
		if over != image.Image(small) && !long.On {
			continue
		}
		got := examine(t, v, imaging.Paste(marked, over, image.Pt(780, 580)))
		require.Equal(t, []watermark.CopyID{of}, confirmed(got), got.Note)
		assert.Contains(t, got.Note, name+inset.ID.String()+" beside")
		assert.Contains(t, strings.Join(standsUp(t, v, got).Sentences(), " "), "“These pictures come from a vendor”: not supported")
	}
}

// Opponent's story: the exchange lost a sheet of a picture with few details, of which vendor A has the copy, and another picture that nobody
// else had. The first was found by its mark alone, without a place. So the other one was not beside it, and was not said.
func TestPlaceOfAnUploadFoundByItsMark(t *testing.T) {
	t.Parallel()
	cfg, s, v := twoVendors(t)
	of := submit(t, s, file(t, photo(193, 500, 500), "jpeg"), "customer b", feb)
	_, marked, id := issued(t, s, of.ID, "vendor A")
	matches, err := v.ReadAlone(t.Context(), below(640, photo(191, 640, 480), marked), &watermark.Detection{Found: true, Copy: id, KeyID: cfg.Key.ID()})
	require.NoError(t, err)
	require.Len(t, matches, 1)
	require.NotNil(t, matches[0].Region)
	for i, corner := range (findings.Quad{{0, 480}, {500, 480}, {500, 980}, {0, 980}}) {
		assert.InDeltaSlice(t, corner[:], matches[0].Region[i][:], 2)
	}
}
