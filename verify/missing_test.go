package verify_test

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/weigh"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/verify/registry/postgres"
	"github.com/kycmark/kycmark/verify/registry/sqlite"
	"github.com/kycmark/kycmark/watermark"
)

// edits of what a registry keeps to find uploads by, as a person with the database and without
// the sealing key makes them; PART is a column of the table sealed. "flipped" is SQLite's.
var partEdits = map[string]string{
	"flipped": `UPDATE sealed SET PART = CAST(substr(PART, 1, 40) || iif(substr(PART, 41, 1) = x'00', x'01', x'00') || substr(PART, 42) AS BLOB)`,
	"emptied": `UPDATE sealed SET PART = substr(PART, 1, 0)`,
	"swapped": `UPDATE sealed SET PART = o.PART FROM (SELECT * FROM sealed) o WHERE o.submission <> sealed.submission`,
	"moved":   `UPDATE sealed SET PART = body`,
}

// newSearched makes a registry of a passport and a licence, and returns the configuration of its issuer.
func newSearched(t *testing.T, at registry.Driver, sealHashes bool) registry.Config {
	t.Helper()
	r, err := registry.Create(t.Context(), at, &registry.CreateOptions{SealHashes: sealHashes})
	require.NoError(t, err)
	t.Cleanup(func() { r.Close() })
	cfg := registry.Config{Registry: r, Key: leaktest.Key(), SealKey: leaktest.SealKey()}
	s := newIssuer(t, cfg)
	submit(t, s, file(t, passport(1), "jpeg"), "customer 1", feb)
	submit(t, s, file(t, licence(2), "jpeg"), "customer 2", feb)
	return cfg
}

// A searchedFile is the file of a registry of newSearched that tests share.
type searchedFile struct {
	sync.Once
	file []byte
}

var searchedInClear, searchedSealed searchedFile

// searched returns the file of a registry of newSearched.
func searched(t *testing.T, sealHashes bool) []byte {
	t.Helper()
	of := &searchedInClear
	if sealHashes {
		of = &searchedSealed
	}
	of.Do(func() {
		path := filepath.Join(t.TempDir(), "made.db")
		require.NoError(t, newSearched(t, sqlite.At(path), sealHashes).Registry.Close())
		of.file = readFile(t, path)
	})
	require.NotEmpty(t, of.file, "the registry could not be made")
	return of.file
}

// edited returns the configuration of a registry in a copy of the file made, changed by query.
func edited(t *testing.T, made []byte, query string) registry.Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kyc.db")
	require.NoError(t, os.WriteFile(path, made, 0o600))
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), "PRAGMA ignore_check_constraints = 1; PRAGMA foreign_keys = 0; "+query)
	require.NoError(t, err)
	require.NoError(t, db.Close())
	r, err := registry.Open(t.Context(), sqlite.At(path))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	return registry.Config{Registry: r, Key: leaktest.Key(), SealKey: leaktest.SealKey()}
}

// requireBlind requires that an investigation in a registry of two uploads says everywhere that n
// of them could not be searched, and that an audit finds them.
func requireBlind(t *testing.T, cfg registry.Config, n int) {
	t.Helper()
	inv := newInvestigator(t, investigating(cfg))
	inv.SetDetect(noMark)
	v := examine(t, inv, residence())
	require.Equal(t, findings.FoundUnknown, v.Kind)
	require.Equal(t, &findings.Missing{Uploads: 2, Damaged: n}, v.Searched.Missing)
	assert.Contains(t, v.Note, fmt.Sprintf(" %d of the 2 uploads could not be searched", n))
	assert.LessOrEqual(t, v.Recall.Bound, 1-float64(n)/2)
	require.NoError(t, verify.Recheck(v, true))
	d, err := inv.Weigh(t.Context(), []*findings.Finding{v})
	require.NoError(t, err)
	assert.Contains(t, strings.Join(weigh.NotSearched(d), "\n"), fmt.Sprintf("Of the 2 uploads of the registry (each page is one), these could not be searched, or not wholly, and are counted as not found: %d altered", n))
	assert.Subset(t, d.Sentences(), weigh.NotSearched(d))
	assert.Contains(t, reportOf(t, d, false), "could not be searched")
	requireAudited(t, cfg, n)
}

