package sqldb

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/kycmark/kycmark/internal/intake"
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

// uploadsOf is the query of the numbers of a subject's uploads, 0 for a missing upload. Its arguments are columns.
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

// parties are recipients and mark keys.
type parties struct{ *core }

func (d parties) AddRecipient(ctx context.Context, r books.Recipient) (added bool, err error) {
	return d.adding(ctx, "enter a recipient", func(t *tx) (bool, error) {
		all, err := schema.Recipients.Rows(ctx, t, "")
		if err != nil {
			return false, err
		}
		named := func(name string) func(books.Recipient) bool {
			return func(x books.Recipient) bool { return x.Name == name }
		}
		if i := slices.IndexFunc(all, named(r.Name)); i >= 0 {
			return false, same(&all[i], &r)
		}
		for _, o := range all {
			if intake.Alike(o.Name, r.Name) {
				return false, fmt.Errorf("%w: recipient %+q looks like recipient %+q, want another name", records.ErrConflict, r.Name, o.Name)
			}
		}
		if r.Of != "" {
			i := slices.IndexFunc(all, named(r.Of))
			if i < 0 {
				return false, fmt.Errorf("employer %q of recipient %q: %w", r.Of, r.Name, records.ErrNotFound)
			}
			if all[i].Kind == books.KindReviewer {
				return false, fmt.Errorf("%w: employer %q of recipient %q is a reviewer itself, want a recipient of another kind", records.ErrInput, r.Of, r.Name)
			}
		}
		return true, enter(ctx, t, schema.Recipients, &r, &r.Seq)
	})
}

// same returns an error that wraps [records.ErrConflict] if a recipient of that name is of another kind or employer.
func same(old, r *books.Recipient) error {
	switch {
	case old.Kind != r.Kind:
		return fmt.Errorf("%w: recipient %q is a %s", records.ErrConflict, r.Name, old.Kind)
	case old.Of != r.Of:
		return fmt.Errorf("%w: recipient %q has the employer %q, got %q: a person who moves is another recipient", records.ErrConflict, r.Name, old.Of, r.Of)
	}
	return nil
}

// Recipients compares the names of reviewers with their digests. Erased names need an erasure.
func (d parties) Recipients(ctx context.Context) (all []books.Recipient, err error) {
	err = d.snapshot(ctx, func(q schema.Querier) error {
		if all, err = schema.Recipients.Rows(ctx, q, ""); err != nil {
			return err
		}
		if err := onList(ctx, q, &d.dialect, records.EntryRecipient, all); err != nil {
			return err
		}
		var erased []records.Erasure
		if slices.ContainsFunc(all, func(r books.Recipient) bool { return r.Of != "" }) {
			if erased, err = readErasures(ctx, q, ""); err != nil {
				return err
			}
			if err := onList(ctx, q, &d.dialect, records.EntryErasure, erased); err != nil {
				return err
			}
		}
		return namesHold(all, erased)
	})
	slices.SortFunc(all, func(a, b books.Recipient) int { return cmp.Compare(a.Name, b.Name) })
	return all, err
}

// namesHold compares the names of recipients with their digests. An erased name must have one of the erasures, and no other name one.
func namesHold(all []books.Recipient, erasures []records.Erasure) error {
	for i := range all {
		r := &all[i]
		holds := r.Blind == [32]byte{} && r.Digest == [32]byte{} && r.Ref == ""
		if r.Of != "" {
			erased := slices.ContainsFunc(erasures, func(e records.Erasure) bool { return e.Reviewer == r.Ref })
			holds = r.Erased() && erased && r.Blind == [32]byte{} || !r.Erased() && !erased && records.NameDigest(r.Blind, r.Name) == r.Digest
		}
		if !holds {
			return schema.Tampered("the name of the recipient of entry %d was edited", r.Seq)
		}
	}
	return nil
}

func (c *checker) recipients(_, _ int64, rows []books.Recipient) error {
	erasures, err := schema.Erasures.Rows(c.ctx, c.q, " WHERE reviewer <> ''")
	if err != nil {
		return err
	}
	return namesHold(rows, erasures)
}

// blankName puts the reference of a reviewer in the place of the name. The error wraps [records.ErrNotFound] or
// [records.ErrErased].
func blankName(ctx context.Context, t *tx, ref string) error {
	r, err := schema.Recipients.One(ctx, t, " WHERE ref = $1", ref)
	if err == nil && r.Erased() {
		err = records.ErrErased
	}
	if err != nil {
		return fmt.Errorf("recipient %s: %w", ref, err)
	}
	_, err = t.ExecContext(ctx, "UPDATE recipient SET name = ref, blind = $1 WHERE ref = $2", []byte{}, ref)
	return err
}

// isNameErased checks that an erasure of a name left the reference alone. The error wraps [records.ErrTampered].
func (c *checker) isNameErased(e *records.Erasure) error {
	r, err := schema.Recipients.One(c.ctx, c.q, " WHERE ref = $1", e.Reviewer)
	if errors.Is(err, records.ErrNotFound) || err == nil && !r.Erased() {
		err = schema.Tampered("the name that entry %d erased is there", e.Seq)
	}
	return err
}
