package phash_test

import (
	"image"
	"image/color"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/phash"
)

// nearest returns the query nearest to a stored hash, and its distance.
func nearest(t *testing.T, img image.Image, stored phash.Hash) (best phash.Query, distance int) {
	t.Helper()
	leak, err := phash.SumLeak(stored.Kind, img)
	require.NoError(t, err)
	distance = 257
	for _, q := range leak.Queries() {
		if d := q.Hash.Distance(stored); d < distance {
			best, distance = q, d
		}
	}
	require.Equal(t, distance, leak.Distance(stored))
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
		leak, err := phash.SumLeak(kind, m)
		require.NoError(t, err)
		queries := leak.Queries()
		assert.Equal(t, quality, leak.Quality)
		require.GreaterOrEqual(t, len(queries), 16)
		for k, h := range turned {
			assert.Equal(t, phash.Query{Hash: h, Orientation: k, Reading: "plain"}, queries[k])
			assert.Equal(t, 256, queries[8+k].Hash.Distance(h))
			assert.Equal(t, "negative", queries[8+k].Reading)
		}
		best, d := nearest(t, m, stored)
		assert.Equal(t, phash.Query{Hash: stored, Reading: "plain"}, best)
		assert.Zero(t, d)
		best, d = nearest(t, negative, stored)
		assert.Equal(t, "negative", best.Reading)
		assert.Zero(t, best.Orientation)
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
			stamped := bars(m, c)
			plain, _, err := phash.Sum(kind, stamped)
			require.NoError(t, err)
			best, d := nearest(t, stamped, stored)
			t.Logf("%s, %s: %d bits, %d as it is", kind, name, d, plain.Distance(stored))
			assert.Equal(t, "cleaned", best.Reading, name)
			assert.Less(t, d, plain.Distance(stored), name)
			assert.LessOrEqual(t, d, phash.MatchRadius, name)

			best, e := nearest(t, rotated(stamped), stored)
			assert.Equal(t, 3, best.Orientation, "turning it back takes three more quarters")
			assert.Equal(t, d, e, "orientations are exact")
		}
		leak, err := phash.SumLeak(kind, bars(m, color.NRGBA{40, 40, 40, 255}))
		require.NoError(t, err)
		assert.Len(t, leak.Hashes(), 16, "black on black is not told from the page")
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
				leak, err := phash.SumLeak(kind, picture(texture, size[0], size[1]))
				require.NoError(t, err, size)
				assert.NotEmpty(t, leak.Hashes())
				assert.True(t, leak.Quality >= 0 && leak.Quality <= 100)
			}
		}
		_, err := phash.SumLeak(kind, nil)
		require.ErrorIs(t, err, phash.ErrPicture)
	}
	_, err := phash.SumLeak(0, picture("photo", 64, 64))
	require.ErrorIs(t, err, phash.ErrKind)
	turned, _, err := phash.SumTurned(phash.Average, picture("photo", 64, 64))
	require.NoError(t, err)
	leak, err := phash.SumLeak(phash.Average, picture("photo", 64, 64))
	require.NoError(t, err)
	require.Equal(t, turned[:], leak.Hashes(), "other kinds are looked for in eight orientations")
	leak = nil
	require.Empty(t, leak.Hashes())
	hits, err := phash.NewIndex(phash.PDQ).SearchLeak(leak, 31)
	require.NoError(t, err)
	require.Empty(t, hits)
}
