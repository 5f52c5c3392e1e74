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

// An Issuer takes uploads in and hands marked copies out. One serves a whole process: it is safe for concurrent use, and
// all that it does at a time shares the memory that [Config] allows.
type Issuer struct {
	cfg      Config
	memory   *memory.Budget
	lists    *engine.Lists
	prepare  func(*watermark.Key, image.Image, *watermark.Options) (marker, error) // watermark.Prepare
	inPixels bool                                                                  // JPEGs are marked in their pixels too; tests set it
}

// NewIssuer checks cfg and returns an Issuer. It needs Registry. [Issuer.Submit] needs SealKey, unless HashOnly is set
// and the registry does not seal hashes. [Issuer.Issue] needs SealKey and Key. The error wraps [ErrInput] if cfg is
// unusable, and [ErrRefused] if the registry is open for investigation only. It wraps [ErrSealed] if uploads are sealed
// under another key than SealKey, which hides them.
func NewIssuer(cfg Config) (*Issuer, error) {
	cfg, err := cfg.ready()
	if err != nil {
		return nil, err
	}
	if cfg.Registry.readOnly {
		return nil, fmt.Errorf("issue: %w", records.ErrReadOnly)
	}
	if cfg.SealKey != nil {
		if err := cfg.Registry.Engine().CheckSealKey(context.Background(), cfg.SealKey); err != nil {
			return nil, err
		}
	}
	budget := memory.New(cfg.MaxMemory)
	budget.Wait = cfg.MaxWait
	return &Issuer{cfg: cfg, memory: budget, lists: new(engine.Lists), prepare: prepareMark}, nil
}

// Submit enters an upload: its digest, the hashes of its pages and the sealed original are committed together. subject
// is an opaque reference of the customer, never a name, and may be "". at is when the customer submitted the upload
// (the zero time: now). A file that is already there is left as it was first entered, its subject also. A lost original of
// it is restored. became lacks the Name. If file has a method Len() int, so many bytes are expected. opts may
// be nil. For many files see [Issuer.Import].
//
// The error wraps [ErrFormat] for unreadable pictures, [ErrLimit] for too large pictures, and
// [ErrErased] for uploads that were erased. It wraps [ErrInput] for times before 1990 or more
// than a day ahead. It wraps [ErrRefused] if [Config] refuses marked uploads.
func (s *Issuer) Submit(ctx context.Context, file io.Reader, subject string, at time.Time, opts *SubmitOptions) (sub *books.Submission, became Imported, err error) {
	e, err := s.submitting(opts)
	if err != nil {
		return nil, became, err
	}
	if err := records.CheckName("subject reference", subject, intake.MaxName); err != nil {
		return nil, became, err
	}
	var size int64
	if sized, ok := file.(interface{ Len() int }); ok {
		size = int64(sized.Len())
	}
	data, err := intake.ReadAll(file, size, s.cfg.MaxBytes)
	if err != nil {
		return nil, became, err
	}
	x, err := e.examine(ctx, data, subject, at)
	if err != nil {
		return nil, became, err
	}
	job, added := importJob{of: subject, at: at}, []bool{false}
	job.saw(&x, e.HashOnly)
	if x.up != nil {
		if added, err = s.cfg.Registry.store.AddSubmissions(ctx, x.up); err != nil {
			return nil, became, fmt.Errorf("submission %s: %w", x.id, noEntry(err))
		}
	}
	if e.readsAtSubmit() {
		if job.Carries, err = s.cfg.Registry.Carried(ctx, x.id); err != nil {
			return nil, became, err
		}
	}
	if sub, err = s.cfg.Registry.Submission(ctx, x.id); err != nil {
		return nil, became, err
	}
	if !added[0] {
		job.there(sub)
	}
	return sub, job.Imported, nil
}

// submitting enters uploads in one way.
type submitting struct {
	*Issuer
	SubmitOptions
}

// An examined file was looked at: either old or up is set.
type examined struct {
	id      watermark.Submission
	old     *books.Submission // that is there already, which its digest tells without decoding it
	again   bool              // its original was lost, and is restored
	up      []records.Upload  // to be entered, a page each
	leftOut int               // pages or frames that are not entered
	lacks   string            // as in [Imported]
}

// examine readies the upload data to be entered, and enters nothing. If a file with this digest is there, old is set
// and data is not decoded. Else up is set.
func (s *submitting) examine(ctx context.Context, data []byte, subject string, at time.Time) (x examined, err error) {
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
	if err := s.describe(ctx, data, sum, &x); errors.Is(err, ErrFormat) || errors.Is(err, ErrLimit) {
		return x, records.As(err, ErrRefused)
	} else if err != nil {
		return x, err
	}
	received := s.cfg.Registry.clock()
	if at.IsZero() {
		at = received
	}
	x.up[0].Subject = subject
	for i := range x.up {
		x.up[i].Submitted, x.up[i].Received, x.up[i].Actor = records.Timestamp(at), received, s.Actor
		if err := s.refused(ctx, x.up[i].Returns); err != nil {
			return x, err
		}
	}
	return x, nil
}

