package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"runtime"
	"slices"
	"time"

	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/memory"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/tlog"
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

// Config is what an [Issuer] has as long as it lives. Registry is required; every limit of 0 means its default.
type Config struct {
	Registry *Registry

	// Key is the mark key. [Ledger.AddMarkKey] enters it once. Submit and Import need none.
	Key *watermark.Key

	// Keys are further mark keys. Uploads are read, and entered copies made again, under Key and Keys.
	Keys []*watermark.Key
	// Marked says when uploads are read for marks of issued copies, and what becomes of uploads that carry them:
	// [MarkedAtIssue] (default), [MarkedAtSubmit] or [MarkedRefused]. Without a mark key no upload is read.
	Marked string
	// RefuseIncomplete refuses uploads for which Lacks of [Imported] says something. The error wraps [ErrFormat].
	RefuseIncomplete bool

	// SealKey seals the originals that are kept, and opens them to make copies.
	SealKey *SealKey

	MaxBytes  int64 // of one file; default 64 MiB
	MaxPixels int64 // of one picture; default 200 million within MaxMemory, at most [phash.MaxPixels]
	MaxMemory int64 // of all pictures at a time, bytes; default 65 % of what control group, ulimit and machine allow

	// MaxWait is how long a call waits for other pictures' memory. Then its error wraps [ErrBusy]. 0: until its ctx ends.
	MaxWait time.Duration

	// EncodeWebP writes an opaque picture as lossy WebP of a quality of 0 to 100. icc (colour profile) and exif are
	// written if they are not empty. The command brings an encoder; the library leaves the choice to its users.
	EncodeWebP func(w io.Writer, img *image.NRGBA, quality int, icc, exif []byte) error
	Readers
}

// SubmitOptions say how uploads are entered. The zero value works.
type SubmitOptions struct {
	Actor string // who acts, as written to the registry

	// HashOnly enters uploads by their hashes alone: they are found, whole, but no original is kept to be compared or
	// to make copies of, and no features by which parts are found. What was entered so stays so.
	HashOnly bool

	Workers int // uploads examined at a time by Import, 1,024 at most; default one a CPU
}

// IssueOptions say how a copy is made. The zero value works.
type IssueOptions struct {
	Actor   string // who acts, as written to the registry
	Purpose string // what the copy is for, as written to the registry

	// Request names what is asked for. The same submission, recipient, purpose, request, size and format have one copy,
	// however often they are asked for; another text has another copy.
	Request string
	// ID is the copy's; 0: it follows from the request, the registry and the mark key.
	ID watermark.CopyID

	// MaxSide shrinks the copy to this many pixels on the long side before it is marked; 0 leaves it as it is.
	MaxSide int
	// MaxBytes is the max size of the copy's file: lossless formats become JPEG, unless Format asks for them,
	// the quality of lossy ones is lowered to 80, then the picture shrunk, until it fits; 0 sets no limit.
	MaxBytes int64
	// Format is "jpeg", "png", or "webp", which takes EncodeWebP of [Config]; "" makes the copy like its original.
	Format string
	// KeepEXIF passes on what the original's EXIF says of exposure, time, camera and lens. Places, names, serial
	// numbers, texts, maker's notes, thumbnails and all metadata outside EXIF are never passed on.
	KeepEXIF bool
	// AllowWeak releases a copy whose mark would not survive a messenger,
	// which is otherwise an error that wraps [ErrWeak].
	AllowWeak bool

	// Opened, where set, keeps the opened original for copies to further recipients.
	Opened *Opened
}

// ready checks c and returns it with the default of MaxBytes. MaxPixels of 0 stays: package picture has its default.
func (c Config) ready() (Config, error) {
	if c.Registry == nil {
		return c, fmt.Errorf("%w: no registry", ErrInput)
	}
	if c.SealKey != nil && sealing.Zero(c.SealKey) {
		return c, fmt.Errorf("%w: the sealing key is the zero SealKey", ErrInput)
	}
	if min(c.MaxBytes, c.MaxPixels, c.MaxMemory, int64(c.MaxWait)) < 0 {
		return c, fmt.Errorf("%w: a limit is negative", ErrInput)
	}
	if c.MaxPixels > phash.MaxPixels {
		return c, fmt.Errorf("%w: pictures of more than %d pixels are not hashed", ErrInput, phash.MaxPixels)
	}
	c.Marked, c.MaxBytes = cmp.Or(c.Marked, MarkedAtIssue), cmp.Or(c.MaxBytes, picture.DefaultMaxBytes)
	if all := []string{MarkedAtIssue, MarkedAtSubmit, MarkedRefused}; !slices.Contains(all, c.Marked) {
		return c, fmt.Errorf("%w: marked_uploads: got %.40q, want %s", ErrInput, c.Marked, picture.Choice(all))
	}
	return c, nil
}

