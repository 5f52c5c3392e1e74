package sqldb_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/store/schema"
	"github.com/kycmark/kycmark/internal/store/sqldb"
	"github.com/kycmark/kycmark/internal/tlog"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/watermark"
)

func keyState(state string) books.KeyState {
	return books.KeyState{KeyID: "v1-key", State: state, Since: t0.AddDate(2, 1, 0), Note: "found on a laptop",
		Entered: t0.AddDate(2, 2, 0), Actor: "ops", Logged: books.Logged{Salt: salt("state " + state)}}
}

func receipt(copy watermark.CopyID) books.Receipt {
	return books.Receipt{Copy: copy, PublicKey: salt("public"), Signature: [64]byte{1, 63: 9},
		Entered: t0.AddDate(2, 0, 1), Actor: "ops", Logged: books.Logged{Salt: salt(fmt.Sprint("receipt", copy))}}
}

func investigation(n int) books.Investigation {
	return books.Investigation{Started: t0.AddDate(3, 0, n), Actor: "legal", Command: "kycmark investigate", Files: int64(n), Earlier: []int64{int64(n), 99},
		Input: sha256.Sum256([]byte{byte(n)}), Salt: salt(fmt.Sprint("investigation", n))}
}

// dated is an investigation with all that is known of its files.
func dated(n int) books.Investigation {
	i := investigation(n)
	i.Found, i.Evidence, i.EvidenceSHA256, i.Published = t0.AddDate(2, 11, 0), "https://example.org/post/1", salt("post"), true
	i.Digests = append(make([]byte, 16), bytes.Repeat([]byte{255}, 16)...)
	i.Pictures = sha256.Sum256(i.Digests)
	return i
}

func conclusion(of int64) books.Conclusion {
	return books.Conclusion{Investigation: of, Entered: t0.AddDate(3, 1, 0), Named: []string{"vendor A", "vendor B"}, Copies: []watermark.CopyID{3<<60 | 7, 4<<60 | 7}, Evidence: books.Digest{7},
		Actor: "legal", Logged: books.Logged{Salt: salt("conclusion")}}
}

func erasure(note string, subs ...int) records.Erasure {
	e := records.Erasure{Note: note, Entered: t0.AddDate(4, 0, 0), Actor: "dpo", Logged: books.Logged{Salt: salt(note)}}
	for _, n := range subs {
		sub, _ := submission(n)
		e.Submissions = append(e.Submissions, sub.ID)
	}
	return e
}

// change is a change of the subject of an upload of function submission.
func change(n int, subject string) records.SubjectChange {
	sub, _ := submission(n)
	blind := salt("blind " + subject)
	return records.SubjectChange{Submission: sub.ID, Subject: subject, Blind: blind, Digest: records.SubjectDigest(blind, subject),
		Entered: t0.AddDate(3, 6, 0), Actor: "ops", Logged: books.Logged{Salt: salt(fmt.Sprint("change", n, subject))}}
}

