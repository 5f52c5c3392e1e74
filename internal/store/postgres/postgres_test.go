package postgres_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/store/postgres"
	"github.com/kycmark/kycmark/internal/store/sqldb"
	"github.com/kycmark/kycmark/internal/test/pgtest"
	"github.com/kycmark/kycmark/verify/books"
)

var server pgtest.Server

func TestMain(m *testing.M) {
	code := m.Run()
	server.Stop()
	os.Exit(code)
}

var t0 = time.Date(2018, 2, 3, 4, 5, 6, 0, time.UTC)

func info() records.Info {
	return records.Info{ID: [16]byte{1}, Created: t0, Logged: books.Logged{Salt: [32]byte{2}}}
}

func upload(n int) records.Upload {
	sum := sha256.Sum256(fmt.Appendf(nil, "file %d", n))
	return records.Upload{Submission: books.Submission{
		ID: [16]byte(sum[:16]), SHA256: sum, Size: 1, Format: "png", Width: 1, Height: 1,
		Submitted: t0, Received: t0, Hash: fmt.Sprintf("pdq:%064x", sum), Logged: books.Logged{Salt: sum},
		Details: books.Details{Decoder: "d", Chain: "pdq/1"},
	}}
}

func uploads(from, n int) []records.Upload {
	out := make([]records.Upload, n)
	for i := range out {
		out[i] = upload(from + i)
	}
	return out
}

func create(t *testing.T, dsn string) *sqldb.DB {
	t.Helper()
	d, err := postgres.Create(t.Context(), dsn, info())
	require.NoError(t, err)
	t.Cleanup(func() { d.Close() })
	return d
}

// admin runs SQL as an administrator who stands outside of any registry.
func admin(t *testing.T, dsn, query string, args ...any) {
	t.Helper()
	c, err := pgx.Connect(context.Background(), dsn)
	require.NoError(t, err)
	defer c.Close(context.Background())
	_, err = c.Exec(context.Background(), query, args...)
	require.NoError(t, err)
}

func TestRegistriesShareAServer(t *testing.T) {
	one, other := server.DSN(t), server.DSN(t)
	_, err := postgres.Open(t.Context(), one)
	require.ErrorIs(t, err, records.ErrSchema, "opening makes nothing")
	require.ErrorContains(t, err, "schema test")

	d, e := create(t, one), create(t, other)
	_, err = d.AddSubmissions(t.Context(), uploads(0, 10))
	require.NoError(t, err)
	none, err := e.SubmissionsAfter(t.Context(), 0, 10)
	require.NoError(t, err)
	require.Empty(t, none)
	_, err = postgres.Create(t.Context(), one, info())
	require.ErrorIs(t, err, fs.ErrExist)

	require.NoError(t, d.Close())
	d, err = postgres.Open(t.Context(), one)
	require.NoError(t, err)
	defer d.Close()
	size, _, err := d.Check(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 11, size)
}

func TestCreationsAtOnceMakeOneRegistry(t *testing.T) {
	dsn := server.DSN(t)
	var wg sync.WaitGroup
	made := make(chan *sqldb.DB, 8)
	for range cap(made) {
		wg.Go(func() {
			d, err := postgres.Create(t.Context(), dsn, info())
			if err == nil {
				made <- d
			}
		})
	}
	wg.Wait()
	close(made)
	n := 0
	for d := range made {
		n++
		size, _, err := d.Check(t.Context())
		assert.NoError(t, err)
		assert.EqualValues(t, 1, size)
		assert.NoError(t, d.Close())
	}
	require.LessOrEqual(t, n, 1)
	d, err := postgres.Open(t.Context(), dsn)
	if errors.Is(err, records.ErrSchema) { // every one met another's half
		d, err = postgres.Create(t.Context(), dsn, info())
	}
	require.NoError(t, err)
	require.NoError(t, d.Close())
}

func TestOtherDatabasesAreRefusedAndLeftAlone(t *testing.T) {
	dsn := server.DSN(t)
	admin(t, dsn, "CREATE SCHEMA IF NOT EXISTS foreigners; CREATE TABLE IF NOT EXISTS foreigners.registry (x int)")
	foreign, _, _ := strings.Cut(dsn, "&search_path=")
	foreign += "&search_path=foreigners"
	_, err := postgres.Open(t.Context(), foreign)
	require.ErrorIs(t, err, records.ErrSchema)
	_, err = postgres.Create(t.Context(), foreign, info())
	require.Error(t, err, "it is in the way")
	admin(t, foreign, "INSERT INTO foreigners.registry VALUES (1)")
}

