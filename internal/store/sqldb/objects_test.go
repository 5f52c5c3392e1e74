package sqldb_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/store/postgres"
	"github.com/kycmark/kycmark/internal/store/sqldb"
	"github.com/kycmark/kycmark/internal/store/sqlite"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/watermark"
)

// withFolder makes a registry of each kind that keeps originals in the folder dir.
func withFolder(t *testing.T, body func(t *testing.T, d *sqldb.DB, dir string)) {
	i := info()
	t.Run("file", func(t *testing.T) {
		i.Originals = t.TempDir()
		body(t, opened(sqlite.Create(t.Context(), filepath.Join(t.TempDir(), "r.db"), i))(t), i.Originals)
	})
	t.Run("postgres", func(t *testing.T) {
		i.Originals = t.TempDir()
		body(t, opened(postgres.Create(t.Context(), server.DSN(t), i))(t), i.Originals)
	})
}

// files lists the objects in a folder.
func files(t *testing.T, dir string) (out []string) {
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			out = append(out, path)
		}
		return err
	}))
	return out
}

// An original that is missing, cut, or another's is said to be so, by reading and by an audit.
func TestObjectsAltered(t *testing.T) {
	withFolder(t, func(t *testing.T, d *sqldb.DB, dir string) {
		ctx := t.Context()
		var ids []watermark.Submission
		for n := range 6 {
			s, x := submission(n)
			ok, err := add(ctx, d, s, x)
			require.NoError(t, err)
			require.True(t, ok)
			ids = append(ids, s.ID)
			got, err := d.Sealed(ctx, s.ID, true)
			require.NoError(t, err)
			require.Equal(t, x, *got)
			without, err := d.Sealed(ctx, s.ID, false)
			require.NoError(t, err)
			require.Empty(t, without.Body)
		}
		all := files(t, dir)
		require.Len(t, all, 6)
		found, err := d.CheckObjects(ctx, time.Time{})
		require.NoError(t, err)
		require.Equal(t, records.Objects{Place: dir, Kept: 6}, found)
		_, _, err = d.Check(ctx)
		require.NoError(t, err)

		good, err := os.ReadFile(all[0])
		require.NoError(t, err)
		require.NoError(t, os.Remove(all[0]))
		require.NoError(t, os.Truncate(all[1], 1))
		require.NoError(t, os.WriteFile(all[2], good, 0o600)) // another's, of the same size
		bad := 0
		for _, id := range ids {
			if _, err := d.Sealed(ctx, id, true); err != nil {
				require.ErrorIs(t, err, records.ErrSealed)
				bad++
			}
		}
		require.Equal(t, 3, bad)
		found, err = d.CheckObjects(ctx, time.Time{})
		require.NoError(t, err)
		require.Equal(t, 2, found.Missing, "the list shows names and sizes; opening shows the third")
	})
}

// A process that dies between the object and the row leaves an object that no row names, never a row
// without its object. An audit counts it and removes it when it is old.
func TestObjectsWithoutRows(t *testing.T) {
	withFolder(t, func(t *testing.T, d *sqldb.DB, dir string) {
		ctx := t.Context()
		s, x := submission(1)
		d.SetCommit(func(raw *sql.Tx) error { raw.Rollback(); return errors.New("power") })
		_, err := add(ctx, d, s, x)
		require.Error(t, err)
		require.Len(t, files(t, dir), 1, "whether the row was committed is unknown: the object stays")
		d.SetCommit((*sql.Tx).Commit)
		found, err := d.CheckObjects(ctx, time.Time{})
		require.NoError(t, err)
		require.Equal(t, records.Objects{Place: dir}, found, "it may be entered just now")
		old := time.Now().Add(-2 * time.Hour)
		require.NoError(t, os.Chtimes(files(t, dir)[0], old, old))
		found, err = d.CheckObjects(ctx, time.Time{})
		require.NoError(t, err)
		require.Equal(t, records.Objects{Place: dir, Extra: 1}, found)
		ok, err := add(ctx, d, s, x)
		require.NoError(t, err)
		require.True(t, ok)

		ok, err = add(ctx, d, s, x) // the same call again
		require.NoError(t, err)
		require.False(t, ok)
		_, err = d.Sealed(ctx, s.ID, true)
		require.NoError(t, err, "the object of the row was not dropped")

		x.Body = []byte("the same file, under another data key")
		ok, err = add(ctx, d, s, x)
		require.NoError(t, err)
		require.False(t, ok)
		require.Len(t, files(t, dir), 1, "what lost the race is dropped")

		other, y := submission(2)
		other.Kept = false // contradicts its sealed original: rolled back
		_, err = add(ctx, d, other, y)
		require.Error(t, err)
		require.Len(t, files(t, dir), 1)

		kept := files(t, dir)[0]
		stray := filepath.Join(filepath.Dir(filepath.Dir(kept)), "ab", "ab"+filepath.Base(kept)[2:])
		require.NoError(t, os.MkdirAll(filepath.Dir(stray), 0o700))
		require.NoError(t, os.WriteFile(stray, []byte("stray"), 0o600))
		rest := filepath.Join(filepath.Dir(stray), ".kycmark-0123456789abcdef.tmp") // of a process that was killed
		require.NoError(t, os.WriteFile(rest, []byte("str"), 0o600))
		require.NoError(t, os.Chtimes(rest, old, old))
		found, err = d.CheckObjects(ctx, time.Time{})
		require.NoError(t, err)
		require.Equal(t, records.Objects{Place: dir, Kept: 1, Extra: 1}, found)
		found, err = d.CheckObjects(ctx, time.Now().Add(time.Hour))
		require.NoError(t, err)
		require.Equal(t, records.Objects{Place: dir, Kept: 1, Extra: 2, Removed: 2}, found)
		require.NoFileExists(t, stray)
		require.NoFileExists(t, rest)
	})
}