// The last subject of an upload counts, and the earlier ones are forgotten, except the one that it
// was entered with.
func TestSetSubjects(t *testing.T) {
	each(t, func(t *testing.T, d *sqldb.DB) {
		ctx := t.Context()
		fill(t, d)
		nameless, x := submission(50)
		nameless.Subject = ""
		_, err := add(ctx, d, nameless, x)
		require.NoError(t, err)
		changed, err := d.SetSubjects(ctx, []records.SubjectChange{change(0, "wrong"), change(1, "subject-1"), change(0, "subject-3"), change(50, "a")})
		require.NoError(t, err)
		require.Equal(t, []bool{true, false, true, true}, changed)

		_, err = d.SetSubjects(ctx, []records.SubjectChange{change(2, "lost"), change(77, "x")})
		require.ErrorIs(t, err, records.ErrNotFound)
		require.NoError(t, d.Erase(ctx, erasure("letter 5", 9)))
		_, err = d.SetSubjects(ctx, []records.SubjectChange{change(2, "lost"), change(9, "x")})
		require.ErrorIs(t, err, records.ErrErased)

		of := func(subject string) (ids []watermark.Submission) {
			t.Helper()
			rows, err := d.SubmissionsOf(ctx, subject)
			require.NoError(t, err)
			for _, s := range rows {
				require.Equal(t, subject, s.Subject)
				ids = append(ids, s.ID)
			}
			return ids
		}
		zero, _ := submission(0)
		three, _ := submission(3)
		require.Equal(t, []watermark.Submission{zero.ID, three.ID}, of("subject-3"))
		require.Equal(t, []watermark.Submission{nameless.ID}, of("a"))
		for _, gone := range []string{"", "wrong", "subject-0", "lost"} {
			require.Empty(t, of(gone), gone)
		}
		s, err := d.Submission(ctx, zero.ID)
		require.NoError(t, err)
		require.Equal(t, "subject-3", s.Subject)
		require.Equal(t, change(0, "").Entered, s.SetAt)
		require.Equal(t, records.EntryOf(zero), records.EntryOf(*s))

		all, err := d.SubmissionsAfter(ctx, 0, 100)
		require.NoError(t, err)
		listed := make(map[string]int)
		for _, s := range all {
			listed[s.Subject]++
		}
		require.Equal(t, map[string]int{"": 1, "a": 1, "subject-1": 1, "subject-2": 1, "subject-3": 2, "subject-4": 1, "subject-5": 1, "subject-6": 1, "subject-7": 1, "subject-8": 1}, listed)

		for _, text := range []string{"wrong", "subject-0"} {
			var n int
			require.NoError(t, d.Raw().QueryRow("SELECT count(*) FROM subject WHERE reference = $1", text).Scan(&n))
			require.Zero(t, n, text)
		}
		require.NoError(t, d.Erase(ctx, erasure("letter 6", 0)))
		require.Equal(t, []watermark.Submission{three.ID}, of("subject-3"))
		_, _, err = d.Check(ctx)
		require.NoError(t, err)
	})
}

// checkpoint keeps one of the ledger as it is.
func checkpoint(t *testing.T, s records.Store) books.Checkpoint {
	t.Helper()
	size, root, err := s.Head(t.Context())
	require.NoError(t, err)
	c := books.Checkpoint{Size: size, Root: root, Text: "signed", Made: t0}
	kept, err := s.AddCheckpoint(t.Context(), c)
	require.NoError(t, err)
	require.Equal(t, c, *kept)
	return c
}

func TestKeyStates(t *testing.T) {
	each(t, func(t *testing.T, d *sqldb.DB) {
		ctx := t.Context()
		require.Error(t, d.AddKeyState(ctx, keyState("retired")), "no such key")
		fill(t, d)
		require.Error(t, d.AddKeyState(ctx, keyState("lost")), "no such state")
		want := []books.KeyState{keyState("retired"), keyState("compromised")}
		for _, s := range want {
			require.NoError(t, d.AddKeyState(ctx, s))
		}
		got, err := d.KeyStates(ctx)
		require.NoError(t, err)
		for i := range want {
			want[i].Seq = got[i].Seq
		}
		require.Equal(t, want, got)

		_, k := issued(1, [16]byte{}, "vendor A")
		added, err := d.AddMarkKey(ctx, k)
		require.NoError(t, err)
		require.False(t, added)
		k.Commitment[0]++
		_, err = d.AddMarkKey(ctx, k)
		require.ErrorIs(t, err, records.ErrConflict)
		keys, err := d.MarkKeys(ctx)
		require.NoError(t, err)
		require.Len(t, keys, 1)
	})
}

func TestReceipts(t *testing.T) {
	each(t, func(t *testing.T, d *sqldb.DB) {
		fill(t, d)
		want := receipt(3<<60 | 7)
		require.NoError(t, d.AddReceipt(t.Context(), want))
		require.Error(t, d.AddReceipt(t.Context(), receipt(99)), "no such copy")
		got, err := d.Receipts(t.Context(), want.Copy)
		require.NoError(t, err)
		want.Seq = got[0].Seq
		require.Equal(t, []books.Receipt{want}, got)
		none, err := d.Receipts(t.Context(), 4<<60|7)
		require.NoError(t, err)
		require.Empty(t, none)
	})
}

