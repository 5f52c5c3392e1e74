package phash_test

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/phash"
)

// edits are what happens to pictures on their way, with the most bits that one
// may cost: a floor under the quality of the hash.
var edits = []struct {
	name string
	most int
	edit func(*image.NRGBA) image.Image
}{
	{"jpeg quality 50", 8, func(m *image.NRGBA) image.Image { return recompressed(m, 50) }},
	{"half size", 16, func(m *image.NRGBA) image.Image { return imaging.Resize(m, m.Rect.Dx()/2, 0, imaging.Box) }},
	{"messenger: 800 px, jpeg 60", 24, func(m *image.NRGBA) image.Image {
		return recompressed(imaging.Fit(m, 800, 800, imaging.Box), 60)
	}},
	{"quarter turn", 0, func(m *image.NRGBA) image.Image { return imaging.Rotate90(m) }},
	{"turned by 1°", 256, func(m *image.NRGBA) image.Image { return imaging.Rotate(m, 1, color.White) }},
	{"turned by 6°", 256, func(m *image.NRGBA) image.Image { return imaging.Rotate(m, 6, color.White) }},
}

func recompressed(m image.Image, quality int) image.Image {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: quality}); err != nil {
		return nil
	}
	out, err := jpeg.Decode(&b)
	if err != nil {
		return nil
	}
	return out
}

// The hash of the repository's specimen pictures survives what messengers do to
// them, and is lost by small turns. Run with -v for the table.
func TestEdits(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "testdata", "pictures", "*.jpg"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	cost := make([][]int, len(edits))
	for i, file := range files {
		if i%long.Number(12, 3) != 0 && !strings.HasSuffix(file, "daria_bill.jpg") {
			continue
		}
		decoded := decode(t, file)
		m := image.NewNRGBA(decoded.Bounds())
		draw.Draw(m, m.Rect, decoded, m.Rect.Min, draw.Src)
		want, quality, err := phash.SumTurned(phash.PDQ, m)
		require.NoError(t, err)
		assert.GreaterOrEqual(t, quality, phash.MinQuality, file)
		for j, e := range edits {
			h, _, err := phash.Sum(phash.PDQ, e.edit(m))
			require.NoError(t, err)
			d := 256
			for _, w := range want {
				d = min(d, h.Distance(w))
			}
			assert.LessOrEqual(t, d, e.most, "%s, %s", file, e.name)
			cost[j] = append(cost[j], d)
		}
	}
	for j, e := range edits {
		slices.Sort(cost[j])
		n := len(cost[j])
		t.Logf("%-28s %d pictures: median %3d, most %3d bits", e.name, n, cost[j][n/2], cost[j][n-1])
	}
}

// What the doc of the package says of fine print and the step to 512 × 512: the
// distance with it and without. Run with -v for the figures.
func TestFinePrint(t *testing.T) {
	dir := shared(t, "documents")
	for _, file := range []string{"payslip_gray_a4.jpg", "page_scan_1bit_300dpi.tif"} {
		m := imaging.Clone(decode(t, filepath.Join(dir, file)))
		for _, side := range []int{1280, 640, 320} {
			small := recompressed(imaging.Fit(m, side, side, imaging.Box), 60)
			var d [3]int
			for i, sum := range []func(image.Image) (phash.Hash, int, error){step, phash.SumFull, area} {
				a, _, err := sum(m)
				require.NoError(t, err)
				b, _, err := sum(small)
				require.NoError(t, err)
				d[i] = a.Distance(b)
			}
			assert.Less(t, d[1], phash.MatchRadius, "%s at %d px, without the step", file, side)
			assert.LessOrEqual(t, d[2], 16, "%s at %d px, by area", file, side)
			t.Logf("%-26s at %4d px: %2d bits, without the step %2d, by area %2d", file, side, d[0], d[1], d[2])
		}
	}
}

func step(m image.Image) (phash.Hash, int, error) { return phash.Sum(phash.PDQ, m) }

func area(m image.Image) (phash.Hash, int, error) { return phash.Sum(phash.Area, m) }
