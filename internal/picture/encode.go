package picture

import (
	"fmt"
	"image"
	"io"
	"path/filepath"
	"strings"

	"github.com/disintegration/imaging"
)

// DefaultQuality is the JPEG quality that Encode uses for 0.
const DefaultQuality = 92

// Encode writes img as "jpeg", "png", "tiff" or "bmp". Quality, 1 to 100, is
// for JPEG alone; 0 means DefaultQuality. JPEG has no alpha, and of BMP's most
// readers know nothing: there, what is transparent comes to lie on white. No
// metadata is written: the pixels are upright already, and what a file said of
// its owner does not travel on.
func Encode(w io.Writer, img image.Image, format string, quality int) error {
	if quality == 0 {
		quality = DefaultQuality
	}
	if quality < 1 || quality > 100 {
		return fmt.Errorf("picture: JPEG quality %d, want 1 to 100", quality)
	}
	pix := toNRGBA(img)
	if pix.Rect.Empty() {
		return &FormatError{format, "cannot write a picture without pixels"}
	}
	var kind imaging.Format
	switch format {
	case "jpeg":
		kind, pix = imaging.JPEG, Flatten(pix)
	case "png":
		kind = imaging.PNG
	case "tiff":
		kind = imaging.TIFF
	case "bmp":
		kind, pix = imaging.BMP, Flatten(pix)
	default:
		return &FormatError{Reason: fmt.Sprintf("cannot write the format %q: choose jpeg, png, tiff or bmp", format)}
	}
	if err := imaging.Encode(w, pix, kind, imaging.JPEGQuality(quality)); err != nil {
		return fmt.Errorf("write %s: %w", format, err)
	}
	return nil
}

// FormatOf says which format to write under a file's name, by its ending.
// WebP takes EncodeLike with an encoder.
// For reading the content alone decides.
func FormatOf(path string) (string, error) {
	ext := strings.ToLower(filepath.Ext(path))
	switch ext {
	case ".jpg", ".jpeg", ".jpe", ".jfif":
		return "jpeg", nil
	case ".png":
		return "png", nil
	case ".webp":
		return "webp", nil
	case ".tif", ".tiff":
		return "tiff", nil
	case ".bmp":
		return "bmp", nil
	case "":
		return "", &FormatError{Reason: "cannot tell the format to write from a name without ending: use .jpg, .png, .webp, .tiff or .bmp"}
	}
	return "", &FormatError{Reason: fmt.Sprintf("cannot write %s files: use .jpg, .png, .webp, .tiff or .bmp", ext)}
}

// Flatten lays img over white. An opaque picture is returned as it is, else
// img is left alone and a copy returned.
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

// Fit shrinks img so that its long side is at most maxSide pixels, averaging
// the pixels that fall together (box filter), and returns it as it is when it
// fits already. The filter computes in floating point: the last bit may
// differ between CPUs, so hashes and marks must not depend on it.
func Fit(img *image.NRGBA, maxSide int) *image.NRGBA {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	long := max(w, h)
	if maxSide < 1 || long <= maxSide {
		return img
	}
	side := func(n int) int {
		return max(1, int((int64(n)*int64(maxSide)+int64(long)/2)/int64(long)))
	}
	return imaging.Resize(toNRGBA(img), side(w), side(h), imaging.Box)
}
