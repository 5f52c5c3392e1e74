//go:build study

package verify_test

import (
	"bytes"
	"image"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/internal/test/fromfile"
	"github.com/kycmark/kycmark/internal/test/skip"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// TestReturnedStudy enters copies of 20 pictures again, each in ten ways, and 1,000 unmarked uploads beside 1,000 copies that
// were issued. At least 95 % of the copies must be noticed, as the right copy, and no unmarked upload.
//
//	KYCMARK_SHARED=... go test -tags study -timeout 4h -v -run ReturnedStudy ./verify
//
// "-run ReturnedStudy/copies" and "-run ReturnedStudy/unmarked" are its halves. KYCMARK_FROM=300 takes 100 unmarked uploads from
// number 300 on.
func TestReturnedStudy(t *testing.T) {
	var shared []*image.NRGBA // of which a mark can be made, at most 1,280 pixels
	for _, kind := range []string{"documents", "photos"} {
		paths, err := filepath.Glob(filepath.Join(os.Getenv("KYCMARK_SHARED"), "pictures", kind, "*"))
		require.NoError(t, err)
		for _, path := range paths {
			p, err := fromfile.Picture(path, picture.Limits{})
			if err == nil && max(p.Image.Rect.Dx(), p.Image.Rect.Dy()) >= 720 {
				shared = append(shared, picture.Flatten(picture.Fit(p.Image, 1280)))
			}
		}
	}
	if len(shared) < 20 {
		skip.Test(t, "%d shared pictures: set KYCMARK_SHARED", len(shared))
	}
	var issuer *registry.Issuer
	begin := func(t *testing.T) registry.Config {
		cfg := leaktest.Config(t)
		cfg.Marked = registry.MarkedAtSubmit
		issuer = newIssuer(t, cfg)
		vendors(t, cfg.Registry, "vendor A")
		return cfg
	}
	carried := func(t *testing.T, cfg registry.Config, img image.Image, format string, quality int) []books.Copy {
		var data bytes.Buffer
		require.NoError(t, picture.Encode(&data, img, format, quality))
		sub, became, err := issuer.Submit(t.Context(), &data, "", feb, nil)
		require.NoError(t, err)
		require.False(t, became.Duplicate)
		got, err := cfg.Registry.Carried(t.Context(), sub.ID)
		require.NoError(t, err)
		return got
	}
	t.Run("copies", func(t *testing.T) {
		cfg := begin(t)
		noticed, of := map[string]int{}, 0
		for i := range 20 {
			upload := shared[i*len(shared)/20]
			_, img, id := issued(t, issuer, submit(t, issuer, file(t, upload, "jpeg"), "", feb).ID, "vendor A")
			tenth := img.Rect.Inset(min(img.Rect.Dx(), img.Rect.Dy()) / 20)
			again := map[string]*image.NRGBA{"as issued": img, "900 px": picture.Fit(img, 900), "1280 px": picture.Fit(imaging.Resize(img, 1500, 0, imaging.Lanczos), 1280), "cropped": imaging.Crop(img, tenth)}
			for _, way := range []string{"jpeg90", "jpeg75", "jpeg50", "telegram", "whatsapp", "screenshot"} {
				again[way] = leaked(t, img, way)
			}
			for way, p := range again {
				of++
				got := carried(t, cfg, p, "png", 0)
				if len(got) == 1 && got[0].ID == id {
					noticed[way]++
					noticed["all"]++
				} else {
					t.Logf("picture %d, %s: %d copies noticed", i, way, len(got))
					assert.Empty(t, got, "another copy")
				}
			}
		}
		t.Logf("noticed, of 20 each and %d in all: %v", of, noticed)
		assert.GreaterOrEqual(t, float64(noticed["all"]), 0.95*float64(of))
	})
	t.Run("unmarked", func(t *testing.T) {
		cfg := begin(t)
		for i := range 20 {
			of := submit(t, issuer, file(t, imaging.Fit(shared[i], 480, 480, imaging.Box), "jpeg"), "", feb)
			o := &registry.IssueOptions{Purpose: "request 7", AllowWeak: true, Opened: new(registry.Opened)}
			for range 50 {
				o.ID = watermark.NewCopyID()
				_, err := issuer.Issue(t.Context(), of.ID, "vendor A", registry.WriteTo(new(bytes.Buffer)), o)
				require.NoError(t, err)
			}
		}
		all := attack.All()
		wrong := 0
		first, last := 0, 1000
		if from, err := strconv.Atoi(os.Getenv("KYCMARK_FROM")); err == nil {
			first, last = from, min(from+100, last)
		}
		for n := first; n < last; n++ {
			way, side := all[n%len(all)], 480+n*37%400
			var img *image.NRGBA
			if n%2 == 0 {
				img = picture.Fit(shared[n/2%len(shared)], side)
			} else {
				seed := uint64(4000 + n)
				img = specimen.Render(specimen.Templates()[n/2%5], specimen.NewPerson(seed), side)
				if n%4 == 1 {
					img = specimen.Photograph(img, seed, side, side*3/4)
				}
			}
			img = way.Apply(img, uint64(n))
			img.Pix[0] ^= uint8(n%255 + 1) // no file is there twice
			var got []watermark.CopyID
			for _, c := range carried(t, cfg, img, []string{"png", "jpeg"}[n%2], 84) {
				got = append(got, c.ID)
			}
			if len(got) > 0 {
				wrong++
				t.Logf("upload %d, %s, %s: %v", n, way.Name, img.Rect, got)
			}
			if n%100 == 99 {
				t.Logf("%d uploads, %d noticed wrongly", n+1, wrong)
			}
		}
		assert.Zero(t, wrong)
	})
}
