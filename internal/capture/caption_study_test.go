//go:build study

package capture

import (
	"fmt"
	"image"
	"image/color"
	"os"
	"path/filepath"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/attack"
	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/fromfile"
	"github.com/kycmark/kycmark/internal/test/specimen"
)

// TestCaptionStudy measures how many leaks with a caption are the same capture: dark bars over dark cloth, and bands
// along an edge of photographed pages. Another capture, and another person's page, with a caption must not be.
//
//	KYCMARK_SHARED=... go test -tags study -timeout 3h -v -run CaptionStudy ./internal/capture
func TestCaptionStudy(t *testing.T) {
	own, same, wrong, strangers := 0, 0, 0, 0
	for i, p := range captionPages(t) {
		o := New(dsp.LazyLuma(p.upload))
		for k, a := range []string{"telegram_low", "jpeg50"} {
			own++
			if v := study(t, o, p.name+" "+a, after(t, a, captioned(p.upload, i+k), 1)); v == Same || v == Altered {
				same++
			}
			if p.other == nil {
				continue
			}
			strangers++
			if v := study(t, o, p.name+" other "+a, after(t, a, captioned(p.other, i+k), 1)); v == Same || v == Altered {
				t.Logf("WRONG: %s, %s: %s", p.name, a, v)
				wrong++
			}
		}
	}
	t.Logf("own %d of %d; others %d of %d", same, own, wrong, strangers)
}

// captioned returns a picture with a band and a line of text over it: along the lower edge, the upper edge, or
// over the lower third.
func captioned(p *image.NRGBA, k int) *image.NRGBA {
	out := imaging.Clone(p)
	w, h := p.Rect.Dx(), p.Rect.Dy()
	high := h * (4 + k%4) / 100
	y := []int{h - high, h - high, 0, h * 3 / 4}[k%4]
	shade := []color.NRGBA{{0, 0, 0, 255}, {24, 24, 28, 255}, {36, 129, 204, 255}}[k%3]
	attack.Fill(out, image.Rect(0, y, w, y+high), shade)
	attack.Write(out, "join t.me/+kyc_dump", w/20+k*w/80, y+high*7/10, min(w/2, high*8), high*45/100, 2, attack.Grey(255))
	return out
}

func captionPages(t *testing.T) (all []whitePage) {
	for i := range uint64(5) {
		doc := specimen.Render(specimen.Templates()[i], specimen.NewPerson(8300+i), 900)
		other := specimen.Render(specimen.Templates()[i], specimen.NewPerson(8400+i), 900)
		c := specimen.NewCapture(doc.Rect, i, 960, 720)
		all = append(all, whitePage{fmt.Sprintf("page %d", i), c.Take(doc), c.Take(other)},
			whitePage{fmt.Sprintf("drawn %d", i), doc, other},
			whitePage{fmt.Sprintf("again %d", i), c.Take(doc), specimen.Photograph(doc, i+50, 960, 720)})
	}
	for i := range uint64(3) {
		all = append(all, whitePage{fmt.Sprintf("selfie %d", i), specimen.Selfie(specimen.NewPerson(8500+i), i, 720, 960), specimen.Selfie(specimen.NewPerson(8500+i), i+70, 720, 960)})
	}
	for _, name := range []string{"photos/id_portrait_light_skin_1mp.jpg", "photos/very_dark_4mp.jpg", "photos/night_flash_man_7mp.jpg", "photos/phone_man_dark_skin_12mp.jpg", "photos/portrait_official_dark_skin.jpg", "photos/portrait_official_light.jpg", "documents/letter_on_desk_phone_8mp.jpg", "documents/receipt_phone_8mp.jpg", "documents/passport_aus_phone_photo.png"} {
		p, err := fromfile.Picture(filepath.Join(os.Getenv("KYCMARK_SHARED"), "pictures", name), picture.Limits{})
		require.NoError(t, err)
		all = append(all, whitePage{name, picture.Fit(picture.Flatten(p.Image), 1000), nil})
	}
	return all
}
