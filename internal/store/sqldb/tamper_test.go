package sqldb_test

import (
	"database/sql"
	"fmt"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/store/sqldb"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/watermark"
)

// everything is fill and one of each of the rarer rows; uploads 8 and 9 are erased.
func everything(t *testing.T, s records.Store) {
	t.Helper()
	ctx := t.Context()
	fill(t, s)
	require.NoError(t, s.AddKeyState(ctx, keyState("retired")))
	require.NoError(t, s.AddKeyState(ctx, keyState("compromised")))
	require.NoError(t, s.AddReceipt(ctx, receipt(3<<60|7)))
	require.NoError(t, s.AddReceipt(ctx, receipt(4<<60|7)))
	for i := range 2 {
		_, err := s.AddInvestigation(ctx, investigation(i+1))
		require.NoError(t, err)
	}
	require.NoError(t, s.AddCustody(ctx, through()))
	dated, err := s.AddInvestigation(ctx, dated(3))
	require.NoError(t, err)
	require.NoError(t, s.AddConclusion(ctx, conclusion(dated)))
	_, err = s.SetSubjects(ctx, []records.SubjectChange{change(0, "wrong"), change(3, "subject-5"), change(9, "erased later")})
	require.NoError(t, err)
	_, err = s.SetSubjects(ctx, []records.SubjectChange{change(0, "right")})
	require.NoError(t, err)
	_, err = s.AddSubmissions(ctx, append(document(40, 3), document(41, 3)...))
	require.NoError(t, err)
	checkpoint(t, s)
	require.NoError(t, s.Erase(ctx, erasure("letter 5", 9)))
	require.NoError(t, s.Erase(ctx, erasure("letter 6", 7, 8)))
	checkpoint(t, s)
	releases(t, s)
	added, err := s.AddReturn(ctx, cameBack(6, 0x502))
	require.NoError(t, err)
	require.True(t, added)
	_, err = s.ChangeCheckpoint(ctx, checkpoint(t, s).Size, func(c *books.Checkpoint) ([]records.Cosigned, error) {
		return []records.Cosigned{cosigned(c)}, nil
	})
	require.NoError(t, err)
	for _, name := range []string{"Ada", "Bea"} {
		_, err := s.AddRecipient(ctx, reviewer(name))
		require.NoError(t, err)
	}
	fifth, _ := submission(5)
	seen, key := issued(0x505, fifth.ID, "vendor B")
	seen.Reviewer, seen.Salt = reviewer("Ada").Ref, salt("seen")
	key.ID, seen.KeyID = "v1-second", "v1-second"
	require.NoError(t, s.AddCopy(ctx, &seen, key))
	require.NoError(t, s.Erase(ctx, records.Erasure{Reviewer: reviewer("Bea").Ref, Note: "letter 7", Entered: t0, Logged: books.Logged{Salt: salt("letter 7")}}))
	signed := custody("vendor A", fifth.ID)
	signed.Event, signed.Scheme, signed.Salt = books.Digest{1}, "a secret that both have", salt("signed")
	added, err = s.AddSignedCustody(ctx, signed, []byte("sealed"))
	require.NoError(t, err)
	require.True(t, added)
	_, _, err = s.Check(ctx)
	require.NoError(t, err)
}

// reviewer is a reviewer of vendor B.
func reviewer(name string) books.Recipient {
	r := books.Recipient{Name: name, Kind: books.KindReviewer, Of: "vendor B", Ref: "reviewer-of " + string(name[0]), Blind: salt("blind"), Added: t0, Logged: books.Logged{Salt: salt(name)}}
	r.Digest = records.NameDigest(r.Blind, r.Name)
	return r
}

// cameBack says that an upload came in with the mark of a copy.
func cameBack(upload int, of watermark.CopyID) books.Return {
	sub, _ := submission(upload)
	return books.Return{Submission: sub.ID, Copy: of, LogP: -9.5, Entered: t0.AddDate(2, 1, 0), Actor: "ops", Logged: books.Logged{Salt: salt("return")}}
}

