package register_test

import (
	"context"
	"image"
	"image/draw"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/register"
	"github.com/kycmark/kycmark/internal/specimen"
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
	const w, h = 1200, 900
	blank := specimen.NewBlank(specimen.IDCard, 1000)
	doc, other := picture.Flatten(blank.Fill(specimen.NewPerson(1))), picture.Flatten(blank.Fill(specimen.NewPerson(2)))
	edited := image.NewNRGBA(doc.Rect)
	draw.Draw(edited, doc.Rect, doc, image.Point{}, draw.Src)
	portrait := image.Rect(0, doc.Rect.Dy()/4, doc.Rect.Dx()/3, doc.Rect.Dy()*3/4)
	draw.Draw(edited, portrait, other, portrait.Min, draw.Src)

	capture := specimen.NewCapture(doc.Rect, 5, w, h)
	orig := luma(capture.Take(doc))
	mid := geometry.Point{X: w / 2, Y: h / 2}
	for _, c := range []struct {
		name string
		leak dsp.Plane
		want register.Verdict
	}{
		{"itself", orig, register.Same},
		{"turned", view(orig, similar(1200, 1200, mid, 0.03, 1), 1200, 1200), register.Same},
		{"half the size", view(orig, geometry.PixelScale(2, 2), w/2, h/2), register.Same},
		{"cut", orig.Window(200, 150, 700, 500), register.Same},
		{"redacted", boxed(orig, image.Rect(0, 300, 500, 700), image.Rect(450, 100, 1100, 420)), register.Same},
		{"another portrait", luma(capture.Take(edited)), register.Same},
		{"second capture", luma(specimen.Photograph(doc, 6, w, h)), register.Other},
		{"another person", luma(specimen.Photograph(other, 7, w, h)), register.Other},
	} {
		o := register.New(orig)
		r, err := o.Find(context.Background(), register.NewLeak(c.leak))
		require.NoError(t, err, c.name)
		require.NotNil(t, r, c.name)
		n := r.Compare(o)
		assert.Equal(t, c.want, n.Verdict, "%s: %+v", c.name, n)
	}
}

// Where the template was printed by a computer and never photographed, only the
// text and the portrait differ.
func TestLikenessOfRenderedPages(t *testing.T) {
	for _, tpl := range []specimen.Template{specimen.Passport, specimen.Bill} {
		blank := specimen.NewBlank(tpl, 1000)
		o := register.New(luma(picture.Flatten(blank.Fill(specimen.NewPerson(1)))))
		for person, want := range map[uint64]register.Verdict{1: register.Same, 2: register.Other, 3: register.Other} {
			r, err := o.Find(context.Background(), register.NewLeak(luma(picture.Flatten(blank.Fill(specimen.NewPerson(person))))))
			require.NoError(t, err)
			require.NotNil(t, r)
			n := r.Compare(o)
			assert.Equal(t, want, n.Verdict, "%s, person %d: %+v", tpl, person, n)
		}
	}
}

func TestOddPictures(t *testing.T) {
	full := passport()
	o := register.New(full)
	for _, s := range [][2]int{{0, 0}, {1, 1}, {1, 400}, {400, 1}, {16, 16}, {17, 300}, {40, 40}, {3000, 20}} {
		for _, v := range []float32{0, 255} {
			p := dsp.NewPlane(s[0], s[1])
			for i := range p.Pix {
				p.Pix[i] = v
			}
			r, err := o.Find(context.Background(), register.NewLeak(p))
			require.NoError(t, err)
			assert.Nil(t, r, "%v of %v", s, v)
			odd := register.New(p)
			r, err = odd.Find(context.Background(), register.NewLeak(full))
			require.NoError(t, err)
			assert.Nil(t, r, "onto %v of %v", s, v)
		}
	}
}

func TestFindEndsWithItsContext(t *testing.T) {
	full := passport()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r, err := register.New(full).Find(ctx, register.NewLeak(full.Window(300, 250, 400, 300)))
	require.ErrorIs(t, err, context.Canceled)
	assert.Nil(t, r)
}

func TestFindIsTheSameEachTime(t *testing.T) {
	full := passport()
	leak := view(full, similar(700, 700, geometry.Point{X: 600, Y: 500}, 0.2, 1.1), 700, 700)
	var first *register.Registration
	for range 2 {
		r, err := register.New(full).Find(context.Background(), register.NewLeak(leak))
		require.NoError(t, err)
		require.NotNil(t, r)
		if first == nil {
			first = r
		}
		assert.Equal(t, first, r)
	}
}
