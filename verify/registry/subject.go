package registry

import (
	"context"
	"fmt"

	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/watermark"
)

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
