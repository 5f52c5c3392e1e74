package registry

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"slices"

	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/watermark"
)

// AddReceipt checks a recipient's signature over a copy and enters it; Entered is set. If a receipt with the same key
// and signature is there, nothing changes, and added is false. The error wraps [ErrNotFound] if the copy x.Copy is not
// there, and [ErrProof] if the signature is not of [books.Copy.ReceiptMessage] by x.PublicKey. AddReceipt does not check
// whose key this is: the key should have come with the recipient's contract. A copy whose release was not confirmed is
// then released.
func (l *Ledger) AddReceipt(ctx context.Context, x books.Receipt) (added bool, err error) {
	if err := records.CheckText("actor", x.Actor, intake.MaxName); err != nil {
		return false, err
	}
	c, err := l.r.Copy(ctx, x.Copy)
	if err != nil {
		return false, err
	}
	if !signs(&x, c) {
		return false, fmt.Errorf("%w: it is no signature of copy %s by this key", errReceipt, c.ID)
	}
	old, err := l.Receipts(ctx, x.Copy)
	if err != nil {
		return false, err
	}
	if there := slices.ContainsFunc(old, func(o books.Receipt) bool { return o.PublicKey == x.PublicKey && o.Signature == x.Signature }); !there {
		x.Entered, x.Salt = l.r.clock(), records.NewSalt()
		err, added = l.r.store.AddReceipt(ctx, x), true
	}
	if err == nil && c.State != books.CopyReleased {
		_, err = l.release(ctx, c, books.Release{State: books.CopyReleased, Note: "its recipient signed a receipt", Actor: x.Actor}, false)
	}
	return added && err == nil, err
}

// Receipts lists the receipts of a copy in the order of entry.
func (l *Ledger) Receipts(ctx context.Context, of watermark.CopyID) ([]books.Receipt, error) {
	return l.r.store.Receipts(ctx, of)
}

// signs reports whether x.Signature is over the copy c, by the key x.PublicKey.
func signs(x *books.Receipt, c *books.Copy) bool {
	return ed25519.Verify(x.PublicKey[:], c.ReceiptMessage(), x.Signature[:])
}
