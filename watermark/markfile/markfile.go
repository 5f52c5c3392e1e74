// Package markfile marks and reads files of pictures without a registry, bytes in and bytes out, as the
// command does: "kycmark mark" writes the same bytes.
//
// A copy is like its source: format, quality, chroma subsampling, profile, orientation. Package watermark marks pixels.
package markfile

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"
	"math"
	"strings"

	"github.com/kycmark/kycmark/internal/jpegcopy"
	"github.com/kycmark/kycmark/internal/memory"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/picture/codec"
	"github.com/kycmark/kycmark/watermark"
)

// ErrWeak is wrapped if the mark of a copy would not be read back.
var ErrWeak = errors.New("the mark would not be read back")

// Options say how a file is read and written. The zero value is what the command does by default.
type Options struct {
	Submission watermark.Submission // of the upload; zero: [watermark.SubmissionOf] its SHA-256

	// Format of the copy: "jpeg", "png", "webp", "tiff" or "bmp". "" keeps the upload's format if
	// copies may have it, else "jpeg", or "png" for pictures that are not opaque. Documents of several
	// pages have "tiff" only, and PDFs "pdf", which no other upload has.
	Format  string
	Quality int  // 1 to 100; 0: that of the upload, at least 70, or 50 from 2,560 pixels on
	EXIF    bool // keep EXIF that says nothing of places and persons

	AllowWeak bool // return a copy also if its mark would not be read back

	MaxBytes  int64 // of the file; 0: 64 MiB
	MaxPixels int64 // 0: 200 million
	MaxMemory int64 // of decoding and marking one picture or page, bytes; 0: no limit

	// EncodeWebP writes lossy WebP. The command brings an encoder; without one Format "webp" is an error.
	EncodeWebP func(w io.Writer, img *image.NRGBA, quality int, icc, exif []byte) error

	// Decode decodes "heic" and "avif", as a Decoder of package decoders does. pixels is the
	// number of pixels that are coded for the picture. Without it these formats are not supported.
	Decode func(ctx context.Context, format string, file []byte, pixels int64) (image.Image, error)

	// PDF returns a page of a PDF, from 1 on, or all pages if page is 0, as a Reader of package
	// decoders/pdfs does. It calls admit before it takes so many bytes of memory. Without it PDFs are not supported.
	PDF func(ctx context.Context, file []byte, page int, admit func(bytes int64) error) ([]PDFPage, error)
}

// A PDFPage is one page of a PDF as a picture.
type PDFPage = picture.PDFPage

// A Copy is a marked picture or document, and its file. Image is nil if a JPEG was marked in its coefficients: decode File.
type Copy struct {
	*watermark.Marked        // of a document: page 1, with the numbers of the weakest page
	File              []byte // what the recipient is handed
	Format            string // of File
	Pages             int    // in File
	LeftOut           int    // further pictures in the upload's file, such as frames of a GIF, that are not in File
	Lacks             string // what the file of a damaged JPEG lacks, and so File: "the last 24 of 480 rows are missing"
	Submission        watermark.Submission

	// Unread is set if the mark was looked for in File and not found. That is done if the quality is
	// below 70; otherwise the reading back of [watermark.Mark] stands for it.
	Unread bool
}

