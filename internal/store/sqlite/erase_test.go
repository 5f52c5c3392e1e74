package sqlite_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/store/sqlite"
	"github.com/kycmark/kycmark/watermark"
)

// What was erased stands in no file any more: not in the registry's pages, used or
// free, and not in the write-ahead log.
func TestErasureLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	d, err := sqlite.Create(t.Context(), filepath.Join(dir, "r.db"), info())
	require.NoError(t, err)
	defer d.Close()
	var ups []records.Upload
	for n := range 300 {
		s, _ := submission(n)
		is := fmt.Sprintf(" %d of test 6", n)
		s.Subject, s.Hash = "subject"+is, "hash"+is
		ups = append(ups, records.Upload{Submission: s, Sealed: &records.Sealed{KeyID: "k", Wrapped: []byte("wrapped" + is),
			Features: []byte("features" + is), Body: bytes.Repeat([]byte("body"+is), 1000)}})
	}
	_, err = d.AddSubmissions(t.Context(), ups)
	require.NoError(t, err)
	var gone []watermark.Submission
	for n := 0; n < 300; n += 7 {
		gone = append(gone, ups[n].ID)
		for _, again := range []string{"wrong", "later"} {
			_, err = d.SetSubjects(t.Context(), []records.SubjectChange{{Submission: ups[n].ID, Subject: again + " subject of test 6", Entered: t0}})
			require.NoError(t, err)
		}
	}
	require.NoError(t, d.Erase(t.Context(), records.Erasure{Submissions: gone, Entered: t0}))
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, path := range files {
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		require.False(t, bytes.Contains(b, []byte("wrong subject of test 6")), path)
		require.False(t, bytes.Contains(b, []byte("later subject of test 6")), path)
		for n := range 300 {
			for _, text := range []string{"subject", "hash", "wrapped", "features", "body"} {
				is := bytes.Contains(b, fmt.Appendf(nil, "%s %d of test 6", text, n))
				if n%7 == 0 {
					require.False(t, is, "%s of %d in %s", text, n, path)
				} else if filepath.Base(path) == "r.db" {
					require.True(t, is, "%s of %d in %s", text, n, path)
				}
			}
		}
	}
}