// cosigned is the signature of a witness of a checkpoint.
func cosigned(c *books.Checkpoint) records.Cosigned {
	return records.Cosigned{Size: c.Size, Root: c.Root, Witness: "witness+0+", Dated: t0.AddDate(3, 0, 0), Proof: []byte("signed"), Entered: t0.AddDate(3, 0, 1), Logged: books.Logged{Salt: salt("cosigned")}}
}

// releases enters copies 501 to 504 of upload 5: reserved, released, void, void and then released.
func releases(t *testing.T, s records.Store) {
	t.Helper()
	sub, _ := submission(5)
	for id := watermark.CopyID(0x501); id <= 0x504; id++ {
		c, k := issued(id, sub.ID, "vendor B")
		k.ID, c.KeyID = "v1-second", "v1-second"
		require.NoError(t, s.AddCopy(t.Context(), &c, k))
	}
	for i, r := range []books.Release{release(0x502, books.CopyReleased), release(0x503, books.CopyVoid), release(0x504, books.CopyVoid), release(0x504, books.CopyReleased)} {
		r.Salt = salt(fmt.Sprint("release", i))
		added, err := s.AddRelease(t.Context(), r, false)
		require.NoError(t, err)
		require.True(t, added)
	}
}

// release is what became of a copy of upload 5.
func release(of watermark.CopyID, state string) books.Release {
	sub, _ := submission(5)
	return books.Release{Copy: of, Submission: sub.ID, State: state, Note: "the folder was full", Entered: t0.AddDate(2, 0, 1), Actor: "ops", Logged: books.Logged{Salt: salt("release")}}
}

