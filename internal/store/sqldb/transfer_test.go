package sqldb_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/store"
	"github.com/kycmark/kycmark/internal/store/postgres"
	"github.com/kycmark/kycmark/internal/store/sqldb"
	"github.com/kycmark/kycmark/internal/store/sqlite"
)

// From SQLite to PostgreSQL and back everything answers the same.
func TestTransfer(t *testing.T) {
	ctx := t.Context()
	first := kinds["file"](t, info())
	everything(t, first)
	h := newHistory(7)
	for range 60 {
		h.step()(ctx, first)
	}
	want := answers(t, first)
	second := opened(postgres.CreateEmpty(ctx, server.DSN(t)))(t)
	file := "file:" + filepath.Join(t.TempDir(), "r.db")
	third := opened(sqlite.CreateEmpty(ctx, file))(t)
	for _, way := range [][2]*sqldb.DB{{first, second}, {second, third}} {
		last := 0
		size, root, err := sqldb.Transfer(ctx, way[0], way[1], func(done, total int) {
			require.LessOrEqual(t, last, done)
			require.LessOrEqual(t, done, total)
			last = done
		})
		require.NoError(t, err)
		require.Positive(t, last)
		n, sum, err := way[0].Head(ctx)
		require.NoError(t, err)
		require.Equal(t, n, size)
		require.Equal(t, sum, root)
		require.Equal(t, want, answers(t, way[1]))
	}
	fill2, x := submission(500)
	_, err := add(ctx, third, fill2, x)
	require.NoError(t, err, "the copy can be written to")
	_, _, err = third.Check(ctx)
	require.NoError(t, err)
}

func TestWholeCopiesOnly(t *testing.T) {
	for kind, empty := range map[string]func(dsn string) (*sqldb.DB, error){
		"file":     func(dsn string) (*sqldb.DB, error) { return sqlite.CreateEmpty(t.Context(), dsn) },
		"postgres": func(dsn string) (*sqldb.DB, error) { return postgres.CreateEmpty(t.Context(), dsn) },
	} {
		t.Run(kind, func(t *testing.T) {
			dsn := "file:" + filepath.Join(t.TempDir(), "r.db")
			if kind == "postgres" {
				dsn = server.DSN(t)
			}
			from := kinds["memory"](t, info())
			everything(t, from)
			_, err := from.Raw().Exec("UPDATE recipient SET kind = 'store'")
			require.NoError(t, err)
			to, err := empty(dsn)
			require.NoError(t, err)
			_, _, err = sqldb.Transfer(t.Context(), from, to, nil)
			require.ErrorIs(t, err, store.ErrTampered, "what does not verify is no copy")
			require.NoError(t, to.Close())
			_, err = open(t.Context(), dsn)
			require.ErrorIs(t, err, store.ErrSchema)
			_, err = empty(dsn)
			require.Error(t, err, "rows are in the way")
			if kind == "postgres" {
				_, err = postgres.Create(t.Context(), dsn, info())
				require.ErrorIs(t, err, store.ErrConflict)
			}
		})
	}
}
