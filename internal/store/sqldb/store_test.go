package sqldb_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/store/postgres"
	"github.com/kycmark/kycmark/internal/store/sqldb"
	"github.com/kycmark/kycmark/internal/store/sqlite"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/pgtest"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/watermark"
)

var t0 = time.Date(2018, 2, 3, 4, 5, 6, 789000, time.UTC)

func salt(s string) books.Salt { return sha256.Sum256([]byte("salt " + s)) }

func info() records.Info {
	return records.Info{ID: [16]byte{1, 2, 3}, Created: t0, Logged: books.Logged{Salt: salt("info")}}
}

var server pgtest.Server

// TestMain collects garbage less often than programs do: that takes less processor time.
func TestMain(m *testing.M) {
	debug.SetGCPercent(400)
	for env, role := range map[string]func(string) error{victimEnv: victim, writerEnv: writer, copierEnv: copier, eraserEnv: eraser} {
		if task := os.Getenv(env); task != "" {
			if err := role(task); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			return
		}
	}
	code := m.Run()
	server.Stop()
	os.Exit(code)
}

// kinds are the ways to make an empty registry.
var kinds = map[string]func(t testing.TB, i records.Info) *sqldb.DB{
	"memory": func(t testing.TB, i records.Info) *sqldb.DB {
		return opened(sqlite.Create(t.Context(), ":memory:", i))(t)
	},
	"file": func(t testing.TB, i records.Info) *sqldb.DB {
		return opened(sqlite.Create(t.Context(), filepath.Join(t.TempDir(), "a b%20c.db"), i))(t)
	},
	"folder": func(t testing.TB, i records.Info) *sqldb.DB {
		i.Originals = "originals"
		return opened(sqlite.Create(t.Context(), filepath.Join(t.TempDir(), "r.db"), i))(t)
	},
	"postgres": func(t testing.TB, i records.Info) *sqldb.DB {
		return opened(postgres.Create(t.Context(), server.DSN(t), i))(t)
	},
}

func opened(d *sqldb.DB, err error) func(t testing.TB) *sqldb.DB {
	return func(t testing.TB) *sqldb.DB {
		t.Helper()
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, d.Close()) })
		return d
	}
}

// each runs one body against every kind of store, which has one connection that reads. Without the tag long a file beside a
// folder stands for a file.
func each(t *testing.T, body func(t *testing.T, d *sqldb.DB)) {
	t.Helper()
	for name, create := range kinds {
		if name == "file" && !long.On {
			continue
		}
		t.Run(name, func(t *testing.T) {
			d := create(t, info())
			d.OneReader()
			body(t, d)
		})
	}
}

func recipient(name string) books.Recipient {
	return books.Recipient{Name: name, Kind: "vendor", Actor: "ops", Added: t0.Add(time.Hour), Logged: books.Logged{Salt: salt(name)}}
}

func submission(n int) (books.Submission, records.Sealed) {
	sum := sha256.Sum256(fmt.Appendf(nil, "file %d", n))
	s := books.Submission{
		ID: [16]byte(sum[:16]), SHA256: sum, Size: int64(n), Format: "jpeg", Width: 640, Height: 480,
		Submitted: t0.AddDate(0, 0, n), Received: t0.AddDate(1, 0, n), Subject: fmt.Sprintf("subject-%d", n),
		Hash: fmt.Sprintf("pdq:%064x", n), Quality: 100, Logged: books.Logged{Salt: salt(fmt.Sprint("submission", n))},
		Details: books.Details{Decoder: "test/1", Area: fmt.Sprintf("kycmark/area:%064x", n), Chain: "pdq/1", AreaQuality: 90, Kept: true, Rendition: salt(fmt.Sprint("pixels", n))},
	}
	return s, records.Sealed{KeyID: "seal1-x", Wrapped: []byte{1, byte(n)}, Body: []byte{2, byte(n), byte(n >> 8)}}
}

