package picture

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/disintegration/imaging"
	"golang.org/x/image/tiff"
)

// Encode writes img in one of the formats of [Writable], without metadata, as a file of no particular source. Quality,
// 1 to 100, counts for JPEG; 0 means DefaultQuality. WebP needs [EncodeLike], which is given an encoder. JPEG and BMP
// have no transparency: such pixels come to lie on white. A format that cannot be written and an empty picture give an
// error that wraps [ErrFormat]. Nothing is written to w unless the whole file was made.
func Encode(w io.Writer, img image.Image, format string, quality int) error {
	if quality == 0 {
		quality = DefaultQuality
	}
	file, err := encode(Source{}, ToNRGBA(img), nil, LikeOptions{Format: format, Quality: quality})
	if err != nil {
		return err
	}
	if _, err := w.Write(file); err != nil {
		return fmt.Errorf("write %s: %w", format, err)
	}
	return nil
}

// encode returns a file of the format and quality of o with the pixels, written as s says. It has
// no metadata, except that encodeWebP writes profile and EXIF. gray has the same pixels if they are
// to be stored without colours, else it is nil. An unknown format and empty pixels give a
// *FormatError; a quality outside of 1..100 an error of its own, in lossless formats also.
func encode(s Source, pix *image.NRGBA, gray *image.Gray, o LikeOptions) ([]byte, error) {
	f := formatNamed(o.Format)
	switch {
	case f == nil:
		return nil, &FormatError{Reason: fmt.Sprintf("cannot write the format %q: choose %s", o.Format, Choice(Writable()))}
	case o.Quality < 1 || o.Quality > 100:
		return nil, fmt.Errorf("quality %d: want 1 to 100", o.Quality)
	case pix.Rect.Empty():
		return nil, &FormatError{Format: f.name, Reason: "cannot write a picture without pixels"}
	}
	var b bytes.Buffer
	if err := f.encode(&b, pix, gray, s, o); err != nil {
		return nil, fmt.Errorf("write %s: %w", f.name, err)
	}
	return b.Bytes(), nil
}

// encodeJPEG writes a JPEG of o.Quality. It writes grey files (gray not nil) and baseline 4:2:0
// with the standard library. Progressive files, Huffman codes of their own and finer colour need
// jpegli. Transparent pixels come to lie on white.
func encodeJPEG(b *bytes.Buffer, pix *image.NRGBA, gray *image.Gray, s Source, o LikeOptions) error {
	s = within(s, pix.Rect)
	switch {
	case gray != nil:
		return jpeg.Encode(b, gray, &jpeg.Options{Quality: o.Quality})
	case s.Progressive || s.fitted || s.Subsampling == Sub444 || s.Subsampling == Sub422 || s.Subsampling == Sub440: // what image/jpeg cannot write
		return encodeJpegli(s, b, Flatten(pix), o.Quality)
	}
	return imaging.Encode(b, Flatten(pix), imaging.JPEG, imaging.JPEGQuality(o.Quality))
}

// encodePNG writes a PNG, grey if gray is not nil.
func encodePNG(b *bytes.Buffer, pix *image.NRGBA, gray *image.Gray, _ Source, _ LikeOptions) error {
	if gray != nil {
		return png.Encode(b, gray)
	}
	return imaging.Encode(b, pix, imaging.PNG)
}

// encodeTIFF writes a TIFF compressed by deflate, grey if gray is not nil.
func encodeTIFF(b *bytes.Buffer, pix *image.NRGBA, gray *image.Gray, _ Source, _ LikeOptions) error {
	if gray != nil {
		return tiff.Encode(b, gray, &tiff.Options{Compression: tiff.Deflate, Predictor: true})
	}
	return imaging.Encode(b, pix, imaging.TIFF)
}

// encodeBMP writes a BMP over white. The file is never grey.
func encodeBMP(b *bytes.Buffer, pix *image.NRGBA, _ *image.Gray, _ Source, _ LikeOptions) error {
	return imaging.Encode(b, Flatten(pix), imaging.BMP)
}

// encodeWebP writes a picture over white, with profile and EXIF, by the caller's encoder.
func encodeWebP(b *bytes.Buffer, pix *image.NRGBA, _ *image.Gray, s Source, o LikeOptions) error {
	if o.WebP == nil {
		return &FormatError{Reason: "there is no encoder for WebP"}
	}
	return o.WebP(b, Flatten(pix), webpQuality(o.Quality), s.ICC, exifBlock(s.exif, pix.Rect, 1))
}

// A WebPEncoder writes an opaque upright picture as lossy WebP, quality 0 to 100. Profile and
// EXIF block are written if they are not empty.
type WebPEncoder func(w io.Writer, img *image.NRGBA, quality int, icc, exif []byte) error

// webpQuality returns the quality of lossy WebP, 0 to 100, that leaves as much of a picture as a JPEG of the given
// quality, 1 to 100. By PSNR on shipped pictures and on photographs halved to remove the grid of their JPEG, 70 became
// 80 in the mean, 80 became 84, and 90 to 95 stayed. Smooth pictures needed up to 4 more, hence the 2.
func webpQuality(jpeg int) int {
	if jpeg >= 90 {
		return min(jpeg+2, 100)
	}
	return 47 + jpeg/2
}

// FormatOf returns the name of the format to write under a file's name, by its ending in either case. No ending, or the
// ending of a format that cannot be written, is a *FormatError that lists the endings to choose from.
func FormatOf(path string) (string, error) {
	ext := strings.ToLower(filepath.Ext(path))
	if ext == ".pdf" { // of a PDF
		return "pdf", nil
	}
	var usual []string
	for i := range formats {
		if slices.Contains(formats[i].endings, ext) {
			return formats[i].name, nil
		}
		usual = append(usual, formats[i].endings[:min(1, len(formats[i].endings))]...)
	}
	if ext == "" {
		return "", &FormatError{Reason: "cannot tell the format to write from a name without ending: use " + Choice(usual)}
	}
	return "", &FormatError{Reason: fmt.Sprintf("cannot write %s files: use %s", ext, Choice(usual))}
}

// Choice returns "a, b or c" for two words or more. It panics without words.
func Choice(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// Flatten lays img over white. It returns an opaque img itself, otherwise a new picture.
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

// Fit shrinks img with a box filter so that its long side is at most maxSide pixels, and keeps its proportions. It
// returns img itself if that fits already, or if maxSide is below 1. The filter computes in floating point: the last
// bit may differ between processors, so hashes and marks must not depend on it.
func Fit(img *image.NRGBA, maxSide int) *image.NRGBA {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	long := max(w, h)
	if maxSide < 1 || long <= maxSide {
		return img
	}
	side := func(n int) int {
		return max(1, int((int64(n)*int64(maxSide)+int64(long)/2)/int64(long)))
	}
	return imaging.Resize(ToNRGBA(img), side(w), side(h), imaging.Box)
}