func TestInvestigations(t *testing.T) {
	each(t, func(t *testing.T, d *sqldb.DB) {
		want := []books.Investigation{investigation(1), investigation(2), dated(3)}
		for i := range want {
			var err error
			want[i].Entry, err = d.AddInvestigation(t.Context(), want[i])
			require.NoError(t, err)
		}
		got, err := d.Investigations(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.True(t, records.Has(&got[2], [16]byte{}))
		require.False(t, records.Has(&got[2], [16]byte{1}))
		concluded, bare := conclusion(got[2].Entry), conclusion(got[0].Entry)
		bare.Named, bare.Copies = []string{}, []watermark.CopyID{}
		require.NoError(t, d.AddConclusion(t.Context(), concluded))
		require.NoError(t, d.AddConclusion(t.Context(), bare))
		all, err := d.Conclusions(t.Context())
		require.NoError(t, err)
		concluded.Seq, bare.Seq = got[2].Entry+1, got[2].Entry+2
		require.Equal(t, []books.Conclusion{concluded, bare}, all)
		_, _, err = d.Check(t.Context())
		require.NoError(t, err)
	})
}

// through is that vendor B had copies of vendor A.
func through(submissions ...watermark.Submission) books.Custody {
	return books.Custody{Recipient: "vendor B", Through: "vendor A", From: t0, To: t0.AddDate(9, 0, 0), Submissions: submissions,
		Note: "letter 4", Entered: t0.AddDate(2, 0, 0), Actor: "ops", Logged: books.Logged{Salt: salt("through")}}
}

func TestCustodyThrough(t *testing.T) {
	each(t, func(t *testing.T, d *sqldb.DB) {
		fill(t, d)
		sub, _ := submission(1)
		before, err := d.CustodyOf(t.Context(), sub.ID)
		require.NoError(t, err)
		want := []books.Custody{through(), through(sub.ID)}
		require.NoError(t, d.AddCustody(t.Context(), want...))
		got, err := d.CustodyBy(t.Context(), "vendor B")
		require.NoError(t, err)
		got = got[len(got)-2:]
		for i := range want {
			want[i].Seq, want[i].Bound = got[i].Seq, got[i].Bound // entered after rows of later times
		}
		require.Equal(t, want, got)
		require.True(t, got[1].Of(&books.Copy{Recipient: "vendor A", Submission: sub.ID, Issued: t0}))
		require.False(t, got[1].Of(&books.Copy{Recipient: "vendor A", Issued: t0}))
		require.True(t, got[0].Of(&books.Copy{Recipient: "vendor A", Issued: t0}))
		require.False(t, got[0].Of(&books.Copy{Recipient: "vendor B", Issued: t0}))
		require.False(t, got[0].Of(&books.Copy{Recipient: "vendor A", Issued: t0.AddDate(10, 0, 0)}))
		after, err := d.CustodyOf(t.Context(), sub.ID)
		require.NoError(t, err)
		require.Equal(t, before, after, "copies of another are no unmarked uploads")
		_, _, err = d.Check(t.Context())
		require.NoError(t, err)
	})
}

// Lists come back ascending, however they were given: their commitment depends on it.
func TestCustodyBy(t *testing.T) {
	each(t, func(t *testing.T, d *sqldb.DB) {
		fill(t, d)
		all, err := d.Custody(t.Context())
		require.NoError(t, err)
		list := all[1].Submissions
		require.NoError(t, d.AddCustody(t.Context(), custody("vendor A", list[1], list[0], list[1])))
		of, err := d.CustodyBy(t.Context(), "vendor A")
		require.NoError(t, err)
		require.Len(t, of, 2)
		require.Nil(t, of[0].Submissions)
		require.Equal(t, list, of[1].Submissions)
		_, _, err = d.Check(t.Context())
		require.NoError(t, err)
	})
}

// Submissions that are read together are what each is alone, erased ones also. An unknown one is missing.
func TestSubmissionsAmong(t *testing.T) {
	each(t, func(t *testing.T, d *sqldb.DB) {
		everything(t, d) // erases 9, then 7 and 8
		ids := []watermark.Submission{{0xff}}
		for _, n := range []int{8, 1, 0, 9, 3} {
			sub, _ := submission(n)
			ids = append(ids, sub.ID)
		}
		rows, err := d.SubmissionsAmong(t.Context(), ids)
		require.NoError(t, err)
		require.Len(t, rows, len(ids)-1)
		for _, got := range rows {
			alone, err := d.Submission(t.Context(), got.ID)
			require.NoError(t, err)
			require.Equal(t, *alone, got)
		}
	})
}

// Facts that are read as they come are the facts that are read at once, with the same bounds. A slice that a caller has
// stays as it was.
func TestCustodyGrows(t *testing.T) {
	each(t, func(t *testing.T, d *sqldb.DB) {
		fill(t, d)
		first, err := d.Custody(t.Context())
		require.NoError(t, err)
		was := slices.Clone(first)
		one, _ := submission(1)
		for n := range 4 {
			late := custody("vendor A", one.ID)
			late.Entered = t0.AddDate(9-3*n, 0, 0) // the last clocks are behind
			require.NoError(t, d.AddCustody(t.Context(), late, through()))
			grown, err := d.Custody(t.Context())
			require.NoError(t, err)
			require.Len(t, grown, len(was)+2*(n+1))
			require.NoError(t, d.TrustWitnesses(nil)) // forgets what was read
			whole, err := d.Custody(t.Context())
			require.NoError(t, err)
			require.Equal(t, whole, grown)
		}
		require.Equal(t, was, first)
	})
}

func TestErase(t *testing.T) {
	each(t, func(t *testing.T, d *sqldb.DB) {
		everything(t, d) // erases 9, then 7 and 8
		ctx := t.Context()
		for _, n := range []int{7, 8, 9} {
			sub, x := submission(n)
			got, err := d.Submission(ctx, sub.ID)
			require.NoError(t, err)
			require.NotZero(t, got.Erased)
			require.Equal(t, books.Submission{ID: sub.ID, Submitted: sub.Submitted, Received: sub.Received,
				Logged: books.Logged{Seq: got.Seq}, Erased: true, ErasedBy: got.ErasedBy}, *got)
			_, err = d.Sealed(ctx, sub.ID, true)
			require.ErrorIs(t, err, records.ErrNotFound)
			of, err := d.SubmissionsOf(ctx, sub.Subject)
			require.NoError(t, err)
			require.Empty(t, of)
			_, err = add(ctx, d, sub, x)
			require.ErrorIs(t, err, records.ErrErased)
			copies, err := d.Copies(ctx, sub.ID)
			require.NoError(t, err)
			require.Equal(t, "vendor A", copies[0].Recipient, "who was handed it is still known")
			c, k := issued(watermark.CopyID(900+n), sub.ID, "vendor A")
			require.ErrorIs(t, d.AddCopy(ctx, &c, k), records.ErrErased, "of a picture that was opened before")
		}
		size, _, err := d.Head(ctx)
		require.NoError(t, err)
		require.ErrorIs(t, d.Erase(ctx, erasure("again", 1, 9)), records.ErrErased)
		require.ErrorIs(t, d.Erase(ctx, erasure("unknown", 1, 10)), records.ErrNotFound)
		after, _, err := d.Check(ctx)
		require.NoError(t, err)
		require.Equal(t, size, after, "nothing was entered")
		one, _ := submission(1)
		still, err := d.Submission(ctx, one.ID)
		require.NoError(t, err)
		require.Zero(t, still.Erased)

		gone, err := d.ErasedAfter(ctx, 0)
		require.NoError(t, err)
		require.Len(t, gone, 3)
		later, err := d.ErasedAfter(ctx, gone[0].Erasure)
		require.NoError(t, err)
		require.Equal(t, gone[1:], later)
		hashes, err := d.SearchedAfter(ctx, 0, 100, false)
		require.NoError(t, err)
		require.Len(t, hashes, 13)
	})
}

func TestFeatures(t *testing.T) {
	each(t, func(t *testing.T, d *sqldb.DB) {
		ctx := t.Context()
		for n := range 6 {
			sub, x := submission(n)
			if n%2 == 0 {
				x.Features = []byte{3, byte(n)}
			}
			_, err := add(ctx, d, sub, x)
			require.NoError(t, err)
		}
		first, err := d.SearchedAfter(ctx, 0, 2, true)
		require.NoError(t, err)
		require.Len(t, first, 2)
		zero, x := submission(0)
		details := books.Details{Area: zero.Area, Chain: zero.Chain, AreaQuality: zero.AreaQuality, Kept: true}
		require.Equal(t, records.Searched{Seq: first[0].Seq, ID: zero.ID, Details: details,
			Sealed: records.Sealed{KeyID: x.KeyID, Wrapped: x.Wrapped, Features: []byte{3, 0}}}, first[0])
		require.Empty(t, first[1].Sealed.Features)
		require.NoError(t, d.Erase(ctx, erasure("x", 4)))
		rest, err := d.SearchedAfter(ctx, first[1].Seq, 100, false)
		require.NoError(t, err)
		require.Len(t, rest, 3)
		require.Empty(t, rest[0].Sealed.Features, "they were not asked for")
	})
}

func TestSealedHashes(t *testing.T) {
	for name, create := range kinds {
		t.Run(name, func(t *testing.T) {
			i := info()
			i.SealHashes = true
			d := create(t, i)
			for n := range 4 {
				sub, x := submission(n)
				sub.Hash, sub.Area = "", ""
				x.Hashes = []byte{5, byte(n)}
				_, err := add(t.Context(), d, sub, x)
				require.NoError(t, err)
			}
			require.NoError(t, d.Erase(t.Context(), erasure("x", 1)))
			got, err := d.SearchedAfter(t.Context(), 0, 100, false)
			require.NoError(t, err)
			require.Len(t, got, 3)
			for k, n := range []int{0, 2, 3} {
				sub, x := submission(n)
				require.Equal(t, records.Searched{Seq: got[k].Seq, ID: sub.ID, Details: books.Details{Chain: sub.Chain, AreaQuality: 90, Kept: true},
					Sealed: records.Sealed{KeyID: x.KeyID, Wrapped: x.Wrapped, Hashes: []byte{5, byte(n)}}}, got[k])
			}
			_, _, err = d.Check(t.Context())
			require.NoError(t, err)
		})
	}
}

// What the store keeps of the tree proves its entries under a head.
func TestEntriesAndNodes(t *testing.T) {
	each(t, func(t *testing.T, d *sqldb.DB) {
		everything(t, d)
		ctx := t.Context()
		size, root, err := d.Head(ctx)
		require.NoError(t, err)
		var entries [][]byte
		for page := [][]byte{nil}; len(page) > 0; entries = append(entries, page...) {
			page, err = d.Entries(ctx, int64(len(entries)), 7)
			require.NoError(t, err)
		}
		require.Len(t, entries, int(size))
		for i, e := range entries {
			path, err := tlog.Inclusion(ctx, uint64(i), uint64(size), d.Nodes)
			require.NoError(t, err)
			require.NoError(t, tlog.VerifyInclusion(tlog.LeafHash(e), uint64(i), uint64(size), path, root))
		}
		_, err = d.Nodes(ctx, []tlog.NodeID{{Level: 40, Index: 1}})
		require.ErrorIs(t, err, records.ErrTampered)
		none, err := d.Nodes(ctx, nil)
		require.NoError(t, err)
		require.Empty(t, none)
	})
}

func TestCheckpoints(t *testing.T) {
	each(t, func(t *testing.T, d *sqldb.DB) {
		ctx := t.Context()
		first := checkpoint(t, d)
		fill(t, d)
		last := checkpoint(t, d)
		got, err := d.Checkpoints(ctx)
		require.NoError(t, err)
		require.Equal(t, []books.Checkpoint{first, last}, got)

		changed, err := d.ChangeCheckpoint(ctx, last.Size, func(c *books.Checkpoint) ([]records.Cosigned, error) {
			c.Text, c.Stamp = c.Text+" twice", []byte("stamped")
			return []records.Cosigned{cosigned(c)}, nil
		})
		require.NoError(t, err)
		kept, err := d.AddCheckpoint(ctx, last)
		require.NoError(t, err)
		last.Text, last.Stamp = "signed twice", []byte("stamped")
		require.Equal(t, []books.Checkpoint{last, last}, []books.Checkpoint{*changed, *kept}, "what is kept stays")
		_, err = d.ChangeCheckpoint(ctx, 3, func(*books.Checkpoint) ([]records.Cosigned, error) { return nil, nil })
		require.ErrorIs(t, err, records.ErrNotFound)
		for name, bad := range map[string]books.Checkpoint{
			"another root": {Size: first.Size, Root: last.Root}, "a root of its own": {Size: 5, Root: tlog.Hash{1}},
			"later": {Size: last.Size + 1, Root: last.Root}, "empty": {Root: tlog.EmptyRoot()},
		} {
			_, err := d.AddCheckpoint(ctx, bad)
			require.ErrorIs(t, err, records.ErrConflict, name)
		}
		got, err = d.Checkpoints(ctx)
		require.NoError(t, err)
		require.Equal(t, []books.Checkpoint{first, last}, got)
		size, _, err := d.Check(ctx)
		require.NoError(t, err)
		require.Equal(t, last.Size+1, size, "a checkpoint is no entry, and what a witness signed is one")
	})
}

func TestManyRowsAtOnce(t *testing.T) {
	each(t, func(t *testing.T, d *sqldb.DB) {
		var uploads []records.Upload
		for n := range 1200 {
			sub, x := submission(n)
			uploads = append(uploads, records.Upload{Submission: sub, Sealed: &x})
		}
		uploads = append(uploads, uploads[3])
		added, err := d.AddSubmissions(t.Context(), uploads)
		require.NoError(t, err)
		require.False(t, added[1200], "the same twice")
		require.False(t, slices.Contains(added[:1200], false))
		added, err = d.AddSubmissions(t.Context(), uploads)
		require.NoError(t, err)
		require.NotContains(t, added, true)
		size, _, err := d.Check(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, 1201, size)
		none, err := d.AddSubmissions(t.Context(), nil)
		require.NoError(t, err)
		require.Empty(t, none)
	})
}

// That a copy came back is entered once, and found by the copy and by the upload.
func TestReturns(t *testing.T) {
	each(t, func(t *testing.T, d *sqldb.DB) {
		fill(t, d)
		releases(t, d)
		ctx := t.Context()
		for i, want := range []bool{true, false} {
			added, err := d.AddReturn(ctx, cameBack(6, 0x502))
			require.NoError(t, err)
			require.Equal(t, want, added, i)
		}
		_, err := d.AddReturn(ctx, cameBack(6, 0x999))
		require.ErrorIs(t, err, records.ErrNotFound)
		_, err = d.AddReturn(ctx, cameBack(999, 0x502))
		require.ErrorIs(t, err, records.ErrNotFound)
		of, err := d.Returns(ctx, 0x502)
		require.NoError(t, err)
		in, err := d.ReturnedIn(ctx, cameBack(6, 0x502).Submission)
		require.NoError(t, err)
		require.Len(t, of, 1)
		require.Equal(t, of, in)
		none, err := d.Returns(ctx, 0x503)
		require.NoError(t, err)
		require.Empty(t, none)

		s, x := submission(77) // two pages carry one mark
		back := cameBack(77, 0x503)
		_, err = d.AddSubmissions(ctx, []records.Upload{{Submission: s, Sealed: &x, Returns: []books.Return{back, back}}})
		require.NoError(t, err)
		in, err = d.ReturnedIn(ctx, s.ID)
		require.NoError(t, err)
		require.Len(t, in, 1)
		s, x = submission(78)
		_, err = d.AddSubmissions(ctx, []records.Upload{{Submission: s, Sealed: &x, Returns: []books.Return{cameBack(78, 0x999)}}})
		require.ErrorIs(t, err, records.ErrNotFound)
		_, err = d.Submission(ctx, s.ID)
		require.ErrorIs(t, err, records.ErrNotFound)
		_, _, err = d.Check(ctx)
		require.NoError(t, err)
	})
}

// What became of a copy follows from its entries. A copy that was released is never void again.
func TestReleases(t *testing.T) {
	each(t, func(t *testing.T, d *sqldb.DB) {
		fill(t, d)
		releases(t, d)
		ctx := t.Context()
		sub, _ := submission(5)
		states := make(map[watermark.CopyID]string)
		copies, err := d.Copies(ctx, sub.ID)
		require.NoError(t, err)
		for _, c := range copies {
			states[c.ID] = c.State
			one, err := d.Copy(ctx, c.ID)
			require.NoError(t, err)
			require.Equal(t, c, *one)
		}
		require.Equal(t, map[watermark.CopyID]string{5<<60 | 7: "reserved", 0x501: "reserved", 0x502: "released", 0x503: "void", 0x504: "released"}, states)
		all, err := d.CopiesAfter(ctx, 0, 100)
		require.NoError(t, err)
		for _, c := range all {
			if want, of := states[c.ID]; of {
				require.Equal(t, want, c.State)
			}
		}
		for of, want := range map[watermark.CopyID]error{0x502: records.ErrConflict, 0x504: records.ErrConflict, 0x599: records.ErrNotFound, 1<<60 | 7: records.ErrNotFound} {
			_, err = d.AddRelease(ctx, release(of, books.CopyVoid), false)
			require.ErrorIs(t, err, want, "%s", of)
		}
		for of, state := range map[watermark.CopyID]string{0x502: books.CopyReleased, 0x503: books.CopyVoid} {
			added, err := d.AddRelease(ctx, release(of, state), false)
			require.NoError(t, err)
			require.False(t, added, "it is so already")
		}
		for i, want := range []struct { // another attempt at a copy that is reserved
			state string
			only  bool
			added bool
			err   error
		}{{books.CopyReserved, false, true, nil}, {books.CopyReserved, false, false, nil}, {books.CopyVoid, true, false, records.ErrConflict}} {
			added, err := d.AddRelease(ctx, release(0x501, want.state), want.only)
			require.ErrorIs(t, err, want.err, i)
			require.Equal(t, want.added, added, i)
			c, err := d.Copy(ctx, 0x501)
			require.NoError(t, err)
			require.Equal(t, books.CopyReserved, c.State)
		}
		_, err = d.AddRelease(ctx, release(0x503, books.CopyReserved), false)
		require.ErrorIs(t, err, records.ErrConflict, "it is void")
		never := t0.AddDate(99, 0, 0)
		count := func() (n int) {
			by, err := d.CountDays(ctx, never)
			require.NoError(t, err)
			for _, x := range by.Issued {
				if x.Recipient == "vendor B" {
					n += x.Count
				}
			}
			return n
		}
		require.Equal(t, 3, count(), "a void copy counts for nobody")
		by, err := d.CountDays(ctx, never)
		require.NoError(t, err)
		require.Equal(t, books.Issued{Recipient: "vendor B", Day: sub.Submitted.Truncate(24 * time.Hour), Count: 1}, by.Held[len(by.Held)-1])
		_, err = d.AddRelease(ctx, release(0x503, books.CopyReleased), false)
		require.NoError(t, err)
		require.Equal(t, 4, count(), "the entry that it is void was wrong")

		alone, _ := submission(6)
		c, k := issued(0x601, alone.ID, "vendor B")
		require.NoError(t, d.AddCopy(ctx, &c, k))
		r := release(0x601, books.CopyVoid)
		r.Submission = alone.ID
		_, err = d.AddRelease(ctx, r, false)
		require.NoError(t, err)
		again, err := d.CountDays(ctx, never)
		require.NoError(t, err)
		require.Equal(t, by.Held, again.Held, "a void copy is not held")
		_, _, err = d.Check(ctx)
		require.NoError(t, err)
	})
}

// Opponent's story: copies of several uploads were issued in turn, more than one question to the database asks for. The release
// of one was counted twice, and an honest registry looked tampered with.
func TestCopiesOfManyUploadsInTurn(t *testing.T) {
	each(t, func(t *testing.T, d *sqldb.DB) {
		fill(t, d)
		for i := range watermark.CopyID(schema.InList) {
			sub, _ := submission(5 + int(i%2))
			c, k := issued(0x1000+i, sub.ID, "vendor B")
			require.NoError(t, d.AddCopy(t.Context(), &c, k))
		}
		_, err := d.AddRelease(t.Context(), release(0x1000, books.CopyReleased), false)
		require.NoError(t, err)
		all, err := d.CopiesAfter(t.Context(), 0, 1000)
		require.NoError(t, err)
		require.Len(t, all, 10+schema.InList)
		require.Equal(t, books.CopyReleased, all[10].State)
	})
}
