package verify

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"image"
	"io"
	"time"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/store"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/watermark"
)

// An Issuer takes uploads in and hands marked copies out. It is safe for
// concurrent use.
type Issuer struct {
	cfg   Config
	newID func() watermark.CopyID
	mark  markFunc
}

// markFunc is [watermark.Mark].
type markFunc func(context.Context, *watermark.Key, watermark.CopyID, image.Image, *watermark.Options) (*watermark.Marked, error)

// NewIssuer needs Registry and SealKey, and for [Issuer.Issue] a mark key.
func NewIssuer(cfg Config) (*Issuer, error) {
	cfg, err := cfg.ready()
	if err != nil {
		return nil, err
	}
	if cfg.SealKey == nil {
		return nil, fmt.Errorf("%w: no sealing key", ErrInput)
	}
	return &Issuer{cfg: cfg, newID: watermark.NewCopyID, mark: watermark.Mark}, nil
}

// Submit enters an upload: its digest, hash and sealed original are committed
// together. Subject is an opaque reference of the customer, never a name; at is
// when the customer submitted it (the zero time: now). A file that is already
// there is left as it was first entered, and duplicate is true.
//
// Unreadable pictures are errors that wrap [ErrFormat], too large ones [ErrLimit].
func (s *Issuer) Submit(ctx context.Context, file io.Reader, subject string, at time.Time) (sub *Submission, duplicate bool, err error) {
	if err := checkText("subject reference", subject, maxName); err != nil {
		return nil, false, err
	}
	data, err := readAll(file, s.cfg.MaxBytes)
	if err != nil {
		return nil, false, err
	}
	sum := sha256.Sum256(data)
	id := watermark.Submission(sum[:16])
	if old, err := s.cfg.Registry.Submission(ctx, id); !errors.Is(err, ErrNotFound) {
		return old, err == nil, err // no need to decode it again
	}
	row, err := s.describe(data, sum)
	if err != nil {
		return nil, false, err
	}
	row.Subject, row.Submitted, row.Received = subject, timestamp(at), s.cfg.Registry.clock()
	if at.IsZero() {
		row.Submitted = row.Received
	}
	sealed, err := s.cfg.SealKey.seal(id, data)
	if err != nil {
		return nil, false, err
	}
	added, err := s.cfg.Registry.store.AddSubmission(ctx, *row, sealed)
	if err != nil {
		return nil, false, fmt.Errorf("submission %s: %w", id, err)
	}
	if sub, err = s.cfg.Registry.Submission(ctx, id); err != nil {
		return nil, false, err
	}
	return sub, !added, nil
}

// describe decodes and hashes an upload.
func (s *Issuer) describe(data []byte, sum [32]byte) (*store.Submission, error) {
	pic, err := picture.Decode(data, s.cfg.limits())
	if err != nil {
		return nil, err
	}
	hash, quality, err := phash.Sum(phash.PDQ, picture.Flatten(pic.Image))
	if err != nil {
		return nil, err
	}
	return &store.Submission{
		ID: [16]byte(sum[:16]), SHA256: sum, Size: pic.Size, Format: pic.Format, Decoder: pic.Decoder,
		Width: pic.Image.Rect.Dx(), Height: pic.Image.Rect.Dy(),
		Hash: hash.String(), Chain: phash.PDQ.Chain(), Quality: quality, Salt: newSalt(),
	}, nil
}

// readAll reads at most limit bytes; more are an error that wraps [ErrLimit].
func readAll(r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	if int64(len(data)) > limit {
		return nil, &picture.LimitError{What: "bytes", Got: int64(len(data)), Most: limit}
	}
	return data, nil
}

// Issue hands a recipient a marked copy of a submission: it opens the sealed
// original, marks it with a fresh copy ID, commits the ledger entry with the
// digest of the encoded bytes, and only then writes these to dst, in one Write.
// A crash leaves at worst a copy that is logged and was never released. Where
// the mark would be too weak the error wraps [ErrWeak] and nothing is logged.
//
// A copy looks like the original's file: JPEG stays JPEG, of like quality (but 70
// at least, 50 from 2560 pixels on) and with the chroma subsampling of the original;
// PNG, TIFF and BMP stay what they are; other formats become JPEG, or PNG where they
// are transparent. The colour profile stays. Other metadata is not passed on, but
// for the EXIF that [Config] may ask for.
func (s *Issuer) Issue(ctx context.Context, dst io.Writer, of watermark.Submission, to, purpose string) (*Copy, error) {
	if len(s.cfg.Keys) == 0 {
		return nil, fmt.Errorf("%w: no mark key", ErrInput)
	}
	if err := checkText("purpose", purpose, maxNote); err != nil {
		return nil, err
	}
	if _, err := s.cfg.Registry.recipient(ctx, to); err != nil {
		return nil, err
	}
	file, err := s.cfg.Registry.original(ctx, s.cfg.SealKey, of)
	if err != nil {
		return nil, err
	}
	pic, err := picture.Decode(file, s.cfg.limits())
	if err != nil {
		return nil, fmt.Errorf("original of %s: %w", of, err)
	}
	id := s.newID()
	out, err := s.render(ctx, id, of, pic)
	if err != nil {
		return nil, fmt.Errorf("copy of %s: %w", of, err)
	}
	row, key := s.logged(id, of, to, purpose, out)
	if err := s.cfg.Registry.store.AddCopy(ctx, row, key); err != nil {
		return nil, fmt.Errorf("copy of %s: not released, since it could not be logged: %w", of, err)
	}
	if _, err := dst.Write(out.file); err != nil {
		return nil, fmt.Errorf("copy %s is logged but could not be handed out: %w", id, err)
	}
	return publicCopy(&row), nil
}

// logged is what the registry keeps of a rendered copy.
func (s *Issuer) logged(id watermark.CopyID, of watermark.Submission, to, purpose string, out *rendered) (store.Copy, store.MarkKey) {
	key, now := s.cfg.Keys[0].ID(), s.cfg.Registry.clock()
	b := out.Image.Rect
	return store.Copy{
		ID: uint64(id), Submission: of, Recipient: to, Purpose: purpose, KeyID: key,
		Strength: out.Strength, Margin: out.Margin, Weak: out.Weak, PSNR: out.PSNR, SSIM: out.SSIM,
		Format: out.format, Width: b.Dx(), Height: b.Dy(), SHA256: sha256.Sum256(out.file), Size: int64(len(out.file)),
		Issued: now, Actor: s.cfg.Actor, Salt: newSalt(),
	}, store.MarkKey{ID: key, Since: now, Salt: newSalt()}
}

// original opens the kept file of a submission and checks that it is the one
// that was received.
func (r *Registry) original(ctx context.Context, key *SealKey, of watermark.Submission) ([]byte, error) {
	sealed, err := r.store.Sealed(ctx, of)
	if err != nil {
		return nil, fmt.Errorf("submission %s: %w", of, err)
	}
	file, err := key.open(of, sealed)
	if err != nil {
		return nil, fmt.Errorf("submission %s: %w", of, err)
	}
	if sum := sha256.Sum256(file); watermark.Submission(sum[:16]) != of {
		return nil, fmt.Errorf("submission %s: %w: its digest is another", of, ErrSealed)
	}
	return file, nil
}
