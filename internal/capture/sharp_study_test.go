//go:build study

package capture

import (
	"fmt"
	"image"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/internal/test/fromfile"
	"github.com/kycmark/kycmark/internal/test/specimen"
)

// A sharpLeak is a leak of the study.
type sharpLeak struct {
	name  string
	finer bool // of the larger file
	leak  *image.NRGBA
}

var sharpFilters = []struct {
	name string
	imaging.ResampleFilter
}{
	{"box", imaging.Box}, {"lanczos", imaging.Lanczos}, {"cubic", imaging.CatmullRom}, {"linear", imaging.Linear}, {"mitchell", imaging.MitchellNetravali}, {"nearest", imaging.NearestNeighbor},
}

// sharpUpload returns full as an application shrinks it: 640 to 1,280 pixels, saved as JPEG.
func sharpUpload(r *rand.Rand, full *image.NRGBA) (name string, upload *image.NRGBA) {
	long := max(full.Rect.Dx(), full.Rect.Dy())
	most := min(1280, long*10/13)
	side := 640 + r.IntN(max(most-640, 0)+1)
	f := sharpFilters[r.IntN(5)]
	q := []int{75, 85, 92}[r.IntN(3)]
	w, h := geometry.Fit(full.Rect.Dx(), full.Rect.Dy(), side)
	return fmt.Sprintf("%d %s q%d", side, f.name, q), attack.JPEG(q)(r, imaging.Resize(full, w, h, f.ResampleFilter))
}

// sharpFiner returns leaks of the larger file.
func sharpFiner(r *rand.Rand, full *image.NRGBA) (all []sharpLeak) {
	add := func(name string, p *image.NRGBA) { all = append(all, sharpLeak{name, true, p}) }
	for _, q := range []int{60, 75, 85 + r.IntN(11)} {
		add(fmt.Sprintf("full q%d", q), attack.JPEG(q)(r, full))
	}
	for _, m := range [][2]int{{1600, 75}, {1600, 60}, {2048, 80}} {
		if max(full.Rect.Dx(), full.Rect.Dy()) > m[0] {
			add(fmt.Sprintf("messenger %d q%d", m[0], m[1]), attack.JPEG(m[1])(r, attack.FitTo(m[0])(r, full)))
		}
	}
	return all
}

// sharpOwn returns n leaks of the upload, enlarged in drawn ways.
func sharpOwn(r *rand.Rand, upload *image.NRGBA, n int) (all []sharpLeak) {
	for i := range n {
		p, name := upload, ""
		step := func(s string, q *image.NRGBA) { p, name = q, name+" "+s }
		switch r.IntN(8) {
		case 0:
			step("marked", attack.Noise(2)(r, p))
		case 1:
			q := 50 + r.IntN(45)
			step(fmt.Sprintf("q%d", q), attack.JPEG(q)(r, p))
		case 2:
			k := 0.6 + 0.35*r.Float64()
			step(fmt.Sprintf("to %.2f", k), attack.ScaleTo(p, int(k*float64(p.Rect.Dx())), int(k*float64(p.Rect.Dy()))))
		}
		f := sharpFilters[(i+r.IntN(2))%len(sharpFilters)]
		k := []float64{1.3, 1.5, 2, 3, 1.2 + 1.8*r.Float64(), 1.2 + 1.8*r.Float64()}[r.IntN(6)]
		k = min(k, 3600/float64(max(p.Rect.Dx(), p.Rect.Dy())))
		k *= float64(upload.Rect.Dx()) / float64(p.Rect.Dx())
		step(fmt.Sprintf("x%.3f %s", k, f.name), imaging.Resize(p, int(k*float64(p.Rect.Dx())), 0, f.ResampleFilter))
		switch r.IntN(5) {
		case 0:
			s := 0.5 + 2*r.Float64()
			step(fmt.Sprintf("sharp %.1f", s), imaging.Sharpen(p, s))
		case 1:
			s, a := 0.7+2*r.Float64(), 0.5+1.5*r.Float64()
			step(fmt.Sprintf("mask %.1f %.1f", s, a), unsharp(p, s, a))
		case 2:
			name := []string{"noise5", "noise15", "stamp", "rot1", "persp3", "crop75", "gamma", "median3", "bilateral"}[r.IntN(9)]
			a, err := attack.Find(name)
			if err != nil {
				panic(err)
			}
			step(name, a.ApplyBy(r, p))
		}
		switch r.IntN(5) {
		case 0, 1, 2:
			q := 60 + r.IntN(36)
			step(fmt.Sprintf("q%d", q), attack.JPEG(q)(r, p))
		case 3:
			step("whatsapp", attack.JPEG(75)(r, attack.FitTo(1600)(r, p)))
		}
		all = append(all, sharpLeak{strings.TrimSpace(name), false, p})
	}
	for _, name := range []string{"screen_photo", "print_scan", "screenshot"} {
		a, err := attack.Find(name)
		if err != nil {
			panic(err)
		}
		p := upload
		if name != "screen_photo" {
			p = attack.ScaleTo(p, p.Rect.Dx()*2, p.Rect.Dy()*2)
		}
		all = append(all, sharpLeak{"x2 " + name, false, a.ApplyBy(r, p)})
	}
	return all
}

