package sqlite_test

import (
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

	"github.com/kycmark/kycmark/internal/store"
	"github.com/kycmark/kycmark/internal/store/sqlite"
)

var t0 = time.Date(2018, 2, 3, 4, 5, 6, 0, time.UTC)

func info() store.Info { return store.Info{ID: [16]byte{1}, Created: t0, Salt: [32]byte{2}} }

func submission(n int) (store.Submission, store.Sealed) {
	sum := sha256.Sum256(fmt.Appendf(nil, "file %d", n))
	return store.Submission{
		ID: [16]byte(sum[:16]), SHA256: sum, Size: 1, Format: "png", Decoder: "d", Width: 1, Height: 1,
		Submitted: t0.AddDate(0, 0, n), Received: t0, Hash: "pdq:0", Chain: "pdq/1", Salt: sum,
	}, store.Sealed{KeyID: "k", Wrapped: []byte{1}, Body: []byte{2}}
}

func issued(n int) (store.Copy, store.MarkKey) {
	s, _ := submission(n)
	return store.Copy{ID: uint64(n), Submission: s.ID, Recipient: "A", KeyID: "v1-k", Format: "png",
		Width: 1, Height: 1, Size: 1, Issued: t0, Salt: [32]byte{4}}, store.MarkKey{ID: "v1-k", Since: t0}
}

func custody(subs ...[16]byte) store.Custody {
	return store.Custody{Recipient: "A", From: t0, To: t0.AddDate(1, 0, 0), Submissions: subs, Entered: t0}
}

// fill makes a registry with three submissions, two copies and two facts of custody.
func fill(t *testing.T, dsn string) *sqlite.DB {
	t.Helper()
	d, err := sqlite.Create(t.Context(), dsn, info())
	require.NoError(t, err)
	t.Cleanup(func() { d.Close() })
	_, err = d.AddRecipient(t.Context(), store.Recipient{Name: "A", Kind: "vendor", Added: t0})
	require.NoError(t, err)
	for n := range 3 {
		s, x := submission(n)
		_, err := d.AddSubmission(t.Context(), s, x)
		require.NoError(t, err)
	}
	for n := range 2 {
		c, k := issued(n)
		require.NoError(t, d.AddCopy(t.Context(), c, k))
	}
	one, _ := submission(1)
	require.NoError(t, d.AddCustody(t.Context(), custody()))
	require.NoError(t, d.AddCustody(t.Context(), custody(one.ID)))
	_, _, err = d.Check(t.Context())
	require.NoError(t, err)
	return d
}

