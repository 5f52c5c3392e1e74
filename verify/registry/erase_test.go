package registry_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/verify/registry/sqlite"
	"github.com/kycmark/kycmark/watermark"
)

// A cutOff store erases, and cannot clean up before its caller gives up.
type cutOff struct {
	records.Store
	cancel func()
}

func (c cutOff) Erase(ctx context.Context, e records.Erasure) error {
	err := c.Store.Erase(ctx, e)
	c.cancel()
	return errors.Join(err, ctx.Err())
}

// What was erased is said also to who gave up meanwhile.
func TestErasedThoughCancelled(t *testing.T) {
	cfg := leaktest.Config(t)
	sub := submit(t, newIssuer(t, cfg), passportFile(t, 1, "jpeg"), "customer 17", feb)
	ctx, cancel := context.WithCancel(t.Context())
	cfg.Registry.Wrap(func(s records.Store) records.Store { return cutOff{s, cancel} })
	ids, err := cfg.Registry.Erase(ctx, "customer 17", "", "")
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, []watermark.Submission{sub.ID}, ids)
}

// What the erased person's upload left nowhere in the file and beside it.
func TestEraseLeavesNoBytes(t *testing.T) {
	t.Run("clear hashes", func(t *testing.T) { eraseLeavesNoBytes(t, false) })
	t.Run("sealed hashes", func(t *testing.T) { eraseLeavesNoBytes(t, true) })
}

func eraseLeavesNoBytes(t *testing.T, sealHashes bool) {
	path := filepath.Join(t.TempDir(), "kyc.db")
	r, err := registry.Create(t.Context(), sqlite.At(path), &registry.CreateOptions{SealHashes: sealHashes})
	require.NoError(t, err)
	defer r.Close()
	s := newIssuer(t, registry.Config{Registry: r, SealKey: leaktest.SealKey()})
	ctx := t.Context()
	const subject = "customer-4711"
	var traces []trace
	for p := range uint64(6) {
		subjects := map[bool]string{true: subject, false: "customer-1"}
		sub := submit(t, s, passportFile(t, p+1, "jpeg"), subjects[p%2 == 0], feb)
		if p%2 == 0 {
			traces = append(traces, tracesOf(t, r, sub)...)
		}
	}
	traces = append(traces, trace{"subject reference", []byte(subject)})
	files := func() string {
		var all strings.Builder
		for _, tail := range []string{"", "-wal", "-shm"} {
			data, err := os.ReadFile(path + tail)
			if !os.IsNotExist(err) {
				require.NoError(t, err)
			}
			all.Write(data)
		}
		return all.String()
	}
	before := files()
	for _, x := range traces {
		require.Contains(t, before, string(x.bytes), "%s is looked for as it is written", x.what)
	}
	ids, err := r.Erase(ctx, subject, "privacy desk", "request 44")
	require.NoError(t, err)
	require.Len(t, ids, 3)
	after := files()
	for _, x := range traces {
		assert.NotContains(t, after, string(x.bytes), x.what)
	}
	checkLedger(t, r)
	_, err = r.Erase(ctx, subject, "", "")
	require.ErrorIs(t, err, registry.ErrNotFound)
	require.NoError(t, r.Close())
	closed := files()
	for _, x := range traces {
		assert.NotContains(t, closed, string(x.bytes), "%s, closed", x.what)
	}
}

type trace struct {
	what  string
	bytes []byte
}

func tracesOf(t *testing.T, r *registry.Registry, sub *books.Submission) []trace {
	t.Helper()
	row, err := r.Inner().Submission(t.Context(), sub.ID)
	require.NoError(t, err)
	x, err := r.Inner().Sealed(t.Context(), sub.ID, true)
	require.NoError(t, err)
	require.Greater(t, len(x.Body), 20_000)
	out := []trace{
		{"hash", []byte(row.Hash)}, {"area hash", []byte(row.Area)}, {"sealed hashes", x.Hashes},
		{"digest", sub.SHA256[:]}, {"salt", row.Salt[:]}, {"data key", x.Wrapped}, {"features", x.Features[:32]}, {"features' end", x.Features[len(x.Features)-32:]},
	}
	out = slices.DeleteFunc(out, func(x trace) bool { return len(x.bytes) == 0 }) // hashes are clear or sealed
	for at := 0; at+24 < len(x.Body); at += 5000 {
		out = append(out, trace{"sealed original", x.Body[at : at+24]})
	}
	return out
}