// Mark marks the picture in the bytes of a file with a copy ID, and writes it like the upload. opts may
// be nil. The error says why the file cannot be read, marked or written. It wraps [ErrWeak] if the mark
// would not be read back, unless AllowWeak; the copy then comes with the error.
//
// Every page of a TIFF or PDF is marked, as [watermark.Submission.Page] of
// its upload. The copy is a TIFF of all pages, or for a PDF a PDF whose pages are pictures. Pages of the same pixels have the same mark.
func Mark(ctx context.Context, key *watermark.Key, id watermark.CopyID, upload []byte, opts *Options) (*Copy, error) {
	o := *cmp.Or(opts, new(Options))
	doc, err := o.open(ctx, upload)
	if err != nil {
		return nil, err
	}
	out := &Copy{Format: o.Format, Pages: doc.Pages(), Submission: o.Submission}
	if out.Submission == (watermark.Submission{}) {
		out.Submission = watermark.SubmissionOf(sha256.Sum256(upload))
	}
	all := doc.CopyFormat() // of all pages
	switch {
	case all != "" && cmp.Or(out.Format, all) == all:
		out.Format = all
		err = o.markPages(ctx, key, id, doc, out)
	case out.Pages > 1:
		return nil, fmt.Errorf("a file of %d pages: its copies are %s, not %s", out.Pages, strings.ToUpper(all), out.Format)
	case out.Format == "pdf":
		return nil, errors.New("only copies of a PDF are PDFs")
	default:
		if err := o.markJPEG(ctx, key, id, upload, out); err != nil {
			return nil, err
		}
		if out.File == nil {
			err = o.markPixels(ctx, key, id, upload, out)
		}
	}
	if err != nil {
		return nil, err
	}
	if manner(out.Format) == watermark.Lossy && o.Quality > 0 && o.Quality < codec.MinQualityLike {
		if out.Unread, err = o.unread(ctx, key, id, out); err != nil {
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

// markJPEG marks a JPEG in its coefficients, and sets Marked, File and more of out. It leaves out.File nil if the copy is
// to have another format or quality. It also does if the coefficients are not read, or a mark in them would be weak.
func (o *Options) markJPEG(ctx context.Context, key *watermark.Key, id watermark.CopyID, upload []byte, out *Copy) error {
	if o.Quality != 0 || cmp.Or(o.Format, "jpeg") != "jpeg" {
		return nil
	}
	source := jpegcopy.Open(key, upload, o.limits(ctx), out.Submission)
	if source == nil {
		return nil
	}
	marked, file, err := source.Mark(ctx, id, true, o.EXIF)
	if file == nil || err != nil {
		return err
	}
	out.Marked, out.File, out.Format, out.LeftOut = marked, file, "jpeg", source.Pages-1
	return nil
}

// markPixels marks the pixels of a file of one page, and sets Marked, File and more of out.
func (o *Options) markPixels(ctx context.Context, key *watermark.Key, id watermark.CopyID, upload []byte, out *Copy) error {
	pic, err := picture.Decode(upload, o.limits(ctx))
	if err != nil {
		return err
	}
	out.Format, out.LeftOut, out.Lacks = cmp.Or(out.Format, pic.CopyFormat()), pic.Pages-1, pic.Incomplete
	if out.Marked, err = mark(ctx, key, id, pic, out.Submission, manner(out.Format)); err != nil {
		return err
	}
	var file bytes.Buffer
	err = picture.EncodeLike(&file, out.Image, pic.Source, o.like(out.Format))
	out.File = file.Bytes()
	return err
}

// manner returns how pixels are marked for copies of a format.
func manner(format string) watermark.Manner {
	if picture.Lossy(format) || format == "pdf" {
		return watermark.Lossy
	}
	return watermark.Lossless
}

// mark marks a picture. of is its submission, or the page's.
func mark(ctx context.Context, key *watermark.Key, id watermark.CopyID, pic *picture.Picture, of watermark.Submission, as watermark.Manner) (*watermark.Marked, error) {
	original, err := watermark.Prepare(key, picture.Flatten(pic.Image), &watermark.Options{Submission: of, Manner: as})
	if err != nil {
		return nil, err
	}
	return original.MarkInPlace(ctx, id)
}

func (o *Options) like(format string) picture.LikeOptions {
	return picture.LikeOptions{Format: format, Quality: o.Quality, KeepEXIF: o.EXIF, WebP: o.EncodeWebP}
}

// markPages marks all pages of a document, writes them to out, and decodes them again, to find the same pixels.
func (o *Options) markPages(ctx context.Context, key *watermark.Key, id watermark.CopyID, doc *picture.Document, out *Copy) error {
	var files [][]byte
	same := make(map[[sha256.Size]byte]int) // pages, from 0, by their pixels
	written := make([][sha256.Size]byte, out.Pages)
	for k := 1; k <= out.Pages; k++ {
		pic, err := doc.Picture(k, o.limits(ctx))
		if err != nil {
			return fmt.Errorf("page %d: %w", k, err)
		}
		digest := digestOf(pic.Image)
		if first, is := same[digest]; is {
			files, written[k-1] = append(files, files[first]), written[first]
			continue
		}
		same[digest] = len(files)
		m, err := mark(ctx, key, id, pic, out.Submission.Page(k), manner(out.Format))
		if err != nil {
			return fmt.Errorf("page %d: %w", k, err)
		}
		file, err := pic.EncodePage(m.Image, o.like(""))
		if err != nil {
			return fmt.Errorf("page %d: %w", k, err)
		}
		page, err := picture.Decode(file, picture.Limits{MaxBytes: math.MaxInt64})
		if err != nil {
			return fmt.Errorf("page %d: read back: %w", k, err)
		}
		written[k-1] = digestOf(page.Image)
		files = append(files, file)
		w := cmp.Or(out.Marked, m)
		out.Marked = w
		w.PSNR, w.SSIM, w.Strength = min(w.PSNR, m.PSNR), min(w.SSIM, m.SSIM), min(w.Strength, m.Strength)
		w.MarginDB, w.Weak = min(w.MarginDB, m.MarginDB), w.Weak || m.Weak
	}
	var file bytes.Buffer
	if err := doc.Join(&file, files); err != nil {
		return err
	}
	out.File = file.Bytes()
	lim := o.limits(ctx)
	lim.MaxBytes = math.MaxInt64
	copied, err := picture.OpenDocument(out.File, lim)
	for k := 1; err == nil && k <= out.Pages; k++ {
		var page *picture.Picture
		if page, err = copied.Picture(k, lim); err == nil && digestOf(page.Image) != written[k-1] {
			err = fmt.Errorf("page %d has other pixels than were written", k)
		}
	}
	if err != nil {
		return fmt.Errorf("read back: %w", err)
	}
	return nil
}

func digestOf(img *image.NRGBA) [sha256.Size]byte {
	h := sha256.New()
	binary.Write(h, binary.BigEndian, int64(img.Rect.Dx())) // never fails
	h.Write(img.Pix)
	return [sha256.Size]byte(h.Sum(nil))
}

// unread reports whether the mark of a copy is not found on a page of its file.
func (o *Options) unread(ctx context.Context, key *watermark.Key, id watermark.CopyID, made *Copy) (bool, error) {
	again := *o
	again.MaxBytes = math.MaxInt64
	marks, err := Read(ctx, made.File, &again, key)
	pages := make(map[int]bool)
	for _, m := range marks {
		if m.Copy == id {
			pages[m.Page] = true
		}
	}
	return err == nil && len(pages) < made.Pages, err
}

// A Reading is a mark that was read on a page, from 1 on.
type Reading struct {
	*watermark.Detection
	Page int
}

// Read returns the marks of keys that are read blind on the pages of a file, page by page, the surest of a
// page first. It returns none if there is no mark of these keys. Only the limits, Decode and PDF of opts count;
// opts may be nil. The error joins the errors of pages that cannot be read; the marks of other pages come with it.
func Read(ctx context.Context, leak []byte, opts *Options, keys ...*watermark.Key) (out []Reading, err error) {
	o := *cmp.Or(opts, new(Options))
	doc, err := o.open(ctx, leak)
	if err != nil {
		return nil, err
	}
	var errs []error
	for k := 1; k <= doc.Pages() && ctx.Err() == nil; k++ {
		var marks []*watermark.Detection
		pic, err := doc.Picture(k, o.limits(ctx))
		if err == nil {
			marks, err = watermark.DetectAll(ctx, pic.Image, keys...)
		}
		if err != nil && doc.Pages() > 1 {
			err = fmt.Errorf("page %d: %w", k, err)
		}
		errs = append(errs, err)
		for _, m := range marks {
			out = append(out, Reading{m, k})
		}
	}
	return out, errors.Join(append(errs, ctx.Err())...)
}

// open finds the pages of a file of at most MaxBytes.
func (o *Options) open(ctx context.Context, file []byte) (*picture.Document, error) {
	if limit := cmp.Or(o.MaxBytes, picture.DefaultMaxBytes); int64(len(file)) > limit {
		return nil, &picture.LimitError{What: "bytes", Got: int64(len(file)), Max: limit}
	}
	return picture.OpenDocument(file, o.limits(ctx))
}

func (o *Options) limits(ctx context.Context) picture.Limits {
	lim := picture.Limits{MaxBytes: o.MaxBytes, MaxPixels: o.MaxPixels, Decode: picture.Decoding(ctx, o.Decode), PDF: picture.ReadingPDF(ctx, o.PDF)}
	if o.MaxMemory > 0 {
		lim.Admit = func(decoding, pixels int64) error { return memory.Check(memory.Issuing(decoding, pixels), o.MaxMemory) }
	}
	return lim
}
