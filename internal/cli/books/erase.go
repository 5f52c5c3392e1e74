package books

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/internal/cli/ui"
	"github.com/kycmark/kycmark/internal/durable"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/kept"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// NewErase returns the verb "erase". An unknown ID is exit code 4, and so is an unknown subject.
func NewErase(u *ui.UI) *cobra.Command {
	f := eraseFlags{submissions: ui.SubmissionIDs()}
	cmd := &cobra.Command{
		Use:   "erase --subject REF | erase --submission ID... | erase --recipient NAME",
		Short: "Erase what is known of a person",
		Long: `Destroy the sealed originals of a subject's uploads with their data keys, their
hashes, features and digests, and the subject reference itself. The ledger still
holds. It keeps the uploads' IDs and times, and recipient, time and digest of the copies
issued of them. Afterwards a leak of such a picture matches nothing. A marked copy is
found as "copy (unconfirmed)", and "kycmark show COPY" says to whom it was issued.

An upload without a subject is erased by its ID, which "kycmark list" prints. A file
that two persons sent is one upload, under the subject that was entered first ("submit"
warns of it): its erasure is an erasure for both. If one of several --submission is not
in the registry, none is erased.

The same command, run again after it was killed, finishes the erasure. The ledger does
not keep whose uploads were erased. So a subject without uploads is exit code 0, with a
warning, if anything was erased within the last hour. Else it is exit code 4.

With --recipient the name of a reviewer who has an employer is erased. The copies that
the reviewer was shown stay, as copies of the employer. A report then says "a reviewer
of vendor-a (erased)". Reports and findings written before keep the name.

Without --yes the uploads are only listed. Backups, copies of the registry, sealed jobs
of its queue, and the copies that recipients hold are not erased.`,
		Example: `  kycmark erase --subject ref-7f31 --note "request 2026/44" --yes
  kycmark erase --submission 4f0c2d1e9a8b77665544332211000f1e --yes
  kycmark erase --recipient reviewer-17 --yes`,
		Args: ui.Exactly(),
	}
	cmd.Flags().StringVar(&f.subject, "subject", "", "the subject `reference`")
	cmd.Flags().Var(&f.submissions, "submission", "`ID` of an upload; may be repeated")
	cmd.Flags().StringVar(&f.recipient, "recipient", "", "the `name` of a reviewer who has an employer")
	cmd.Flags().StringVar(&f.note, "note", "", "why, as the ledger keeps it; never the subject's name or reference")
	cmd.Flags().BoolVar(&f.yes, "yes", false, "erase; this cannot be undone")
	cmd.MarkFlagsOneRequired("subject", "submission", "recipient")
	cmd.MarkFlagsMutuallyExclusive("subject", "submission", "recipient")
	return u.BookVerb(cmd, func(ctx context.Context, b *ui.Desk, _ []string) error { return eraseUploads(ctx, b, f) })
}

type eraseFlags struct {
	subject     string
	recipient   string
	submissions ui.IdList[watermark.Submission]
	note        string
	yes         bool
}

// eraseUploads erases the uploads of f, all or none. Without --yes it only lists them and returns a ui.UsageError.
func eraseUploads(ctx context.Context, b *ui.Desk, f eraseFlags) error {
	ids := f.submissions.IDs
	if f.recipient != "" {
		return eraseName(ctx, b, f)
	}
	if !f.yes {
		return wouldErase(ctx, b, f.subject, ids)
	}
	var err error
	if f.subject != "" {
		ids, err = b.Registry.Erase(ctx, f.subject, ui.Actor(), f.note)
	} else {
		ids, err = b.Registry.EraseSubmissions(ctx, ids, ui.Actor(), f.note)
	}
	was := ""
	switch {
	case f.subject != "" && errors.Is(err, registry.ErrNotFound) && registry.ErasedSince(ctx, b.Registry, time.Now().Add(-durable.Settled)):
		b.Warnf("no upload has this subject reference: they were erased within the last hour, or it is written otherwise")
		return nil
	case f.subject == "" && errors.Is(err, registry.ErrErased) && areErased(ctx, b, f.submissions.IDs):
		ids, was, err = f.submissions.IDs, " before", nil
	}
	for _, id := range ids {
		b.Printf("%s: erased%s\n", id, was)
		if err := b.Line(eraseLine{id, true}); err != nil {
			return err
		}
	}
	showing, err2 := kept.New(b.Registry, nil).Showing(ctx, ids...)
	sayKept(b, "shows an erased upload, or may show it when it is done", showing)
	return cmp.Or(err, err2)
}

