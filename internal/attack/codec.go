package attack

import (
	"bytes"
	"image"
	"image/draw"
	"image/jpeg"
	"math/rand/v2"
)

// jpegSide is the longest side that JPEG can hold (ITU-T T.81, table B.2).
const jpegSide = 65535

// saveJPEG saves the picture as baseline JPEG 4:2:0 and opens it again. A
// picture longer than JPEG can hold is shrunk first, as messengers do.
func saveJPEG(quality int) step {
	return func(r *rand.Rand, p *image.NRGBA) *image.NRGBA {
		return recode(fit(p, jpegSide), quality)
	}
}

func recode(p *image.NRGBA, quality int) *image.NRGBA {
	// For an opaque picture NRGBA and RGBA have the same bytes, and the encoder is faster for RGBA.
	alias := &image.RGBA{Pix: p.Pix, Stride: p.Stride, Rect: p.Rect}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, alias, &jpeg.Options{Quality: quality}); err != nil {
		return p // only for sides above jpegSide
	}
	img, err := jpeg.Decode(&b)
	if err != nil {
		return p // the encoder's own output always decodes
	}
	c, ok := img.(*image.YCbCr)
	if !ok {
		return p // three channels always decode to YCbCr
	}
	return fromYCbCr(c)
}

// fromYCbCr converts to RGB and repeats each chroma sample over its 2 x 2 pixels, as kycmark's
// own decoder does. libjpeg would smooth the chroma.
func fromYCbCr(c *image.YCbCr) *image.NRGBA {
	out := image.NewNRGBA(image.Rect(0, 0, c.Rect.Dx(), c.Rect.Dy()))
	draw.Draw(&image.RGBA{Pix: out.Pix, Stride: out.Stride, Rect: out.Rect}, out.Rect, c, c.Rect.Min, draw.Src)
	return out
}