func issued(id watermark.CopyID, of [16]byte, to string) (books.Copy, records.KeyEntry) {
	return books.Copy{
		ID: id, Submission: of, Recipient: to, Purpose: "request 7", KeyID: "v1-key", Marking: books.Marking{Strength: 0.75, Margin: 3.5, PSNR: 45.25, SSIM: 0.991},
		Format: "jpeg", Width: 640, Height: 480, SHA256: sha256.Sum256([]byte(id.String())),
		Size: 999, Issued: t0.AddDate(2, 0, 0), Actor: "ops", Logged: books.Logged{Salt: salt(fmt.Sprint("copy", id))},
	}, records.KeyEntry{ID: "v1-key", Commitment: salt("commitment"), Added: t0.AddDate(2, 0, 0), Logged: books.Logged{Salt: salt("key")}}
}

func custody(to string, subs ...watermark.Submission) books.Custody {
	return books.Custody{Recipient: to, From: t0, To: t0.AddDate(0, 0, 5), Submissions: subs, Note: "contract 12",
		Entered: t0.AddDate(3, 0, 0), Actor: "legal", Logged: books.Logged{Salt: salt("custody" + to + fmt.Sprint(len(subs)))}}
}

func add(ctx context.Context, s records.Store, sub books.Submission, x records.Sealed) (bool, error) {
	added, err := s.AddSubmissions(ctx, []records.Upload{{Submission: sub, Sealed: &x}})
	return err == nil && added[0], err
}

// fill enters one of everything and more.
func fill(t *testing.T, s records.Store) {
	t.Helper()
	ctx := t.Context()
	for _, n := range []string{"vendor A", "vendor B"} {
		_, err := s.AddRecipient(ctx, recipient(n))
		require.NoError(t, err)
	}
	for n := range 10 {
		sub, x := submission(n)
		added, err := add(ctx, s, sub, x)
		require.NoError(t, err)
		require.True(t, added)
		c, k := issued(watermark.CopyID(n)<<60|7, sub.ID, "vendor A")
		require.NoError(t, s.AddCopy(ctx, &c, k))
	}
	one, _ := submission(1)
	two, _ := submission(2)
	require.NoError(t, s.AddCustody(ctx, custody("vendor A")))
	require.NoError(t, s.AddCustody(ctx, custody("vendor B", one.ID, two.ID)))
}

func TestRowsComeBackAsTheyWere(t *testing.T) {
	each(t, func(t *testing.T, s *sqldb.DB) {
		fill(t, s)
		ctx := t.Context()
		i, err := s.Info(ctx)
		require.NoError(t, err)
		want := info()
		want.Seq, want.Originals = 1, i.Originals
		require.Equal(t, want, *i)

		sub, sealed := submission(3)
		got, err := s.Submission(ctx, sub.ID)
		require.NoError(t, err)
		sub.Seq = got.Seq
		require.Equal(t, sub, *got)
		bySeq, err := s.SubmissionBySeq(ctx, got.Seq)
		require.NoError(t, err)
		require.Equal(t, got, bySeq)
		x, err := s.Sealed(ctx, sub.ID, true)
		require.NoError(t, err)
		require.Equal(t, sealed, *x)

		c, _ := issued(3<<60|7, sub.ID, "vendor A")
		back, err := s.Copy(ctx, c.ID)
		require.NoError(t, err)
		c.Seq, c.State = back.Seq, books.CopyReserved
		require.Equal(t, c, *back)
		of, err := s.Copies(ctx, sub.ID)
		require.NoError(t, err)
		require.Equal(t, []books.Copy{c}, of)
		found, err := s.CopyOfFile(ctx, c.SHA256)
		require.NoError(t, err)
		require.Equal(t, back, found)
		again, k := issued(99, sub.ID, "vendor B")
		again.SHA256 = c.SHA256
		require.NoError(t, s.AddCopy(ctx, &again, k))
		_, err = s.CopyOfFile(ctx, c.SHA256)
		require.ErrorIs(t, err, records.ErrNotFound, "two have these bytes")
		again, k = issued(98, sub.ID, "vendor B")
		copy(again.SHA256[:], sub.ID[:])
		require.NoError(t, s.AddCopy(ctx, &again, k))
		_, err = s.CopyOfFile(ctx, again.SHA256)
		require.ErrorIs(t, err, records.ErrNotFound, "the upload itself")

		rs, err := s.Recipients(ctx)
		require.NoError(t, err)
		require.Len(t, rs, 2)
		require.Equal(t, "vendor A", rs[0].Name)
	})
}

