//go:build long

package sqlite_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/store/sqlite"
	"github.com/kycmark/kycmark/watermark"
)

// An erasure beside a reader that does not end says that it is done, and that the same again empties the log. It waits for 20 s.
func TestErasureBesideAReader(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.db")
	d, err := sqlite.Create(t.Context(), path, info())
	require.NoError(t, err)
	defer d.Close()
	s, _ := submission(1)
	_, err = d.AddSubmissions(t.Context(), []records.Upload{{Submission: s, Sealed: &records.Sealed{KeyID: "k", Wrapped: []byte("w"), Body: []byte("b")}}})
	require.NoError(t, err)
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	defer db.Close()
	reader, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	require.NoError(t, reader.QueryRowContext(t.Context(), "SELECT count(*) FROM sqlite_schema").Scan(new(int)))
	err = d.Erase(t.Context(), records.Erasure{Submissions: []watermark.Submission{s.ID}, Entered: t0})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "the erasure is done")
	require.NoError(t, reader.Rollback())
	require.NoError(t, d.Erase(t.Context(), records.Erasure{}))
}
