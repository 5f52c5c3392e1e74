package phash_test

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"
	"slices"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/phash"
)

// slowPDQ is PDQ as its description reads, one array after the other and each
// mean summed by running over whole arrays: the twin of the streamed code.
func slowPDQ(m *image.NRGBA) phash.Hash {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	v := make([][]float32, h)
	for y := range v {
		v[y] = make([]float32, w)
		for x := range v[y] {
			c := m.NRGBAAt(m.Rect.Min.X+x, m.Rect.Min.Y+y)
			over := func(v uint8) float32 { return float32((int(v)*int(c.A) + 255*(255-int(c.A)) + 127) / 255) }
			v[y][x] = float32(0.299*over(c.R)) + float32(0.587*over(c.G)) + float32(0.114*over(c.B))
		}
	}
	if w != 64 || h != 64 {
		for range 2 {
			for y := range v {
				v[y] = slowBox(v[y])
			}
			v = transposed(v)
			for x := range v {
				v[x] = slowBox(v[x])
			}
			v = transposed(v)
		}
	}
	var grid [64][64]float32
	for y := range grid {
		for x := range grid[y] {
			grid[y][x] = v[int((float64(y)+0.5)*float64(h)/64)][int((float64(x)+0.5)*float64(w)/64)]
		}
	}
	return slowBits(&grid)
}

func slowBox(v []float32) []float32 {
	window := (len(v) + 127) / 128
	ahead := window / 2
	out := make([]float32, len(v))
	var sum float32
	n := 0
	for in := range len(v) + ahead {
		if in < len(v) {
			sum += v[in]
			n++
		}
		if in >= window {
			sum -= v[in-window]
			n--
		}
		if in >= ahead {
			out[in-ahead] = sum / float32(n)
		}
	}
	return out
}

func slowBits(grid *[64][64]float32) (h phash.Hash) {
	var d [16][64]float32
	for i := range d {
		for k := range d[i] {
			d[i][k] = float32(float64(float32(math.Sqrt(2./64))) * math.Cos(math.Pi/128*float64((i+1)*(2*k+1))))
		}
	}
	var half [16][64]float32
	var all [256]float32
	for i := range d {
		for x := range 64 {
			for k := range 64 {
				half[i][x] += float32(d[i][k] * grid[k][x])
			}
		}
		for j := range d {
			for k := range 64 {
				all[16*i+j] += float32(half[i][k] * d[j][k])
			}
		}
	}
	sorted := slices.Sorted(slices.Values(all[:]))
	h.Kind = phash.PDQ
	for k, v := range all {
		if v > sorted[127] {
			h.Bits[3-k/64] |= 1 << (k % 64)
		}
	}
	return h
}

func transposed(v [][]float32) [][]float32 {
	t := make([][]float32, len(v[0]))
	for x := range t {
		t[x] = make([]float32, len(v))
		for y := range v {
			t[x][y] = v[y][x]
		}
	}
	return t
}

func TestSlowTwin(t *testing.T) {
	r := newRandom(1)
	for i := range 30 {
		w, h := 5+r.IntN(300), 5+r.IntN(300)
		if i%5 == 0 {
			w, h = 5+r.IntN(8), 5+r.IntN(1000)
		}
		for texture := range textures {
			m := picture(texture, w, h)
			got, _, err := phash.SumFull(m)
			require.NoError(t, err)
			assert.Equal(t, slowPDQ(m), got, "%s %d × %d", texture, w, h)
		}
	}
}

// The turned hashes are those of turned pixels, to the bit.
func TestTurned(t *testing.T) {
	turns := [8]func(image.Image) *image.NRGBA{
		imaging.Clone, imaging.Rotate90, imaging.Rotate180, imaging.Rotate270,
		imaging.FlipV, imaging.FlipH, imaging.Transpose, imaging.Transverse,
	}
	for _, size := range [][2]int{{5, 9}, {64, 64}, {101, 75}, {513, 40}, {30, 700}} {
		m := picture("glass", size[0], size[1])
		for _, kind := range kinds {
			all, quality, err := phash.SumTurned(kind, m)
			require.NoError(t, err)
			dihedral, dihedralQuality, err := phash.SumDihedral(kind, m)
			require.NoError(t, err)
			assert.Equal(t, all[0], dihedral[0])
			assert.Equal(t, quality, dihedralQuality)
			for i, turn := range turns {
				h, q, err := phash.Sum(kind, turn(m))
				require.NoError(t, err)
				assert.Equal(t, h, all[i], "%s of %v, orientation %d", kind, size, i)
				if i == 0 {
					assert.Equal(t, q, quality)
				}
			}
		}
	}
}

// Where sampling is symmetric the cheap form agrees with the turned pixels, and
// elsewhere it is still nearer to its own orientation than to any other.
func TestDihedral(t *testing.T) {
	for _, size := range []int{64, 320} {
		m := picture("page", size, size)
		turned, _, err := phash.SumTurned(phash.PDQ, m)
		require.NoError(t, err)
		all, _, err := phash.SumDihedral(phash.PDQ, m)
		require.NoError(t, err)
		assert.Equal(t, turned, all, "%d × %d", size, size)
	}
	m := picture("blocks", 800, 600)
	turned, _, err := phash.SumTurned(phash.PDQ, m)
	require.NoError(t, err)
	all, _, err := phash.SumDihedral(phash.PDQ, m)
	require.NoError(t, err)
	assert.Equal(t, turned[6], all[6], "a plain transposition moves no sample")
	for i := range all {
		for j := range turned {
			if i != j {
				assert.Less(t, all[i].Distance(turned[i]), all[i].Distance(turned[j]), "%d %d", i, j)
			}
		}
	}
}