func TestMissingRows(t *testing.T) {
	each(t, func(t *testing.T, s *sqldb.DB) {
		ctx := t.Context()
		_, err := s.Submission(ctx, [16]byte{9})
		require.ErrorIs(t, err, records.ErrNotFound)
		_, err = s.SubmissionBySeq(ctx, 99)
		require.ErrorIs(t, err, records.ErrNotFound)
		_, err = s.Sealed(ctx, [16]byte{9}, true)
		require.ErrorIs(t, err, records.ErrNotFound)
		_, err = s.Copy(ctx, 5)
		require.ErrorIs(t, err, records.ErrNotFound)
		_, err = s.CopyOfFile(ctx, books.Digest{9})
		require.ErrorIs(t, err, records.ErrNotFound)
		none, err := s.Copies(ctx, [16]byte{9})
		require.NoError(t, err)
		require.Empty(t, none)
		_, err = s.CustodyOf(ctx, [16]byte{9})
		require.ErrorIs(t, err, records.ErrNotFound)
	})
}

func TestAddingTwice(t *testing.T) {
	each(t, func(t *testing.T, s *sqldb.DB) {
		fill(t, s)
		ctx := t.Context()
		size, head, err := s.Head(ctx)
		require.NoError(t, err)

		added, err := s.AddRecipient(ctx, recipient("vendor A"))
		require.NoError(t, err)
		require.False(t, added)
		other := recipient("vendor A")
		other.Kind = "authority"
		_, err = s.AddRecipient(ctx, other)
		require.ErrorIs(t, err, records.ErrConflict)

		sub, x := submission(3)
		sub.Subject = "somebody else"
		added, err = add(ctx, s, sub, x)
		require.NoError(t, err)
		require.False(t, added)
		sub.SHA256[31]++
		_, err = add(ctx, s, sub, x)
		require.ErrorIs(t, err, records.ErrConflict)

		c, k := issued(3<<60|7, sub.ID, "vendor B")
		require.ErrorIs(t, s.AddCopy(ctx, &c, k), records.ErrConflict)

		size2, head2, err := s.Head(ctx)
		require.NoError(t, err)
		require.Equal(t, size, size2, "nothing was added to the ledger")
		require.Equal(t, head, head2)
	})
}

func TestUnknownReferencesAreRefused(t *testing.T) {
	each(t, func(t *testing.T, s *sqldb.DB) {
		fill(t, s)
		ctx := t.Context()
		c, k := issued(1, [16]byte{99}, "vendor A")
		require.Error(t, s.AddCopy(ctx, &c, k), "no such submission")
		sub, _ := submission(1)
		c, k = issued(1, sub.ID, "nobody")
		require.Error(t, s.AddCopy(ctx, &c, k), "no such recipient")
		require.Error(t, s.AddCustody(ctx, custody("nobody")))
		require.Error(t, s.AddCustody(ctx, custody("vendor A", [16]byte{99})))
		_, _, err := s.Check(ctx)
		require.NoError(t, err)
	})
}