// submitting returns what enters uploads as opts say; opts may be nil. The error wraps [ErrInput].
func (s *Issuer) submitting(opts *SubmitOptions) (*submitting, error) {
	x := &submitting{Issuer: s, SubmitOptions: *cmp.Or(opts, new(SubmitOptions))}
	switch {
	case x.Workers < 0:
		return nil, fmt.Errorf("%w: %d workers", ErrInput, x.Workers)
	case s.cfg.SealKey == nil && (!x.HashOnly || s.cfg.Registry.sealHashes):
		return nil, fmt.Errorf("%w: no sealing key", ErrInput)
	}
	x.Workers = min(cmp.Or(x.Workers, runtime.GOMAXPROCS(0)), maxWorkers)
	return x, records.CheckText("actor", x.Actor, intake.MaxName)
}

// issuing returns how a copy is made as opts say, which may be nil. The error wraps [ErrInput].
func (s *Issuer) issuing(opts *IssueOptions) (o IssueOptions, err error) {
	o = *cmp.Or(opts, new(IssueOptions))
	switch {
	case s.cfg.Key == nil:
		return o, fmt.Errorf("%w: no mark key", ErrInput)
	case o.MaxSide < 0 || o.MaxBytes < 0:
		return o, fmt.Errorf("%w: a limit is negative", ErrInput)
	case o.Format != "" && !slices.Contains(picture.Offered(), o.Format):
		return o, fmt.Errorf("%w: the format of copies is %s, not %.40q", ErrInput, picture.Choice(picture.Offered()), o.Format)
	case o.Format == "webp" && s.cfg.EncodeWebP == nil:
		return o, fmt.Errorf("%w: there is no encoder for WebP", ErrInput)
	}
	return o, errors.Join(records.CheckText("actor", o.Actor, intake.MaxName), records.CheckName("purpose", o.Purpose, intake.MaxNote))
}

// maxWorkers is more than any machine has processors for: each worker holds a picture.
const maxWorkers = 1024

// submitBytes is the memory of an upload that is entered, beside decoding, bytes. Measured by the largest resident size
// on one processor: 70, 130, 200 MB for pictures of 3, 12 and 24 megapixels.
const submitBytes = 32 << 20

// enteringLimits returns the limits of decoding uploads, one page after the other, with memory of lease.
func (s *submitting) enteringLimits(ctx context.Context, lease *memory.Lease) picture.Limits {
	if s.readsAtSubmit() {
		return s.issuingLimits(ctx, lease)
	}
	return lease.Within(ctx, s.cfg.limits(ctx), func(decoding, _ int64) int64 { return submitBytes + decoding })
}

// issuingLimits returns the limits of decoding originals, one page after the other, with memory of lease to make copies.
func (s *Issuer) issuingLimits(ctx context.Context, lease *memory.Lease) picture.Limits {
	return lease.Within(ctx, s.cfg.limits(ctx), memory.Issuing)
}

func (c Config) limits(ctx context.Context) picture.Limits {
	return picture.Limits{MaxBytes: c.MaxBytes, MaxPixels: c.MaxPixels, Decode: picture.Decoding(ctx, c.Decode), PDF: picture.ReadingPDF(ctx, c.PDF)}
}

// A SealKey is the sealing key: the master key under which the data keys of the kept originals are wrapped. It is 32
// random bytes of our own, as a key file holds them, or a key of a key management service (see [NewSealKey]). Its
// method Secret returns the text that [ParseSealKey] reads, or "" if a service keeps the key. Its method ID names the
// key in public. All formatting verbs, logs and encodings show the ID alone.
//
// The zero SealKey is invalid. A *SealKey is safe for concurrent use, if that of its service is.
type SealKey = sealing.Key

