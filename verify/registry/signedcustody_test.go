package registry_test

import (
	"crypto/sha256"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/verify/registry/sqlite"
	"github.com/kycmark/kycmark/watermark"
)

// A vendor says in a signed event that it has a picture. The event is entered once, comes back as it was, also from
// a copy of the registry, and is gone with the upload.
func TestSignedCustody(t *testing.T) {
	cfg := leaktest.Config(t)
	ctx, path := t.Context(), filepath.Join(t.TempDir(), "registry.db")
	r, err := registry.Create(ctx, sqlite.At(path), nil)
	require.NoError(t, err)
	defer r.Close()
	cfg.Registry = r
	s := newIssuer(t, cfg)
	sub := submit(t, s, passportFile(t, 1, "jpeg"), "customer-1", feb)
	other := submit(t, s, passportFile(t, 2, "jpeg"), "customer-2", feb)
	require.NoError(t, r.AddRecipient(ctx, books.Recipient{Name: "vendor A", Kind: books.KindVendor}))
	of := func(s *books.Submission) books.Custody {
		return books.Custody{Recipient: "vendor A", From: feb, To: feb, Submissions: []watermark.Submission{s.ID}, Scheme: "sumsub, HMAC", Note: "applicantPending"}
	}
	fact := of(sub)
	event := []byte(`{"type":"applicantPending","externalUserId":"customer-1"}`)
	for _, first := range []bool{true, false, false} {
		entered, err := s.AddSignedCustody(ctx, fact, event)
		require.NoError(t, err)
		require.Equal(t, first, entered)
	}
	entered, err := s.AddSignedCustody(ctx, fact, append(event, ' '))
	require.NoError(t, err)
	require.True(t, entered, "another event")

	second := cfg
	second.Registry, err = registry.Open(ctx, sqlite.At(path))
	require.NoError(t, err)
	defer second.Registry.Close()
	at := []*registry.Issuer{s, newIssuer(t, second)}
	var wg sync.WaitGroup
	var first atomic.Int32
	for n := range 8 { // deliveries at once, to two processes
		wg.Go(func() {
			entered, err := at[n%2].AddSignedCustody(ctx, of(other), event)
			assert.NoError(t, err)
			if entered {
				first.Add(1)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 1, first.Load())
	facts, err := r.Custody(ctx, registry.CustodyFilter{Submission: other.ID})
	require.NoError(t, err)
	require.Len(t, facts, 1)

	facts, err = r.Custody(ctx, registry.CustodyFilter{Submission: sub.ID})
	require.NoError(t, err)
	require.Len(t, facts, 2)
	require.Equal(t, books.Digest(sha256.Sum256(event)), facts[0].Event)
	require.Equal(t, "sumsub, HMAC", facts[0].Scheme)
	got, err := registry.CustodyEvent(ctx, r, cfg.SealKey, facts[0])
	require.NoError(t, err)
	require.Equal(t, event, got)
	swapped := facts[0]
	swapped.Seq = facts[1].Seq
	_, err = registry.CustodyEvent(ctx, r, cfg.SealKey, swapped)
	require.ErrorIs(t, err, registry.ErrTampered, "the event of another fact")
	swapped = facts[0]
	swapped.Submissions = []watermark.Submission{other.ID}
	_, err = registry.CustodyEvent(ctx, r, cfg.SealKey, swapped)
	require.ErrorIs(t, err, registry.ErrSealed, "of another upload")

	for name, c := range map[string]struct {
		change func(*books.Custody)
		event  []byte
		want   error
	}{
		"two uploads":    {func(c *books.Custody) { c.Submissions = append(c.Submissions, other.ID) }, event, registry.ErrInput},
		"no upload":      {func(c *books.Custody) { c.Submissions = nil }, event, registry.ErrInput},
		"through":        {func(c *books.Custody) { c.Through = "vendor B" }, event, registry.ErrInput},
		"no event":       {func(*books.Custody) {}, nil, registry.ErrInput},
		"long event":     {func(*books.Custody) {}, make([]byte, 1<<20+1), registry.ErrInput},
		"no scheme":      {func(c *books.Custody) { c.Scheme = "" }, event, registry.ErrInput},
		"long scheme":    {func(c *books.Custody) { c.Scheme = strings.Repeat("x", 1000) }, event, registry.ErrInput},
		"nobody's":       {func(c *books.Custody) { c.Recipient = "vendor Z" }, event, registry.ErrNotFound},
		"unknown upload": {func(c *books.Custody) { c.Submissions = []watermark.Submission{{9}} }, event, registry.ErrNotFound},
	} {
		wrong := fact
		c.change(&wrong)
		_, err := s.AddSignedCustody(ctx, wrong, c.event)
		require.ErrorIs(t, err, c.want, name)
	}
	require.ErrorIs(t, r.AddCustody(ctx, fact), registry.ErrInput, "an event is stated and not shown")
	checkLedger(t, r)

	copied := filepath.Join(t.TempDir(), "copy.db")
	_, _, err = registry.Clone(ctx, sqlite.At(path), sqlite.At(copied), "", nil)
	require.NoError(t, err)
	again, err := registry.Open(ctx, sqlite.At(copied))
	require.NoError(t, err)
	defer again.Close()
	got, err = registry.CustodyEvent(ctx, again, cfg.SealKey, facts[0])
	require.NoError(t, err)
	require.Equal(t, event, got)

	_, err = r.EraseSubmissions(ctx, []watermark.Submission{sub.ID}, "legal", "")
	require.NoError(t, err)
	_, err = registry.CustodyEvent(ctx, r, cfg.SealKey, facts[0])
	require.ErrorIs(t, err, registry.ErrNotFound)
	facts, err = r.Custody(ctx, registry.CustodyFilter{Submission: sub.ID})
	require.NoError(t, err)
	require.Len(t, facts, 2, "the fact stays, and with it the digest of the event")
	checkLedger(t, r)
}
