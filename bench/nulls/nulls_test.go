package nulls_test

import (
	"context"
	"image"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/bench/nulls"
	"github.com/kycmark/kycmark/internal/mark/blind"
	"github.com/kycmark/kycmark/internal/mark/pattern"
	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/watermark"
)

const secretText = "KYCMARK-SECRET-KEY-1-AEBAGBAFAYDQQCIKBMGA2DQPCAIREEYUCULBOGAZDINRYHI6D4QK4ILMFY"

var (
	keys      = blind.NewKeys(pattern.NewKeys(&[32]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32})) // of secretText
	otherKeys = blind.NewKeys(pattern.NewKeys(&[32]byte{1, 7, 7, 7}))
	sub       = [16]byte{1, 2, 3}
)

func hardJPEG(t *testing.T, img *image.NRGBA) *image.NRGBA {
	a, err := attack.Find("jpeg20")
	require.NoError(t, err)
	return a.Apply(img, 3)
}

func nullTrials(t *testing.T, leak image.Image, seed uint64, n int) []nulls.Trial {
	var all []nulls.Trial
	require.NoError(t, nulls.Trials(t.Context(), leak, seed, n, func(one nulls.Trial) { all = append(all, one) }))
	require.Len(t, all, n)
	return all
}

func correlations(all []nulls.Trial) []float64 {
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
func TestTrials(t *testing.T) {
	n := long.Number(320, 3000)
	page := specimen.Render(specimen.IDCard, specimen.NewPerson(3), 500)
	noise, seen, hard := nullTrials(t, nil, 1, n), nullTrials(t, page, 1, n), nullTrials(t, hardJPEG(t, page), 1, n)
	assert.InDelta(t, .5623, correlations(noise)[n/2], .002)
	for name, all := range map[string][]nulls.Trial{"noise": noise, "picture": seen, "hard JPEG": hard} {
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
			p, n := math.Exp2(-float64(k+1)), float64(n)
			assert.InDelta(t, n*p, got, 5*math.Sqrt(n*p*(1-p)), "%s, first %d bits", name, k+1)
		}
	}
	assert.Equal(t, seen[:100], nullTrials(t, page, 1, 100), "repeatable")
	assert.NotEqual(t, seen[:100], nullTrials(t, page, 2, 100), "another seed")
}

func TestTrialsRefuse(t *testing.T) {
	none := func(nulls.Trial) {}
	tiny := image.NewNRGBA(image.Rect(0, 0, 8, 8))
	require.ErrorIs(t, nulls.Trials(t.Context(), tiny, 1, 1, none), pattern.ErrTooSmall)
	require.ErrorIs(t, nulls.Ruined(t.Context(), keys, sub, tiny, 1, 1, none), pattern.ErrTooSmall)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, nulls.Trials(ctx, nil, 1, 1, none), context.Canceled)
}

// A half ruined mark reads as itself or not at all.
func TestRuined(t *testing.T) {
	const id, n = 0xfeedface, 400
	page := specimen.Render(specimen.IDCard, specimen.NewPerson(3), 500)
	key, err := watermark.ParseKey(secretText)
	require.NoError(t, err)
	marked, err := watermark.Embed(key, id, page, &watermark.Options{Submission: sub})
	require.NoError(t, err)
	count := func(k *blind.Keys, s [16]byte) (own, other int) {
		require.NoError(t, nulls.Ruined(t.Context(), k, s, marked, 4, n, func(one nulls.Trial) {
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
	own, other := count(keys, sub)
	assert.Greater(t, own, n/20)
	assert.Greater(t, other, n/10)
	own, _ = count(otherKeys, sub)
	assert.Zero(t, own, "another key")
	own, _ = count(keys, [16]byte{3})
	assert.Zero(t, own, "another place")
}
