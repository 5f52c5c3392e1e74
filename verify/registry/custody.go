package registry

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/kycmark/kycmark/internal/books"
	"github.com/kycmark/kycmark/watermark"
)

// AddCustody enters a custody fact. Its time of entry is recorded: a fact that is entered after
// a leak was found is not admissible against it, unless the holder had signed it before. The error
// wraps [ErrNotFound] if the recipient or a submission is not there. It wraps [ErrInput] if times are
// out of order or of years outside 0 to 9999, or a text is too long. Erased submissions are allowed.
//
// A countersigned fact has c.Signed, and no list of submissions. The error wraps [ErrReceipt] if the
// signature is not of [Custody.Message], or if the key signed no receipt of the recipient. Known is set. The caller must have checked Stamp, which Dated is of.
func (r *Registry) AddCustody(ctx context.Context, c Custody) error {
	row, err := r.checkCustody(ctx, c)
	if err != nil {
		return err
	}
	return r.store.AddCustody(ctx, row)
}

// ImportCustody enters many facts and returns how many were new. Facts that say the same as an
// entered or an earlier fact are left out. If any fact is unusable, no fact is entered, and err
// is nil. wrong then holds, for each fact, what is wrong, or nil for a good fact; else wrong is
// nil.
func (r *Registry) ImportCustody(ctx context.Context, facts []Custody) (added int, wrong []error, err error) {
	there, err := r.store.Custody(ctx)
	if err != nil {
		return 0, nil, err
	}
	known := make(map[[32]byte]bool)
	for _, c := range there {
		known[said(c)] = true
	}
	var rows []books.Custody
	wrong = make([]error, len(facts))
	for i, c := range facts {
		row, err := r.checkCustody(ctx, c)
		if err != nil && !errors.Is(err, ErrInput) && !errors.Is(err, ErrNotFound) {
			return 0, nil, err
		}
		wrong[i] = err
		if !known[said(row)] {
			rows, known[said(row)] = append(rows, row), true
		}
	}
	if slices.ContainsFunc(wrong, func(err error) bool { return err != nil }) {
		return 0, wrong, nil
	}
	return len(rows), nil, r.store.AddCustody(ctx, rows...)
}

// checkCustody checks a fact and returns it ready for the store: times in whole microseconds,
// the list sorted, Entered and Salt set. It enters nothing. The error wraps [ErrInput], or
// [ErrNotFound] if the recipient or a listed submission is not there.
func (r *Registry) checkCustody(ctx context.Context, c Custody) (Custody, error) {
	if err := errors.Join(checkTime("begin of custody", c.From), checkTime("end of custody", c.To)); err != nil {
		return Custody{}, err
	}
	c.From, c.To, c.Entered, c.Salt = books.Timestamp(c.From), books.Timestamp(c.To), r.clock(), books.NewSalt()
	if err := checkNote(c.Actor, c.Note); err != nil {
		return c, err
	}
	if c.To.Before(c.From) {
		return c, fmt.Errorf("%w: custody ends (%s) before it begins (%s)", ErrInput, day(c.To), day(c.From))
	}
	if err := r.checkRecipient(ctx, c.Recipient); err != nil {
		return c, err
	}
	for _, s := range c.Submissions {
		if _, err := r.Submission(ctx, s); err != nil && !errors.Is(err, ErrErased) {
			return c, err
		}
	}
	c.Submissions = books.Ascending(c.Submissions)
	return c, r.checkSigned(ctx, &c)
}

// checkSigned checks the countersignature of a fact, if it has one, and sets Known.
func (r *Registry) checkSigned(ctx context.Context, c *Custody) error {
	s := &c.Signed
	if s.Known = (time.Time{}); s.PublicKey == (Digest{}) {
		c.Signed = books.Countersignature{}
		return nil
	}
	switch {
	case len(c.Submissions) > 0:
		return fmt.Errorf("%w: a list of submissions cannot be countersigned", ErrInput)
	case len(s.Stamp) == 0 || len(s.Stamp) > maxStamp:
		return fmt.Errorf("%w: a timestamp of %d bytes", ErrInput, len(s.Stamp))
	case !countersigned(c):
		return fmt.Errorf("%w: it is no signature of this custody by this key", ErrReceipt)
	}
	receipts, err := r.store.ReceiptsBy(ctx, c.Recipient, s.PublicKey)
	if err != nil {
		return err
	}
	if len(receipts) == 0 {
		return fmt.Errorf("%w: this key signed no receipt of a copy that was issued to %s: it may be the key of another", ErrReceipt, c.Recipient)
	}
	s.Dated, s.Known = books.Timestamp(s.Dated), receipts[0].Entered
	return checkTime("timestamp", s.Dated)
}

// countersigned reports whether the signature of a fact is by its key.
func countersigned(c *Custody) bool {
	return ed25519.Verify(c.Signed.PublicKey[:], c.Message(), c.Signed.Signature[:])
}

// said returns the same digest for facts that say the same, regardless of who entered them
// and when.
func said(c books.Custody) [32]byte {
	c.Actor, c.Entered, c.Salt = "", time.Time{}, books.Salt{}
	return c.LedgerEntry().Commitment
}

// A CustodyFilter selects facts of custody. The zero CustodyFilter selects all of them; at
// most one of its fields is set.
type CustodyFilter struct {
	Submission watermark.Submission // facts that cover this upload
	Recipient  string               // facts about this recipient
}

// Custody lists the facts of custody that the filter selects, in the order of entry. For one
// submission, the lists of the facts hold that submission alone, since the others do not concern
// it. The error wraps [ErrNotFound] if there is no such recipient or submission, and [ErrInput] if both
// fields of the filter are set.
func (r *Registry) Custody(ctx context.Context, which CustodyFilter) ([]Custody, error) {
	switch {
	case which.Submission != (watermark.Submission{}) && which.Recipient != "":
		return nil, fmt.Errorf("%w: custody of one submission and by one recipient at once", ErrInput)
	case which.Submission != (watermark.Submission{}):
		return r.store.CustodyOf(ctx, which.Submission)
	case which.Recipient == "":
		return r.store.Custody(ctx)
	}
	if err := r.checkRecipient(ctx, which.Recipient); err != nil {
		return nil, err
	}
	return r.store.CustodyBy(ctx, which.Recipient)
}

// day writes the day of a time in UTC: "2018-02-28".
func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
