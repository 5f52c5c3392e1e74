package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/kycmark/kycmark/internal/store"
)

// Info returns the registry's identity.
func (d *DB) Info(ctx context.Context) (*store.Info, error) {
	i, err := one(ctx, d.read, scanInfo, registrySQL)
	if errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("%w: the creation of the registry was interrupted; delete it and create it again", store.ErrSchema)
	}
	return i, err
}

// AddRecipient enters a recipient unless it is there.
func (d *DB) AddRecipient(ctx context.Context, r store.Recipient) (added bool, err error) {
	err = d.update(ctx, func(tx *sql.Tx) error {
		old, err := one(ctx, tx, scanRecipient, recipientSQL+" WHERE name = ?", r.Name)
		switch {
		case err == nil && old.Kind != r.Kind:
			return fmt.Errorf("%w: recipient %q is a %s", store.ErrConflict, r.Name, old.Kind)
		case err == nil:
			return nil
		case !errors.Is(err, store.ErrNotFound):
			return err
		}
		seq, err := appendEntry(ctx, tx, r)
		if err != nil {
			return err
		}
		added = true
		_, err = tx.ExecContext(ctx, addRecipientSQL, r.Name, r.Kind, r.Actor, r.Added.UnixMicro(), r.Salt[:], seq)
		return err
	})
	return added && err == nil, err
}

// Recipients lists all recipients by name.
func (d *DB) Recipients(ctx context.Context) ([]store.Recipient, error) {
	return collect(ctx, d.read, scanRecipient, recipientSQL+" ORDER BY name")
}

// AddSubmission enters an upload unless it is there.
func (d *DB) AddSubmission(ctx context.Context, s store.Submission, x store.Sealed) (added bool, err error) {
	err = d.update(ctx, func(tx *sql.Tx) error {
		old, err := one(ctx, tx, scanSubmission, submissionSQL+" WHERE id = ?", s.ID[:])
		switch {
		case err == nil && old.SHA256 != s.SHA256:
			return fmt.Errorf("%w: another file has the submission ID %x", store.ErrConflict, s.ID)
		case err == nil:
			return nil
		case !errors.Is(err, store.ErrNotFound):
			return err
		}
		added = true
		return insertSubmission(ctx, tx, s, x)
	})
	return added && err == nil, err
}

func insertSubmission(ctx context.Context, tx *sql.Tx, s store.Submission, x store.Sealed) error {
	seq, err := appendEntry(ctx, tx, s)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, addSubmissionSQL, s.ID[:], s.SHA256[:], s.Size, s.Format, s.Decoder,
		s.Width, s.Height, s.Submitted.UnixMicro(), s.Received.UnixMicro(), s.Subject, s.Hash, s.Chain,
		s.Quality, s.Salt[:], seq); err != nil {
		return fmt.Errorf("submission: %w", err)
	}
	if _, err := tx.ExecContext(ctx, addSealedSQL, s.ID[:], x.KeyID, x.Wrapped, x.Body); err != nil {
		return fmt.Errorf("sealed original: %w", err)
	}
	return nil
}

// Submission returns one upload by its ID.
func (d *DB) Submission(ctx context.Context, id [16]byte) (*store.Submission, error) {
	return one(ctx, d.read, scanSubmission, submissionSQL+" WHERE id = ?", id[:])
}

// SubmissionByRef returns one upload by its number.
func (d *DB) SubmissionByRef(ctx context.Context, ref int64) (*store.Submission, error) {
	return one(ctx, d.read, scanSubmission, submissionSQL+" WHERE ref = ?", ref)
}

// SubmissionsAfter returns up to limit uploads with a greater number.
func (d *DB) SubmissionsAfter(ctx context.Context, ref int64, limit int) ([]store.Submission, error) {
	return collect(ctx, d.read, scanSubmission, submissionSQL+" WHERE ref > ? ORDER BY ref LIMIT ?", ref, limit)
}

// Span returns when the first and the last upload were submitted.
func (d *DB) Span(ctx context.Context) (first, last time.Time, err error) {
	var a, b sql.NullInt64
	if err := d.read.QueryRowContext(ctx, spanSQL).Scan(&a, &b); err != nil || !a.Valid || !b.Valid {
		return first, last, err
	}
	return at(a.Int64), at(b.Int64), nil
}