func TestErase(t *testing.T) {
	s, cfg, sub := shop(t, "jpeg")
	ctx, r := t.Context(), cfg.Registry
	second := submit(t, s, passportFile(t, 2, "jpeg"), "customer 17", feb)
	other := submit(t, s, passportFile(t, 3, "jpeg"), "customer 18", feb)
	issued, err := s.Issue(ctx, sub.ID, "vendor A", registry.WriteTo(io.Discard), &registry.IssueOptions{Purpose: "request 7"})
	require.NoError(t, err)

	_, err = r.Erase(ctx, "", "", "")
	require.ErrorIs(t, err, registry.ErrInput)
	for _, text := range []string{"\x00", "a\nb"} { // which PostgreSQL would refuse as an error of its own
		_, err = r.Erase(ctx, text, "", "")
		require.ErrorIs(t, err, registry.ErrInput)
		_, err = r.SubmissionsOf(ctx, text)
		require.ErrorIs(t, err, registry.ErrInput)
	}
	_, err = r.Erase(ctx, "nobody", "", "")
	require.ErrorIs(t, err, registry.ErrNotFound)
	subs, err := r.SubmissionsOf(ctx, "customer 17")
	require.NoError(t, err)
	require.Len(t, subs, 2)
	ids, err := r.Erase(ctx, "customer 17", "privacy desk", "request 44")
	require.NoError(t, err)
	require.Equal(t, []watermark.Submission{sub.ID, second.ID}, ids)
	checkLedger(t, r)

	still, err := r.Copy(ctx, issued.ID)
	require.NoError(t, err)
	requireSame(t, issued, still, "recipient and time are still known")
	left, err := r.Submission(ctx, sub.ID)
	require.ErrorIs(t, err, registry.ErrErased)
	require.True(t, left.Erased)
	require.Empty(t, left.Subject+left.Hash)
	for left := range r.Submissions(ctx, feb) {
		require.Equal(t, other.ID, left.ID, "walks pass it over")
	}
	_, _, err = s.Submit(ctx, bytes.NewReader(file(t, thumb(1), "jpeg")), "customer 17", feb, nil)
	require.ErrorIs(t, err, registry.ErrErased, "it does not come back unnoticed")
	_, err = s.Issue(ctx, sub.ID, "vendor A", registry.WriteTo(io.Discard), nil)
	require.Error(t, err)
}

// Uploads without a subject are erased by their IDs, all that are named or none.
func TestEraseSubmissions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kyc.db")
	r, err := registry.Create(t.Context(), sqlite.At(path), nil)
	require.NoError(t, err)
	defer r.Close()
	s := newIssuer(t, registry.Config{Registry: r, SealKey: leaktest.SealKey()})
	ctx := t.Context()
	one := submit(t, s, passportFile(t, 1, "jpeg"), "", feb)
	two := submit(t, s, passportFile(t, 2, "jpeg"), "customer 1", feb)
	gone := append(tracesOf(t, r, one), tracesOf(t, r, two)...)

	_, err = r.EraseSubmissions(ctx, nil, "", "")
	require.ErrorIs(t, err, registry.ErrInput)
	_, err = r.EraseSubmissions(ctx, []watermark.Submission{one.ID}, "", "a\x07b")
	require.ErrorIs(t, err, registry.ErrInput)
	ids, err := r.EraseSubmissions(ctx, []watermark.Submission{one.ID, {1}}, "", "")
	require.ErrorIs(t, err, registry.ErrNotFound)
	require.Empty(t, ids)
	_, err = r.Submission(ctx, one.ID)
	require.NoError(t, err, "all or none")
	before, _, err := r.Ledger().Head(ctx)
	require.NoError(t, err)

	ids, err = r.EraseSubmissions(ctx, []watermark.Submission{two.ID, one.ID, two.ID}, "privacy desk", "request 45")
	require.NoError(t, err)
	require.ElementsMatch(t, []watermark.Submission{one.ID, two.ID}, ids)
	require.EqualValues(t, before+1, checkLedger(t, r), "one entry")
	for _, id := range ids {
		left, err := r.Submission(ctx, id)
		require.ErrorIs(t, err, registry.ErrErased)
		require.Empty(t, left.Subject+left.Hash)
	}
	var files strings.Builder
	for _, tail := range []string{"", "-wal"} {
		data, err := os.ReadFile(path + tail)
		require.NoError(t, err)
		files.Write(data)
	}
	for _, x := range gone {
		assert.NotContains(t, files.String(), string(x.bytes), x.what)
	}
	_, err = r.EraseSubmissions(ctx, []watermark.Submission{one.ID}, "", "")
	require.ErrorIs(t, err, registry.ErrErased)
}

// However many erase at once, each upload is erased once and the ledger holds.
func TestErasingAtOnce(t *testing.T) {
	cfg := leaktest.Config(t)
	s := newIssuer(t, cfg)
	for p := range uint64(4) {
		submit(t, s, passportFile(t, p+1, "jpeg"), "customer 1", feb)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	total := 0
	for range 8 {
		wg.Go(func() {
			ids, err := cfg.Registry.Erase(t.Context(), "customer 1", "", "")
			mu.Lock()
			defer mu.Unlock()
			if len(ids) == 0 {
				assert.ErrorIs(t, err, registry.ErrNotFound)
			} else {
				assert.NoError(t, err)
			}
			total += len(ids)
		})
	}
	wg.Wait()
	require.Equal(t, 4, total)
	checkLedger(t, cfg.Registry)
}
