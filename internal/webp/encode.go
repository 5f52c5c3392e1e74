//go:build amd64 || arm64 || loong64 || mips64 || mips64le || ppc64 || ppc64le || riscv64 || s390x

package webp

import (
	"bytes"
	"fmt"
	"image"
	"io"

	"github.com/deepteams/webp"
)

// Encode writes lossy WebP of a quality of 0 to 100 with deepteams/webp, a port of libwebp to Go.
// Profile and EXIF are written if they are not empty. VP8 halves colour in both directions. The
// picture must be opaque: the encoder's transparent files are refused by golang.org/x/image.
func Encode(w io.Writer, img *image.NRGBA, quality int, icc, exif []byte) (err error) {
	if side := max(img.Rect.Dx(), img.Rect.Dy()); side > webp.MaxDimension {
		return fmt.Errorf("%w: a side of %d pixels, %d at most", ErrSide, side, webp.MaxDimension)
	}
	o := webp.DefaultOptions()
	o.Quality, o.ICC, o.EXIF = float32(quality), icc, exif
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("webp encoder failed: %v", r)
		}
	}()
	var b bytes.Buffer
	if err := webp.Encode(&b, img, o); err != nil {
		return err
	}
	_, err = b.WriteTo(w)
	return err
}
