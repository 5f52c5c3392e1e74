package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/store"
	"github.com/kycmark/kycmark/watermark"
)

// SubmissionsOf lists the uploads of a subject that were not erased, in the order
// of their receipt.
func (r *Registry) SubmissionsOf(ctx context.Context, subject string) ([]Submission, error) {
	rows, err := r.store.SubmissionsOf(ctx, subject)
	out := make([]Submission, len(rows))
	for i := range rows {
		out[i] = *publicSubmission(&rows[i])
	}
	return out, err
}

// eraseAttempts bounds the races with submissions of the same subject.
const eraseAttempts = 5

// Erase destroys what is known of a subject's uploads: the data keys of their sealed
// originals, hashes, features, digests and the subject reference itself, in the
// store, and enters that in the ledger. What is left of an upload are its ID and its
// times; the copies issued of it stay, with recipient and time. Investigators, of
// other processes too, forget it before their next search. The note must not name
// the subject. The error wraps [ErrNotFound] where there is nothing to
// erase.
func (r *Registry) Erase(ctx context.Context, subject, actor, note string) (erased []watermark.Submission, err error) {
	if subject == "" {
		return nil, fmt.Errorf("%w: no subject reference", ErrInput)
	}
	if err := errors.Join(checkText("note", note, intake.MaxNote), checkText("actor", actor, intake.MaxName)); err != nil {
		return nil, err
	}
	for range eraseAttempts {
		ids, err := r.eraseOnce(ctx, subject, actor, note)
		if errors.Is(err, ErrErased) {
			continue // by somebody else, meanwhile
		}
		if erased = append(erased, ids...); err != nil {
			return erased, err
		}
		if len(ids) == 0 {
			break
		}
	}
	if len(erased) == 0 {
		return nil, fmt.Errorf("uploads of the subject: %w", ErrNotFound)
	}
	return erased, nil
}

// eraseOnce erases the uploads that are there. Where the store says that it has
// erased but could not clean up, both the IDs and the error are returned.
func (r *Registry) eraseOnce(ctx context.Context, subject, actor, note string) ([]watermark.Submission, error) {
	rows, err := r.store.SubmissionsOf(ctx, subject)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	e := store.Erasure{Note: note, Entered: r.clock(), Actor: actor, Salt: newSalt()}
	var ids []watermark.Submission
	for _, s := range rows {
		e.Submissions = append(e.Submissions, s.ID)
		ids = append(ids, s.ID)
	}
	slices.SortFunc(e.Submissions, func(a, b [16]byte) int { return bytes.Compare(a[:], b[:]) })
	if err = r.store.Erase(ctx, e); err == nil {
		return ids, nil
	}
	if row, again := r.store.Submission(ctx, rows[0].ID); !errors.Is(err, ErrErased) && again == nil && row.Erased != 0 {
		return ids, err
	}
	return nil, err
}
