package registry_test

import (
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/verify/registry/sqlite"
)

// A copy that is there already is taken for one only if it is whole: what is not in the ledger counts also.
func TestCopiedBefore(t *testing.T) {
	dir, ctx := t.TempDir(), t.Context()
	at := sqlite.At(filepath.Join(dir, "r.db"))
	r, err := registry.Create(ctx, at, &registry.CreateOptions{Originals: filepath.Join(dir, "blobs")})
	require.NoError(t, err)
	defer r.Close()
	submit(t, newIssuer(t, registry.Config{Registry: r, SealKey: leaktest.SealKey()}), passportFile(t, 1, "jpeg"), "", feb)
	private, _, err := r.Ledger().GenerateKey(ctx)
	require.NoError(t, err)
	require.NoError(t, registry.AccessOf(r).AddToken(ctx, records.Token{Name: "t", ID: "i", Roles: "audit", Added: feb}))
	made := 0
	again := func() error {
		_, _, err := registry.Clone(ctx, at, sqlite.At(filepath.Join(dir, string(rune('a'+made)), "copy.db")), filepath.Join(dir, "copied"), nil)
		return err
	}
	anew := func() {
		made++
		require.NoError(t, os.Mkdir(filepath.Join(dir, string(rune('a'+made))), 0o700))
		require.NoError(t, again())
		require.NoError(t, again(), "the same command")
	}
	anew()
	_, err = r.Ledger().Sign(ctx, private)
	require.NoError(t, err)
	require.ErrorIs(t, again(), fs.ErrExist, "a signed checkpoint is missing")
	anew()
	require.NoError(t, registry.AccessOf(r).RevokeToken(ctx, "t", time.Now()))
	require.ErrorIs(t, again(), fs.ErrExist, "a token is not revoked")
	anew()
	objects, err := filepath.Glob(filepath.Join(dir, "copied", r.ID(), "*", "*"))
	require.NoError(t, err)
	require.Len(t, objects, 1)
	require.NoError(t, os.Remove(objects[0]))
	require.ErrorIs(t, again(), fs.ErrExist)
	require.ErrorContains(t, again(), "missing: 1")
	anew()
	db, err := sql.Open("sqlite", filepath.Join(dir, string(rune('a'+made)), "copy.db"))
	require.NoError(t, err)
	_, err = db.Exec("UPDATE submission SET subject = 'x'")
	require.NoError(t, errors.Join(err, db.Close()))
	require.ErrorIs(t, again(), fs.ErrExist)
	require.ErrorIs(t, again(), registry.ErrTampered)
}
