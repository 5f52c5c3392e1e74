package phash_test

import (
	"image"
	"image/color"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/phash"
)

// slowArea is the hash as it is described: exact means of blocks, as fractions.
func slowArea(m *image.NRGBA) phash.Hash {
	w, h := int64(m.Rect.Dx()), int64(m.Rect.Dy())
	overlap := func(pixel, block, n int64) int64 {
		return max(0, min((pixel+1)*64, (block+1)*n)-max(pixel*64, block*n))
	}
	var grid [64][64]float32
	for j := range int64(64) {
		for i := range int64(64) {
			sum := new(big.Int)
			for y := j * h / 64; y <= ((j+1)*h-1)/64; y++ {
				for x := i * w / 64; x <= ((i+1)*w-1)/64; x++ {
					c := m.NRGBAAt(m.Rect.Min.X+int(x), m.Rect.Min.Y+int(y))
					over := func(v uint8) int64 { return (int64(v)*int64(c.A) + 255*(255-int64(c.A)) + 127) / 255 }
					luma := 299*over(c.R) + 587*over(c.G) + 114*over(c.B)
					part := new(big.Int).Mul(big.NewInt(overlap(x, i, w)), big.NewInt(overlap(y, j, h)))
					sum.Add(sum, part.Mul(part, big.NewInt(luma)))
				}
			}
			sum.Mul(sum, big.NewInt(256)).Div(sum, big.NewInt(1000))
			sum.Add(sum, big.NewInt(w*h/2)).Div(sum, big.NewInt(w*h))
			grid[j][i] = float32(sum.Int64()) / 256
		}
	}
	bits := slowBits(&grid)
	bits.Kind = phash.Area
	return bits
}

func TestSlowArea(t *testing.T) {
	r := newRandom(9)
	for i := range long.Number(5, 20) {
		w, h := 5+r.IntN(200), 5+r.IntN(200)
		if i%4 == 0 {
			w, h = 5+r.IntN(8), 5+r.IntN(600)
		}
		for texture := range textures {
			m := picture(texture, w, h)
			got, _, err := phash.Sum(phash.Area, m)
			require.NoError(t, err)
			assert.Equal(t, slowArea(m), got, "%s %d × %d", texture, w, h)
		}
	}
}

// Blocks wider than 257 pixels overflow the fields in which bytes are added.
func TestAreaOfWideBlocks(t *testing.T) {
	m := image.NewNRGBA(image.Rect(0, 0, 64*300, 66))
	for i := range m.Pix {
		m.Pix[i] = 255
	}
	for y := range 66 {
		for x := range 64 * 150 {
			if (x/400+y/9)%3 == 0 {
				m.SetNRGBA(x, y, color.NRGBA{A: 255})
			}
		}
	}
	got, _, err := phash.Sum(phash.Area, m)
	require.NoError(t, err)
	assert.Equal(t, slowArea(m), got)
}

// What the kind is for: a picture that was made smaller or larger by its area, even
// of fine print, keeps its hash.
func TestAreaKeepsSizes(t *testing.T) {
	for _, texture := range []string{"page", "blocks"} {
		m := picture(texture, 1200, 1600)
		want, _, err := phash.Sum(phash.Area, m)
		require.NoError(t, err)
		for _, side := range long.Cases(3, 160, 800, 1300, 320, 1500, 2100) {
			h, _, err := phash.Sum(phash.Area, imaging.Resize(m, side, 0, imaging.Box))
			require.NoError(t, err)
			assert.LessOrEqual(t, h.Distance(want), 12, "%s at %d px", texture, side)
		}
	}
}

// Grey, premultiplied and subsampled pictures give what their pixels give one by one.
func TestPictureTypes(t *testing.T) {
	for _, size := range [][2]int{{90, 70}, {530, 24}} {
		m := picture("photo", size[0], size[1])
		grey, rgba := image.NewGray(m.Rect), image.NewRGBA(m.Rect)
		ycc := image.NewYCbCr(m.Rect, image.YCbCrSubsampleRatio420)
		for y := range size[1] {
			for x := range size[0] {
				c := m.NRGBAAt(x, y)
				grey.Set(x, y, c)
				if x%7 == 0 {
					c.A = uint8(y)
				}
				rgba.Set(x, y, c)
				yy, cb, cr := color.RGBToYCbCr(c.R, c.G, c.B)
				ycc.Y[ycc.YOffset(x, y)] = yy
				ycc.Cb[ycc.COffset(x, y)], ycc.Cr[ycc.COffset(x, y)] = cb, cr
			}
		}
		part := image.Rect(3, 5, size[0]-9, size[1]-4)
		for name, p := range map[string]image.Image{ // without the tag long no parts of the large picture
			"grey": grey, "rgba": rgba, "ycc": ycc,
			"grey part": grey.SubImage(part), "rgba part": rgba.SubImage(part), "ycc part": ycc.SubImage(part),
		} {
			if strings.HasSuffix(name, " part") && size[0] > 100 && !long.On {
				continue
			}
			for _, kind := range []phash.Kind{phash.PDQ, phash.Area, phash.Average} {
				want, _, err := phash.SumTurned(kind, struct{ image.Image }{p})
				require.NoError(t, err)
				got, _, err := phash.SumTurned(kind, p)
				require.NoError(t, err)
				assert.Equal(t, want, got, "%s %s", kind, name)
			}
		}
	}
}

// The hash is told from others by more than its name.
func TestAreaIsNotPDQ(t *testing.T) {
	m := picture("page", 800, 600)
	a, _, err := phash.Sum(phash.Area, m)
	require.NoError(t, err)
	p, _, err := phash.Sum(phash.PDQ, m)
	require.NoError(t, err)
	assert.NotEqual(t, a.Bits, p.Bits)
	require.ErrorIs(t, phash.NewList(phash.PDQ).Add(a, 1), phash.ErrKind)
	assert.True(t, slices.Contains(kinds, phash.Area))
}

func FuzzSumLeak(f *testing.F) {
	for _, s := range [][2]uint16{{0, 0}, {1, 900}, {5, 5}, {64, 64}, {7, 513}, {130, 127}} {
		f.Add(s[0], s[1], uint64(s[0]), true)
	}
	f.Fuzz(func(t *testing.T, w, h uint16, seed uint64, coloured bool) {
		m := image.NewNRGBA(image.Rect(0, 0, int(w)%600, int(h)%600))
		if len(m.Pix) > 4*40_000 {
			return // more pixels than a quick test looks at
		}
		r := newRandom(seed)
		for i := range m.Pix {
			if m.Pix[i] = 200; !coloured || i/4%16 == 0 {
				m.Pix[i] = uint8(r.Uint32())
			}
		}
		for _, kind := range leakKinds {
			queries, quality, err := phash.SumLeak(kind, m)
			require.NoError(t, err)
			require.True(t, quality >= 0 && quality <= 100)
			require.True(t, len(queries) >= 8 && len(queries) <= 32)
			for _, q := range queries {
				require.Equal(t, kind, q.Kind)
			}
			own, _, err := phash.Sum(kind, m)
			require.NoError(t, err)
			require.Equal(t, own, queries[0])
		}
		if min(m.Rect.Dx(), m.Rect.Dy()) >= 5 && len(m.Pix) < 4*10_000 {
			own, _, err := phash.Sum(phash.Area, m)
			require.NoError(t, err)
			require.Equal(t, slowArea(m), own)
		}
	})
}
