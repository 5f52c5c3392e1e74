package sqldb_test

import (
	"database/sql"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/store/sqldb"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/watermark"
)

// document is upload n with that many pages, each with features of its own.
func document(n, pages int) (out []records.Upload) {
	s, x := submission(n)
	s.Page, s.Pages = 1, pages
	out = append(out, records.Upload{Submission: s, Sealed: &x})
	for k := 2; k <= pages; k++ {
		p, y := submission(1000*n + k)
		p.SHA256 = records.PageDigest(s.ID, k)
		p.ID, p.Document, p.Page, p.Pages = records.PageID(s.ID, k), s.ID, k, pages
		p.Subject, p.Submitted, p.Received, y.Body = "", s.Submitted, s.Received, nil
		y.Features = []byte{9}
		out = append(out, records.Upload{Submission: p, Sealed: &y})
	}
	return out
}

// Pages are found and erased with their submission, and are not counted as submissions.
func TestPagesOfSubmissions(t *testing.T) {
	each(t, func(t *testing.T, d *sqldb.DB) {
		ctx := t.Context()
		rows := append(document(1, 3), document(2, 2)...)
		one, x := submission(3)
		added, err := d.AddSubmissions(ctx, append(rows, records.Upload{Submission: one, Sealed: &x}))
		require.NoError(t, err)
		require.Equal(t, []bool{true, true, true, true, true, true}, added)
		added, err = d.AddSubmissions(ctx, document(1, 3))
		require.NoError(t, err)
		require.Equal(t, []bool{false, false, false}, added)
		other := document(4, 2)
		added, err = d.AddSubmissions(ctx, other[1:]) // no page without its submission
		require.NoError(t, err)
		require.Equal(t, []bool{false}, added)
		_, _, err = d.Check(ctx)
		require.NoError(t, err)
		counts := func(submissions, erased, searched int) {
			t.Helper()
			n, err := d.CountSubmitted(ctx, [2]time.Time{t0, t0.AddDate(1, 0, 0)})
			require.NoError(t, err)
			assert.Equal(t, []int{submissions - erased}, n)
			by, err := d.CountDays(ctx, t0.AddDate(9, 0, 0))
			require.NoError(t, err)
			total := func(all []books.Issued) (n int) {
				for _, x := range all {
					n += x.Count
				}
				return n
			}
			assert.Equal(t, []int{submissions, erased}, []int{total(by.Submitted), total(by.Erased)})
			all, err := d.Searchable(ctx, math.MaxInt64, math.MaxInt64)
			require.NoError(t, err)
			assert.EqualValues(t, searched, all)
		}
		counts(3, 0, 6)
		d.SetCommit(func(*sql.Tx) error { return errors.New("crash") })
		_, err = d.AddSubmissions(ctx, document(5, 3))
		require.Error(t, err)
		d.SetCommit((*sql.Tx).Commit)
		for _, u := range document(5, 3) {
			_, err := d.Submission(ctx, u.ID)
			require.ErrorIs(t, err, records.ErrNotFound, "all pages or none")
		}
		page := rows[1].ID
		got, err := d.Submission(ctx, page)
		require.NoError(t, err)
		require.Equal(t, rows[0].ID, got.Whole())
		c, key := issued(7, page, "vendor A")
		require.ErrorIs(t, d.AddCopy(ctx, &c, key), records.ErrNotFound)
		_, err = d.SetSubjects(ctx, []records.SubjectChange{{Submission: page, Subject: "x"}})
		require.ErrorIs(t, err, records.ErrNotFound)
		require.ErrorIs(t, d.Erase(ctx, records.Erasure{Submissions: []watermark.Submission{page}}), records.ErrNotFound)

		require.NoError(t, d.Erase(ctx, erasure("letter 1", 1)))
		_, _, err = d.Check(ctx)
		require.NoError(t, err)
		counts(3, 1, 3)
		gone, err := d.ErasedAfter(ctx, 0)
		require.NoError(t, err)
		require.Len(t, gone, 3)
		for _, u := range rows[:3] {
			s, err := d.Submission(ctx, u.ID)
			require.NoError(t, err)
			require.True(t, s.Erased)
			assert.Empty(t, s.Area+s.Hash+s.Subject+s.Chain)
			assert.Zero(t, s.Rendition)
			_, err = d.Sealed(ctx, u.ID, true)
			require.ErrorIs(t, err, records.ErrNotFound)
		}
		_, err = d.AddSubmissions(ctx, document(1, 3))
		require.ErrorIs(t, err, records.ErrErased)
	})
}
