package sqldb_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/store/sqldb"
	"github.com/kycmark/kycmark/internal/store/sqlite"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/watermark"
)

// One byte is flipped wherever an ID of a submission, or a subject, lies in the file: in tables and in
// indexes. What is then found of it is what was entered, or an error: nothing is hidden.
func TestFlippedBytesHideNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.db")
	d, err := sqlite.Create(t.Context(), path, info())
	require.NoError(t, err)
	fill(t, d)
	sub, _ := submission(1)
	sub.Kept = false
	sub.ID, sub.Subject, sub.Salt = watermark.Submission(bytes.Repeat([]byte("Q"), 16)), "one-and-only", salt("damage")
	for n := range 2 {
		if sub.ID[0] += byte(n); n > 0 {
			sub.Salt, sub.SHA256 = salt("damage 2"), books.Digest{9}
		}
		_, err := d.AddSubmissions(t.Context(), []records.Upload{{Submission: sub}})
		require.NoError(t, err)
		for k := range 2 {
			c, key := issued(watermark.CopyID(n+11)<<60|watermark.CopyID(k+1), sub.ID, "vendor A")
			require.NoError(t, d.AddCopy(t.Context(), &c, key))
		}
	}
	require.NoError(t, d.CheckSubject(t.Context(), sub.Subject))
	require.NoError(t, d.Close())
	whole, err := os.ReadFile(path)
	require.NoError(t, err)

	hidden, caught := 0, 0
	for _, text := range [][]byte{sub.ID[:], []byte(sub.Subject)} {
		for at := 0; ; at++ {
			k := bytes.Index(whole[at:], text)
			if k < 0 {
				break
			}
			at += k
			for _, i := range []int{1, len(text) - 1} {
				damaged := bytes.Clone(whole)
				damaged[at+i] ^= 1
				require.NoError(t, os.WriteFile(path, damaged, 0o600))
				d, err := sqlite.Open(t.Context(), path)
				if err != nil {
					caught++
					continue
				}
				found, err := d.Copies(t.Context(), sub.ID)
				if err == nil && len(found) < 2 {
					hidden++
				}
				of, wrong := d.SubmissionsOf(t.Context(), sub.Subject)
				if wrong == nil {
					wrong = d.CheckSubject(t.Context(), sub.Subject)
				}
				if wrong == nil && len(of) < 2 {
					hidden++
				}
				if err != nil || wrong != nil {
					caught++
					_, _, err = d.Check(t.Context())
					require.ErrorIs(t, err, records.ErrTampered, "an audit finds it as well")
				}
				require.NoError(t, d.Close())
			}
		}
	}
	t.Logf("%d flips were noticed", caught)
	require.Zero(t, hidden)
	require.Greater(t, caught, 8)
}

// No damaged index keeps a sealed original from an erasure, and an original that is not found is said.
func TestEraseFindsWhatIsSealed(t *testing.T) {
	x := newDamageable(t)
	pageSize := int64(x.whole[16])<<8 | int64(x.whole[17])
	flipped := 0
	for _, page := range x.pages["sqlite_autoindex_sealed_1"] {
		sub, _ := submission(3)
		at := bytes.Index(x.whole[(page-1)*pageSize:page*pageSize], sub.ID[:])
		if at < 0 {
			continue
		}
		damaged := bytes.Clone(x.whole)
		damaged[(page-1)*pageSize+int64(at)+15] ^= 1
		flipped++
		x.write(t, damaged)
		d, err := x.open(t.Context())
		require.NoError(t, err)
		defer d.Close()
		err = d.Erase(t.Context(), erasure("letter 9", 3))
		var n int
		require.NoError(t, d.Raw().QueryRow("SELECT count(*) FROM sealed WHERE +submission = $1", sub.ID[:]).Scan(&n))
		if err == nil {
			require.Zero(t, n, "its original is left")
		}
	}
	require.NotZero(t, flipped)
	each(t, func(t *testing.T, d *sqldb.DB) {
		fill(t, d)
		sub, _ := submission(3)
		_, err := d.Raw().Exec("DELETE FROM sealed WHERE submission = $1", sub.ID[:])
		require.NoError(t, err)
		err = d.Erase(t.Context(), erasure("letter 9", 3))
		require.ErrorIs(t, err, records.ErrTampered)
		require.ErrorContains(t, err, "submission "+sub.ID.String()+" was erased, but its sealed original was not found")
		s, err := d.Submission(t.Context(), sub.ID)
		require.NoError(t, err)
		require.True(t, s.Erased)
	})
}

