package watermark_test

import (
	"image"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/watermark"
)

// Decoys score as chance does, in a leak that carries a mark and in one that does not.
func TestDecoysScoreByChance(t *testing.T) {
	for name, r := range map[string]*watermark.TraceResult{"marked": markedTrace(), "unmarked": unmarkedTrace()} {
		got := r.Decoys(2000)
		require.Len(t, got, 2000)
		require.Equal(t, got[:10], r.Decoys(10), name)
		var sum, squares float64
		for _, z := range got {
			sum += z
			squares += z * z
		}
		assert.InDelta(t, 0, sum/2000, 0.1, name)
		assert.InDelta(t, 1, squares/2000, 0.15, name)
		assert.Less(t, slices.Max(got), 5.0, name)
		assert.Equal(t, name == "marked", r.Copies[42].Score > 2*slices.Max(got), name)
	}
	blank := image.NewNRGBA(image.Rect(0, 0, 300, 200))
	assert.Nil(t, traced(t, smallTracer(), blank).Decoys(10), "nothing is scored where nothing aligns")
	none, err := smallTracer().For(nil, 1e-9)
	require.NoError(t, err)
	assert.Nil(t, traced(t, none, small()).Decoys(10), "nor without a copy")
}
