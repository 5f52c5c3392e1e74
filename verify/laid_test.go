package verify_test

import (
	"bytes"
	"image"
	"path"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/testdata"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// Opponent's story: a forger lays the mark of vendor A's copy onto another upload. What is left of the copy's upload aligns by chance on
// a 20th of it, where the pixels leave open what they show. In 4 of 24 copies the other upload was forgotten. With a piece of the copy
// laid over it that the pixels leave open, too, it is not said that the mark was laid there.
func TestMarkLaidOntoAllOfALeak(t *testing.T) {
	t.Parallel()
	_, s, v := twoVendors(t)
	var uploads []*image.NRGBA
	var ids []watermark.Submission
	for _, name := range []string{"farid_selfie.jpg", "anna_selfie.jpg"} {
		data, err := testdata.Pictures.ReadFile(path.Join("pictures", name))
		require.NoError(t, err)
		ids = append(ids, submit(t, s, data, name, feb).ID)
		uploads = append(uploads, decoded(t, data))
	}
	for _, id := range long.Cases(1, watermark.CopyID(5), 9) {
		var out bytes.Buffer
		_, err := s.Issue(t.Context(), ids[0], "vendor A", registry.WriteTo(&out), &registry.IssueOptions{ID: id, Purpose: "request 7"})
		require.NoError(t, err)
		marked := decoded(t, out.Bytes())
		size := marked.Rect.Size()
		plain, onto := imaging.Resize(uploads[0], size.X, size.Y, imaging.Lanczos), imaging.Fill(uploads[1], size.X, size.Y, imaging.Center, imaging.Lanczos)
		leak := imaging.Clone(onto)
		for i := range leak.Pix {
			if i%4 != 3 {
				leak.Pix[i] = uint8(min(max(int(onto.Pix[i])+int(marked.Pix[i])-int(plain.Pix[i]), 0), 255))
			}
		}
		v.SetDetect(reads(id))
		got := examine(t, v, leak)
		assert.Equal(t, findings.FoundTransplanted, got.Kind, got.Note)
		assert.Equal(t, ids[1], got.Submission)
		got = examine(t, v, imaging.Paste(onto, imaging.Crop(marked, image.Rect(200, 200, 330, 330)), image.Pt(200, 200)))
		assert.Equal(t, findings.FoundUnconfirmed, got.Kind, got.Note)
	}
}