func TestCustodyCoversWhatWasSubmittedInItsTime(t *testing.T) {
	each(t, func(t *testing.T, s *sqldb.DB) {
		fill(t, s)
		want := map[int]int{0: 1, 1: 2, 2: 2, 3: 1, 5: 1, 6: 0}
		for n, k := range want {
			sub, _ := submission(n)
			cs, err := s.CustodyOf(t.Context(), sub.ID)
			require.NoError(t, err)
			assert.Len(t, cs, k, "submission %d", n)
		}
		one, _ := submission(1)
		cs, err := s.CustodyOf(t.Context(), one.ID)
		require.NoError(t, err)
		require.Equal(t, "vendor A", cs[0].Recipient)
		require.Equal(t, "vendor B", cs[1].Recipient)
		require.Equal(t, []watermark.Submission{one.ID}, cs[1].Submissions, "of the list itself alone")
		all, err := s.Custody(t.Context())
		require.NoError(t, err)
		require.Len(t, all[1].Submissions, 2)
		cs[1].Submissions = all[1].Submissions
		require.Equal(t, cs, all)
	})
}

// An event that was sealed before its upload was erased, and is entered after it, is not kept. That the vendor held the upload is.
func TestSignedCustodyOfErased(t *testing.T) {
	each(t, func(t *testing.T, s *sqldb.DB) {
		fill(t, s)
		require.NoError(t, s.Erase(t.Context(), erasure("letter", 1)))
		one, _ := submission(1)
		c := custody("vendor A", one.ID)
		c.Event, c.Scheme, c.Salt = books.Digest{1}, "a secret that both have", salt("signed")
		added, err := s.AddSignedCustody(t.Context(), c, []byte("sealed"))
		require.NoError(t, err)
		require.True(t, added)
		all, err := s.Custody(t.Context())
		require.NoError(t, err)
		require.Equal(t, c.Event, all[len(all)-1].Event)
		_, err = s.CustodyEvent(t.Context(), all[len(all)-1].Seq)
		require.ErrorIs(t, err, records.ErrNotFound)
		_, _, err = s.Check(t.Context())
		require.NoError(t, err)
	})
}

func TestPages(t *testing.T) {
	each(t, func(t *testing.T, s *sqldb.DB) {
		fill(t, s)
		var seen []int64
		for ref := int64(0); ; {
			page, err := s.SearchedAfter(t.Context(), ref, 3, false)
			require.NoError(t, err)
			if len(page) == 0 {
				break
			}
			for _, h := range page {
				seen = append(seen, h.Seq)
				ref = h.Seq
			}
		}
		require.Len(t, seen, 10)
		subs, err := s.SubmissionsAfter(t.Context(), seen[6], 100)
		require.NoError(t, err)
		require.Len(t, subs, 3)
	})
}

func TestSpan(t *testing.T) {
	each(t, func(t *testing.T, s *sqldb.DB) {
		first, last, err := s.Span(t.Context())
		require.NoError(t, err)
		require.True(t, first.IsZero() && last.IsZero())
		fill(t, s)
		first, last, err = s.Span(t.Context())
		require.NoError(t, err)
		require.Equal(t, t0, first)
		require.Equal(t, t0.AddDate(0, 0, 9), last)
	})
}

func TestConcurrentWriters(t *testing.T) {
	concurrently := func(t *testing.T, s *sqldb.DB) {
		ctx := t.Context()
		_, err := s.AddRecipient(ctx, recipient("vendor A"))
		require.NoError(t, err)
		const writers, rows = 8, 8
		var wg sync.WaitGroup
		errs := make(chan error, 4*writers*rows)
		for w := range writers {
			wg.Go(func() { write(ctx, s, w, rows, errs) })
		}
		wg.Wait()
		close(errs)
		for err := range errs {
			require.NoError(t, err)
		}
		size, _, err := s.Check(ctx)
		require.NoError(t, err)
		require.EqualValues(t, 1+1+1+rows+writers*rows, size, "registry, recipient, key, submissions once, copies")
	}
	for name, create := range kinds {
		if name == "file" && !long.On {
			continue // see each
		}
		t.Run(name, func(t *testing.T) { concurrently(t, create(t, info())) })
	}
}