// unsharp returns p and amount times what a Gaussian of sigma pixels takes from it, cut to 0..255.
func unsharp(p *image.NRGBA, sigma, amount float64) *image.NRGBA {
	out := attack.Blur(sigma)(nil, p)
	for i, b := range out.Pix {
		v := float64(p.Pix[i])
		out.Pix[i] = attack.Clamp8(v + amount*(v-float64(b)))
	}
	return out
}

// A sharpSource makes a larger file.
type sharpSource struct {
	name string
	load func() *image.NRGBA // nil if it is too small
}

// sharpSources returns pictures: the shared ones, those of the folders in KYCMARK_PICTURES, and n drawn ones.
func sharpSources(t *testing.T, n int) (all []sharpSource) {
	dirs := strings.Split(os.Getenv("KYCMARK_PICTURES"), ":")
	for _, sub := range []string{"documents", "photos"} {
		dirs = append(dirs, filepath.Join(os.Getenv("KYCMARK_SHARED"), "pictures", sub))
	}
	for _, dir := range dirs {
		paths, err := filepath.Glob(filepath.Join(dir, "*"))
		require.NoError(t, err)
		slices.Sort(paths)
		for _, path := range paths {
			all = append(all, sharpSource{filepath.Base(path), func() *image.NRGBA {
				p, err := fromfile.Picture(path, picture.Limits{})
				if err != nil {
					return nil
				}
				img := picture.Flatten(p.Image)
				if max(img.Rect.Dx(), img.Rect.Dy()) < 1600 {
					return nil
				}
				return picture.Fit(img, 3000)
			}})
		}
	}
	for i := range uint64(n) {
		all = append(all, sharpSource{fmt.Sprintf("drawn %d", i), func() *image.NRGBA {
			person := specimen.NewPerson(8600 + i)
			side := []int{1600, 2000, 2400}[i%3]
			doc := specimen.Render(specimen.Templates()[i%5], person, side)
			switch i % 4 {
			case 0:
				return doc
			case 1:
				return specimen.Scan(doc, i, side, side*3/4)
			case 2:
				if i%8 == 2 {
					return specimen.Selfie(person, i, side, side*4/3)
				}
			}
			return specimen.Photograph(doc, i, side, side*3/4)
		}})
	}
	return all
}

// TestSharpStudy measures what [Sight.Finer] says of leaks from the larger file that an upload was made of, and of
// enlarged versions of the upload itself. Pictures of even number fixed the thresholds and are left out. With -short one
// picture of four is measured. KYCMARK_PICTURES names more folders, divided by colons. The results depend on them.
//
//	KYCMARK_SHARED=... go test -tags study -timeout 6h -v -run SharpStudy ./internal/capture
func TestSharpStudy(t *testing.T) {
	count := make(map[string][3]int) // said, not told, all
	done := 0
	for i, src := range sharpSources(t, 40) {
		if i%2 == 0 || testing.Short() && i%8 != 1 {
			continue
		}
		full := src.load()
		if full == nil {
			continue
		}
		r := rand.New(rand.NewPCG(uint64(i), 48))
		about, upload := sharpUpload(r, full)
		o := New(dsp.LazyLuma(upload))
		for _, l := range append(sharpFiner(r, full), sharpOwn(r, upload, 10)...) {
			s, err := o.Find(t.Context(), dsp.LazyLuma(l.leak))
			require.NoError(t, err)
			var d detail
			said, untold := 0, 0
			if s != nil {
				if d = measure(s.given.Luma(), s.on.Luma(), s.ToOriginal()); d.finer() {
					said = 1
				} else if d.perhaps() {
					untold = 1
				}
			}
			groups := []string{fmt.Sprintf("own, scale apart or under %v", minFinerScale)}
			switch {
			case l.finer:
				groups = []string{"finer", fmt.Sprintf("finer, scale %v", math.Floor(d.scale*4)/4), "finer " + about[strings.LastIndex(about, "q"):]}
			case d.scale >= minFinerScale && sharpPlain(l.name):
				groups = []string{"own"}
			case d.scale >= minFinerScale:
				groups = []string{"own, harder"}
			}
			for _, g := range groups {
				count[g] = [3]int{count[g][0] + said, count[g][1] + untold, count[g][2] + 1}
			}
			t.Logf("%d %s, %s: %s, finer %v, said %d, untold %d: %+v", i, src.name, about, l.name, l.finer, said, untold, d)
		}
		if done++; done%5 == 0 {
			t.Logf("%d pictures: %v", done, count)
		}
	}
	t.Logf("%d pictures: said, not told, of all: %v", done, count)
}

// sharpPlain reports whether a leak was only enlarged, sharpened, sent and saved as JPEG: not shrunk before it was
// enlarged, nor printed, turned, filtered or photographed.
func sharpPlain(name string) bool {
	for _, w := range strings.Fields(name) {
		if slices.Contains([]string{"to", "noise5", "noise15", "rot1", "persp3", "median3", "bilateral", "gamma", "screen_photo", "print_scan", "screenshot"}, w) {
			return false
		}
	}
	return true
}

// sharpPictures returns a third of the pictures.
func sharpPictures(t *testing.T) (all []*image.NRGBA) {
	for i, src := range sharpSources(t, 20) {
		if i%3 == 0 {
			if p := src.load(); p != nil {
				all = append(all, p)
			}
		}
	}
	return all
}
