package registry_test

import (
	"bytes"
	"crypto/ed25519"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/registry"
)

func TestReceipts(t *testing.T) {
	s, cfg, sub := shop(t, "jpeg")
	ctx, r := t.Context(), cfg.Registry
	var out bytes.Buffer
	c, err := s.Issue(ctx, sub.ID, "vendor A", registry.WriteTo(&out), nil)
	require.NoError(t, err)
	other, err := s.Issue(ctx, sub.ID, "vendor A", registry.WriteTo(&out), &registry.IssueOptions{Request: "2"})
	require.NoError(t, err)
	require.Equal(t, "kycmark receipt v1\n"+c.SHA256.String()+"\n"+c.ID.String()+"\n", string(c.ReceiptMessage()))

	good := receiptOf(t, c)
	good.Actor = "ops"
	for _, first := range []bool{true, false} {
		added, err := r.Ledger().AddReceipt(ctx, good)
		require.NoError(t, err)
		require.Equal(t, first, added)
	}
	second := receiptOf(t, c)
	_, err = r.Ledger().AddReceipt(ctx, second)
	require.NoError(t, err)
	size := checkLedger(t, r)
	require.True(t, ed25519.Verify(append([]byte{1}, make([]byte, 31)...), []byte("any text"), append([]byte{1}, make([]byte, 63)...)))
	for name, bad := range map[string]struct {
		x    books.Receipt
		want error
	}{
		"of another copy":  {books.Receipt{Copy: other.ID, PublicKey: good.PublicKey, Signature: good.Signature}, registry.ErrProof},
		"by another":       {books.Receipt{Copy: c.ID, PublicKey: second.PublicKey, Signature: good.Signature}, registry.ErrProof},
		"of no copy":       {books.Receipt{Copy: 1, PublicKey: good.PublicKey, Signature: good.Signature}, registry.ErrNotFound},
		"no key":           {books.Receipt{Copy: c.ID, Signature: good.Signature}, registry.ErrProof},
		"by nobody":        {books.Receipt{Copy: c.ID, PublicKey: books.Digest{1}, Signature: [64]byte{1}}, registry.ErrProof}, // holds for any text
		"by nobody, -0":    {books.Receipt{Copy: c.ID, PublicKey: books.Digest{1, 31: 0x80}, Signature: [64]byte{1}}, registry.ErrProof},
		"no signature":     {books.Receipt{Copy: c.ID, PublicKey: good.PublicKey}, registry.ErrProof},
		"actor in 2 lines": {books.Receipt{Copy: c.ID, PublicKey: good.PublicKey, Signature: good.Signature, Actor: "a\nb"}, registry.ErrInput},
	} {
		_, err := r.Ledger().AddReceipt(ctx, bad.x)
		assert.ErrorIs(t, err, bad.want, name)
	}
	require.Equal(t, size, checkLedger(t, r), "nothing was entered")
	all, err := r.Ledger().Receipts(ctx, c.ID)
	require.NoError(t, err)
	require.Len(t, all, 2)
	require.False(t, all[0].Entered.IsZero())
	good.Entered, good.Salt, good.Seq = all[0].Entered, all[0].Salt, all[0].Seq
	require.Equal(t, good, all[0])
}