// Two registries that keep originals at one place do not see each other's: a sweep of one leaves those of the
// other alone.
func TestOnePlaceOfTwoRegistries(t *testing.T) {
	ctx := t.Context()
	i := info()
	i.Originals = t.TempDir()
	first := opened(sqlite.Create(ctx, filepath.Join(t.TempDir(), "r.db"), i))(t)
	i.ID[0]++
	second := opened(postgres.Create(ctx, server.DSN(t), i))(t)
	s, x := submission(1)
	_, err := add(ctx, first, s, x)
	require.NoError(t, err)
	found, err := second.CheckObjects(ctx, time.Now().Add(time.Hour))
	require.NoError(t, err)
	require.Equal(t, records.Objects{Place: i.Originals}, found)
	_, err = first.Sealed(ctx, s.ID, true)
	require.NoError(t, err)
	_, _, err = sqlite.At(filepath.Join(t.TempDir(), "copy.db")).Transfer(ctx, first, i.Originals, nil)
	require.ErrorIs(t, err, records.ErrConflict, "a copy has the ID of its registry")
}

// A copy may name its registry's folder otherwise. An erasure in the copy would then remove the registry's originals.
func TestCopyAtThePlaceOfItsRegistry(t *testing.T) {
	ctx, dir, i := t.Context(), t.TempDir(), info()
	i.Originals = "blobs" // beside the registry's file
	d := opened(sqlite.Create(ctx, filepath.Join(dir, "r.db"), i))(t)
	s, x := submission(1)
	_, err := add(ctx, d, s, x)
	require.NoError(t, err)
	to := sqlite.At(filepath.Join(t.TempDir(), "copy.db"))
	_, _, err = to.Transfer(ctx, d, filepath.Join(dir, "blobs"), nil)
	require.ErrorIs(t, err, records.ErrConflict)
	require.Len(t, files(t, filepath.Join(dir, "blobs")), 1)
	_, _, err = to.Transfer(ctx, d, "blobs", nil)
	require.NoError(t, err)
}

// An erasure removes the object. If the place cannot be reached, the erasure says so, and the next audit
// removes it.
func TestErasedObjects(t *testing.T) {
	withFolder(t, func(t *testing.T, d *sqldb.DB, dir string) {
		ctx := t.Context()
		var ids []watermark.Submission
		for n := range 3 {
			s, x := submission(n)
			_, err := add(ctx, d, s, x)
			require.NoError(t, err)
			ids = append(ids, s.ID)
		}
		erase := func(id watermark.Submission) error {
			return d.Erase(ctx, records.Erasure{Submissions: []watermark.Submission{id}, Entered: t0, Logged: books.Logged{Salt: salt(id.String())}})
		}
		require.NoError(t, erase(ids[0]))
		require.Len(t, files(t, dir), 2)

		before := files(t, dir)
		for _, f := range before { // a folder in place of the file, with something in it, cannot be removed
			require.NoError(t, os.Rename(f, f+".kept"))
			require.NoError(t, os.MkdirAll(filepath.Join(f, "x"), 0o700))
		}
		err := erase(ids[1])
		require.ErrorContains(t, err, "the erasure is done")
		_, err = d.Sealed(ctx, ids[1], true)
		require.ErrorIs(t, err, records.ErrNotFound)
		for _, f := range before {
			require.NoError(t, os.RemoveAll(f))
			require.NoError(t, os.Rename(f+".kept", f))
		}
		require.Len(t, files(t, dir), 2)
		found, err := d.CheckObjects(ctx, time.Time{})
		require.NoError(t, err)
		require.Equal(t, records.Objects{Place: dir, Kept: 1}, found)
		require.Len(t, files(t, dir), 1)
	})
}

