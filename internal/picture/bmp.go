package picture

import (
	"encoding/binary"
	"errors"
	"fmt"
	"image"

	"golang.org/x/image/bmp"
)

// isBMP reports whether data begins like a BMP. It asks for more than the letters BM, with which
// texts begin also: the size of one of the information headers that exist.
func isBMP(data []byte) bool {
	if len(data) < 18 || string(data[:2]) != "BM" {
		return false
	}
	switch binary.LittleEndian.Uint32(data[14:]) {
	case 12, 16, 40, 52, 56, 64, 108, 124:
		return true
	}
	return false
}

// bmpHeader reads the size. It refuses headers and compressions that the decoder does not know, with an error that
// names the header, the bits a pixel and the compression. It does not compare the size with the limits.
func bmpHeader(data []byte) (header, error) {
	h, err := config(bmp.DecodeConfig, data)
	if !errors.Is(err, bmp.ErrUnsupported) {
		return h, err
	}
	if size := binary.LittleEndian.Uint32(data[14:]); size < 40 || len(data) < 34 {
		return h, fmt.Errorf("information header of %d bytes is not supported yet", size)
	}
	return h, fmt.Errorf("not supported yet: information header of %d bytes, %d bits a pixel, compression %d",
		binary.LittleEndian.Uint32(data[14:]), binary.LittleEndian.Uint16(data[28:]), binary.LittleEndian.Uint32(data[30:]))
}

// bmpPixels decodes a BMP of the size in h. It refuses data that is too short for the rows. A
// picture that is transparent all over is made opaque.
func bmpPixels(data []byte, h *header) (*image.NRGBA, error) {
	// Rows are not compressed, and padded to 32 bits.
	row := (h.width*int64(binary.LittleEndian.Uint16(data[28:])) + 31) / 32 * 4
	if int64(binary.LittleEndian.Uint32(data[10:]))+row*h.height > int64(len(data)) {
		return nil, cannotHold(int64(len(data)), *h)
	}
	img, err := pixels(bmp.Decode, data)
	if err != nil {
		return nil, err
	}
	out := ToNRGBA(img)
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
