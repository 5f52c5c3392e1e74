package sqldb

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/store/schema"
	"github.com/kycmark/kycmark/internal/tlog"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/watermark"
)

// uploads are submissions, with their pages, subjects and seals.
type uploads struct{ *core }

func (d uploads) AddSubmissions(ctx context.Context, uploads []records.Upload) (added []bool, err error) {
	uploads, put, err := originals(d).putOriginals(ctx, uploads)
	if err != nil {
		return nil, err
	}
	err = d.update(ctx, "submit", func(t *tx) error {
		added, err = addUploads(ctx, t, uploads)
		return err
	})
	if err != nil && !errors.Is(err, errCommit) {
		added = make([]bool, len(uploads))
	}
	originals(d).dropOriginals(ctx, put, added)
	if err != nil {
		return nil, err
	}
	return added, nil
}

// addUploads is [DB.AddSubmissions] in the transaction t. The pages of an upload follow it, and are entered if it is
// new. It sets Seq, Erased and ErasedBy of the rows, and ignores these fields of uploads. Kept must say whether there
// is a sealed original.
func addUploads(ctx context.Context, t *tx, uploads []records.Upload) (added []bool, err error) {
	added = make([]bool, len(uploads))
	known := make(map[watermark.Submission]digest, len(uploads))
	if err := digests(ctx, t, uploads, known); err != nil {
		return nil, err
	}
	rows := make([]books.Submission, 0, len(uploads))
	var sealed []schema.Sealed
	entered := make(map[watermark.Submission]bool)
	for i, u := range uploads {
		if u.Page > 1 && !entered[u.Document] {
			continue // the upload is there, with the pages with which it was entered
		}
		if old, ok := known[u.ID]; ok {
			if err := sameFile(old, &u.Submission); err != nil {
				return nil, err
			}
			continue
		}
		if u.Page < 2 && u.Kept != (u.Sealed != nil && (len(u.Sealed.Body) > 0 || u.Sealed.Object.Size > 0)) {
			return nil, fmt.Errorf("submission %s: Kept is %t, but the sealed original says the opposite", u.ID, u.Kept)
		}
		known[u.ID] = digest{u.ID, u.SHA256, 0}
		added[i], entered[u.ID] = true, u.Page == 1
		u.Erased, u.ErasedBy = false, 0
		rows = append(rows, u.Submission)
		if u.Sealed != nil {
			sealed = append(sealed, schema.Sealed{Of: u.ID, Sealed: *u.Sealed})
		}
	}
	if err := sealedAlike(ctx, t, sealed); err != nil {
		return nil, err
	}
	if err := t.appendSubmissions(ctx, rows); err != nil {
		return nil, err
	}
	if err := insert(ctx, t, schema.Seals, sealed...); err != nil {
		return nil, fmt.Errorf("sealed originals: %w", err)
	}
	return added, nil
}

// A digest is what tells whether a file is there.
type digest struct {
	id     watermark.Submission
	sha256 [32]byte
	erased int64
}

// digestTable has digests of the rows of [schema.Submissions]. It is for reading.
var digestTable = schema.TableOf("submission", "id sha256 erased",
	func(d *digest) []any { return []any{schema.Fixed(d.id[:]), schema.Fixed(d.sha256[:]), &d.erased} })

// digests sets, by ID, the stored digest and erasure of those uploads that are there.
func digests(ctx context.Context, t *tx, uploads []records.Upload, known map[watermark.Submission]digest) error {
	ids := make([]watermark.Submission, len(uploads))
	for i := range uploads {
		ids[i] = uploads[i].ID
	}
	rows, err := digestTable.Among(ctx, t, t.dialect, "id", schema.Each(records.Ascending(ids), schema.IDOf), "") // IDs beside each other are in one page
	for _, r := range rows {
		known[r.id] = r
	}
	return err
}

// sameFile checks whether s can be a repeated upload of the file old, which has the same ID. The error wraps
// [records.ErrErased] if old was erased, and [records.ErrConflict] if the digests differ.
func sameFile(old digest, s *books.Submission) error {
	switch {
	case old.erased != 0:
		return fmt.Errorf("submission %s: %w", s.ID, records.ErrErased)
	case old.sha256 != s.SHA256:
		return fmt.Errorf("%w: another file has the submission ID %s", records.ErrConflict, s.ID)
	}
	return nil
}

func (d uploads) Submission(ctx context.Context, id watermark.Submission) (*books.Submission, error) {
	var s *books.Submission
	err := d.snapshot(ctx, func(q schema.Querier) error {
		seq, err := numberOf(ctx, q, id)
		if err == nil {
			s, err = d.submission(ctx, q, seq)
		}
		return err
	})
	return s, err
}

