package verify_test

import (
	"bytes"
	"cmp"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/recheck"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/verify/registry/sqlite"
	"github.com/kycmark/kycmark/watermark"
)

// garbage is what no column of its type holds, as SQL.
var garbage = map[string][]string{
	"TEXT":    {"x'ff00'", "CAST(x'ff00' AS TEXT)", "'no such word'", "NULL"},
	"BLOB":    {"'garbage'", "x'01'", "zeroblob(40)", "NULL"},
	"INTEGER": {"'garbage'", "-9223372036854775807", "1.5", "NULL"},
	"REAL":    {"'garbage'", "9e999", "NULL"},
}

// noSQL is a text that only a reader of SQL, or of Go, understands.
const noSQL = `(?i)sql|scan|select |column index|panic|strconv|converting|runtime error`

// keyOf has the columns that order tables without numbers of entries.
var keyOf = map[string]string{"checkpoint": "size", "list_node": "id", "erasure_submission": "erasure", "custody_submission": "custody"}

// garbled returns the path of a copy of the registry made, with a value in a column of its first row.
func garbled(t *testing.T, made []byte, table, column, value string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kyc.db")
	require.NoError(t, os.WriteFile(path, made, 0o600))
	run := func(queries ...string) {
		db, err := sql.Open("sqlite", path)
		require.NoError(t, err)
		defer db.Close()
		conn, err := db.Conn(t.Context())
		require.NoError(t, err)
		defer conn.Close()
		for _, q := range queries {
			_, err := conn.ExecContext(t.Context(), q)
			require.NoError(t, err, q)
		}
	}
	if table == "ledger" { // its trigger lets nobody edit it
		db, err := sql.Open("sqlite", path)
		require.NoError(t, err)
		var name, guard string
		require.NoError(t, db.QueryRow("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'ledger' AND sql LIKE '%UPDATE%'").Scan(&name, &guard))
		require.NoError(t, db.Close())
		run("DROP TRIGGER " + name)
		defer run(guard)
	}
	// A flipped bit changes a type as well: the table's own checks are taken away, and put back.
	run("PRAGMA writable_schema = 1",
		"CREATE TABLE saved AS SELECT name, sql FROM sqlite_schema WHERE name = '"+table+"'",
		"UPDATE sqlite_schema SET sql = replace(replace(replace(sql, ') STRICT, WITHOUT ROWID', ') WITHOUT ROWID'), ') STRICT', ')'), 'NOT NULL', '') WHERE name = '"+table+"'",
		"PRAGMA writable_schema = RESET")
	run("PRAGMA ignore_check_constraints = 1", "PRAGMA foreign_keys = 0",
		fmt.Sprintf("UPDATE %s SET %s = %s WHERE %s = (SELECT min(%[4]s) FROM %[1]s)", table, column, value, cmp.Or(keyOf[table], "seq")),
		"PRAGMA writable_schema = 1",
		"UPDATE sqlite_schema SET sql = (SELECT sql FROM saved) WHERE name = '"+table+"'",
		"DROP TABLE saved",
		"PRAGMA writable_schema = RESET")
	return path
}

// A row of which any column is garbage ends neither an investigation nor an audit. The leaks that it concerns are
// incomplete, the others are examined, and no text of the database reaches a reader.
func TestMalformedRows(t *testing.T) {
	t.Parallel()
	c := newCase(t)
	ledger := malformable(t, c)
	require.NoError(t, c.Registry.Close())
	made := readFile(t, c.path)
	db, err := sql.Open("sqlite", c.path)
	require.NoError(t, err)
	defer db.Close()
	r, err := registry.Open(t.Context(), sqlite.At(c.path))
	require.NoError(t, err)
	whole, err := r.Ledger().Audit(t.Context(), registry.AuditOptions{SealKey: c.SealKey, Keys: []string{ledger}})
	require.NoError(t, err)
	require.NoError(t, r.Close())
	stranger := file(t, specimen.Render(specimen.Residence, specimen.NewPerson(9), 200), "png")
	leak := file(t, c.marked, "jpeg")
	tried, altered, every := 0, 0, long.Number(48, 8) // one value of so many columns
	for _, table := range []string{"recipient", "submission", "copy", "release", "custody", "receipt", "came_back", "mark_key", "key_state", "cosigned", "investigation", "conclusion",
		"erasure", "erasure_submission", "custody_submission", "subject", "checkpoint", "ledger", "list_node"} {
		var n int
		require.NoError(t, db.QueryRow("SELECT count(*) FROM "+table).Scan(&n))
		require.NotZero(t, n, table)
		rows, err := db.Query("SELECT name, type FROM pragma_table_info('" + table + "')")
		require.NoError(t, err)
		for rows.Next() {
			var column, kind string
			require.NoError(t, rows.Scan(&column, &kind))
			values := garbage[kind]
			switch {
			case column == "seq" || kind == "INTEGER" && table == "submission" && column == "id":
				values = values[1:2] // SQLite itself keeps numbers there
			case table == "checkpoint" && column == "size":
				values = values[1:2]
			case table == "checkpoint" && column == "made":
				continue // it is only shown, and nothing commits to it
			case column == "name" || column == "id" || strings.HasSuffix(table, "_submission"):
				values = values[:3]
			}
			for i, value := range values {
				if os.Getenv("KYCMARK_GARBAGE") == "" && (tried%every != 0 || (tried/every+i)%len(values) != 0) {
					continue // all with KYCMARK_GARBAGE=1
				}
				t.Run(table+"."+column+" "+value, func(t *testing.T) {
					path := garbled(t, made, table, column, value)
					if goesOn(t, c, ledger, sqlite.At(path), leak, stranger, len(whole.Problems)) {
						altered++
					}
				})
			}
			tried++
		}
		require.NoError(t, rows.Err())
	}
	t.Logf("%d columns; in %d trials records that all leaks rest on were altered", tried, altered)
	require.Greater(t, tried, 100)
	require.NotZero(t, altered)
}

