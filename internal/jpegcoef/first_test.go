package jpegcoef

import (
	"bytes"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRescaled(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		n, from, to, d := random.IntN(2048)-1024, 1+random.IntN(65535), 1+random.IntN(65535), random.IntN(1<<16)-1<<15
		sum := float64(n*from) + (float64(d)/ChangeUnit+0.5)*float64(to)
		require.Equal(t, int(math.Floor(sum/float64(to))), rescaled(n, from, to, d), "%d %d %d %d", n, from, to, d)
	}
}

// A finer step of DC moves the means of blocks of luma by half of that step at most, and changes nothing else.
func TestFinerFirstStep(t *testing.T) {
	data, err := os.ReadFile("../../testdata/pictures/stranger_coast.jpg")
	require.NoError(t, err)
	p, err := Read(data, 30_000_000)
	require.NoError(t, err)
	luma := &p.Components[0]
	luma.Steps[0] = 13
	none := make([]int16, 16*luma.Across*luma.Down)
	file, err := p.Changed(4, ChangeUnit, 8, none, nil, nil).Encode(math.MaxInt)
	require.NoError(t, err)
	finer, err := Read(file, 30_000_000)
	require.NoError(t, err)
	require.EqualValues(t, 8, finer.Components[0].Steps[0])
	before, after := coefficients(t, p), coefficients(t, finer)
	for k := range before {
		for i := range before[k] {
			a, b := before[k][i], after[k][i]
			require.Equal(t, a[1:], b[1:])
			if k > 0 {
				require.Equal(t, a[0], b[0])
			}
			moved := int(a[0])*int(p.Components[k].Steps[0]) - int(b[0])*int(finer.Components[k].Steps[0])
			require.LessOrEqual(t, max(moved, -moved), 4)
		}
	}
	same, err := p.Changed(4, ChangeUnit, 13, none).Encode(math.MaxInt)
	require.NoError(t, err)
	plain, err := p.Encode(math.MaxInt)
	require.NoError(t, err)
	require.True(t, bytes.Equal(plain, same))
}

// coefficients returns the blocks of each component.
func coefficients(t *testing.T, p *Picture) (out [4][]block) {
	require.NoError(t, p.Each(func(_ int, rows *mcuRow) {
		for k := range rows {
			out[k] = append(out[k], rows[k].coef...)
		}
	}))
	return out
}