func (d uploads) SubmissionsAmong(ctx context.Context, ids []watermark.Submission) (rows []books.Submission, err error) {
	err = d.snapshot(ctx, func(q schema.Querier) (err error) {
		if rows, err = schema.Present.Among(ctx, q, &d.dialect, "id", schema.Each(ids, schema.IDOf), ""); err == nil {
			err = d.entered(ctx, q, bySeq(rows)...)
		}
		return err
	})
	return rows, err
}

func (d uploads) SubmissionBySeq(ctx context.Context, seq int64) (*books.Submission, error) {
	var s *books.Submission
	err := d.snapshot(ctx, func(q schema.Querier) (err error) {
		s, err = d.submission(ctx, q, seq)
		return err
	})
	return s, err
}

// submission returns one upload by its number, as it was entered.
func (d uploads) submission(ctx context.Context, q schema.Querier, seq int64) (*books.Submission, error) {
	s, err := schema.Present.One(ctx, q, " WHERE seq = $1", seq)
	if err == nil && s.Seq != seq {
		err = schema.Tampered("the index of number %d leads to another submission", seq)
	}
	if err == nil {
		err = d.entered(ctx, q, *s)
	}
	return s, err
}

// numberOf returns the number of an upload. The error wraps [records.ErrTampered] if the index of IDs leads to
// another upload.
func numberOf(ctx context.Context, q schema.Querier, id watermark.Submission) (seq int64, err error) {
	err = q.QueryRowContext(ctx, "SELECT seq FROM submission WHERE id = $1", id[:]).Scan(&seq)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, records.ErrNotFound
	}
	err = schema.Unreadable(err)
	var found watermark.Submission
	if err == nil {
		err = q.QueryRowContext(ctx, "SELECT id FROM submission WHERE seq = $1", seq).Scan(schema.Fixed(found[:]))
		err = schema.Unreadable(err)
	}
	if err == nil && found != id {
		err = schema.Tampered("the index of submission %s leads to another", id)
	}
	return seq, err
}

func (d uploads) SubmissionsAfter(ctx context.Context, seq int64, limit int) ([]books.Submission, error) {
	var rows []books.Submission
	err := d.snapshot(ctx, func(q schema.Querier) (err error) {
		if rows, err = schema.Present.Rows(ctx, q, " WHERE seq > $1 ORDER BY seq LIMIT $2", seq, limit); err != nil {
			return err
		}
		for i, last := 0, seq; i < len(rows); i++ {
			if rows[i].Seq <= last {
				return schema.Tampered("the index of numbers leads twice to submission %s", rows[i].ID)
			}
			last = rows[i].Seq
		}
		if err := isEntered(ctx, q, rows); err != nil {
			return err
		}
		return d.haveSubjects(ctx, q, rows)
	})
	return rows, err
}

// SearchedAfter sets only Seq and Err of a row that cannot be read, or differs from its entry.
func (d uploads) SearchedAfter(ctx context.Context, seq int64, limit int, features bool) (out []records.Searched, err error) {
	column := "NULL"
	if features {
		column = "x.features"
	}
	rows, err := d.read.QueryContext(ctx, "SELECT s."+strings.Join(schema.Submissions.Columns, ", s.")+`, l.entry, coalesce(x.key_id, ''), x.wrapped, x.hashes, `+
		column+` AS features FROM submission s LEFT JOIN ledger l ON l.seq = s.seq LEFT JOIN sealed x ON x.submission = s.id
		WHERE (s.erased = 0 OR s.size > 0) AND s.seq > $1 ORDER BY s.seq LIMIT $2`, seq, limit) // an erased one is blank
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	last := seq
	for rows.Next() {
		var s books.Submission
		var entry []byte
		var r records.Searched
		row := append(schema.Submissions.Bind(&s), schema.Blob(&entry), &r.Sealed.KeyID, schema.Blob(&r.Sealed.Wrapped), schema.Blob(&r.Sealed.Hashes), schema.Blob(&r.Sealed.Features))
		err := rows.Scan(row...)
		r.Seq, r.ID, r.Area, r.Chain, r.AreaQuality, r.Kept = s.Seq, s.ID, s.Area, s.Chain, s.AreaQuality, s.Kept
		switch {
		case err != nil:
			for i := range row {
				if schema.Submissions.Columns[min(i, len(schema.Submissions.Columns)-1)] != "seq" {
					row[i] = new(any)
				}
			}
			if rows.Scan(row...) != nil {
				return nil, schema.Unreadable(err)
			}
			r = records.Searched{Seq: s.Seq, Err: fmt.Errorf("submission of entry %d: %w", s.Seq, schema.Unreadable(err))}
		case !isOf(entry, &s):
			r = records.Searched{Seq: s.Seq, Err: schema.Tampered("submission %s is not as entry %d has it", s.ID, s.Seq)}
		}
		if r.Seq <= last {
			return nil, schema.Tampered("the index of numbers leads twice to submission %s", r.ID)
		}
		last = r.Seq
		out = append(out, r)
	}
	return out, rows.Err()
}

