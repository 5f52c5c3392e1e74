//go:build study

package capture

import (
	"fmt"
	"image"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/specimen"
)

// TestSharpStudy measures what [Sight.Finer] says of leaks from the larger file that an upload was made of, and of
// enlarged, sharpened and sent versions of the upload itself.
//
//	KYCMARK_SHARED=... go test -tags study -timeout 3h -v -run SharpStudy ./internal/capture
func TestSharpStudy(t *testing.T) {
	right, finer, wrong, own := 0, 0, 0, 0
	for i, full := range sharpPictures(t) {
		side := []int{640, 760, 900, 1100, 1280}[i%5]
		long := max(full.Rect.Dx(), full.Rect.Dy())
		if side*14/10 > long {
			side = long * 10 / 16
		}
		small := []imaging.ResampleFilter{imaging.Box, imaging.Lanczos, imaging.CatmullRom}[i%3]
		w, h := full.Rect.Dx()*side/long, full.Rect.Dy()*side/long
		upload := after(t, []string{"none", "jpeg90", "jpeg75"}[i%3], imaging.Resize(full, w, h, small), 1)
		o := New(dsp.LazyLuma(upload))
		for _, a := range []string{"jpeg75", "whatsapp", "noise5"} {
			leak := after(t, a, full, 1)
			is, ok := sharpness(t, o, fmt.Sprintf("%d %d TRUE %s", i, side, a), leak)
			if ok {
				finer++
				if is {
					right++
				}
			}
		}
		for k, make := range enlargements() {
			leak := make.of(t, upload)
			is, ok := sharpness(t, o, fmt.Sprintf("%d %d OWN %s", i, side, make.name), leak)
			if own++; ok && is {
				wrong++
				t.Logf("WRONG %d %d", i, k)
			}
		}
	}
	t.Logf("finer: right %d of %d; own: wrong %d of %d", right, finer, wrong, own)
}

type enlargement struct {
	name string
	of   func(t *testing.T, p *image.NRGBA) *image.NRGBA
}

func enlargements() (all []enlargement) {
	times := func(k float64, f imaging.ResampleFilter, then ...string) enlargement {
		return enlargement{fmt.Sprintf("%.2f %v %v", k, f.Support, then), func(t *testing.T, p *image.NRGBA) *image.NRGBA {
			p = imaging.Resize(p, int(float64(p.Rect.Dx())*k), 0, f)
			for _, a := range then {
				p = after(t, a, p, 2)
			}
			return p
		}}
	}
	return []enlargement{
		times(1.5, imaging.NearestNeighbor, "jpeg75"), times(2, imaging.CatmullRom, "sharpen", "jpeg75"), times(1.8, imaging.Lanczos, "jpeg20"),
		times(2, imaging.Linear, "noise15"), times(2, imaging.Lanczos, "stamp", "jpeg75"),
		{"smaller, then larger", func(t *testing.T, p *image.NRGBA) *image.NRGBA {
			q := imaging.Resize(p, p.Rect.Dx()*4/5, 0, imaging.Box)
			return after(t, "jpeg75", imaging.Resize(q, p.Rect.Dx()*3/2, 0, imaging.CatmullRom), 1)
		}},
	}
}

func sharpness(t *testing.T, o *Original, name string, leak *image.NRGBA) (is, ok bool) {
	s, err := o.Find(t.Context(), dsp.LazyLuma(leak))
	require.NoError(t, err)
	if s == nil {
		t.Logf("%s: apart", name)
		return false, false
	}
	x := s.finer()
	t.Logf("%s: %.4f %+v", name, x.share, x)
	return s.Finer(), x.scale >= minFinerScale
}

func sharpPictures(t *testing.T) (all []*image.NRGBA) {
	dir := filepath.Join(os.Getenv("KYCMARK_SHARED"), "pictures")
	var paths []string
	for _, sub := range []string{"documents", "photos"} {
		found, err := filepath.Glob(filepath.Join(dir, sub, "*"))
		require.NoError(t, err)
		paths = append(paths, found...)
	}
	slices.Sort(paths)
	for k, path := range paths {
		if k%3 != sharpPart {
			continue
		}
		p, err := picture.Load(path, picture.Limits{})
		if err != nil {
			continue // of a format that is not read
		}
		if img := picture.Flatten(p.Image); max(img.Rect.Dx(), img.Rect.Dy()) >= 1100 {
			all = append(all, picture.Fit(img, 1800))
		}
	}
	for i := range uint64(5) {
		doc := specimen.Render(specimen.Templates()[i], specimen.NewPerson(8600+i+10*uint64(sharpPart)), 1500)
		all = append(all, doc)
		if i%2 == 0 {
			all = append(all, specimen.Photograph(doc, i, 1600, 1200))
		}
	}
	return all
}

const sharpPart = 0 // of three
