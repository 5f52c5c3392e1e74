package examine

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// subjectOf returns the subject reference of an upload; "": it was changed, and the leak is not stated to have been found later, or was known before.
// A change could make two persons of the uploads of one.
func subjectOf(s *books.Submission, found time.Time) string {
	if (s.First != "" || s.Changes > 1) && !s.SetAt.Before(found) {
		return ""
	}
	return s.Subject
}

// FillSubjects writes into out the subjects and times that the registry has now of the uploads that out shows. Of an upload
// that was erased meanwhile they stay. known is from when on leaks of an upload are known. The error wraps [registry.ErrNotFound] if the registry never had an upload.
func (v *Examiner) FillSubjects(ctx context.Context, out *findings.Finding, known func(watermark.Submission) time.Time) error {
	fill := func(of watermark.Submission, subject *string, submitted, entered *time.Time) error {
		s, err := v.Cfg.Registry.Submission(ctx, of)
		switch erased := errors.Is(err, registry.ErrErased); {
		case erased && !submitted.IsZero():
			return nil
		case err != nil && !erased:
			return err
		}
		found := v.Cfg.Given.FoundAt
		if !found.IsZero() {
			found = books.Earliest(found, known(of))
		}
		*subject, *submitted, *entered = subjectOf(s, found), s.Submitted, s.SetAt
		return nil
	}
	if err := fill(out.Submission, &out.Private.Subject, &out.Submitted, &out.SubjectEntered); err != nil {
		return err
	}
	for i := range out.Beside {
		b := &out.Beside[i]
		subject := out.Private.Others[b.Submission]
		if err := fill(b.Submission, &subject, &b.Submitted, &b.SubjectEntered); err != nil {
			return err
		}
		if out.Private.Others == nil {
			out.Private.Others = make(map[watermark.Submission]string)
		}
		out.Private.Others[b.Submission] = subject
	}
	return nil
}

// HandedOut returns the copies of a submission that their recipients have, or may have. A copy that was void when the
// leaks were found is left out. Without a find, the entries of any time count.
func HandedOut(ctx context.Context, r *registry.Registry, of watermark.Submission, found time.Time) ([]books.Copy, error) {
	copies, err := r.Copies(ctx, of)
	if err == nil {
		err = registry.StatesAt(ctx, r, copies, found)
	}
	return slices.DeleteFunc(copies, func(c books.Copy) bool { return c.State == books.CopyVoid }), err
}
