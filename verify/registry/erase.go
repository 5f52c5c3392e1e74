package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/watermark"
)

// SubmissionsOf lists the uploads of a subject that were not erased, in the order of their receipt. The error wraps
// [ErrInput] for a reference that cannot be entered.
func (r *Registry) SubmissionsOf(ctx context.Context, subject string) ([]books.Submission, error) {
	if err := records.CheckText("subject reference", subject, intake.MaxName); err != nil {
		return nil, err
	}
	return r.store.SubmissionsOf(ctx, subject)
}

// eraseAttempts bounds the races of an erasure with submissions of the same subject, and of a copy of a registry with erasures.
const eraseAttempts = 5

// Erase destroys what is known of a subject's uploads: the data keys of their sealed originals, hashes, features,
// digests and the subject reference itself, in the store, and enters that in the ledger. Only the IDs and times of the
// uploads are left; the copies issued of them stay, with recipient and time. Investigators, of other processes also,
// forget the uploads before their next search. The note must not name the subject. The error wraps [ErrNotFound] if
// nothing is there to erase, and [ErrInput] if subject is "": uploads without a subject are erased by
// [Registry.EraseSubmissions]. erased may hold IDs beside an error.
func (r *Registry) Erase(ctx context.Context, subject, actor, note string) (erased []watermark.Submission, err error) {
	if subject == "" {
		return nil, fmt.Errorf("%w: no subject reference", ErrInput)
	}
	if err := errors.Join(checkNote(actor, note), records.CheckErasure("subject", subject, note)); err != nil {
		return nil, err
	}
	if err := records.CheckText("subject reference", subject, intake.MaxName); err != nil {
		return nil, err
	}
	if err := r.store.CheckSubject(ctx, subject); err != nil {
		return nil, err
	}
	for range eraseAttempts {
		rows, err := r.store.SubmissionsOf(ctx, subject)
		if err != nil {
			return erased, err
		}
		if len(rows) == 0 {
			break
		}
		ids, err := eraseAll(ctx, r, subject, each.Of(rows, func(s books.Submission) watermark.Submission { return s.ID }), actor, note)
		if errors.Is(err, ErrErased) {
			continue // by another caller, meanwhile
		}
		if erased = append(erased, ids...); err != nil {
			return erased, err
		}
	}
	if len(erased) == 0 {
		if err := r.store.Erase(ctx, records.Erasure{}); err != nil { // an erasure of the subject may have been killed
			return nil, err
		}
		return nil, fmt.Errorf("uploads of the subject: %w", ErrNotFound)
	}
	return erased, nil
}

// EraseRecipient destroys the name of a reviewer who has an employer, and enters that in the ledger. The copies that the
// reviewer was shown stay, as copies of the employer, with a reference that is not derived from the name. The note must
// not name the reviewer. The error wraps [ErrNotFound] if no recipient has that name, and [ErrInput] if the recipient
// has no employer: the rows themselves have its name.
func (r *Registry) EraseRecipient(ctx context.Context, name, actor, note string) error {
	if err := errors.Join(checkNote(actor, note), records.CheckErasure("reviewer", name, note)); err != nil {
		return err
	}
	to, err := r.Recipient(ctx, name)
	if errors.Is(err, ErrNotFound) { // an erasure of the name may have been killed: what it left comes first
		err = cmp.Or(r.store.Erase(ctx, records.Erasure{}), err)
	}
	if err != nil {
		return err
	}
	if to.Of == "" {
		return fmt.Errorf("%w: recipient %q has no employer, and only a reviewer's name can be erased", ErrInput, name)
	}
	e := records.Erasure{Reviewer: to.Ref, Note: note, Entered: r.clock(), Actor: actor, Logged: books.Logged{Salt: records.NewSalt()}}
	return r.store.Erase(ctx, e)
}

// ErasedSince reports whether an upload was erased after a time. It is false if that cannot be read.
func ErasedSince(ctx context.Context, r *Registry, t time.Time) bool {
	all, err := r.store.ErasedAfter(ctx, 0)
	return err == nil && len(all) > 0 && all[len(all)-1].Entered.After(t)
}

