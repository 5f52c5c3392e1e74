package verify

import (
	"bytes"
	"image"

	"github.com/disintegration/imaging"

	"github.com/kycmark/kycmark/internal/picture"
)

// mosaic returns a PNG of the picture with [mosaicSide] fields on the longer side, too coarse to
// recognise a person. It is nil if the picture cannot be encoded.
func mosaic(img *image.NRGBA) []byte { return thumbnail(img, mosaicSide, "png") }

// preview returns a JPEG of at most [previewSide] pixels on the longer side, in which persons can
// be recognised. It is nil if the picture cannot be encoded.
func preview(img *image.NRGBA) []byte { return thumbnail(img, previewSide, "jpeg") }

// thumbnail resizes a picture to at most side pixels on its longer side, and encodes it in format
// ("png" or "jpeg"). The result is nil if the picture is empty or cannot be encoded: a report then
// shows no picture.
func thumbnail(img *image.NRGBA, side int, format string) []byte {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	if w == 0 || h == 0 {
		return nil
	}
	if w >= h {
		h = max(1, h*side/w)
		w = min(w, side)
	} else {
		w = max(1, w*side/h)
		h = min(h, side)
	}
	var buf bytes.Buffer
	if err := picture.Encode(&buf, imaging.Resize(img, w, h, imaging.Box), format, 80); err != nil {
		return nil
	}
	return buf.Bytes()
}
