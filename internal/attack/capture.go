package attack

import (
	"image"
	"image/color"
	"math/rand/v2"

	"github.com/disintegration/imaging"
)

// Screenshot returns the step that shows the picture at a random place in a dark page of a reviewing tool. The picture
// is first resized to the given long side, in pixels. The page is larger by a random margin.
func Screenshot(side int) Step {
	return func(r *rand.Rand, p *image.NRGBA) *image.NRGBA {
		p = ToSide(side)(r, p)
		w, h := p.Rect.Dx(), p.Rect.Dy()
		page := imaging.New(w+80+r.IntN(320), h+120+r.IntN(240), Grey(32))
		Fill(page, image.Rect(0, 0, page.Rect.Dx(), 56), color.NRGBA{48, 52, 58, 255})
		for i := range 8 {
			Fill(page, image.Rect(10, 80+60*i, 61, 111+60*i), Grey(90))
		}
		Write(page, "Case review - document 3 of 7", 70, 36, 415, 18, 1, Grey(220))
		y, x := 60+r.IntN(page.Rect.Dy()-h-59), r.IntN(page.Rect.Dx()-w+1)
		Paste(page, p, x, y)
		return page
	}
}
