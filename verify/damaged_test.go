package verify_test

import (
	"image"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/watermark"
)

// A leak whose marks were averaged away is not unmarked: no copy is found, though each would have been, and the pilots are
// there. It counts for no holder of unmarked uploads, and neither for nor against a recipient. The unmarked upload after the
// hardest JPEG is not called damaged.
func TestDamagedMark(t *testing.T) {
	t.Parallel()
	c := newLargeCase(t)
	upload, err := picture.Decode(file(t, c.first, "jpeg"), picture.Limits{})
	require.NoError(t, err)
	o, err := watermark.Prepare(leaktest.Key(), upload.Image, &watermark.Options{Submission: c.firstID})
	require.NoError(t, err)
	away := merged(o, upload.Image.Rect, 9)
	v := c.investigator(t, noMark)
	of := func(img *image.NRGBA) *findings.Finding { return examine(t, v, img) }

	leak := of(away)
	assert.Equal(t, findings.FoundUnreadable, leak.Kind)
	assert.Contains(t, leak.Note, "carries a part of a mark of its copies, damaged")
	assert.Contains(t, leak.Note, "A copy that the registry does not list does that, and averages of four or more copies do.")
	require.Len(t, leak.Traces, 1)
	assert.Greater(t, leak.Traces[0].Power, 0.999, "a copy would have been found")
	assert.Less(t, leak.Traces[0].LogAny, -6.0)
	assert.Less(t, leak.Traces[0].Survival, 0.3)
	d, err := v.Weigh(t.Context(), []*findings.Finding{leak})
	require.NoError(t, err)
	require.Len(t, d.Case.Leaks, 1)
	assert.True(t, d.Case.Leaks[0].Marked)
	assert.Empty(t, d.Case.Leaks[0].Unmarked)
	assert.Zero(t, d.Case.Leaks[0].Copies[0].LnE)
	assert.Equal(t, 1.0, d.Case.Leaks[0].Copies[0].Miss)
	assert.Contains(t, d.Sentences(), "1 picture carries a part of a mark, and no copy is proved. It came from marked copies, and counts for no recipient and for no holder of unmarked uploads. Chance gives one in this investigation with a probability of at most 1e-06.")

	for _, quality := range long.Cases(1, 10, 75) {
		leak = of(attack.JPEG(quality)(nil, upload.Image))
		assert.Contains(t, []findings.Kind{findings.FoundUnmarked, findings.FoundUnreadable}, leak.Kind)
		assert.NotContains(t, leak.Note, "part of a mark")
		assert.Greater(t, leak.Traces[0].LogAny, -3.0)
	}
}

// merged averages copies of an original.
func merged(o *watermark.Original, size image.Rectangle, copies int) *image.NRGBA {
	sums := make([]int, 4*size.Dx()*size.Dy())
	for i := range copies {
		for j, v := range o.Embed(watermark.CopyID(5000 + i)).Pix {
			sums[j] += int(v)
		}
	}
	out := image.NewNRGBA(size)
	for j, v := range sums {
		out.Pix[j] = uint8((v + copies/2) / copies)
	}
	return out
}
