package register

import (
	"fmt"
	"image"
	"image/color"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/test/specimen"
)

// A picture that was turned lies on a canvas, whose corners are found to a few pixels. Pictures that lie straight,
// are framed or fade to one colour have none.
func TestCanvas(t *testing.T) {
	card := imaging.Crop(specimen.Render(specimen.Passport, specimen.NewPerson(5), 900), image.Rect(100, 80, 700, 480))
	for _, angle := range []float64{1.5, -3.4, 20, 45, -80} {
		for _, fill := range []color.Color{color.White, color.Black, color.NRGBA{R: 30, G: 90, B: 160, A: 255}} {
			t.Run(fmt.Sprint(angle, fill), func(t *testing.T) {
				white := imaging.New(600, 400, color.White)
				turned, want := imaging.Rotate(card, angle, fill), luma(imaging.Rotate(white, angle, color.Black))
				got := ground(luma(turned))
				require.NotNil(t, got)
				wrong := 0
				for i, v := range want.Pix {
					if got[i] != (v < 128) {
						wrong++
					}
				}
				require.LessOrEqual(t, wrong, 4*2*(want.W+want.H))
			})
		}
	}
	pale := imaging.Clone(card)
	for x := range 600 {
		for y := range 120 { // two sides are as white as the canvas, wherever the card has no detail
			pale.SetNRGBA(x, y, color.NRGBA{R: 251, G: 251, B: 251, A: 255})
		}
	}
	require.NotNil(t, ground(luma(imaging.Rotate(pale, 7, color.White))), "the corner between two white sides is not seen")
	require.Nil(t, ground(luma(card)))
	require.Nil(t, ground(luma(imaging.PasteCenter(imaging.New(700, 500, color.White), card))))
	require.Nil(t, ground(dsp.NewPlane(300, 200)))
	covered := imaging.Rotate(card, 10, color.White)
	require.Nil(t, ground(luma(imaging.Paste(covered, card, image.Pt(covered.Rect.Max.X-60, 0)))), "one corner shows something else")
}

func luma(img *image.NRGBA) dsp.Plane { return dsp.LazyLuma(img).Make() }
