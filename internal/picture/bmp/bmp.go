// Package bmp reads and writes BMP.
package bmp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"

	"github.com/disintegration/imaging"
	"golang.org/x/image/bmp"

	"github.com/kycmark/kycmark/internal/picture/codec"
	"github.com/kycmark/kycmark/internal/picture/pixel"
)

// Is reports whether data begins like a BMP. It asks for more than the letters BM, with which
// texts begin also: the size of one of the information headers that exist.
func Is(data []byte) bool {
	if len(data) < 18 || string(data[:2]) != "BM" {
		return false
	}
	switch binary.LittleEndian.Uint32(data[14:]) {
	case 12, 16, 40, 52, 56, 64, 108, 124:
		return true
	}
	return false
}

// Header reads the size. It refuses headers and compressions that the decoder does not know, with an error that
// names the header, the bits a pixel and the compression. It does not compare the size with the limits.
func Header(data []byte) (codec.Header, error) {
	h, err := codec.Config(bmp.DecodeConfig, data)
	if !errors.Is(err, bmp.ErrUnsupported) {
		return h, err
	}
	if size := binary.LittleEndian.Uint32(data[14:]); size < 40 || len(data) < 34 {
		return h, fmt.Errorf("information header of %d bytes is not supported yet", size)
	}
	return h, fmt.Errorf("not supported yet: information header of %d bytes, %d bits a pixel, compression %d",
		binary.LittleEndian.Uint32(data[14:]), binary.LittleEndian.Uint16(data[28:]), binary.LittleEndian.Uint32(data[30:]))
}

// Pixels decodes a BMP of the size in h. It refuses data that is too short for the rows. A
// picture that is transparent all over is made opaque.
func Pixels(data []byte, h *codec.Header) (*image.NRGBA, error) {
	// Rows are not compressed, and padded to 32 bits.
	row := (h.Width*int64(binary.LittleEndian.Uint16(data[28:])) + 31) / 32 * 4
	if int64(binary.LittleEndian.Uint32(data[10:]))+row*h.Height > int64(len(data)) {
		return nil, codec.CannotHold(int64(len(data)), *h)
	}
	img, err := codec.Guard(bmp.Decode, data)
	if err != nil {
		return nil, err
	}
	out := pixel.ToNRGBA(img)
	showHidden(out)
	return out, nil
}

// showHidden makes a picture opaque that is transparent all over: many writers leave the fourth byte of their 32-bit
// pixels at zero, and viewers ignore it then.
func showHidden(img *image.NRGBA) {
	for i := 3; i < len(img.Pix); i += 4 {
		if img.Pix[i] != 0 {
			return
		}
	}
	for i := 3; i < len(img.Pix); i += 4 {
		img.Pix[i] = 255
	}
}

// Encode writes a BMP of an opaque picture. The file is never grey.
func Encode(b *bytes.Buffer, pix *image.NRGBA, _ *image.Gray, _ codec.Source, _ codec.LikeOptions) error {
	return imaging.Encode(b, pix, imaging.BMP)
}
