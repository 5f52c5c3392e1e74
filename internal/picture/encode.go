package picture

import (
	"bytes"
	"cmp"
	"fmt"
	"image"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/disintegration/imaging"
	"github.com/kycmark/kycmark/internal/picture/codec"
	"github.com/kycmark/kycmark/internal/picture/icc"
	"github.com/kycmark/kycmark/internal/picture/ifd"
	"github.com/kycmark/kycmark/internal/picture/jpeg"
	"github.com/kycmark/kycmark/internal/picture/pixel"
	"github.com/kycmark/kycmark/internal/picture/png"
)

// Encode writes img in one of the formats of [Writable], without metadata, as a file of no particular source. Quality,
// 1 to 100, counts for JPEG; 0 means codec.DefaultQuality. WebP needs [EncodeLike], which is given an encoder. JPEG and BMP
// have no transparency: such pixels come to lie on white. A format that cannot be written and an empty picture give an
// error that wraps [ErrFormat]. Nothing is written to w unless the whole file was made.
func Encode(w io.Writer, img image.Image, format string, quality int) error {
	return EncodeLike(w, img, Source{}, LikeOptions{Format: format, Quality: quality})
}

// encode returns a file of the format and quality of o with the pixels, written as s says. It has
// no metadata, except that webp.Encode writes profile and EXIF. gray has the same pixels if they are
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
	if f.opaque {
		pix = Flatten(pix)
	}
	var b bytes.Buffer
	if err := f.encode(&b, pix, gray, s, o); err != nil {
		return nil, fmt.Errorf("write %s: %w", f.name, err)
	}
	return b.Bytes(), nil
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

// CopyFormat returns the format of a picture's copies unless another is asked for: its own if copies may
// have it, else "jpeg", or "png" for pictures that are not opaque.
func (p *Picture) CopyFormat() string {
	switch f := formatNamed(p.Format); {
	case f != nil && f.kept:
		return p.Format
	case p.Image.Opaque():
		return "jpeg"
	}
	return "png"
}

// EncodeLike writes img to w so that it looks like a file of the program that wrote src. The format is o.Format, or the
// source's if that is empty. A JPEG of a JPEG keeps its quality and subsampling, stays progressive, and stays grey if
// the pixels are grey. The colour profile stays. Other metadata is left out, except the EXIF of o.KeepEXIF.
//
// image/jpeg writes grey files and baseline 4:2:0 with the standard's Huffman codes, as most cameras do, because it
// needs no memory and no time to start. jpegli writes everything else. Both use the quantisation tables of the
// Independent JPEG Group. Grey files, and files of more than 5 megapixels, do not stay progressive: jpegli cannot write
// the first, and the second need too much memory.
//
// A mark adds detail, which takes up to a quarter more bytes in smooth pictures of high quality. So EncodeLike lowers a
// JPEG's quality by 1 to 3 of 100 if the coded pixels take an eighth more bytes than the source's. It does so only for
// a JPEG source with as many pixels, never below the min quality of LikeQuality, and not if o.Quality is set.
//
// The error wraps [ErrFormat] for a format that cannot be written or an empty picture. It is
// otherwise of the encoder or of w. Nothing is written to w unless the whole file was made.
func EncodeLike(w io.Writer, img image.Image, src Source, o LikeOptions) error {
	o.Format = cmp.Or(o.Format, src.Format)
	pix, asked := pixel.ToNRGBA(img), o.Quality != 0
	if !asked {
		o.Quality = src.LikeQuality(pix.Rect)
	}
	if src.ICC == nil && o.Format != "png" {
		src.ICC = png.Named(&src)
	}
	var gray *image.Gray
	if src.Gray && !pix.Rect.Empty() {
		gray = Colourless(pix)
	}
	if (gray == nil || o.Format == "webp") && icc.Model(src.ICC) == icc.Gray {
		src.ICC = nil
	}
	if !o.KeepEXIF {
		src.EXIF = nil
	}
	write := encodeLight
	if asked {
		write = encode
	}
	encoded, err := write(src, pix, gray, o)
	if err != nil {
		return err
	}
	file := encoded
	if insert := formatNamed(o.Format).insert; insert != nil {
		if file, err = insert(src, encoded, ifd.Block(src.EXIF, pix.Rect, 1), pix.Rect); err != nil {
			return fmt.Errorf("write %s: %w", o.Format, err)
		}
	}
	if _, err := w.Write(file); err != nil {
		return fmt.Errorf("write %s: %w", o.Format, err)
	}
	return nil
}

// encodeLight returns the file of encode with the quality of o. If the file's coded pixels weigh more than overweight
// times the source's, it tries up to giveWay lower qualities. It stops at codec.MinQuality, and before a quality whose file
// is lighter than the source by more than this one is heavier.
func encodeLight(s Source, pix *image.NRGBA, gray *image.Gray, o LikeOptions) ([]byte, error) {
	file, err := encode(s, pix, gray, o)
	weight := weigh(&s, file, o.Format, pix.Rect)
	for range giveWay {
		if o.Quality--; err != nil || weight <= overweight || o.Quality < codec.MinQuality(pix.Rect) {
			break
		}
		var lighter []byte
		if lighter, err = encode(s, pix, gray, o); err != nil {
			break
		}
		less := weigh(&s, lighter, o.Format, pix.Rect)
		if less*weight < 1 { // it lacks more than the other is over, as from 100 to 98
			break
		}
		file, weight = lighter, less
	}
	return file, err
}

// weigh returns the bytes of the coded pixels of file, a JPEG, as a multiple of its source's. It returns 1 if there is
// nothing to compare: another format, another number of pixels, or an unknown source.
func weigh(s *Source, file []byte, format string, size image.Rectangle) float64 {
	if format != "jpeg" || s.Coded == 0 || s.Pixels != size.Dx()*size.Dy() || len(file) == 0 {
		return 1
	}
	o := jpeg.Read(file)
	return float64(o.Coded) / float64(s.Coded)
}

// Upright returns img as it is to be seen, given its stored orientation, 1 to 8: EXIF 2.32 section 4.6.4, tag 274. It
// returns img itself for 1 and for every other number. 5 to 8 swap width and height.
func Upright(img *image.NRGBA, orientation int) *image.NRGBA {
	switch orientation {
	case 2:
		return imaging.FlipH(img)
	case 3:
		return imaging.Rotate180(img)
	case 4:
		return imaging.FlipV(img)
	case 5:
		return imaging.Transpose(img)
	case 6:
		return imaging.Rotate270(img) // counter-clockwise, as is Rotate90
	case 7:
		return imaging.Transverse(img)
	case 8:
		return imaging.Rotate90(img)
	}
	return img
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
	return imaging.Resize(pixel.ToNRGBA(img), side(w), side(h), imaging.Box)
}

// Colourless returns a picture at the origin as a grey picture. It returns nil if a pixel has colour or is transparent.
func Colourless(pix *image.NRGBA) *image.Gray {
	gray := image.NewGray(pix.Rect)
	for i := range gray.Pix {
		p := pix.Pix[4*i : 4*i+4 : 4*i+4]
		if p[0] != p[1] || p[1] != p[2] || p[3] != 255 {
			return nil
		}
		gray.Pix[i] = p[0]
	}
	return gray
}
