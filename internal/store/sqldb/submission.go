package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/store/schema"
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
// new. It sets Seq, Erased and ErasedBy of the rows, and ignores these fields of uploads. Kept says whether an original is sealed.
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
	for _, u := range uploads {
		for _, r := range u.Returns {
			if _, err := addReturn(ctx, t, r); err != nil {
				return nil, fmt.Errorf("submission %s carries the mark of copy %s: %w", r.Submission, r.Copy, err)
			}
		}
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
	ids := each.Of(uploads, func(u records.Upload) watermark.Submission { return u.ID })
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
	if err != nil {
		return s, err
	}
	one := []books.Submission{*s} // entered counts its changes
	err = d.entered(ctx, q, one...)
	return &one[0], err
}

// numberOf returns an upload's number. The error wraps [records.ErrTampered] if the index of IDs leads to another.
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

// Everything in a registry is sealed under one key: who has another would see none of
// the uploads that were sealed under it, and nothing would say so.

// sealsSeen is how many seals are looked at for one of a key: damaged ones do not hide the key.
const sealsSeen = 64

// SealedUnderOther looks at sealsSeen seals. If one of these is under keyID, the error wraps [records.ErrNotFound]: what
// is said to be under another key then cannot be opened, and who reads it says so.
func (d uploads) SealedUnderOther(ctx context.Context, keyID string) (of watermark.Submission, other string, err error) {
	return sealedUnderOther(ctx, d.read, keyID)
}

func sealedUnderOther(ctx context.Context, q schema.Querier, keyID string) (of watermark.Submission, other string, err error) {
	if _, _, err = sealedOne(ctx, q, "=", keyID); err == nil {
		return of, "", records.ErrNotFound
	}
	if !errors.Is(err, records.ErrNotFound) {
		return of, "", err
	}
	return sealedOne(ctx, q, "<>", keyID)
}

// sealedOne returns the submission and the key's ID of a seal whose key's ID is, or is not, keyID. The error wraps
// [records.ErrNotFound] if sealsSeen seals have no such ID. sealedOne reads nothing of what is sealed.
func sealedOne(ctx context.Context, q schema.Querier, is, keyID string) (of watermark.Submission, other string, err error) {
	rows, err := schema.Collect(ctx, q, func(x *schema.Sealed) []any { return []any{schema.Blob(&x.Body), &x.KeyID} }, fmt.Sprintf(
		"SELECT x.submission, x.key_id FROM (SELECT submission, key_id FROM sealed LIMIT %d) x WHERE x.key_id %s $1 LIMIT 1", sealsSeen, is), keyID)
	if err == nil && len(rows) == 0 {
		err = records.ErrNotFound
	}
	if err != nil {
		return of, "", err
	}
	copy(of[:], rows[0].Body) // damaged, it may have another length
	return of, rows[0].KeyID, nil
}

// sealedAlike checks that the seals that are to be entered, and the seals that are there, are of one key. The error
// wraps [records.ErrSealed] if they are not. Without seals to enter it does nothing. It must run in the transaction that
// enters the seals, so that two callers cannot enter two keys.
func sealedAlike(ctx context.Context, t *tx, entering []schema.Sealed) error {
	if len(entering) == 0 {
		return nil
	}
	of, keyID, err := sealedUnderOther(ctx, t, entering[0].KeyID)
	if errors.Is(err, records.ErrNotFound) {
		of, keyID, err = entering[0].Of, entering[0].KeyID, nil
	}
	if err != nil {
		return err
	}
	for i := range entering {
		if x := &entering[i]; x.KeyID != keyID {
			return fmt.Errorf("%w: submission %s was sealed under the key %s, which %s does not open", records.ErrSealed, of, keyID, x.KeyID)
		}
	}
	return nil
}