// A picture is its pixels: neither its type nor where it begins matters.
func TestSamePixels(t *testing.T) {
	for _, size := range [][2]int{{90, 70}, {600, 530}} {
		m := picture("photo", size[0], size[1])
		wide := image.NewNRGBA(image.Rect(-7, 3, size[0]+20, size[1]+30))
		draw.Draw(wide, wide.Rect, image.NewUniform(color.NRGBA{9, 200, 3, 255}), image.Point{}, draw.Src)
		at := image.Rect(4, 5, 4+size[0], 5+size[1])
		draw.Draw(wide, at, m, image.Point{}, draw.Src)
		rgba := image.NewRGBA(m.Rect)
		draw.Draw(rgba, rgba.Rect, m, image.Point{}, draw.Src)
		for _, kind := range kinds {
			want, quality, err := phash.Sum(kind, m)
			require.NoError(t, err)
			for name, same := range map[string]image.Image{"part": wide.SubImage(at), "rgba": rgba, "any": struct{ image.Image }{m}} {
				h, q, err := phash.Sum(kind, same)
				require.NoError(t, err)
				assert.Equal(t, want, h, "%s %s", kind, name)
				assert.Equal(t, quality, q, "%s %s", kind, name)
			}
		}
	}
}

func TestTransparentIsWhite(t *testing.T) {
	glass := picture("glass", 200, 120)
	white := image.NewNRGBA(glass.Rect)
	for i := 0; i < len(glass.Pix); i += 4 {
		a := int(glass.Pix[i+3])
		for c := range 3 {
			white.Pix[i+c] = uint8((int(glass.Pix[i+c])*a + 255*(255-a) + 127) / 255)
		}
		white.Pix[i+3] = 255
	}
	for _, kind := range kinds {
		want, _, err := phash.Sum(kind, white)
		require.NoError(t, err)
		got, _, err := phash.Sum(kind, glass)
		require.NoError(t, err)
		assert.Equal(t, want, got, kind)
	}
}

// Pictures that are too small, or whose bounds promise more than memory holds.
func TestOddSizes(t *testing.T) {
	for _, size := range [][2]int{{0, 0}, {1, 1}, {4, 1000}, {1, 100_000}, {100_000, 4}} {
		for _, kind := range kinds {
			all, quality, err := phash.SumTurned(kind, image.NewNRGBA(image.Rect(0, 0, size[0], size[1])))
			require.NoError(t, err, size)
			assert.Equal(t, phash.Hash{Kind: kind}, all[3], size)
			assert.Zero(t, quality, size)
		}
	}
	endless := image.NewUniform(color.White)
	_, quality, err := phash.Sum(phash.PDQ, endless)
	require.NoError(t, err)
	assert.Zero(t, quality)
	for _, kind := range kinds[1:] {
		_, _, err = phash.Sum(kind, endless)
		require.ErrorIs(t, err, phash.ErrPicture)
	}
	_, _, err = phash.SumFull(endless)
	require.ErrorIs(t, err, phash.ErrPicture)

	for _, sum := range []func(phash.Kind, image.Image) ([8]phash.Hash, int, error){phash.SumTurned, phash.SumDihedral} {
		_, _, err = sum(phash.PDQ, nil)
		require.ErrorIs(t, err, phash.ErrPicture)
		_, _, err = sum(0, endless)
		require.ErrorIs(t, err, phash.ErrKind)
	}
	_, _, err = phash.SumFull(nil)
	require.ErrorIs(t, err, phash.ErrPicture)
}

func FuzzSum(f *testing.F) {
	for _, s := range [][2]uint16{{0, 0}, {1, 1}, {1, 900}, {5, 5}, {4, 700}, {64, 64}, {7, 513}, {600, 6}, {130, 127}} {
		f.Add(s[0], s[1], uint64(s[0]), true)
	}
	f.Fuzz(func(t *testing.T, w, h uint16, seed uint64, opaque bool) {
		m := image.NewNRGBA(image.Rect(0, 0, int(w)%1024, int(h)%1024))
		if len(m.Pix) > 4*80_000 {
			return // more pixels than a quick test looks at
		}
		r := newRandom(seed)
		for i := range m.Pix {
			m.Pix[i] = uint8(r.Uint32())
			if opaque && i%4 == 3 {
				m.Pix[i] = 255
			}
		}
		for _, kind := range kinds {
			h, quality, err := phash.Sum(kind, m)
			require.NoError(t, err)
			require.True(t, quality >= 0 && quality <= 100, quality)
			again, err := phash.Parse(h.String())
			require.NoError(t, err)
			require.Equal(t, h, again)
		}
		if min(m.Rect.Dx(), m.Rect.Dy()) >= 5 {
			h, _, err := phash.SumFull(m)
			require.NoError(t, err)
			require.Equal(t, slowPDQ(m), h, fmt.Sprint(m.Rect))
		}
	})
}
