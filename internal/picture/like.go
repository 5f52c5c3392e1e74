package picture

import (
	"fmt"
	"image"
	"io"
)

// LikeOptions change what EncodeLike takes over. The zero value changes nothing.
type LikeOptions struct {
	Format   string // "jpeg", "png", "webp", "tiff" or "bmp"; "" is the source's, if it is one of these
	Quality  int    // of JPEG, 1 to 100, or of WebP of like quality; 0 is LikeQuality
	KeepEXIF bool   // in all but BMP: the fields that exifRules list

	WebP WebPEncoder // nil: there is no WebP
}

// LikeQuality returns the JPEG quality, 1 to 100, of a copy of the given size: that of its source,
// raised to MinQualityLike, or to MinQualityLarge for a large copy. It is DefaultQuality if the
// source is no JPEG or has an unknown quality.
func (s Source) LikeQuality(size image.Rectangle) int {
	if s.Quality == 0 {
		return DefaultQuality
	}
	return max(s.Quality, minQuality(size))
}

// minQuality returns the lowest JPEG quality for a copy of the given size.
func minQuality(size image.Rectangle) int {
	if max(size.Dx(), size.Dy()) >= Large {
		return MinQualityLarge
	}
	return MinQualityLike
}

// CopyFormat returns the format of a picture's copies unless another is asked for: its own if copies may
// have it, else "jpeg", or "png" for pictures that are not opaque.
func (p *Picture) CopyFormat() string {
	switch {
	case kept(p.Format):
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
	if o.Format == "" {
		o.Format = src.Format
	}
	pix, asked := ToNRGBA(img), o.Quality != 0
	if !asked {
		o.Quality = src.LikeQuality(pix.Rect)
	}
	if src.ICC == nil && o.Format != "png" {
		src.ICC = namedColours(&src)
	}
	var gray *image.Gray
	if src.Gray && !pix.Rect.Empty() {
		gray = Colourless(pix)
	}
	if (gray == nil || o.Format == "webp") && profileModel(src.ICC) == modelGray {
		src.ICC = nil
	}
	if !o.KeepEXIF {
		src.exif = nil
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
		if file, err = insert(src, encoded, exifBlock(src.exif, pix.Rect, 1), pix.Rect); err != nil {
			return fmt.Errorf("write %s: %w", o.Format, err)
		}
	}
	if _, err := w.Write(file); err != nil {
		return fmt.Errorf("write %s: %w", o.Format, err)
	}
	return nil
}

// encodeLight returns the file of encode with the quality of o. If the file's coded pixels weigh more than overweight
// times the source's, it tries up to giveWay lower qualities. It stops at minQuality, and before a quality whose file
// is lighter than the source by more than this one is heavier.
func encodeLight(s Source, pix *image.NRGBA, gray *image.Gray, o LikeOptions) ([]byte, error) {
	file, err := encode(s, pix, gray, o)
	weight := weigh(&s, file, o.Format, pix.Rect)
	for range giveWay {
		if o.Quality--; err != nil || weight <= overweight || o.Quality < minQuality(pix.Rect) {
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
	if format != "jpeg" || s.coded == 0 || s.pixels != size.Dx()*size.Dy() || len(file) == 0 {
		return 1
	}
	o := outlineJPEG(file)
	return float64(o.coded) / float64(s.coded)
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
