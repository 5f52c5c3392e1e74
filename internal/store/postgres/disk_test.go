package postgres_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/store/postgres"
	"github.com/kycmark/kycmark/internal/store/sqldb"
	"github.com/kycmark/kycmark/internal/test/pgtest"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/watermark"
)

// A server whose files may not grow costs an error; what was acknowledged is there,
// and when there is room again the same handle goes on.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	small := pgtest.Server{MaxFile: 18} // a segment of the log has 16 MB
	t.Cleanup(small.Stop)
	d := create(t, small.DSN(t))
	n := 0
	var err error
	for err == nil {
		require.Less(t, n, 100, "the disk was never full")
		if _, err = d.AddSubmissions(t.Context(), []records.Upload{large(n)}); err == nil {
			n++
		}
	}
	require.ErrorContains(t, err, "File too large")
	whole := func() {
		size, _, err := d.Check(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, 1+n, size, "the registry, and all that were acknowledged")
	}
	whole()
	small.Unlimit(t)
	entered(t, d, large(n))
	n++
	whole()
}

// A server that has no room for its log stops. Who writes is told so, nothing that was
// acknowledged is lost, and when there is room again the same handle goes on.
func TestLogFull(t *testing.T) {
	t.Parallel()
	small := pgtest.Server{MaxFile: 15} // less than a segment of the log: there is only the first one
	t.Cleanup(small.Stop)
	d := create(t, small.DSN(t))
	n := 0
	var err error
	for err == nil {
		require.Less(t, n, 100, "the disk was never full")
		if _, err = d.AddSubmissions(t.Context(), []records.Upload{large(n)}); err == nil {
			n++
		}
	}
	require.Regexp(t, "File too large|unexpected EOF|connection reset|broken pipe|conn closed|terminating connection", err.Error())
	_, err = d.AddSubmissions(t.Context(), []records.Upload{large(n)})
	require.Error(t, err, "it stays full")
	small.Unlimit(t)
	entered(t, d, large(n))
	size, _, err := d.Check(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 2+n, size, "the registry, and all that were acknowledged")
}

// A server that takes no writes, such as a standby, costs a clear error; what was
// acknowledged can be read, and when it takes writes again the same handle goes on.
func TestReadOnlyServer(t *testing.T) {
	dsn := server.DSN(t)
	d := create(t, dsn)
	_, err := d.AddSubmissions(t.Context(), uploads(0, 10))
	require.NoError(t, err)
	set := func(to string) {
		admin(t, dsn, "ALTER SYSTEM SET default_transaction_read_only = "+to)
		admin(t, dsn, "SELECT pg_reload_conf()")
	}
	set("on")
	t.Cleanup(func() {
		admin(t, dsn+"&default_transaction_read_only=off", "ALTER SYSTEM RESET default_transaction_read_only")
	})
	n := 10
	require.Eventually(t, func() bool { // sessions read it by and by
		_, err = d.AddSubmissions(t.Context(), uploads(n, 10))
		if err == nil {
			n += 10
		}
		return err != nil
	}, time.Minute, 10*time.Millisecond)
	require.ErrorContains(t, err, "read-only transaction")
	size, _, err := d.Check(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 1+n, size)
	again, err := postgres.Open(t.Context(), dsn)
	require.NoError(t, err, "it can be read")
	require.NoError(t, again.Close())
	fresh := server.DSN(t)
	_, err = postgres.Create(t.Context(), fresh, info())
	require.ErrorContains(t, err, "read-only transaction")

	writable := dsn + "&default_transaction_read_only=off"
	admin(t, writable, "ALTER SYSTEM SET default_transaction_read_only = off")
	admin(t, writable, "SELECT pg_reload_conf()")
	require.Eventually(t, func() bool {
		_, err := d.AddSubmissions(t.Context(), uploads(n, 10))
		return err == nil
	}, time.Minute, 10*time.Millisecond)
	size, _, err = d.Check(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 11+n, size)
}

// entered tries again until the upload is entered: each of the lost sessions costs an error.
func entered(t *testing.T, d *sqldb.DB, u records.Upload) {
	t.Helper()
	require.Eventually(t, func() bool {
		_, err := d.AddSubmissions(t.Context(), []records.Upload{u})
		return err == nil
	}, time.Minute, 10*time.Millisecond)
}

func large(n int) records.Upload {
	u := upload(n)
	u.Kept = true
	u.Sealed = &records.Sealed{KeyID: "k", Wrapped: []byte{1}, Body: make([]byte, 1<<20)}
	return u
}

// An index that has lost its entries hides nothing: copies are looked for without it as well, and an audit
// asks amcheck, where the server has it.
func TestEmptiedIndex(t *testing.T) {
	dsn := server.DSN(t)
	d := create(t, dsn)
	u := upload(1)
	_, err := d.AddRecipient(t.Context(), books.Recipient{Name: "vendor A", Kind: "vendor", Added: t0})
	require.NoError(t, err)
	_, err = d.AddSubmissions(t.Context(), []records.Upload{u})
	require.NoError(t, err)
	for n := range 30 {
		require.NoError(t, d.AddCopy(t.Context(), &books.Copy{ID: watermark.CopyID(n + 1), Submission: u.ID, Recipient: "vendor A", KeyID: "v1-key", Format: "png", Issued: t0},
			records.KeyEntry{ID: "v1-key", Added: t0}))
	}
	found, err := d.Copies(t.Context(), u.ID)
	require.NoError(t, err)
	require.Len(t, found, 30)
	admin(t, dsn, "CREATE EXTENSION amcheck")
	_, _, err = d.Check(t.Context())
	require.NoError(t, err)
	admin(t, dsn, `SET allow_system_table_mods = on; SET enable_seqscan = off;
		CREATE TABLE other (LIKE copy INCLUDING INDEXES);
		UPDATE pg_class c SET relfilenode = o.relfilenode FROM pg_class o WHERE c.relname = 'copy_submission' AND o.relname = 'other_submission_idx'`)
	_, err = d.Copies(t.Context(), u.ID)
	require.ErrorIs(t, err, records.ErrTampered)
	_, _, err = d.Check(t.Context())
	require.ErrorIs(t, err, records.ErrTampered)
}
