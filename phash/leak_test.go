package phash_test

import (
	"image"
	"image/color"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/phash"
)

// nearest returns the place of the query nearest to a stored hash, and its distance.
func nearest(t *testing.T, img image.Image, stored phash.Hash) (best, distance int) {
	t.Helper()
	queries, _, err := phash.SumLeak(stored.Kind, img)
	require.NoError(t, err)
	distance = 257
	for k, q := range queries {
		if d := q.Distance(stored); d < distance {
			best, distance = k, d
		}
	}
	return best, distance
}

var leakKinds = []phash.Kind{phash.PDQ, phash.Area}

func TestSumLeak(t *testing.T) {
	m := picture("photo", 700, 500)
	negative := image.NewNRGBA(m.Rect)
	for i, v := range m.Pix {
		if negative.Pix[i] = 255 - v; i%4 == 3 {
			negative.Pix[i] = 255
		}
	}
	for _, kind := range leakKinds {
		stored, _, err := phash.Sum(kind, m)
		require.NoError(t, err)
		turned, quality, err := phash.SumTurned(kind, m)
		require.NoError(t, err)
		queries, same, err := phash.SumLeak(kind, m)
		require.NoError(t, err)
		assert.Equal(t, quality, same)
		require.GreaterOrEqual(t, len(queries), 16)
		for k, h := range turned {
			assert.Equal(t, h, queries[k])
			assert.Equal(t, 256, queries[8+k].Distance(h))
		}
		best, d := nearest(t, m, stored)
		assert.Zero(t, best)
		assert.Zero(t, d)
		best, d = nearest(t, negative, stored)
		assert.Equal(t, 8, best)
		assert.LessOrEqual(t, d, 4)
	}
}

// bars lays strokes of a colour over a picture.
func bars(m *image.NRGBA, c color.NRGBA) *image.NRGBA {
	out := image.NewNRGBA(m.Rect)
	copy(out.Pix, m.Pix)
	w, h := m.Rect.Dx(), m.Rect.Dy()
	for y := range h {
		for x := range w {
			line := y * 40 / h
			if line%6 == 2 && x > w/10 && x < w*7/10 && (x*120/w)%3 > 0 {
				out.SetNRGBA(x, y, c)
			}
		}
	}
	return out
}

func TestSumLeakSeesThroughStamps(t *testing.T) {
	m := picture("page", 1200, 1600)
	for _, kind := range leakKinds {
		stored, _, err := phash.Sum(kind, m)
		require.NoError(t, err)
		for name, c := range map[string]color.NRGBA{"red": {220, 40, 40, 255}, "blue": {40, 50, 210, 255}, "green": {20, 160, 40, 255}} {
			if name == "blue" && !long.On {
				continue
			}
			stamped := bars(m, c)
			plain, _, err := phash.Sum(kind, stamped)
			require.NoError(t, err)
			best, d := nearest(t, stamped, stored)
			t.Logf("%s, %s: %d bits, %d as it is", kind, name, d, plain.Distance(stored))
			assert.GreaterOrEqual(t, best, 16, name)
			assert.Less(t, d, plain.Distance(stored), name)
			assert.LessOrEqual(t, d, phash.MatchRadius, name)

			_, e := nearest(t, rotated(stamped), stored)
			assert.Equal(t, d, e, "orientations are exact")
		}
		hashes, _, err := phash.SumLeak(kind, bars(m, color.NRGBA{40, 40, 40, 255}))
		require.NoError(t, err)
		assert.Len(t, hashes, 16, "black on black is not told from the page")
	}
}

// rotated turns counterclockwise by 90°.
func rotated(m *image.NRGBA) *image.NRGBA {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	out := image.NewNRGBA(image.Rect(0, 0, h, w))
	for y := range h {
		for x := range w {
			out.SetNRGBA(y, w-1-x, m.NRGBAAt(x, y))
		}
	}
	return out
}

func TestSumLeakOfNothing(t *testing.T) {
	for _, kind := range leakKinds {
		for _, size := range [][2]int{{0, 0}, {1, 1}, {4, 1000}, {5, 5}, {5, 4000}, {64, 64}} {
			for _, texture := range []string{"even", "noise"} {
				hashes, quality, err := phash.SumLeak(kind, picture(texture, size[0], size[1]))
				require.NoError(t, err, size)
				assert.NotEmpty(t, hashes)
				assert.True(t, quality >= 0 && quality <= 100)
			}
		}
		_, _, err := phash.SumLeak(kind, nil)
		require.ErrorIs(t, err, phash.ErrPicture)
	}
	_, _, err := phash.SumLeak(0, picture("photo", 64, 64))
	require.ErrorIs(t, err, phash.ErrKind)
	turned, _, err := phash.SumTurned(phash.Average, picture("photo", 64, 64))
	require.NoError(t, err)
	hashes, _, err := phash.SumLeak(phash.Average, picture("photo", 64, 64))
	require.NoError(t, err)
	require.Equal(t, turned[:], hashes, "other kinds are looked for in eight orientations")
	hits, err := phash.NewList(phash.PDQ).Search(31)
	require.NoError(t, err)
	require.Empty(t, hits)
}