func TestEveryEditByRawSQLIsFound(t *testing.T) {
	// An attacker with the file can do away with triggers and constraints.
	const free = `PRAGMA foreign_keys = 0; PRAGMA ignore_check_constraints = 1;
		DROP TRIGGER IF EXISTS ledger_is_append_only_1; DROP TRIGGER IF EXISTS ledger_is_append_only_2; `
	for name, edit := range map[string]string{
		"entry edited":            `UPDATE ledger SET entry = CAST(replace(CAST(entry AS TEXT), '2018', '2019') AS BLOB) WHERE seq = 4`,
		"last entry edited":       `UPDATE ledger SET entry = CAST(replace(CAST(entry AS TEXT), '2018', '2019') AS BLOB) WHERE seq = 10`,
		"hash edited":             `UPDATE ledger SET hash = zeroblob(32) WHERE seq = 3`,
		"entry removed":           `DELETE FROM ledger WHERE seq = 5`,
		"first entry removed":     `DELETE FROM ledger WHERE seq = 1`,
		"last entry removed":      `DELETE FROM ledger WHERE seq = 10`,
		"last two swapped":        `UPDATE ledger SET seq = 99 WHERE seq = 10; UPDATE ledger SET seq = 10 WHERE seq = 9; UPDATE ledger SET seq = 9 WHERE seq = 99`,
		"entry added":             `INSERT INTO ledger SELECT seq + 1, entry, hash FROM ledger WHERE seq = 10`,
		"renumbered":              `UPDATE ledger SET seq = seq + 100`,
		"head rolled back":        `UPDATE ledger_head SET size = 9, hash = (SELECT hash FROM ledger WHERE seq = 9)`,
		"head cut short":          `UPDATE ledger_head SET hash = zeroblob(5)`,
		"ledger emptied":          `DELETE FROM ledger`,
		"truncated to the head":   `DELETE FROM ledger WHERE seq = 10; UPDATE ledger_head SET size = 9, hash = (SELECT hash FROM ledger WHERE seq = 9)`,
		"copy's recipient":        `INSERT INTO recipient SELECT 'B', kind, actor, added, salt, 77 FROM recipient; UPDATE copy SET recipient = 'B'`,
		"copy's digest":           `UPDATE copy SET sha256 = zeroblob(32) WHERE seq = (SELECT min(seq) FROM copy); UPDATE copy SET size = 3`,
		"copy's time":             `UPDATE copy SET issued = issued - 1 WHERE id = x'0000000000000001'`,
		"copy removed":            `DELETE FROM copy WHERE id = x'0000000000000001'`,
		"copy added":              `INSERT INTO copy SELECT x'0000000000000009', submission, recipient, purpose, key_id, strength, margin, weak, psnr, ssim, format, width, height, sha256, size, issued, actor, salt, 88 FROM copy LIMIT 1`,
		"copies swapped":          `UPDATE copy SET seq = 99 WHERE seq = 7; UPDATE copy SET seq = 7 WHERE seq = 8; UPDATE copy SET seq = 8 WHERE seq = 99`,
		"submission's time":       `UPDATE submission SET submitted = submitted + 1 WHERE ref = 2`,
		"submission's hash":       `UPDATE submission SET hash = 'pdq:1' WHERE ref = 3`,
		"submission removed":      `DELETE FROM submission WHERE ref = 3`,
		"original removed":        `DELETE FROM sealed WHERE rowid = 1`,
		"custody widened":         `UPDATE custody SET until = until + 1`,
		"custody backdated":       `UPDATE custody SET entered = entered - 1 WHERE id = 2`,
		"custody list changed":    `UPDATE custody_submission SET submission = (SELECT id FROM submission WHERE ref = 3)`,
		"custody list emptied":    `DELETE FROM custody_submission`,
		"custody list added":      `INSERT INTO custody_submission SELECT 1, id FROM submission WHERE ref = 3`,
		"custody list withdrawn":  `UPDATE custody SET listed = 0 WHERE id = 2`,
		"custody removed":         `DELETE FROM custody WHERE id = 2; DELETE FROM custody_submission`,
		"recipient's kind":        `UPDATE recipient SET kind = 'store'`,
		"recipient added":         `INSERT INTO recipient SELECT 'B', kind, actor, added, salt, 77 FROM recipient`,
		"mark key renamed":        `UPDATE mark_key SET id = 'v1-other'`,
		"mark key removed":        `DELETE FROM mark_key`,
		"registry's name":         `UPDATE registry SET id = zeroblob(16)`,
		"registry's name removed": `DELETE FROM registry`,
		"salt":                    `UPDATE submission SET salt = zeroblob(32) WHERE ref = 1`,
		"commitment moved":        `UPDATE ledger SET entry = (SELECT entry FROM ledger WHERE seq = 4) WHERE seq = 5`,
	} {
		t.Run(name, func(t *testing.T) {
			d := fill(t, "file::memory:")
			require.NoError(t, d.Exec(free+edit))
			_, _, err := d.Check(t.Context())
			require.ErrorIs(t, err, store.ErrTampered)
			require.NotContains(t, err.Error(), "SQL")
		})
	}
}

func TestLedgerRefusesAccidents(t *testing.T) {
	d := fill(t, "file::memory:")
	require.ErrorContains(t, d.Exec("UPDATE ledger SET seq = 99 WHERE seq = 1"), "append-only")
	require.ErrorContains(t, d.Exec("DELETE FROM ledger"), "append-only")
}

// Each write either fails, or fails to say that it succeeded; in both cases a
// repetition leaves one row and a ledger that verifies.
func TestFaults(t *testing.T) {
	errFault := errors.New("fault")
	faults := map[string]func(*sql.Tx) error{
		"fails":               func(*sql.Tx) error { return errFault },
		"fails but persisted": func(tx *sql.Tx) error { return errors.Join(tx.Commit(), errFault) },
	}
	writes := map[string]func(t *testing.T, d *sqlite.DB) error{
		"recipient": func(t *testing.T, d *sqlite.DB) error {
			_, err := d.AddRecipient(t.Context(), store.Recipient{Name: "C", Kind: "partner", Added: t0})
			return err
		},
		"submission": func(t *testing.T, d *sqlite.DB) error {
			s, x := submission(8)
			_, err := d.AddSubmission(t.Context(), s, x)
			return err
		},
		"copy": func(t *testing.T, d *sqlite.DB) error {
			c, k := issued(2)
			k.ID, c.KeyID = "v1-other", "v1-other"
			err := d.AddCopy(t.Context(), c, k)
			if errors.Is(err, store.ErrConflict) { // it is there: the copy ID is fresh for each issue
				return nil
			}
			return err
		},
	}
	for fault, commit := range faults {
		for write, do := range writes {
			t.Run(fault+"/"+write, func(t *testing.T) {
				d := fill(t, "file:"+filepath.Join(t.TempDir(), "r.db"))
				before, _, err := d.Head(t.Context())
				require.NoError(t, err)
				d.SetCommit(commit)
				require.ErrorIs(t, do(t, d), errFault)
				between, _, err := d.Check(t.Context())
				require.NoError(t, err)
				if strings.Contains(fault, "persisted") {
					require.Greater(t, between, before)
				} else {
					require.Equal(t, before, between)
				}
				d.SetCommit((*sql.Tx).Commit)
				require.NoError(t, do(t, d))
				after, _, err := d.Check(t.Context())
				require.NoError(t, err)
				want := before + 1
				if write == "copy" {
					want++ // and its key
				}
				require.Equal(t, want, after)
			})
		}
	}
}