// write submits what every other writer submits too, issues copies and reads.
func write(ctx context.Context, s records.Store, w, rows int, errs chan<- error) {
	for n := range rows {
		sub, x := submission(n)
		_, err := add(ctx, s, sub, x)
		errs <- err
		c, k := issued(watermark.CopyID(w*1000+n), sub.ID, "vendor A")
		errs <- s.AddCopy(ctx, &c, k)
		_, err = s.Copies(ctx, sub.ID)
		errs <- err
		if n%4 == 0 {
			_, _, err = s.Check(ctx)
			errs <- err
		}
	}
}

func TestCounts(t *testing.T) {
	each(t, func(t *testing.T, s *sqldb.DB) {
		fill(t, s)
		days := func(n int) time.Time { return t0.AddDate(0, 0, n) }
		got, err := s.CountSubmitted(t.Context(), [2]time.Time{days(0), days(3)}, [2]time.Time{days(3).Add(time.Microsecond), days(9)}, [2]time.Time{days(10), days(20)})
		require.NoError(t, err)
		require.Equal(t, []int{4, 6, 0}, got)
		never := days(10_000)
		all, err := s.CountDays(t.Context(), never)
		require.NoError(t, err)
		require.Len(t, all.Held, 10)
		for n, x := range all.Held {
			require.Equal(t, books.Issued{Recipient: "vendor A", Day: days(n).Truncate(24 * time.Hour), Count: 1}, x)
		}
		require.Len(t, all.Submitted, 10)
		require.Empty(t, all.Erased)
		require.Equal(t, books.Issued{Day: days(9).Truncate(24 * time.Hour), Count: 1}, all.Submitted[9])
		total := 0
		for _, x := range all.Issued {
			require.Equal(t, "vendor A", x.Recipient)
			total += x.Count
		}
		require.EqualValues(t, 10, total)
		first, last, err := s.Span(t.Context())
		require.NoError(t, err)
		require.Equal(t, []time.Time{days(0), days(9)}, []time.Time{first, last})

		at := t0.AddDate(2, 0, 0) // of the issue of all
		sub, x := submission(3)
		x.Body = []byte("another")
		sub.ID, sub.SHA256, sub.Submitted = [16]byte{1}, [32]byte{1}, at.Add(time.Microsecond)
		_, err = add(t.Context(), s, sub, x)
		require.NoError(t, err)
		early, k := issued(1<<50, sub.ID, "vendor A")
		early.Issued = at
		require.NoError(t, s.AddCopy(t.Context(), &early, k))
		all, err = s.CountDays(t.Context(), at)
		require.NoError(t, err)
		require.Len(t, all.Held, 10, "not the copy of what was submitted later")
		require.Len(t, all.Submitted, 10)
		require.EqualValues(t, 11, all.Issued[0].Count)
		all, err = s.CountDays(t.Context(), at.Add(-time.Microsecond))
		require.NoError(t, err)
		require.Empty(t, all.Held, "copies that were issued later")
		all, err = s.CountDays(t.Context(), days(3))
		require.NoError(t, err)
		require.Len(t, all.Submitted, 4, "the limit included")
		require.Empty(t, all.Issued)

		require.NoError(t, s.Erase(t.Context(), erasure("letter", 3)))
		got, err = s.CountSubmitted(t.Context(), [2]time.Time{days(0), days(3)}, [2]time.Time{days(4), days(9)})
		require.NoError(t, err)
		require.Equal(t, []int{3, 6}, got, "what was erased does not count")
		all, err = s.CountDays(t.Context(), at)
		require.NoError(t, err)
		require.Len(t, all.Held, 9)
		require.Equal(t, []books.Issued{{Day: days(3).Truncate(24 * time.Hour), Count: 1}}, all.Erased)
		require.Len(t, all.Submitted, 10, "but was there")
	})
}