// Edits are SQL that all databases know, but for BYTES(hex) and EDITED(entry), the
// entry with another year.
var edits = map[string]string{
	"entry edited":              `UPDATE ledger SET entry = EDITED WHERE seq = 4`,
	"last entry edited":         `UPDATE ledger SET entry = EDITED WHERE seq = (SELECT max(seq) FROM ledger)`,
	"node edited":               `UPDATE ledger SET nodes = (SELECT nodes FROM ledger WHERE seq = 2) WHERE seq = 4`,
	"leaf edited":               `UPDATE ledger SET nodes = ZERO32 WHERE seq = 3`,
	"nodes removed":             `UPDATE ledger SET nodes = (SELECT nodes FROM ledger WHERE seq = 3) WHERE seq = 4`,
	"nodes cut short":           `UPDATE ledger SET nodes = BYTES() WHERE seq = (SELECT max(seq) FROM ledger)`,
	"nodes added":               `UPDATE ledger SET nodes = (SELECT nodes FROM ledger WHERE seq = 4) WHERE seq = 3`,
	"entry removed":             `DELETE FROM ledger WHERE seq = 5`,
	"first entry removed":       `DELETE FROM ledger WHERE seq = 1`,
	"last entry removed":        `DELETE FROM ledger WHERE seq = (SELECT max(seq) FROM ledger)`,
	"two swapped":               `UPDATE ledger SET seq = 999 WHERE seq = 10; UPDATE ledger SET seq = 10 WHERE seq = 9; UPDATE ledger SET seq = 9 WHERE seq = 999`,
	"entry added":               `INSERT INTO ledger SELECT seq + 1, entry, nodes FROM ledger WHERE seq = (SELECT max(seq) FROM ledger)`,
	"renumbered":                `UPDATE ledger SET seq = seq + 1000`,
	"commitment moved":          `UPDATE ledger SET entry = (SELECT entry FROM ledger WHERE seq = 4) WHERE seq = 7`,
	"head rolled back":          `UPDATE ledger_head SET size = size - 1`,
	"head of no size":           `UPDATE ledger_head SET size = -1`,
	"root edited":               `UPDATE ledger_head SET root = ZERO32`,
	"root cut short":            `UPDATE ledger_head SET root = BYTES(0000)`,
	"head removed":              `DELETE FROM ledger_head`,
	"ledger emptied":            `DELETE FROM ledger`,
	"truncated to the head":     `DELETE FROM ledger WHERE seq = (SELECT max(seq) FROM ledger); UPDATE ledger_head SET size = size - 1`,
	"copy's recipient":          `UPDATE copy SET recipient = 'vendor B' WHERE seq = (SELECT min(seq) FROM copy)`,
	"copy's digest":             `UPDATE copy SET sha256 = ZERO32 WHERE seq = (SELECT min(seq) FROM copy)`,
	"copy's size":               `UPDATE copy SET size = size + 1 WHERE seq = (SELECT max(seq) FROM copy)`,
	"copy's margin":             `UPDATE copy SET margin = margin + 0.5 WHERE seq = (SELECT max(seq) FROM copy)`,
	"copy's weakness":           `UPDATE copy SET weak = 1 - weak WHERE seq = (SELECT max(seq) FROM copy)`,
	"copy's time":               `UPDATE copy SET issued = issued - 1 WHERE id = BYTES(1000000000000007)`,
	"copy removed":              `DELETE FROM receipt WHERE copy = BYTES(1000000000000007); DELETE FROM copy WHERE id = BYTES(1000000000000007)`,
	"copy added":                `INSERT INTO copy SELECT BYTES(0000000000000009), submission, recipient, reviewer, purpose, key_id, strength, margin, weak, psnr, ssim, format, width, height, sha256, size, issued, actor, salt, 888 FROM copy LIMIT 1`,
	"copies swapped":            `UPDATE copy SET seq = 999 WHERE seq = 6; UPDATE copy SET seq = 6 WHERE seq = 8; UPDATE copy SET seq = 8 WHERE seq = 999`,
	"submission's time":         `UPDATE submission SET submitted = submitted + 1 WHERE seq = 4`,
	"submission's hash":         `UPDATE submission SET hash = 'pdq:1' WHERE seq = 4`,
	"submission's area hash":    `UPDATE submission SET area = '' WHERE seq = 4`,
	"submission's rendition":    `UPDATE submission SET rendition = ZERO32 WHERE seq = 4`,
	"rendition removed":         `UPDATE submission SET rendition = BYTES() WHERE seq = 4`,
	"rendition of another":      `UPDATE submission SET rendition = (SELECT sha256 FROM submission WHERE seq = 7) WHERE seq = 4`,
	"submission's subject":      `UPDATE submission SET subject = 'another' WHERE seq = 4`,
	"submission's actor":        `UPDATE submission SET actor = 'another' WHERE seq = 4`,
	"submission's ID":           `UPDATE submission SET id = BYTES(00000000000000000000000000000000) WHERE seq = 4`,
	"submission removed":        `DELETE FROM sealed WHERE submission = (SELECT id FROM submission WHERE seq = 4); DELETE FROM submission WHERE seq = 4`,
	"submission added":          `INSERT INTO submission SELECT 999, BYTES(00000000000000000000000000000000), sha256, size, format, decoder, width, height, submitted, received, subject, hash, area, chain, quality, area_quality, 0, salt, 0, rendition, BYTES(), 0, 0, actor FROM submission WHERE seq = 4`,
	"page's hash":               `UPDATE submission SET area = (SELECT area FROM submission WHERE seq = 4) WHERE seq = (SELECT min(seq) FROM submission WHERE page = 2)`,
	"page removed":              `DELETE FROM sealed WHERE submission = (SELECT id FROM submission WHERE seq = (SELECT min(seq) FROM submission WHERE page = 2)); DELETE FROM submission WHERE seq = (SELECT min(seq) FROM submission WHERE page = 2)`,
	"page of another":           `UPDATE submission SET document = (SELECT id FROM submission WHERE seq = (SELECT max(seq) FROM submission WHERE page = 1)) WHERE seq = (SELECT min(seq) FROM submission WHERE page = 3)`,
	"page made an upload":       `UPDATE submission SET document = BYTES(), page = 0, pages = 0 WHERE seq = (SELECT min(seq) FROM submission WHERE page = 3)`,
	"fewer pages":               `UPDATE submission SET pages = 2 WHERE pages = 3`,
	"pages swapped":             `UPDATE submission SET page = 9 WHERE page = 2; UPDATE submission SET page = 2 WHERE page = 3; UPDATE submission SET page = 3 WHERE page = 9`,
	"page rows swapped":         `UPDATE submission SET seq = 999 WHERE seq = 41; UPDATE submission SET seq = 41 WHERE seq = 42; UPDATE submission SET seq = 42 WHERE seq = 999`,
	"salt":                      `UPDATE submission SET salt = ZERO32 WHERE seq = 4`,
	"salt cut short":            `UPDATE submission SET salt = BYTES(00) WHERE seq = 4`,
	"original removed":          `DELETE FROM sealed WHERE submission = (SELECT id FROM submission WHERE seq = 4)`,
	"original emptied":          `UPDATE sealed SET body = BYTES() WHERE submission = (SELECT id FROM submission WHERE seq = 4)`,
	"original of nothing":       `INSERT INTO sealed SELECT BYTES(00000000000000000000000000000000), key_id, wrapped, hashes, features, body, BYTES(), 0 FROM sealed LIMIT 1`,
	"custody widened":           `UPDATE custody SET until = until + 1`,
	"custody backdated":         `UPDATE custody SET entered = entered - 1`,
	"custody's note":            `UPDATE custody SET note = ''`,
	"custody's event":           `UPDATE custody SET event = ZERO32`,
	"custody's scheme":          `UPDATE custody SET scheme = 'signed with a public key'`,
	"custody's event removed":   `DELETE FROM custody_event`,
	"custody list changed":      `UPDATE custody_submission SET submission = (SELECT id FROM submission WHERE seq = 4) WHERE submission = (SELECT id FROM submission WHERE seq = 7)`,
	"custody list emptied":      `DELETE FROM custody_submission`,
	"custody list added":        `INSERT INTO custody_submission SELECT (SELECT max(seq) FROM custody), id FROM submission WHERE seq = 4`,
	"custody list withdrawn":    `UPDATE custody SET listed = 0`,
	"custody list miscounted":   `UPDATE custody SET listed = 2 - listed`, // the sum stays
	"custody list of nothing":   `INSERT INTO custody_submission SELECT 999, id FROM submission WHERE seq = 4`,
	"custody removed":           `DELETE FROM custody_submission; DELETE FROM custody`,
	"recipient's kind":          `UPDATE recipient SET kind = 'store'`,
	"recipient added":           `INSERT INTO recipient SELECT 'B', kind, ref, employer, blind, digest, actor, added, salt, 777 FROM recipient WHERE name = 'vendor A'`,
	"reviewer's name":           `UPDATE recipient SET name = 'Cleo' WHERE name = 'Ada'`,
	"reviewer's employer":       `UPDATE recipient SET employer = 'vendor A' WHERE name = 'Ada'`,
	"reviewer erased in secret": `UPDATE recipient SET name = ref, blind = BYTES() WHERE name = 'Ada'`,
	"erased name put back":      `UPDATE recipient SET name = 'Bea', blind = (SELECT blind FROM recipient WHERE name = 'Ada') WHERE name = ref`,
	"another name erased":       `UPDATE erasure SET reviewer = (SELECT ref FROM recipient WHERE name = 'Ada') WHERE reviewer <> ''`,
	"copy's reviewer":           `UPDATE copy SET reviewer = '' WHERE reviewer <> ''`,
	"custody's reviewer":        `UPDATE custody SET reviewer = 'Ada'`,
	"mark key's commitment":     `UPDATE mark_key SET commitment = ZERO32`,
	"mark key added":            `INSERT INTO mark_key SELECT 'v1-other', commitment, since, salt, 777 FROM mark_key LIMIT 1`,
	"key state's time":          `UPDATE key_state SET since = since + 1 WHERE state = 'compromised'`,
	"key state changed":         `UPDATE key_state SET state = 'active' WHERE state = 'compromised'`,
	"key state removed":         `DELETE FROM key_state WHERE state = 'compromised'`,
	"key state added":           `INSERT INTO key_state (seq, key_id, state, since, note, entered, actor, salt) SELECT 999, key_id, 'active', since, note, entered, actor, salt FROM key_state WHERE state = 'retired'`,
	"receipt's signature":       `UPDATE receipt SET signature = BYTES(` + zero32 + zero32 + `) WHERE seq = (SELECT min(seq) FROM receipt)`,
	"receipt's copy":            `UPDATE receipt SET copy = BYTES(1000000000000007) WHERE seq = (SELECT min(seq) FROM receipt)`,
	"witness's signature":       `UPDATE cosigned SET proof = BYTES(00)`,
	"witness's time":            `UPDATE cosigned SET dated = dated - 1`,
	"witness's name":            `UPDATE cosigned SET witness = ''`,
	"fewer entries signed":      `UPDATE cosigned SET size = size - 1`,
	"another root signed":       `UPDATE cosigned SET root = ZERO32`,
	"signature entered later":   `UPDATE cosigned SET entered = entered + 1`,
	"signature's salt":          `UPDATE cosigned SET salt = ZERO32`,
	"signature hidden":          `DELETE FROM cosigned`,
	"signature forged":          `INSERT INTO cosigned SELECT 888, size, root, witness, dated, proof, entered, salt FROM cosigned`,
	"void hidden":               `DELETE FROM release WHERE copy = BYTES(0000000000000503)`,
	"void made released":        `UPDATE release SET state = 'released' WHERE copy = BYTES(0000000000000503)`,
	"release made void":         `UPDATE release SET state = 'void' WHERE copy = BYTES(0000000000000502)`,
	"return hidden":             `DELETE FROM came_back`,
	"return of another copy":    `UPDATE came_back SET copy = BYTES(0000000000000503)`,
	"return of another upload":  `UPDATE came_back SET submission = (SELECT submission FROM copy WHERE id = BYTES(1000000000000007))`,
	"return's p":                `UPDATE came_back SET log10_p = -1`,
	"release hidden":            `DELETE FROM release WHERE seq = (SELECT max(seq) FROM release)`,
	"release forged":            `INSERT INTO release SELECT 888, BYTES(0000000000000501), submission, state, note, entered, actor, salt FROM release WHERE copy = BYTES(0000000000000502)`,
	"void of another copy":      `UPDATE release SET copy = BYTES(0000000000000501) WHERE copy = BYTES(0000000000000503)`,
	"void of another upload":    `UPDATE release SET submission = (SELECT submission FROM copy WHERE id = BYTES(1000000000000007)) WHERE copy = BYTES(0000000000000503)`,
	"void's note":               `UPDATE release SET note = '' WHERE copy = BYTES(0000000000000503)`,
	"receipt removed":           `DELETE FROM receipt WHERE seq = (SELECT max(seq) FROM receipt)`,
	"investigation's actor":     `UPDATE investigation SET actor = 'nobody'`,
	"investigation removed":     `DELETE FROM investigation WHERE seq = (SELECT min(seq) FROM investigation)`,
	"time of a find":            `UPDATE investigation SET found = found - 1 WHERE seq = (SELECT max(seq) FROM investigation)`,
	"evidence of a find":        `UPDATE investigation SET evidence = '' WHERE seq = (SELECT max(seq) FROM investigation)`,
	"place of a find":           `UPDATE investigation SET published = 1 - published WHERE seq = (SELECT max(seq) FROM investigation)`,
	"files of a find":           `UPDATE investigation SET digests = BYTES(00000000000000000000000000000000) WHERE seq = (SELECT max(seq) FROM investigation)`,
	"files of an old find":      `UPDATE investigation SET digests = BYTES(00000000000000000000000000000000) WHERE seq = (SELECT min(seq) FROM investigation)`,
	"conclusion's names":        `UPDATE conclusion SET named = ''`,
	"conclusion's copies":       `UPDATE conclusion SET copies = BYTES()`,
	"holder of copies":          `UPDATE custody SET recipient = 'vendor A' WHERE through <> ''`,
	"copies of another":         `UPDATE custody SET through = 'vendor B' WHERE through <> ''`,
	"copies made unmarked":      `UPDATE custody SET through = '' WHERE through <> ''`,
	"copies backdated":          `UPDATE custody SET entered = entered - 1 WHERE through <> ''`,
	"holder of copies removed":  `DELETE FROM custody WHERE through <> ''`,
	"conclusion removed":        `DELETE FROM conclusion`,
	"investigation's input":     `UPDATE investigation SET input = ZERO32`,
	"erasure's note":            `UPDATE erasure SET note = 'no reason'`,
	"erasure removed":           `DELETE FROM erasure_submission; DELETE FROM erasure`,
	"erasure list changed":      `UPDATE erasure_submission SET submission = (SELECT id FROM submission WHERE seq = 4) WHERE submission = (SELECT id FROM submission WHERE seq = 21)`,
	"erased twice over":         `INSERT INTO erasure_submission SELECT max(erasure), (SELECT id FROM submission WHERE seq = 4) FROM erasure_submission`,
	"blanked unlisted":          blanked + `WHERE seq = 4; DELETE FROM sealed WHERE submission = (SELECT id FROM submission WHERE seq = 4)`,
	"blanked and listed":        blanked + `WHERE seq = 4; DELETE FROM sealed WHERE submission = (SELECT id FROM submission WHERE seq = 4); INSERT INTO erasure_submission SELECT max(erasure), (SELECT id FROM submission WHERE seq = 4) FROM erasure_submission`,
	"blanked for a fake entry":  blanked + `WHERE seq = 4; UPDATE submission SET erased = 999 WHERE seq = 4; DELETE FROM sealed WHERE submission = (SELECT id FROM submission WHERE seq = 4); INSERT INTO erasure_submission SELECT 999, id FROM submission WHERE seq = 4`,
	"erased row unblanked":      `UPDATE submission SET subject = 'subject-9' WHERE erased > 0`,
	"erased row revived":        `UPDATE submission SET erased = 0 WHERE erased = (SELECT max(erased) FROM submission)`,
	"erased row's time":         `UPDATE submission SET submitted = submitted + 1 WHERE erased > 0`,
	"erased rows swapped":       `UPDATE submission SET seq = 999 WHERE seq = 19; UPDATE submission SET seq = 19 WHERE seq = 21; UPDATE submission SET seq = 21 WHERE seq = 999`,
	"erased row removed":        `DELETE FROM copy WHERE submission = (SELECT id FROM submission WHERE seq = 23); DELETE FROM submission WHERE seq = 23`,
	"erased original restored":  `INSERT INTO sealed SELECT (SELECT id FROM submission WHERE seq = 23), key_id, wrapped, hashes, features, body, BYTES(), 0 FROM sealed LIMIT 1`,
	"later subject":             `UPDATE subject SET reference = 'another' WHERE reference = 'right'`,
	"later subject blanked":     `UPDATE subject SET reference = '', blind = ZERO32 WHERE reference = 'right'`,
	"later subject unblanked":   `DROP INDEX subject_present; UPDATE subject SET reference = 'wrong' WHERE reference = ''`,
	"later subject moved":       `UPDATE subject SET submission = (SELECT id FROM submission WHERE seq = 7) WHERE reference = 'right'`,
	"later subject's digest":    `UPDATE subject SET digest = ZERO32 WHERE reference = ''`,
	"later subject's blind":     `UPDATE subject SET blind = ZERO32 WHERE reference = 'right'`,
	"later subject removed":     `DELETE FROM subject WHERE reference = 'right'`,
	"later subjects swapped":    `UPDATE subject SET reference = 'subject-5', blind = (SELECT blind FROM subject WHERE reference = 'subject-5') WHERE reference = 'right'`,
	"checkpoint's root":         `UPDATE checkpoint SET root = ZERO32 WHERE size = (SELECT min(size) FROM checkpoint)`,
	"checkpoint's size":         `UPDATE checkpoint SET size = size + 1 WHERE size = (SELECT max(size) FROM checkpoint)`,
	"checkpoint of nothing":     `UPDATE checkpoint SET size = 0 WHERE size = (SELECT max(size) FROM checkpoint)`,
	"registry's ID":             `UPDATE registry SET id = BYTES(00000000000000000000000000000000)`,
	"registry's sealing":        `UPDATE registry SET seal_hashes = 1 - seal_hashes`,
	"registry removed":          `DELETE FROM registry`,
}