func TestInterruptedCreationIsTakenUp(t *testing.T) {
	dsn := server.DSN(t)
	d := create(t, dsn)
	require.NoError(t, d.Close())
	admin(t, dsn, `DELETE FROM registry; ALTER TABLE ledger DISABLE TRIGGER ALL; DELETE FROM ledger;
		ALTER TABLE ledger ENABLE TRIGGER ALL;
		DELETE FROM list_node; UPDATE ledger_head SET lists = decode(repeat('00', 32), 'hex'), size = 0, root = '\xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'`)
	_, err := postgres.Open(t.Context(), dsn)
	require.ErrorIs(t, err, records.ErrSchema)
	require.ErrorContains(t, err, "interrupted")
	d = create(t, dsn)
	_, _, err = d.Check(t.Context())
	require.NoError(t, err)
}

func TestLaterSchemaIsRefused(t *testing.T) {
	dsn := server.DSN(t)
	require.NoError(t, create(t, dsn).Close())
	admin(t, dsn, "INSERT INTO schema_version (version) VALUES (9999)")
	_, err := postgres.Open(t.Context(), dsn)
	require.ErrorIs(t, err, records.ErrSchema)
	require.ErrorContains(t, err, "another version of kycmark")
}

// Whatever the address, the role and the server say, commits wait for the disk; a
// server that lies about that is refused.
func TestDurabilitySettings(t *testing.T) {
	dsn := server.DSN(t) + "&synchronous_commit=off"
	require.NoError(t, create(t, dsn).Close())
	write, read, done, err := postgres.Connect(t.Context(), dsn)
	require.NoError(t, err)
	for name, db := range map[string]*sql.DB{"write": write, "read": read} {
		var got string
		require.NoError(t, db.QueryRow("SHOW synchronous_commit").Scan(&got))
		require.Equal(t, "on", got, name)
	}
	require.NoError(t, done())
	for _, setting := range []string{"full_page_writes", "fsync"} {
		admin(t, dsn, "ALTER SYSTEM SET "+setting+" = off")
		admin(t, dsn, "SELECT pg_reload_conf()")
		require.Eventually(t, func() bool {
			d, err := postgres.Open(t.Context(), dsn)
			if err == nil {
				d.Close()
			}
			return errors.Is(err, records.ErrSchema) && strings.Contains(err.Error(), setting+"=off")
		}, time.Minute, 10*time.Millisecond)
		admin(t, dsn, "ALTER SYSTEM RESET "+setting)
		admin(t, dsn, "SELECT pg_reload_conf()")
	}
	require.Eventually(t, func() bool {
		d, err := postgres.Open(t.Context(), dsn)
		return err == nil && d.Close() == nil
	}, time.Minute, 10*time.Millisecond)
}

// A server without checksums would not notice a damaged page. No registry is made there; one that is there can be opened.
func TestServerWithoutChecksums(t *testing.T) {
	t.Parallel()
	bare := pgtest.Server{Unsummed: true}
	defer bare.Stop()
	dsn := bare.DSN(t)
	for _, open := range []func(context.Context, string) (*sqldb.DB, error){
		func(ctx context.Context, dsn string) (*sqldb.DB, error) { return postgres.Create(ctx, dsn, info()) },
		func(ctx context.Context, dsn string) (*sqldb.DB, error) { return postgres.OpenCopy(ctx, dsn) },
	} {
		_, err := open(t.Context(), dsn)
		require.ErrorIs(t, err, records.ErrSchema)
		require.ErrorContains(t, err, "without data checksums")
	}
	d, err := postgres.CreateAnyway(t.Context(), dsn, info())
	require.NoError(t, err)
	require.NoError(t, d.Close())
	d, err = postgres.Open(t.Context(), dsn)
	require.NoError(t, err)
	defer d.Close()
	i, err := d.Info(t.Context())
	require.NoError(t, err)
	require.True(t, i.Unsummed)
	i, err = create(t, server.DSN(t)).Info(t.Context())
	require.NoError(t, err)
	require.False(t, i.Unsummed)
}

// A session that is ended between statements, again and again, costs an error and
// nothing else. Each try of a batch has twice the time of the last before its session is
// ended: a slow machine ends its transactions too.
func TestLostConnections(t *testing.T) {
	dsn := server.DSN(t)
	d := create(t, dsn)
	other, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer other.Close(context.Background())
	lost, batches := 0, 16
	for n := range batches {
		for try := 0; ; try++ {
			stop := endSession(t, other, time.Millisecond<<try)
			_, err := d.AddSubmissions(t.Context(), uploads(n*600, 50+550*(n%2))) // many are entered by COPY
			stop()
			if err == nil {
				break
			}
			lost++
			require.NotContains(t, err.Error(), "pdq:", "an error shows no rows")
		}
	}
	require.Positive(t, lost, "no connection was lost")
	size, _, err := d.Check(t.Context())
	if err != nil && strings.Contains(err.Error(), "57P01") { // the last session was ended after its batch
		size, _, err = d.Check(t.Context())
	}
	require.NoError(t, err)
	require.EqualValues(t, 1+325*batches, size)
}

