// Package pixel converts pixels, in integers, so that results are the same on every machine.
package pixel

import (
	"encoding/binary"
	"image"
	"image/color"
	"image/draw"

	"github.com/kycmark/kycmark/internal/dsp"
)

// ToNRGBA returns img, of any origin and type, with 8 bits a channel, not premultiplied, with
// origin (0,0). 16-bit samples are rounded to the nearest of the 256 levels, not cut off. An
// *image.NRGBA that has that form already is returned as it is, everything else copied.
//
// All arithmetic is on integers: the result is the same on every machine.
func ToNRGBA(img image.Image) *image.NRGBA {
	b := img.Bounds()
	if src, ok := img.(*image.NRGBA); ok && b.Min == (image.Point{}) && src.Stride == 4*b.Dx() {
		return src
	}
	dst := image.NewNRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	opaque := &image.RGBA{Pix: dst.Pix, Stride: dst.Stride, Rect: dst.Rect} // such pixels are the same premultiplied or not
	switch src := img.(type) {
	case *image.NRGBA, *image.RGBA, *image.NRGBA64, *image.RGBA64, *image.Gray16:
		eachRow(dst, img)
	case *image.YCbCr:
		dsp.FromYCbCr(opaque, src)
	case *image.Gray, *image.CMYK:
		draw.Draw(opaque, dst.Rect, img, b.Min, draw.Src)
	case *image.Paletted:
		CopyPaletted(dst, src)
	default:
		copyAny(dst, img)
	}
	return dst
}

// copyAny writes src to dst, which has its size, by pixels: for types that Encode may get and no decoder here returns.
func copyAny(dst *image.NRGBA, src image.Image) {
	b := src.Bounds()
	for y := range b.Dy() {
		for x := range b.Dx() {
			c := color.NRGBA64Model.Convert(src.At(b.Min.X+x, b.Min.Y+y)).(color.NRGBA64)
			dst.SetNRGBA(x, y, color.NRGBA{to8(c.R), to8(c.G), to8(c.B), to8(c.A)})
		}
	}
}

// CopyPaletted writes the colours of src to dst, which has its size and may be part of a larger
// picture. NRGBA colours are copied; others are converted to 8 bits, not premultiplied.
func CopyPaletted(dst *image.NRGBA, src *image.Paletted) {
	// Indexes beyond the palette have been refused before; here they would be transparent black.
	var table [256]color.NRGBA
	for i, c := range src.Palette {
		if i == len(table) {
			break
		}
		n := color.NRGBA64Model.Convert(c).(color.NRGBA64)
		table[i] = color.NRGBA{to8(n.R), to8(n.G), to8(n.B), to8(n.A)}
		if direct, ok := c.(color.NRGBA); ok {
			table[i] = direct
		}
	}
	b := src.Bounds()
	for y := range b.Dy() {
		from := src.Pix[src.PixOffset(b.Min.X, b.Min.Y+y):]
		to := dst.Pix[y*dst.Stride:]
		for x := range b.Dx() {
			c := table[from[x]]
			to[4*x], to[4*x+1], to[4*x+2], to[4*x+3] = c.R, c.G, c.B, c.A
		}
	}
}

// to8 rounds a 16-bit sample to the nearest 8-bit one: 65535 = 257 * 255, and a tie cannot happen since 257 is odd.
func to8(v uint16) uint8 { return uint8((uint32(v) + 128) / 257) }

// straight8 returns the 8-bit sample that premultiplication by a made v of, rounded. v and a are on the same scale, 8
// or 16 bits. An a of 0 gives 0. A v above a is not possible in a sound file and gives 255.
func straight8(v, a uint32) uint8 {
	if a == 0 {
		return 0
	}
	return uint8(min(255, (v*255+a/2)/a))
}

// eachRow writes img to dst as 8 bits a channel, not premultiplied. dst has the size of img and begins at (0,0). img is
// of one of five packed types, with pixels of 2, 4 or 8 bytes; for other types dst stays as it was.
func eachRow(dst *image.NRGBA, img image.Image) {
	w, h := dst.Rect.Dx(), dst.Rect.Dy()
	for y := range h {
		to := dst.Pix[y*dst.Stride : y*dst.Stride+4*w]
		switch src := img.(type) {
		case *image.NRGBA:
			copy(to, src.Pix[y*src.Stride:])
		case *image.RGBA:
			straightRow(to, src.Pix[y*src.Stride:])
		case *image.NRGBA64:
			from := src.Pix[y*src.Stride:]
			for i := range to {
				to[i] = to8(binary.BigEndian.Uint16(from[2*i:]))
			}
		case *image.RGBA64:
			straightRow16(to, src.Pix[y*src.Stride:])
		case *image.Gray16:
			from := src.Pix[y*src.Stride:]
			for x := range w {
				g := to8(binary.BigEndian.Uint16(from[2*x:]))
				to[4*x], to[4*x+1], to[4*x+2], to[4*x+3] = g, g, g, 255
			}
		}
	}
}

// straightRow writes to to a row of 8-bit RGBA that is premultiplied in from, without the
// premultiplication. Where alpha is 0, colours become 0.
func straightRow(to, from []byte) {
	for i := 0; i < len(to); i += 4 {
		a := uint32(from[i+3])
		if a == 255 {
			copy(to[i:i+4], from[i:i+4])
			continue
		}
		for c := range 3 {
			to[i+c] = straight8(uint32(from[i+c]), a)
		}
		to[i+3] = uint8(a)
	}
}

// straightRow16 writes to to, in 8 bits, a row of 16-bit RGBA that is premultiplied in from,
// without the premultiplication and rounded.
func straightRow16(to, from []byte) {
	for i := 0; i < len(to); i += 4 {
		a := binary.BigEndian.Uint16(from[2*i+6:])
		for c := range 3 {
			to[i+c] = straight8(uint32(binary.BigEndian.Uint16(from[2*(i+c):])), uint32(a))
		}
		to[i+3] = to8(a)
	}
}

func Clamp8(v int32) uint8 { return uint8(max(0, min(v, 255))) }

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

// weights returns what red and blue weigh in luma, in 1/10000 (H.273 table 4). Unknown matrices count as BT.601.
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

// RGB converts what a video codec stored to an opaque picture with the same origin, (0,0). If fewer colours than pixels
// are stored, pixels share them, as in image/jpeg and libheif. All arithmetic is on integers, in units of 2^-16.
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