// An AEAD encrypts and decrypts with associated data. Its method set is that of Tink's tink.AEAD.
type AEAD = sealing.AEAD

// NewSealKey makes a sealing key from a key that a key management service keeps. master is the AEAD of the service's
// client, for example from tink-crypto/tink-go-gcpkms or tink-go-awskms. id names the key in public and in the
// registry. Pass the same id whenever the registry is opened, and never give it to another key. The service sees data
// keys and, as associated data, the IDs of submissions. One call wraps the data key of an upload, one call opens it.
func NewSealKey(id string, master AEAD) (*SealKey, error) { return sealing.New(id, master) }

// GenerateSealKey makes a new key from the operating system's random source.
func GenerateSealKey() *SealKey { return sealing.Generate() }

// ParseSealKey reads the text form of a key as written by its method Secret. Blank lines and lines that begin with #
// are passed over. The error never repeats the text.
func ParseSealKey(text string) (*SealKey, error) { return sealing.Parse(text) }

// Three errors say what a failed call means for the next one. An error that wraps none of them is the caller's ctx, damage
// (ErrTampered, ErrSealed), or of a proof.
var (
	// ErrUnavailable is wrapped when nothing was written, since the registry cannot take entries now, such as on a
	// full disk or without its server. Other entries would also fail. The same call may succeed later.
	ErrUnavailable = errors.New("verify: could not be logged")
	// ErrRefused is wrapped when nothing was written, and a repeated call fails: by ErrNotFound, ErrConflict, ErrErased,
	// ErrInput, ErrFormat, ErrLimit, ErrWeak, ErrMarkKey and ErrReadOnly, or if [Config] refuses marked uploads.
	ErrRefused = records.ErrRefused
	// ErrBusy is wrapped when nothing was written: there was no free memory within MaxWait of [Config]. Try again later.
	ErrBusy = memory.ErrBusy
)

var (
	// ErrNotFound is wrapped when the registry holds no such submission, copy or recipient.
	ErrNotFound = records.ErrNotFound
	// ErrConflict is wrapped when a name or an ID is taken by something else.
	ErrConflict = records.ErrConflict
	// ErrErased is wrapped when the upload was there and its person was erased.
	ErrErased = records.ErrErased
	// ErrInput is wrapped when an argument is unusable.
	ErrInput = records.ErrInput
	// ErrFormat is wrapped when a file is no readable picture.
	ErrFormat = picture.ErrFormat
	// ErrLimit is wrapped when a file or picture is larger than the limits allow.
	ErrLimit = picture.ErrLimit
	// ErrWeak is wrapped when a copy's mark would not survive a messenger.
	ErrWeak = records.As(errors.New("verify: the mark would be too weak"), ErrRefused)
	// ErrMarkKey is wrapped when a mark key must not be used.
	ErrMarkKey = records.ErrMarkKey
	// ErrReadOnly is wrapped when the registry's file can only be read, or it is open for investigation only.
	ErrReadOnly = records.ErrReadOnly
	// ErrTampered is wrapped when ledger and registry do not bear each other out.
	ErrTampered = records.ErrTampered
	// ErrSealed is wrapped when a kept original cannot be opened, and when something is
	// to be sealed under another key than what is there.
	ErrSealed = records.ErrSealed
	// ErrCheckpoint is wrapped when a checkpoint is malformed, not signed, or signed wrongly.
	ErrCheckpoint = tlog.ErrCheckpoint
	// ErrLedgerKey is wrapped when a key of a ledger or of a witness is unusable.
	ErrLedgerKey = tlog.ErrKey
	// ErrProof is wrapped when a proof or a recipient's signature does not hold, or a proof cannot be given.
	ErrProof = errors.New("verify: no proof")
	// ErrNothingLeft is wrapped by a [Hand] that failed before any byte left.
	ErrNothingLeft = errors.New("verify: no byte left")
)

var (
	errReceipt = records.As(errors.New("verify: the recipient's signature does not hold"), ErrProof)
	errMarked  = records.As(errors.New("verify: the upload carries the mark of an issued copy"), ErrRefused)
)
