package phash_test

import (
	"image"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/phash"
)

// Pictures of nothing have a hash, always the same, and the quality 0 that keeps them
// out of an index; no sum of theirs is no number.
func TestBlank(t *testing.T) {
	for _, size := range long.Cases(3, [][2]int{{5, 5}, {90, 64}, {520, 60}, {300, 200}, {600, 520}, {5, 4_000}, {4_000, 6}, {64, 64}}...) {
		for name, level := range map[string]uint8{"black": 0, "grey": 119, "white": 255} {
			m := image.NewGray(image.Rect(0, 0, size[0], size[1]))
			for i := range m.Pix {
				m.Pix[i] = level
			}
			for _, kind := range kinds {
				h, quality, err := phash.Sum(kind, m)
				require.NoError(t, err)
				assert.Zero(t, quality, "%s %v %s", name, size, kind)
				if level == 0 {
					assert.Equal(t, phash.Hash{Kind: kind}, h, "%v %s", size, kind)
				}
			}
			_, quality, err := phash.SumFull(m)
			require.NoError(t, err)
			assert.Zero(t, quality)
			for _, kind := range leakKinds {
				hashes, quality, err := phash.SumLeak(kind, m)
				require.NoError(t, err)
				assert.Zero(t, quality)
				assert.Len(t, hashes, 16, "nothing is printed across nothing")
			}
		}
	}
}

// Hashes of unlike kinds or lengths are never compared as if they were alike.
func TestMixedKinds(t *testing.T) {
	r := newRandom(4)
	for _, a := range kinds {
		list := phash.NewList(a)
		require.NoError(t, list.Add(randomHash(r, a), 1))
		for _, b := range kinds {
			if a == b {
				continue
			}
			x, y := randomHash(r, a), randomHash(r, b)
			assert.Equal(t, math.MaxInt, x.Distance(y))
			require.ErrorIs(t, list.Add(y, 2), phash.ErrKind)
			_, err := list.Search(256, y)
			require.ErrorIs(t, err, phash.ErrKind)
			_, err = list.Nearest(y, 1)
			require.ErrorIs(t, err, phash.ErrKind)
			_, err = phash.Parse(a.String() + ":" + y.Hex())
			if a.Len() != b.Len() {
				require.ErrorIs(t, err, phash.ErrSyntax)
			}
		}
	}
}
