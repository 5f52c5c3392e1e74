package attack

import (
	"bytes"
	"image"
	"image/draw"
	"image/jpeg"
	"math/rand/v2"
)

// jpegSide is the longest side that JPEG can hold, in pixels (ITU-T T.81, table B.2).
const jpegSide = 65535

// JPEG returns the step that saves a picture as baseline JPEG 4:2:0 of a quality of 1 to 100 and opens it again. A
// picture longer than JPEG can hold is shrunk first, as messengers do. Each chroma sample is repeated over its 2 x 2
// pixels, as kycmark's own decoder does; libjpeg would smooth the chroma.
func JPEG(quality int) Step {
	return func(r *rand.Rand, p *image.NRGBA) *image.NRGBA {
		p = FitTo(jpegSide)(r, p)
		var b bytes.Buffer
		if err := jpeg.Encode(&b, asRGBA(p), &jpeg.Options{Quality: quality}); err != nil {
			return p // only for sides above jpegSide
		}
		img, err := jpeg.Decode(&b)
		if err != nil {
			return p // the encoder's own output always decodes
		}
		out := image.NewNRGBA(p.Rect)
		draw.Draw(asRGBA(out), out.Rect, img, image.Point{}, draw.Src)
		return out
	}
}