// An object that cannot be removed keeps no other one.
func TestStuckObject(t *testing.T) {
	withFolder(t, func(t *testing.T, d *sqldb.DB, dir string) {
		ctx := t.Context()
		erase := func(n int) error { return d.Erase(ctx, erasure(fmt.Sprint("erase ", n), n)) }
		s, x := submission(0)
		_, err := add(ctx, d, s, x)
		require.NoError(t, err)
		stuck := files(t, dir)[0]
		for n := range 2 {
			s, x := submission(1 + n)
			_, err := add(ctx, d, s, x)
			require.NoError(t, err)
		}
		require.NoError(t, os.Remove(stuck))
		require.NoError(t, os.MkdirAll(filepath.Join(stuck, "x"), 0o700)) // with something in it, it cannot be removed
		for n := range 2 {
			require.ErrorContains(t, erase(n), "the erasure is done")
			require.Len(t, files(t, dir), 2-n)
		}
		require.NoError(t, os.RemoveAll(stuck))
		require.NoError(t, erase(2))
		require.Empty(t, files(t, dir))
	})
}

// An upload that was moved to another subject, after an erasure of its subject looked for it, stays.
func TestErasedUnderAnotherSubject(t *testing.T) {
	withFolder(t, func(t *testing.T, d *sqldb.DB, _ string) {
		ctx := t.Context()
		s, x := submission(0)
		_, err := add(ctx, d, s, x)
		require.NoError(t, err)
		e := erasure("erase", 0)
		e.Whose = s.Subject
		_, err = d.SetSubjects(ctx, []records.SubjectChange{change(0, "another")})
		require.NoError(t, err)
		require.ErrorIs(t, d.Erase(ctx, e), records.ErrErased)
		_, err = d.Sealed(ctx, s.ID, true)
		require.NoError(t, err)
		e.Whose = "another"
		require.NoError(t, d.Erase(ctx, e))
		_, err = d.Sealed(ctx, s.ID, true)
		require.ErrorIs(t, err, records.ErrNotFound)
	})
}

// Two erasures have an upload in common, and the first removes its original while the second looks for it: that original is not
// lost. The second says that the upload was erased, and leaves its other upload alone.
func TestErasedMeanwhile(t *testing.T) {
	withFolder(t, func(t *testing.T, d *sqldb.DB, _ string) {
		ctx := t.Context()
		var ids []watermark.Submission
		for n := range 2 {
			s, x := submission(n)
			_, err := add(ctx, d, s, x)
			require.NoError(t, err)
			ids = append(ids, s.ID)
		}
		erase := func(ids ...watermark.Submission) error {
			return d.Erase(ctx, records.Erasure{Submissions: ids, Entered: t0, Logged: books.Logged{Salt: salt(fmt.Sprint(ids))}})
		}
		begun := false
		d.BeforeSize(func() {
			if !begun {
				begun = true
				require.NoError(t, erase(ids[0]))
			}
		})
		err := erase(ids...)
		require.ErrorIs(t, err, records.ErrErased)
		require.NotErrorIs(t, err, records.ErrTampered)
		_, err = d.Sealed(ctx, ids[1], true)
		require.NoError(t, err)
	})
}

// Originals move from the database to a folder, and on to other registries, also after interruptions
// and with an erasure between them. Nothing is lost, and what was erased is nowhere.
func TestObjectsMove(t *testing.T) {
	ctx := t.Context()
	d := opened(sqlite.Create(ctx, filepath.Join(t.TempDir(), "r.db"), info()))(t)
	h := newHistory(7)
	everything(t, d)
	for range 60 {
		h.step()(ctx, d)
	}
	for n := 300; n < 340; n++ {
		s, x := submission(n)
		_, err := add(ctx, d, s, x)
		require.NoError(t, err)
	}
	other, second := t.TempDir(), server.DSN(t)
	stop, cancel := context.WithCancel(ctx)
	_, _, err := postgres.At(second).Transfer(stop, d, other, func(done, total int) {
		if len(files(t, other)) > 8 {
			cancel()
		}
	})
	require.Error(t, err)
	early, _ := submission(301)
	require.NoError(t, d.Erase(ctx, records.Erasure{Submissions: []watermark.Submission{early.ID}, Entered: t0, Logged: books.Logged{Salt: salt("erase")}}))
	want := answers(t, d)
	_, _, err = postgres.At(second).Transfer(ctx, d, other, nil)
	require.NoError(t, err)
	copied := opened(postgres.Open(ctx, second))(t)
	require.Equal(t, want, answers(t, copied))
	_, err = copied.CheckObjects(ctx, time.Now().Add(time.Hour)) // objects of the first run
	require.NoError(t, err)
	var kept int
	require.NoError(t, d.Raw().QueryRow("SELECT count(*) FROM sealed WHERE length(body) > 0").Scan(&kept))
	found, err := copied.CheckObjects(ctx, time.Time{})
	require.NoError(t, err)
	require.Equal(t, records.Objects{Place: other, Kept: kept}, found)

	back := filepath.Join(t.TempDir(), "back.db")
	_, _, err = sqlite.At(back).Transfer(ctx, copied, "", nil)
	require.NoError(t, err)
	require.Equal(t, want, answers(t, opened(sqlite.Open(ctx, back))(t)))
}