// HashesAfter returns the hashes of up to limit uploads with a greater number.
func (d *DB) HashesAfter(ctx context.Context, ref int64, limit int) ([]store.Hash, error) {
	return collect(ctx, d.read, scanHash, hashesSQL, ref, limit)
}

// Sealed returns the encrypted original.
func (d *DB) Sealed(ctx context.Context, id [16]byte) (*store.Sealed, error) {
	return one(ctx, d.read, scanSealed, sealedSQL, id[:])
}

// AddCopy enters a copy, and before it its mark key where that was never used.
func (d *DB) AddCopy(ctx context.Context, c store.Copy, k store.MarkKey) error {
	return d.update(ctx, func(tx *sql.Tx) error {
		if err := ensureMarkKey(ctx, tx, k); err != nil {
			return err
		}
		seq, err := appendEntry(ctx, tx, c)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, addCopySQL, copyID(c.ID), c.Submission[:], c.Recipient, c.Purpose, c.KeyID,
			c.Strength, c.Margin, c.Weak, c.PSNR, c.SSIM, c.Format, c.Width, c.Height, c.SHA256[:], c.Size,
			c.Issued.UnixMicro(), c.Actor, c.Salt[:], seq)
		return conflict(err, fmt.Sprintf("copy ID %016x is taken", c.ID))
	})
}

func ensureMarkKey(ctx context.Context, tx *sql.Tx, k store.MarkKey) error {
	_, err := one(ctx, tx, scanMarkKey, markKeySQL+" WHERE id = ?", k.ID)
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	seq, err := appendEntry(ctx, tx, k)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, addMarkKeySQL, k.ID, k.Since.UnixMicro(), k.Salt[:], seq)
	return err
}

// Copy returns one issued copy.
func (d *DB) Copy(ctx context.Context, id uint64) (*store.Copy, error) {
	return one(ctx, d.read, scanCopy, copySQL+" WHERE id = ?", copyID(id))
}

// Copies lists the copies of an upload in the order of issue.
func (d *DB) Copies(ctx context.Context, of [16]byte) ([]store.Copy, error) {
	return collect(ctx, d.read, scanCopy, copySQL+" WHERE submission = ? ORDER BY seq", of[:])
}

// AddCustody enters a fact of custody.
func (d *DB) AddCustody(ctx context.Context, c store.Custody) error {
	return d.append(ctx, c, func(tx *sql.Tx, seq int64) error {
		res, err := tx.ExecContext(ctx, addCustodySQL, c.Recipient, c.From.UnixMicro(), c.To.UnixMicro(),
			len(c.Submissions), c.Note, c.Entered.UnixMicro(), c.Actor, c.Salt[:], seq)
		if err != nil {
			return err
		}
		id, err := res.LastInsertId()
		if err != nil {
			return err
		}
		for _, s := range c.Submissions {
			if _, err := tx.ExecContext(ctx, addCustodySubmissionSQL, id, s[:]); err != nil {
				return err
			}
		}
		return nil
	})
}

// Custody lists all facts in the order of entry.
func (d *DB) Custody(ctx context.Context) ([]store.Custody, error) {
	return custody(ctx, d.read, custodySQL+" ORDER BY seq")
}

// CustodyOf lists the facts that cover an upload in the order of entry.
func (d *DB) CustodyOf(ctx context.Context, submission [16]byte) ([]store.Custody, error) {
	return custody(ctx, d.read, custodyOfSQL, submission[:])
}

func custody(ctx context.Context, q querier, query string, args ...any) ([]store.Custody, error) {
	rows, err := collect(ctx, q, scanCustody, query, args...)
	if err != nil {
		return nil, err
	}
	out := make([]store.Custody, len(rows))
	for i, r := range rows {
		if r.listed > 0 {
			if r.Submissions, err = collect(ctx, q, scanID, custodySubmissionSQL, r.id); err != nil {
				return nil, err
			}
		}
		out[i] = r.Custody
	}
	return out, nil
}