func (d uploads) Sealed(ctx context.Context, id watermark.Submission, file bool) (*records.Sealed, error) {
	row, err := schema.Seals.One(ctx, d.read, " WHERE submission = $1", id[:])
	if err == nil && file {
		err = originals(d).fetch(ctx, row)
	}
	if err != nil {
		return nil, err
	}
	row.Object = records.Object{} // how it is kept concerns the store alone
	return &row.Sealed, nil
}

// erasures are erasures, and what they leave to be removed.
type erasures struct{ *core }

// Erase sets Left and Seq of e. After the commit it frees the rest.
func (d erasures) Erase(ctx context.Context, e records.Erasure) error {
	if d.readOnly {
		return fmt.Errorf("erase: %w", records.ErrReadOnly)
	}
	if d.dialect.MayScrub != nil {
		if err := d.dialect.MayScrub(ctx, d.write); err != nil {
			return fmt.Errorf("nothing was erased: %w", err)
		}
	}
	if len(e.Submissions) == 0 && e.Reviewer == "" {
		return d.freed(ctx, nil)
	}
	whole := records.Ascending(e.Submissions)
	lost, err := originals(d).lost(ctx, whole)
	if err != nil {
		return err
	}
	var left error
	err = d.update(ctx, "erase", func(t *tx) error {
		old, err := withPages(ctx, t, whole)
		if err != nil {
			return err
		}
		e.Submissions = nil
		for _, s := range old {
			e.Submissions = append(e.Submissions, s.ID)
		}
		e.Left = records.Left(old)
		if e.Seq, err = t.append(ctx, e); err != nil {
			return err
		}
		if err := insert(ctx, t, schema.Erasures, e); err != nil {
			return err
		}
		if e.Reviewer != "" {
			if err := blankName(ctx, t, e.Reviewer); err != nil {
				return err
			}
		}
		if err := dropKeys(ctx, t, old); err != nil {
			return err
		}
		if left, err = blank(ctx, t, old, e.Seq); err != nil {
			return err
		}
		return insert(ctx, t, schema.ErasureLists, schema.Lists(e.Seq, e.Submissions)...)
	})
	if err != nil && !errors.Is(err, records.ErrErased) {
		return err
	}
	return cmp.Or(d.freed(ctx, errors.Join(left, lost)), err) // the erasure before may have been killed
}

// freed removes what erasures left: objects, segments, and old data in files. Its errors come after err.
func (d erasures) freed(ctx context.Context, err error) error {
	err = errors.Join(err, originals(d).removeErased(ctx), segments(d).cleanSegments(ctx))
	if d.dialect.Scrub != nil {
		err = errors.Join(err, d.dialect.Scrub(ctx, d.write))
	}
	return err
}

