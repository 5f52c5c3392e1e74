package verify

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/kycmark/kycmark/watermark"
)

// An Issuer takes uploads in and hands marked copies out. It is safe for
// concurrent use.
type Issuer struct{}

// NewIssuer needs Registry and SealKey, and for [Issuer.Issue] a mark key.
func NewIssuer(cfg Config) (*Issuer, error) { return nil, errors.ErrUnsupported }

// Submit enters an upload: its digest, hash and sealed original are committed
// together. Subject is an opaque reference of the customer, never a name; at is
// when the customer submitted it (the zero time: now). A file that is already
// there is left as it was first entered, and duplicate is true.
//
// Unreadable pictures are errors that wrap [ErrFormat], too large ones [ErrLimit].
func (s *Issuer) Submit(ctx context.Context, file io.Reader, subject string, at time.Time) (sub *Submission, duplicate bool, err error) {
	return nil, false, errors.ErrUnsupported
}

// Issue hands a recipient a marked copy of a submission: it opens the sealed
// original, marks it with a fresh copy ID, commits the ledger entry with the
// digest of the encoded bytes, and only then writes these to dst, in one Write.
// A crash leaves at worst a copy that is logged and was never released. Where
// the mark would be too weak the error wraps [ErrWeak] and nothing is logged.
//
// Metadata of the original is not passed on.
func (s *Issuer) Issue(ctx context.Context, dst io.Writer, of watermark.Submission, to, purpose string) (*Copy, error) {
	return nil, errors.ErrUnsupported
}
