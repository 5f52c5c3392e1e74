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

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/fromfile"
	"github.com/kycmark/kycmark/internal/test/specimen"
)

// TestWhiteStudy measures how many leaks of white pages are the same capture: shared pictures, drawn bills,
// and scans of them whose paper a program made white. Another scan, and another person's bill, must not be.
//
//	KYCMARK_SHARED=... go test -tags study -timeout 3h -v -run WhiteStudy ./internal/capture
func TestWhiteStudy(t *testing.T) {
	attacks := []string{"none", "telegram_low", "facebook", "whatsapp_twice", "jpeg30", "resize50", "chain_reshare"}
	own, same, wrong, strangers := 0, 0, 0, 0
	for _, p := range whitePages(t) {
		o := New(dsp.LazyLuma(p.upload))
		for i, a := range attacks {
			if v := study(t, o, p.name+" "+a, after(t, a, p.upload, uint64(i))); v == Same || v == Altered {
				same++
			}
			own++
			if p.other == nil || i > 3 {
				continue
			}
			strangers++
			if v := study(t, o, p.name+" other "+a, after(t, a, p.other, uint64(i))); v == Same || v == Altered {
				t.Logf("WRONG: %s, %s: %s", p.name, a, v)
				wrong++
			}
		}
	}
	t.Logf("own %d of %d; others %d of %d", same, own, wrong, strangers)
}

// study returns the verdict on a leak and logs what it rests on.
func study(t *testing.T, o *Original, name string, leak *image.NRGBA) Verdict {
	s, err := o.Find(t.Context(), dsp.LazyLuma(leak))
	require.NoError(t, err)
	if s == nil {
		t.Logf("%s: apart", name)
		return Other
	}
	v, err := s.Verdict()
	require.NoError(t, err)
	n := s.Likeness()
	text := ""
	if p := s.fitted; p != nil {
		half, far := s.onFrame(p.places())
		text = fmt.Sprintf("light %.2f %.2f changed %.4f bend %.3f frame %.3f %.3f places %d", p.light[0], p.light[1], p.changed(), p.bend(), half, far, len(s.altered))
	}
	t.Logf("%s: %s, %d of %d of %d, foreign %v, %s", name, v, n.Agree, n.Textured-n.Covered, n.Textured, n.Foreign, text)
	return v
}

type whitePage struct {
	name          string
	upload, other *image.NRGBA // another scan or person's page; or nil
}

// whitePages returns pages of different sizes.
func whitePages(t *testing.T) (all []whitePage) {
	for i, name := range []string{"payslip_gray_a4.jpg", "utility_bill_sample.jpg", "page_scan_1bit_300dpi.tif", "receipt_phone_8mp.jpg"} {
		p, err := fromfile.Picture(filepath.Join(os.Getenv("KYCMARK_SHARED"), "pictures", "documents", name), picture.Limits{})
		require.NoError(t, err)
		for _, side := range []int{1100, 1500 + 100*i} {
			all = append(all, whitePage{fmt.Sprintf("%s %d", name, side), picture.Fit(picture.Flatten(p.Image), side), nil})
		}
	}
	for i := range uint64(4) {
		w := []int{700, 900, 1100, 1300}[i]
		blank := specimen.NewBlank(specimen.Bill, w)
		a, b := blank.Fill(specimen.NewPerson(8100+i)), blank.Fill(specimen.NewPerson(8200+i))
		all = append(all,
			whitePage{fmt.Sprintf("bill %d", w), whitened(a, 235), whitened(b, 235)},
			whitePage{fmt.Sprintf("scan %d", w), whitened(specimen.Scan(a, i, w, w*7/5), 225), whitened(specimen.Scan(a, i+90, w, w*7/5), 225)})
	}
	return all
}

// whitened makes the grey level white, and darker levels lighter in proportion.
func whitened(p *image.NRGBA, white float64) *image.NRGBA {
	return imaging.AdjustFunc(p, func(c color.NRGBA) color.NRGBA {
		up := func(v uint8) uint8 { return uint8(min(255, float64(v)*255/white+.5)) }
		c.R, c.G, c.B = up(c.R), up(c.G), up(c.B)
		return c
	})
}
