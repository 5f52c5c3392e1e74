package watermark_test

import (
	"image"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/capture"
	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/mark/pattern"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/internal/test/fromfile"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/watermark"
)

// TestReadAmong reads a thumbnail of 240 pixels, whose mark is too faint for its own check, with the list of what
// was issued, and nothing where the list or the mark is another one's.
func TestReadAmong(t *testing.T) {
	p, err := fromfile.Picture("../testdata/pictures/chidi_idcard.jpg", picture.Limits{})
	require.NoError(t, err)
	src := picture.Flatten(p.Image)
	const copied watermark.CopyID = 77
	marked, err := watermark.Embed(key, copied, src, &watermark.Options{Manner: watermark.Lossy})
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

	if !long.On {
		return // each of these is a search of some seconds
	}
	r, err = watermark.Read(t.Context(), thumb(src), key)
	require.NoError(t, err)
	assert.Empty(t, r.Marks, "no mark")
	assert.Empty(t, r.Among(listed), "no mark")
	assert.Empty(t, at(t, r, src, thumb(src), key).Among(listed), "no mark in its place")

	small := attack.JPEG(68)(nil, attack.FitTo(240)(nil, marked))
	r, err = watermark.Read(t.Context(), small, key, others[0])
	require.NoError(t, err)
	require.Empty(t, r.Among(listed), "the test needs a mark that the search does not find")
	found = at(t, r, src, small, key).Among(listed)
	require.Len(t, found, 1, "where the leak lies on its upload")
	assert.Equal(t, copied, found[0].Copy)
	assert.Less(t, found[0].LogPFA, -9.0)
	negative := image.NewNRGBA(small.Rect)
	for i, v := range small.Pix {
		if negative.Pix[i] = v; i%4 < 3 {
			negative.Pix[i] = 255 - v
		}
	}
	r, err = watermark.Read(t.Context(), negative, key)
	require.NoError(t, err)
	require.Len(t, at(t, r, src, negative, key).Among(listed), 1, "a negative")
	assert.Empty(t, at(t, r, src, small, others[0]).Among(watermark.NewList(others[0], []watermark.CopyID{copied})), "another key's place")

	r, err = watermark.Read(t.Context(), marked, key)
	require.NoError(t, err)
	require.Len(t, r.Marks, 1)
	assert.Zero(t, r.Marks[0].Among)
	assert.Empty(t, r.Among(listed), "what was read by its check is not read again")
}

// at returns a reading with the place at which leak lies on its upload.
func at(t *testing.T, r *watermark.Reading, upload *image.NRGBA, leak image.Image, key *watermark.Key) *watermark.Reading {
	canvas, err := pattern.NewCanvas(upload) // the submission is the digest of the pixels
	require.NoError(t, err)
	on := capture.New(dsp.LazyLuma(upload))
	sight, err := on.Find(t.Context(), dsp.LazyLuma(leak.(*image.NRGBA)))
	require.NoError(t, err)
	require.NotNil(t, sight)
	out, err := r.At(leak, key, watermark.Laid{Submission: canvas.Digest(), Original: on, Sight: sight})
	require.NoError(t, err)
	return out
}
