package sqldb

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/store/schema"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/watermark"
)

func (d uploads) SetSubjects(ctx context.Context, changes []records.SubjectChange) (changed []bool, err error) {
	err = d.update(ctx, "set subjects", func(t *tx) error {
		changed = make([]bool, len(changes))
		for i, c := range changes {
			if _, err := present(ctx, t, c.Submission); err != nil {
				return err
			}
			old, err := schema.Present.One(ctx, t, " WHERE id = $1", c.Submission[:])
			if err != nil {
				return err
			}
			if old.Subject == c.Subject {
				continue
			}
			if err := blankSubject(ctx, t, c.Submission); err != nil {
				return err
			}
			if c.Seq, err = t.append(ctx, c); err != nil {
				return err
			}
			changed[i] = true
			if err := insert(ctx, t, schema.Subjects, c); err != nil {
				return err
			}
		}
		return nil
	})
	return changed, err
}

// blankSubject blanks the subject reference that was entered after a submission, and its blind. The
// digest stays, so that the row still verifies.
func blankSubject(ctx context.Context, t *tx, of watermark.Submission) error {
	var zero [32]byte
	_, err := t.ExecContext(ctx, "UPDATE subject SET reference = '', blind = $1 WHERE submission = $2 AND reference <> ''", zero[:], of[:])
	return err
}

// SubmissionsOf compares each upload with its entry. [DB.CheckSubject] finds whether uploads are hidden.
func (d uploads) SubmissionsOf(ctx context.Context, subject string) (of []books.Submission, err error) {
	err = d.snapshot(ctx, func(q schema.Querier) error {
		of = []books.Submission{}
		numbers, err := schema.Numbers(ctx, q, "SELECT seq FROM ("+uploadsOf("s.subject", "x.reference")+") AS found ORDER BY seq", subject)
		if err != nil {
			return err
		}
		for _, seq := range numbers {
			s, err := d.submission(ctx, q, seq)
			if errors.Is(err, records.ErrNotFound) {
				err = schema.Tampered("the submission of entry %d is not found by its number", seq)
			}
			if err != nil {
				return err
			}
			of = append(of, *s)
		}
		return nil
	})
	return of, err
}

// uploadsOf is the query of the numbers of a subject's uploads; the number of a missing upload is 0. The arguments
// write the columns of subjects.
func uploadsOf(entered, moved string) string {
	return "SELECT s.seq FROM submission s WHERE " + entered + " = $1 AND " + entered + " <> '' AND " + notMoved + `
		UNION ALL
		SELECT coalesce(s.seq, 0) AS seq FROM subject x LEFT JOIN submission s ON s.id = x.submission WHERE ` + moved + " = $1 AND " + moved + " <> ''"
}

// CheckSubject walks over all uploads, and compares what it finds of a subject with what the indexes find: a damaged
// index hides uploads. It compares all changes of subjects with their list. The error wraps [records.ErrTampered].
func (d uploads) CheckSubject(ctx context.Context, subject string) error {
	return d.snapshot(ctx, func(q schema.Querier) (err error) {
		var all [2][]int64
		for i, query := range []string{uploadsOf("s.subject", "x.reference"), uploadsOf(d.dialect.Unindexed("s.subject"), d.dialect.Unindexed("x.reference"))} {
			if all[i], err = schema.Numbers(ctx, q, "SELECT seq FROM ("+query+") AS found ORDER BY seq", subject); err != nil {
				return err
			}
		}
		if !slices.Equal(all[0], all[1]) || slices.Contains(all[1], 0) {
			return schema.Tampered("the subject has %d uploads by the index, and %d by the table, or others", len(all[0]), len(all[1]))
		}
		changes, err := schema.Subjects.Rows(ctx, q, "")
		if err != nil {
			return err
		}
		if err := onList(ctx, q, &d.dialect, records.EntrySubject, changes); err != nil {
			return err
		}
		counts := make(map[watermark.Submission]records.SubjectChange)
		for _, c := range changes {
			if counts[c.Submission] = c; c.Subject != "" && records.SubjectDigest(c.Blind, c.Subject) != c.Digest {
				return schema.Tampered("the subject of entry %d was edited", c.Seq)
			}
		}
		for _, c := range counts {
			if c.Subject == subject {
				if seq, err := numberOf(ctx, q, c.Submission); err != nil || !slices.Contains(all[1], seq) {
					return errors.Join(err, schema.Tampered("an upload of the subject, of entry %d, is not found", c.Seq))
				}
			}
			if c.Subject != "" {
				continue
			}
			if s, err := schema.Submissions.One(ctx, q, " WHERE id = $1", c.Submission[:]); err != nil || s.ErasedBy == 0 {
				return schema.Tampered("the subject of entry %d was blanked", c.Seq)
			}
		}
		return nil
	})
}

// notMoved is the condition that no other subject was entered after the submission s.
const notMoved = "NOT EXISTS (SELECT 1 FROM subject y WHERE y.submission = s.id AND y.reference <> '')"

func (d uploads) WithPrefix(ctx context.Context, low, high watermark.Submission, max int) (subs []watermark.Submission, copies []watermark.CopyID, err error) {
	const from, within = "SELECT id FROM ", " WHERE id >= $1 AND id <= $2 ORDER BY id LIMIT $3"
	err = d.snapshot(ctx, func(q schema.Querier) (err error) {
		subs, err = schema.Collect(ctx, q, func(id *watermark.Submission) []any { return []any{schema.Fixed(id[:])} }, from+"submission"+within, low[:], high[:], max)
		if err == nil {
			copies, err = schema.Collect(ctx, q, func(id *watermark.CopyID) []any { return []any{schema.CopyID(id)} }, from+"copy"+within, bytes.Clone(low[:8]), bytes.Clone(high[:8]), max)
		}
		return err
	})
	return subs, copies, err
}