// A process that stops inside of a transaction holds no kept item for longer than a minute, or as the address says.
func TestKeptWhileIdle(t *testing.T) {
	for stated, want := range map[string]string{"": "1min", "&idle_in_transaction_session_timeout=7s": "7s"} {
		dsn := server.DSN(t) + stated
		d, id, of := create(t, dsn), [16]byte{9}, upload(1)
		entered(t, d, of)
		admin(t, dsn, `CREATE FUNCTION idle() RETURNS trigger LANGUAGE plpgsql AS
			$$BEGIN RAISE EXCEPTION 'idle for %', current_setting('idle_in_transaction_session_timeout'); END$$`)
		require.NoError(t, d.Kept().Add(t.Context(), records.KeptItem{ID: id, Kind: "spool", Made: t0, Expires: t0, Wrapped: []byte{1}}))
		part := records.KeptPart{Of: id, Name: "a"}
		for table, write := range map[string]func() error{
			"kept_chunk":      func() error { return d.Kept().AddChunk(t.Context(), &part, 0, []byte{1}) },
			"kept_part":       func() error { return d.Kept().Publish(t.Context(), part, "") },
			"kept_submission": func() error { return d.Kept().Show(t.Context(), id, of.ID) },
			"kept":            func() error { return d.Kept().Remove(t.Context(), id) },
		} {
			admin(t, dsn, "CREATE TRIGGER idle BEFORE INSERT OR DELETE ON "+table+" FOR EACH ROW EXECUTE FUNCTION idle()")
			require.ErrorContains(t, write(), "idle for "+want+" (", table)
		}
	}
}

// endSession ends a session that is in a transaction after the pause, if there is one until stop.
func endSession(t *testing.T, other *pgx.Conn, pause time.Duration) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for wait := time.After(pause); ; wait = time.After(time.Millisecond) {
			select {
			case <-ctx.Done():
				return
			case <-wait:
			}
			ended, err := other.Exec(context.Background(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
				WHERE application_name = 'kycmark' AND state LIKE '%transaction%'`)
			if !assert.NoError(t, err) || ended.RowsAffected() > 0 {
				return
			}
		}
	})
	return func() { cancel(); wg.Wait() }
}

func TestPasswordsStayOut(t *testing.T) {
	const secret = "hunter2"
	for _, dsn := range []string{
		"postgres://u:hunter2@127.0.0.1:1/db", "postgres://u:hunter2@127.0.0.1:1/db?sslmode=hunter2",
		"postgres://u:hunter2@h:port/db", "postgres://u:hunter2%zz@h/db", "postgres://u@127.0.0.1:1/db?password=hunter2",
		"postgres://u@h/db?password=hunter2&sslmode=x", "postgres://u:hunter2@h/db?search_path=a,b",
		"postgres://u:hunter2@h/db?pool_max_conns=hunter2", "postgres://u:hunter2@h/db?connect_timeout=hunter2",
		"postgres:u:hunter2@h", "postgres:// u:hunter2@h/db", "postgres://u:hunter2@h/db?pool_max_conns=1",
		"postgres://u:hunter2@[::1/db", "postgres://u@h/db?sslpassword=hunter2&sslkey=/nowhere&sslcert=/nowhere",
	} {
		for _, open := range []func() error{
			func() error { _, err := postgres.Open(t.Context(), dsn); return err },
			func() error { _, err := postgres.Create(t.Context(), dsn, info()); return err },
		} {
			err := open()
			require.Error(t, err, dsn)
			for ; err != nil; err = errors.Unwrap(err) {
				assert.NotContains(t, err.Error(), secret)
				assert.NotContains(t, fmt.Sprintf("%+v", err), secret)
			}
		}
	}
}

func FuzzParseDSN(f *testing.F) {
	for _, s := range []string{"", "postgres://", "postgresql://u@h:5432/db?search_path=a_1", "postgres:///db?host=/tmp",
		"postgres://h/db?search_path=A", "postgres://h/db?search_path=a,b", "postgres:x", "file:kyc.db", "postgres://%zz"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, dsn string) {
		schema, err := postgres.ParseDSN(dsn)
		if err != nil {
			require.ErrorIs(t, err, records.ErrSchema)
			return
		}
		require.True(t, postgres.IsDSN(dsn))
		require.Regexp(t, `^([a-z_][a-z0-9_]*)?$`, schema)
	})
}