// An erasure says so if the address of originals was altered: they are left at another place.
func TestEraseFindsThePlace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.db")
	i := info()
	i.Originals = "originals"
	d, err := sqlite.Create(t.Context(), path, i)
	require.NoError(t, err)
	fill(t, d)
	require.NoError(t, d.Erase(t.Context(), erasure("letter 8", 4)))
	_, err = d.Raw().Exec("UPDATE registry SET originals = 'originalr'")
	require.NoError(t, err)
	require.NoError(t, d.Close())
	d = opened(sqlite.Open(t.Context(), path))(t)
	err = d.Erase(t.Context(), erasure("letter 9", 3))
	require.ErrorIs(t, err, records.ErrTampered)
	require.ErrorContains(t, err, "was not found at originalr")
}

// A registry whose ID was altered is not opened: it would issue other copies.
func TestAlteredID(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.db")
	d, err := sqlite.Create(t.Context(), path, info())
	require.NoError(t, err)
	_, err = d.Raw().Exec("UPDATE registry SET id = zeroblob(16)")
	require.NoError(t, err)
	require.NoError(t, d.Close())
	_, err = sqlite.Open(t.Context(), path)
	require.ErrorIs(t, err, records.ErrTampered)
	require.ErrorContains(t, err, "the registry's own row")
}

// An audit names what was added to the schema, and what is missing.
func TestChangedSchema(t *testing.T) {
	for query, says := range map[string]string{
		"CREATE TRIGGER hide AFTER INSERT ON copy BEGIN DELETE FROM copy WHERE id = new.id; END": "trigger hide was added",
		"DROP INDEX copy_submission":                                       "index copy_submission is missing",
		"CREATE VIEW v AS SELECT 1":                                        "view v was added",
		"DROP INDEX receipt_copy; CREATE INDEX receipt_copy ON copy (seq)": "index receipt_copy is another",
		"ANALYZE": "",
	} {
		t.Run(query, func(t *testing.T) {
			d, err := sqlite.Create(t.Context(), filepath.Join(t.TempDir(), "r.db"), info())
			require.NoError(t, err)
			defer d.Close()
			fill(t, d)
			_, err = d.Raw().Exec(query)
			require.NoError(t, err)
			_, _, err = d.Check(t.Context())
			if says == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, records.ErrTampered)
			require.ErrorContains(t, err, says)
		})
	}
}

// Nothing is written where a trigger or a rule was added: it could put an erased original back, or leave an entry out.
func TestMeddler(t *testing.T) {
	each(t, func(t *testing.T, d *sqldb.DB) {
		ctx := t.Context()
		fill(t, d)
		add, remove := "CREATE TRIGGER back AFTER DELETE ON sealed BEGIN INSERT INTO sealed SELECT * FROM (SELECT old.submission, old.key_id, old.wrapped, old.hashes, old.features, old.body, old.object, old.object_size); END", "DROP TRIGGER back"
		if strings.HasSuffix(t.Name(), "postgres") {
			add, remove = "CREATE RULE back AS ON DELETE TO sealed DO INSTEAD NOTHING", "DROP RULE back ON sealed"
			_, err := d.Raw().Exec("CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; CREATE TABLE theirs (x int); CREATE TRIGGER theirs AFTER INSERT ON theirs FOR EACH ROW EXECUTE FUNCTION note()")
			require.NoError(t, err)
		} else {
			_, err := d.Raw().Exec("CREATE TABLE theirs (x int); CREATE TRIGGER theirs AFTER INSERT ON theirs BEGIN DELETE FROM theirs; END")
			require.NoError(t, err)
		}
		_, err := d.AddRecipient(ctx, recipient("another tool's trigger is not in the way"))
		require.NoError(t, err)
		_, err = d.Raw().Exec(add)
		require.NoError(t, err)
		err = d.Erase(ctx, erasure("letter 7", 3))
		require.ErrorIs(t, err, records.ErrTampered)
		require.ErrorContains(t, err, "back")
		s, _ := submission(3)
		left, err := d.Submission(ctx, s.ID)
		require.NoError(t, err)
		require.False(t, left.Erased)
		_, err = d.Raw().Exec(remove)
		require.NoError(t, err)
		require.NoError(t, d.Erase(ctx, erasure("letter 7", 3)))
	})
}
