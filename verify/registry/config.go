package registry

import (
	"context"
	"fmt"
	"image"
	"io"
	"runtime"
	"slices"

	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/memory"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/verify/internal/sealing"
	"github.com/kycmark/kycmark/watermark"
)

// Readers read the formats that the library alone does not read. The command brings all of them. Without
// a reader its formats are not supported.
type Readers struct {
	// Decode decodes "heic" and "avif", as a Decoder of package decoders does. pixels is
	// the number of pixels of the picture. If it is 0, only the bounds of the result count.
	Decode func(ctx context.Context, format string, file []byte, pixels int64) (image.Image, error)

	// PDF returns a page of a PDF, from 1 on, or all pages if page is 0, as a Reader of package
	// decoders/pdfs does. The same page must have the same pixels each time. It calls admit before it takes so many bytes of memory,
	// in the place of what it took before. It ends at an error of admit.
	PDF func(ctx context.Context, file []byte, page int, admit func(bytes int64) error) ([]PDFPage, error)
}

// A PDFPage is one page of a PDF as a picture.
type PDFPage = picture.PDFPage

// Config is what [NewIssuer] needs to know. Registry is required; every limit of 0 means its default.
type Config struct {
	Registry *Registry

	// Key is the mark key. Submit and Import need none.
	Key *watermark.Key

	// Keys are further mark keys. Uploads are read under Key and Keys.
	Keys []*watermark.Key
	// Marked says when uploads are read for marks of issued copies, and what becomes of uploads that carry them:
	// [MarkedAtIssue] (default), [MarkedAtSubmit] or [MarkedRefused]. Without a mark key no upload is read.
	Marked string
	// RefuseIncomplete refuses uploads for which Lacks of [Imported] says something. The error wraps [ErrFormat].
	RefuseIncomplete bool

	// SealKey seals the originals that are kept, and opens them to make copies.
	SealKey *SealKey

	// Actor is who acts, as written to the registry.
	Actor string

	MaxBytes  int64 // of one file; default 64 MiB
	MaxPixels int64 // of one picture; default 200 million within MaxMemory, at most [phash.MaxPixels]
	MaxMemory int64 // of all pictures at a time, bytes; default 65 % of what control group, ulimit and machine allow
	Workers   int   // uploads examined at a time by Import, 1,024 at most; default one a CPU

	// HashOnly enters uploads by their hashes alone: they are found, whole, but no original is kept to be compared or
	// to make copies of, and no features by which parts are found. What was entered so stays so.
	HashOnly bool

	// MaxSide shrinks copies to this many pixels on the long side before they are marked; 0 leaves them as they are.
	MaxSide int
	// MaxCopyBytes is the most that a copy's file may have: lossless formats become JPEG, unless Format asks for them,
	// the quality of lossy ones is lowered to 80, then the picture shrunk, until it fits; 0 sets no limit.
	MaxCopyBytes int64
	// Format of all copies: "jpeg", "png", or "webp", which takes EncodeWebP; "" makes each like its original.
	Format string
	// EncodeWebP writes an opaque picture as lossy WebP of a quality of 0 to 100. icc (colour profile) and exif are
	// written if they are not empty. The command brings an encoder; the library leaves the choice to its users.
	EncodeWebP func(w io.Writer, img *image.NRGBA, quality int, icc, exif []byte) error
	Readers
	// KeepEXIF passes on what the original's EXIF says of exposure, time, camera and lens. Places, names, serial
	// numbers, texts, maker's notes, thumbnails and all metadata outside EXIF are never passed on.
	KeepEXIF bool
	// AllowWeak releases copies whose mark would not survive a messenger,
	// which is otherwise an error that wraps [ErrWeak].
	AllowWeak bool
}

// ready checks a configuration and returns it with the defaults of MaxBytes and Workers. MaxPixels of 0 stays:
// package picture has its default.
func (c Config) ready() (Config, error) {
	if c.Registry == nil {
		return c, fmt.Errorf("%w: no registry", ErrInput)
	}
	if c.SealKey != nil && sealing.Zero(c.SealKey) {
		return c, fmt.Errorf("%w: the sealing key is the zero SealKey", ErrInput)
	}
	if min(c.MaxBytes, c.MaxPixels, c.MaxMemory) < 0 || c.Workers < 0 || c.MaxSide < 0 || c.MaxCopyBytes < 0 {
		return c, fmt.Errorf("%w: a limit is negative", ErrInput)
	}
	if c.MaxPixels > phash.MaxPixels {
		return c, fmt.Errorf("%w: pictures of more than %d pixels are not hashed", ErrInput, phash.MaxPixels)
	}
	switch {
	case c.Format != "" && !slices.Contains(picture.Offered(), c.Format):
		return c, fmt.Errorf("%w: the format of copies is %s, not %.40q", ErrInput, picture.Choice(picture.Offered()), c.Format)
	case c.Format == "webp" && c.EncodeWebP == nil:
		return c, fmt.Errorf("%w: there is no encoder for WebP", ErrInput)
	}
	if c.Marked == "" {
		c.Marked = MarkedAtIssue
	}
	if all := []string{MarkedAtIssue, MarkedAtSubmit, MarkedRefused}; !slices.Contains(all, c.Marked) {
		return c, fmt.Errorf("%w: marked_uploads: got %.40q, want %s", ErrInput, c.Marked, picture.Choice(all))
	}
	if err := records.CheckText("actor", c.Actor, intake.MaxName); err != nil {
		return c, err
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = picture.DefaultMaxBytes
	}
	if c.Workers == 0 {
		c.Workers = runtime.GOMAXPROCS(0)
	}
	c.Workers = min(c.Workers, maxWorkers)
	return c, nil
}

// maxWorkers is more than any machine has processors for: each worker holds a picture.
const maxWorkers = 1024

// submitBytes is the memory of an upload that is entered, beside decoding, bytes. Measured by the largest resident size
// on one processor: 70, 130, 200 MB for pictures of 3, 12 and 24 megapixels.
const submitBytes = 32 << 20

// entering returns the limits of decoding uploads, one page after the other, with memory of lease.
func (s *Issuer) entering(ctx context.Context, lease *memory.Lease) picture.Limits {
	if s.readsAtSubmit() {
		return s.issuing(ctx, lease)
	}
	return lease.Within(ctx, s.cfg.limits(ctx), func(decoding, _ int64) int64 { return submitBytes + decoding })
}

// issuing returns the limits of decoding originals, one page after the other, with memory of lease to make copies.
func (s *Issuer) issuing(ctx context.Context, lease *memory.Lease) picture.Limits {
	return lease.Within(ctx, s.cfg.limits(ctx), memory.Issuing)
}

// limits returns the limits of decoding.
func (c Config) limits(ctx context.Context) picture.Limits {
	return picture.Limits{MaxBytes: c.MaxBytes, MaxPixels: c.MaxPixels, Decode: picture.Decoding(ctx, c.Decode), PDF: picture.ReadingPDF(ctx, c.PDF)}
}
