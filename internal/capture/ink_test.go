package capture

import (
	"image"
	"image/color"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/specimen"
)

// scanned returns what a scanner application makes of a picture.
func scanned(name string, img *image.NRGBA) *image.NRGBA {
	all := attack.Scanner()
	return all[slices.IndexFunc(all, func(a attack.Attack) bool { return a.Name == name })].Apply(img, 1)
}

// seen returns what a leak shows of an original.
func seen(t *testing.T, o *Original, leak *image.NRGBA) (Verdict, *Page) {
	s, err := o.Find(t.Context(), dsp.LazyLuma(leak))
	require.NoError(t, err)
	require.NotNil(t, s)
	v, err := s.Verdict()
	require.NoError(t, err)
	p, err := s.Page()
	require.NoError(t, err)
	require.NotNil(t, p)
	return v, p
}

// Opponent's story: a computer made a page, and a bank has a thousand of its form. In black and white another customer's
// page, or the same customer's with one other street, is not taken for the upload. The upload itself is, though a
// threshold thickens all of its strokes.
func TestInkOfPages(t *testing.T) {
	blank, me := specimen.NewBlank(specimen.Bill, 900), specimen.NewPerson(1)
	street, name := me, me
	street.Street = "7" + me.Street
	name.Surname = specimen.NewPerson(2).Surname
	page := blank.Fill(me)
	o := New(dsp.LazyLuma(page))
	ways := []string{"adaptive"}
	if long.On {
		ways = []string{"adaptive", "g4_200", "g4_300"}
	}
	for _, how := range ways {
		v, p := seen(t, o, scanned(how, page))
		assert.Equal(t, Edges, v, how)
		assert.Equal(t, &Page{nil, true}, p, how)
		for what, other := range map[string]specimen.Person{"street": street, "name": name, "person": specimen.NewPerson(2)} {
			_, p := seen(t, o, scanned(how, blank.Fill(other)))
			assert.NotEmpty(t, p.Other, "another %s, %s", what, how)
		}
	}
}

// Opponent's story: a form is filled in with light ink, which a threshold loses. All customers' forms look alike then. Thin
// light lines may be lost: they tell nobody from anybody.
func TestInkThatIsLost(t *testing.T) {
	blank := specimen.NewBlank(specimen.Bill, 900)
	light := func(person uint64) *image.NRGBA {
		p := specimen.NewPerson(person)
		p.Given, p.Surname = "Ada", "Lumen" // but in the address, which is light
		page := blank.Fill(p)
		for y := 230; y < 350; y++ {
			for x := 50; x < 460; x++ {
				for i := range 3 {
					v := &page.Pix[page.PixOffset(x, y)+i]
					*v = 255 - (255-*v)/3
				}
			}
		}
		return page
	}
	mine := light(1)
	black := func(img *image.NRGBA, level float32) *image.NRGBA {
		out := image.NewNRGBA(img.Rect)
		for i, v := range dsp.LumaNRGBA(img).Pix {
			c := color.NRGBA{255, 255, 255, 255}
			if v <= level {
				c = color.NRGBA{A: 255}
			}
			out.SetNRGBA(i%img.Rect.Dx(), i/img.Rect.Dx(), c)
		}
		return out
	}
	_, p := seen(t, New(dsp.LazyLuma(mine)), black(mine, 128))
	assert.False(t, p.Whole)

	lined := blank.Fill(specimen.NewPerson(1))
	for x := 100; x < 800; x++ {
		lined.SetNRGBA(x, 300, color.NRGBA{185, 185, 185, 255})
	}
	_, p = seen(t, New(dsp.LazyLuma(lined)), black(lined, 170))
	assert.True(t, p.Whole)
}