// restore puts the original of an upload again if it is lost. file has its digest. [Config] must have its sealing key.
func (s *submitting) restore(ctx context.Context, old *books.Submission, file []byte) (restored bool, err error) {
	if !old.Kept || s.HashOnly || s.cfg.SealKey == nil {
		return false, nil
	}
	restored, err = s.cfg.Registry.store.Restore(ctx, old.ID, func(x *records.Sealed) (err error) {
		x.Body, err = sealing.SealAgain(s.cfg.SealKey, old.ID, x, sealing.Original, file)
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
func (s *submitting) checkSent(at time.Time) error {
	switch {
	case at.IsZero(): // now
	case at.UTC().Year() < earliestSent:
		return fmt.Errorf("%w: sent in %d: before %d there were no such pictures", ErrInput, at.UTC().Year(), earliestSent)
	case at.After(s.cfg.Registry.clock().Add(clockError)):
		return fmt.Errorf("%w: sent in %d: that lies in the future", ErrInput, at.UTC().Year())
	}
	return nil
}

// A Hand function hands a copy out: it gets the copy as it was entered, and the bytes of its file. If it fails before
// any byte left, its error must wrap [ErrNothingLeft].
type Hand func(c *books.Copy, file []byte) error

// WriteTo hands a copy out by one Write to dst.
func WriteTo(dst io.Writer) Hand {
	return func(_ *books.Copy, file []byte) error {
		_, err := dst.Write(file)
		return err
	}
}

// Issue hands the recipient to a marked copy of a submission; opts may be nil. It opens the sealed original and marks it
// with the copy's ID. It then commits the ledger entry with the digest of the encoded bytes. Only after that it calls
// hand with the bytes, once. A second entry then says that the copy was released.
//
// The same request has one copy: see Request of [IssueOptions]. Issue again hands out the copy that was entered, and
// enters no other. It does so after a crash as well, and after the registry was restored from a backup. After a crash there is at worst a
// copy that is reserved: it may have been handed out. It is also reserved after hand failed, and void if the error of
// hand wraps [ErrNothingLeft]. In the place of a void copy the next request gets another.
//
// The error wraps [ErrWeak] if the mark would be too weak, and [ErrNotFound] if submission or recipient is not there. It
// wraps [ErrRefused] if the mark key is not active, and [ErrInput] if the format cannot hold the pages. It wraps
// [ErrSealed] if the original cannot be opened, has other pixels than were entered, or was never kept. An upload without
// copies is read for marks of earlier copies: the error wraps [ErrRefused] if [Config] refuses it. Then nothing is
// entered. It wraps [ErrConflict] if the copy with that ID is void, of another request, or would have other bytes.
//
// A copy looks like the original's file, unless Format asks for another. JPEG stays JPEG, of similar quality (min
// 70, or min 50 from 2560 pixels on) and with the chroma subsampling of the original. PNG, TIFF and BMP keep their
// format. Other formats become JPEG, or PNG if they are transparent. The colour profile stays. Other metadata is not
// passed on, except the EXIF that KeepEXIF asks for. A copy of several pages has all pages, each with a mark of the
// copy's ID, and is a TIFF. A copy of a PDF is a PDF whose pages are pictures.
func (s *Issuer) Issue(ctx context.Context, of watermark.Submission, to string, hand Hand, opts *IssueOptions) (*books.Copy, error) {
	o, err := s.issuing(opts)
	if err != nil {
		return nil, err
	}
	named := o.ID != 0
	if c, err := s.cfg.Registry.Copy(ctx, o.ID); named && err == nil { // it is handed out again, with the mark of its key
		s = s.under(c)
	}
	if err := mayIssue(ctx, s.cfg.Registry.Ledger(), s.cfg.Key.ID()); err != nil {
		return nil, err
	}
	recipient, err := s.cfg.Registry.Recipient(ctx, to)
	if err != nil {
		return nil, err
	}
	var c *books.Copy
	if !named {
		if o.ID, c, err = s.requested(ctx, of, recipient, &o, true); err != nil {
			return nil, err
		}
	}
	lease := s.memory.Lease()
	defer lease.Give()
	lim := s.issuingLimits(ctx, lease)
	for {
		p, err := s.under(c).opened(ctx, of, &o, lim)
		if err != nil {
			return nil, err
		}
		done, err := p.issue(ctx, lim, recipient, hand, &o)
		if named || !errors.Is(err, ErrConflict) {
			return done, err
		}
		id, next, failed := s.requested(ctx, of, recipient, &o, true)
		if failed != nil || id == o.ID {
			return nil, err
		}
		o.ID, c = id, next // the copy of an attempt at the same time may be void now
	}
}

// logged returns what AddCopy enters for out: the copy, and its mark key's commitment, which counts if the key is new.
func (p *prepared) logged(to *books.Recipient, o *IssueOptions, out *rendered) (books.Copy, records.KeyEntry) {
	recipient, reviewer := to.Party()
	key, now := p.cfg.Key.ID(), p.cfg.Registry.clock()
	return books.Copy{
		ID: o.ID, Submission: p.of, Recipient: recipient, Reviewer: reviewer, Purpose: o.Purpose, KeyID: key,
		Marking: books.Marking{Strength: out.Strength, Margin: out.MarginDB, Weak: out.Weak, PSNR: out.PSNR, SSIM: out.SSIM},
		Format:  out.format, Width: out.size.X, Height: out.size.Y, SHA256: sha256.Sum256(out.file), Size: int64(len(out.file)),
		Issued: now, Actor: o.Actor, State: books.CopyReserved, Logged: books.Logged{Salt: records.NewSalt()},
	}, records.KeyEntry{ID: key, Commitment: p.cfg.Key.Commitment(), Added: now, Logged: books.Logged{Salt: records.NewSalt()}}
}

// Original decrypts the kept file of a submission and checks that its digest is that of the file received. It does not
// decode the file. The error wraps [ErrSealed] if the file cannot be opened, differs, or was never kept. It wraps
// [ErrNotFound] if there is no such submission, and [ErrInput] if key is nil or zero.
func (r *Registry) Original(ctx context.Context, key *SealKey, of watermark.Submission) ([]byte, error) {
	return r.Engine().Original(ctx, key, of)
}
