package registry_test

import (
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/verify/registry/sqlite"
	"github.com/kycmark/kycmark/watermark"
)

// employ enters vendors and a reviewer of the first.
func employ(t *testing.T, r *registry.Registry) {
	t.Helper()
	for _, name := range []string{"vendor-a", "vendor-b"} {
		require.NoError(t, r.AddRecipient(t.Context(), books.Recipient{Name: name, Kind: books.KindVendor}))
	}
	require.NoError(t, r.AddRecipient(t.Context(), books.Recipient{Name: "Ada Lovelace", Kind: books.KindReviewer, Of: "vendor-a"}))
}

func theRecipient(t *testing.T, r *registry.Registry, name string) books.Recipient {
	t.Helper()
	all, err := r.Recipients(t.Context())
	require.NoError(t, err)
	for _, x := range all {
		if x.Name == name {
			return x
		}
	}
	require.Fail(t, "no such recipient", name)
	return books.Recipient{}
}

// An employer is there before its reviewers, and is no reviewer: so there are no chains and no cycles. It never changes.
func TestEmployersOfReviewers(t *testing.T) {
	r, ctx := leaktest.NewRegistry(t), t.Context()
	employ(t, r)
	add := func(name, kind, of string) error {
		return r.AddRecipient(ctx, books.Recipient{Name: name, Kind: kind, Of: of})
	}
	require.NoError(t, add("Ada Lovelace", books.KindReviewer, "vendor-a"), "again")
	require.ErrorIs(t, add("Bea", books.KindReviewer, "nobody else"), registry.ErrNotFound)
	err := add("Bea", books.KindReviewer, "Ada Lovelace")
	require.ErrorIs(t, err, registry.ErrInput)
	require.ErrorContains(t, err, `employer "Ada Lovelace" of recipient "Bea" is a reviewer itself`)
	require.NoError(t, add("own reviewer", books.KindReviewer, ""))
	require.ErrorIs(t, add("Bea", books.KindReviewer, "own reviewer"), registry.ErrInput)
	require.ErrorIs(t, add("Bea", books.KindReviewer, "Bea"), registry.ErrNotFound)
	require.ErrorIs(t, add("vendor-c", books.KindVendor, "vendor-a"), registry.ErrInput)
	err = add("Ada Lovelace", books.KindReviewer, "vendor-b")
	require.ErrorIs(t, err, registry.ErrConflict)
	require.ErrorContains(t, err, "a person who moves is another recipient")
	require.ErrorIs(t, add("vendor-b", books.KindVendor, "vendor-a"), registry.ErrInput)
	ada := theRecipient(t, r, "Ada Lovelace")
	require.Equal(t, "vendor-a", ada.Of)
	require.Regexp(t, "^reviewer-[0-9a-f]{16}$", ada.Ref)
	require.EqualValues(t, 1+2+2, checkLedger(t, r), "nothing else was entered")
}

// A copy of a reviewer is the employer's. It stays so when the person moves and gets a copy at another employer.
func TestCopiesOfReviewersAreTheirEmployers(t *testing.T) {
	s, cfg, sub := shop(t, "jpeg")
	ctx := t.Context()
	employ(t, cfg.Registry)
	require.NoError(t, cfg.Registry.AddRecipient(ctx, books.Recipient{Name: "Ada Lovelace at B", Kind: books.KindReviewer, Of: "vendor-b"}))
	issue := func(to string) *books.Copy {
		c, err := s.Issue(ctx, sub.ID, to, registry.WriteTo(io.Discard), nil)
		require.NoError(t, err)
		return c
	}
	first, moved, own := issue("Ada Lovelace"), issue("Ada Lovelace at B"), issue("vendor-a")
	ada := theRecipient(t, cfg.Registry, "Ada Lovelace")
	assert.Equal(t, []string{"vendor-a", ada.Ref}, []string{first.Recipient, first.Reviewer})
	assert.Equal(t, "vendor-b", moved.Recipient)
	assert.Empty(t, own.Reviewer)
	assert.Len(t, map[any]bool{first.ID: true, moved.ID: true, own.ID: true}, 3)
	again, err := s.Copy(ctx, sub.ID, "Ada Lovelace", nil)
	require.NoError(t, err)
	assert.Equal(t, first.ID, again.ID)

	held := books.Custody{Recipient: "Ada Lovelace", From: feb, To: feb.AddDate(0, 1, 0)}
	require.NoError(t, cfg.Registry.AddCustody(ctx, held))
	all, err := cfg.Registry.Custody(ctx, registry.CustodyFilter{Recipient: "vendor-a"})
	require.NoError(t, err)
	require.Len(t, all, 1)
	assert.Equal(t, []string{"vendor-a", ada.Ref}, []string{all[0].Recipient, all[0].Reviewer})
	hers, err := cfg.Registry.Custody(ctx, registry.CustodyFilter{Recipient: "Ada Lovelace"})
	require.NoError(t, err)
	assert.Equal(t, all, hers)
	held.Recipient, held.Through = "vendor-b", "Ada Lovelace"
	require.ErrorContains(t, cfg.Registry.AddCustody(ctx, held), `"Ada Lovelace" is a reviewer, want its employer "vendor-a"`)
	held.Recipient, held.Through = "Ada Lovelace", "vendor-a"
	require.ErrorIs(t, cfg.Registry.AddCustody(ctx, held), registry.ErrInput, "of its own employer")
	checkLedger(t, cfg.Registry)
}

