package pixel

import (
	"image"
)

// A Coding says how colours are coded, in the numbers of ITU-T H.273.
type Coding struct {
	Primaries, Transfer, Matrix int
	Full                        bool // luma from 0 to 255, not from 16 to 235
}

// Matrices of H.273 table 4 that are not of the common form.
const (
	matrixRGB   = 0
	Unspecified = 2
	matrixYCgCo = 8
)

// weights returns what red and blue weigh in luma, in 1/10000 (H.273 table 4). A matrix that is not
// known counts as BT.601.
func (c Coding) weights() (red, blue int64) {
	switch c.Matrix {
	case 1:
		return 2126, 722
	case 4:
		return 3000, 1100
	case 7:
		return 2120, 870
	case 9, 10:
		return 2627, 593
	}
	return 2990, 1140
}

// RGB converts what a video codec stored to an opaque picture with the same origin, (0,0). If fewer colours than pixels are
// stored, pixels share them, as in package image/jpeg and libheif. All arithmetic is on integers, in
// units of 2^-16.
func (c Coding) RGB(src *image.YCbCr) *image.NRGBA {
	const one, base = 1 << 16, 10_000
	red, blue := c.weights()
	lumaMul, chromaMul, black := int64(one), int64(one), int64(0)
	if !c.Full {
		lumaMul, chromaMul, black = one*255/219, one*255/224, 16
	}
	scaled := func(over, under int64) int32 { return int32((over*chromaMul + under/2) / under) }
	green := base - red - blue
	crR, cbB := scaled(2*(base-red), base), scaled(2*(base-blue), base)
	cbG, crG := scaled(2*blue*(base-blue), base*green), scaled(2*red*(base-red), base*green)
	w, h := src.Rect.Dx(), src.Rect.Dy()
	half := 0 // Coding are half as many across
	if src.SubsampleRatio == image.YCbCrSubsampleRatio420 || src.SubsampleRatio == image.YCbCrSubsampleRatio422 {
		half = 1
	}
	dst := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		first := src.COffset(0, y)
		row, luma := dst.Pix[y*dst.Stride:y*dst.Stride+4*w], src.Y[y*src.YStride:y*src.YStride+w]
		for x := range w {
			l := int32(lumaMul)*(int32(luma[x])-int32(black)) + one/2
			at := first + x>>half
			b, r := int32(src.Cb[at])-128, int32(src.Cr[at])-128
			pix := row[4*x : 4*x+4 : 4*x+4]
			pix[3] = 255
			switch c.Matrix {
			case matrixRGB:
				b, r = int32(lumaMul)*(b+128-int32(black)), int32(lumaMul)*(r+128-int32(black))
				pix[0], pix[1], pix[2] = Clamp8((r+one/2)>>16), Clamp8(l>>16), Clamp8((b+one/2)>>16)
			case matrixYCgCo:
				g, o := b*int32(chromaMul), r*int32(chromaMul)
				pix[0], pix[1], pix[2] = Clamp8((l-g+o)>>16), Clamp8((l+g)>>16), Clamp8((l-g-o)>>16)
			default:
				pix[0], pix[1], pix[2] = Clamp8((l+crR*r)>>16), Clamp8((l-cbG*b-crG*r)>>16), Clamp8((l+cbB*b)>>16)
			}
		}
	}
	return dst
}

// FullGray returns what a video codec stored without colours, with luma from 0 to 255.
func (c Coding) FullGray(src *image.Gray) *image.Gray {
	if c.Full {
		return src
	}
	w, h := src.Rect.Dx(), src.Rect.Dy()
	dst := image.NewGray(image.Rect(0, 0, w, h))
	for y := range h {
		for x, v := range src.Pix[y*src.Stride : y*src.Stride+w] {
			dst.Pix[y*dst.Stride+x] = Clamp8(((int32(v)-16)*(1<<16*255/219) + 1<<15) >> 16)
		}
	}
	return dst
}
