package capture_test

import (
	"image"
	"image/color"
	"image/draw"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/capture"
	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/specimen"
)

// boxed returns p with black boxes over it.
func boxed(p dsp.Plane, boxes ...image.Rectangle) dsp.Plane {
	p = p.Clone()
	for _, b := range boxes {
		for y := b.Min.Y; y < b.Max.Y; y++ {
			clear(p.Row(y)[b.Min.X:b.Max.X])
		}
	}
	return p
}

// A leak of the same capture is the same, whatever was cut off, turned, covered or
// edited in one place. Another person's document of the template, and another
// photograph of the same document, are not.
func TestLikeness(t *testing.T) {
	const w, h = 800, 600
	blank := specimen.NewBlank(specimen.IDCard, 700)
	doc, other := picture.Flatten(blank.Fill(specimen.NewPerson(1))), picture.Flatten(blank.Fill(specimen.NewPerson(2)))
	edited := image.NewNRGBA(doc.Rect)
	draw.Draw(edited, doc.Rect, doc, image.Point{}, draw.Src)
	portrait := image.Rect(0, doc.Rect.Dy()/4, doc.Rect.Dx()/3, doc.Rect.Dy()*3/4)
	draw.Draw(edited, portrait, other, portrait.Min, draw.Src)

	camera := specimen.NewCapture(doc.Rect, 5, w, h)
	upload := camera.Take(doc)
	orig := dsp.LumaNRGBA(upload)
	o := capture.New(orig.Lazy())
	type sight struct {
		name string
		leak dsp.Plane
		want capture.Verdict
	}
	for _, c := range long.Cases(4, []sight{
		{"redacted", boxed(orig, image.Rect(0, 200, 330, 470), image.Rect(300, 65, 730, 280)), capture.Same},
		{"another portrait", dsp.LumaNRGBA(camera.Take(edited)), capture.Same},
		{"second capture", dsp.LumaNRGBA(specimen.Photograph(doc, 6, w, h)), capture.Other},
		{"another person", dsp.LumaNRGBA(specimen.Photograph(other, 7, w, h)), capture.Other},
		{"turned", dsp.LumaNRGBA(imaging.CropCenter(imaging.Rotate(upload, 10.8, color.Black), 800, 800)), capture.Same},
		{"itself", orig, capture.Same},
		{"half the size", dsp.LumaNRGBA(imaging.Resize(upload, w/2, h/2, imaging.Box)), capture.Same},
		{"cut", orig.Window(130, 100, 470, 330), capture.Same},
	}...) {
		s, err := o.Find(t.Context(), c.leak.Lazy())
		require.NoError(t, err, c.name)
		require.NotNil(t, s, c.name)
		n := s.Likeness()
		assert.Equal(t, c.want, n.Verdict, "%s: %+v", c.name, n)
	}
}
