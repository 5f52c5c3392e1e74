package attack

import (
	"image"
	"math"
	"math/rand/v2"

	"github.com/disintegration/imaging"
)

// CropTo returns the step that keeps a rectangle of the given share of the area, 0 to 1, at a
// random place. The ratio of its sides is 0.64 to 1.56 times the picture's own, at random. A side
// that would exceed the picture's is cut, which loses area.
func CropTo(area float64) Step {
	return func(r *rand.Rand, p *image.NRGBA) *image.NRGBA {
		w, h := p.Rect.Dx(), p.Rect.Dy()
		ratio := Uniform(r, .8, 1.25)
		cw := min(w, max(1, int(float64(w)*math.Sqrt(area)/ratio)))
		ch := min(h, max(1, int(float64(h)*math.Sqrt(area)*ratio)))
		y, x := r.IntN(h-ch+1), r.IntN(w-cw+1)
		return imaging.Crop(p, image.Rect(x, y, x+cw, y+ch))
	}
}