func TestCreateNeverOverwritesAndOpenNeverMakes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.db")
	_, err := sqlite.Open(t.Context(), "file:"+path)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.NoFileExists(t, path)

	fill(t, "file:"+path)
	st, err := os.Stat(path)
	require.NoError(t, err)
	assert.Zero(t, st.Mode().Perm()&0o077, "others must not read hashes: %v", st.Mode())
	_, err = sqlite.Create(t.Context(), "file:"+path, info())
	require.ErrorIs(t, err, fs.ErrExist)
	_, err = sqlite.Open(t.Context(), "file:"+filepath.Dir(path))
	require.ErrorIs(t, err, store.ErrSchema)
	_, err = sqlite.Open(t.Context(), "file::memory:")
	require.ErrorIs(t, err, store.ErrSchema)
}

func TestReopenedRegistryIsTheSame(t *testing.T) {
	dsn := "file:" + filepath.Join(t.TempDir(), "r.db")
	d := fill(t, dsn)
	size, head, err := d.Head(t.Context())
	require.NoError(t, err)
	require.NoError(t, d.Close())
	e, err := sqlite.Open(t.Context(), dsn)
	require.NoError(t, err)
	defer e.Close()
	size2, head2, err := e.Check(t.Context())
	require.NoError(t, err)
	require.Equal(t, size, size2)
	require.Equal(t, head, head2)
}

// Two handles are two processes to SQLite.
func TestTwoHandlesWriteOneFile(t *testing.T) {
	dsn := "file:" + filepath.Join(t.TempDir(), "r.db")
	one := fill(t, dsn)
	two, err := sqlite.Open(t.Context(), dsn)
	require.NoError(t, err)
	defer two.Close()
	before, _, err := one.Head(t.Context())
	require.NoError(t, err)
	var wg sync.WaitGroup
	errs := make(chan error, 100)
	for h, d := range []*sqlite.DB{one, two} {
		wg.Go(func() {
			for n := range 25 {
				s, x := submission(100 + n)
				_, err := d.AddSubmission(t.Context(), s, x)
				errs <- err
				c, k := issued(100 + n)
				c.ID = uint64(1000*h + n + 500)
				errs <- d.AddCopy(t.Context(), c, k)
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
		_, err = sqlite.Open(t.Context(), "file:"+path)
		require.ErrorIs(t, err, store.ErrSchema, path)
		after, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, before, after, path)
	}
}

func TestLaterSchemaIsRefused(t *testing.T) {
	dsn := "file:" + filepath.Join(t.TempDir(), "r.db")
	d := fill(t, dsn)
	require.NoError(t, d.Exec("INSERT INTO schema_version (version_id, is_applied) VALUES (9999, 1)"))
	require.NoError(t, d.Close())
	_, err := sqlite.Open(t.Context(), dsn)
	require.ErrorIs(t, err, store.ErrSchema)
	require.ErrorContains(t, err, "later version of kycmark")
}

func TestDurabilitySettings(t *testing.T) {
	d := fill(t, "file:"+filepath.Join(t.TempDir(), "r.db"))
	for pragma, want := range map[string]string{
		"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "secure_delete": "1", "trusted_schema": "0",
	} {
		got, err := d.Pragma(pragma)
		require.NoError(t, err)
		assert.Equal(t, want, got, pragma)
	}
}

func FuzzParseDSN(f *testing.F) {
	for _, s := range []string{"", "file:", "file:kyc.db", "file::memory:", "file:kyc.db?mode=memory", "postgres://x",
		"file:///tmp/a.db", "file:a%20b", "file:../x", "file:./:memory:", "file:\x00", "kyc.db", "file:#"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, dsn string) {
		path, err := sqlite.ParseDSN(dsn)
		if err != nil {
			require.ErrorIs(t, err, store.ErrSchema)
			return
		}
		require.NotEmpty(t, path)
		require.NotContains(t, path, "?")
		require.Equal(t, dsn == "file:"+sqlite.Memory, path == sqlite.Memory)
	})
}
