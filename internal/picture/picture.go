package picture

import (
	"cmp"
	"context"
	"crypto/sha256"
	"image"

	"github.com/kycmark/kycmark/internal/picture/codec"
	"github.com/kycmark/kycmark/internal/picture/pdf"
)

// Limits bound what one file may cost. They are checked against the headers,
// before anything is allocated for pixels. The zero value means the defaults.
type Limits struct {
	MaxBytes  int64 // of the file; 0 means 64 MiB
	MaxPixels int64 // width times height; 0 means 200 000 000, as phones make

	// Admit, if it is not nil, is called before memory is taken for the pixels of a picture. decoding is how many
	// bytes decoding takes at most, with its result. The error ends decoding.
	Admit func(decoding, pixels int64) error

	// Decode decodes "heic" and "avif", whose size is checked before. If it is nil, these formats are not supported.
	Decode PixelDecoder

	// PDF reads PDFs. If it is nil, they are not supported.
	PDF PDFReader
	// Page, if not 0, is the only page of a PDF that OpenDocument reads.
	Page int
}

// A PixelDecoder decodes the first picture of a file. pixels is the number of its pixels. If pixels is 0, only
// the bounds of the result count. Else the result is an *image.YCbCr, *image.Gray, or one of 8 or 16 bits a channel, with origin (0,0).
type PixelDecoder func(format string, file []byte, pixels int64) (image.Image, error)

// Decoding returns f under a context; nil for nil.
func Decoding(ctx context.Context, f func(context.Context, string, []byte, int64) (image.Image, error)) PixelDecoder {
	if f == nil {
		return nil
	}
	return func(format string, file []byte, pixels int64) (image.Image, error) {
		return f(ctx, format, file, pixels)
	}
}

// DefaultMaxBytes is what MaxBytes of 0 means.
const DefaultMaxBytes = 64 << 20

// defaultMaxPixels is what MaxPixels of 0 means: phones make pictures of this size.
const defaultMaxPixels = 200_000_000

// orDefault returns l with the defaults in place of limits of 0 and less.
func (l Limits) orDefault() Limits {
	l.MaxBytes, l.MaxPixels = cmp.Or(max(l.MaxBytes, 0), DefaultMaxBytes), cmp.Or(max(l.MaxPixels, 0), defaultMaxPixels)
	return l
}

// What the formats share is declared in package codec, and pages in package pdf.
type (
	Source      = codec.Source
	LikeOptions = codec.LikeOptions
	FormatError = codec.FormatError
	LimitError  = codec.LimitError
	PDFPage     = pdf.Page
)

// Sentinels for errors.Is; errors.As gives a *FormatError or a *LimitError.
var (
	ErrFormat = codec.ErrFormat
	ErrLimit  = codec.ErrLimit
)

// A Picture is a decoded file with what evidence needs to know of its making.
type Picture struct {
	Image       *image.NRGBA // origin (0,0), upright, alpha kept and not premultiplied
	Nearest     *image.NRGBA // nil, unless Document.Reduced made Image smaller: pixels of all of it, equally spaced
	Whole       image.Point  // zero, or the size of the picture that was made smaller, pixels
	Format      string       // "jpeg", "png", "webp", "tiff", "bmp", "gif", "heic" or "avif", by content
	Orientation int          // found in the file's EXIF, TIFF or boxes, 1 to 8 as in EXIF; already applied
	Pages       int          // pictures in the file (GIF, TIFF, APNG, HEIC, AVIF); only the first is decoded
	Incomplete  string       // what a damaged JPEG or WebP lacks, such as "the last 24 of 480 rows are missing", whose rows Image lacks; or ""
	Decoder     string       // package and version, such as "image/jpeg go1.26.8"
	SHA256      [32]byte     // of the file's bytes
	Size        int64        // of the file, bytes
	Source      Source       // how it was written, for EncodeLike
}

// Decode decodes one file's bytes. Their content decides the format. It does not keep data. Limits
// of 0 are the defaults. The error is a *FormatError, a *LimitError, or of the context that ended
// lim.Decode. Of files that are cut off only JPEGs are decoded in part: see Incomplete.
func Decode(data []byte, lim Limits) (*Picture, error) {
	lim = lim.orDefault()
	if n := int64(len(data)); n > lim.MaxBytes {
		return nil, &LimitError{What: "bytes", Got: n, Max: lim.MaxBytes}
	}
	if lim.PDF != nil && IsPDF(data) {
		d, err := openPDF(data, 1, lim)
		if err != nil {
			return nil, err
		}
		pic, err := d.Picture(1, lim)
		if err != nil {
			return nil, err
		}
		pic.SHA256, pic.Size, pic.Pages = sha256.Sum256(data), int64(len(data)), d.pdf[0].Of
		return pic, nil
	}
	f, err := sniff(data)
	if err != nil {
		return nil, err
	}
	img, h, err := f.decode(data, lim)
	if err != nil {
		return nil, err
	}
	return &Picture{
		Image:       img,
		Format:      f.name,
		Orientation: h.Orientation,
		Pages:       h.Pages,
		Incomplete:  h.Incomplete,
		Decoder:     DecoderVersion(cmp.Or(h.Decoder, f.decoder)),
		SHA256:      sha256.Sum256(data),
		Size:        int64(len(data)),
		Source:      f.readSource(data),
	}, nil
}
