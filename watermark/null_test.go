package watermark_test

import (
	"context"
	"image"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/specimen"
	"github.com/kycmark/kycmark/watermark"
)

func nullTrials(t *testing.T, leak image.Image, seed uint64, n int) []watermark.NullTrial {
	var all []watermark.NullTrial
	require.NoError(t, watermark.NullTrials(t.Context(), leak, seed, n, func(one watermark.NullTrial) { all = append(all, one) }))
	require.Len(t, all, n)
	return all
}

func correlations(all []watermark.NullTrial) []float64 {
	var c []float64
	for _, one := range all {
		c = append(c, one.Correlation)
	}
	slices.Sort(c)
	return c
}

// A picture's field correlates as white noise does, or less where few chips make a
// coded bit: below the 0.62 from which a reader makes a check. Checks hold by
// chance as often as coins fall.
func TestNullTrials(t *testing.T) {
	const n = 3000
	page := specimen.Render(specimen.IDCard, specimen.NewPerson(3), 500)
	noise, seen, hard := nullTrials(t, nil, 1, n), nullTrials(t, page, 1, n), nullTrials(t, applied(t, "jpeg20", page), 1, n)
	assert.InDelta(t, .5623, correlations(noise)[n/2], .002)
	for name, all := range map[string][]watermark.NullTrial{"noise": noise, "picture": seen, "hard JPEG": hard} {
		c := correlations(all)
		assert.Greater(t, c[n/2], .53, name)
		assert.Less(t, c[n/2], .566, name)
		assert.Less(t, c[n*99/100], .592, name)
		assert.Less(t, c[n-1], .62, name)
		agree, measured := 0.0, 0
		var held [3]float64
		for _, one := range all {
			assert.False(t, one.Found || one.Checks > 0, name)
			if one.Agreement > 0 {
				measured++
				agree = max(agree, one.Agreement)
			}
			for k := range held {
				if one.CheckBits > k {
					held[k]++
				}
			}
		}
		assert.InDelta(t, n/32, measured, 2, name)
		assert.Less(t, agree, 5.6, name)
		for k, got := range held { // five standard deviations
			p := math.Exp2(-float64(k + 1))
			assert.InDelta(t, n*p, got, 5*math.Sqrt(n*p*(1-p)), "%s, first %d bits", name, k+1)
		}
	}
	assert.Equal(t, seen[:100], nullTrials(t, page, 1, 100), "repeatable")
	assert.NotEqual(t, seen[:100], nullTrials(t, page, 2, 100), "another seed")
}

func TestNullTrialsRefuse(t *testing.T) {
	none := func(watermark.NullTrial) {}
	tiny := image.NewNRGBA(image.Rect(0, 0, 8, 8))
	require.ErrorIs(t, watermark.NullTrials(t.Context(), tiny, 1, 1, none), watermark.ErrTooSmall)
	require.ErrorIs(t, watermark.RuinedTrials(t.Context(), watermark.KeysOf(key), watermark.Submission{}, tiny, 1, 1, none), watermark.ErrTooSmall)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, watermark.NullTrials(ctx, nil, 1, 1, none), context.Canceled)
}

// A half ruined mark reads as itself or not at all.
func TestRuinedTrials(t *testing.T) {
	const id, n = 0xfeedface, 400
	page := specimen.Render(specimen.IDCard, specimen.NewPerson(3), 500)
	marked, err := watermark.Embed(key, id, page, &watermark.Options{Submission: sub})
	require.NoError(t, err)
	count := func(k *watermark.Key, s watermark.Submission) (own, other int) {
		require.NoError(t, watermark.RuinedTrials(t.Context(), watermark.KeysOf(k), s, marked, 4, n, func(one watermark.NullTrial) {
			passed := one.CheckBits == 32
			if one.Found || passed {
				assert.Equal(t, uint64(id), one.Copy, "only the ID itself passes")
			}
			assert.Equal(t, one.Checks > 0, one.Correlation >= .62)
			if passed {
				own++
			} else {
				other++
			}
		}))
		return own, other
	}
	own, other := count(key, sub)
	assert.Greater(t, own, n/20)
	assert.Greater(t, other, n/10)
	own, _ = count(others[0], sub)
	assert.Zero(t, own, "another key")
	own, _ = count(key, watermark.Submission{3})
	assert.Zero(t, own, "another place")
}
