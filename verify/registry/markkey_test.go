package registry_test

import (
	"bytes"
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/verify/registry/sqlite"
	"github.com/kycmark/kycmark/watermark"
)

func TestMarkKeys(t *testing.T) {
	r := leaktest.NewRegistry(t)
	ctx := t.Context()
	now := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	r.SetClock(func() time.Time { return now })
	key := watermark.GenerateKey()
	for _, first := range []bool{true, false} {
		added, err := r.Ledger().AddMarkKey(ctx, key)
		require.NoError(t, err)
		require.Equal(t, first, added)
	}
	k, err := r.Ledger().MarkKey(ctx, key.ID())
	require.NoError(t, err)
	require.Equal(t, &books.MarkKey{
		KeyState:   books.KeyState{KeyID: key.ID(), State: books.KeyActive, Since: now, Entered: now},
		Commitment: key.Commitment(), Added: now,
	}, k)

	set := func(state string, since time.Time) error {
		return r.Ledger().SetKeyState(ctx, books.KeyState{KeyID: key.ID(), State: state, Since: since, Note: "letter 4", Actor: "ops"})
	}
	for _, step := range []struct {
		state string
		since time.Time
		want  error
	}{
		{books.KeyRetired, now.AddDate(0, 0, -1), nil},
		{books.KeyActive, now, nil},
		{"lost", now, registry.ErrInput},
		{books.KeyRetired, now.Add(time.Second), registry.ErrInput},
		{books.KeyCompromised, now.AddDate(0, -1, 0), nil},
		{books.KeyActive, now, registry.ErrConflict},
		{books.KeyRetired, now, registry.ErrConflict},
		{books.KeyCompromised, now, registry.ErrConflict},
		{books.KeyCompromised, now.AddDate(0, -2, 0), nil},
	} {
		before, err := r.Ledger().MarkKey(ctx, key.ID())
		require.NoError(t, err)
		err = set(step.state, step.since)
		after, err2 := r.Ledger().MarkKey(ctx, key.ID())
		require.NoError(t, err2)
		if step.want != nil {
			assert.ErrorIs(t, err, step.want, step.state)
			assert.Equal(t, before, after, step.state)
			continue
		}
		require.NoError(t, err, step.state)
		requireSame(t, books.KeyState{KeyID: key.ID(), State: step.state, Since: step.since, Note: "letter 4", Entered: now, Actor: "ops"}, after.KeyState)
	}
	require.ErrorIs(t, r.Ledger().SetKeyState(ctx, books.KeyState{KeyID: "v1-none", State: books.KeyRetired}), registry.ErrNotFound)
	_, err = r.Ledger().AddMarkKey(ctx, nil)
	require.ErrorIs(t, err, registry.ErrInput)
	checkLedger(t, r)
}

func TestKeysThatAreNotActiveMarkNothing(t *testing.T) {
	for _, state := range []string{books.KeyRetired, books.KeyCompromised} {
		s, cfg, sub := shop(t, "jpeg")
		var out bytes.Buffer
		_, err := s.Issue(t.Context(), sub.ID, "vendor A", registry.WriteTo(&out), nil)
		require.NoError(t, err)
		size := checkLedger(t, cfg.Registry)
		out.Reset()
		require.NoError(t, cfg.Registry.Ledger().SetKeyState(t.Context(), books.KeyState{KeyID: leaktest.Key().ID(), State: state, Since: feb}))
		_, err = s.Issue(t.Context(), sub.ID, "vendor A", registry.WriteTo(&out), nil)
		require.ErrorIs(t, err, registry.ErrRefused, state)
		require.ErrorContains(t, err, state+" since 2018-02-14")
		require.Zero(t, out.Len())
		require.Equal(t, size+1, checkLedger(t, cfg.Registry), "nothing but the state was entered")
	}
}

