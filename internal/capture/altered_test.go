package capture_test

import (
	"image"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	base "github.com/kycmark/kycmark/internal/attack"
	"github.com/kycmark/kycmark/internal/capture"
	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/specimen"
)

// A leak that is altered in a place is the same capture, and the place is known.
func TestAlteredLeaks(t *testing.T) {
	for i, upload := range []*image.NRGBA{attack.Attack{}.Apply(page(1), 0), photo(1, 1)} {
		o := ofPhoto()
		if i == 0 {
			o = capture.New(dsp.LazyLuma(upload))
		}
		for k, a := range attack.Alterations()[3*i:][:long.Number(1, 3)] {
			img, where := a.Apply(upload, 5)
			s, err := o.Find(t.Context(), dsp.LazyLuma(after(t, []string{"screenshot", "telegram_low", "crop75"}[k], img)))
			require.NoError(t, err)
			v, err := s.Verdict()
			require.NoError(t, err)
			assert.Contains(t, []capture.Verdict{capture.Same, capture.Altered}, v, a.Name)
			for _, r := range s.Altered() {
				x, y := (r.X0+r.X1)/2*float64(upload.Rect.Dx())/float64(o.Canonical().W), (r.Y0+r.Y1)/2*float64(upload.Rect.Dy())/float64(o.Canonical().H)
				found := false
				for _, w := range where {
					found = found || image.Pt(int(x), int(y)).In(w)
				}
				assert.True(t, found, "%s: %+v is not in %v", a.Name, r, where)
				assert.Less(t, r.Share, .12)
			}
		}
	}
}

// A band over a dark part of a picture drags the smooth field of the registration: beside it the leak is the same capture.
func TestCaptionOnDarkness(t *testing.T) {
	upload := specimen.Selfie(specimen.NewPerson(8502), 2, 720, 960)
	captioned := func(p *image.NRGBA) *image.NRGBA {
		leak, high := imaging.Clone(p), 57
		base.Fill(leak, image.Rect(0, 0, 720, high), base.Grey(0))
		base.Write(leak, "join t.me/+kyc_dump", 198, high*7/10, 360, high*45/100, 2, base.Grey(255))
		return after(t, "jpeg50", leak)
	}
	o := capture.New(dsp.LazyLuma(upload))
	assert.Equal(t, "altered", verdict(t, o, captioned(upload)))
	if !long.On {
		return // TestVerdictOnPhotographs has another capture
	}
	other := specimen.Selfie(specimen.NewPerson(8502), 72, 720, 960)
	assert.NotContains(t, []string{"same", "altered"}, verdict(t, o, captioned(other)), "another capture")
}

// Another person's document of the template is no altered leak, though every personal field is a
// place that differs: drawn by the same program, or forged onto the same photograph. Nor is half of
// such a document on the upload.
func TestAnotherDocumentIsNotAltered(t *testing.T) {
	blank := specimen.NewBlank(specimen.Bill, 900)
	bill := func(person uint64) *image.NRGBA {
		return attack.Attack{}.Apply(blank.Fill(specimen.NewPerson(person)), 0)
	}
	for name, c := range map[string]struct{ upload, other *image.NRGBA }{ // with the tag long, bills also
		"drawn card": {attack.Attack{}.Apply(page(1), 0), attack.Attack{}.Apply(page(2), 0)},
		"drawn bill": {bill(1), bill(2)},
		"forged":     {photo(1, 1), photo(2, 1)},
	} {
		if name == "drawn bill" && !long.On {
			continue
		}
		o := capture.New(dsp.LazyLuma(c.upload))
		w, h := c.upload.Rect.Dx(), c.upload.Rect.Dy()
		half := image.Rect(0, 0, w/2, h)
		for what, leak := range map[string]*image.NRGBA{
			"after a messenger":      after(t, "telegram_low", c.other),
			"half of it, screenshot": after(t, "screenshot", imaging.Paste(c.upload, imaging.Crop(c.other, half), half.Min)),
		} {
			if (name == "drawn card") == (what == "after a messenger") && !long.On {
				continue
			}
			assert.NotContains(t, []string{"same", "altered"}, verdict(t, o, leak), "%s: %s", name, what)
		}
	}
}