func sayKept(b *ui.Desk, what string, all []kept.Item) {
	for _, x := range all {
		b.Warnf("investigation %s of %s %s, and stays until it is removed", x.ID, ui.Day(x.Made), what)
	}
}

// eraseName erases the name of the reviewer f.recipient. Without --yes it erases nothing and returns a ui.UsageError.
func eraseName(ctx context.Context, b *ui.Desk, f eraseFlags) error {
	if !f.yes {
		to, err := b.Registry.Recipient(ctx, f.recipient)
		if err != nil {
			return ui.NotFound(err)
		}
		b.Printf("%s: %s\n", ui.Name(to.Name), kindWords(to))
		return ui.Usagef("nothing was erased: it cannot be undone, so say --yes")
	}
	if err := b.Registry.EraseRecipient(ctx, f.recipient, ui.Actor(), f.note); err != nil {
		return ui.NotFound(err)
	}
	b.Printf("%s: name erased\n", ui.Name(f.recipient))
	err := b.Line(struct {
		Recipient string `json:"recipient"`
		Erased    bool   `json:"erased"`
	}{f.recipient, true})
	all, err2 := kept.New(b.Registry, nil).List(ctx, kept.Investigation) // any may have it
	sayKept(b, "may have the reviewer's name", all)
	return cmp.Or(err, err2)
}

func areErased(ctx context.Context, b *ui.Desk, ids []watermark.Submission) bool {
	return !slices.ContainsFunc(ids, func(id watermark.Submission) bool {
		_, err := b.Registry.Submission(ctx, id)
		return !errors.Is(err, registry.ErrErased)
	})
}

type eraseLine struct {
	Submission watermark.Submission `json:"submission"`
	Erased     bool                 `json:"erased"`
}

// wouldErase prints what erase would erase. It always fails: with a ui.UsageError that asks for --yes, or as [toErase].
func wouldErase(ctx context.Context, b *ui.Desk, subject string, ids []watermark.Submission) error {
	subs, err := toErase(ctx, b, subject, ids)
	if err != nil {
		return err
	}
	for _, s := range subs {
		copies, err := b.Registry.Copies(ctx, s.ID)
		if err != nil {
			return err
		}
		b.Printf("%s: of %s, %s issued\n", s.ID, ui.Day(s.Submitted), ui.Plural(len(copies), "copy"))
		if err := b.Line(eraseLine{s.ID, false}); err != nil {
			return err
		}
	}
	return ui.Usagef("nothing was erased: it cannot be undone, so say --yes")
}

// toErase returns the uploads of subject that are not erased or, if subject is "", the uploads with the given IDs.
// The error wraps [registry.ErrNotFound] or [registry.ErrErased] if one is not there.
func toErase(ctx context.Context, b *ui.Desk, subject string, ids []watermark.Submission) (subs []books.Submission, err error) {
	if subject != "" {
		if subs, err = b.Registry.SubmissionsOf(ctx, subject); err == nil && len(subs) == 0 {
			err = fmt.Errorf("uploads of the subject: %w", registry.ErrNotFound)
		}
		return subs, err
	}
	for _, id := range ids {
		s, err := b.Registry.Submission(ctx, id)
		if err != nil {
			return nil, err
		}
		subs = append(subs, *s)
	}
	return subs, nil
}
