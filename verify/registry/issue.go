package registry

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"image"
	"io"
	"time"

	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/memory"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/internal/engine"
	"github.com/kycmark/kycmark/verify/internal/sealing"
	"github.com/kycmark/kycmark/watermark"
)

// An Issuer takes uploads in and hands marked copies out. It is safe for concurrent use.
type Issuer struct {
	cfg      Config
	memory   *memory.Budget
	lists    *engine.Lists
	newID    func() watermark.CopyID
	prepare  func(*watermark.Key, image.Image, *watermark.Options) (marker, error) // watermark.Prepare
	inPixels bool                                                                  // JPEGs are marked in their pixels too; tests set it
}

// NewIssuer checks cfg and returns an Issuer. It needs Registry, and SealKey unless HashOnly is set and the registry
// does not seal hashes. [Issuer.Issue] also needs Key. The error wraps [ErrInput] if cfg is unusable, and [ErrReadOnly]
// if the registry is open for investigation only. It wraps [ErrSealed] if uploads are sealed under another key than
// SealKey, which hides them.
func NewIssuer(cfg Config) (*Issuer, error) {
	cfg, err := cfg.ready()
	if err != nil {
		return nil, err
	}
	if cfg.Registry.readOnly {
		return nil, fmt.Errorf("issue: %w", ErrReadOnly)
	}
	if cfg.SealKey == nil && (!cfg.HashOnly || cfg.Registry.sealHashes) {
		return nil, fmt.Errorf("%w: no sealing key", ErrInput)
	}
	if !cfg.HashOnly || cfg.Registry.sealHashes { // it seals
		if err := cfg.Registry.Engine().CheckSealKey(context.Background(), cfg.SealKey); err != nil {
			return nil, err
		}
	}
	return &Issuer{cfg: cfg, memory: memory.New(cfg.MaxMemory), lists: new(engine.Lists), newID: watermark.NewCopyID, prepare: prepareMark}, nil
}

// Submit enters an upload: its digest, the hashes of its pages and the sealed original are committed
// together. subject is an opaque reference of the customer, never a name, and may be "". at is when
// the customer submitted the upload (the zero time: now). A file that is already there is left as it
// was first entered, its subject also, and duplicate is true. A lost original of it is restored. For many files see [Issuer.Import].
//
// The error wraps [ErrFormat] for unreadable pictures, [ErrLimit] for too large pictures, and
// [ErrErased] for uploads that were erased. It wraps [ErrInput] for times before 1990 or more
// than a day ahead. It wraps [ErrMarked] if [Config] refuses marked uploads.
func (s *Issuer) Submit(ctx context.Context, file io.Reader, subject string, at time.Time) (sub *books.Submission, duplicate bool, err error) {
	if err := records.CheckName("subject reference", subject, intake.MaxName); err != nil {
		return nil, false, err
	}
	data, err := intake.ReadAll(file, 0, s.cfg.MaxBytes)
	if err != nil {
		return nil, false, err
	}
	x, err := s.examine(ctx, data, subject, at)
	if err != nil {
		return nil, false, err
	}
	added := []bool{false}
	if x.up != nil {
		if added, err = s.cfg.Registry.store.AddSubmissions(ctx, x.up); err != nil {
			return nil, false, fmt.Errorf("submission %s: %w", x.id, err)
		}
		if _, err := s.enterReturns(ctx, x.id, x.carries); err != nil {
			return nil, false, err
		}
	}
	if sub, err = s.cfg.Registry.Submission(ctx, x.id); err != nil {
		return nil, false, err
	}
	return sub, !added[0], nil
}

// An examined file was looked at: either old or up is set.
type examined struct {
	id      watermark.Submission
	old     *books.Submission // that is there already, which its digest tells without decoding it
	again   bool              // its original was lost, and is restored
	up      []records.Upload  // to be entered, a page each
	leftOut int               // pages or frames that are not entered
	lacks   string            // as in [Imported]
	carries []books.Return    // marks of issued copies that were read in up
}

// examine readies the upload data to be entered, and enters nothing. If a file with this digest is there, old is set
// and data is not decoded. Else up is set.
func (s *Issuer) examine(ctx context.Context, data []byte, subject string, at time.Time) (x examined, err error) {
	sum := sha256.Sum256(data)
	x.id = watermark.SubmissionOf(sum)
	switch old, err := s.cfg.Registry.store.Submission(ctx, x.id); {
	case err == nil && old.Erased:
		return x, fmt.Errorf("submission %s: %w", x.id, ErrErased)
	case err == nil && old.SHA256 != sum:
		return x, fmt.Errorf("submission %s is another file: %w", x.id, ErrConflict)
	case err == nil:
		x.old = old
		x.lacks = s.lacks(ctx, old, data)
		x.again, err = s.restore(ctx, old, data)
		return x, err
	case !errors.Is(err, ErrNotFound):
		return x, fmt.Errorf("submission %s: %w", x.id, err)
	}
	if err := s.checkSent(at); err != nil {
		return x, err
	}
	if err := s.describe(ctx, data, sum, &x); err != nil {
		return x, err
	}
	if err := s.refused(ctx, x.carries); err != nil {
		return x, err
	}
	received := s.cfg.Registry.clock()
	if at.IsZero() {
		at = received
	}
	x.up[0].Subject = subject
	for i := range x.up {
		x.up[i].Submitted, x.up[i].Received = records.Timestamp(at), received
	}
	return x, nil
}

