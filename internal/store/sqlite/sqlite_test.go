package sqlite_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/store/sqldb"
	"github.com/kycmark/kycmark/internal/store/sqlite"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/watermark"
)

var t0 = time.Date(2018, 2, 3, 4, 5, 6, 0, time.UTC)

func info() records.Info {
	return records.Info{ID: [16]byte{1}, Created: t0, Logged: books.Logged{Salt: [32]byte{2}}}
}

func submission(n int) (books.Submission, records.Sealed) {
	sum := sha256.Sum256(fmt.Appendf(nil, "file %d", n))
	return books.Submission{
		ID: [16]byte(sum[:16]), SHA256: sum, Size: 1, Format: "png", Width: 1, Height: 1,
		Submitted: t0.AddDate(0, 0, n), Received: t0, Hash: "pdq:0", Logged: books.Logged{Salt: sum},
		Details: books.Details{Decoder: "d", Chain: "pdq/1", Kept: true},
	}, records.Sealed{KeyID: "k", Wrapped: []byte{1}, Body: []byte{2}}
}

func issued(n int) (books.Copy, records.KeyEntry) {
	s, _ := submission(n)
	return books.Copy{ID: watermark.CopyID(n), Submission: s.ID, Recipient: "A", KeyID: "v1-k", Format: "png",
		Width: 1, Height: 1, Size: 1, Issued: t0, Logged: books.Logged{Salt: [32]byte{4}}}, records.KeyEntry{ID: "v1-k", Added: t0}
}

func custody(subs ...watermark.Submission) books.Custody {
	return books.Custody{Recipient: "A", From: t0, To: t0.AddDate(1, 0, 0), Submissions: subs, Entered: t0}
}

func add(ctx context.Context, s records.Store, sub books.Submission, x records.Sealed) (bool, error) {
	added, err := s.AddSubmissions(ctx, []records.Upload{{Submission: sub, Sealed: &x}})
	return err == nil && added[0], err
}

// fill makes a registry with three submissions, two copies and two facts of custody.
func fill(t *testing.T, path string) *sqldb.DB {
	t.Helper()
	d, err := sqlite.Create(t.Context(), path, info())
	require.NoError(t, err)
	t.Cleanup(func() { d.Close() })
	_, err = d.AddRecipient(t.Context(), books.Recipient{Name: "A", Kind: "vendor", Added: t0})
	require.NoError(t, err)
	for n := range 3 {
		s, x := submission(n)
		_, err := add(t.Context(), d, s, x)
		require.NoError(t, err)
	}
	for n := range 2 {
		c, k := issued(n)
		require.NoError(t, d.AddCopy(t.Context(), &c, k))
	}
	one, _ := submission(1)
	require.NoError(t, d.AddCustody(t.Context(), custody()))
	require.NoError(t, d.AddCustody(t.Context(), custody(one.ID)))
	_, _, err = d.Check(t.Context())
	require.NoError(t, err)
	return d
}

func TestCreateNeverOverwritesAndOpenNeverMakes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.db")
	_, err := sqlite.Open(t.Context(), path)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.NoFileExists(t, path)

	fill(t, path)
	st, err := os.Stat(path)
	require.NoError(t, err)
	assert.Zero(t, st.Mode().Perm()&0o077, "others must not read hashes: %v", st.Mode())
	_, err = sqlite.Create(t.Context(), path, info())
	require.ErrorIs(t, err, fs.ErrExist)
	_, err = sqlite.Open(t.Context(), filepath.Dir(path))
	require.ErrorIs(t, err, records.ErrSchema)
	_, err = sqlite.Open(t.Context(), ":memory:")
	require.ErrorIs(t, err, records.ErrSchema)
}

func TestReopenedRegistryIsTheSame(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.db")
	d := fill(t, path)
	size, head, err := d.Head(t.Context())
	require.NoError(t, err)
	require.NoError(t, d.Close())
	e, err := sqlite.Open(t.Context(), path)
	require.NoError(t, err)
	defer e.Close()
	size2, head2, err := e.Check(t.Context())
	require.NoError(t, err)
	require.Equal(t, size, size2)
	require.Equal(t, head, head2)
}

