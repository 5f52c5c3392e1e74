//go:build study

package capture

import (
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/internal/test/fromfile"
	"github.com/kycmark/kycmark/internal/test/specimen"
)

// TestGridStudy measures how far leaks lie off the original's grid of pixels: crops of the shared
// pictures by whole pixels, and scans that lie as straight as the upload to a fifth of a pixel.
//
//	KYCMARK_SHARED=... go test -tags study -timeout 3h -v -run GridStudy ./internal/capture
func TestGridStudy(t *testing.T) {
	t.Run("own crops", ownCrops)
	t.Run("straight scans", straightScans)
}

func ownCrops(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	var off []float64
	for i, path := range gridPictures(t) {
		p, err := fromfile.Picture(path, picture.Limits{})
		require.NoError(t, err)
		upload := picture.Fit(picture.Flatten(p.Image), []int{320, 640, 1000}[i%3])
		o := New(dsp.LazyLuma(upload))
		for _, codec := range []string{"none", "jpeg75", "jpeg30", "jpeg20", "noise5"} {
			off = append(off, offGrid(t, o, after(t, codec, after(t, "crop50", upload, r.Uint64()), 1))...)
		}
	}
	gridFigures(t, off)
}

func straightScans(t *testing.T) {
	var off []float64
	for i := range uint64(200) {
		seed, w := 8300<<32+i<<20, []int{400, 500, 640}[i%3]
		page := specimen.NewBlank(specimen.Templates()[i%5], w).Fill(specimen.NewPerson(seed))
		plan := specimen.NewScan(page.Rect, seed, w, w*3/4)
		again := seed + 1
		for bent(plan, specimen.NewScan(page.Rect, again, w, w*3/4)) > 0.2 {
			again++
		}
		leak := after(t, []string{"none", "jpeg75", "jpeg30"}[i%3], specimen.Scan(page, again, w, w*3/4), 1)
		off = append(off, offGrid(t, New(dsp.LazyLuma(plan.Take(page))), leak)...)
	}
	gridFigures(t, off)
}

// TestSheetStudy counts the verdicts on scans that lie beside another picture, scaled together: of the uploads themselves, and of second
// scans that lie as straight as the upload to a fifth of a pixel.
//
//	go test -tags study -v -run SheetStudy ./internal/capture
func TestSheetStudy(t *testing.T) {
	own, others := make(map[Verdict]int), make(map[Verdict]int)
	for i := range uint64(200) {
		seed, w := 9100<<32+i<<20, []int{400, 500, 640}[i%3]
		page := specimen.NewBlank(specimen.Templates()[i%5], w).Fill(specimen.NewPerson(seed))
		plan := specimen.NewScan(page.Rect, seed, w, w*3/4)
		again := seed + 1
		for bent(plan, specimen.NewScan(page.Rect, again, w, w*3/4)) > 0.2 {
			again++
		}
		upload, beside := plan.Take(page), specimen.Scan(page, seed+1<<19, w, w*3/4)
		for of, img := range map[*map[Verdict]int]*image.NRGBA{&own: upload, &others: specimen.Scan(page, again, w, w*3/4)} {
			sheet := imaging.Paste(imaging.New(2*w, w*3/4, color.Gray{}), img, image.Pt(int(i%2)*w, 0))
			sheet = imaging.Paste(sheet, beside, image.Pt(int(1-i%2)*w, 0))
			leak := after(t, []string{"none", "jpeg75"}[i%2], imaging.Resize(sheet, 2*w*8/10, 0, imaging.Lanczos), 1)
			s, err := New(dsp.LazyLuma(upload)).Find(t.Context(), dsp.LazyLuma(leak))
			require.NoError(t, err)
			if s != nil {
				v, err := s.Verdict()
				require.NoError(t, err)
				(*of)[v]++
			}
		}
	}
	t.Logf("uploads: %v; second scans: %v", own, others)
	require.Zero(t, others[Same]+others[Altered])
}

// bent returns how far the corners of b are off those of a, moved as fits best, pixels.
func bent(a, b specimen.Capture) (off float64) {
	var x, y float64
	for i := range a.Quad {
		x, y = x+(b.Quad[i][0]-a.Quad[i][0])/4, y+(b.Quad[i][1]-a.Quad[i][1])/4
	}
	for i := range a.Quad {
		off = math.Max(off, math.Hypot(b.Quad[i][0]-a.Quad[i][0]-x, b.Quad[i][1]-a.Quad[i][1]-y))
	}
	return off
}

// offGrid returns half of onGrid of a leak whose verdict depends on it. It returns nothing if the leak gives
// another reason, or differs too much.
func offGrid(t *testing.T, o *Original, leak *image.NRGBA) []float64 {
	s, err := o.Find(t.Context(), dsp.LazyLuma(leak))
	require.NoError(t, err)
	if s == nil || s.Likeness().Verdict != Same {
		return nil
	}
	p, err := s.prediction()
	require.NoError(t, err)
	if p == nil || p.changed() >= maxChanged || p.light[0] > frameShade || p.light[1] > gridShade {
		return nil
	}
	all := p.places()
	half, far := s.onFrame(all)
	if half <= frameMiddle && far <= frameMax || s.framed() || s.cut(p) || p.hasNoise() {
		return nil
	}
	half, _ = s.onGrid(all)
	return []float64{half}
}

func gridFigures(t *testing.T, x []float64) {
	slices.Sort(x)
	n, within := len(x), 0
	for _, v := range x {
		if v <= gridMiddle {
			within++
		}
	}
	t.Logf("%d of %d within gridMiddle; median %.3f, 95 %% %.3f, 99 %% %.3f, largest %.3f", within, n, x[n/2], x[n*95/100], x[n*99/100], x[n-1])
}

func gridPictures(t *testing.T) (paths []string) {
	for _, dir := range []string{"documents", "photos"} {
		found, err := filepath.Glob(filepath.Join(os.Getenv("KYCMARK_SHARED"), "pictures", dir, "*"))
		require.NoError(t, err)
		paths = append(paths, found...)
	}
	require.NotEmpty(t, paths, "KYCMARK_SHARED names no pictures")
	return paths
}

// after returns a picture after an attack.
func after(t *testing.T, name string, img *image.NRGBA, seed uint64) *image.NRGBA {
	a, err := attack.Find(name)
	require.NoError(t, err)
	return a.Apply(img, seed)
}
