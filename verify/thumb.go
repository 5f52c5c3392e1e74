package verify

import (
	"bytes"
	"image"

	"github.com/disintegration/imaging"

	"github.com/kycmark/kycmark/internal/picture"
)

// mosaic is a PNG of a few fields of colour.
func mosaic(img *image.NRGBA) []byte { return thumbnail(img, mosaicSide, "png") }

// preview is a JPEG in which persons can be recognised.
func preview(img *image.NRGBA) []byte { return thumbnail(img, previewSide, "jpeg") }

// thumbnail shrinks a picture to a longer side of at most side pixels and encodes it in format.
// The result is nil for a picture that cannot be encoded: a report does without.
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