// goesOn requires that an investigation of a marked leak and of a stranger, and an audit, of a registry go on. It
// reports whether records that all leaks rest on were altered. ledger is the key of checkpoints. An audit finds more
// than problems problems. Nothing is investigated if that cannot be entered into the ledger.
func goesOn(t *testing.T, c *caseFile, ledger string, at registry.Driver, leak, stranger []byte, problems int) (altered bool) {
	t.Helper()
	r, err := registry.Open(t.Context(), at)
	require.NoError(t, err)
	defer r.Close()
	cfg := c.setup
	cfg.Registry = r
	inv := newInvestigator(t, cfg)
	inv.SetDetect(reads(c.copy.ID))
	ours, err := inv.File(t.Context(), "a.jpg", leak)
	audit := func() {
		a, err := r.Ledger().Audit(t.Context(), registry.AuditOptions{SealKey: c.SealKey, Keys: []string{ledger}})
		require.NoError(t, err)
		require.Greater(t, len(a.Problems), problems)
		assert.NotRegexp(t, noSQL, strings.Join(a.Problems, "\n"))
		t.Log(a.Problems)
	}
	if err != nil {
		require.ErrorIs(t, err, registry.ErrTampered)
		require.ErrorContains(t, err, "could not be logged, so it was not begun")
		require.NotRegexp(t, noSQL, err)
		audit()
		return false
	}
	inv.SetDetect(noMark)
	other, err := inv.File(t.Context(), "b.jpg", stranger)
	require.NoError(t, err)
	require.Equal(t, findings.FoundUnknown, other.Kind)
	d, err := inv.Weigh(t.Context(), []*findings.Finding{ours, other})
	require.NoError(t, err)
	var written, page bytes.Buffer
	require.NoError(t, inv.WriteFindings(t.Context(), &written, d, true))
	require.NoError(t, inv.WriteReport(t.Context(), &page, d, true))
	assert.NotRegexp(t, noSQL, strings.Join(append(d.Sentences(), d.Headline, ours.Note, other.Note), "\n"))
	f, err := recheck.Read(&written)
	require.NoError(t, err)
	require.NoError(t, recheck.CheckLeaks(f))
	require.NoError(t, recheck.CheckVerdict(f))
	for _, text := range d.Record.Altered {
		altered = true
		assert.Regexp(t, `entry |found, and|another subject was entered`, text, "the row is named")
		if !strings.HasPrefix(text, "submission "+c.billID.String()) { // who had the upload that came back is not known
			require.Equal(t, findings.FoundIncomplete, ours.Kind)
		}
		require.Empty(t, d.Named)
	}
	t.Log(ours.Kind, d.Headline, d.Record.Altered)
	audit()
	return altered
}

// malformable enters a row of each of the rarer tables into the registry of c. It returns the public key of a checkpoint.
func malformable(t *testing.T, c *caseFile) (ledger string) {
	t.Helper()
	ctx := t.Context()
	require.NoError(t, c.Registry.AddRecipient(ctx, books.Recipient{Name: "printer", Kind: books.KindPartner}))
	inv := c.investigator(t, reads(c.copy.ID))
	_, err := inv.Weigh(ctx, []*findings.Finding{examine(t, inv, c.marked)})
	require.NoError(t, err)
	s, err := sqlite.At(c.path).Open(ctx)
	require.NoError(t, err)
	defer s.Close()
	logged := func() books.Logged { return books.Logged{Salt: records.NewSalt()} }
	now := c.copy.Issued.Add(time.Hour)
	_, err = s.AddReturn(ctx, books.Return{Submission: c.billID, Copy: c.copy.ID, LogP: -9, Entered: now, Logged: logged()})
	require.NoError(t, err)
	require.NoError(t, s.AddReceipt(ctx, books.Receipt{Copy: c.copy.ID, PublicKey: books.Digest{1}, Entered: now, Logged: logged()}))
	require.NoError(t, c.Registry.AddCustody(ctx, books.Custody{Recipient: "printer", Through: "vendor A", To: now, Note: "letter"}))
	require.NoError(t, s.AddKeyState(ctx, books.KeyState{KeyID: c.copy.KeyID, State: books.KeyRetired, Since: now, Entered: now, Logged: logged()}))
	_, err = c.Registry.Erase(ctx, "customer 2", "", "asked for")
	require.NoError(t, err)
	_, err = c.Registry.SetSubjects(ctx, map[watermark.Submission]string{c.billID: "customer 3"}, "")
	require.NoError(t, err)
	require.NoError(t, c.Registry.AddCustody(ctx, books.Custody{Recipient: "printer", From: feb, To: feb, Note: "bill", Submissions: []watermark.Submission{c.billID}}))
	private, public, err := c.Registry.Ledger().GenerateKey(ctx)
	require.NoError(t, err)
	signed, err := c.Registry.Ledger().Sign(ctx, private)
	require.NoError(t, err)
	_, err = s.ChangeCheckpoint(ctx, signed.Size, func(k *books.Checkpoint) ([]records.Cosigned, error) {
		k.Stamp = []byte{2}
		return []records.Cosigned{{Size: k.Size, Root: k.Root, Dated: now, Proof: []byte{2}, Entered: now, Logged: logged()}}, nil
	})
	require.NoError(t, err)
	return public
}
