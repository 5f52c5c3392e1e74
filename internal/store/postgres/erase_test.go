package postgres_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/store/postgres"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/watermark"
)

// found lists the folders of the server's data directory with a file that holds the
// text.
func found(t *testing.T, text string) map[string]bool {
	t.Helper()
	in := make(map[string]bool)
	err := filepath.WalkDir(server.Data(), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil // files come and go
		}
		rel, _ := filepath.Rel(server.Data(), path)
		folder := strings.Split(filepath.ToSlash(rel), "/")[0]
		b, err := os.ReadFile(path)
		if err == nil && (bytes.Contains(b, []byte(text)) || folder == "pg_wal" && bytes.Contains(logRecords(b), []byte(text))) {
			in[folder] = true
		}
		return nil
	})
	require.NoError(t, err)
	return in
}

// logRecords are a segment of the log without the headers of its pages, which cut texts in two
// (access/xlog_internal.h: 40 bytes on the first page, 24 on the others).
func logRecords(segment []byte) (out []byte) {
	header := 40
	for page := range slices.Chunk(segment, 8192) {
		out = append(out, page[min(header, len(page)):]...)
		header = 24
	}
	return out
}

// area is a hash of which no seven bands are another's.
func area(n int) phash.Hash {
	sum := sha256.Sum256([]byte{byte(n)})
	h := phash.Hash{Kind: phash.Area}
	for i := range h.Bits {
		h.Bits[i] = binary.LittleEndian.Uint64(sum[8*i:])
	}
	return h
}

// What an erasure leaves in the server's files, and what takes it out of them, as
// docs/registry.md says.
func TestWhatErasureLeaves(t *testing.T) {
	dsn := server.DSN(t)
	d := create(t, dsn)
	ups := uploads(0, 200)
	for i := range ups {
		s := fmt.Sprintf(" %d of test 6", i)
		ups[i].Subject, ups[i].Hash, ups[i].Kept = "subject"+s, "hash"+s, true
		ups[i].Area, ups[i].AreaQuality = area(i).String(), phash.MinQuality
		ups[i].Sealed = &records.Sealed{KeyID: "k", Wrapped: []byte("wrapped" + s), Body: bytes.Repeat([]byte("body"+s), 1000)}
	}
	reviewer := ""
	_, err := d.AddSubmissions(t.Context(), ups)
	require.NoError(t, err)
	_, err = d.SetSubjects(t.Context(), []records.SubjectChange{{Submission: ups[77].ID, Subject: "later subject of test 6", Entered: t0}})
	require.NoError(t, err)
	for i, name := range []string{"employer of test 6", "reviewer of test 6"} {
		r := books.Recipient{Name: name, Kind: books.KindVendor, Added: t0}
		if i > 0 {
			r.Kind, r.Of = books.KindReviewer, "employer of test 6"
			r = records.NewReviewer(r)
			reviewer = r.Ref
		}
		_, err = d.AddRecipient(t.Context(), r)
		require.NoError(t, err)
	}
	admin(t, dsn, "INSERT INTO segment VALUES (decode(repeat('ab', 16), 'hex'), 1, 1, 1, 100, '', 0, 'segment of test 6')")
	admin(t, dsn, "INSERT INTO segment VALUES (decode(repeat('cd', 16), 'hex'), 1, 1, 101, 200, '', 0, 'another')") // statistics keep all of two
	admin(t, dsn, "CHECKPOINT")
	admin(t, dsn, "ANALYZE") // which keeps samples of columns
	admin(t, dsn, "CHECKPOINT")
	erased := []string{"subject 77 of test 6", "hash 77 of test 6", "wrapped 77 of test 6", "body 77 of test 6", "later subject of test 6",
		area(77).String(), "reviewer of test 6", "segment of test 6"}
	for _, text := range erased {
		require.True(t, found(t, text)["base"], text)
	}
	require.NoError(t, d.Erase(t.Context(), records.Erasure{Submissions: []watermark.Submission{ups[77].ID}, Entered: t0}))
	require.NoError(t, d.Erase(t.Context(), records.Erasure{Reviewer: reviewer, Entered: t0}))
	admin(t, dsn, "CHECKPOINT")
	for _, text := range erased {
		require.True(t, found(t, text)["pg_wal"], "the log keeps it for a while: %s", text)
	}
	require.True(t, found(t, erased[3])["base"], "free pages are not overwritten")

	admin(t, dsn, "VACUUM FULL submission, subject, sealed, recipient, segment")
	admin(t, dsn, "ALTER SYSTEM SET wal_recycle = off")
	admin(t, dsn, "SELECT pg_reload_conf()")
	for range 3 {
		admin(t, dsn, "SELECT pg_switch_wal()")
		admin(t, dsn, "CHECKPOINT")
	}
	for _, text := range erased {
		require.Empty(t, found(t, text), text)
	}
	require.NotEmpty(t, found(t, "subject 78 of test 6"), "what was not erased is there")
	_, _, err = d.Check(t.Context())
	require.NoError(t, err)
}

// A role that may change rows but not vacuum them cannot erase: the server would pass
// over the tables and only warn.
func TestErasureTakesTheOwner(t *testing.T) {
	dsn := server.DSN(t)
	d := create(t, dsn)
	up := upload(1)
	up.Kept, up.Sealed = true, &records.Sealed{KeyID: "k", Wrapped: []byte{1}, Body: []byte{2}}
	_, err := d.AddSubmissions(t.Context(), []records.Upload{up})
	require.NoError(t, err)
	_, schema, _ := strings.Cut(dsn, "search_path=")
	role := "clerk_" + schema // roles are the server's, not the schema's
	as := func(query string) {
		t.Helper()
		admin(t, dsn, strings.NewReplacer("SCHEMA ?", "SCHEMA "+schema, "clerk", role, "keeper", "keeper_"+schema).Replace(query))
	}
	as("CREATE ROLE clerk LOGIN; GRANT USAGE ON SCHEMA ? TO clerk; GRANT ALL ON ALL TABLES IN SCHEMA ? TO clerk; CREATE ROLE keeper")
	clerk, err := postgres.Open(t.Context(), dsn+"&user="+role)
	require.NoError(t, err)
	defer clerk.Close()

	e := records.Erasure{Submissions: []watermark.Submission{up.ID}, Entered: t0}
	refused := func(tables string) {
		t.Helper()
		require.ErrorContains(t, clerk.Erase(t.Context(), e), "nothing was erased: permission denied for role "+role+" to free old rows by VACUUM of "+tables+":")
		left, err := d.Submission(t.Context(), up.ID)
		require.NoError(t, err)
		require.Zero(t, left.Erased)
	}
	refused("recipient, sealed, segment, subject, submission")
	for _, table := range []string{"submission", "subject", "recipient", "segment"} {
		as("ALTER TABLE " + table + " OWNER TO keeper")
	}
	as("GRANT keeper TO clerk")
	as("GRANT USAGE ON SCHEMA ? TO keeper; GRANT ALL ON ALL TABLES IN SCHEMA ? TO keeper")
	refused("sealed")
	as("ALTER TABLE sealed OWNER TO keeper")
	require.NoError(t, clerk.Erase(t.Context(), e), "as a member of the owner")
	_, _, err = clerk.Check(t.Context())
	require.NoError(t, err)
}
