package registry

import (
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/internal/sealing"
)

// maxEvent is how long a signed event may be, bytes. Chosen: events of capture vendors have some kilobytes.
const maxEvent = 1 << 20

// AddSignedCustody enters a fact of custody that rests on a signed event of its recipient, such as a vendor that
// captured the picture. c lists the one upload that the fact is about, and c.Scheme says how the event is signed: the
// caller has checked the signature. event is what was received, at most 1 MiB. It is kept, sealed, until the upload is
// erased; the ledger commits to its SHA-256. An event of the same recipient on the same upload is entered once, and
// entered is false from the second time on. The error is as that of [Registry.AddCustody] for the fact. It wraps
// [ErrSealed] if nothing of the upload is sealed.
func (i *Issuer) AddSignedCustody(ctx context.Context, c books.Custody, event []byte) (entered bool, err error) {
	switch {
	case len(c.Submissions) != 1 || c.Through != "":
		return false, fmt.Errorf("%w: custody by an event: %d uploads, want 1 that was held unmarked", ErrInput, len(c.Submissions))
	case len(event) == 0 || len(event) > maxEvent || c.Scheme == "":
		return false, fmt.Errorf("%w: custody by an event: %d bytes, signed %q, want 1 to %d bytes and how they are signed", ErrInput, len(event), c.Scheme, maxEvent)
	}
	r, of, scheme := i.cfg.Registry, c.Submissions[0], c.Scheme
	c.Event, c.Scheme = books.Digest{}, ""
	if c, err = r.checkCustody(ctx, c); err != nil {
		return false, err
	}
	if err := records.CheckText("scheme", scheme, intake.MaxName); err != nil {
		return false, err
	}
	c.Event, c.Scheme = sha256.Sum256(event), scheme
	x, err := r.store.Sealed(ctx, of, false)
	if err != nil {
		return false, fmt.Errorf("submission %s: %w", of, err)
	}
	sealed, err := sealing.SealAgain(i.cfg.SealKey, of, x, sealing.Event, event)
	if err != nil {
		return false, fmt.Errorf("submission %s: %w", of, err)
	}
	return r.store.AddSignedCustody(ctx, c, sealed)
}

// CustodyEvent opens the signed event that a fact of custody of one upload rests on, as it was received. The error
// wraps [ErrNotFound] if the fact rests on none, and [ErrSealed] if the event was altered, or its upload erased.
func CustodyEvent(ctx context.Context, r *Registry, key *SealKey, c books.Custody) ([]byte, error) {
	if len(c.Submissions) != 1 || c.Event == (books.Digest{}) {
		return nil, fmt.Errorf("%w: the custody of entry %d rests on no event", ErrNotFound, c.Seq)
	}
	of := c.Submissions[0]
	sealed, err := r.store.CustodyEvent(ctx, c.Seq)
	if err != nil {
		return nil, err
	}
	x, err := r.store.Sealed(ctx, of, false)
	if err != nil {
		return nil, fmt.Errorf("submission %s: %w", of, err)
	}
	event, err := sealing.OpenOther(key, of, x, sealing.Event, sealed)
	if err == nil && sha256.Sum256(event) != c.Event {
		err = fmt.Errorf("%w: its event is not the one of entry %d", ErrTampered, c.Seq)
	}
	if err != nil {
		return nil, fmt.Errorf("submission %s: %w", of, err)
	}
	return event, nil
}