// requireAudited requires that an audit with the sealing key finds n problems or more, and says
// nothing that only a reader of SQL understands.
func requireAudited(t *testing.T, cfg registry.Config, n int) {
	t.Helper()
	a, err := cfg.Registry.Ledger().Audit(t.Context(), registry.AuditOptions{SealKey: cfg.SealKey})
	require.NoError(t, err)
	require.False(t, a.Holds)
	assert.GreaterOrEqual(t, len(a.Problems), n, a.Problems)
	for _, p := range a.Problems {
		assert.NotRegexp(t, "sql|Scan|SELECT", p)
	}
}

// An investigation says what it could not search because the database was edited.
func TestEditedSearchDataIsSaid(t *testing.T) {
	t.Parallel()
	for _, part := range long.Cases(2, "features", "hashes", "wrapped") {
		made := searched(t, part == "hashes")
		for name, edit := range partEdits {
			t.Run(part+" "+name, func(t *testing.T) {
				requireBlind(t, edited(t, made, strings.ReplaceAll(edit, "PART", part)), 2)
			})
		}
		if part == "hashes" {
			requireBlind(t, edited(t, made, "DELETE FROM sealed WHERE submission = (SELECT min(id) FROM submission)"), 1)
		}
		if part == "features" { // what it is about: a crop that was found
			v := examine(t, newInvestigator(t, setup{Config: verify.Config{Registry: edited(t, made, "SELECT 1").Registry, SealKey: leaktest.SealKey()}}),
				imaging.Crop(passport(1), image.Rect(150, 100, 420, 300)))
			require.Equal(t, findings.FoundLookalike, v.Kind)
			require.Nil(t, v.Searched.Missing)
		}
	}
}

func TestEditedSearchDataIsSaidInPostgreSQL(t *testing.T) {
	t.Parallel()
	for _, part := range []string{"features", "hashes"} {
		dsn := server.DSN(t)
		cfg := newSearched(t, postgres.At(dsn), part == "hashes")
		db, err := pgx.Connect(t.Context(), dsn)
		require.NoError(t, err)
		defer db.Close(t.Context())
		for _, name := range []string{"swapped", "emptied"} {
			_, err = db.Exec(t.Context(), strings.ReplaceAll(partEdits[name], "PART", part))
			require.NoError(t, err)
			requireBlind(t, cfg, 2)
		}
	}
}

// An upload whose original was lost or altered is no stranger: a leak of it, of a part of it, and one
// that resembles it are incomplete. Nothing else is concerned.
func TestLostOriginals(t *testing.T) {
	t.Parallel()
	made := searched(t, false)
	for name, edit := range map[string]string{
		"flipped": "UPDATE sealed SET body = CAST(substr(body, 1, 400) || iif(substr(body, 401, 1) = x'00', x'01', x'00') || substr(body, 402) AS BLOB) WHERE submission = ONE",
		"emptied": "UPDATE sealed SET body = x'' WHERE submission = ONE",
		"object":  "UPDATE sealed SET body = x'', object = CAST(zeroblob(31) || x'01' AS BLOB), object_size = 5 WHERE submission = ONE",
		// A copy that the ledger does not have: others may be hidden.
		"a copy": "INSERT INTO copy VALUES (x'0000000000000009', ONE, 'vendor A', '', '', 'v1-key', 1, 1, 0, 1, 1, 'png', 1, 1, zeroblob(32), 1, 1, '', zeroblob(32), 99)",
	} {
		if (name == "emptied" || name == "object") && !long.On {
			continue
		}
		t.Run(name, func(t *testing.T) {
			cfg := edited(t, made, strings.ReplaceAll(edit, "ONE", "(SELECT id FROM submission ORDER BY seq LIMIT 1)"))
			conf := untraced(cfg)
			inv := newInvestigator(t, conf)
			var leaks []*findings.Finding
			for i, img := range []image.Image{passport(1), imaging.Crop(passport(1), image.Rect(72, 43, 374, 259))} {
				v := examine(t, inv, img)
				require.Equal(t, findings.FoundIncomplete, v.Kind, i)
				require.Equal(t, 1, v.Closed, i)
				require.Contains(t, v.Note, "The original or records of 1 upload that this picture may show are missing, altered or not readable.")
				require.Nil(t, v.Recall, "no trial had such uploads")
				require.Zero(t, v.Submission, "nothing follows")
				require.NoError(t, verify.Recheck(v, true))
				leaks = append(leaks, v)
			}
			d, err := inv.Weigh(t.Context(), leaks)
			require.NoError(t, err)
			require.Contains(t, d.Headline, "Inconclusive: both leaked pictures may show uploads that could not be read")
			require.Contains(t, strings.Join(d.Sentences(), "\n"), "2 pictures may show uploads that could not be read. Restore the originals or records of these uploads (kycmark audit --originals names them)")
			require.NotContains(t, strings.Join(d.Sentences(), "\n"), "match no upload")
			for _, h := range d.Odds.Recipients {
				require.InDelta(t, 0, h.LogE, 1e-9, "%s: they are no evidence", h.Name)
			}
			requireAudited(t, cfg, 1)

			if name != "flipped" {
				return
			}
			other := examine(t, inv, licence(2))
			require.Equal(t, findings.FoundUnreadable, other.Kind)
			stranger := examine(t, inv, stranger())
			require.Equal(t, findings.FoundUnknown, stranger.Kind)
			require.Zero(t, stranger.Closed)
			conf.Against = []watermark.Submission{leaks[0].Matches[0].Submission}
			named := newInvestigator(t, conf)
			require.Equal(t, findings.FoundIncomplete, examine(t, named, passport(1)).Kind)
		})
	}
}