// restore puts the original of an upload again, if it was lost. file has its digest. [Config] must have the key under which the
// upload is sealed.
func (s *Issuer) restore(ctx context.Context, old *books.Submission, file []byte) (restored bool, err error) {
	if !old.Kept || s.cfg.HashOnly || s.cfg.SealKey == nil {
		return false, nil
	}
	restored, err = s.cfg.Registry.store.Restore(ctx, old.ID, func(x *records.Sealed) (err error) {
		x.Body, err = sealing.SealAgain(s.cfg.SealKey, old.ID, x, file)
		return err
	})
	if errors.Is(err, ErrNotFound) {
		err = fmt.Errorf("%w: it was removed", ErrSealed)
	}
	if err != nil {
		err = fmt.Errorf("submission %s, which is there already: %w", old.ID, err)
	}
	return restored, err
}

// An upload's time of sending must lie in this range. Identity pictures first were files at
// the lower limit. The upper limit allows for a clock ahead of ours and for time zones. A
// verdict counts by months, and a wrong time would spoil all of them, for good.
const (
	earliestSent = 1990 // year
	clockError   = 24 * time.Hour
)

// checkSent returns an error that wraps [ErrInput] if the time of sending, which may be zero, is out of range.
func (s *Issuer) checkSent(at time.Time) error {
	switch {
	case at.IsZero(): // now
	case at.UTC().Year() < earliestSent:
		return fmt.Errorf("%w: sent in %d: before %d there were no such pictures", ErrInput, at.UTC().Year(), earliestSent)
	case at.After(s.cfg.Registry.clock().Add(clockError)):
		return fmt.Errorf("%w: sent in %d: that lies in the future", ErrInput, at.UTC().Year())
	}
	return nil
}

// Issue hands the recipient to a marked copy of a submission, for a purpose that is entered with it. It opens the
// sealed original and marks it with a fresh copy ID. It then commits the ledger entry with the digest of the encoded
// bytes. Only after that it writes the bytes to dst, in one Write. A second entry then says that the copy was released:
// see [Prepared.Issue]. After a crash there is at worst a copy that is reserved. The error wraps [ErrWeak] if the mark
// would be too weak, and [ErrNotFound] if submission or recipient is not there. It wraps [ErrMarkKey] if the mark key
// is not active. Then nothing is logged. For several recipients of one submission see [Issuer.Prepare].
//
// A copy looks like the original's file, unless [Config] asks for a format. JPEG stays JPEG, of similar quality (min
// 70, or min 50 from 2560 pixels on) and with the chroma subsampling of the original. PNG, TIFF and BMP keep their
// format. Other formats become JPEG, or PNG if they are transparent. The colour profile stays. Other metadata is not
// passed on, except the EXIF that [Config] may ask for. A copy of several pages has all pages, each with a mark of the
// copy's ID, and is a TIFF. A copy of a PDF is a PDF whose pages are pictures.
func (s *Issuer) Issue(ctx context.Context, dst io.Writer, of watermark.Submission, to, purpose string) (*books.Copy, error) {
	lease := s.memory.Lease()
	defer lease.Give()
	lim := s.issuing(ctx, lease)
	p, err := s.prepared(ctx, of, lim)
	if err != nil {
		return nil, err
	}
	return p.issue(ctx, lim, s.newID(), to, purpose, false, writeTo(dst))
}

// logged returns the rows that AddCopy enters for the copy out of the submission of: the copy, and the commitment to
// its mark key, which counts if the key was never entered.
func (s *Issuer) logged(id watermark.CopyID, of watermark.Submission, to, purpose string, out *rendered) (books.Copy, records.KeyEntry) {
	key, now := s.cfg.Key.ID(), s.cfg.Registry.clock()
	return books.Copy{
		ID: id, Submission: of, Recipient: to, Purpose: purpose, KeyID: key,
		Marking: books.Marking{Strength: out.Strength, Margin: out.MarginDB, Weak: out.Weak, PSNR: out.PSNR, SSIM: out.SSIM},
		Format:  out.format, Width: out.size.X, Height: out.size.Y, SHA256: sha256.Sum256(out.file), Size: int64(len(out.file)),
		Issued: now, Actor: s.cfg.Actor, State: books.CopyReserved, Logged: books.Logged{Salt: records.NewSalt()},
	}, records.KeyEntry{ID: key, Commitment: s.cfg.Key.Commitment(), Added: now, Logged: books.Logged{Salt: records.NewSalt()}}
}

// Original decrypts the kept file of a submission and checks that its digest is that of the file received. It does not
// decode the file. The error wraps [ErrSealed] if the file cannot be opened, differs, or was never kept. It wraps
// [ErrNotFound] if there is no such submission, and [ErrInput] if key is nil or zero.
func (r *Registry) Original(ctx context.Context, key *SealKey, of watermark.Submission) ([]byte, error) {
	return r.Engine().Original(ctx, key, of)
}
