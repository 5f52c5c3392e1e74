//go:build long

package sqldb_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/store/postgres"
	"github.com/kycmark/kycmark/internal/store/sqldb"
	"github.com/kycmark/kycmark/internal/test/pgtest"
)

// TestFlippedBits, with a fifth of the flips, in the files of a PostgreSQL server that is told to ignore its checksums: it would name each flip.
func TestLongFlippedBitsPostgres(t *testing.T) {
	ctx := t.Context()
	small := pgtest.Server{Settings: []string{"shared_buffers=512kB", "autovacuum=off", "ignore_checksum_failure=on", "log_min_messages=error"}}
	t.Cleanup(small.Stop)
	dsn := small.DSN(t)
	x := &asked{open: func(ctx context.Context) (*sqldb.DB, error) { return postgres.Open(ctx, dsn) }}
	d, err := postgres.Create(ctx, dsn, info())
	require.NoError(t, err)
	x.ask(t, d)
	require.NoError(t, d.Close())

	c, err := pgx.Connect(ctx, dsn)
	require.NoError(t, err)
	defer func() { c.Close(context.Background()) }()
	do := func(query string, args ...any) {
		_, err := c.Exec(ctx, query, args...)
		require.NoError(t, err, query)
	}
	for _, query := range []string{"CREATE EXTENSION pg_prewarm SCHEMA public", "CREATE EXTENSION pg_buffercache SCHEMA public",
		"CREATE TABLE public.other AS SELECT repeat('x', 1000) FROM generate_series(1, 8000)", "VACUUM FREEZE", "CHECKPOINT"} {
		do(query)
	}
	paths, of := make(map[string]string), make(map[string][]int64)
	rows, err := c.Query(ctx, `SELECT coalesce(o.relname || ' out of line', c.relname), pg_relation_filepath(c.oid) FROM pg_class c LEFT JOIN pg_class o ON o.reltoastrelid = c.oid
		WHERE (c.relnamespace = current_schema()::regnamespace OR o.relnamespace = current_schema()::regnamespace) AND c.relkind IN ('r', 'i', 't')`)
	require.NoError(t, err)
	for rows.Next() {
		var name, path string
		require.NoError(t, rows.Scan(&name, &path))
		paths[name] = filepath.Join(small.Data(), path)
	}
	require.NoError(t, rows.Err())
	files := make(map[string][]byte)
	for name, path := range paths {
		if files[name], err = os.ReadFile(path); len(files[name]) == 0 {
			require.NoError(t, err)
			continue
		}
		for at := range int64(len(files[name])) {
			of[name] = append(of[name], at)
		}
	}
	require.Greater(t, len(of), 40)

	// forget has the server forget the pages that it has in memory.
	forget := func() {
		for there := 1; there > 0; {
			if c.IsClosed() || c.Ping(ctx) != nil { // a damaged page ended the server
				small.Ready(t)
				c, err = pgx.Connect(ctx, dsn)
				require.NoError(t, err)
			}
			do("SELECT public.pg_prewarm('public.other')")
			require.NoError(t, c.QueryRow(ctx, `SELECT count(*) FROM public.pg_buffercache WHERE relfilenode IN (SELECT relfilenode FROM pg_class WHERE relnamespace = current_schema()::regnamespace
				OR oid IN (SELECT reltoastrelid FROM pg_class WHERE relnamespace = current_schema()::regnamespace))`).Scan(&there))
		}
	}
	put := func(part string, file []byte) {
		f, err := os.OpenFile(paths[part], os.O_WRONLY, 0)
		require.NoError(t, err)
		_, err = f.WriteAt(file, 0)
		require.NoError(t, err)
		require.NoError(t, f.Close())
	}
	restore := func() { // also pages where the server noted that a row is dead
		forget()
		for part, whole := range files {
			if now, err := os.ReadFile(paths[part]); err != nil || !bytes.Equal(now, whole) {
				require.NoError(t, err)
				put(part, whole)
			}
		}
	}
	x.flip(t, flips()/5, of, func(part string) []byte { return files[part] }, func(part string, damaged []byte) {
		restore()
		put(part, damaged)
	})
	restore()
	require.Empty(t, x.answers(t, func(what, answer string) { t.Errorf("%s is %s behind the flips", what, answer) }))
}
