package registry

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/store"
	"github.com/kycmark/kycmark/watermark"
)

// A Receipt is a recipient's signature over the copy that it was handed: it cannot
// say later that it never had these bytes, and the exchange cannot exchange them.
type Receipt struct {
	Copy      watermark.CopyID `json:"copy"`
	PublicKey string           `json:"public_key"` // Ed25519, hex
	Signature string           `json:"signature"`  // of [Copy.ReceiptMessage], hex
	Entered   time.Time        `json:"entered"`    // set by the registry
	Actor     string           `json:"actor,omitempty"`
}

// ReceiptMessage is what the recipient of a copy signs with Ed25519 (RFC 8032, not
// prehashed): three lines, each ended by a line feed: "kycmark receipt v1", the
// SHA-256 of the file received, and the copy's ID, both in lower-case hex.
func (c *Copy) ReceiptMessage() []byte {
	return fmt.Appendf(nil, "kycmark receipt v1\n%s\n%s\n", c.SHA256, c.ID)
}

// AddReceipt enters a receipt after checking it; one that is there already is left
// as it is. A signature that does not hold is an error that wraps [ErrReceipt].
// Whose the public key is, the registry cannot know: it should have come with the
// contract.
func (r *Registry) AddReceipt(ctx context.Context, x Receipt) (added bool, err error) {
	if err := checkText("actor", x.Actor, intake.MaxName); err != nil {
		return false, err
	}
	c, err := r.Copy(ctx, x.Copy)
	if err != nil {
		return false, err
	}
	row, err := x.row()
	if err != nil {
		return false, fmt.Errorf("%w: %w", ErrInput, err)
	}
	if !row.holds(c) {
		return false, fmt.Errorf("%w: it is no signature of copy %s by this key", ErrReceipt, c.ID)
	}
	old, err := r.Receipts(ctx, x.Copy)
	if err != nil {
		return false, err
	}
	for _, o := range old {
		if o.PublicKey == x.PublicKey && o.Signature == x.Signature {
			return false, nil
		}
	}
	row.Entered, row.Salt = r.clock(), newSalt()
	return true, r.store.AddReceipt(ctx, row.Receipt)
}

// Receipts lists the receipts of a copy in the order of entry.
func (r *Registry) Receipts(ctx context.Context, of watermark.CopyID) ([]Receipt, error) {
	rows, err := r.store.Receipts(ctx, uint64(of))
	out := make([]Receipt, len(rows))
	for i, x := range rows {
		out[i] = *publicReceipt(&x)
	}
	return out, err
}

func publicReceipt(x *store.Receipt) *Receipt {
	return &Receipt{
		Copy: watermark.CopyID(x.Copy), PublicKey: hex.EncodeToString(x.PublicKey[:]), Signature: hex.EncodeToString(x.Signature[:]),
		Entered: x.Entered, Actor: x.Actor,
	}
}

type receiptRow struct{ store.Receipt }

// row is the receipt as the registry keeps it, without its salt.
func (x *Receipt) row() (receiptRow, error) {
	row := receiptRow{store.Receipt{Copy: uint64(x.Copy), Entered: timestamp(x.Entered), Actor: x.Actor}}
	return row, errors.Join(
		unhex("public key", row.PublicKey[:], x.PublicKey),
		unhex("signature", row.Signature[:], x.Signature))
}

func (x *receiptRow) holds(c *Copy) bool {
	return ed25519.Verify(x.PublicKey[:], c.ReceiptMessage(), x.Signature[:])
}

// unhex reads a text of exactly as many bytes as dst has, in lower case.
func unhex(what string, dst []byte, s string) error {
	raw, err := hex.DecodeString(s)
	if err != nil || len(raw) != len(dst) || hex.EncodeToString(raw) != s {
		return fmt.Errorf("the %s is not %d lower-case hex digits", what, 2*len(dst))
	}
	copy(dst, raw)
	return nil
}