// The name of a reviewer goes from all files of the registry, its lists and proofs. Copies and ledger stay.
func TestEraseReviewer(t *testing.T) {
	dir := t.TempDir()
	r, err := registry.Create(t.Context(), sqlite.At(filepath.Join(dir, "kyc.db")), nil)
	require.NoError(t, err)
	t.Cleanup(func() { r.Close() })
	s := newIssuer(t, registry.Config{Registry: r, Key: leaktest.Key(), SealKey: leaktest.SealKey()})
	s.SetMark(unmarkedMark)
	ctx := t.Context()
	employ(t, r)
	sub := submit(t, s, passportFile(t, 1, "jpeg"), "customer 1", feb)
	c, err := s.Issue(ctx, sub.ID, "Ada Lovelace", registry.WriteTo(io.Discard), nil)
	require.NoError(t, err)
	ref := theRecipient(t, r, "Ada Lovelace").Ref
	files := func() (all []byte) {
		paths, err := filepath.Glob(filepath.Join(dir, "*"))
		require.NoError(t, err)
		for _, path := range paths {
			if info, err := os.Stat(path); err == nil && !info.IsDir() {
				all = append(all, readFile(t, path)...)
			}
		}
		return all
	}
	require.Contains(t, string(files()), "Ada Lovelace", "it is looked for as it is written")

	require.ErrorIs(t, r.EraseRecipient(ctx, "vendor-a", "", ""), registry.ErrInput)
	require.ErrorIs(t, r.EraseRecipient(ctx, "Bea", "", ""), registry.ErrNotFound)
	require.NoError(t, r.EraseRecipient(ctx, "Ada Lovelace", "privacy desk", "request 45"))
	require.NotContains(t, string(files()), "Ada Lovelace")
	require.ErrorIs(t, r.EraseRecipient(ctx, "Ada Lovelace", "", ""), registry.ErrNotFound)
	require.ErrorIs(t, r.EraseRecipient(ctx, ref, "", ""), registry.ErrErased)

	gone := theRecipient(t, r, ref)
	assert.True(t, gone.Erased())
	assert.Equal(t, "vendor-a", gone.Of)
	old, err := r.Copy(ctx, c.ID)
	require.NoError(t, err)
	assert.Equal(t, []string{"vendor-a", ref}, []string{old.Recipient, old.Reviewer})
	_, err = s.Issue(ctx, sub.ID, ref, registry.WriteTo(io.Discard), nil)
	require.ErrorIs(t, err, registry.ErrErased)
	checkLedger(t, r)

	backup := filepath.Join(t.TempDir(), "copy.db")
	_, _, err = registry.Clone(ctx, sqlite.At(filepath.Join(dir, "kyc.db")), sqlite.At(backup), "", nil)
	require.NoError(t, err)
	require.NotContains(t, string(readFile(t, backup)), "Ada Lovelace")

	require.NoError(t, r.AddRecipient(ctx, books.Recipient{Name: "Ada Lovelace", Kind: books.KindReviewer, Of: "vendor-a"}), "another person of that name")
	again, err := s.Issue(ctx, sub.ID, "Ada Lovelace", registry.WriteTo(io.Discard), nil)
	require.NoError(t, err)
	assert.NotEqual(t, c.ID, again.ID)
	checkLedger(t, r)
}

// Opponent's story: a registry comes back from a backup without vendor-b, who has copies. The next party of that name had the IDs
// of these copies, and was named when they leaked. A party that the backup has gets the copies that it had.
func TestRestoredBackup(t *testing.T) {
	t.Parallel()
	ctx, dir := t.Context(), t.TempDir()
	lived, backup := sqlite.At(filepath.Join(dir, "kyc.db")), sqlite.At(filepath.Join(dir, "backup.db"))
	r, err := registry.Create(ctx, lived, nil)
	require.NoError(t, err)
	defer r.Close()
	cfg := leaktest.Config(t)
	cfg.Registry = r
	require.NoError(t, r.AddRecipient(ctx, books.Recipient{Name: "vendor-a", Kind: books.KindVendor}))
	of := submit(t, newIssuer(t, cfg), passportFile(t, 1, "jpeg"), "customer", time.Now())
	_, _, err = registry.Clone(ctx, lived, backup, "", nil)
	require.NoError(t, err)
	restored, err := registry.Open(ctx, backup)
	require.NoError(t, err)
	defer restored.Close()
	ids := map[string][]watermark.CopyID{}
	for _, cfg.Registry = range []*registry.Registry{r, restored} {
		s := newIssuer(t, cfg)
		require.NoError(t, cfg.Registry.AddRecipient(ctx, books.Recipient{Name: "vendor-b", Kind: books.KindVendor}))
		for _, to := range []string{"vendor-a", "vendor-b"} {
			c, err := s.Issue(ctx, of.ID, to, registry.WriteTo(io.Discard), &registry.IssueOptions{AllowWeak: true})
			require.NoError(t, err)
			ids[to] = append(ids[to], c.ID)
		}
	}
	assert.Equal(t, ids["vendor-a"][0], ids["vendor-a"][1])
	assert.NotEqual(t, ids["vendor-b"][0], ids["vendor-b"][1])
}