const (
	zero32  = "0000000000000000000000000000000000000000000000000000000000000000"
	blanked = `UPDATE submission SET sha256 = ZERO32, size = 0, format = '', decoder = '', width = 0, height = 0, subject = '',
		hash = '', area = '', chain = '', quality = 0, area_quality = 0, kept = 0, actor = '', salt = ZERO32,
		erased = (SELECT max(erasure) FROM erasure_submission) `
)

var bytesOf = regexp.MustCompile(`BYTES\(([0-9a-f]*)\)`)

// An attacker with the database can do away with triggers and constraints.
func inDialect(kind, edit string) (before, during string) {
	edit = regexp.MustCompile("ZERO32").ReplaceAllString(edit, "BYTES("+zero32+")")
	if kind == "postgres" {
		edit = regexp.MustCompile("EDITED").ReplaceAllString(edit, `convert_to(replace(convert_from(entry, 'UTF8'), '"time":"20', '"time":"19'), 'UTF8')`)
		return "", `SET LOCAL session_replication_role = replica;
			DO $$ DECLARE c record; BEGIN
				FOR c IN SELECT conrelid::regclass AS tab, conname FROM pg_constraint
					WHERE contype = 'c' AND connamespace = current_schema()::regnamespace
				LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', c.tab, c.conname); END LOOP;
			END $$; ` + bytesOf.ReplaceAllString(edit, `'\x$1'::bytea`)
	}
	edit = regexp.MustCompile("EDITED").ReplaceAllString(edit, `CAST(replace(CAST(entry AS TEXT), '"time":"20', '"time":"19') AS BLOB)`)
	return `PRAGMA foreign_keys = 0; PRAGMA ignore_check_constraints = 1`,
		`DROP TRIGGER ledger_is_append_only_1; DROP TRIGGER ledger_is_append_only_2; ` + bytesOf.ReplaceAllString(edit, `x'$1'`)
}