// One bit of the key's ID or of the upload's ID in a sealed row costs that upload: its leaks are incomplete, a part of it
// is unknown among uploads of which one is missing, an audit and an issue name it. The others are examined.
func TestDamagedSeal(t *testing.T) {
	t.Parallel()
	id := watermark.SubmissionOf(sha256.Sum256(file(t, passport(1), "jpeg")))
	stores := map[string]struct{ driver, begin, flip string }{
		"SQLite": {"sqlite", "PRAGMA foreign_keys = 0; ", "CAST(substr(submission, 1, 15) || iif(substr(submission, 16) = x'00', x'01', x'00') AS BLOB)"},
	}
	if long.On {
		stores["PostgreSQL"] = struct{ driver, begin, flip string }{"pgx", "SET session_replication_role = replica; ", "set_byte(submission, 15, get_byte(submission, 15) # 1)"}
	}
	for name, of := range stores {
		for _, change := range []string{"key_id = replace(key_id, 'seal1-', 'seal0-')", "submission = " + of.flip} {
			t.Run(name+" "+change[:6], func(t *testing.T) {
				dsn := filepath.Join(t.TempDir(), "kyc.db")
				var cfg registry.Config
				if of.driver == "pgx" {
					dsn = server.DSN(t)
					cfg = newSearched(t, postgres.At(dsn), false)
				} else {
					require.NoError(t, os.WriteFile(dsn, searched(t, false), 0o600))
					r, err := registry.Open(t.Context(), sqlite.At(dsn))
					require.NoError(t, err)
					t.Cleanup(func() { require.NoError(t, r.Close()) })
					cfg = registry.Config{Registry: r, Key: leaktest.Key(), SealKey: leaktest.SealKey()}
				}
				db, err := sql.Open(of.driver, dsn)
				require.NoError(t, err)
				defer db.Close()
				_, err = db.ExecContext(t.Context(), of.begin+"UPDATE sealed SET "+change+" WHERE submission = (SELECT id FROM submission ORDER BY seq LIMIT 1)")
				require.NoError(t, err)

				inv := newInvestigator(t, untraced(cfg))
				v := examine(t, inv, passport(1))
				require.Equal(t, findings.FoundIncomplete, v.Kind)
				require.Equal(t, id, v.Matches[0].Submission)
				require.Equal(t, &findings.Missing{Uploads: 2, Damaged: 1}, v.Searched.Missing)
				crop := examine(t, inv, imaging.Crop(passport(1), image.Rect(72, 43, 374, 259)))
				require.Equal(t, &findings.Missing{Uploads: 2, Damaged: 1}, crop.Searched.Missing)
				require.Equal(t, findings.FoundUnreadable, examine(t, inv, licence(2)).Kind)
				d, err := inv.Weigh(t.Context(), []*findings.Finding{crop})
				require.NoError(t, err)
				require.True(t, weigh.SearchDamaged(d), "the command does not end with 0")

				s := newIssuer(t, cfg)
				vendors(t, cfg.Registry, "vendor A")
				_, err = s.Issue(t.Context(), id, "vendor A", registry.WriteTo(new(bytes.Buffer)), nil)
				require.ErrorIs(t, err, registry.ErrSealed)
				require.ErrorContains(t, err, id.String())
				submit(t, s, file(t, passport(3), "jpeg"), "", feb)
				a, err := cfg.Registry.Ledger().Audit(t.Context(), registry.AuditOptions{SealKey: cfg.SealKey})
				require.NoError(t, err)
				require.Contains(t, strings.Join(a.Problems, "\n"), "submission "+id.String())
			})
		}
	}
}

