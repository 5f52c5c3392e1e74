package picture

import (
	"bytes"
	"image"
	"io"
)

// A WebPEncoder writes an opaque upright picture as lossy WebP of a quality of 0 to 100,
// with the colour profile and the EXIF block where they are not empty.
type WebPEncoder func(w io.Writer, img *image.NRGBA, quality int, icc, exif []byte) error

// webpQuality is the quality of lossy WebP that leaves as much of a picture as a
// JPEG of the quality given. By PSNR, on shipped pictures and photographs halved so
// that no JPEG's grid was left in them, 70 became 80 in the mean, 80 became 84, and
// 90 to 95 stayed; smooth ones needed up to 4 more, hence 2.
func webpQuality(jpeg int) int {
	if jpeg >= 90 {
		return min(jpeg+2, 100)
	}
	return 47 + jpeg/2
}

// encodeWebP writes a picture, over white, with what is taken over from its source.
func (s Source) encodeWebP(b *bytes.Buffer, pix *image.NRGBA, o LikeOptions) error {
	if o.WebP == nil {
		return &FormatError{Reason: "there is no encoder for WebP"}
	}
	if pix.Rect.Empty() {
		return &FormatError{"webp", "cannot write a picture without pixels"}
	}
	var exif []byte
	if len(s.exif) > 0 {
		exif = exifBlock(s.exif, pix.Rect.Dx(), pix.Rect.Dy())
	}
	return o.WebP(b, Flatten(pix), webpQuality(o.Quality), s.ICC, exif)
}