func TestEveryEditByRawSQLIsFound(t *testing.T) {
	for _, kind := range []string{"memory", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			d := kinds[kind](t, info())
			everything(t, d)
			for name, edit := range edits {
				before, edit := inDialect(kind, edit)
				_, err := d.Raw().Exec(before)
				require.NoError(t, err)
				edited(t, d, name, edit)
			}
			_, _, err := d.Check(t.Context())
			require.NoError(t, err, "each edit was rolled back")
		})
	}
}

func edited(t *testing.T, d *sqldb.DB, name, edit string) {
	t.Helper()
	tx, err := d.Raw().BeginTx(t.Context(), &sql.TxOptions{})
	require.NoError(t, err)
	defer tx.Rollback()
	_, err = tx.Exec(edit)
	require.NoError(t, err, name)
	_, _, err = sqldb.Check(t.Context(), tx)
	if assert.ErrorIs(t, err, records.ErrTampered, name) {
		assert.NotContains(t, err.Error(), "SQL", name)
	}
}

func TestLedgerRefusesAccidents(t *testing.T) {
	each(t, func(t *testing.T, d *sqldb.DB) {
		fill(t, d)
		for _, q := range []string{"UPDATE ledger SET seq = 99 WHERE seq = 1", "DELETE FROM ledger"} {
			_, err := d.Raw().Exec(q)
			require.ErrorContains(t, err, "append-only", q)
		}
	})
}

// The clock of a machine may go back: the ledger orders by numbers, not by times.
func TestClockGoesBack(t *testing.T) {
	each(t, func(t *testing.T, d *sqldb.DB) {
		for n, name := range []string{"a", "b", "c"} {
			r := recipient(name)
			r.Added = t0.AddDate(0, 0, -n)
			_, err := d.AddRecipient(t.Context(), r)
			require.NoError(t, err)
		}
		_, _, err := d.Check(t.Context())
		require.NoError(t, err)
		entries, err := d.Entries(t.Context(), 1, 10)
		require.NoError(t, err)
		for n, raw := range entries {
			e, err := records.ParseEntry(raw)
			require.NoError(t, err)
			require.Equal(t, int64(n+2), e.Seq)
			require.Equal(t, t0.AddDate(0, 0, -n), e.Time, "an auditor sees the clock go back")
		}
	})
}