// A row of a wrong form costs that row, and no text of the database reaches a reader.
func TestOneBadRow(t *testing.T) {
	t.Parallel()
	made := searched(t, false)
	for name, edit := range map[string]string{
		"rendition": "rendition = x'0102'",
		"area":      "area = 'no hash'",
		"id":        "id = x'01'",
		"sha256":    "sha256 = x''",
		"kept":      "kept = 7",
	} {
		if (name == "rendition" || name == "sha256") && !long.On {
			continue
		}
		t.Run(name, func(t *testing.T) {
			cfg := edited(t, made, "UPDATE submission SET "+edit+" WHERE seq = (SELECT min(seq) FROM submission)")
			inv := newInvestigator(t, untraced(cfg))
			if name == "area" {
				require.Equal(t, findings.FoundUnreadable, examine(t, inv, licence(2)).Kind, "the other row is not concerned")
			}
			v := examine(t, inv, passport(1))
			require.Equal(t, &findings.Missing{Uploads: 2, Damaged: 1}, v.Searched.Missing)
			d, err := inv.Weigh(t.Context(), []*findings.Finding{v})
			require.NoError(t, err)
			require.Contains(t, strings.Join(d.Sentences(), "\n"), "Of the 2 uploads of the registry (each page is one), these could not be searched")
			requireAudited(t, cfg, 1)
		})
	}
}

// An altered record of a copy or of custody costs the leaks that it concerns. The mark that such a leak carries must
// not look as if it were not ours, and the leak not as if nobody had held it.
func TestOneAlteredRecord(t *testing.T) {
	t.Parallel()
	c := newCase(t)
	entered := made.file
	for name, edit := range map[string]string{
		"ID": "UPDATE copy SET id = x'00'", "purpose": "UPDATE copy SET purpose = 'another'", "no row": "DELETE FROM copy",
	} {
		t.Run(name, func(t *testing.T) {
			inv := newInvestigator(t, investigating(edited(t, entered, edit)))
			inv.SetDetect(reads(c.copy.ID))
			v := examine(t, inv, c.marked)
			require.Equal(t, findings.FoundIncomplete, v.Kind)
			require.Empty(t, v.Reads)
			require.Nil(t, v.Issued)
			require.NoError(t, verify.Recheck(v, true))
			if name == "ID" {
				inv.SetDetect(noMark)
				require.Equal(t, findings.FoundUnmarked, examine(t, inv, c.bill).Kind, "another upload is not concerned")
			}
		})
	}
}

// Odds rest on counts by days. If rows that are counted were altered, nothing is said of recipients: not other odds.
func TestAlteredCounts(t *testing.T) {
	t.Parallel()
	c := newCase(t)
	for name, edit := range map[string]string{
		"another day":       "UPDATE copy SET issued = issued - 86400000000",
		"another recipient": "UPDATE copy SET recipient = recipient || 'x'",
	} {
		t.Run(name, func(t *testing.T) {
			inv := newInvestigator(t, untraced(edited(t, made.file, edit)))
			leak := examine(t, inv, c.bill)
			require.Equal(t, findings.FoundUnreadable, leak.Kind)
			d, err := inv.Weigh(t.Context(), []*findings.Finding{leak})
			require.NoError(t, err)
			require.Empty(t, d.Named)
			require.Equal(t, findings.FoundIncomplete, d.Findings[0].Kind)
			require.Contains(t, strings.Join(d.Record.Altered, ""), "counts by days: copies: what is found is not what was entered")
		})
	}
}

// An index that hides an upload from who asks for its ID leaves no leak of it without a word.
func TestDamagedIndexOfUploads(t *testing.T) {
	t.Parallel()
	c := newCase(t)
	path := filepath.Join(t.TempDir(), "kyc.db")
	require.NoError(t, os.WriteFile(path, made.file, 0o600))
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	var at, size int
	require.NoError(t, db.QueryRow("SELECT (pageno - 1) * pgsize, pgsize FROM dbstat WHERE name = 'sqlite_autoindex_submission_1'").Scan(&at, &size))
	require.NoError(t, db.Close())
	damaged := bytes.Clone(made.file)
	n := bytes.Index(damaged[at:at+size], c.copy.Submission[:])
	require.Positive(t, n)
	damaged[at+n+len(c.copy.Submission)-1] ^= 1
	inv := newInvestigator(t, investigating(edited(t, damaged, "")))
	for name, detect := range map[string]detectFunc{"read": reads(c.copy.ID), "not read": noMark} {
		inv.SetDetect(detect)
		require.Equal(t, findings.FoundIncomplete, examine(t, inv, c.marked).Kind, name)
	}
}