// A key that the registry does not know marks nothing, and is not entered: a thief who exchanges the key's file would read
// the copies.
func TestUnknownKeyMarksNothing(t *testing.T) {
	_, cfg, sub := shop(t, "jpeg")
	cfg.Key = watermark.GenerateKey()
	s, err := registry.NewIssuer(cfg)
	require.NoError(t, err)
	size := checkLedger(t, cfg.Registry)
	var out bytes.Buffer
	_, err = s.Issue(t.Context(), sub.ID, "vendor A", registry.WriteTo(&out), nil)
	require.ErrorIs(t, err, registry.ErrRefused)
	require.ErrorContains(t, err, "does not know "+cfg.Key.ID())
	require.Zero(t, out.Len())
	require.Equal(t, size, checkLedger(t, cfg.Registry))
}

// A meddler lets something happen between the last look of an issuer and its commit.
type meddler struct {
	records.Store
	meddle func()
}

func (m meddler) AddCopy(ctx context.Context, c *books.Copy, key records.KeyEntry) error {
	m.meddle()
	return m.Store.AddCopy(ctx, c, key)
}

// What another registry's handle enters of a key before the commit counts: no copy is released, and none logged.
func TestKeyChangesBeforeTheCommit(t *testing.T) {
	for _, state := range []string{books.KeyRetired, books.KeyCompromised} {
		dsn := sqlite.At(filepath.Join(t.TempDir(), "r.db"))
		r, err := registry.Create(t.Context(), dsn, nil)
		require.NoError(t, err)
		t.Cleanup(func() { r.Close() })
		s, _, sub := shop(t, "png", func(c *registry.Config) { c.Registry = r })
		other, err := registry.Open(t.Context(), dsn)
		require.NoError(t, err)
		t.Cleanup(func() { other.Close() })
		r.Wrap(func(inner records.Store) records.Store {
			return meddler{inner, func() {
				require.NoError(t, other.Ledger().SetKeyState(t.Context(), books.KeyState{KeyID: leaktest.Key().ID(), State: state, Since: feb}))
			}}
		})
		_, err = r.Ledger().AddMarkKey(t.Context(), leaktest.Key())
		require.NoError(t, err)
		size := checkLedger(t, r)
		var out bytes.Buffer
		_, err = s.Issue(t.Context(), sub.ID, "vendor A", registry.WriteTo(&out), nil)
		require.ErrorIs(t, err, registry.ErrRefused)
		require.ErrorContains(t, err, state+" since 2018-02-14")
		require.Zero(t, out.Len())
		require.Equal(t, size+1, checkLedger(t, other))
		copies, err := other.Copies(t.Context(), sub.ID)
		require.NoError(t, err)
		require.Empty(t, copies)
	}
}

// Of several who say at once what became of a key none takes back that it is compromised.
func TestKeyStatesAtOnce(t *testing.T) {
	dsn := sqlite.At(filepath.Join(t.TempDir(), "r.db"))
	r, err := registry.Create(t.Context(), dsn, nil)
	require.NoError(t, err)
	defer r.Close()
	other, err := registry.Open(t.Context(), dsn)
	require.NoError(t, err)
	defer other.Close()
	key := watermark.GenerateKey()
	_, err = r.Ledger().AddMarkKey(t.Context(), key)
	require.NoError(t, err)
	var wg sync.WaitGroup
	for n := range 24 {
		wg.Go(func() {
			in := []*registry.Registry{r, other}[n%2]
			state := []string{books.KeyActive, books.KeyRetired, books.KeyCompromised}[n%3]
			err := in.Ledger().SetKeyState(t.Context(), books.KeyState{KeyID: key.ID(), State: state, Since: feb.AddDate(0, 0, -n)})
			if err != nil {
				assert.ErrorIs(t, err, registry.ErrConflict)
			}
		})
	}
	wg.Wait()
	k, err := other.Ledger().MarkKey(t.Context(), key.ID())
	require.NoError(t, err)
	require.Equal(t, books.KeyCompromised, k.State)
	require.Equal(t, feb.AddDate(0, 0, -23), k.Since, "the earliest that was said")
	checkLedger(t, r)
}
