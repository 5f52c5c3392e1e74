package registry_test

import (
	"context"
	"io"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/verify/registry/sqlite"
)

// readOnly is a registry with one upload and a copy of it, open for investigation only.
func readOnly(t *testing.T) registry.Config {
	t.Helper()
	dsn := sqlite.At(filepath.Join(t.TempDir(), "kyc.db"))
	cfg := leaktest.Config(t)
	r, err := registry.Create(t.Context(), dsn, nil)
	require.NoError(t, err)
	cfg.Registry = r
	s := newIssuer(t, cfg)
	s.SetMark(unmarkedMark)
	sub := submit(t, s, file(t, thumb(1), "jpeg"), "customer 1", feb)
	require.NoError(t, r.AddRecipient(t.Context(), books.Recipient{Name: "vendor A", Kind: books.KindVendor}))
	_, err = s.Issue(t.Context(), sub.ID, "vendor A", registry.WriteTo(io.Discard), nil)
	require.NoError(t, err)
	require.NoError(t, r.Close())
	cfg.Registry, err = registry.OpenForInvestigation(t.Context(), dsn)
	require.NoError(t, err)
	t.Cleanup(func() { cfg.Registry.Close() })
	return cfg
}

func TestInvestigationsOnly(t *testing.T) {
	cfg := readOnly(t)
	ctx, r := t.Context(), cfg.Registry
	_, err := registry.NewIssuer(cfg)
	require.ErrorIs(t, err, registry.ErrRefused)
	private, _, err := r.Ledger().GenerateKey(ctx)
	require.NoError(t, err)
	for name, try := range map[string]func() error{
		"recipient":  func() error { return r.AddRecipient(ctx, books.Recipient{Name: "x", Kind: books.KindVendor}) },
		"custody":    func() error { return r.AddCustody(ctx, books.Custody{Recipient: "vendor A"}) },
		"mark key":   func() error { _, err := r.Ledger().AddMarkKey(ctx, leaktest.Key()); return err },
		"erasure":    func() error { _, err := r.Erase(ctx, "customer 1", "", ""); return err },
		"checkpoint": func() error { _, err := r.Ledger().Sign(ctx, private); return err },
	} {
		assert.ErrorIs(t, try(), registry.ErrRefused, name)
	}
	size := checkLedger(t, r)
	for c, err := range r.AllCopies(ctx) {
		require.NoError(t, err)
		added, err := r.Ledger().AddReceipt(ctx, receiptOf(t, c))
		assert.ErrorIs(t, err, registry.ErrRefused)
		assert.False(t, added, "a receipt that was not entered")
	}
	_, err = r.Engine().LogInvestigation(ctx, books.Investigation{Input: books.Digest{1}}, false)
	require.NoError(t, err)
	require.Equal(t, size+1, checkLedger(t, r), "that somebody investigates is entered")
}

// Whatever a store can add is refused but investigations, their conclusions and notices, also what is to come.
func TestEveryWriteIsRefused(t *testing.T) {
	cfg := readOnly(t)
	s := reflect.ValueOf(cfg.Registry.Inner())
	kind := reflect.TypeFor[records.Store]()
	refused := 0
	for i := range kind.NumMethod() {
		m := kind.Method(i)
		if !strings.HasPrefix(m.Name, "Add") && m.Name != "Erase" || m.Name == "AddInvestigation" || m.Name == "AddConclusion" || m.Name == "AddNotice" {
			continue
		}
		args := []reflect.Value{reflect.ValueOf(context.Background())}
		for j := 1; j < m.Type.NumIn() && !(m.Type.IsVariadic() && j == m.Type.NumIn()-1); j++ {
			args = append(args, reflect.Zero(m.Type.In(j)))
		}
		out := s.MethodByName(m.Name).Call(args)
		err, _ := out[len(out)-1].Interface().(error)
		assert.ErrorIs(t, err, registry.ErrRefused, m.Name)
		refused++
	}
	require.Equal(t, 13, refused)
}

func TestLogInvestigation(t *testing.T) {
	r, ctx := leaktest.NewRegistry(t), t.Context()
	now := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	r.SetClock(func() time.Time { return now })
	want := books.Investigation{
		Entry: 2, Started: now, Actor: "desk 4", Command: "kycmark investigate 'a\ufffd dump\ufffd'",
		Input: books.Digest{10, 10}, Files: 3, Earlier: []int64{},
	}
	given := want
	given.Entry, given.Started, given.Command = 0, time.Time{}, "kycmark investigate 'a\u009b dump\n'"
	entry, err := r.Engine().LogInvestigation(ctx, given, false)
	require.NoError(t, err)
	require.EqualValues(t, 2, entry)
	given.Command = "x" + strings.Repeat("ä", 2000)
	entry, err = r.Engine().LogInvestigation(ctx, given, false)
	require.NoError(t, err)
	require.EqualValues(t, 3, entry)
	all, err := r.Ledger().Investigations(ctx)
	require.NoError(t, err)
	require.Len(t, all, 2)
	want.Salt = all[0].Salt
	require.Equal(t, want, all[0])
	require.Equal(t, "x"+strings.Repeat("ä", 1999), all[1].Command, "cut off between characters")
	for name, bad := range map[string]books.Investigation{
		"no digest": {Files: 1}, "actor": {Actor: "a\nb", Input: want.Input},
	} {
		_, err := r.Engine().LogInvestigation(ctx, bad, false)
		require.ErrorIs(t, err, registry.ErrInput, name)
	}
	require.EqualValues(t, 3, checkLedger(t, r))
}