// withPages returns the rows of the submissions ids and of all their pages, sorted by ID. The error is of [present].
func withPages(ctx context.Context, t *tx, ids []watermark.Submission) ([]books.Submission, error) {
	rows, err := present(ctx, t, ids...)
	for _, s := range rows {
		if s.Page == 0 {
			continue
		}
		further, err := schema.Submissions.Rows(ctx, t, " WHERE page > 1 AND document = $1", s.ID[:])
		if err != nil {
			return nil, err
		}
		if len(further) != s.Pages-1 {
			return nil, schema.Tampered("submission %s: %d further pages are found, and %d were entered", s.ID, len(further), s.Pages-1)
		}
		rows = append(rows, further...)
	}
	slices.SortFunc(rows, func(a, b books.Submission) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	return rows, err
}

// present returns the rows of the submissions ids, in this order. The error wraps [records.ErrNotFound] if a submission
// is missing or a page of another one, and [records.ErrErased] if it was erased.
func present(ctx context.Context, t *tx, ids ...watermark.Submission) ([]books.Submission, error) {
	rows := make([]books.Submission, len(ids))
	for i, id := range ids {
		s, err := schema.Submissions.One(ctx, t, " WHERE id = $1", id[:])
		if err == nil && s.ErasedBy != 0 {
			err = records.ErrErased
		}
		if err == nil && s.Page > 1 {
			err = fmt.Errorf("page %d of submission %s, which is to be named: %w", s.Page, s.Document, records.ErrNotFound)
		}
		if err != nil {
			return nil, fmt.Errorf("submission %s: %w", id, err)
		}
		rows[i] = *s
	}
	inOrder := slices.Clone(rows)
	slices.SortFunc(inOrder, func(a, b books.Submission) int { return cmp.Compare(a.Seq, b.Seq) })
	return rows, isEntered(ctx, t, slices.CompactFunc(inOrder, func(a, b books.Submission) bool { return a.Seq == b.Seq }))
}

// blank removes from the rows of submissions all that an erasure removes, and deletes their
// sealed rows. ID, number and times stay. erasure is the number of the erasure's entry. Its place among the pages stays.
// left wraps [records.ErrTampered] and names the submissions whose originals were not found.
func blank(ctx context.Context, t *tx, rows []books.Submission, erasure int64) (left, err error) {
	var zero [32]byte
	for i := range rows {
		id := rows[i].ID
		if _, err := t.ExecContext(ctx, `UPDATE submission SET sha256 = $1, size = 0, format = '', decoder = '', width = 0,
			height = 0, subject = '', hash = '', area = '', chain = '', quality = 0, area_quality = 0, kept = 0, actor = '',
			salt = $1, erased = $2, rendition = $4 WHERE id = $3`, zero[:], erasure, id[:], []byte{}); err != nil {
			return nil, err
		}
		found := int64(0)
		for _, where := range []string{"submission = $1", "substr(submission, 1) = $1"} { // a damaged index does not hide it from a walk
			if found > 0 || where != "submission = $1" && !(rows[i].Kept && rows[i].Page < 2) {
				break
			}
			if _, err := t.ExecContext(ctx, "INSERT INTO removal SELECT object FROM sealed WHERE "+where+" AND object_size > 0", id[:]); err != nil {
				return nil, err
			}
			gone, err := t.ExecContext(ctx, "DELETE FROM sealed WHERE "+where, id[:])
			if err == nil {
				found, err = gone.RowsAffected()
			}
			if err != nil {
				return nil, err
			}
		}
		if found == 0 && rows[i].Kept && rows[i].Page < 2 {
			left = errors.Join(left, schema.Tampered("submission %s was erased, but its sealed original was not found: it may be left", id))
		}
		if _, err := t.ExecContext(ctx, "DELETE FROM custody_event WHERE custody IN (SELECT custody FROM custody_submission WHERE submission = $1)", id[:]); err != nil {
			return nil, err
		}
		if err := blankSubject(ctx, t, id); err != nil {
			return nil, err
		}
	}
	return left, nil
}

// erasedList are the erasures that were read, and the submissions that they erased.
type erasedList struct {
	mu   sync.Mutex
	last int64 // number of the last erasure
	list tlog.List
	gone []records.Erased
}

// ErasedAfter sorts by erasure. It reads erasures that it has not read before, and compares them with their list.
func (d erasures) ErasedAfter(ctx context.Context, erasure int64) ([]records.Erased, error) {
	x := d.erased
	x.mu.Lock()
	defer x.mu.Unlock()
	err := d.snapshot(ctx, func(q schema.Querier) error {
		rows, err := readErasures(ctx, q, " WHERE seq > $1 ORDER BY seq", x.last)
		if err != nil {
			return err
		}
		now, err := after(ctx, q, &d.dialect, records.EntryErasure, x.list, rows)
		if err != nil {
			return err
		}
		var more []records.Erased
		for _, e := range rows {
			left, err := isErased(ctx, q, e.Seq)
			if err != nil {
				return err
			}
			if !slices.EqualFunc(left, e.Submissions, func(s books.Submission, id watermark.Submission) bool { return s.ID == id }) {
				return schema.Tampered("other submissions are erased than entry %d lists", e.Seq)
			}
			for _, s := range left {
				more = append(more, records.Erased{Erasure: e.Seq, Entered: e.Entered, Seq: s.Seq, ID: s.ID, Submitted: s.Submitted, Page: s.Page})
			}
			x.last = e.Seq
		}
		x.list, x.gone = now, append(x.gone, more...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	from := sort.Search(len(x.gone), func(i int) bool { return x.gone[i].Erasure > erasure })
	return slices.Clone(x.gone[from:]), nil
}