// Two handles are two processes to SQLite.
func TestTwoHandlesWriteOneFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.db")
	one := fill(t, path)
	two, err := sqlite.Open(t.Context(), path)
	require.NoError(t, err)
	defer two.Close()
	before, _, err := one.Head(t.Context())
	require.NoError(t, err)
	var wg sync.WaitGroup
	errs := make(chan error, 100)
	for h, d := range []*sqldb.DB{one, two} {
		wg.Go(func() {
			for n := range 25 {
				s, x := submission(100 + n)
				_, err := add(t.Context(), d, s, x)
				errs <- err
				c, k := issued(100 + n)
				c.ID = watermark.CopyID(1000*h + n + 500)
				errs <- d.AddCopy(t.Context(), &c, k)
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
	after, _, err := two.Check(t.Context())
	require.NoError(t, err)
	require.Equal(t, before+25+50, after)
}

func TestOtherFilesAreRefusedAndLeftAlone(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "notes.txt")
	require.NoError(t, os.WriteFile(text, []byte(strings.Repeat("not a database\n", 100)), 0o600))
	foreign := filepath.Join(dir, "foreign.db")
	db, err := sql.Open("sqlite", "file:"+foreign)
	require.NoError(t, err)
	_, err = db.Exec("CREATE TABLE x (y)")
	require.NoError(t, err)
	require.NoError(t, db.Close())
	empty := filepath.Join(dir, "empty.db")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	for _, path := range []string{text, foreign, empty} {
		before, err := os.ReadFile(path)
		require.NoError(t, err)
		_, err = sqlite.Open(t.Context(), path)
		require.ErrorIs(t, err, records.ErrSchema, path)
		after, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, before, after, path)
	}
}

// A copy goes into a new file, or one whose making was cut short, and over nothing else.
func TestOpenCopy(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	require.NoError(t, os.WriteFile(path("empty"), nil, 0o600))
	begin := func(name, query string) {
		db, err := sql.Open("sqlite", "file:"+path(name))
		require.NoError(t, err)
		_, err = db.Exec(query)
		require.NoError(t, errors.Join(err, db.Close()))
	}
	begin("foreign", "CREATE TABLE mine (x)")
	require.NoError(t, os.WriteFile(path("text"), []byte(strings.Repeat("no database", 100)), 0o600))
	for name, want := range map[string]error{"new": nil, "empty": nil, "text": records.ErrSchema, "foreign": records.ErrSchema} {
		d, err := sqlite.OpenCopy(t.Context(), path(name))
		if want != nil {
			require.ErrorIs(t, err, want, name)
			continue
		}
		require.NoError(t, err, name)
		require.NoError(t, d.Close())
		d, err = sqlite.OpenCopy(t.Context(), path(name))
		require.NoError(t, err, "again")
		require.NoError(t, d.Close())
	}
}

func TestLaterSchemaIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.db")
	require.NoError(t, fill(t, path).Close())
	write, read, err := sqlite.Connect(path)
	require.NoError(t, err)
	_, err = write.Exec("INSERT INTO schema_version (version) VALUES (9999)")
	require.NoError(t, errors.Join(err, write.Close(), read.Close()))
	_, err = sqlite.Open(t.Context(), path)
	require.ErrorIs(t, err, records.ErrSchema)
	require.ErrorContains(t, err, "another version of kycmark")
}

func TestDurabilitySettings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.db")
	fill(t, path)
	write, read, err := sqlite.Connect(path)
	require.NoError(t, err)
	defer write.Close()
	defer read.Close()
	for pragma, want := range map[string]string{
		"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "secure_delete": "1", "trusted_schema": "0",
	} {
		var got string
		require.NoError(t, write.QueryRow("PRAGMA "+pragma).Scan(&got))
		assert.Equal(t, want, got, pragma)
	}
}

func FuzzCleanPath(f *testing.F) {
	for _, s := range []string{"", "kyc.db", ":memory:", "kyc.db?mode=memory", "postgres://x",
		"///tmp/a.db", "a%20b", "../x", "./:memory:", "\x00", "#"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		path, err := sqlite.CleanPath(name)
		if err != nil {
			require.ErrorIs(t, err, records.ErrSchema)
			return
		}
		require.NotEmpty(t, path)
		require.NotContains(t, path, "?")
		require.Equal(t, name == sqlite.Memory, path == sqlite.Memory)
	})
}
