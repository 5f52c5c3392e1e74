// Package gif reads the first frame of a GIF.
package gif

import (
	"bytes"
	"errors"
	"image"
	"image/gif"

	"github.com/kycmark/kycmark/internal/picture/codec"
	"github.com/kycmark/kycmark/internal/picture/pixel"
)

// Header reads the size of the canvas and counts the frames.
func Header(data []byte) (codec.Header, error) {
	h, err := codec.Config(gif.DecodeConfig, data)
	h.Pages = frames(data)
	return h, err
}

// frames counts the image descriptors (GIF89a section 20) as far as the blocks can be followed.
// It decodes nothing, and counts a frame whose data is cut off. Frames that are stored as the one before
// do not count. Data too short for a header has 0.
func frames(data []byte) (n int) {
	var last []byte
	at := 13
	if len(data) < at {
		return 0
	}
	at += colorTable(data[10])
	start := at // of a frame, with its control
	for at < len(data) {
		switch data[at] {
		case 0x21: // extension: label, sub-blocks
			if start = at; at+1 < len(data) && data[at+1] != control {
				start = skipSubBlocks(data, at+2)
			}
			at = skipSubBlocks(data, at+2)
		case 0x2c: // image: descriptor, colour table, code size, sub-blocks
			if at+10 > len(data) {
				return n
			}
			at = skipSubBlocks(data, at+10+colorTable(data[at+9])+1)
			stored := data[min(start, len(data)):min(at, len(data))]
			if n == 0 || !bytes.Equal(stored, last) {
				n++
			}
			last, start = stored, at
		default:
			return n
		}
	}
	return n
}

// control is the label of the extension that says how the next frame is shown.
const control = 0xf9

// colorTable returns the bytes of the colour table that a byte of flags announces.
func colorTable(flags byte) int {
	if flags&0x80 == 0 {
		return 0
	}
	return 3 << (flags&7 + 1)
}

// skipSubBlocks returns the place behind the chain of sub-blocks that begins at at. If the chain is
// cut off, that is a place at or beyond the end of data.
func skipSubBlocks(data []byte, at int) int {
	for at < len(data) {
		n := int(data[at])
		at += 1 + n
		if n == 0 {
			break
		}
	}
	return at
}

// Pixels returns the first frame on a canvas of the size in h, transparent elsewhere, as
// browsers show it. Other frames are not decoded. A first frame without pixels is an error.
func Pixels(data []byte, h *codec.Header) (*image.NRGBA, error) {
	img, err := codec.Guard(gif.Decode, data)
	if err != nil {
		return nil, err
	}
	frame, ok := img.(*image.Paletted)
	if !ok || frame.Rect.Empty() {
		return nil, errors.New("first frame has no pixels")
	}
	canvas := image.NewNRGBA(image.Rect(0, 0, int(h.Width), int(h.Height)))
	pixel.CopyPaletted(canvas.SubImage(frame.Rect).(*image.NRGBA), frame)
	return canvas, nil
}
