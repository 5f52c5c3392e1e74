// Package markfile marks and reads files of pictures without a registry, bytes in and bytes out, as the
// command does: "kycmark mark" writes the same bytes.
//
// A copy is like its source: format, quality, chroma subsampling, colour profile, orientation. Package
// watermark marks pixels alone.
package markfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"io"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/watermark"
)

// ErrWeak is wrapped if the mark of a copy would not be read back.
var ErrWeak = errors.New("the mark would not be read back")

// Options say how a file is read and written. The zero value is what the command does by default.
type Options struct {
	Submission watermark.Submission // of the upload; zero: [watermark.SubmissionOf] its SHA-256

	// Format of the copy: "jpeg", "png", "webp", "tiff" or "bmp". "" keeps the upload's format if
	// copies may have it, else "jpeg", or "png" for pictures that are not opaque.
	Format  string
	Quality int  // 1 to 100; 0: that of the upload, at least 70, or 50 from 2,560 pixels on
	EXIF    bool // keep EXIF that says nothing of places and persons

	AllowWeak bool // return a copy also if its mark would not be read back

	MaxBytes  int64 // of the file; 0: 64 MiB
	MaxPixels int64 // 0: 100 million

	// EncodeWebP writes lossy WebP. The command brings an encoder; without one Format "webp" is an error.
	EncodeWebP func(w io.Writer, img *image.NRGBA, quality int, icc, exif []byte) error

	// Decode decodes "heic", "avif" and "jxl", as a Decoder of package decoders does. pixels is the
	// number of pixels that are coded for the picture. Without it these formats are not supported.
	Decode func(ctx context.Context, format string, file []byte, pixels int64) (image.Image, error)
}

// A Copy is a marked picture and its file.
type Copy struct {
	*watermark.Marked
	File       []byte // what the recipient is handed
	Format     string // of File
	Pages      int    // pictures in the upload's file; only the first is marked and in File
	Submission watermark.Submission

	// Unread is set if the mark was looked for in File and not found. That is done if the quality is
	// below 70; otherwise the reading back of [watermark.Mark] stands for it.
	Unread bool
}

// Mark marks the picture in the bytes of a file with a copy ID, and writes it like the upload. opts may
// be nil. The error says why the file cannot be read, marked or written. It wraps [ErrWeak] if the mark
// would not be read back, unless AllowWeak; the copy then comes with the error.
func Mark(ctx context.Context, key *watermark.Key, id watermark.CopyID, upload []byte, opts *Options) (*Copy, error) {
	o := Options{}
	if opts != nil {
		o = *opts
	}
	pic, err := picture.Decode(upload, o.limits(ctx))
	if err != nil {
		return nil, err
	}
	out := &Copy{Format: o.Format, Pages: pic.Pages, Submission: o.Submission}
	if out.Submission == (watermark.Submission{}) {
		out.Submission = watermark.SubmissionOf(pic.SHA256)
	}
	if out.Format == "" {
		out.Format = pic.CopyFormat()
	}
	original, err := watermark.Prepare(key, pic.Image, &watermark.Options{Submission: out.Submission})
	if err != nil {
		return nil, err
	}
	if out.Marked, err = original.MarkInPlace(ctx, id); err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	like := picture.LikeOptions{Format: out.Format, Quality: o.Quality, KeepEXIF: o.EXIF, WebP: o.EncodeWebP}
	if err := picture.EncodeLike(&buf, out.Image, pic.Source, like); err != nil {
		return nil, err
	}
	out.File = buf.Bytes()
	if picture.Lossy(out.Format) && o.Quality > 0 && o.Quality < picture.MinQualityLike {
		if out.Unread, err = o.unread(ctx, key, id, out.File); err != nil {
			return nil, fmt.Errorf("read back: %w", err)
		}
	}
	switch {
	case o.AllowWeak:
	case out.Unread:
		return out, fmt.Errorf("%w from the file itself at this quality", ErrWeak)
	case out.Weak:
		return out, fmt.Errorf("%w after a messenger", ErrWeak)
	}
	return out, nil
}

// unread reports whether the mark of a copy is not found in its file.
func (o *Options) unread(ctx context.Context, key *watermark.Key, id watermark.CopyID, file []byte) (bool, error) {
	marks, err := Read(ctx, file, o, key)
	return err == nil && (len(marks) == 0 || marks[0].Copy != id), err
}

// Read returns the marks of keys that are read blind in the first picture of a file, the surest first.
// It returns none if there is no mark of these keys. Only the limits of opts count; opts may be nil.
func Read(ctx context.Context, leak []byte, opts *Options, keys ...*watermark.Key) ([]*watermark.Detection, error) {
	o := Options{}
	if opts != nil {
		o = *opts
	}
	pic, err := picture.Decode(leak, o.limits(ctx))
	if err != nil {
		return nil, err
	}
	return watermark.DetectAll(ctx, pic.Image, keys...)
}

// limits returns the limits of the options as package picture takes them.
func (o *Options) limits(ctx context.Context) picture.Limits {
	return picture.Limits{MaxBytes: o.MaxBytes, MaxPixels: o.MaxPixels, Decode: picture.Decoding(ctx, o.Decode)}
}
