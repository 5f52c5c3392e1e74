//go:build long

package watermark_test

import (
	"image"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/watermark"
)

// averaged is the mean of thirty copies of small, which are not those of issued.
var averaged = sync.OnceValue(func() *image.NRGBA {
	o, err := watermark.Prepare(key, small(), &watermark.Options{Submission: sub})
	if err != nil {
		panic(err)
	}
	var all []*image.NRGBA
	for i := range 30 {
		all = append(all, o.Embed(watermark.CopyID(5000+i)))
	}
	return mean(all...)
})

// An unmarked original is never called marked, whatever its leak went through. A mark is there after
// every removal, told by what all copies share if not by a copy.
func TestLongTraceTellsNeverMarkedFromDamaged(t *testing.T) {
	original, tr := small(), smallTracer()
	marked := embed(t, 1042, original)
	for _, name := range []string{"jpeg10", "nlm", "noise25"} {
		r := traced(t, tr, applied(t, name, original))
		assert.Greater(t, r.LogAny, -3.0, name)
		assert.Zero(t, r.Survival, name)
		r = traced(t, tr, applied(t, name, marked))
		assert.Less(t, r.LogAny, -6.0, name)
		assert.False(t, r.Survival > 0 && r.Survival < watermark.Removed, "%s %v", name, r.Survival)
	}
	large := scene(900, 640) // of a smaller one so little comes through that nothing is scored
	r := traced(t, tracer(t, large, issued(20)), applied(t, "screen_photo", large))
	assert.Len(t, r.Copies, 20)
	assert.Greater(t, r.LogAny, -3.0)
	assert.Zero(t, r.Survival)
	r = traced(t, tr, attack.JPEG(85)(nil, averaged()))
	assert.Empty(t, r.Accused)
	assert.Greater(t, r.Power, 0.999)
	assert.Less(t, r.LogAny, -6.0)
	assert.Less(t, r.Survival, watermark.Removed)
	assert.Positive(t, r.Survival)
	other, err := watermark.NewTracer(original, issued(1), &watermark.TraceOptions{Submission: watermark.Submission{9}})
	require.NoError(t, err)
	assert.Greater(t, traced(t, other, averaged()).LogAny, -4.0, "the marks of another submission lie elsewhere")
}

// The pilots tell a mark whose message was averaged away, and only to who has the key.
func TestLongReadTellsThatAMarkMayBeThere(t *testing.T) {
	original, away := small(), averaged()
	for _, c := range []struct {
		leak image.Image
		keys []*watermark.Key
		may  bool
	}{
		{away, []*watermark.Key{others[0], key}, true},
		{away, []*watermark.Key{others[0]}, false},
		{applied(t, "jpeg10", original), []*watermark.Key{key}, false},
	} {
		r, err := watermark.Read(t.Context(), c.leak, c.keys...)
		require.NoError(t, err)
		require.Empty(t, r.Marks)
		if c.may {
			assert.Less(t, r.LogPSync(), -6.0)
		} else {
			assert.Greater(t, r.LogPSync(), -3.0)
		}
		assert.LessOrEqual(t, r.LogPSync(), 0.0)
	}
	assert.Zero(t, new(watermark.Reading).LogPSync())
}
