//go:build long

package watermark_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/watermark"
)

// One mark is listed once and costs one check, also where perspective or moire
// smears its pilots, so that they are not muted whole.
func TestLongDetectAllListsAMarkOnce(t *testing.T) {
	m := largeMarked()
	for _, name := range []string{"persp3", "screen_photo", "collage"} {
		all, err := watermark.DetectAll(t.Context(), applied(t, name, m), key)
		require.NoError(t, err)
		require.Len(t, all, 1, name)
		assert.Equal(t, testID, all[0].Copy)
		assert.Equal(t, 1, all[0].Debug.Checks, name)
	}
}

// A fainter mark under another key is found along with the first, whatever happened to
// both and in whatever order the keys are given; alone its own search may miss it.
func TestLongDetectAllFindsTheFainterKey(t *testing.T) {
	const first, second = watermark.CopyID(0xa1), watermark.CopyID(0xb2)
	other, err := watermark.ParseKey("KYCMARK-SECRET-KEY-1-BEAQEAYAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABUK2PMY")
	require.NoError(t, err)
	m, err := watermark.Embed(other, second, embed(t, first, large()), &watermark.Options{Strength: 0.35})
	require.NoError(t, err)
	for _, name := range []string{"telegram", "persp3"} {
		leak := applied(t, name, m)
		for _, keys := range map[string][][]*watermark.Key{"telegram": {{key, other}, {other, key}}, "persp3": {{other, key}}}[name] {
			all, err := watermark.DetectAll(t.Context(), leak, keys...)
			require.NoError(t, err)
			require.Len(t, all, 2, name)
			assert.Equal(t, first, all[0].Copy, name)
			assert.Equal(t, second, all[1].Copy, name)
			assert.Equal(t, other.ID(), all[1].KeyID)
			assert.LessOrEqual(t, all[1].Debug.Checks, 4)
			assert.InEpsilon(t, all[0].Scale, all[1].Scale, 0.25)
		}
	}
}

func TestLongUniformPicturesAreWeakAndNoMore(t *testing.T) {
	for _, v := range []uint8{0, 128, 255} {
		_, err := watermark.Mark(t.Context(), key, testID, uniform(320, 240, v), nil)
		require.NoError(t, err, v)
	}
}

func TestLongDetectAllFindsNothing(t *testing.T) {
	none, err := watermark.DetectAll(t.Context(), scene(160, 120), key, others[0])
	require.NoError(t, err)
	assert.Empty(t, none)
}
