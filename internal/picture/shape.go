package picture

import (
	"image"

	"github.com/disintegration/imaging"

	"github.com/kycmark/kycmark/internal/picture/pixel"
)

// Upright returns img as it is to be seen, given its stored orientation, 1 to 8: EXIF 2.32 section 4.6.4, tag 274. It
// returns img itself for 1 and for every other number. 5 to 8 swap width and height.
func Upright(img *image.NRGBA, orientation int) *image.NRGBA {
	switch orientation {
	case 2:
		return imaging.FlipH(img)
	case 3:
		return imaging.Rotate180(img)
	case 4:
		return imaging.FlipV(img)
	case 5:
		return imaging.Transpose(img)
	case 6:
		return imaging.Rotate270(img) // counter-clockwise, as is Rotate90
	case 7:
		return imaging.Transverse(img)
	case 8:
		return imaging.Rotate90(img)
	}
	return img
}

// Flatten lays img over white. It returns an opaque img itself, otherwise a new picture.
func Flatten(img *image.NRGBA) *image.NRGBA {
	if img.Opaque() {
		return img
	}
	b := img.Rect
	dst := image.NewNRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	for y := range b.Dy() {
		from := img.Pix[y*img.Stride : y*img.Stride+4*b.Dx()]
		to := dst.Pix[y*dst.Stride:]
		for i := 0; i < len(from); i += 4 {
			a := uint32(from[i+3])
			for c := range 3 {
				to[i+c] = uint8((uint32(from[i+c])*a + 255*(255-a) + 127) / 255)
			}
			to[i+3] = 255
		}
	}
	return dst
}

// Fit shrinks img with a box filter so that its long side is at most maxSide pixels, and keeps its proportions. It
// returns img itself if that fits already, or if maxSide is below 1. The filter computes in floating point: the last
// bit may differ between processors, so hashes and marks must not depend on it.
func Fit(img *image.NRGBA, maxSide int) *image.NRGBA {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	long := max(w, h)
	if maxSide < 1 || long <= maxSide {
		return img
	}
	side := func(n int) int {
		return max(1, int((int64(n)*int64(maxSide)+int64(long)/2)/int64(long)))
	}
	return imaging.Resize(pixel.ToNRGBA(img), side(w), side(h), imaging.Box)
}

// Colourless returns a picture at the origin as a grey picture. It returns nil if a pixel has colour or is transparent.
func Colourless(pix *image.NRGBA) *image.Gray {
	gray := image.NewGray(pix.Rect)
	for i := range gray.Pix {
		p := pix.Pix[4*i : 4*i+4 : 4*i+4]
		if p[0] != p[1] || p[1] != p[2] || p[3] != 255 {
			return nil
		}
		gray.Pix[i] = p[0]
	}
	return gray
}
