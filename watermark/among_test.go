package watermark_test

import (
	"image"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/attack"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/watermark"
)

// TestReadAmong reads a thumbnail of 240 pixels, whose mark is too faint for its own check, with the list of what
// was issued, and nothing where the list or the mark is another one's.
func TestReadAmong(t *testing.T) {
	p, err := picture.Load("../testdata/pictures/chidi_idcard.jpg", picture.Limits{})
	require.NoError(t, err)
	src := picture.Flatten(p.Image)
	const copied watermark.CopyID = 77
	marked, err := watermark.Embed(key, copied, src, nil)
	require.NoError(t, err)
	thumb := func(p *image.NRGBA) image.Image { return attack.JPEG(80)(nil, attack.FitTo(240)(nil, p)) }
	var innocent []watermark.CopyID
	for i := range 999 {
		innocent = append(innocent, watermark.CopyID(1000+i))
	}
	listed := watermark.NewList(key, append(innocent, copied, copied))

	r, err := watermark.Read(t.Context(), thumb(marked), key, others[0])
	require.NoError(t, err)
	require.Empty(t, r.Marks, "the test needs a mark that is not read by its check")
	require.True(t, r.Unread(key))
	found := r.Among(listed)
	require.Len(t, found, 1)
	d := found[0]
	assert.True(t, d.Found)
	assert.Equal(t, copied, d.Copy)
	assert.Equal(t, 1000, d.Among, "an ID that is given twice counts once")
	assert.Equal(t, key.ID(), d.KeyID)
	assert.Less(t, d.LogPFA, -9.0)
	assert.InDelta(t, 240./1024, d.Scale, .05)
	assert.Empty(t, r.Among(watermark.NewList(key, innocent)), "the list lacks the ID")
	assert.Empty(t, r.Among(watermark.NewList(key, nil)))
	assert.Empty(t, r.Among(watermark.NewList(others[0], []watermark.CopyID{copied})), "another key's list")
	assert.Empty(t, r.Among(watermark.NewList(others[1], []watermark.CopyID{copied})), "a key that was not searched for")

	r, err = watermark.Read(t.Context(), thumb(src), key)
	require.NoError(t, err)
	assert.Empty(t, r.Among(listed), "no mark")

	r, err = watermark.Read(t.Context(), marked, key)
	require.NoError(t, err)
	require.Len(t, r.Marks, 1)
	assert.Zero(t, r.Marks[0].Among)
	assert.Empty(t, r.Among(listed), "what was read by its check is not read again")
}
