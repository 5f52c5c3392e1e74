package seal_test

import (
	"crypto/sha256"
	"crypto/x509"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/seal"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/verify/registry/sqlite"
)

// Custody counts from the first timestamp of a trusted authority over its entry: a fact that was entered after a find, by a
// clock that was behind, does not. What another authority dates, or what was dated for another checkpoint, bounds nothing.
func TestTimestampsBoundCustody(t *testing.T) {
	ctx := t.Context()
	r, err := registry.Create(ctx, sqlite.At(filepath.Join(t.TempDir(), "kyc.db")), nil)
	require.NoError(t, err)
	defer r.Close()
	private, public, err := r.Ledger().GenerateKey(ctx)
	require.NoError(t, err)
	require.NoError(t, r.AddRecipient(ctx, books.Recipient{Name: "vendor", Kind: books.KindVendor}))
	trusted, other := newAuthority(t, nil), newAuthority(t, nil)
	trust := seal.Bounds([]*x509.Certificate{trusted.root})

	feb := time.Date(2018, 2, 1, 0, 0, 0, 0, time.UTC)
	enter := func(note string) *books.Checkpoint {
		require.NoError(t, r.AddCustody(ctx, books.Custody{Recipient: "vendor", From: feb, To: feb.AddDate(0, 1, 0), Note: note}))
		c, err := r.Ledger().Sign(ctx, private)
		require.NoError(t, err)
		return c
	}
	date := func(c *books.Checkpoint, by *authority, body []byte, at time.Time) {
		by.time = at
		_, err := r.Ledger().AddStamp(ctx, c.Size, by.stamp(t, sha256.Sum256(body)), at)
		require.NoError(t, err)
	}
	facts := func() []books.Custody {
		all, err := r.Custody(ctx, registry.CustodyFilter{})
		require.NoError(t, err)
		return all
	}
	found := stamped.AddDate(0, 0, 10)

	first := enter("honest")
	date(first, trusted, first.Body(), stamped.Add(time.Minute))
	r.TrustTimestamps(trust)
	require.Equal(t, stamped.Add(time.Minute+time.Second), facts()[0].Proven, "with the accuracy that the authority states")
	require.True(t, facts()[0].Before(found))

	late := enter("backdated") // the clock of the registry is a month behind
	require.True(t, facts()[1].Unproven)
	date(late, other, late.Body(), stamped.Add(2*time.Minute))
	require.True(t, facts()[1].Unproven, "anybody can have an authority")
	date(late, trusted, first.Body(), stamped.Add(3*time.Minute))
	require.True(t, facts()[1].Unproven, "it dates another state")
	require.False(t, facts()[1].Before(found))
	date(late, trusted, late.Body(), stamped.AddDate(0, 1, 0))
	require.Equal(t, stamped.AddDate(0, 1, 0).Add(time.Second), facts()[1].Proven)
	require.False(t, facts()[1].Before(found), "it was dated after the find")
	require.True(t, facts()[0].Before(found))

	enter("later")
	a, err := r.Ledger().Audit(ctx, registry.AuditOptions{Keys: []string{public}})
	require.NoError(t, err)
	require.True(t, a.Holds, a.Problems)
	require.NotEmpty(t, a.Clock)
	require.Contains(t, a.Clock[0], "although an authority dated the ")
	require.Contains(t, a.Clock[0], "it does not count, since no trusted witness or authority dated it")

	r.TrustTimestamps(seal.Bounds([]*x509.Certificate{other.root}))
	require.Equal(t, stamped.Add(2*time.Minute+time.Second), facts()[0].Proven, "an earlier state is in a later one")
	r.TrustTimestamps(nil)
	require.Zero(t, facts()[0].Proven)
	require.True(t, facts()[1].Before(found), "nobody says more than the clock")
}