// EraseSubmissions erases uploads by their IDs, as [Registry.Erase] erases the uploads of a subject, and enters the
// erasure once. It is the only way to erase uploads without a subject. It is also needed for a file that several
// persons sent, since the file belongs to the subject entered first. The error wraps [ErrNotFound] or [ErrErased] if an
// upload is not there, and [ErrInput] if the note names a subject; then no upload is erased. IDs beside another error
// were erased, but old data in files could not be freed: erase the same IDs again, and it is tried again.
func (r *Registry) EraseSubmissions(ctx context.Context, ids []watermark.Submission, actor, note string) (erased []watermark.Submission, err error) {
	if len(ids) == 0 {
		return nil, fmt.Errorf("%w: no submissions", ErrInput)
	}
	if err := checkNote(actor, note); err != nil {
		return nil, err
	}
	return eraseAll(ctx, r, "", records.Ascending(ids), actor, note)
}

// checkNote checks that actor and note, which may be empty, are one line of text each and not too long.
func checkNote(actor, note string) error {
	return errors.Join(records.CheckText("note", note, intake.MaxNote), records.CheckText("actor", actor, intake.MaxName))
}

// eraseAll erases all uploads ids or none of them, and returns the erased IDs. If the store has erased but could not
// free old data in files, it returns both the IDs and the error.
func eraseAll(ctx context.Context, r *Registry, subject string, ids []watermark.Submission, actor, note string) ([]watermark.Submission, error) {
	err := r.store.Erase(ctx, records.Erasure{Whose: subject, Submissions: ids, Note: note, Entered: r.clock(), Actor: actor, Logged: books.Logged{Salt: records.NewSalt()}})
	if err == nil {
		return ids, nil
	}
	if errors.Is(err, ErrErased) || errors.Is(err, ErrNotFound) {
		return nil, err
	}
	// The caller may have given up before all was cleaned up.
	if row, again := r.store.Submission(context.WithoutCancel(ctx), ids[0]); again == nil && row.Erased {
		return ids, err
	}
	return nil, err
}

// SetSubjects enters to which subjects uploads belong, for uploads that were entered without a subject or under a wrong
// one. subjects holds a reference for each upload: opaque, never a name, and not "". All are entered in one
// transaction, each with a ledger entry, or none. changed lists the uploads that had another subject before, ascending;
// the others already had theirs. From then on [Registry.SubmissionsOf] and [Registry.Erase] follow the new subject. The
// ledger keeps commitments to earlier references, and the registry forgets them, except the one with which an upload
// was entered: its entry commits to it, so that it stays until the upload is erased. The error wraps [ErrInput] for an
// unusable reference, and [ErrNotFound] or [ErrErased] if an upload is not there.
func (r *Registry) SetSubjects(ctx context.Context, subjects map[watermark.Submission]string, actor string) (changed []watermark.Submission, err error) {
	if err := records.CheckText("actor", actor, intake.MaxName); err != nil {
		return nil, err
	}
	var ids []watermark.Submission
	for id, subject := range subjects {
		if subject == "" {
			return nil, fmt.Errorf("%w: submission %s: no subject reference", ErrInput, id)
		}
		if err := records.CheckName("subject reference", subject, intake.MaxName); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	ids = records.Ascending(ids)
	rows := make([]records.SubjectChange, len(ids))
	for i, id := range ids {
		blind := records.NewSalt()
		rows[i] = records.SubjectChange{Submission: id, Subject: subjects[id], Blind: blind, Digest: records.SubjectDigest(blind, subjects[id]),
			Entered: r.clock(), Actor: actor, Logged: books.Logged{Salt: records.NewSalt()}}
	}
	another, err := r.store.SetSubjects(ctx, rows)
	if err != nil {
		return nil, err
	}
	for i, id := range ids {
		if another[i] {
			changed = append(changed, id)
		}
	}
	return changed, nil
}
